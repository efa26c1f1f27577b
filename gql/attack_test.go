package gql_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vektah/gqlparser/v2/ast"

	"docket/gql"
	"docket/internal/database"
	"docket/internal/dbtest"
	"docket/internal/scalar"
	"docket/internal/viewer"
)

var attacks = flag.Int("attacks", 1000, "how many mutations to try on each database")

// perAttack is how many are tried on the same rows.
const perAttack = 250

// attackers are those who try: the actors, and some who only seem to be somebody.
var attackers = []viewer.Viewer{
	actors["anonymous"], actors["client"], actors["other client"], actors["provider"], actors["other provider"], actors["admin"],
	{Subject: "zoe", Roles: []viewer.Role{viewer.Client, viewer.Provider}}, // is both, once an admin has made the rows
	{Subject: "nobody", Roles: []viewer.Role{viewer.Client, viewer.Provider}},
	{Subject: "ada"},
	{Subject: "ada", Roles: []viewer.Role{viewer.Provider}},
	{Roles: []viewer.Role{viewer.Client, viewer.Provider}},
}

// TestAttacks tries random mutations as many viewers, on rows that come of those
// before. Of each, whatever comes of it:
//   - no row changes but those that the viewer was granted, of what was there before;
//   - what is refused changes nothing;
//   - the answer names no row that the viewer may not see;
//   - a row that they may not see is refused as one that is not there, but for the
//     slot that somebody wants to have: why that cannot be, they are told;
//   - a key means nothing to whoever did not use it.
func TestAttacks(t *testing.T) {
	t.Parallel()
	schema, err := gql.Schema()
	if err != nil {
		t.Fatal(err)
	}
	for _, dialect := range dbtest.Dialects() {
		t.Run(dialect, func(t *testing.T) {
			t.Parallel()
			done, refused, told := map[string]int{}, map[string]int{}, map[string]int{}
			for seed := range max(1, *attacks/perAttack) {
				a := newAttack(t, dbtest.Open(t, dialect), schema, uint64(seed))
				a.told = told
				for i := range perAttack {
					if m := a.draw(); a.try(t, m) {
						done[m.field]++
					} else {
						refused[m.field]++
					}
					if t.Failed() {
						t.Fatalf("mutation %d of seed %d", i, seed)
					}
					if i%20 == 0 {
						a.clock.Set(a.clock.Now().Add(time.Duration(a.IntN(25)) * time.Minute))
					}
				}
			}
			t.Logf("done %v\nrefused %v\nwho wanted a slot that they may not see heard %v", done, refused, told)
			for _, f := range schema.Mutation.Fields {
				if done[f.Name] == 0 || refused[f.Name] == 0 {
					t.Errorf("%s was done %d times and refused %d times: that proves nothing", f.Name, done[f.Name], refused[f.Name])
				}
			}
		})
	}
}

// attack is a served API, and what is remembered of what was tried on it.
type attack struct {
	*rand.Rand
	stage
	db     *database.DB
	schema *ast.Schema
	rows   tables        // as they are
	drawn  viewer.Viewer // who tries what is drawn
	keys   map[string]bool
	told   map[string]int // what those heard who wanted a slot that they may not see
}

func newAttack(t *testing.T, db *database.DB, schema *ast.Schema, seed uint64) *attack {
	t.Helper()
	a := &attack{
		Rand: rand.New(rand.NewPCG(seed, 0)), stage: setStage(t, db), db: db, schema: schema, //nolint:gosec // a test that can be repeated
		keys: map[string]bool{},
	}
	a.must(t, nil, `mutation { clientCreate(input: {firstName: "Zoe", lastName: "C.", subject: "zoe"}) { client { id } }
		providerCreate(input: {firstName: "Zoe", lastName: "P.", subject: "zoe"}) { provider { id } } }`, nil)
	a.rows = dump(t, db)
	return a
}

