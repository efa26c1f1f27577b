package peer

import (
	"context"
	"encoding/base64"
	"os"
	"os/exec"
	"strconv"
)

// Docket is the program at path, run as its README says, but for the limits of
// how much one address may send, as all of the load comes from one, and the profiler.
func Docket(name, version, path string) Peer {
	return Peer{
		Name: name, Version: version,
		Command: func(ctx context.Context, port int, database string) *exec.Cmd {
			cmd := exec.CommandContext(ctx, path, "serve", "--listen", "localhost:"+strconv.Itoa(port), "--database", database)
			// By variables, which a docket that knows no limits does not mind.
			cmd.Env = append(os.Environ(), "DOCKET_RATE_LIMIT=0", "DOCKET_RATE_LIMIT_ANONYMOUS=0", "DOCKET_PROFILER=off")
			return cmd
		},
		Body: graphQL{id: globalID, documents: map[Question]string{
			Provider: `query($id: ID!) { provider(id: $id) { id firstName lastName } }`,
			Clients:  `{ clients(first: 20) { edges { node { id firstName lastName } } pageInfo { hasNextPage endCursor } } }`,
			Nested: `{ providers(first: 20) { edges { node { id firstName lastName
				appointments(first: 10) { edges { node { id timeSlot
					reservations { edges { node { id confirmed client { id firstName lastName } } } } } } } } } } }`,
			Available: `query($id: ID!, $since: Time!, $until: Time!) { provider(id: $id) { id firstName lastName
				availableAppointments(first: 50, where: {timeSlotGTE: $since, timeSlotLT: $until}) {
					edges { node { id timeSlot } } pageInfo { hasNextPage } } } }`,
			Reserve: `mutation($client: ID!, $appointment: ID!) {
				reserve: reservationCreate(input: {clientId: $client, appointmentId: $appointment}) {
					reservation { id expiry confirmed client { id firstName lastName } appointment { id timeSlot } } } }`,
			Deep: `query($after: Cursor) { clients(first: 50, after: $after) {
				edges { node { id firstName lastName } } pageInfo { hasNextPage endCursor } } }`,
			Walk: `query($first: Int, $after: Cursor) { clients(first: $first, after: $after) { edges { cursor } } }`,
		}}.body,
	}
}

// globalID is docket's: the base64 of "Type:n"; the type has a range of 1<<32 numbers.
func globalID(kind string, id int) string {
	return base64.StdEncoding.EncodeToString([]byte(kind + ":" + strconv.Itoa(id&(1<<32-1))))
}
