package profiler

import (
	"bytes"
	"database/sql"
	"embed"
	"encoding/json"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/formatter"
	"github.com/vektah/gqlparser/v2/parser"
)

//go:embed page
var files embed.FS

// Path is where Handler answers.
const Path = "/debug/"

// Handler serves the pages, below [Path], and explains statements on the
// database. It is nil where the profiler is off.
func (p *Profiler) Handler(db *sql.DB, dialect string) http.Handler {
	if p == nil {
		return nil
	}
	h := pages{p, &explainer{db: db, dialect: dialect, turn: make(chan struct{}, 1)}}
	mux := http.NewServeMux()
	mux.Handle("GET /debug/{$}", http.RedirectHandler("/debug/requests", http.StatusFound))
	mux.HandleFunc("GET /debug/requests", h.list)
	mux.HandleFunc("POST /debug/requests/clear", h.clear)
	mux.HandleFunc("GET /debug/requests/{id}", h.one)
	mux.HandleFunc("POST /debug/requests/{id}/statements/{number}/explain", h.explain)
	mux.HandleFunc("GET /debug/assets/{file}", h.asset)
	profiles(mux)
	return guarded(mux)
}

type pages struct {
	*Profiler
	explainer *explainer
}

func (h pages) list(w http.ResponseWriter, r *http.Request) {
	all, version := h.all()
	etag := fmt.Sprintf(`"%s-%d"`, h.boot, version)
	w.Header().Set("Etag", etag)
	if r.Header.Get("If-None-Match") == etag {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	l := listOf(all, r.URL.Query())
	l.Version = etag
	show(w, http.StatusOK, "list.html", l)
}

func (h pages) clear(w http.ResponseWriter, r *http.Request) {
	h.Profiler.clear()
	http.Redirect(w, r, "/debug/requests", http.StatusSeeOther)
}

// one is what the page of one operation shows.
type one struct {
	*operation
	Lines     []line
	Text      string // its document, laid out
	Values    string // its variables
	Again     string // where GraphiQL has it, to be sent once more
	Previous  int    // the operation before it that is kept, 0 for none
	Following int
}

func (h pages) one(w http.ResponseWriter, r *http.Request) {
	o := h.asked(r)
	if o == nil {
		show(w, http.StatusNotFound, "gone.html", keptOperations)
		return
	}
	page := one{operation: o, Lines: o.tree(), Text: laidOut(o.Document), Values: indented(o.Variables)}
	page.Again = again(o, page.Text, page.Values)
	for _, id := range []int{o.ID - 1, o.ID + 1} {
		if h.find(id) == nil {
			continue
		}
		if id < o.ID {
			page.Previous = id
		} else {
			page.Following = id
		}
	}
	show(w, http.StatusOK, "one.html", page)
}

// again is the address of GraphiQL with the operation; "" where it is too long
// for one.
func again(o *operation, document, variables string) string {
	q := url.Values{"query": {document}}
	if variables != "" {
		q.Set("variables", variables)
	}
	if o.Name != "" {
		q.Set("operationName", o.Name)
	}
	if address := "/graphql?" + q.Encode(); document != "" && len(address) < 8000 {
		return address
	}
	return ""
}

func (h pages) asked(r *http.Request) *operation {
	id, err := strconv.Atoi(r.PathValue("id"))
	if err != nil {
		return nil
	}
	return h.find(id)
}

// explain explains a statement that was seen: of the request, only its number is
// used.
func (h pages) explain(w http.ResponseWriter, r *http.Request) {
	o := h.asked(r)
	number, err := strconv.Atoi(r.PathValue("number"))
	if o == nil || err != nil || number < 1 || number > len(o.Statements) || !o.Statements[number-1].Explainable() {
		refuse(w, http.StatusNotFound, "there is no such statement any more, or none that can be explained")
		return
	}
	plan, err := h.explainer.explain(r.Context(), o.Statements[number-1])
	if err != nil {
		plan = strings.TrimSpace(plan + "\n-- The database would not: " + err.Error())
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = w.Write([]byte(strings.TrimRight(plan, "\n") + "\n"))
}

func (h pages) asset(w http.ResponseWriter, r *http.Request) {
	types := map[string]string{"page.css": "text/css; charset=utf-8", "page.js": "text/javascript; charset=utf-8", "icon.svg": "image/svg+xml"}
	typ, ok := types[r.PathValue("file")]
	if !ok {
		refuse(w, http.StatusNotFound, "there is no such file")
		return
	}
	w.Header().Set("Content-Type", typ)
	w.Header().Set("Cache-Control", "no-cache")
	http.ServeFileFS(w, r, files, "page/"+r.PathValue("file"))
}

// laidOut is a document as the specification's own examples are laid out.
func laidOut(document string) string {
	doc, err := parser.ParseQuery(&ast.Source{Input: document})
	if err != nil {
		return document // cut, or wrong
	}
	var out bytes.Buffer
	formatter.NewFormatter(&out, formatter.WithIndent("  ")).FormatQueryDocument(doc)
	return strings.TrimSpace(out.String())
}

func indented(text string) string {
	var out bytes.Buffer
	if err := json.Indent(&out, []byte(text), "", "  "); err != nil {
		return text
	}
	return out.String()
}

// show writes a page. It is made before anything is sent.
func show(w http.ResponseWriter, status int, name string, data any) {
	var out bytes.Buffer
	page, err := template.New("").Funcs(words).ParseFS(files, "page/frame.html", "page/"+name)
	if err == nil {
		err = page.ExecuteTemplate(&out, "frame.html", data)
	}
	if err != nil {
		refuse(w, http.StatusInternalServerError, "this page cannot be shown: "+err.Error())
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(out.Bytes())
}
