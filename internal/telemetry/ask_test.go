package telemetry_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"
)

// ask sends an operation, and returns the answer.
func (s *served) ask(t *testing.T, document string, variables map[string]any, headers ...string) string {
	t.Helper()
	body, err := json.Marshal(map[string]any{"query": document, "variables": variables})
	must(t, err)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.api, strings.NewReader(string(body)))
	must(t, err)
	r.Header.Set("Content-Type", "application/json")
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	_, text := do(t, r)
	return text
}

// slot makes a client and an open slot, and returns the ids of both.
func (s *served) slot(t *testing.T, firstName string) (client, appointment string) {
	t.Helper()
	var made struct {
		Data struct {
			ClientCreate   struct{ Client struct{ ID string } }
			ProviderCreate struct{ Provider struct{ ID string } }
		}
	}
	answer := s.ask(t, `mutation People($name: String!) {
		clientCreate(input: {firstName: $name, lastName: $name}) { client { id } }
		providerCreate(input: {firstName: $name, lastName: $name}) { provider { id } } }`, map[string]any{"name": firstName})
	must(t, json.Unmarshal([]byte(answer), &made))
	var open struct {
		Data struct {
			AppointmentBulkCreate struct {
				Appointments struct {
					Edges []struct{ Node struct{ ID string } }
				}
			}
		}
	}
	start := time.Now().Add(48 * time.Hour).Truncate(time.Hour)
	answer = s.ask(t, `mutation Open($in: AppointmentBulkCreateInput!) { appointmentBulkCreate(input: $in) { appointments { edges { node { id } } } } }`,
		map[string]any{"in": map[string]any{"providerId": made.Data.ProviderCreate.Provider.ID, "startTime": start, "endTime": start.Add(time.Hour)}})
	must(t, json.Unmarshal([]byte(answer), &open))
	edges := open.Data.AppointmentBulkCreate.Appointments.Edges
	if len(edges) == 0 {
		t.Fatal(answer)
	}
	return made.Data.ClientCreate.Client.ID, edges[0].Node.ID
}

const book = `mutation Book($client: ID!, $appointment: ID!) {
	reservationCreate(input: {clientId: $client, appointmentId: $appointment}) { reservation { id state } } }`

func (s *served) book(t *testing.T, client, appointment string) string {
	t.Helper()
	return s.ask(t, book, map[string]any{"client": client, "appointment": appointment})
}
