package database

import (
	"runtime"
	"time"

	"entgo.io/ent/dialect"
)

// Connections to PostgreSQL, unless [DB.Limit] says otherwise.
const Connections = 16

// idle is how long a connection to PostgreSQL stays open that nobody uses: a
// pooler has one of its own for each, which others wait for.
const idle = 5 * time.Minute

// Limit is how many connections to PostgreSQL are open at most. Those to a SQLite
// file work in this process, each with a cache of its own: more than there are
// processors would only take memory.
func (db *DB) Limit(connections int) {
	if db.Dialect == dialect.SQLite {
		connections = runtime.GOMAXPROCS(0) + 2
	}
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(connections) // opening a connection to PostgreSQL costs more than a query
}

// bound is what holds from the start.
func (db *DB) bound() {
	db.Limit(Connections)
	if db.Dialect == dialect.Postgres {
		db.SetConnMaxIdleTime(idle)
	}
}
