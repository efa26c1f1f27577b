// Package migrations holds the versioned SQL migrations, one folder for each
// database, embedded so that the binary carries its own.
package migrations

import "embed"

// FS holds the folders postgres and sqlite.
//
//go:embed postgres sqlite
var FS embed.FS
