// Command floor is the least that can answer the benchmark's questions: one
// statement for each, net/http, no GraphQL. Its answers are docket's, but for
// the cursors, which are plain.
//
// It is a module of its own because of pgx, which docket does not use.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"log"
	"net/http"
	"runtime/debug"
	"strings"
	"time"
)

// answer is what the floor says to one kind of question.
type answer func(ctx context.Context, args []int64) ([]byte, error)

// errRefused says that a slot cannot be had.
var errRefused = errors.New("refused")

const refusal = `{"data":null,"errors":[{"message":"The appointment cannot be had.","extensions":{"code":"SLOT_HELD"}}]}`

func main() {
	listen := flag.String("listen", "127.0.0.1:8004", "address")
	database := flag.String("database", "", "postgres://… or sqlite://PATH")
	flag.Parse()
	debug.SetGCPercent(400) // as docket
	open := postgres
	if strings.HasPrefix(*database, "sqlite://") {
		open = sqlite
	}
	answers, err := open(context.Background(), *database)
	if err != nil {
		log.Fatal(err)
	}
	server := &http.Server{Addr: *listen, Handler: handler(answers), ReadHeaderTimeout: 10 * time.Second}
	log.Fatal(server.ListenAndServe())
}

// first is the id that a question is about, if it is about one.
func first(args []int64) int64 {
	if len(args) == 0 {
		return 0
	}
	return args[0]
}

// handler takes {"question": "W1", "args": [8589934593]}.
func handler(answers map[string]answer) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var in struct {
			Question string
			Args     []int64
		}
		if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<10)).Decode(&in); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		ask, ok := answers[in.Question]
		if !ok {
			http.Error(w, "no such question", http.StatusBadRequest)
			return
		}
		body, err := ask(r.Context(), in.Args)
		if errors.Is(err, errRefused) {
			body, err = []byte(refusal), nil
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(body)
	})
}
