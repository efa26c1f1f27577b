package profiler

import (
	"net/http"
	"net/http/pprof"
	runtimepprof "runtime/pprof"
	"slices"
	"strings"
)

// profile is one that the runtime keeps, or can make.
type profile struct {
	Name, About string
	Count       int // of what is in it, -1 where that is not known before
}

// abouts say what profiles are for, in the order in which they are shown.
var abouts = []profile{
	{"profile", "CPU: where the next seconds go", -1},
	{"heap", "Memory that is in use", 0},
	{"allocs", "Memory that was ever taken", 0},
	{"goroutine", "What every goroutine is doing now", 0},
	{"block", "Waiting for each other: off unless the program asks for it", 0},
	{"mutex", "Who holds locks that others want: off unless the program asks for it", 0},
	{"threadcreate", "Threads of the operating system", 0},
	{"trace", "Everything that happens in the next seconds, event by event", -1},
}

// profiles serves what go tool pprof reads.
func profiles(mux *http.ServeMux) {
	mux.HandleFunc("GET /debug/pprof/{$}", func(w http.ResponseWriter, r *http.Request) {
		all := slices.Clone(abouts)
		for i, p := range all {
			if kept := runtimepprof.Lookup(p.Name); kept != nil {
				all[i].Count = kept.Count()
			}
		}
		scheme := "http"
		if r.TLS != nil {
			scheme = "https"
		}
		show(w, http.StatusOK, "pprof.html", map[string]any{"Profiles": all, "Base": scheme + "://" + r.Host + "/debug/pprof/"})
	})
	mux.HandleFunc("GET /debug/pprof/{name}", func(w http.ResponseWriter, r *http.Request) {
		switch name := r.PathValue("name"); {
		case name == "profile":
			pprof.Profile(w, r)
		case name == "trace":
			pprof.Trace(w, r)
		case name == "cmdline": // would tell settings, which may be secret
			http.NotFound(w, r)
		case name == "symbol":
			pprof.Symbol(w, r)
		case strings.Contains(name, "/"):
			http.NotFound(w, r)
		default:
			pprof.Handler(name).ServeHTTP(w, r)
		}
	})
	mux.HandleFunc("POST /debug/pprof/symbol", pprof.Symbol)
}
