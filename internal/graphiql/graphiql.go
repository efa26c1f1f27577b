// Package graphiql serves GraphiQL, the GraphQL editor, out of the binary: no
// CDN and no file beside it. README.md tells how dist is built.
package graphiql

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"fmt"
	"io"
	"net/http"
	"path"
	"strings"
	"time"
)

// AssetsPath is where Assets must be mounted. It is written into the built
// page, so that the page itself may answer at any path.
const AssetsPath = "/graphiql/"

// Every file is stored as its gzip only; all: because a bundler may name a
// chunk with a leading underscore.
//
//go:embed all:dist
var dist embed.FS

//go:embed dist/index.html.gz
var page []byte

// policy lets nothing in or out but this server. Monaco writes style elements
// and style attributes at run time, hence 'unsafe-inline' there and only there.
// Workers take the policy of their own script, so assets carry it too.
const policy = "default-src 'none'; script-src 'self'; worker-src 'self'; connect-src 'self'; " +
	"style-src 'self' 'unsafe-inline'; font-src 'self'; img-src 'self' data:; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// Page answers every GET with the editor, which posts its operations to the
// path the page came from. Which GETs want a page, and which the API, is the
// caller's choice by the Accept header; Vary says so to caches.
func Page() http.Handler {
	// The page names its assets by their hashes, so its own hash covers them.
	// Weak, since the plain and the compressed form share it.
	etag := fmt.Sprintf(`W/"%x"`, sha256.Sum256(page))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Add("Vary", "Accept")
		w.Header().Set("Etag", etag)
		w.Header().Set("Cache-Control", "no-cache")
		serve(w, r, "index.html", page)
	})
}

// Assets answers everything under AssetsPath, which it expects to find in the
// request's path. Nothing it serves depends on who asks.
func Assets() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name, ok := strings.CutPrefix(r.URL.Path, AssetsPath)
		gz, err := dist.ReadFile("dist/" + name + ".gz")
		// Served from here, the page would take this for the API's address.
		if !ok || err != nil || name == "index.html" {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Cache-Control", "no-cache")
		if strings.HasPrefix(name, "assets/") { // named by the hash of its content
			w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
		}
		serve(w, r, name, gz)
	})
}

// serve writes the content whose gzip is gz: as it is stored, if the client
// takes gzip.
func serve(w http.ResponseWriter, r *http.Request, name string, gz []byte) {
	h := w.Header()
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		h.Set("Allow", "GET, HEAD")
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
		return
	}
	h.Set("Content-Type", contentType(name))
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "same-origin") // the address of the page may hold a query
	h.Add("Vary", "Accept-Encoding")
	content := gz
	if acceptsGzip(r.Header.Get("Accept-Encoding")) {
		h.Set("Content-Encoding", "gzip")
	} else {
		var err error
		if content, err = inflate(gz); err != nil {
			http.Error(w, "internal error", http.StatusInternalServerError)
			return
		}
	}
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(content))
}

func inflate(gz []byte) ([]byte, error) {
	zr, err := gzip.NewReader(bytes.NewReader(gz))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(zr)
}

// acceptsGzip reads an Accept-Encoding header. A weight matters only where it
// is zero, which means "not this one".
func acceptsGzip(header string) bool {
	for coding := range strings.SplitSeq(header, ",") {
		name, weight, _ := strings.Cut(coding, ";")
		name = strings.TrimSpace(name)
		if !strings.EqualFold(name, "gzip") && name != "*" {
			continue
		}
		_, q, found := strings.Cut(weight, "=")
		zero := found && strings.Trim(strings.TrimSpace(q), "0.") == ""
		return !zero
	}
	return false
}

// contentType knows what a build emits, and asks no table of the operating
// system: images without one would answer differently.
func contentType(name string) string {
	switch path.Ext(name) {
	case ".html":
		return "text/html; charset=utf-8"
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	case ".md":
		return "text/markdown; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	case ".ttf":
		return "font/ttf"
	}
	return "application/octet-stream"
}
