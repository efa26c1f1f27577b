package deploy_test

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

type project struct {
	Services map[string]service
}

type service struct {
	Command     []string
	Environment map[string]string
	Build       *struct{ Dockerfile string }
	Profiles    []string
	Volumes     []struct{ Type, Source, Target string }
	Ports       []struct {
		HostIP string `json:"host_ip"`
	}
	StopGracePeriod string `json:"stop_grace_period"`
	Deploy          struct{ Replicas int }
}

func compose(t *testing.T) project {
	t.Helper()
	var p project
	if err := check(t, "compose", read(t, "../compose.yml"), &p); err != nil {
		t.Fatal(err)
	}
	return p
}

func TestCompose(t *testing.T) {
	t.Parallel()
	p := compose(t)
	for name, s := range p.Services {
		if s.Build != nil {
			read(t, filepath.Join("..", s.Build.Dockerfile))
		}
		for _, v := range s.Volumes {
			if _, file, ok := strings.Cut(v.Source, "/deploy/"); ok && v.Type == "bind" {
				if _, err := os.Stat(file); err != nil {
					t.Error(name, err)
				}
			}
		}
		for _, port := range s.Ports {
			if ip := net.ParseIP(port.HostIP); !ip.IsLoopback() {
				t.Errorf("%s: others can reach %q, and nobody is checked", name, port.HostIP)
			}
		}
	}
	_, port, err := net.SplitHostPort(p.Services["docket"].Environment["DOCKET_LISTEN"])
	if upstream := "server docket:" + port + " resolve "; err != nil || !strings.Contains(read(t, "nginx/nginx.conf"), upstream) {
		t.Errorf("nginx does not go to %q (%v)", upstream, err)
	}

	text := read(t, "../compose.yml")
	refused(t, check(t, "compose", replaced(t, text, "read_only: true", "read_onlyy: true"), &p), "read_onlyy")
	refused(t, check(t, "compose", replaced(t, text, "      migrate: {cond", "      migrated: {cond"), &p), "undefined service", "migrated")
	refused(t, check(t, "compose", replaced(t, text, "service_healthy", "service_well"), &p), "condition", "must be one of")
}

// TestComposeStops holds how long a server takes to stop against what it waits for.
func TestComposeStops(t *testing.T) {
	t.Parallel()
	text := read(t, "../compose.yml")
	if problem := stops(t, text, read(t, "nginx/nginx.conf")); problem != "" {
		t.Error(problem)
	}
	for _, planted := range [][2]string{{"DOCKET_DRAIN: 6s", "DOCKET_DRAIN: 4s"}, {"period: 60s", "period: 45s"}, {"REPLICAS:-2}", "REPLICAS:-1}"}} {
		if stops(t, replaced(t, text, planted[0], planted[1]), read(t, "nginx/nginx.conf")) == "" {
			t.Errorf("a planted mistake is not seen: %s", planted[1])
		}
	}
	for _, planted := range [][2]string{{"valid=2s", "valid=10s"}, {"fail_timeout=3s", "fail_timeout=5s"}, {"keepalive_timeout 5s", "keepalive_timeout 60s"}} {
		if stops(t, text, replaced(t, read(t, "nginx/nginx.conf"), planted[0], planted[1])) == "" {
			t.Errorf("a planted mistake is not seen: %s", planted[1])
		}
	}
}

