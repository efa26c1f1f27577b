package ent_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"docket/internal/dbtest"
)

// examples are all that a schema author writes for two new entities, Room and
// Absence: those of the guide.
func examples(t *testing.T) (room, absence string) {
	t.Helper()
	guide, err := os.ReadFile("../docs/entities.md")
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile("(?s)```go\n(.*?)```").FindAllSubmatch(guide, -1)
	if len(m) != 2 {
		t.Fatalf("the guide has %d examples", len(m))
	}
	return string(m[0][1]), string(m[1][1])
}

// TestFifthEntity adds an entity as the README says: one file, one generate,
// one migration; one with times that must not overlap; and one with all kinds of
// fields and edges. Then it drives
// the new API over HTTP, on every database.
func TestFifthEntity(t *testing.T) {
	t.Parallel()
	tree := copyTree(t)
	room, absence := examples(t)
	write(t, filepath.Join(tree, "ent", "schema", "room.go"), room)
	write(t, filepath.Join(tree, "ent", "schema", "absence.go"), absence)
	gadget, err := os.ReadFile(filepath.Join("testdata", "gadget.go"))
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(tree, "ent", "schema", "gadget.go"), string(gadget))
	goTool(t, tree, "generate", "./...")
	goTool(t, tree, "run", "./cmd/docket", "migrate", "diff", "add_rooms")
	if again := goTool(t, tree, "run", "./cmd/docket", "migrate", "diff", "again"); strings.Contains(again, "wrote") {
		t.Errorf("a second diff still finds something:\n%s", again)
	}
	if written, err := filepath.Glob(filepath.Join(tree, "migrations", "*", "*_add_rooms.sql")); err != nil || len(written) != 2 {
		t.Fatal(written, err)
	} else {
		for _, path := range written {
			text, err := os.ReadFile(path)
			if err != nil || !regexp.MustCompile("part_gadget_parts_id.*gadget_parts.*id").Match(text) {
				t.Errorf("an edge without a field has no index: %v in %s", err, path)
			}
		}
	}
	goTool(t, tree, "build", "-o", "docket-with-rooms", "./cmd/docket")
	for _, name := range dbtest.Dialects() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url := start(t, filepath.Join(tree, "docket-with-rooms"), dbtest.URL(t, name))
			driveRooms(t, url)
			driveGadgets(t, url)
			driveAbsences(t, url)
		})
	}
}

// What a schema does not say of who may, nobody is left to guess.
func TestEveryEntityNeedsAPolicy(t *testing.T) {
	t.Parallel()
	tree := copyTree(t)
	room, _ := examples(t)
	policy := regexp.MustCompile(`(?s)// Policy of the Room.*?\n}\n`)
	write(t, filepath.Join(tree, "ent", "schema", "room.go"), policy.ReplaceAllString(room, ""))
	cmd := exec.CommandContext(t.Context(), "go", "run", "./entc")
	cmd.Dir = filepath.Join(tree, "ent")
	if out, err := cmd.CombinedOutput(); err == nil || !strings.Contains(string(out), "Room needs a policy") {
		t.Errorf("%v\n%s", err, out)
	}
}

