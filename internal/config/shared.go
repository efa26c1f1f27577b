package config

import (
	"errors"
	"net/url"
	"strings"
	"time"
)

// Shared is what servers have together, beside the database.
type Shared struct {
	SharedStore string `help:"Where servers keep how many requests came from whom, and how far in the database viewers have written: memory, which is one server's own, or redis://… or rediss://… (Redis, Valkey), which many share." placeholder:"memory|URL" default:"memory"`
}

const (
	memory        = "memory"              // one server's own
	storePatience = 50 * time.Millisecond // a request waits for the store before it does anything
)

// checkStore does not repeat what it refuses: there may be a password in it.
func checkStore(store string) error {
	if store == memory {
		return nil
	}
	u, err := url.Parse(store)
	if err != nil || u.Scheme != "redis" && u.Scheme != "rediss" || u.Hostname() == "" {
		return errors.New("must be memory, redis://HOST or rediss://HOST")
	}
	if db := strings.TrimPrefix(u.Path, "/"); strings.Trim(db, "0123456789") != "" {
		return errors.New("must end with the number of a database, or without one")
	}
	return nil
}
