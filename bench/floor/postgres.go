package main

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// connections are enough to keep two cores busy; more only take turns.
const connections = 8

const exclusionViolation = "23P01"

func postgres(ctx context.Context, url string) (map[string]answer, error) {
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, err
	}
	config.MaxConns = connections
	// As docket's sessions: what is asked for differs by an id, one plan serves all.
	for name, value := range map[string]string{
		"plan_cache_mode": "force_generic_plan", "timezone": "UTC", "jit": "off", "random_page_cost": "1.1",
	} {
		config.ConnConfig.RuntimeParams[name] = value
	}
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, err
	}
	answers := map[string]answer{}
	for _, q := range questions {
		statement := q.statement()
		answers[q.name] = func(ctx context.Context, args []int64) ([]byte, error) {
			var v values
			err := pool.QueryRow(ctx, statement, q.args(first(args), time.Now())...).Scan(&v.rest)
			if errors.Is(err, pgx.ErrNoRows) {
				err = nil
			}
			return q.write(&v), err
		}
	}
	reserve := question{name: "W5-postgres"}.statement()
	answers["W5"] = func(ctx context.Context, args []int64) (body []byte, err error) {
		err = pool.QueryRow(ctx, reserve, args[0], args[1]).Scan(&body)
		var broken *pgconn.PgError
		if errors.Is(err, pgx.ErrNoRows) || errors.As(err, &broken) && broken.Code == exclusionViolation {
			err = errRefused
		}
		return body, err
	}
	return answers, nil
}
