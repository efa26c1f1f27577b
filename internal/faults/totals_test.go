package faults_test

import (
	"fmt"
	"io"
	"regexp"
	"slices"
	"sync"
	"testing"
)

// tally counts what a test did, over all its rounds.
type tally struct{ rounds, attempts, acknowledged, refused, unknown, repeated, faults, violations int }

// count adds what became of the operations.
func (l *tally) count(journal []*operation) {
	for _, o := range journal {
		l.attempts++
		switch o.outcome {
		case acknowledged:
			l.acknowledged++
		case refused:
			l.refused++
		case unknown:
			l.unknown++
		}
	}
}

// board has a tally for each test.
type board struct {
	mu    sync.Mutex
	lines map[string]*tally
}

var totals = &board{lines: map[string]*tally{}}

var round = regexp.MustCompile(`/round\d+`)

// add counts for the test, whatever the round.
func (b *board) add(t *testing.T, count func(*tally)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	name := round.ReplaceAllString(t.Name(), "")
	if b.lines[name] == nil {
		b.lines[name] = &tally{}
	}
	count(b.lines[name])
}

// fault counts one thing that was broken.
func fault(t *testing.T) { totals.add(t, func(l *tally) { l.faults++ }) }

// violation reports something that must not be.
func violation(t *testing.T, format string, args ...any) {
	t.Helper()
	totals.add(t, func(l *tally) { l.violations++ })
	t.Errorf(format, args...)
}

func (b *board) print(w io.Writer) {
	b.mu.Lock()
	defer b.mu.Unlock()
	var names []string
	for name := range b.lines {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		l := b.lines[name]
		fmt.Fprintf(w, "faults: %s: rounds=%d attempts=%d acknowledged=%d refused=%d unknown=%d repeated=%d faults=%d violations=%d\n",
			name, l.rounds, l.attempts, l.acknowledged, l.refused, l.unknown, l.repeated, l.faults, l.violations)
	}
}
