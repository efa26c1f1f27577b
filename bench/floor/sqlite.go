package main

import (
	"context"
	"database/sql"
	"errors"
	"net/url"
	"strings"
	"time"

	driver "modernc.org/sqlite"
	codes "modernc.org/sqlite/lib"
)

// SQLite has no base64, and works in this process: the answers are written in
// Go, from flat rows. The file is opened as docket opens it.
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
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(connections)
	answers := map[string]answer{}
	for question, a := range map[string]struct {
		text  string
		write func(*sql.Rows) ([]byte, error)
	}{
		"W1": {`SELECT id, first_name, last_name FROM providers WHERE id = ?`, writeProvider},
		"W2": {`SELECT id, first_name, last_name FROM clients ORDER BY id LIMIT 21`, writeClients(20)},
		"W3": {nested, writeNested},
		"W4": {available, writeAvailable},
		"W6": {`SELECT id, first_name, last_name FROM clients WHERE id > ? ORDER BY id LIMIT 51`, writeClients(50)},
	} {
		statement, err := db.PrepareContext(ctx, a.text)
		if err != nil {
			return nil, err
		}
		answers[question] = func(ctx context.Context, args []any) ([]byte, error) {
			rows, err := statement.QueryContext(ctx, args...)
			if err != nil {
				return nil, err
			}
			body, err := a.write(rows)
			return body, errors.Join(err, rows.Err(), rows.Close())
		}
	}
	insert, err := db.PrepareContext(ctx, reserve)
	if err != nil {
		return nil, err
	}
	answers["W5"] = func(ctx context.Context, args []any) ([]byte, error) {
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

const (
	nested = `SELECT p.id, p.first_name, p.last_name, a.id, a.time_slot || '', r.id, r.state = 'CONFIRMED', c.id, c.first_name, c.last_name
FROM (SELECT id, first_name, last_name FROM providers ORDER BY id LIMIT 20) p
LEFT JOIN appointments a ON a.id IN (SELECT id FROM appointments WHERE provider_id = p.id ORDER BY id LIMIT 10)
LEFT JOIN reservations r ON r.appointment_id = a.id
LEFT JOIN clients c ON c.id = r.client_id
ORDER BY p.id, a.id, r.id`

	available = `SELECT p.id, p.first_name, p.last_name, a.id, a.time_slot || '' FROM providers p
LEFT JOIN (
	SELECT id, provider_id, time_slot FROM appointments a
	WHERE provider_id = ?1 AND status = 'OPEN' AND time_slot >= '2035-01-01' AND time_slot < '2035-01-08' AND time_slot >= datetime('now', '+1 day')
	AND NOT EXISTS (SELECT 1 FROM reservations r WHERE r.appointment_id = a.id
		AND (r.state = 'CONFIRMED' OR r.state = 'HELD' AND r.expiry > datetime('now')))
	ORDER BY id LIMIT 51) a ON true
WHERE p.id = ?1 ORDER BY a.id`

	reserve = `INSERT INTO reservations (created_at, updated_at, client_id, appointment_id, provider_id, time_slot, ends_at, expiry, active_from, active_until)
SELECT :now, :now, c.id, a.id, a.provider_id, a.time_slot, a.ends_at, :expiry, :now, :expiry FROM clients c, appointments a
WHERE c.id = :client AND a.id = :appointment AND a.status = 'OPEN' AND a.time_slot >= :soon
AND NOT EXISTS (SELECT 1 FROM reservations r WHERE r.appointment_id = a.id
	AND (r.state = 'CONFIRMED' OR r.state = 'HELD' AND r.expiry > :now))
RETURNING id, client_id, appointment_id, time_slot || '', expiry || '',
	(SELECT first_name FROM clients WHERE id = client_id), (SELECT last_name FROM clients WHERE id = client_id)`
)
