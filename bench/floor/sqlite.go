package main

import (
	"context"
	"database/sql"
	"errors"
	"net/url"
	"runtime"
	"strings"
	"time"

	driver "modernc.org/sqlite"
	codes "modernc.org/sqlite/lib"
)

// sqlite opens the file as docket does.
func sqlite(ctx context.Context, database string) (map[string]answer, error) {
	q := url.Values{
		"_pragma": {"foreign_keys(1)", "journal_mode(WAL)", "synchronous(FULL)", "busy_timeout(10000)"},
		"_txlock": {"immediate"},
	}
	path := strings.TrimPrefix(database, "sqlite://")
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: path}).EscapedPath()+"?"+q.Encode())
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(runtime.GOMAXPROCS(0) + 2)
	db.SetMaxIdleConns(runtime.GOMAXPROCS(0) + 2)
	answers := map[string]answer{}
	for _, q := range questions {
		statement, err := db.PrepareContext(ctx, strings.ReplaceAll(q.statement(), "$", "?"))
		if err != nil {
			return nil, err
		}
		answers[q.name] = func(ctx context.Context, args []int64) ([]byte, error) {
			given := q.args(first(args), time.Now())
			for i, a := range given {
				if t, ok := a.(time.Time); ok {
					given[i] = stamp(t.UTC())
				}
			}
			var v values
			err := statement.QueryRowContext(ctx, given...).Scan(&v.rest)
			if errors.Is(err, sql.ErrNoRows) {
				err = nil
			}
			return q.write(&v), err
		}
	}
	insert, err := db.PrepareContext(ctx, reserve)
	if err != nil {
		return nil, err
	}
	answers["W5"] = func(ctx context.Context, args []int64) ([]byte, error) {
		now := time.Now().UTC()
		row := insert.QueryRowContext(ctx, sql.Named("client", args[0]), sql.Named("appointment", args[1]),
			sql.Named("now", stamp(now)), sql.Named("expiry", stamp(now.Add(30*time.Minute))), sql.Named("soon", stamp(now.Add(24*time.Hour))))
		body, err := writeReservation(row)
		var broken *driver.Error
		if errors.Is(err, sql.ErrNoRows) || errors.As(err, &broken) && broken.Code() == codes.SQLITE_CONSTRAINT_TRIGGER {
			err = errRefused
		}
		return body, err
	}
	return answers, nil
}

// stamp is how docket stores instants: text, whose order is theirs.
func stamp(t time.Time) string { return t.Format("2006-01-02 15:04:05.999999-07:00") }

const reserve = `INSERT INTO reservations (created_at, updated_at, client_id, appointment_id, provider_id, time_slot, ends_at, expiry, active_from, active_until)
SELECT :now, :now, c.id, a.id, a.provider_id, a.time_slot, a.ends_at, :expiry, :now, :expiry FROM clients c, appointments a
WHERE c.id = :client AND a.id = :appointment AND a.status = 'OPEN' AND a.time_slot >= :soon
AND NOT EXISTS (SELECT 1 FROM reservations r WHERE r.appointment_id = a.id
	AND (r.state = 'CONFIRMED' OR r.state = 'HELD' AND r.expiry > :now))
RETURNING id, client_id, appointment_id, time_slot || '', expiry || '',
	(SELECT first_name FROM clients WHERE id = client_id), (SELECT last_name FROM clients WHERE id = client_id)`

// writeReservation writes what the statement above returns.
func writeReservation(row *sql.Row) ([]byte, error) {
	var id, client, appointment int64
	var start, expiry, givenName, familyName string
	if err := row.Scan(&id, &client, &appointment, &start, &expiry, &givenName, &familyName); err != nil {
		return nil, err
	}
	b := appendID([]byte(`{"data":{"reserve":{"reservation":{"id":`), "Reservation", id)
	b = appendTime(append(b, `,"expiry":`...), expiry)
	b = appendID(append(b, `,"confirmed":false,"client":{"id":`...), "Client", client)
	b = appendText(append(b, `,"firstName":`...), givenName)
	b = append(appendText(append(b, `,"lastName":`...), familyName), '}')
	b = appendID(append(b, `,"appointment":{"id":`...), "Appointment", appointment)
	return append(appendTime(append(b, `,"timeSlot":`...), start), "}}}}}"...), nil
}
