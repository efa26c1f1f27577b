package database

import (
	"errors"

	"github.com/lib/pq"
)

// Stale reports whether PostgreSQL refused to run a statement because a migration has
// changed the type of what it returns since it was prepared. Nothing of it was done;
// prepared anew, it runs. The code says only that something is not supported: which
// thing, the place in PostgreSQL's source does, by which other drivers tell it, too.
func Stale(err error) bool {
	var pg *pq.Error
	return errors.As(err, &pg) && pg.Code == "0A000" && pg.Routine == "RevalidateCachedQuery"
}

// noticed forgets all that is prepared if err is that one of them is stale: it is
// hardly the only one, nor on one connection alone.
func (s *Statements) noticed(err error) (stale bool) {
	if !Stale(err) {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.prepared.Purge()
	return true
}
