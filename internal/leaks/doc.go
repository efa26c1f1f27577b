// Package leaks looks for secrets where they must not be.
//
// Its tests plant values that occur nowhere else wherever docket is given a
// secret: in settings, as flags, variables and keys of a file; in headers,
// variables and documents of requests. Then they run the real binary through
// starts that fail and starts that succeed, requests good and bad, a database
// that breaks and one that is lost, panics and a crash, and search all that
// comes out: standard output and error, logs, answers with their headers, and
// the files that are left. Only the database may have them.
//
// Which settings hold a secret is said for each: a new one that is in neither
// list of settings_test.go fails the tests.
package leaks
