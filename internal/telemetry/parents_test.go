package telemetry_test

import (
	"strings"
	"testing"

	"docket/internal/dbtest"
)

const (
	theirTrace  = "4bf92f3577b34da6a3ce929d0e0e4736"
	theirParent = "00f067aa0ba902b7"
)

// Anybody can say that a request is part of a trace that is to be kept. That
// counts for those whose word is taken only, and for nobody by default.
func TestTraceparent(t *testing.T) {
	t.Parallel()
	const none = "OTEL_TRACES_SAMPLER=parentbased_always_off"
	for name, test := range map[string]struct {
		variables []string
		args      []string
		flags     string // 01 is to keep it
		kept      bool
		continued bool
	}{
		"kept, from anybody":           {nil, nil, "01", true, false},
		"not kept, from anybody":       {nil, nil, "00", true, false},
		"forced, by anybody":           {[]string{none}, nil, "01", false, false},
		"forced, beside the proxies":   {[]string{none}, []string{"--continue-traces", "--trusted-proxies", "10.0.0.0/8"}, "01", false, false},
		"forced, by a trusted proxy":   {[]string{none}, []string{"--continue-traces", "--trusted-proxies", "127.0.0.0/8,::1"}, "01", true, true},
		"unwanted, by a trusted proxy": {nil, []string{"--continue-traces", "--trusted-proxies", "127.0.0.0/8,::1"}, "00", false, true},
		"a proxy that is not asked":    {[]string{none}, []string{"--trusted-proxies", "127.0.0.0/8,::1"}, "01", false, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := receive(t)
			s := serve(t, dbtest.URL(t, "sqlite"), exporting(r, test.variables...), append(test.args, "--operation-log=on")...)
			if answer := s.ask(t, `query Traced { clients { totalCount } }`, nil, "Traceparent", "00-"+theirTrace+"-"+theirParent+"-"+test.flags); !strings.Contains(answer, "totalCount") {
				t.Fatal(answer)
			}
			s.stop(t)
			if logged := strings.Contains(s.wrote(t), "trace_id="+theirTrace); logged != test.continued {
				t.Errorf("the log has their trace: %v", logged)
			}
			found := r.named("query Traced")
			if !test.kept {
				if len(r.all()) != 0 {
					t.Errorf("there are spans: %v", r.all())
				}
				return
			}
			if len(found) != 1 {
				t.Fatalf("there are %d spans", len(found))
			}
			if continued := id(found[0].TraceId) == theirTrace && id(found[0].ParentSpanId) == theirParent; continued != test.continued {
				t.Errorf("their trace is continued: %v", found[0])
			}
			if linked := len(found[0].Links) == 1 && id(found[0].Links[0].TraceId) == theirTrace; linked == test.continued {
				t.Errorf("linked: %v, continued: %v", linked, test.continued)
			}
		})
	}
}

// What is no trace context begins a trace of its own, and is no error.
func TestMalformedTraceparent(t *testing.T) {
	t.Parallel()
	r := receive(t)
	s := serve(t, dbtest.URL(t, "sqlite"), exporting(r), "--continue-traces", "--trusted-proxies", "127.0.0.0/8,::1")
	headers := []string{
		"", "00", "00-" + theirTrace, "00-" + strings.Repeat("0", 32) + "-" + theirParent + "-01", "ff-" + theirTrace + "-" + theirParent + "-01",
		"00-" + strings.ToUpper(theirTrace) + "-" + theirParent + "-01", strings.Repeat("0", 5000), "00-" + theirTrace + "-" + theirParent + "-01-more",
	}
	for _, header := range headers {
		if answer := s.ask(t, `query Traced { clients { totalCount } }`, nil, "Traceparent", header, "Tracestate", strings.Repeat("a=b,", 2000), "Baggage", "a=b"); !strings.Contains(answer, "totalCount") {
			t.Errorf("%q: %s", header, answer)
		}
	}
	s.stop(t)
	found := r.named("query Traced")
	if len(found) != len(headers) {
		t.Errorf("there are %d spans", len(found))
	}
	for _, s := range found {
		if id(s.TraceId) == theirTrace || len(s.ParentSpanId) != 0 || len(s.Links) != 0 {
			t.Errorf("it is continued: %v", s)
		}
	}
}
