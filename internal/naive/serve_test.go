package naive_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vektah/gqlparser/v2/ast"

	"docket/gql"
	"docket/internal/booking"
	"docket/internal/database"
	"docket/internal/dbtest"
	"docket/internal/naive"
	"docket/internal/planner"
	"docket/internal/viewer"
)

// now is when the clock of these tests stands.
var now = time.Date(2030, 1, 7, 8, 0, 0, 123456000, time.UTC)

// Small pages of small tables end as often as large ones of large tables.
const (
	page    = 7
	maxPage = 60
)

// world is the same data in every database, behind the API, and in the evaluator.
type world struct {
	schema  *ast.Schema
	naive   *naive.Evaluator
	sides   []side
	data    *generator
	cursors map[string]string // of the API, by those of the evaluator
	known   map[string]string // the other way round
	learned []string          // those of the evaluator, in the order they were met

	compared int // operations that were compared
}

// side is one database and the API on it.
type side struct {
	name    string
	db      *database.DB
	handler http.Handler
	who     viewer.Viewer
	log     *bytes.Buffer
}

// build makes the world of a seed.
func build(t testing.TB, seed uint64) *world {
	t.Helper()
	schema, err := gql.Schema()
	if err != nil {
		t.Fatal(err)
	}
	w := &world{schema: schema, naive: naive.New(schema), cursors: map[string]string{}, known: map[string]string{}}
	rules := booking.DefaultRules()
	w.naive.Now, w.naive.Notice, w.naive.Page, w.naive.MaxPage = now, rules.AdvanceNotice, page, maxPage
	for _, name := range dbtest.Dialects() {
		w.sides = append(w.sides, serve(t, dbtest.Open(t, name), rules))
	}
	w.data = newGenerator(seed)
	for _, c := range w.data.fill() {
		w.apply(t, c)
	}
	w.load(t)
	if !reflect.DeepEqual(w.naive.Data, w.data.rows) {
		t.Fatalf("what was loaded is not what was stored:\n%v\n%v", w.naive.Data, w.data.rows)
	}
	return w
}

