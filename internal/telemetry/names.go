package telemetry

import (
	"cmp"
	"sync"
)

// The labels of operations that have no name of their own among the labels.
const (
	anonymous = "anonymous" // has no name
	invalid   = "invalid"   // has no document, or one that is not valid
	other     = "other"     // came after there were enough
)

// maxNames is how many names that clients chose become labels. A name is a dozen
// series for each type and outcome, and clients may choose any number of them.
const maxNames = 100

// names are the labels of operations.
type names struct {
	mu    sync.RWMutex
	known map[string]bool
}

// label is that of an operation. Names of registered documents are labels at once.
// Of others the first are that were answered well: who is refused cannot use them up.
func (n *names) label(o Operation, outcome string) string {
	switch {
	case o.Type == "":
		return invalid
	case o.Trusted || o.Name == "":
		return cmp.Or(o.Name, anonymous)
	}
	n.mu.RLock()
	known, full := n.known[o.Name], len(n.known) >= maxNames
	n.mu.RUnlock()
	if !known && !full && outcome == ok {
		known = n.learn(o.Name)
	}
	if known {
		return o.Name
	}
	return other
}

func (n *names) learn(name string) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.known == nil {
		n.known = map[string]bool{}
	}
	if len(n.known) < maxNames {
		n.known[name] = true
	}
	return n.known[name]
}