// try performs a mutation and looks at what came of it.
func (a *attack) try(t *testing.T, m mutation) (done bool) {
	t.Helper()
	before, as := a.rows, a.as(m.who)
	hidden := a.hidden(t, as, m)
	r := as.run(t, m.document(), map[string]any{"in": m.input})
	a.rows = dump(t, a.db)
	changes := changed(before, a.rows)
	about := func(format string, args ...any) {
		t.Helper()
		input, _ := json.Marshal(m.input)
		t.Errorf("%s %s by %+v: %s\n%s %+v\n%v", m.field, input, m.who, fmt.Sprintf(format, args...), r.Data, r.Errors, changes)
	}
	key := fmt.Sprint(m.who.Subject, m.field, m.input["idempotencyKey"])
	known := m.input["idempotencyKey"] != nil && a.keys[key]
	if len(r.Errors) == 0 {
		for _, c := range changes {
			if !before.grants(m, c) {
				about("it changed %s %d", c.table, c.id)
			}
		}
		if len(changes) == 0 && strings.HasSuffix(m.field, "lientCreate") && !known {
			about("it was done by somebody else's key")
		}
		if shown := a.unseen(t, as, string(r.Data), m); len(shown) > 0 && !strings.HasSuffix(m.field, "Delete") {
			about("the answer shows %v", shown)
		}
		a.keys[key] = true
		return true
	}
	if len(changes) > 0 {
		about("it was refused and changed something")
	}
	text, _ := json.Marshal(r.Errors)
	if shown := a.unseen(t, as, string(text), m); len(shown) > 0 {
		about("the error shows %v", shown)
	}
	if r.code() == "IDEMPOTENCY_KEY_REUSED" && !known {
		about("it is somebody else's key")
	}
	if slices.Contains([]any{"INTERNAL", "CONTENTION", "TIMEOUT", "UNAVAILABLE"}, r.code()) {
		about("something else went wrong:\n%s", a.log)
	}
	if slot, ok := m.input["appointmentId"].(string); ok && before.wants(m) && slices.Contains(hidden, slot) {
		a.told[fmt.Sprint(r.code())]++
		hidden = slices.DeleteFunc(hidden, func(id string) bool { return id == slot })
	}
	if len(hidden) > 0 && !known {
		a.compare(t, m, r, hidden, about)
	}
	return false
}

// compare asks for the same with ids that no row has in the place of those of rows
// that the viewer may not see: that must not make a difference.
func (a *attack) compare(t *testing.T, m mutation, r response, hidden []string, about func(string, ...any)) {
	t.Helper()
	text, _ := json.Marshal(m)
	was, _ := json.Marshal(r)
	for i, id := range hidden {
		n, _ := scalar.ParseID(id)
		none := fmt.Sprintf("%q", scalar.FormatID(scalar.FirstID(scalar.TypeOf(n))+1<<20+i))
		text = []byte(strings.ReplaceAll(string(text), fmt.Sprintf("%q", id), none))
		was = []byte(strings.ReplaceAll(string(was), fmt.Sprintf("%q", id), none))
	}
	other := m
	other.input = nil
	if err := json.Unmarshal(text, &other.input); err != nil {
		t.Fatal(err)
	}
	var want, got response
	got = a.as(m.who).run(t, other.document(), map[string]any{"in": other.input})
	if err := json.Unmarshal(was, &want); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) {
		about("of a row that is not there it is told %+v", got.Errors)
	}
}

var quotedID = regexp.MustCompile(`"[A-Za-z0-9+/]{12,40}={0,2}"`)

// unseen are the ids of a text that are not the viewer's to see, nor told by them.
func (a *attack) unseen(t *testing.T, as *api, text string, m mutation) (ids []string) {
	t.Helper()
	told, _ := json.Marshal(m.input)
	for _, id := range quotedID.FindAllString(text, -1) {
		if id = strings.Trim(id, `"`); !strings.Contains(string(told), `"`+id+`"`) && !a.sees(t, as, id) {
			ids = append(ids, id)
		}
	}
	return ids
}

// hidden are the ids in the input of rows that are there, and not the viewer's to see.
func (a *attack) hidden(t *testing.T, as *api, m mutation) (ids []string) {
	t.Helper()
	for _, v := range m.input {
		id, _ := v.(string)
		if n, err := scalar.ParseID(id); err == nil && a.rows.has(n) && !a.sees(t, as, id) {
			ids = append(ids, id)
		}
	}
	return ids
}

func (a *attack) sees(t *testing.T, as *api, id string) bool {
	t.Helper()
	if _, err := scalar.ParseID(id); err != nil {
		return true // it is no id
	}
	r := as.run(t, fmt.Sprintf("{ node(id: %q) { id } }", id), nil)
	return strings.Contains(string(r.Data), id)
}
