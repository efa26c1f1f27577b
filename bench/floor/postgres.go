package main

import (
	"context"
	"embed"
	"errors"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Each file is one statement whose one text is the answer's body. Texts are
// put together by concatenation: json_build_object takes PostgreSQL three
// times as long.
//
//go:embed postgres/*.sql
var statements embed.FS

// connections are enough to keep two cores busy; more only take turns.
const connections = 8

const exclusionViolation = "23P01"

func postgres(ctx context.Context, url string) (map[string]answer, error) {
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, err
	}
	config.MaxConns = connections
	// What is asked for differs by an id: one plan serves all.
	config.ConnConfig.RuntimeParams["plan_cache_mode"] = "force_generic_plan"
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, err
	}
	files, err := statements.ReadDir("postgres")
	if err != nil {
		return nil, err
	}
	answers := map[string]answer{}
	for _, file := range files {
		text, err := statements.ReadFile("postgres/" + file.Name())
		if err != nil {
			return nil, err
		}
		answers[strings.TrimSuffix(file.Name(), ".sql")] = ask(pool, string(text))
	}
	return answers, nil
}

func ask(pool *pgxpool.Pool, statement string) answer {
	return func(ctx context.Context, args []any) (body []byte, err error) {
		err = pool.QueryRow(ctx, statement, args...).Scan(&body)
		var broken *pgconn.PgError
		if errors.Is(err, pgx.ErrNoRows) || errors.As(err, &broken) && broken.Code == exclusionViolation {
			err = errRefused
		}
		return body, err
	}
}