func driveRooms(t *testing.T, url string) {
	t.Helper()
	provider := text(t, do(t, url, `mutation { providerCreate(input: {firstName: "Mei", lastName: "Tanaka"}) { provider { id } } }`, nil), "providerCreate", "provider", "id")
	vars := map[string]any{"p": provider}

	created := do(t, url, `mutation($p: ID!) { roomCreate(input: {name: "Blue", seatCount: 4, size: LARGE, rentCents: 90000, equipment: ["desk", "lamp"],
		renovatedAt: "2029-05-01T00:00:00Z", providerId: $p}) {
		room { id name seatCount size rentCents equipment renovatedAt version provider { lastName } } } }`, vars)
	want(t, created, `{"roomCreate":{"room":{"id":"Um9vbTox","name":"Blue","seatCount":4,"size":"LARGE","rentCents":90000,"equipment":["desk","lamp"],`+
		`"renovatedAt":"2029-05-01T00:00:00Z","version":1,"provider":{"lastName":"Tanaka"}}}}`)

	want(t, do(t, url, `mutation { roomUpdate(input: {id: "Um9vbTox", seatCount: 5, rentCents: 5, equipment: ["desk"], renovatedAt: null}) {
		room { seatCount rentCents equipment renovatedAt version } } }`, nil),
		`{"roomUpdate":{"room":{"seatCount":5,"rentCents":5,"equipment":["desk"],"renovatedAt":null,"version":2}}}`)

	conflict := post(t, url, `mutation { roomUpdate(input: {id: "Um9vbTox", expectedVersion: 1, seatCount: 6}) { room { id } } }`, nil)
	if len(conflict.Errors) != 1 || !reflect.DeepEqual(conflict.Errors[0].Extensions, map[string]any{
		"code": "VERSION_CONFLICT", "type": "Room", "id": "Um9vbTox", "expectedVersion": 1.0, "version": 2.0,
		"changed": []any{"equipment", "renovatedAt", "rentCents", "seatCount"},
	}) {
		t.Errorf("got %+v", conflict.Errors)
	}
	want(t, do(t, url, `mutation { roomUpdate(input: {id: "Um9vbTox", rentCents: null, equipment: null}) { room { rentCents equipment } } }`, nil),
		`{"roomUpdate":{"room":{"rentCents":null,"equipment":null}}}`)

	for range 2 { // done once: a second Grey would be in use already
		want(t, do(t, url, `mutation($p: ID!) { roomCreate(input: {name: "Grey", providerId: $p, idempotencyKey: "k"}) { room { id version } } }`, vars),
			`{"roomCreate":{"room":{"id":"Um9vbToy","version":1}}}`)
	}
	for range 2 {
		want(t, do(t, url, `mutation { roomDelete(input: {id: "Um9vbToy", expectedVersion: 1, idempotencyKey: "k"}) { deletedId } }`, nil),
			`{"roomDelete":{"deletedId":"Um9vbToy"}}`)
	}
	want(t, do(t, url, `mutation($p: ID!) { roomBulkCreate(input: {rooms: [{name: "Green", providerId: $p}, {name: "Amber", providerId: $p, size: LARGE}]}) {
		rooms { name seatCount provider { lastName } } } }`, vars),
		`{"roomBulkCreate":{"rooms":[{"name":"Green","seatCount":1,"provider":{"lastName":"Tanaka"}},{"name":"Amber","seatCount":1,"provider":{"lastName":"Tanaka"}}]}}`)

	want(t, do(t, url, `{ rooms(where: {size: LARGE, hasProviderWith: [{lastName: "Tanaka"}]}, orderBy: {field: SEAT_COUNT, direction: DESC}) {
		totalCount edges { node { name } } }
		small: rooms(where: {nameContains: "ee"}, first: 1) { edges { node { name } } pageInfo { hasNextPage } }
		room(id: "Um9vbTox") { name } node(id: "Um9vbToz") { __typename ... on Room { name } } }`, nil),
		`{"rooms":{"totalCount":2,"edges":[{"node":{"name":"Blue"}},{"node":{"name":"Amber"}}]},`+
			`"small":{"edges":[{"node":{"name":"Green"}}],"pageInfo":{"hasNextPage":false}},`+
			`"room":{"name":"Blue"},"node":{"__typename":"Room","name":"Green"}}`)

	refused(t, post(t, url, `mutation($p: ID!) { roomCreate(input: {name: "Blue", providerId: $p}) { room { id } } }`, vars), "ALREADY_EXISTS", "name")
	refused(t, post(t, url, `mutation { roomCreate(input: {name: "Red", providerId: "Um9vbTox"}) { room { id } } }`, nil), "BAD_USER_INPUT", "providerId")
	refused(t, post(t, url, `mutation { roomCreate(input: {name: "", providerId: "UHJvdmlkZXI6MQ=="}) { room { id } } }`, nil), "BAD_USER_INPUT", "name")

	want(t, do(t, url, `mutation { roomDelete(input: {id: "Um9vbTox"}) { deletedId } }`, nil), `{"roomDelete":{"deletedId":"Um9vbTox"}}`)
	want(t, do(t, url, `{ room(id: "Um9vbTox") { name } }`, nil), `{"room":null}`)
}

