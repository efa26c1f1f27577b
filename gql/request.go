package gql

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"os"
	"strings"
	"unicode/utf8"

	"github.com/99designs/gqlgen/graphql"

	"docket/internal/documents"
	"docket/internal/refusal"
)

// notGraphQL says that a request cannot be read, with the status of its answer.
func notGraphQL(status int, message string, args ...any) *refusal.Refusal {
	return &refusal.Refusal{Status: status, Code: codeBadUserInput, Message: fmt.Sprintf(message, args...)}
}

// request is one operation that is asked for.
type request struct {
	document documents.Request
	params   *graphql.RawParams
}

// message is a request in JSON. Relay's documentation names a persisted document
// as doc_id, and others as id, which may mean something else beside a query.
type message struct {
	Query         string         `json:"query"`
	OperationName string         `json:"operationName"`
	Variables     map[string]any `json:"variables"`
	Extensions    map[string]any `json:"extensions"`
	DocumentID    string         `json:"documentId"`
	DocID         string         `json:"doc_id"`
	ID            any            `json:"id"`
}

// read reads the operations of a request: one, or a batch.
func (h overHTTP) read(w http.ResponseWriter, r *http.Request) (all []*request, batch bool, err *refusal.Refusal) {
	start := graphql.Now()
	var messages []message
	switch r.Method {
	case http.MethodGet:
		var one message
		one, err = readURL(r.URL.RawQuery)
		messages = []message{one}
	case http.MethodPost:
		messages, batch, err = h.readBody(w, r)
	default:
		err = notGraphQL(http.StatusMethodNotAllowed, "Use POST, or GET for queries.")
		err.Header = map[string]string{"Allow": "GET, POST"}
	}
	for _, m := range messages {
		if err != nil {
			break
		}
		var one *request
		if one, err = m.request(); err == nil {
			one.params.Headers, one.params.ReadTime = r.Header, graphql.TraceTiming{Start: start, End: graphql.Now()}
			all = append(all, one)
		}
	}
	return all, batch, err
}

func (m message) request() (*request, *refusal.Refusal) {
	one := &request{
		document: documents.Request{Text: m.Query},
		params:   &graphql.RawParams{OperationName: m.OperationName, Variables: m.Variables, Extensions: m.Extensions},
	}
	if persisted, asked := m.Extensions["persistedQuery"]; asked && persisted != nil {
		p, _ := persisted.(map[string]any)
		hash, _ := p["sha256Hash"].(string)
		if version, _ := p["version"].(json.Number); version != "1" || hash == "" {
			return nil, notGraphQL(http.StatusBadRequest, "extensions.persistedQuery must have version 1 and a sha256Hash.")
		}
		one.document.Hash = hash
	}
	if m.Query == "" {
		id, _ := m.ID.(string)
		for _, id := range []string{m.DocumentID, m.DocID, id} {
			if one.document.ID == "" {
				one.document.ID = id
			}
		}
	}
	if one.document == (documents.Request{}) {
		return nil, notGraphQL(http.StatusBadRequest, "This is not a GraphQL request: it has no query.")
	}
	return one, nil
}

