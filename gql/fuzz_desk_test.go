package gql_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"entgo.io/ent/dialect"
	"github.com/vektah/gqlparser/v2/ast"

	"docket/gql"
	"docket/internal/booking"
	"docket/internal/database"
	"docket/internal/dbtest"
	"docket/internal/idempotency"
	"docket/internal/planner"
	"docket/internal/viewer"
)

// desk is an API over a small world that is the same for each input, so that
// what fails once fails again.
type desk struct {
	schema    *ast.Schema
	mutations ast.FieldList
	codes     map[string]bool // those that docs/errors.md tells

	url     string
	world   []byte // the database at first
	db      *database.DB
	handler http.Handler
	log     bytes.Buffer
}

func newDesk(f *testing.F) *desk {
	f.Helper()
	schema, err := gql.Schema()
	must(f, err)
	d := &desk{schema: schema, mutations: schema.Mutation.Fields, codes: documented(f), url: dbtest.URL(f, dialect.SQLite)}
	db, err := database.Open(d.url)
	must(f, err)
	serve(f, db).populate(f)
	must(f, db.Close())
	d.world, err = os.ReadFile(d.path())
	must(f, err)
	f.Cleanup(func() { d.close(f) })
	return d
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// documented are the codes that an input can be refused with.
func documented(t testing.TB) map[string]bool {
	t.Helper()
	text, err := os.ReadFile("../docs/errors.md")
	must(t, err)
	codes := map[string]bool{}
	for _, m := range regexp.MustCompile("(?m)^\\| `([A-Z_]+)` \\|").FindAllSubmatch(text, -1) {
		codes[string(m[1])] = true
	}
	for _, ours := range []string{"INTERNAL", "UNAVAILABLE", "CONTENTION", "TIMEOUT"} { // the service's fault, not the input's
		if !codes[ours] {
			t.Fatalf("docs/errors.md does not tell of %s", ours)
		}
		delete(codes, ours)
	}
	return codes
}

func (d *desk) path() string { return strings.TrimPrefix(d.url, "sqlite://") }

func (d *desk) close(t testing.TB) {
	t.Helper()
	if d.db != nil {
		must(t, d.db.Close())
		d.db = nil
	}
}

// open puts the world back to what it was, if anything was changed.
func (d *desk) open(t testing.TB) {
	t.Helper()
	if d.log.Reset(); d.db != nil {
		return
	}
	must(t, os.WriteFile(d.path(), d.world, 0o600))
	db, err := database.Open(d.url)
	must(t, err)
	handler, err := gql.NewHandler(gql.Config{
		DB: db.ORM(), Reads: db.Reads(), Dialect: db.Dialect, Rules: booking.DefaultRules(), Limits: planner.DefaultLimits(), Cursors: cursors(t),
		Keys: idempotency.Keys{Keep: 24 * time.Hour}, Clock: func() time.Time { return monday.Add(45 * time.Minute) }, Log: slog.New(slog.NewTextHandler(&d.log, nil)),
	})
	must(t, err)
	d.db, d.handler = db, viewer.Local().Handler(handler)
}

func (d *desk) send(body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body)) //nolint:noctx // nobody leaves before the answer
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	d.handler.ServeHTTP(w, r)
	return w
}

// judge sends a mutation with the input and checks what comes of it.
func (d *desk) judge(t *testing.T, m *ast.FieldDefinition, input string) {
	t.Helper()
	d.open(t)
	document := fmt.Sprintf("mutation($input: %s) { it: %s(input: $input) { %s } }", m.Arguments[0].Type, m.Name, d.selection(m.Type.Name()))
	body := fmt.Sprintf(`{"query": %q, "variables": {"input": %s}}`, document, input)
	text, r := d.answer(t, body, input)
	var data struct{ It map[string]any }
	if !json.Valid([]byte(input)) || len(r.Errors) > 0 {
		if len(r.Errors) == 0 {
			d.close(t) // the text went on beyond the input, and changed something
		}
		return
	}
	must(t, exact(r.Data, &data))
	var given map[string]any
	must(t, exact([]byte(input), &given))
	if !d.fits(m.Arguments[0].Type, given) {
		t.Errorf("%s\nis accepted, although it does not fit the schema", body)
	}
	d.kept(t, body, given, data.It)
	if given["idempotencyKey"] != nil {
		if again := d.send(body); again.Body.String() != text {
			t.Errorf("%s\nanswers %s\nand, again, %s", body, text, again.Body)
		}
	}
	d.close(t)
}

// answer sends a request that has the input in it, and checks that the answer is
// one that the service promises.
func (d *desk) answer(t *testing.T, body, input string) (text string, r response) {
	t.Helper()
	w := d.send(body)
	if err := json.Unmarshal(w.Body.Bytes(), &r); err != nil {
		t.Fatalf("%s\nanswers no JSON: %s", body, w.Body)
	}
	if w.Code != http.StatusOK && (w.Code != http.StatusBadRequest || r.Data != nil) || d.log.Len() > 0 {
		t.Errorf("%s\nanswers %d %s and logs %s", body, w.Code, w.Body, &d.log)
	}
	d.refused(t, body, input, r)
	return w.Body.String(), r
}

