package pgtest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"reflect"
	"sync"
)

// TB is what [New] needs of a testing.TB. It keeps the package testing, and
// the flags that come with it, out of the programs that use [Start].
type TB interface {
	Helper()
	Context() context.Context
	Cleanup(func())
	Errorf(format string, args ...any)
	Fatal(args ...any)
	Skip(args ...any)
}

// New returns the DSN of a database of the test's own, migrated and dropped
// when the test ends. A nil migrate leaves it empty.
//
// There is one template for each migrate function, told apart by its code:
// pass a named function, not a literal whose work depends on what it captures.
//
// Where no PostgreSQL is installed the test is skipped, but fails if CI is set
// in the environment. DOCKET_TEST_DATABASE_URL names a server to use instead
// of one of our own; then each New runs the migrations, so that no template
// stays behind on it.
func New(t TB, migrate Migrate) string {
	t.Helper()
	return database(t, require(t, shared, os.Getenv("CI") != ""), migrate)
}

// shared is the one server of a test process: a start for each test would
// take longer than most tests do.
var shared = sync.OnceValues(func() (*Server, error) {
	ctx := context.Background() // it outlives the test that asks first
	if dsn := os.Getenv("DOCKET_TEST_DATABASE_URL"); dsn != "" {
		return connect(ctx, dsn)
	}
	return Start(ctx)
})

// require returns the server, or ends the test.
func require(t TB, server func() (*Server, error), ci bool) *Server {
	t.Helper()
	s, err := server()
	switch {
	case err == nil:
	case errors.Is(err, ErrNotInstalled) && !ci:
		t.Skip(err)
	default:
		t.Fatal(err)
	}
	return s
}

func database(t TB, s *Server, migrate Migrate) string {
	t.Helper()
	name, err := s.fresh(t.Context(), migrate)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Drop(context.WithoutCancel(t.Context()), name); err != nil {
			t.Errorf("%v", err)
		}
	})
	return s.DSN(name)
}

// fresh makes a migrated database.
func (s *Server) fresh(ctx context.Context, migrate Migrate) (string, error) {
	if migrate == nil {
		migrate = func(context.Context, string) error { return nil }
	}
	if s.process == nil {
		return s.migrated(ctx, "test", migrate)
	}
	key := fmt.Sprint(reflect.ValueOf(migrate).Pointer())
	if err := s.Template(ctx, key, migrate); err != nil {
		return "", err
	}
	return s.Clone(ctx, key)
}
