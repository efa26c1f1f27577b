// Package peer is who is measured: how each is started, and how each is asked
// the same questions.
package peer

import (
	"context"
	"encoding/json"
	"os/exec"
)

// Peer is one server.
type Peer struct {
	Name    string
	Version string
	// Command serves the database on 127.0.0.1:port.
	Command func(ctx context.Context, port int, database string) *exec.Cmd
	// Body is the request for a question.
	Body func(q Question, in Input) []byte
	// Plain is set where a cursor is the id before it: nothing to walk.
	Plain bool
}

// Path is where every peer listens for requests.
const Path = "/graphql"

// Question is what a request asks for.
type Question string

// The questions.
const (
	Provider  Question = "W1" // by its id
	Clients   Question = "W2" // the first 20, with pageInfo
	Nested    Question = "W3" // 20 providers × 10 appointments × reservations × client
	Available Question = "W4" // 50 slots of a provider in a week
	Reserve   Question = "W5"
	Deep      Question = "W6" // 50 clients after a cursor
	Walk      Question = "walk"
)

// Input is what one request has of its own; ids are the database's.
type Input struct {
	Provider, Client, Appointment int
	Cursor                        string
	First                         int // of Walk
}

// graphQL is a peer's way to put the questions.
type graphQL struct {
	documents map[Question]string
	id        func(kind string, id int) string
}

// body sends those variables that the document declares: some peers refuse others.
func (g graphQL) body(q Question, in Input) []byte {
	variables := map[string]any{}
	switch q {
	case Provider:
		variables["id"] = g.id("Provider", in.Provider)
	case Available:
		variables["id"] = g.id("Provider", in.Provider)
		variables["since"], variables["until"] = "2035-01-01T00:00:00Z", "2035-01-08T00:00:00Z"
	case Reserve:
		variables["client"], variables["appointment"] = g.id("Client", in.Client), g.id("Appointment", in.Appointment)
	case Deep:
		variables["after"] = in.Cursor
	case Walk:
		variables["first"] = in.First
		if in.Cursor != "" {
			variables["after"] = in.Cursor
		}
	}
	return encode(map[string]any{"query": g.documents[q], "variables": variables})
}

func encode(request map[string]any) []byte {
	body, _ := json.Marshal(request) // texts and numbers cannot fail
	return body
}
