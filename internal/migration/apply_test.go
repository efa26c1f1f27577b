package migration

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"ariga.io/atlas/sql/migrate"
	"entgo.io/ent/dialect"

	"docket/internal/database"
)

func TestApply(t *testing.T) {
	both(t, func(t *testing.T, name string) {
		db, dir := newDB(t, name), embedded(t, name)
		pending, err := Pending(t.Context(), db, dir)
		if err != nil || len(pending) == 0 {
			t.Fatalf("at first %q, %v are pending", pending, err)
		}
		if applied := apply(t, db, dir); !slices.Equal(applied, pending) {
			t.Errorf("applied %q, of %q", applied, pending)
		}
		more := add(t, dir, "rooms", "CREATE TABLE rooms (id bigint PRIMARY KEY);")
		if applied := apply(t, db, dir); !slices.Equal(applied, []string{more}) {
			t.Errorf("then applied %q", applied)
		}
		if applied, err := Up(t.Context(), db); err != nil || len(applied) > 0 {
			t.Errorf("a binary that lacks the newest file applies %q, %v", applied, err)
		}
		s, err := StatusOf(t.Context(), db, dir)
		if err != nil || len(s.Pending) > 0 || len(s.Applied) != len(pending)+1 || s.Current()+"_rooms.sql" != more {
			t.Errorf("status %+v, %v", s, err)
		}
	})
}

// A server may ask with a role that must not make tables.
func TestStatusOnlyReads(t *testing.T) {
	both(t, func(t *testing.T, name string) {
		db := newDB(t, name)
		s, err := StatusOf(t.Context(), db, embedded(t, name))
		if err != nil || len(s.Applied) > 0 || s.Current() != "" || len(s.Pending) == 0 {
			t.Errorf("status %+v, %v", s, err)
		}
		if text := everything(t, db); len(text) > 0 {
			t.Errorf("the database has %q", text)
		}
	})
}

func TestApplyAllOrNothing(t *testing.T) {
	both(t, func(t *testing.T, name string) {
		db, dir := newDB(t, name), embedded(t, name)
		apply(t, db, dir)
		before := everything(t, db)
		const rows = "CREATE TABLE rooms (id bigint PRIMARY KEY);\n\nINSERT INTO rooms VALUES (1);\nINSERT INTO rooms\nVALUES (1);\n"
		file := add(t, dir, "rooms", rows)
		last := add(t, dir, "last", "CREATE TABLE last (id bigint);")
		applied, err := Apply(t.Context(), db, dir)
		if err == nil || len(applied) > 0 || !strings.Contains(err.Error(), file+":4: ") || !strings.Contains(err.Error(), "INSERT INTO rooms\nVALUES (1)") {
			t.Errorf("applied %q, %v", applied, err)
		}
		if now := everything(t, db); !slices.Equal(now, before) {
			t.Errorf("before\n%q\nafter\n%q", before, now)
		}
		write(t, dir, file, strings.Replace(rows, "VALUES (1);\n", "VALUES (2);\n", 1))
		if applied := apply(t, db, dir); !slices.Equal(applied, []string{file, last}) {
			t.Errorf("once mended, applied %q", applied)
		}
	})
}

func TestApplyAtOnce(t *testing.T) {
	both(t, func(t *testing.T, name string) {
		url, dir := newURL(t, name), embedded(t, name)
		add(t, dir, "rooms", "CREATE TABLE rooms (id bigint PRIMARY KEY);")
		add(t, dir, "desks", "CREATE TABLE desks (id bigint PRIMARY KEY);\nINSERT INTO desks VALUES (1);")
		var (
			all []string
			mu  sync.Mutex
			wg  sync.WaitGroup
		)
		for range 4 {
			db := openDB(t, url) // as if in another process
			wg.Go(func() {
				applied, err := Apply(t.Context(), db, dir)
				if err != nil {
					t.Error(err)
				}
				mu.Lock()
				defer mu.Unlock()
				all = append(all, applied...)
			})
		}
		wg.Wait()
		files, err := dir.Files()
		if err != nil {
			t.Fatal(err)
		}
		slices.Sort(all)
		if len(all) != len(files) || len(slices.Compact(all)) != len(files) {
			t.Errorf("of %d files applied %q", len(files), all)
		}
	})
}

// Who gives up halfway leaves nothing behind, and nobody waiting.
func TestApplyGivesUp(t *testing.T) {
	slow := map[string]string{
		dialect.Postgres: "SELECT pg_sleep(60);",
		dialect.SQLite:   "INSERT INTO rooms WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000000000) SELECT max(i) FROM n;",
	}
	both(t, func(t *testing.T, name string) {
		db, dir := newDB(t, name), embedded(t, name)
		db.SetMaxOpenConns(1) // the next Apply may use the same connection
		apply(t, db, dir)
		before := everything(t, db)
		file := add(t, dir, "slow", "CREATE TABLE rooms (id bigint);\n"+slow[name])
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		defer cancel()
		if _, err := Apply(ctx, db, dir); err == nil || ctx.Err() == nil {
			t.Fatalf("Apply: %v", err)
		}
		if now := everything(t, db); !slices.Equal(now, before) {
			t.Errorf("before\n%q\nafter\n%q", before, now)
		}
		if name == dialect.SQLite {
			if on := query(t, db, "PRAGMA foreign_keys"); !slices.Equal(on, []string{"1"}) {
				t.Errorf("foreign_keys %q", on)
			}
		}
		write(t, dir, file, "CREATE TABLE rooms (id bigint);")
		if applied := apply(t, db, dir); !slices.Equal(applied, []string{file}) {
			t.Errorf("then applied %q", applied)
		}
		if name == dialect.Postgres {
			if locks := query(t, db, "SELECT objid::text FROM pg_locks WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"); len(locks) > 0 {
				t.Errorf("locks remain: %q", locks)
			}
		}
	})
}

