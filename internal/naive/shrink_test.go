package naive_test

import (
	"errors"
	"slices"

	"docket/internal/naive"
)

// fails reports whether the document is valid and is answered wrongly.
func (w *world) fails(d *document) bool {
	err := w.compare(d.print())
	return err != nil && !errors.Is(err, naive.ErrInvalid) && !errors.Is(err, errRefused)
}

// shrink drops whatever can be dropped while the document still fails.
func (w *world) shrink(d *document) {
	for again := true; again; {
		again = false
		for _, f := range d.lists() {
			again = f.drop(func() bool { return w.fails(d) }) || again
		}
	}
}

// droppable is a list of which entries may be dropped, one by one.
type droppable interface{ drop(still func() bool) bool }

type entries[T any] struct{ all *[]T }

func (e entries[T]) drop(still func() bool) (dropped bool) {
	for i := len(*e.all) - 1; i >= 0; i-- {
		before := *e.all
		*e.all = slices.Delete(slices.Clone(before), i, i+1)
		if still() {
			dropped = true
		} else {
			*e.all = before
		}
	}
	return dropped
}

// slot is a value of which parts may be dropped.
type slot struct{ at *value }

func (s slot) drop(still func() bool) (dropped bool) {
	try := func(v value) bool {
		before := *s.at
		if *s.at = v; still() {
			dropped = true
			return true
		}
		*s.at = before
		return false
	}
	switch v := (*s.at).(type) {
	case *variable:
		try(v.value)
	case object:
		for i := len(v) - 1; i >= 0; i-- {
			if less := object(slices.Delete(slices.Clone(v), i, i+1)); try(less) {
				v = less
			}
		}
	case []value:
		for i := len(v) - 1; i >= 0; i-- {
			if less := slices.Delete(slices.Clone(v), i, i+1); try(less) {
				v = less
			}
		}
	}
	return dropped
}

// lists are all that can be dropped from, the outer before the inner.
func (d *document) lists() (all []droppable) {
	var values func(at *value)
	values = func(at *value) {
		all = append(all, slot{at})
		switch v := (*at).(type) {
		case object:
			for i := range v {
				values(&v[i].value)
			}
		case []value:
			for i := range v {
				values(&v[i])
			}
		}
	}
	var walk func(set *[]*selection)
	walk = func(set *[]*selection) {
		all = append(all, entries[*selection]{set})
		for _, s := range *set {
			all = append(all, entries[member]{&s.directives}, entries[member]{&s.args})
			for i := range s.args {
				values(&s.args[i].value)
			}
			walk(&s.selections)
		}
	}
	walk(&d.selections)
	for _, f := range d.fragments {
		walk(&f.selections)
	}
	return all
}
