package leaks_test

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"
	"time"
)

// talk asks a server with secrets in the requests, and searches the answers for
// them: well and badly, and until it hangs up. It returns the secrets.
func talk(t *testing.T, address string) []secret {
	t.Helper()
	token, key, name := plant("token"), plant("idempotency key"), plant("name")
	secrets := []secret{token, key, name}
	code := base64.RawURLEncoding.EncodeToString
	for what, r := range requests(t, "http://"+address, key, name) {
		r.Header.Set("Authorization", "Bearer "+token.String())
		if len(what)%2 == 0 { // one that looks right, for somebody
			r.Header.Set("Authorization", "Bearer "+code([]byte(`{"alg":"ES256"}`))+"."+code([]byte(`{"sub":"`+token.String()+`"}`))+"."+code([]byte(token.String())))
		}
		r.Header.Set("Cookie", "session="+token.String())
		r.Header.Set("Idempotency-Key", key.String())
		answer, err := (&http.Transport{}).RoundTrip(r) // which follows no redirect
		if err != nil {
			continue // it hung up, as it may
		}
		text, err := httputil.DumpResponse(answer, true)
		_ = answer.Body.Close()
		if err != nil {
			t.Errorf("%s: %v", what, err)
		}
		if what != quoted {
			tell(t, secrets, "the answer to "+what, text)
		}
	}
	for _, raw := range []string{
		"GET / HTTP/1.1\r\nAuthorization: Bearer " + token.String() + "\r\nno header\r\n\r\n",
		"GET /" + name.String() + " HTTP/9.9\r\n\r\n",
		token.String() + "\r\n\r\n",
		"POST /graphql HTTP/1.1\r\nHost: " + name.String() + "\r\nContent-Length: many" + key.String() + "\r\n\r\n",
		"POST /graphql HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: " + key.String() + "\r\n\r\n",
		"POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n" + key.String() + "\r\n\r\n",
	} {
		tell(t, secrets, "the answer to bytes", send(t, address, raw))
	}
	return secrets
}

// quoted is the request whose answer may have what is secret in it: it says what
// is wrong with a document, and quotes the document to whoever sent it.
const quoted = "literals of other kinds"

// The documents of requests whose variables have the secrets.
const (
	create = `mutation($input: ClientCreateInput!) { clientCreate(input: $input) { client { id version } } }`
	list   = `query($where: ClientWhereInput, $after: Cursor) { clients(where: $where, after: $after) { totalCount pageInfo { endCursor } edges { node { id } } } }`
)

// requests are what can be asked, by what they are.
func requests(t *testing.T, server string, key, name secret) map[string]*http.Request {
	t.Helper()
	type object = map[string]any
	person := func(first any) object {
		return object{"input": object{"firstName": first, "lastName": name.String(), "idempotencyKey": key.String()}}
	}
	all := map[string]*http.Request{}
	ask := func(what, method, path, contentType, body string) {
		r, err := http.NewRequestWithContext(t.Context(), method, server+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", contentType)
		all[what] = r
	}
	post := func(what, document string, variables any) {
		body, err := json.Marshal(object{"query": document, "variables": variables})
		if err != nil {
			t.Fatal(err)
		}
		ask(what, http.MethodPost, "/graphql", "application/json", string(body))
	}
	post("a client", create, person(name.String()))
	post("the same again", create, person(name.String()))
	post("another with its key", create, person("Ada"))
	post("a name too long", create, person(strings.Repeat(name.String(), 10)))
	post("a name of control characters", create, person(name.String()+"\x00\x01"))
	post("a name that is a list", create, person([]string{name.String()}))
	post("a name that is an object", create, person(object{name.String(): name.String()}))
	post("an input that is text", create, object{"input": name.String()})
	post("variables that are text", create, name.String())
	post("a filter", list, object{"where": object{"firstName": name.String()}})
	post("a filter of another kind", list, object{"where": object{"firstNameIn": object{"x": name.String()}}})
	post("a filter that is text", list, object{"where": name.String()})
	post("a cursor", list, object{"after": name.String()})
	post("an id", `query($id: ID!) { client(id: $id) { id } }`, object{"id": name.String()})
	post("an instant", `query($t: Time) { appointments(where: {timeSlot: $t}) { totalCount } }`, object{"t": name.String()})
	post("literals", fmt.Sprintf(`mutation { clientCreate(input: {firstName: %q, lastName: %q, idempotencyKey: %q}) { client { id } } }`, name, name, key), nil)
	post(quoted, fmt.Sprintf(`{ clients(first: %q, after: %q, where: {firstName: [[%q]]}) { totalCount } }`, name, name, name), nil)
	post("providers", `{ providers { totalCount edges { node { id } } } }`, nil)
	body, _ := json.Marshal(object{"query": create, "variables": person(name.String())})
	ask("a request cut off", http.MethodPost, "/graphql", "application/json", string(body[:len(body)-3]))
	ask("a request too long", http.MethodPost, "/graphql", "application/json", string(body)+strings.Repeat(" ", 2<<20))
	ask("a form", http.MethodPost, "/graphql", "application/x-www-form-urlencoded", "name="+name.String())
	ask("no type", http.MethodPost, "/graphql", name.String(), string(body))
	ask("a batch", http.MethodPost, "/graphql", "application/json", "["+string(body)+"]")
	variables, _ := json.Marshal(object{"where": object{"firstName": name.String()}})
	ask("a URL", http.MethodGet, "/graphql?"+url.Values{"query": {list}, "variables": {string(variables)}}.Encode(), "", "")
	ask("a URL cut off", http.MethodGet, "/graphql?query="+url.QueryEscape(list)+"&variables="+name.String()+"%2", "", "")
	ask("a mutation by GET", http.MethodGet, "/graphql?query="+url.QueryEscape(`mutation { clientDelete(input: {id: "`+name.String()+`"}) { id } }`), "", "")
	for _, method := range []string{http.MethodPut, http.MethodDelete, http.MethodTrace, http.MethodOptions, http.MethodHead} {
		ask(method, method, "/graphql", "application/json", string(body))
	}
	for _, path := range []string{"/", "/healthz", "/readyz", "/nowhere?name=" + name.String(), "/graphiql/nowhere"} {
		ask(path, http.MethodGet, path, "", "")
	}
	ask("a header too long", http.MethodGet, "/healthz", "", "")
	all["a header too long"].Header.Set("X-Long", strings.Repeat(name.String(), 5000))
	return all
}

// send writes what may be no HTTP, and returns what comes back until the server
// hangs up.
func send(t *testing.T, address, raw string) []byte {
	t.Helper()
	c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(c, raw); err != nil {
		t.Fatal(err)
	}
	_ = c.(*net.TCPConn).CloseWrite()
	text, _ := io.ReadAll(bufio.NewReader(c)) // it may be cut short
	return text
}
