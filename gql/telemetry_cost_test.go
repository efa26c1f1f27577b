package gql_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"docket/ent/entity"
	"docket/gql"
	"docket/internal/booking"
	"docket/internal/database"
	"docket/internal/dbtest"
	"docket/internal/idempotency"
	"docket/internal/planner"
	"docket/internal/scalar"
	"docket/internal/telemetry"
	"docket/internal/viewer"
)

// telling is an API with some telemetry.
type telling struct {
	name    string
	handler http.Handler
	took    []time.Duration
}

// tellings are from none of it to all of it, on one database.
func tellings(b *testing.B, url string) []*telling {
	b.Helper()
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "application/x-protobuf")
	}))
	b.Cleanup(receiver.Close)
	var all []*telling
	for _, of := range []struct {
		name         string
		metrics, log bool
		sampled      string
	}{
		{"nothing", false, false, ""},
		{"metrics", true, false, ""},
		{"metrics, log", true, true, ""},
		{"metrics, log, 1 % of traces", true, true, "0.01"},
		{"metrics, log, all traces", true, true, "1"},
	} {
		b.Setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "")
		if of.sampled != "" {
			b.Setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", receiver.URL)
		}
		b.Setenv("OTEL_TRACES_SAMPLER", "parentbased_traceidratio")
		b.Setenv("OTEL_TRACES_SAMPLER_ARG", of.sampled)
		t, err := telemetry.Start(b.Context(), telemetry.Settings{Metrics: of.metrics, Operations: of.log, Log: slog.NewJSONHandler(io.Discard, nil), Clock: time.Now})
		must(b, err)
		b.Cleanup(func() { t.Stop(context.Background()) })
		var observers []database.Observer
		if t != nil {
			observers = append(observers, t.Statements("postgresql"))
		}
		db, err := database.Open(url, observers...)
		must(b, err)
		b.Cleanup(func() { _ = db.Close() })
		h, err := gql.NewHandler(gql.Config{
			DB: db.ORM(), Reads: db.Reads(), Dialect: db.Dialect, Rules: booking.DefaultRules(), Keys: idempotency.Keys{Keep: time.Hour},
			Limits: planner.DefaultLimits(), Cursors: cursors(b), Clock: time.Now, Log: slog.New(slog.DiscardHandler), Telemetry: t,
		})
		must(b, err)
		all = append(all, &telling{name: of.name, handler: t.HTTP(viewer.Local().Handler(h))})
	}
	return all
}

// ask answers a request, and counts how long that took if it is to.
func (o *telling) ask(b *testing.B, counted bool, document string, variables map[string]any) string {
	b.Helper()
	body, err := json.Marshal(map[string]any{"query": document, "variables": variables})
	must(b, err)
	r := httptest.NewRequestWithContext(b.Context(), http.MethodPost, "/graphql", bytes.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	start := time.Now()
	o.handler.ServeHTTP(w, r)
	if counted {
		o.took = append(o.took, time.Since(start))
	}
	answer := w.Body.String()
	if strings.Contains(answer, `"errors"`) {
		b.Fatal(answer)
	}
	return answer
}

// BenchmarkTelemetry asks APIs with more and more telemetry in turn, so that what
// else the machine does concerns all of them alike, and compares each with the first:
//
//	go test -run '^$' -bench Telemetry -benchtime 3000x ./gql
func BenchmarkTelemetry(b *testing.B) {
	ctx := booking.NewContext(entity.Service(b.Context()), booking.Moment{Now: time.Now(), Rules: booking.DefaultRules()})
	url := dbtest.URL(b, "postgres")
	all := tellings(b, url)
	db, err := database.Open(url)
	must(b, err)
	defer db.Close()
	client := db.ORM().Customer.Create().SetFirstName("Ada").SetLastName("Nowak").SaveX(ctx)
	provider := db.ORM().Provider.Create().SetFirstName("Pia").SetLastName("Provider").SaveX(ctx)
	slot := time.Now().Add(72 * time.Hour).Truncate(time.Hour)
	var ids []int
	for i := range 20 {
		at := slot.Add(time.Duration(i) * 15 * time.Minute)
		ids = append(ids, db.ORM().Appointment.Create().SetProviderID(provider.ID).SetTimeSlot(at).SetEndsAt(at.Add(15*time.Minute)).SaveX(ctx).ID)
	}
	b.Run("read", func(b *testing.B) {
		compare(b, all, func(o *telling) {
			o.ask(b, true, `query Slots { availableAppointments(first: 20) { edges { node { id timeSlot provider { firstName lastName } } } } }`, nil)
		})
	})
	b.Run("reserve", func(b *testing.B) {
		compare(b, all, func(o *telling) {
			var made struct {
				Data struct {
					ReservationCreate struct{ Reservation struct{ ID string } }
				}
			}
			must(b, json.Unmarshal([]byte(o.ask(b, true, `mutation Book($in: ReservationCreateInput!) { reservationCreate(input: $in) { reservation { id state } } }`,
				map[string]any{"in": map[string]any{"clientId": scalar.FormatID(client.ID), "appointmentId": scalar.FormatID(ids[0])}})), &made))
			o.ask(b, false, `mutation Free($in: ReservationCancelInput!) { reservationCancel(input: $in) { reservation { id } } }`,
				map[string]any{"in": map[string]any{"reservationId": made.Data.ReservationCreate.Reservation.ID}})
		})
	})
}

func compare(b *testing.B, all []*telling, do func(*telling)) {
	b.Helper()
	for _, o := range all {
		for range 20 {
			do(o)
		}
		o.took = nil
	}
	b.ResetTimer()
	for i := range b.N {
		for j := range all {
			do(all[(i+j)%len(all)])
		}
	}
	b.ReportMetric(0, "ns/op")
	for _, part := range []float64{0.1, 0.5} { // the former is what it takes where nobody disturbs
		for _, o := range all {
			fmt.Printf("%2.0f %% within %7.0f µs %6.3f  %s\n", part*100, o.within(part).Seconds()*1e6, o.within(part).Seconds()/all[0].within(part).Seconds(), o.name)
		}
	}
}

// within is the time in which that part of the requests was answered.
func (o *telling) within(part float64) time.Duration {
	slices.Sort(o.took)
	return o.took[int(part*float64(len(o.took)-1))]
}