// exact reads JSON whose numbers stay as they are written.
func exact(text []byte, v any) error {
	from := json.NewDecoder(bytes.NewReader(text))
	from.UseNumber()
	return from.Decode(v)
}

// inside is what messages must not tell: how the service is made.
var inside = regexp.MustCompile(`\bmap\b|interface|\bslice\b|\bu?int\d+\b|\bfloat\d+\b|json:|strconv|reflect|%!|0x|nil\b|panic|UNIQUE|INSERT|UPDATE|` + leaks.String())

// refused checks the errors of an answer.
func (d *desk) refused(t *testing.T, body, input string, r response) {
	t.Helper()
	if len(r.Errors) == 0 && (r.Data == nil || string(r.Data) == "null") {
		t.Errorf("%s\nanswers neither data nor errors", body)
	}
	for _, e := range r.Errors {
		code, _ := e.Extensions["code"].(string)
		if !d.codes[code] || e.Message == "" {
			t.Errorf("%s\nanswers %+v, which docs/errors.md does not tell", body, e)
		}
		if inside.MatchString(e.Message) && !inside.MatchString(input) {
			t.Errorf("%s\ntells of the inside: %s", body, e.Message)
		}
	}
}

// fits reports whether a value may stand for one of the type (GraphQL
// specification, 3.5 to 3.12, Input Coercion).
func (d *desk) fits(typ *ast.Type, v any) bool {
	list, isList := v.([]any)
	switch {
	case v == nil:
		return !typ.NonNull
	case typ.Elem != nil && isList:
		return !slices.ContainsFunc(list, func(v any) bool { return !d.fits(typ.Elem, v) })
	case typ.Elem != nil:
		return d.fits(typ.Elem, v)
	case typ.NamedType == "Int":
		_, ok := v.(json.Number)
		return ok
	}
	object, ok := v.(map[string]any)
	if !ok {
		_, ok = v.(string)
		return ok && d.schema.Types[typ.NamedType].IsLeafType()
	}
	for _, f := range d.schema.Types[typ.NamedType].Fields {
		if v, given := object[f.Name]; given && !d.fits(f.Type, v) || !given && f.Type.NonNull {
			return false
		}
	}
	return true
}

// kept checks that what was given is what is there.
func (d *desk) kept(t *testing.T, body string, given, payload map[string]any) {
	t.Helper()
	for name, held := range payload {
		rows, many := held.([]any)
		inputs, listed := given[name].([]any)
		if !many {
			rows = []any{held}
		}
		if !listed {
			inputs = []any{given[name]}
		}
		if given[name] == nil {
			inputs = []any{given}
		}
		if many && len(inputs) != len(rows) {
			t.Errorf("%s\nleads to %d rows", body, len(rows))
			continue
		}
		for i, row := range rows {
			row, isRow := row.(map[string]any)
			if input, ok := inputs[i].(map[string]any); ok && isRow {
				same(t, body, input, row)
			}
		}
		if row, ok := rows[0].(map[string]any); ok && row["id"] != nil {
			d.there(t, body, row)
		}
	}
}

// same checks that a row has the values that were given for it.
func same(t *testing.T, body string, given, row map[string]any) {
	t.Helper()
	for name, v := range given {
		if has, ok := row[name]; ok && v != nil && name != "__typename" && !reflect.DeepEqual(v, has) {
			t.Errorf("%s\nis accepted, but %s is %#v", body, name, has)
		}
	}
}

// there checks that a row is read as the mutation answered.
func (d *desk) there(t *testing.T, body string, row map[string]any) {
	t.Helper()
	var r struct{ Data struct{ Node map[string]any } }
	typ, fields := row["__typename"], make([]string, 0, len(row))
	for name := range row {
		fields = append(fields, name)
	}
	query := fmt.Sprintf(`{"query": "{ node(id: \"%s\") { ... on %s { %s } } }"}`, row["id"], typ, strings.Join(fields, " "))
	if w := d.send(query); exact(w.Body.Bytes(), &r) != nil || !reflect.DeepEqual(r.Data.Node, row) {
		t.Errorf("%s\nanswers %v, but %s is %s", body, row, query, w.Body)
	}
}

// selection is what a payload tells of its rows, without those they lead to.
func (d *desk) selection(typ string) string {
	if connection, ok := strings.CutSuffix(typ, "Connection"); ok {
		return "edges { cursor node { " + d.selection(connection) + " } }"
	}
	all := []string{"__typename"}
	for _, f := range d.schema.Types[typ].Fields {
		switch to := d.schema.Types[f.Type.Name()]; {
		case to.IsLeafType():
			all = append(all, f.Name)
		case strings.HasSuffix(typ, "Payload"):
			all = append(all, f.Name+" { "+d.selection(to.Name)+" }")
		}
	}
	return strings.Join(all, " ")
}
