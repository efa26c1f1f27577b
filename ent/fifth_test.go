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
	"regexp"
	"strings"
	"testing"

	"docket/internal/dbtest"
)

// room is all that a schema author writes for a new entity: the example of the
// guide.
func room(t *testing.T) string {
	t.Helper()
	guide, err := os.ReadFile("../docs/entities.md")
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile("(?s)```go\n(.*?)```").FindSubmatch(guide)
	if m == nil {
		t.Fatal("the guide has no example")
	}
	return string(m[1])
}

// TestFifthEntity adds an entity as the README says: one file, one generate,
// one migration. Then it drives the new API over HTTP, on every database.
func TestFifthEntity(t *testing.T) {
	t.Parallel()
	tree := copyTree(t)
	write(t, filepath.Join(tree, "ent", "schema", "room.go"), room(t))
	goTool(t, tree, "generate", "./...")
	goTool(t, tree, "run", "./cmd/docket", "migrate", "diff", "add_rooms")
	if again := goTool(t, tree, "run", "./cmd/docket", "migrate", "diff", "again"); strings.Contains(again, "wrote") {
		t.Errorf("a second diff still finds something:\n%s", again)
	}
	goTool(t, tree, "build", "-o", "docket-with-rooms", "./cmd/docket")
	for _, name := range dbtest.Dialects() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			driveRooms(t, start(t, filepath.Join(tree, "docket-with-rooms"), dbtest.URL(t, name)))
		})
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

	want(t, do(t, url, `mutation { roomUpdate(input: {id: "Um9vbTox", rentCents: null, equipment: null}) { room { rentCents equipment } } }`, nil),
		`{"roomUpdate":{"room":{"rentCents":null,"equipment":null}}}`)

	want(t, do(t, url, `mutation($p: ID!) { roomBulkCreate(input: {rooms: [{name: "Green", providerId: $p}, {name: "Amber", providerId: $p, size: LARGE}]}) {
		rooms { name seatCount provider { lastName } } } }`, vars),
		`{"roomBulkCreate":{"rooms":[{"name":"Green","seatCount":1,"provider":{"lastName":"Tanaka"}},{"name":"Amber","seatCount":1,"provider":{"lastName":"Tanaka"}}]}}`)

	want(t, do(t, url, `{ rooms(where: {size: LARGE, hasProviderWith: [{lastName: "Tanaka"}]}, orderBy: {field: SEAT_COUNT, direction: DESC}) {
		totalCount edges { node { name } } }
		small: rooms(where: {nameContains: "ee"}, first: 1) { edges { node { name } } pageInfo { hasNextPage } }
		room(id: "Um9vbTox") { name } node(id: "Um9vbToy") { __typename ... on Room { name } } }`, nil),
		`{"rooms":{"totalCount":2,"edges":[{"node":{"name":"Blue"}},{"node":{"name":"Amber"}}]},`+
			`"small":{"edges":[{"node":{"name":"Green"}}],"pageInfo":{"hasNextPage":false}},`+
			`"room":{"name":"Blue"},"node":{"__typename":"Room","name":"Green"}}`)

	refused(t, post(t, url, `mutation($p: ID!) { roomCreate(input: {name: "Blue", providerId: $p}) { room { id } } }`, vars), "ALREADY_EXISTS", "name")
	refused(t, post(t, url, `mutation { roomCreate(input: {name: "Red", providerId: "Um9vbTox"}) { room { id } } }`, nil), "BAD_USER_INPUT", "providerId")
	refused(t, post(t, url, `mutation { roomCreate(input: {name: "", providerId: "UHJvdmlkZXI6MQ=="}) { room { id } } }`, nil), "BAD_USER_INPUT", "name")

	want(t, do(t, url, `mutation { roomDelete(input: {id: "Um9vbTox"}) { deletedId } }`, nil), `{"roomDelete":{"deletedId":"Um9vbTox"}}`)
	want(t, do(t, url, `{ room(id: "Um9vbTox") { name } }`, nil), `{"room":null}`)
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
