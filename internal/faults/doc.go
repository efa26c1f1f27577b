// Package faults breaks docket on purpose, and checks what is left.
//
// Its tests start the real binary as processes, on SQLite files and on
// PostgreSQL clusters of their own, put load on it over HTTP, and then end
// processes, cut connections, fill disks, move clocks or stop listening. While
// they do, every load client keeps a journal of what it asked for and what it
// was told. Afterwards the rows are read straight from the database and held
// against the journals:
//
//   - what was acknowledged is there,
//   - what was refused is not,
//   - what nobody knows about is there whole, or not at all,
//   - and no row is there that nobody asked for.
//
// The rules of booking are held against the rows, too: no slot has two live
// holders, no client is at two places, no provider has overlapping open slots.
//
// TestHostileRequests breaks nothing: it sends what hurts servers, and measures.
//
//	go test ./internal/faults             # once, briefly
//	go test ./internal/faults -long 30m   # again and again for so long, with a summary
//	go test ./internal/faults -seed 17    # with the chances of an earlier run
//
// docs/reliability.md says what is promised, and what was found.
package faults
