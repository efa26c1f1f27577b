package pgtest

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"testing"
)

// fake is a TB that remembers how its test ended.
type fake struct{ outcome, message string }

func (*fake) Helper()                  {}
func (*fake) Context() context.Context { return context.Background() }
func (*fake) Cleanup(func())           {}
func (*fake) Errorf(string, ...any)    {}
func (f *fake) Skip(args ...any)       { f.end("skip", args) }
func (f *fake) Fatal(args ...any)      { f.end("fatal", args) }

func (f *fake) end(outcome string, args []any) {
	f.outcome, f.message = outcome, fmt.Sprint(args...)
	runtime.Goexit()
}

// run is the test's goroutine, which Skip and Fatal end.
func (f *fake) run(test func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		test()
	}()
	<-done
}

func TestRequireSkipsOnlyWhatIsNotInstalledAndNotInCI(t *testing.T) {
	t.Parallel()
	missing, broken := fmt.Errorf("start: %w", ErrNotInstalled), errors.New("broken")
	for name, c := range map[string]struct {
		err  error
		ci   bool
		want string
	}{
		"there":         {nil, false, ""},
		"there in CI":   {nil, true, ""},
		"missing":       {missing, false, "skip"},
		"missing in CI": {missing, true, "fatal"},
		"broken":        {broken, false, "fatal"},
		"broken in CI":  {broken, true, "fatal"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var f fake
			f.run(func() { require(&f, func() (*Server, error) { return nil, c.err }, c.ci) })
			if f.outcome != c.want {
				t.Errorf("%q, want %q", f.outcome, c.want)
			}
			if c.err != nil && f.message != c.err.Error() {
				t.Errorf("message %q, want %q", f.message, c.err)
			}
		})
	}
}
