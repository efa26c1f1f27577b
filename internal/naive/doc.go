// Package naive answers queries in the plainest way there is: it loads every
// row of the database, then filters, sorts, counts and pages them in Go, one
// field after the other. It is what the tests hold package planner against, so
// it shares no code with it and takes nothing from the metadata generated for
// it: names come from the schema of the API, and data.go describes by hand how
// rows hang together.
//
// The tests compare both databases with each other and with the evaluator, byte
// by byte, on random data: random operations, and walks by pages while rows come
// and go. A failure prints the smallest document that still fails, in the form of
// a file for testdata/cases, where it stays once its reason is gone. To look for
// longer:
//
//	go test ./internal/naive -ops 20000 -seed 1000
//
// A new entity is left alone until data.go and the data of the tests know it. So
// is the audit trail, whose times are those of its database.
//
// Only in cursors it differs from the service. Those of this package are
// readable, and an Evaluator knows all that it ever wrote.
package naive
