package migration

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"ariga.io/atlas/sql/migrate"
	atlas "ariga.io/atlas/sql/schema"
	"entgo.io/ent/dialect"
)

const revisionTable = "atlas_schema_revisions"

// revisions keeps the history of applied files in the table that the atlas
// command keeps, column by column the same, so that it finds nothing to alter.
type revisions struct {
	atlas.ExecQuerier
	dialect string
}

const revisionColumns = "version, description, type, applied, total, executed_at, execution_time, error, error_stmt, hash, partial_hashes, operator_version"

func (r revisions) create(ctx context.Context) error {
	if exists, err := r.exists(ctx); exists || err != nil {
		return err
	}
	text, number, instant, list := "character varying", "bigint", "timestamptz", "jsonb"
	if r.dialect == dialect.SQLite {
		text, number, instant, list = "text", "integer", "datetime", "json"
	}
	_, err := r.ExecContext(ctx, `CREATE TABLE `+revisionTable+` (
		version `+text+` NOT NULL, description `+text+` NOT NULL, type `+number+` NOT NULL DEFAULT (2),
		applied `+number+` NOT NULL DEFAULT (0), total `+number+` NOT NULL DEFAULT (0), executed_at `+instant+` NOT NULL,
		execution_time `+number+` NOT NULL, error text NULL, error_stmt text NULL, hash `+text+` NOT NULL,
		partial_hashes `+list+` NULL, operator_version `+text+` NOT NULL, PRIMARY KEY (version))`)
	return err
}

// exists reports whether the table is there, without a right to create it.
func (r revisions) exists(ctx context.Context) (found bool, err error) {
	query := "SELECT to_regclass('" + revisionTable + "') IS NOT NULL"
	if r.dialect == dialect.SQLite {
		query = "SELECT count(*) > 0 FROM sqlite_master WHERE name = '" + revisionTable + "'"
	}
	rows, err := r.QueryContext(ctx, query)
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		if err := rows.Scan(&found); err != nil {
			return false, err
		}
	}
	return found, rows.Err()
}

// Ident is the table of the history.
func (revisions) Ident() *migrate.TableIdent { return &migrate.TableIdent{Name: revisionTable} }

// ReadRevisions returns all revisions, oldest first. The atlas command may keep
// a row of its own among them, whose version begins with a dot.
func (r revisions) ReadRevisions(ctx context.Context) ([]*migrate.Revision, error) {
	if exists, err := r.exists(ctx); !exists || err != nil {
		return nil, err
	}
	return r.read(ctx, "WHERE version NOT LIKE '.%' ORDER BY version")
}

// ReadRevision returns one revision, or migrate.ErrRevisionNotExist.
func (r revisions) ReadRevision(ctx context.Context, version string) (*migrate.Revision, error) {
	found, err := r.read(ctx, "WHERE version = $1", version)
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, migrate.ErrRevisionNotExist
	}
	return found[0], nil
}

func (r revisions) read(ctx context.Context, where string, args ...any) (all []*migrate.Revision, err error) {
	rows, err := r.QueryContext(ctx, "SELECT "+revisionColumns+" FROM "+revisionTable+" "+where, args...)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		v, err := scanRevision(rows.Scan)
		if err != nil {
			return nil, err
		}
		all = append(all, v)
	}
	return all, rows.Err()
}

func scanRevision(scan func(...any) error) (*migrate.Revision, error) {
	var (
		v               migrate.Revision
		failure, failed *string
		hashes          []byte
	)
	if err := scan(&v.Version, &v.Description, &v.Type, &v.Applied, &v.Total, &v.ExecutedAt, &v.ExecutionTime,
		&failure, &failed, &v.Hash, &hashes, &v.OperatorVersion); err != nil {
		return nil, err
	}
	if failure != nil {
		v.Error = *failure
	}
	if failed != nil {
		v.ErrorStmt = *failed
	}
	if len(hashes) == 0 {
		return &v, nil
	}
	return &v, json.Unmarshal(hashes, &v.PartialHashes)
}

// WriteRevision adds a revision, or changes the one of its version.
func (r revisions) WriteRevision(ctx context.Context, v *migrate.Revision) error {
	hashes, err := json.Marshal(v.PartialHashes)
	if err != nil {
		return err
	}
	_, err = r.ExecContext(ctx, "INSERT INTO "+revisionTable+" ("+revisionColumns+`)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
		ON CONFLICT (version) DO UPDATE SET description = excluded.description, type = excluded.type,
		applied = excluded.applied, total = excluded.total, execution_time = excluded.execution_time,
		error = excluded.error, error_stmt = excluded.error_stmt, hash = excluded.hash,
		partial_hashes = excluded.partial_hashes, operator_version = excluded.operator_version`,
		v.Version, v.Description, v.Type, v.Applied, v.Total, v.ExecutedAt.UTC().Round(time.Microsecond), int64(v.ExecutionTime),
		v.Error, v.ErrorStmt, v.Hash, string(hashes), v.OperatorVersion)
	return err
}

// DeleteRevision forgets a revision.
func (r revisions) DeleteRevision(ctx context.Context, version string) error {
	_, err := r.ExecContext(ctx, "DELETE FROM "+revisionTable+" WHERE version = $1", version)
	return err
}
