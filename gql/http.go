package gql

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/errcode"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// The media types of answers (GraphQL over HTTP, 4.1 Media Types).
const (
	plainJSON    = "application/json"
	responseJSON = "application/graphql-response+json"
)

// overHTTP is GraphQL over HTTP: POST with JSON, and GET for queries. An answer
// is written as the planner made it, without being encoded once more.
type overHTTP struct{}

var _ graphql.Transport = overHTTP{}

// Supports takes every request: what is no GraphQL is told so.
func (overHTTP) Supports(*http.Request) bool { return true }

// notGraphQL says that a request cannot be read, with its status.
type notGraphQL struct {
	status  int
	message string
}

func (e *notGraphQL) Error() string { return e.message }

// Do answers a request.
func (overHTTP) Do(w http.ResponseWriter, r *http.Request, exec graphql.GraphExecutor) {
	accepted := accepts(r)
	defer func() {
		if reason := recover(); reason != nil {
			response := exec.DispatchError(r.Context(), gqlerror.List{gqlerror.Wrap(panicked(reason))})
			write(w, accepted, http.StatusInternalServerError, response)
		}
	}()
	params, err := read(r)
	if accepted == "" {
		accepted, err = plainJSON, &notGraphQL{http.StatusNotAcceptable, "Answers are " + responseJSON + " or " + plainJSON + "."}
	}
	if refused := (*notGraphQL)(nil); errors.As(err, &refused) {
		if refused.status == http.StatusMethodNotAllowed {
			w.Header().Set("Allow", "GET, POST")
		}
		write(w, accepted, refused.status, &graphql.Response{Errors: gqlerror.List{{
			Message: refused.message, Extensions: map[string]any{"code": codeBadUserInput},
		}}})
		return
	}
	ctx := r.Context()
	oc, errs := exec.CreateOperationContext(ctx, params)
	if errs == nil && r.Method == http.MethodGet && oc.Operation.Operation != ast.Query {
		w.Header().Set("Allow", "POST")
		write(w, accepted, http.StatusMethodNotAllowed, &graphql.Response{Errors: gqlerror.List{{
			Message: "GET is for queries only; send this with POST.", Extensions: map[string]any{"code": codeBadUserInput},
		}}})
		return
	}
	if errs != nil {
		for _, err := range errs {
			if err.Extensions["code"] == nil {
				errcode.Set(err, errcode.ValidationFailed)
			}
		}
		status := http.StatusOK
		if accepted == responseJSON {
			status = http.StatusBadRequest
		}
		write(w, accepted, status, exec.DispatchError(graphql.WithOperationContext(ctx, oc), errs))
		return
	}
	responses, ctx := exec.DispatchOperation(ctx, oc)
	if response := responses(ctx); response != nil {
		write(w, accepted, http.StatusOK, response)
	}
}

// panicked is an error for the log, with where it happened.
func panicked(reason any) error { return fmt.Errorf("panic: %v\n%s", reason, debug.Stack()) }

// accepts is the media type to answer with; "" where none is acceptable. What is
// refused by its name is not meant by a wildcard (RFC 9110, 12.5.1).
func accepts(r *http.Request) string {
	header := strings.Join(r.Header.Values("Accept"), ",")
	if header == "" {
		return plainJSON
	}
	response, plain, refused := false, false, map[string]bool{}
	for one := range strings.SplitSeq(header, ",") {
		typ, params, err := mime.ParseMediaType(one)
		if q, qerr := strconv.ParseFloat(params["q"], 64); err != nil || qerr == nil && q == 0 {
			refused[typ] = true
			continue
		}
		switch typ {
		case responseJSON:
			response = true
		case plainJSON, "application/*", "*/*":
			plain = true
		}
	}
	switch {
	case response && !refused[responseJSON]:
		return responseJSON
	case plain && !refused[plainJSON]:
		return plainJSON
	case plain && !refused[responseJSON]:
		return responseJSON
	}
	return ""
}

// read reads the request's operation.
func read(r *http.Request) (*graphql.RawParams, error) {
	p := &graphql.RawParams{Headers: r.Header}
	p.ReadTime.Start = graphql.Now()
	switch r.Method {
	case http.MethodGet:
		if err := readURL(r.URL.RawQuery, p); err != nil {
			return nil, err
		}
	case http.MethodPost:
		typ, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
		if err != nil || typ != plainJSON {
			return nil, &notGraphQL{http.StatusUnsupportedMediaType, "Send a request as " + plainJSON + "."}
		}
		if err := decode(r.Body, p); err != nil {
			return nil, &notGraphQL{http.StatusBadRequest, "This is not a GraphQL request: send JSON with a query."}
		}
	default:
		return nil, &notGraphQL{http.StatusMethodNotAllowed, "Use POST, or GET for queries."}
	}
	if p.Query == "" {
		return nil, &notGraphQL{http.StatusBadRequest, "This is not a GraphQL request: it has no query."}
	}
	p.ReadTime.End = graphql.Now()
	return p, nil
}

func readURL(query string, p *graphql.RawParams) error {
	values, err := url.ParseQuery(query)
	if err != nil {
		return &notGraphQL{http.StatusBadRequest, "The query string is not well-formed."}
	}
	p.Query, p.OperationName = values.Get("query"), values.Get("operationName")
	for name, to := range map[string]*map[string]any{"variables": &p.Variables, "extensions": &p.Extensions} {
		if text := values.Get(name); text != "" && decode(strings.NewReader(text), to) != nil {
			return &notGraphQL{http.StatusBadRequest, name + " must be a JSON object."}
		}
	}
	return nil
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

// bodies are those that were sent, for the next to be written into.
var bodies = sync.Pool{New: func() any { return new([]byte) }}

const keptBody = 1 << 18 // bytes

// write writes a response. One without data was not executed, and says nothing
// of data (GraphQL specification, 7.1 Response Format).
func write(w http.ResponseWriter, accepted string, status int, r *graphql.Response) {
	buffer := bodies.Get().(*[]byte)
	body := append((*buffer)[:0], '{')
	defer func() {
		if *buffer = body; cap(body) <= keptBody {
			bodies.Put(buffer)
		}
	}()
	member := func(name string, v any) {
		if text, err := json.Marshal(v); err == nil {
			body = append(append(append(body, '"'), name...), `":`...)
			body = append(append(body, text...), ',')
		}
	}
	if len(r.Errors) > 0 {
		member("errors", r.Errors)
	}
	if r.Data != nil {
		body = append(append(append(body, `"data":`...), r.Data...), ',')
	}
	if len(r.Extensions) > 0 {
		member("extensions", r.Extensions)
	}
	body[len(body)-1] = '}'
	header := w.Header()
	header.Set("Content-Type", accepted+"; charset=utf-8")
	header.Set("Content-Length", strconv.Itoa(len(body)))
	header.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = w.Write(body) //nolint:gosec // JSON, which no browser takes for a page
}
