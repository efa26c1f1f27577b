package profiler

import (
	"cmp"
	"net/url"
	"slices"
	"strings"
	"time"
)

// list is what the page of all operations shows.
type list struct {
	Operations []*operation
	Filters    []choice
	Sorts      []choice
	Query      string
	Only, Sort string
	Slowest    time.Duration // of those shown
	Kept       int
	Median     time.Duration
	Tail       time.Duration // 95 % took no longer
	Version    string
}

// choice is one of several ways to show the list.
type choice struct {
	Name, Label, URL string
	Count            int
	Chosen           bool
}

var filters = []struct {
	name, label string
	holds       func(*operation) bool
}{
	{"", "All", func(*operation) bool { return true }},
	{"queries", "Queries", func(o *operation) bool { return o.Kind == "query" }},
	{"mutations", "Mutations", func(o *operation) bool { return o.Kind == "mutation" }},
	{"failed", "Failed", (*operation).Failed},
	{"repeats", "N+1", func(o *operation) bool { return o.Repeats() > 0 }},
}

var sorts = []struct {
	name, label string
	compare     func(a, b *operation) int
}{
	{"", "Latest", func(a, b *operation) int { return cmp.Compare(b.ID, a.ID) }},
	{"slowest", "Slowest", func(a, b *operation) int { return cmp.Compare(b.Duration(), a.Duration()) }},
	{"sql", "Most SQL time", func(a, b *operation) int { return cmp.Compare(b.SQL(), a.SQL()) }},
	{"statements", "Most statements", func(a, b *operation) int { return cmp.Compare(b.Count(), a.Count()) }},
}

// listOf shows the operations, latest first, as asked for in a URL.
func listOf(all []*operation, asked url.Values) list {
	l := list{Query: strings.TrimSpace(asked.Get("q")), Only: asked.Get("only"), Sort: asked.Get("sort"), Kept: len(all)}
	all = slices.DeleteFunc(slices.Clone(all), func(o *operation) bool { return !o.matches(l.Query) })
	for _, f := range filters {
		c := choice{Name: f.name, Label: f.label, URL: l.url(f.name, l.Sort), Chosen: f.name == l.Only}
		for _, o := range all {
			if !f.holds(o) {
				continue
			}
			if c.Count++; c.Chosen {
				l.Operations = append(l.Operations, o)
			}
		}
		l.Filters = append(l.Filters, c)
	}
	for _, s := range sorts {
		chosen := s.name == l.Sort
		if chosen {
			slices.SortStableFunc(l.Operations, s.compare)
		}
		l.Sorts = append(l.Sorts, choice{Name: s.name, Label: s.label, URL: l.url(l.Only, s.name), Chosen: chosen})
	}
	var took []time.Duration
	for _, o := range l.Operations {
		took = append(took, o.Duration())
	}
	if slices.Sort(took); len(took) > 0 {
		l.Slowest, l.Median, l.Tail = took[len(took)-1], took[(len(took)-1)/2], took[(len(took)*95+99)/100-1]
	}
	return l
}

// matches reports whether the operation has the text in what names it.
func (o *operation) matches(text string) bool {
	if text == "" {
		return true
	}
	for _, s := range append(o.Codes(), o.Name, o.Fields, o.Request, o.Viewer.Subject) {
		if strings.Contains(strings.ToLower(s), strings.ToLower(text)) {
			return true
		}
	}
	return false
}

// url is the address of the list with another filter or order.
func (l list) url(only, sort string) string {
	q := url.Values{}
	for name, value := range map[string]string{"only": only, "sort": sort, "q": l.Query} {
		if value != "" {
			q.Set(name, value)
		}
	}
	if len(q) == 0 {
		return "/debug/requests"
	}
	return "/debug/requests?" + q.Encode()
}