func TestApplyWithoutTransaction(t *testing.T) {
	t.Parallel()
	db, dir := newDB(t, dialect.Postgres), embedded(t, dialect.Postgres)
	const index = "-- atlas:txmode none\n\nCREATE INDEX CONCURRENTLY provider_names ON providers (last_name);\n"
	first := add(t, dir, "index", index)
	second := add(t, dir, "more", index+"CREATE INDEX CONCURRENTLY client_names ON clients (last_name);")
	write(t, dir, second, strings.Replace(index, "provider", "client", 2)+index)
	applied, err := Apply(t.Context(), db, dir)
	if err == nil || !slices.Contains(applied, first) || !strings.Contains(err.Error(), second+":") {
		t.Fatalf("applied %q, %v", applied, err)
	}
	s, err := StatusOf(t.Context(), db, dir)
	if err != nil {
		t.Fatal(err)
	}
	last := s.Applied[len(s.Applied)-1]
	if last.Applied != 1 || last.Total != 2 || last.Error == "" || !slices.Equal(s.Pending, []string{second}) {
		t.Errorf("status %+v, last %+v", s, last)
	}
	mustExec(t, db, "DROP INDEX provider_names")
	if applied := apply(t, db, dir); !slices.Equal(applied, []string{second}) {
		t.Errorf("then applied %q", applied)
	}
	if got := query(t, db, "SELECT indexname FROM pg_indexes WHERE indexname LIKE '%_names' ORDER BY 1"); !slices.Equal(got, []string{"client_names", "provider_names"}) {
		t.Errorf("indexes %q", got)
	}
}

func TestApplyRefuses(t *testing.T) {
	both(t, func(t *testing.T, name string) {
		t.Run("files that were tampered with", func(t *testing.T) {
			t.Parallel()
			db, dir := newDB(t, name), embedded(t, name)
			file := add(t, dir, "rooms", "CREATE TABLE rooms (id bigint);")
			if err := dir.WriteFile(file, []byte("CREATE TABLE rooms (id bigint);\nDROP TABLE clients;")); err != nil {
				t.Fatal(err)
			}
			_, err := Apply(t.Context(), db, dir)
			if !errors.Is(err, migrate.ErrChecksumMismatch) || !strings.Contains(err.Error(), file+" was edited") {
				t.Errorf("Apply: %v", err)
			}
			if _, err := StatusOf(t.Context(), db, dir); !errors.Is(err, migrate.ErrChecksumMismatch) {
				t.Errorf("StatusOf: %v", err)
			}
		})
		t.Run("a database that is somebody else's", func(t *testing.T) {
			t.Parallel()
			db := newDB(t, name)
			mustExec(t, db, "CREATE TABLE songs (id bigint)")
			if _, err := Apply(t.Context(), db, embedded(t, name)); err == nil || !strings.Contains(err.Error(), "songs") {
				t.Errorf("Apply: %v", err)
			}
		})
		t.Run("a file older than what is applied", func(t *testing.T) {
			t.Parallel()
			db, dir := newDB(t, name), embedded(t, name)
			add(t, dir, "rooms", "CREATE TABLE rooms (id bigint);")
			apply(t, db, dir)
			files, err := dir.Files()
			if err != nil {
				t.Fatal(err)
			}
			write(t, dir, files[0].Version()+"5_between.sql", "CREATE TABLE between_them (id bigint);")
			var outOfOrder *migrate.HistoryNonLinearError
			if _, err := Apply(t.Context(), db, dir); !errors.As(err, &outOfOrder) {
				t.Errorf("Apply: %v", err)
			}
		})
		t.Run("a file that leaves references to nothing", func(t *testing.T) {
			t.Parallel()
			db, dir := newDB(t, name), embedded(t, name)
			apply(t, db, dir)
			mustExec(t, db, literal(seed))
			file := add(t, dir, "nobody", "UPDATE appointments SET provider_id = 999 WHERE id = 301;")
			if _, err := Apply(t.Context(), db, dir); err == nil || !strings.Contains(err.Error(), file) || !strings.Contains(err.Error(), "appointments") {
				t.Errorf("Apply: %v", err)
			}
			if left := query(t, db, "SELECT provider_id FROM appointments WHERE provider_id = 999"); len(left) > 0 {
				t.Error("the file was applied")
			}
		})
		t.Run("a transaction mode that is not there", func(t *testing.T) {
			t.Parallel()
			db, dir := newDB(t, name), embedded(t, name)
			mode := map[string]string{dialect.Postgres: "all", dialect.SQLite: "none"}[name]
			add(t, dir, "rooms", "-- atlas:txmode "+mode+"\n\nCREATE TABLE rooms (id bigint);")
			if _, err := Apply(t.Context(), db, dir); err == nil || !strings.Contains(err.Error(), "txmode "+mode) {
				t.Errorf("Apply: %v", err)
			}
		})
	})
}

