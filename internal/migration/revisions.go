package migration

import (
	"context"
	"encoding/json"
	"errors"

	"ariga.io/atlas/sql/migrate"
	atlas "ariga.io/atlas/sql/schema"
)

// revisions keeps the history of applied files in the table that the atlas
// command keeps: atlas_schema_revisions.
type revisions struct{ atlas.ExecQuerier }

const revisionColumns = "version, description, type, applied, total, executed_at, execution_time, error, error_stmt, hash, partial_hashes, operator_version"

func (r revisions) create(ctx context.Context) error {
	_, err := r.ExecContext(ctx, `CREATE TABLE IF NOT EXISTS atlas_schema_revisions (
		version varchar NOT NULL PRIMARY KEY, description varchar NOT NULL, type bigint NOT NULL DEFAULT 2,
		applied bigint NOT NULL DEFAULT 0, total bigint NOT NULL DEFAULT 0, executed_at timestamp NOT NULL,
		execution_time bigint NOT NULL, error text NULL, error_stmt text NULL, hash varchar NOT NULL,
		partial_hashes json NULL, operator_version varchar NOT NULL)`)
	return err
}

// Ident is the table of the history.
func (revisions) Ident() *migrate.TableIdent {
	return &migrate.TableIdent{Name: "atlas_schema_revisions"}
}

// ReadRevisions returns all revisions, oldest first.
func (r revisions) ReadRevisions(ctx context.Context) ([]*migrate.Revision, error) {
	return r.read(ctx, "ORDER BY version")
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
	rows, err := r.QueryContext(ctx, "SELECT "+revisionColumns+" FROM atlas_schema_revisions "+where, args...)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var (
			v               migrate.Revision
			failure, failed *string
			hashes          []byte
		)
		if err := rows.Scan(&v.Version, &v.Description, &v.Type, &v.Applied, &v.Total, &v.ExecutedAt, &v.ExecutionTime,
			&failure, &failed, &v.Hash, &hashes, &v.OperatorVersion); err != nil {
			return nil, err
		}
		if failure != nil {
			v.Error = *failure
		}
		if failed != nil {
			v.ErrorStmt = *failed
		}
		if len(hashes) > 0 {
			if err := json.Unmarshal(hashes, &v.PartialHashes); err != nil {
				return nil, err
			}
		}
		all = append(all, &v)
	}
	return all, rows.Err()
}

// WriteRevision adds a revision, or changes the one of its version.
func (r revisions) WriteRevision(ctx context.Context, v *migrate.Revision) error {
	hashes, err := json.Marshal(v.PartialHashes)
	if err != nil {
		return err
	}
	_, err = r.ExecContext(ctx, "INSERT INTO atlas_schema_revisions ("+revisionColumns+`)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
		ON CONFLICT (version) DO UPDATE SET description = excluded.description, type = excluded.type,
		applied = excluded.applied, total = excluded.total, execution_time = excluded.execution_time,
		error = excluded.error, error_stmt = excluded.error_stmt, hash = excluded.hash,
		partial_hashes = excluded.partial_hashes, operator_version = excluded.operator_version`,
		v.Version, v.Description, int64(v.Type), v.Applied, v.Total, v.ExecutedAt.UTC(), int64(v.ExecutionTime),
		v.Error, v.ErrorStmt, v.Hash, string(hashes), v.OperatorVersion)
	return err
}

// DeleteRevision forgets a revision.
func (r revisions) DeleteRevision(ctx context.Context, version string) error {
	_, err := r.ExecContext(ctx, "DELETE FROM atlas_schema_revisions WHERE version = $1", version)
	return err
}
