package replica_test

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"docket/gql"
	"docket/internal/booking"
	"docket/internal/database"
	"docket/internal/idempotency"
	"docket/internal/migration"
	"docket/internal/pgtest"
	"docket/internal/planner"
	"docket/internal/redistest"
	"docket/internal/replica"
	"docket/internal/viewer"
)

// cluster is a primary and its standbys, with one migrated database.
type cluster struct {
	primary  *pgtest.Server
	standbys []*pgtest.Server
	db       *database.DB // of the primary
}

const name = "docket"

func newCluster(t testing.TB, standbys int) *cluster {
	t.Helper()
	return follow(t, pgtest.NewPrimary(t), standbys)
}

// follow makes a cluster of a primary.
func follow(t testing.TB, primary *pgtest.Server, standbys int) *cluster {
	t.Helper()
	c := &cluster{primary: primary}
	must(t, c.primary.CreateDatabase(t.Context(), name))
	c.db = open(t, c.primary)
	_, err := migration.Up(t.Context(), c.db)
	must(t, err)
	for range standbys {
		c.standbys = append(c.standbys, pgtest.NewStandby(t, c.primary))
	}
	return c
}

func open(t testing.TB, s *pgtest.Server) *database.DB {
	t.Helper()
	db, err := database.Open(s.DSN(name))
	must(t, err)
	t.Cleanup(func() { must(t, db.Close()) })
	return db
}

// pause stops the standby once the sites read from it.
func (c *cluster) pause(t testing.TB, sites ...*site) {
	t.Helper()
	for _, s := range sites {
		s.logs(t, 1, isRead)
	}
	must(t, c.standbys[0].Pause(t.Context()))
}

// site is one docket.
type site struct {
	*replica.Set
	handler http.Handler
	url     string
	log     *lines
}

// serve serves with the replicas, changed.
func (c *cluster) serve(t testing.TB, change func(*replica.Config)) *site {
	t.Helper()
	s := &site{log: &lines{}}
	log := slog.New(slog.NewTextHandler(s.log, nil))
	db := open(t, c.primary)
	config := replica.Config{
		Primary: db, PrimaryURL: c.primary.DSN(name), Lag: time.Minute, Positions: replica.NewMemory(2*time.Minute, time.Now), Clock: time.Now, Log: log,
	}
	for _, standby := range c.standbys {
		config.URLs = append(config.URLs, standby.DSN(name))
	}
	if change != nil {
		change(&config)
	}
	var err error
	s.Set, err = replica.Open(config)
	must(t, err)
	t.Cleanup(func() { must(t, s.Set.Close()) })
	cursors, err := planner.NewCursors([]byte("of the tests, for the tests"))
	must(t, err)
	api, err := gql.NewHandler(gql.Config{
		DB: config.Primary.ORM(), Reads: s.Set, Dialect: db.Dialect, Rules: booking.DefaultRules(), Keys: idempotency.Keys{Keep: time.Hour},
		Limits: planner.DefaultLimits(), Cursors: cursors, Clock: time.Now, Log: log, FirstLogin: true, Requests: gql.Requests{MaxBody: 1 << 20, MaxBatch: 10},
	})
	must(t, err)
	api = s.Handler(api)
	s.handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), 20*time.Second)
		defer cancel()
		who := viewer.Viewer{Subject: r.Header.Get("Subject"), GivenName: r.Header.Get("Given-Name"), FamilyName: r.Header.Get("Given-Name")}
		if role := r.Header.Get("Role"); role != "" {
			who.Roles = []viewer.Role{viewer.Role(role)}
		}
		who.Handler(api).ServeHTTP(w, r.WithContext(ctx))
	})
	server := httptest.NewServer(s.handler)
	t.Cleanup(server.Close)
	s.url = server.URL
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the log of %s:\n%s", s.url, s.log)
		}
	})
	return s
}

// shared has servers know what was written at the others. The store has been there
// for an hour: one that has just started is not trusted.
func shared(store *redistest.Server) func(*replica.Config) {
	return func(c *replica.Config) {
		var later atomic.Int64
		clock := func() time.Time { return time.Now().Add(time.Duration(later.Load())) }
		p := replica.NewShared(store.URL(), 2*time.Minute, 5*time.Second, clock, c.Log)
		_, _ = p.Of("whoever") // it has just started, and cannot tell
		later.Store(int64(time.Hour))
		c.Positions = p
	}
}

// post sends a body as an admin with the subject, and returns the answer's.
func (s *site) post(ctx context.Context, subject, body string) (string, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url, strings.NewReader(body))
	if err != nil {
		return "", err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Subject", subject)
	r.Header.Set("Role", "admin")
	return send(r)
}

func send(r *http.Request) (string, error) {
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err == nil && (answer.StatusCode != http.StatusOK || bytes.Contains(text, []byte(`"errors"`))) {
		err = fmt.Errorf("%d: %s", answer.StatusCode, text)
	}
	return string(text), err
}

func operation(query string) string {
	body, _ := json.Marshal(map[string]string{"query": query}) // a text
	return string(body)
}

// ask performs an operation that has to succeed.
func (s *site) ask(t testing.TB, subject, query string) string {
	t.Helper()
	text, err := s.post(t.Context(), subject, operation(query))
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return text
}

// create makes a client of that name, on behalf of the subject.
func (s *site) create(t testing.TB, subject, lastName string) {
	t.Helper()
	s.ask(t, subject, fmt.Sprintf(`mutation { clientCreate(input: {firstName: "A", lastName: %q}) { client { lastName } } }`, lastName))
}

const everyone = `{ clients { totalCount edges { node { lastName } } } }`

// sees reports whether the subject finds a client of that name.
func (s *site) sees(t testing.TB, subject, lastName string) bool {
	t.Helper()
	return strings.Contains(s.ask(t, subject, everyone), fmt.Sprintf("%q", lastName))
}

// stale returns when the subject is answered by a replica that is paused: what was
// written since, by somebody else, is not there.
func (s *site) stale(t testing.TB, subject, lastName string) {
	t.Helper()
	within(t, "a replica answers "+subject, func() bool { return !s.sees(t, subject, lastName) })
}

// lines is a log that may be read while it is written.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func (l *lines) count(text string) int { return strings.Count(l.String(), text) }

func exec(t testing.TB, db *sql.DB, query string) {
	t.Helper()
	_, err := db.ExecContext(t.Context(), query)
	must(t, err)
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// within waits for something to happen.
func within(t testing.TB, what string, happened func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !happened(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("it is not so that %s", what)
		}
	}
}

// read reads one text as a request does.
func (s *site) read(t testing.TB, query string) (text string) {
	t.Helper()
	h := s.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		rows, err := s.QueryContext(r.Context(), query)
		if err != nil {
			t.Error(err)
			return
		}
		defer func() { _ = rows.Close() }()
		for rows.Next() {
			if err := rows.Scan(&text); err != nil {
				t.Error(err)
			}
		}
		if err := rows.Err(); err != nil {
			t.Error(err)
		}
	}))
	h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", nil))
	return text
}