// The columns are those of the atlas command, types and all.
func TestRevisionTable(t *testing.T) {
	t.Parallel()
	for name, want := range map[string][]string{
		dialect.Postgres: {
			"version character varying NO -", "description character varying NO -", "type bigint NO 2", "applied bigint NO 0",
			"total bigint NO 0", "executed_at timestamp with time zone NO -", "execution_time bigint NO -", "error text YES -",
			"error_stmt text YES -", "hash character varying NO -", "partial_hashes jsonb YES -", "operator_version character varying NO -",
		},
		dialect.SQLite: {
			"version text NO -", "description text NO -", "type integer NO 2", "applied integer NO 0",
			"total integer NO 0", "executed_at datetime NO -", "execution_time integer NO -", "error text YES -",
			"error_stmt text YES -", "hash text NO -", "partial_hashes json YES -", "operator_version text NO -",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := newDB(t, name)
			apply(t, db, embedded(t, name))
			columns := `SELECT concat_ws(' ', column_name, data_type, is_nullable, coalesce(column_default, '-'))
				FROM information_schema.columns WHERE table_name = 'atlas_schema_revisions' ORDER BY ordinal_position`
			if name == dialect.SQLite {
				columns = `SELECT name || ' ' || lower(type) || iif("notnull", ' NO ', ' YES ') || coalesce(dflt_value, '-') FROM pragma_table_info('atlas_schema_revisions')`
			}
			if got := query(t, db, columns); !slices.Equal(got, want) {
				t.Errorf("got  %q\nwant %q", got, want)
			}
		})
	}
}

func TestRevisionsAsWritten(t *testing.T) {
	both(t, func(t *testing.T, name string) {
		db := newDB(t, name)
		r := revisions{db, name}
		if err := r.create(t.Context()); err != nil {
			t.Fatal(err)
		}
		want := &migrate.Revision{
			Version: "1", Description: "d", Type: migrate.RevisionTypeExecute, Applied: 1, Total: 2,
			ExecutedAt: time.Date(2026, 1, 2, 3, 4, 5, 6000, time.UTC), ExecutionTime: time.Second,
			Error: "e", ErrorStmt: "s", Hash: "h", PartialHashes: []string{"h1:a", "h1:b"}, OperatorVersion: "o",
		}
		for _, v := range []*migrate.Revision{{Version: "1"}, want} { // the second replaces the first
			v.ExecutedAt = want.ExecutedAt
			if err := r.WriteRevision(t.Context(), v); err != nil {
				t.Fatal(err)
			}
		}
		// The atlas command keeps its own name among the revisions.
		mustExec(t, db, `INSERT INTO atlas_schema_revisions (version, description, executed_at, execution_time, hash, operator_version) VALUES ('.atlas_cloud_identifier', '', CURRENT_TIMESTAMP, 0, '', '')`)
		got, err := r.ReadRevisions(t.Context())
		if err != nil || len(got) != 1 {
			t.Fatalf("read %d revisions, %v", len(got), err)
		}
		got[0].ExecutedAt = got[0].ExecutedAt.UTC()
		if !reflect.DeepEqual(got[0], want) {
			t.Errorf("got  %+v\nwant %+v", got[0], want)
		}
		if err := r.DeleteRevision(t.Context(), "1"); err != nil {
			t.Fatal(err)
		}
		if _, err := r.ReadRevision(t.Context(), "1"); !errors.Is(err, migrate.ErrRevisionNotExist) {
			t.Errorf("deleted: %v", err)
		}
	})
}

// everything is all that a database holds: its objects, and its history.
func everything(t *testing.T, db *database.DB) []string {
	t.Helper()
	if db.Dialect == dialect.SQLite {
		all := query(t, db, "SELECT type || ' ' || name || ' ' || coalesce(sql, '') FROM sqlite_master ORDER BY 1")
		if len(all) > 0 {
			all = append(all, query(t, db, "SELECT version || hash || applied || error FROM atlas_schema_revisions ORDER BY 1")...)
		}
		return all
	}
	all := query(t, db, `SELECT concat_ws(' ', relkind, relname) FROM pg_class WHERE relnamespace = 'public'::regnamespace
		UNION ALL SELECT conname FROM pg_constraint WHERE connamespace = 'public'::regnamespace ORDER BY 1`)
	if len(all) > 0 {
		all = append(all, query(t, db, "SELECT version || hash || applied || error FROM atlas_schema_revisions ORDER BY 1")...)
	}
	return all
}