func serve(t testing.TB, db *database.DB, rules booking.Rules) side {
	t.Helper()
	cursors, err := planner.NewCursors([]byte("of the tests, for the tests"))
	if err != nil {
		t.Fatal(err)
	}
	limits := planner.DefaultLimits()
	limits.Page, limits.MaxPage, limits.Rows = page, maxPage, 1<<40
	log := &bytes.Buffer{}
	handler, err := gql.NewHandler(gql.Config{
		DB: db.ORM(), Reads: db.Reads(), Dialect: db.Dialect, Rules: rules, Limits: limits, Cursors: cursors,
		Clock: func() time.Time { return now }, Log: slog.New(slog.NewTextHandler(log, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	return side{db.Dialect, db, handler, viewer.Local(), log}
}

// load has the evaluator know what is in the databases now.
func (w *world) load(t testing.TB) {
	t.Helper()
	for i, s := range w.sides {
		data, err := naive.Load(context.Background(), s.db.DB)
		if err != nil {
			t.Fatal(err)
		}
		if i > 0 && !reflect.DeepEqual(data, w.naive.Data) {
			t.Fatalf("the databases differ:\n%v\n%v", w.naive.Data, data)
		}
		w.naive.Data = data
	}
}

// request is an operation. Its cursors are the evaluator's.
type request struct {
	Query     string         `json:"query"`
	Variables map[string]any `json:"variables"`
}

// errRefused says that the operation is larger than the API allows.
var errRefused = errors.New("too complex")

// compare performs an operation on all sides, and says how the answers differ.
func (w *world) compare(q request) error {
	want, refused, err := w.naive.Answer(q.Query, q.Variables)
	if err != nil {
		return err
	}
	body, err := w.post(q)
	if err != nil {
		return err
	}
	answers := make([][]byte, len(w.sides))
	for i, s := range w.sides {
		answers[i] = s.post(body)
	}
	if !bytes.Equal(answers[0], answers[1]) {
		return fmt.Errorf("the databases differ:\n%s  %s%s\n%s %s%s",
			w.sides[0].name, answers[0], w.sides[0].log, w.sides[1].name, answers[1], w.sides[1].log)
	}
	for _, larger := range []string{`"code":"TOO_COMPLEX"`, `"message":"exceeded token limit`} {
		if bytes.Contains(answers[0], []byte(larger)) {
			return errRefused
		}
	}
	w.compared++
	if len(refused) > 0 {
		return w.refuses(answers[0], refused, want)
	}
	return w.match(escaped(fmt.Appendf(nil, `{"data":%s}`, want)), escaped(answers[0]))
}

// escaped is JSON with <, >, & and what JavaScript takes for the end of a line
// escaped, which is up to whoever writes the response.
func escaped(text []byte) []byte {
	var out bytes.Buffer
	json.HTMLEscape(&out, text)
	return out.Bytes()
}

// ourCursor is a cursor of the evaluator, inside of a string.
var ourCursor = regexp.MustCompile(`cursor:[A-Z][^"\\]*`)

// post is the body of the request, with cursors of the API.
func (w *world) post(q request) ([]byte, error) {
	body, err := json.Marshal(q)
	unknown := ""
	body = ourCursor.ReplaceAllFunc(body, func(cursor []byte) []byte {
		theirs, ok := w.cursors[string(cursor)]
		if !ok {
			unknown = string(cursor)
		}
		return []byte(theirs)
	})
	if unknown != "" {
		return nil, fmt.Errorf("%w: nobody told the cursor %s", naive.ErrInvalid, unknown)
	}
	return body, err
}

func (s side) post(body []byte) []byte {
	s.log.Reset()
	req := httptest.NewRequestWithContext(context.Background(), http.MethodPost, "/", bytes.NewReader(body))
	req.Header.Set("Content-Type", "application/json")
	res := httptest.NewRecorder()
	s.who.Handler(s.handler).ServeHTTP(res, req)
	return res.Body.Bytes()
}

// match compares answers byte by byte. Where the evaluator has a cursor, the API
// must have one too: always the same for the same position, and only for it.
func (w *world) match(want, got []byte) error {
	rest := got
	from := 0
	for _, at := range append(ourCursor.FindAllIndex(want, -1), []int{len(want), len(want)}) {
		same, ok := bytes.CutPrefix(rest, want[from:at[0]])
		end := bytes.IndexByte(same, '"')
		if at[0] == len(want) {
			end = len(same)
		}
		if !ok || end < 0 || at[0] == len(want) && end > 0 {
			return fmt.Errorf("the answer is wrong:\nwant %s\ngot  %s", want, got)
		}
		if ours, theirs := string(want[at[0]:at[1]]), string(same[:end]); ours != "" {
			if err := w.learn(ours, theirs); err != nil {
				return fmt.Errorf("%w\nwant %s\ngot  %s", err, want, got)
			}
		}
		rest, from = same[end:], at[1]
	}
	return nil
}

func (w *world) learn(ours, theirs string) error {
	if before, ok := w.cursors[ours]; ok && before != theirs {
		return fmt.Errorf("two cursors for %s: %s and %s", ours, before, theirs)
	}
	if before, ok := w.known[theirs]; ok && before != ours {
		return fmt.Errorf("one cursor %s for %s and %s", theirs, before, ours)
	}
	if w.cursors[ours] == "" {
		w.learned = append(w.learned, ours)
	}
	w.cursors[ours], w.known[theirs] = theirs, ours
	return nil
}

// refuses holds an answer against the paths of the fields that it must refuse,
// and the data that is left.
func (w *world) refuses(answer []byte, paths []string, data []byte) error {
	var r struct {
		Data   json.RawMessage
		Errors []struct {
			Path       []string
			Extensions struct{ Code string }
		}
	}
	if err := json.Unmarshal(answer, &r); err != nil {
		return fmt.Errorf("%w in %s", err, answer)
	}
	var got []string
	for _, e := range r.Errors {
		got = append(got, "/"+strings.Join(e.Path, "/"))
		if e.Extensions.Code != planner.BadInput {
			return fmt.Errorf("the code is wrong: %s", answer)
		}
	}
	slices.Sort(got)
	if !slices.Equal(got, paths) {
		return fmt.Errorf("only %v must be refused, once each: %s", paths, answer)
	}
	if data == nil {
		data = []byte("null")
	}
	return w.match(escaped(data), escaped(r.Data))
}
