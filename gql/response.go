package gql

import (
	"encoding/json"
	"net/http"
	"strconv"
	"sync"

	"github.com/99designs/gqlgen/graphql"
)

// bodies are those that were sent, for the next to be written into.
var bodies = sync.Pool{New: func() any { return new([]byte) }}

const keptBody = 1 << 18 // bytes

// write writes a response.
func write(w http.ResponseWriter, accepted string, status int, r *graphql.Response) {
	send(w, accepted, status, func(body []byte) []byte { return appendResponse(body, r) })
}

// writeBatch writes the responses to a batch as a list, in its order.
func writeBatch(w http.ResponseWriter, accepted string, responses []*graphql.Response) {
	send(w, accepted, http.StatusOK, func(body []byte) []byte {
		for i, r := range responses {
			body = append(body, "[,"[min(i, 1)])
			body = appendResponse(body, r)
		}
		return append(body, ']')
	})
}

func send(w http.ResponseWriter, accepted string, status int, fill func([]byte) []byte) {
	buffer := bodies.Get().(*[]byte)
	body := fill((*buffer)[:0])
	defer func() {
		if *buffer = body; cap(body) <= keptBody {
			bodies.Put(buffer)
		}
	}()
	header := w.Header()
	header.Set("Content-Type", accepted+"; charset=utf-8")
	header.Set("Content-Length", strconv.Itoa(len(body)))
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Cache-Control", "no-store") // an answer depends on who asks, and when
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

// appendResponse appends a response. One without data was not executed, and says
// nothing of data (GraphQL specification, 7.1 Response Format).
func appendResponse(body []byte, r *graphql.Response) []byte {
	body = append(body, '{')
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
	return body
}