// driveGadgets reads what the other entities have not: columns with names that a
// statement could use itself, floats, narrow numbers, and edges to itself.
func driveGadgets(t *testing.T, url string) {
	t.Helper()
	for _, in := range []string{
		`{key: "b", nth: 1, ratio: 1e300, tiny: 127}`,
		`{key: "a", nth: 2, partnerId: "R2FkZ2V0OjE=", parentId: "R2FkZ2V0OjE="}`,
		`{key: "c", nth: 3, ratio: -0.0, on: true, parentId: "R2FkZ2V0OjE=", friendIds: ["R2FkZ2V0OjE=", "R2FkZ2V0OjI="]}`,
	} {
		do(t, url, `mutation { gadgetCreate(input: `+in+`) { gadget { id } } }`, nil)
	}
	do(t, url, `mutation { partCreate(input: {name: "p", gadgetId: "R2FkZ2V0OjM="}) { part { id } } }`, nil)

	want(t, do(t, url, `{ gadgets(orderBy: {field: RATIO, direction: ASC}) { edges { node { key nth ratio tiny on } } } }`, nil),
		`{"gadgets":{"edges":[{"node":{"key":"c","nth":3,"ratio":0,"tiny":0,"on":true}},{"node":{"key":"b","nth":1,"ratio":1e+300,"tiny":127,"on":false}},`+
			`{"node":{"key":"a","nth":2,"ratio":null,"tiny":0,"on":false}}]}}`)
	want(t, do(t, url, `{ gadgets(first: 2, orderBy: {field: PARTS_COUNT, direction: DESC}) { pageInfo { hasNextPage } edges { node { key nth
		parts(first: 1) { totalCount } parent { key } children { edges { node { key } } } friends { totalCount } partner { key } } } } }`, nil),
		`{"gadgets":{"pageInfo":{"hasNextPage":true},"edges":[`+
			`{"node":{"key":"c","nth":3,"parts":{"totalCount":1},"parent":{"key":"b"},"children":{"edges":[]},"friends":{"totalCount":2},"partner":null}},`+
			`{"node":{"key":"a","nth":2,"parts":{"totalCount":0},"parent":{"key":"b"},"children":{"edges":[]},"friends":{"totalCount":1},"partner":{"key":"b"}}}]}}`)
	want(t, do(t, url, `{ gadgets(where: {tinyLT: 70000, tinyNotIn: [2000000000], hasParent: true, not: {ratioGT: 1}}) { totalCount } }`, nil),
		`{"gadgets":{"totalCount":2}}`)
	for _, order := range []string{"ID", "KEY", "NTH", "RATIO", "TINY", "ON", "PARENT_KEY", "PARTS_COUNT"} {
		for _, direction := range []string{"ASC", "DESC"} {
			by := `orderBy: {field: ` + order + `, direction: ` + direction + `}`
			whole := do(t, url, `{ gadgets(`+by+`) { edges { cursor node { key nth } } } }`, nil)
			var all struct {
				Gadgets struct{ Edges []struct{ Cursor string } }
			}
			if err := json.Unmarshal([]byte(whole), &all); err != nil || len(all.Gadgets.Edges) != 3 {
				t.Fatal(err, whole)
			}
			rest := do(t, url, `query($c: Cursor) { gadgets(`+by+`, after: $c) { edges { cursor node { key nth } } } }`, map[string]any{"c": all.Gadgets.Edges[0].Cursor})
			_, second, _ := strings.Cut(whole, "},{")
			want(t, rest, `{"gadgets":{"edges":[{`+second)
		}
	}
}

