package deploy_test

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"docket/internal/database"
	"docket/internal/pgtest"
)

var long = flag.Duration("long", 0, "how long servers are replaced under load, instead of once")

// topology is what compose.yml makes, as processes: PostgreSQL, migrated by a step
// of its own, servers of docket with the settings that they have there, and nginx
// in front of them. Only root could show the socket of PostgreSQL to a server in a
// root of its own, so these run in none.
//
// As containers do, a server that is replaced comes back at another address, if
// nginx can find that out; else at the one that it had.
type topology struct {
	image
	env   []string
	url   string
	names *names // nil where nginx does not look them up
	port  string // of all servers, where it does
	used  int    // addresses
	all   []served
}

func newTopology(t *testing.T, servers int) *topology {
	t.Helper()
	return newTopologyOn(t, pgtest.New(t, nil), servers)
}

// newTopologyOn is one on an empty database, with settings that compose.yml does
// not have.
func newTopologyOn(t *testing.T, database string, servers int, settings ...string) *topology {
	t.Helper()
	p := compose(t)
	top := &topology{image: image{root: shared(t), Database: database}}
	if err := os.Link(docket(t), top.root+"/docket"); err != nil {
		t.Fatal(err)
	}
	migrate := p.Services["migrate"]
	if out, err := top.Run(t, environ(migrate, "DOCKET_DATABASE="+top.Database), migrate.Command...); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	top.env = environ(p.Services["docket"], "DOCKET_DATABASE="+top.Database, "DOCKET_SHARED_STORE=memory", "DOCKET_RATE_LIMIT=0", "DOCKET_RATE_LIMIT_ANONYMOUS=0")
	top.env = append(top.env, settings...)
	if resolves(t) {
		top.names = serveNames(t)
		_, top.port, _ = net.SplitHostPort(freeAddress(t))
	}
	top.grow(t, servers)
	var upstreams, changes []string
	if top.names != nil {
		changes = []string{"127.0.0.11", top.names.conn.LocalAddr().String(), "docket:8080", "docket:" + top.port}
	} else {
		for _, s := range top.all {
			upstreams = append(upstreams, s.Address)
		}
	}
	address, cmd := nginxCommand(t, upstreams, changes...)
	top.url = startNginx(t, address, cmd)
	return top
}

// start starts a server, and waits until it says that it is healthy.
func (top *topology) start(t *testing.T, address string) served {
	t.Helper()
	s := top.Serve(t, append(slices.Clone(top.env), "DOCKET_LISTEN="+address, "DOCKET_ADMIN=127.0.0.1:0"))
	if out, err := top.Run(t, []string{"DOCKET_LISTEN=" + address}, "healthcheck"); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return s
}

// place is an address for one server more.
func (top *topology) place(t *testing.T) string {
	t.Helper()
	if top.names == nil {
		return freeAddress(t)
	}
	top.used++
	return fmt.Sprintf("127.0.1.%d:%s", top.used, top.port)
}

// told tells the name server which servers there are.
func (top *topology) told(t *testing.T) {
	t.Helper()
	if top.names != nil {
		top.names.set(t, top.all)
	}
}

// grow starts more servers.
func (top *topology) grow(t *testing.T, servers int) {
	t.Helper()
	for range servers {
		top.all = append(top.all, top.start(t, top.place(t)))
		top.told(t)
	}
}

// stop stops a server as docker stop does.
func (top *topology) stop(t *testing.T, s served) {
	t.Helper()
	if err := s.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := <-s.Done; err != nil {
		t.Errorf("a server that is stopped ends with %v", err)
	}
	top.forget(t, s)
}

// forget is what Docker does when a container has ended.
func (top *topology) forget(t *testing.T, s served) {
	t.Helper()
	top.all = slices.DeleteFunc(top.all, func(other served) bool { return other == s })
	top.told(t)
}

// roll does what deploy/docker/roll does: one server after the other is stopped,
// and another started in its place.
func (top *topology) roll(t *testing.T) {
	t.Helper()
	for _, s := range slices.Clone(top.all) {
		top.stop(t, s)
		address := s.Address
		if top.names != nil {
			address = top.place(t)
		}
		top.all = append(top.all, top.start(t, address))
		top.told(t)
	}
}

// without is an environment less some variables.
func without(env []string, names ...string) (rest []string) {
	for _, v := range env {
		name, _, _ := strings.Cut(v, "=")
		if !slices.Contains(names, name) {
			rest = append(rest, v)
		}
	}
	return rest
}

// booker reserves and confirms one slot after the other, through nginx, over
// connections that it keeps.
type booker struct {
	base     string
	http     *http.Client
	client   string
	provider string
	day      time.Time
	slots    []string
	last     string      // slot that was asked for
	booked   []string    // reservations that were confirmed
	told     []time.Time // when, of each
	failed   []failure
	asked    int
}

// failure is an answer that was no answer.
type failure struct {
	sent   time.Time
	status int // 0 if there was none at all
	text   string
}

func (f failure) String() string {
	return fmt.Sprintf("sent %s: %d %s", f.sent.Format(time.StampMilli), f.status, f.text)
}

var errFailed = errors.New("the request failed")

func newBooker(t *testing.T, base string) *booker {
	t.Helper()
	b := &booker{base: base, http: &http.Client{Transport: &http.Transport{}}, day: time.Now().UTC().Truncate(24 * time.Hour).Add(48 * time.Hour)}
	t.Cleanup(b.http.CloseIdleConnections)
	var err error
	if b.client, err = b.id("clientCreate", `firstName: "Ada", lastName: "Nowak"`, "client"); err == nil {
		b.provider, err = b.id("providerCreate", `firstName: "Pia", lastName: "Provider"`, "provider")
	}
	if err != nil {
		t.Fatal(err, b.failed)
	}
	return b
}