// readBody reads one operation in JSON, or a list of them.
func (h overHTTP) readBody(w http.ResponseWriter, r *http.Request) (messages []message, batch bool, err *refusal.Refusal) {
	typ, params, malformed := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if charset, told := params["charset"]; malformed != nil || typ != refusal.PlainJSON || told && !strings.EqualFold(charset, "utf-8") {
		return nil, false, notGraphQL(http.StatusUnsupportedMediaType, "Send a request as %s, in UTF-8.", refusal.PlainJSON)
	}
	if coding := r.Header.Get("Content-Encoding"); coding != "" && !strings.EqualFold(coding, "identity") {
		err = notGraphQL(http.StatusUnsupportedMediaType, "Send a request as it is, not compressed.")
		err.Header = map[string]string{"Accept-Encoding": "identity"} // RFC 9110, 12.5.3
		return nil, false, err
	}
	body, err := h.body(w, r)
	if err != nil {
		return nil, false, err
	}
	const noJSON = "This is not a GraphQL request: send JSON with a query."
	if !utf8.Valid(body) {
		return nil, false, notGraphQL(http.StatusBadRequest, "This is not a GraphQL request: it is not UTF-8.")
	}
	if trimmed := bytes.TrimLeft(body, " \t\r\n"); len(trimmed) == 0 || trimmed[0] != '[' {
		messages = make([]message, 1)
		if decode(bytes.NewReader(body), &messages[0]) != nil {
			return nil, false, notGraphQL(http.StatusBadRequest, noJSON)
		}
		return messages, false, nil
	}
	if h.requests.MaxBatch == 1 {
		return nil, true, notGraphQL(http.StatusBadRequest, "Send one operation at a time: this service takes no batches.")
	}
	var all []json.RawMessage
	if decode(bytes.NewReader(body), &all) != nil || len(all) == 0 {
		return nil, true, notGraphQL(http.StatusBadRequest, noJSON)
	}
	if len(all) > h.requests.MaxBatch {
		err = notGraphQL(http.StatusBadRequest, "A batch has at most %d operations.", h.requests.MaxBatch)
		err.Facts = map[string]any{"max": h.requests.MaxBatch}
		return nil, true, err
	}
	messages = make([]message, len(all))
	for i, text := range all {
		if decode(bytes.NewReader(text), &messages[i]) != nil {
			return nil, true, notGraphQL(http.StatusBadRequest, noJSON)
		}
	}
	return messages, true, nil
}

// body reads the whole body. What says that it is too long is not read at all.
func (h overHTTP) body(w http.ResponseWriter, r *http.Request) ([]byte, *refusal.Refusal) {
	most := int64(h.requests.MaxBody)
	var tooLong *http.MaxBytesError
	body, err := []byte(nil), error(&http.MaxBytesError{Limit: most})
	if r.ContentLength <= most {
		buffer := bytes.NewBuffer(make([]byte, 0, max(r.ContentLength, 0)+bytes.MinRead))
		_, err = buffer.ReadFrom(http.MaxBytesReader(w, r.Body, most))
		body = buffer.Bytes()
	}
	switch {
	case err == nil:
		return body, nil
	case errors.As(err, &tooLong):
		refused := notGraphQL(http.StatusRequestEntityTooLarge, "A request is at most %d bytes long.", most)
		refused.Facts = map[string]any{"max": most}
		if r.ProtoMajor == 1 { // HTTP/2 would end what else is on the connection
			refused.Header = map[string]string{"Connection": "close"}
		}
		return nil, refused
	case errors.Is(err, os.ErrDeadlineExceeded):
		return nil, notGraphQL(http.StatusRequestTimeout, "The request did not come in time.")
	}
	return nil, notGraphQL(http.StatusBadRequest, "The request ended early.")
}

func readURL(query string) (m message, err *refusal.Refusal) {
	values, malformed := url.ParseQuery(query)
	if malformed != nil {
		return m, notGraphQL(http.StatusBadRequest, "The query string is not well-formed.")
	}
	for name, to := range map[string]*string{
		"query": &m.Query, "operationName": &m.OperationName, "documentId": &m.DocumentID, "doc_id": &m.DocID,
	} {
		if *to = values.Get(name); !utf8.ValidString(*to) {
			return m, notGraphQL(http.StatusBadRequest, "%s is not UTF-8.", name)
		}
	}
	m.ID = values.Get("id")
	for name, to := range map[string]*map[string]any{"variables": &m.Variables, "extensions": &m.Extensions} {
		if text := values.Get(name); text != "" && (!utf8.ValidString(text) || decode(strings.NewReader(text), to) != nil) {
			return m, notGraphQL(http.StatusBadRequest, "%s must be a JSON object.", name)
		}
	}
	return m, nil
}

// decode reads one JSON value. Numbers stay as they are written.
func decode(from io.Reader, v any) error {
	d := json.NewDecoder(from)
	d.UseNumber()
	if err := d.Decode(v); err != nil {
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("more than one value")
	}
	return nil
}
