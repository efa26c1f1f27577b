package config

import "fmt"

// Pool is how the server uses its database.
type Pool struct {
	DatabaseConnections int `help:"How many connections to PostgreSQL the server opens at most. What all servers open together, and one more while they are replaced, has to fit PgBouncer's default_pool_size or PostgreSQL's max_connections." default:"16"`
}

func (p Pool) validate() error {
	if p.DatabaseConnections < 2 || p.DatabaseConnections > 500 { // two are needed to see whether a pooler mixes them
		return fmt.Errorf("database-connections: must be between 2 and 500")
	}
	return nil
}
