// Package naive answers queries in the plainest way there is: it loads every
// row of the database, then filters, sorts, counts and pages them in Go, one
// field after the other. It is what the tests hold package planner against, so
// it shares no code with it and takes nothing from the metadata generated for
// it: names come from the schema of the API, and data.go describes by hand how
// rows hang together.
//
// Only in cursors it differs from the service. Those of this package are
// readable, and an Evaluator knows all that it ever wrote.
package naive