// driveAbsences meets what must not overlap: by creating, by changing, among many
// and with one that never ends.
func driveAbsences(t *testing.T, url string) {
	t.Helper()
	provider := text(t, do(t, url, `mutation { providerCreate(input: {firstName: "Mei", lastName: "Away"}) { provider { id } } }`, nil), "providerCreate", "provider", "id")
	vars := map[string]any{"p": provider}
	absence := func(from, to string) string {
		return `{providerId: $p, startsAt: "2030-01-0` + from + `T00:00:00Z", endsAt: "2030-01-0` + to + `T00:00:00Z"}`
	}
	create := func(input string) string {
		return `mutation($p: ID!) { absenceCreate(input: ` + input + `) { absence { id } } }`
	}
	first := text(t, do(t, url, create(absence("3", "5")), vars), "absenceCreate", "absence", "id")
	do(t, url, create(absence("1", "3")), vars) // ends where that starts
	last := text(t, do(t, url, create(`{providerId: $p, startsAt: "2030-01-07T00:00:00Z"}`), vars), "absenceCreate", "absence", "id")
	inTheWay := func(id, from string, more ...any) map[string]any {
		facts := map[string]any{"code": "OVERLAP", "conflictingAbsenceId": id, "providerId": provider, "startsAt": "2030-01-0" + from + "T00:00:00Z"}
		for _, to := range more {
			facts["endsAt"] = to
		}
		return facts
	}
	for query, want := range map[string]map[string]any{
		create(absence("4", "6")): inTheWay(first, "3", "2030-01-05T00:00:00Z"),
		create(absence("3", "4")): inTheWay(first, "3", "2030-01-05T00:00:00Z"),
		create(absence("8", "9")): inTheWay(last, "7"),
		`mutation($p: ID!) { absenceBulkCreate(input: {absences: [` + absence("5", "6") + `, ` + absence("4", "5") + `, ` + absence("6", "7") + `]}) { absences { id } } }`: inTheWay(first, "3", "2030-01-05T00:00:00Z"),
		`mutation { absenceUpdate(input: {id: "` + last + `", startsAt: "2030-01-04T12:00:00Z"}) { absence { id } } }`:                                                      inTheWay(first, "3", "2030-01-05T00:00:00Z"),
		`mutation { absenceUpdate(input: {id: "` + first + `", endsAt: null}) { absence { id } } }`:                                                                         inTheWay(last, "7"),
		// Both would be new: neither can be told.
		`mutation($p: ID!) { absenceBulkCreate(input: {absences: [` + absence("5", "6") + `, ` + absence("5", "7") + `]}) { absences { id } } }`: {"code": "OVERLAP"},
	} {
		r := post(t, url, query, vars)
		if len(r.Errors) != 1 || !reflect.DeepEqual(r.Errors[0].Extensions, want) {
			t.Errorf("%s\n got %+v\nwant %+v", query, r.Errors, want)
		}
	}
	want(t, do(t, url, `{ absences { totalCount } }`, nil), `{"absences":{"totalCount":3}}`)
}

// start serves the binary on a database, which it migrates itself.
func start(t *testing.T, binary, database string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), binary, "serve", "--listen", "localhost:0", "--database", database)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Wait() })
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	url := regexp.MustCompile(`http://\S+`).FindString(line)
	if url == "" {
		t.Fatalf("no address in %q", line)
	}
	return url
}

func post(t *testing.T, url, query string, vars map[string]any) (r struct {
	Data   json.RawMessage
	Errors []struct {
		Message    string
		Extensions map[string]any
	}
},
) {
	t.Helper()
	body, err := json.Marshal(map[string]any{"query": query, "variables": vars})
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &r); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return r
}

func do(t *testing.T, url, query string, vars map[string]any) string {
	t.Helper()
	r := post(t, url, query, vars)
	if len(r.Errors) > 0 {
		t.Fatalf("%s\n%+v", query, r.Errors)
	}
	return string(r.Data)
}

func want(t *testing.T, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func refused(t *testing.T, r struct {
	Data   json.RawMessage
	Errors []struct {
		Message    string
		Extensions map[string]any
	}
}, code, field string,
) {
	t.Helper()
	if len(r.Errors) != 1 || r.Errors[0].Extensions["code"] != code || r.Errors[0].Extensions["field"] != field {
		t.Errorf("got %+v, want %s about %s", r.Errors, code, field)
	}
}

// text reads one string out of an answer.
func text(t *testing.T, data string, path ...string) string {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(data), &v); err != nil {
		t.Fatal(err)
	}
	for _, p := range path {
		v = v.(map[string]any)[p]
	}
	return v.(string)
}

// copyTree copies the project, but for what git ignores and the tests' own data.
func copyTree(t *testing.T) string {
	t.Helper()
	tree := t.TempDir()
	out, err := exec.CommandContext(context.Background(), "git", "-C", "..", "ls-files", "-co", "--exclude-standard").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range strings.Fields(string(out)) {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		text, err := os.ReadFile(filepath.Join("..", name))
		if os.IsNotExist(err) {
			continue // removed, and not yet committed so
		}
		if err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(tree, name), string(text))
	}
	return tree
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), fs.ModePerm); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// goTool runs the Go command in the copy of the tree.
func goTool(t *testing.T, dir string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", args...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}