// stops tells why a server cannot be replaced without a loss, or nothing.
func stops(t *testing.T, composeYML, nginxConf string) string {
	t.Helper()
	const requests = 37 * time.Second // how long docket takes for the requests that it has, for telemetry, and for operators
	var p project
	if err := check(t, "compose", composeYML, &p); err != nil {
		t.Fatal(err)
	}
	docket := p.Services["docket"]
	drain, err := time.ParseDuration(docket.Environment["DOCKET_DRAIN"])
	grace, err2 := time.ParseDuration(docket.StopGracePeriod)
	if err := errors.Join(err, err2); err != nil {
		return err.Error()
	}
	_, upstream, _ := strings.Cut(nginxConf, "upstream docket {")
	for what, text := range map[string]string{"valid=": nginxConf, "fail_timeout=": nginxConf, "keepalive_timeout ": upstream} {
		_, value, _ := strings.Cut(text, what)
		takes, err := time.ParseDuration(value[:strings.IndexAny(value, "; ")])
		if what == "fail_timeout=" {
			takes += 2 * time.Second // nginx counts it in whole seconds, so it may be one more; and one to ask
		}
		if err != nil || takes >= drain {
			return fmt.Sprintf("DOCKET_DRAIN is %v, but nginx has %s%v (%v)", drain, what, takes, err)
		}
	}
	switch {
	case grace < 2*drain+requests:
		return fmt.Sprintf("it is killed after %v, and may take %v to stop", grace, 2*drain+requests)
	case docket.Deploy.Replicas < 2:
		return "there is no other server meanwhile"
	}
	return ""
}

// TestComposeSettings checks that docket knows the variables it is given.
func TestComposeSettings(t *testing.T) {
	t.Parallel()
	p := compose(t)
	checked := 0
	for name, s := range p.Services {
		if s.Build != nil {
			checked++
			if unknown := unknownSettings(t, s); len(unknown) > 0 {
				t.Errorf("%s: docket %s does not know %s", name, strings.Join(s.Command, " "), unknown)
			}
		}
	}
	if checked < 2 {
		t.Errorf("only %d services run docket", checked)
	}
	s := p.Services["docket"]
	s.Environment["DOCKET_LISTENN"] = ""
	if unknown := unknownSettings(t, s); !slices.Equal(unknown, []string{"DOCKET_LISTENN"}) {
		t.Errorf("of a planted mistake is seen: %s", unknown)
	}
}

// unknownSettings are the variables that the service's command does not read.
func unknownSettings(t *testing.T, s service) (unknown []string) {
	t.Helper()
	help, err := newImage(t).Run(t, nil, append(slices.Clone(s.Command), "--help")...)
	if err != nil {
		t.Fatalf("%v\n%s", err, help)
	}
	known := regexp.MustCompile(`\$DOCKET_[A-Z_]+`).FindAllString(help, -1)
	for variable := range s.Environment {
		if !slices.Contains(known, "$"+variable) {
			unknown = append(unknown, variable)
		}
	}
	return unknown
}

// TestComposeRuns goes through what docker compose up does with docket, on
// another database and address: it has no PostgreSQL, and runs beside others.
func TestComposeRuns(t *testing.T) {
	t.Parallel()
	p, i := compose(t), newImage(t)
	serve := environ(p.Services["docket"], "DOCKET_DATABASE="+i.Database, "DOCKET_LISTEN=127.0.0.1:0", "DOCKET_ADMIN=127.0.0.1:0", "DOCKET_SHARED_STORE=memory")
	if out, err := i.Run(t, serve, "serve"); err == nil || !strings.Contains(out, "migrat") {
		t.Errorf("the server starts on a database that is not migrated (%v): %s", err, out)
	}
	migrate := p.Services["migrate"]
	if out, err := i.Run(t, environ(migrate, "DOCKET_DATABASE="+i.Database), migrate.Command...); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	s := i.Serve(t, serve)
	_, port, _ := net.SplitHostPort(s.Address)
	health := []string{"DOCKET_LISTEN=0.0.0.0:" + port} // as in compose.yml, but for the port
	if out, err := i.Run(t, health, "healthcheck"); err != nil {
		t.Errorf("a healthy server is not: %v\n%s", err, out)
	}
	if err := s.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := <-s.Done; err != nil {
		t.Errorf("the server ended with %v", err)
	}
	if out, err := i.Run(t, health, "healthcheck"); err == nil {
		t.Errorf("a server that is gone is healthy: %s", out)
	}
}

// environ is the service's environment; what is given wins.
func environ(s service, given ...string) []string {
	var env []string
	for name, value := range s.Environment {
		env = append(env, fmt.Sprintf("%s=%s", name, value))
	}
	return append(env, given...)
}