// book books one slot more. Nothing is repeated: each request has to be answered.
func (b *booker) book() error {
	if len(b.slots) == 0 {
		if err := b.open(); err != nil {
			return err
		}
	}
	slot := b.slots[0]
	b.slots, b.last = b.slots[1:], slot
	if _, err := b.ask(`{ availableAppointments(first: 5) { edges { node { id } } } }`); err != nil {
		return err
	}
	made, err := b.id("reservationCreate", fmt.Sprintf("clientId: %q, appointmentId: %q", b.client, slot), "reservation")
	if err != nil {
		return err
	}
	if _, err := b.id("reservationConfirm", fmt.Sprintf("reservationId: %q", made), "reservation"); err != nil {
		return err
	}
	b.booked, b.told = append(b.booked, made), append(b.told, time.Now())
	return nil
}

// open opens the slots of one day more.
func (b *booker) open() error {
	data, err := b.ask(fmt.Sprintf(`mutation { appointmentBulkCreate(input: {providerId: %q, startTime: %q, endTime: %q}) { appointments { edges { node { id } } } } }`,
		b.provider, b.day.Format(time.RFC3339), b.day.Add(24*time.Hour).Format(time.RFC3339)))
	if err != nil {
		return err
	}
	b.day = b.day.Add(24 * time.Hour)
	var opened struct {
		AppointmentBulkCreate struct {
			Appointments struct {
				Edges []struct{ Node struct{ ID string } }
			}
		}
	}
	if err := json.Unmarshal(data, &opened); err != nil {
		return err
	}
	for _, a := range opened.AppointmentBulkCreate.Appointments.Edges {
		b.slots = append(b.slots, a.Node.ID)
	}
	return nil
}

// id does a mutation, and returns the id of the row in its payload.
func (b *booker) id(mutation, input, row string) (string, error) {
	data, err := b.ask(fmt.Sprintf(`mutation { %s(input: {%s}) { %s { id } } }`, mutation, input, row))
	if err != nil {
		return "", err
	}
	var payload map[string]map[string]struct{ ID string }
	if err := json.Unmarshal(data, &payload); err != nil {
		return "", err
	}
	return payload[mutation][row].ID, nil
}

// ask returns the data of an answer. Anything else is noted, and is a failure.
func (b *booker) ask(query string) (data json.RawMessage, err error) {
	b.asked++
	sent := time.Now()
	body, _ := json.Marshal(map[string]string{"query": query})
	answer, err := b.http.Post(b.base+"/graphql", "application/json", strings.NewReader(string(body))) //nolint:noctx // it ends by itself
	if err != nil {
		b.failed = append(b.failed, failure{sent, 0, err.Error()})
		return nil, errFailed
	}
	defer answer.Body.Close()
	content, err := io.ReadAll(answer.Body)
	var response struct{ Data, Errors json.RawMessage }
	if bad := json.Unmarshal(content, &response); err != nil || bad != nil || answer.StatusCode != http.StatusOK || response.Errors != nil {
		b.failed = append(b.failed, failure{sent, answer.StatusCode, string(content)})
		return nil, errFailed
	}
	return response.Data, nil
}

// bookers book while f runs.
func bookers(t *testing.T, base string, n int, f func()) (all []*booker) {
	t.Helper()
	for range n {
		all = append(all, newBooker(t, base))
	}
	var working sync.WaitGroup
	stop := make(chan struct{})
	for _, b := range all {
		working.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					if err := b.book(); err != nil && !errors.Is(err, errFailed) {
						t.Error(err)
						return
					}
				}
			}
		})
	}
	defer working.Wait()
	defer close(stop)
	f()
	return all
}

// counted fails the test unless what was confirmed is what is in the database.
func (top *topology) counted(t *testing.T, all []*booker) (booked, asked int, failed []failure) {
	t.Helper()
	for _, b := range all {
		booked, asked, failed = booked+len(b.booked), asked+b.asked, append(failed, b.failed...)
	}
	db, err := database.Open(top.Database)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var confirmed int
	if err := db.QueryRowContext(t.Context(), "SELECT count(*) FROM reservations WHERE state = 'CONFIRMED'").Scan(&confirmed); err != nil {
		t.Fatal(err)
	}
	if confirmed < booked || len(failed) == 0 && confirmed > booked {
		t.Errorf("%d reservations were confirmed, %d are", booked, confirmed)
	}
	return booked, asked, failed
}

// Servers are replaced under load, and not one request fails.
func TestRollingRestart(t *testing.T) {
	t.Parallel()
	top := newTopology(t, 2)
	rounds := 0
	all := bookers(t, top.url, 6, func() {
		for end := time.Now().Add(*long); rounds == 0 || time.Now().Before(end); rounds++ {
			top.roll(t)
			if top.names != nil { // as many as there are
				top.grow(t, 1)
				time.Sleep(time.Second)
				top.stop(t, top.all[0])
			}
		}
		time.Sleep(500 * time.Millisecond) // with the new ones alone
	})
	booked, asked, failed := top.counted(t, all)
	t.Logf("%d rounds, %d requests, %d slots booked, %d requests failed (nginx looks names up: %v)", rounds, asked, booked, len(failed), top.names != nil)
	for i, f := range failed {
		if i < 5 {
			t.Error(f)
		}
	}
	if booked < 50 {
		t.Errorf("only %d slots were booked", booked)
	}
}
