// Package pgtest runs a throwaway PostgreSQL: a real one, made from the
// binaries of the machine, without Docker, ports or passwords. The tests use
// [New]; what needs a scratch database outside of tests uses [Start].
//
// # From a test
//
//	db, err := sql.Open("postgres", pgtest.New(t, migrate.Up))
//
// A test process starts one server, at the first New. It runs the migrations
// once, into a template, and each New is a copy of that template: some 15 ms
// for a database nobody else sees, so tests may all be parallel.
//
// # What ends the server
//
// A server must not outlive its owner, and the owner may be killed, may panic
// or may leave by os.Exit without any cleanup. So a small shell beside the
// server holds the reading end of a pipe of which the owner has the writing
// end. The kernel closes the latter however the owner ends; the shell then
// stops the server and removes its directory. No TestMain is needed, and the
// way is the same on Linux and macOS.
//
// Should that shell be killed too, the directory is swept by the next Start:
// an owner holds a lock on its directory, and what is not locked is nobody's.
//
// # Safety
//
// The server listens on a unix socket only, in a directory of mode 0700, and
// trusts whoever reaches it. It runs without fsync: its data is worth nothing.
// What tests of crashes need, [NewDurable] runs as one in service would.
package pgtest
