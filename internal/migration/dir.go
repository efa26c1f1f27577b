package migration

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"ariga.io/atlas/sql/migrate"
	"entgo.io/ent/dialect"

	"docket/migrations"
)

// Folder is the name of a dialect's folder of migrations.
func Folder(name string) string {
	if name == dialect.SQLite {
		return "sqlite"
	}
	return "postgres"
}

// Local is the directory of migrations of a dialect on disk, where path holds
// one for each dialect.
func Local(path, name string) (migrate.Dir, error) {
	return migrate.NewLocalDir(filepath.Join(path, Folder(name)))
}

// Embedded is the directory of migrations of a dialect that the binary carries.
func Embedded(name string) (migrate.Dir, error) {
	folder, err := fs.Sub(migrations.FS, Folder(name))
	if err != nil {
		return nil, err
	}
	dir := &migrate.MemDir{}
	entries, err := fs.ReadDir(folder, ".")
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		text, err := fs.ReadFile(folder, e.Name())
		if err != nil {
			return nil, err
		}
		if err := dir.WriteFile(e.Name(), text); err != nil {
			return nil, err
		}
	}
	if err := checksum(dir); err != nil {
		return nil, fmt.Errorf("the embedded migrations for %s: %w", name, err)
	}
	return dir, nil
}

// Hash writes the checksums of dir anew, after a file was edited by hand.
func Hash(dir migrate.Dir) error {
	sum, err := dir.Checksum()
	if err != nil {
		return err
	}
	return migrate.WriteSumFile(dir, sum)
}

// checksum refuses a directory whose files are not those of its atlas.sum, and
// names the first that is not.
func checksum(dir migrate.Dir) error {
	err := migrate.Validate(dir)
	var mismatch *migrate.ChecksumError
	if errors.As(err, &mismatch) {
		return fmt.Errorf("%s: line %d: %s was %s: %w", migrate.HashFileName, mismatch.Line, mismatch.File, mismatch.Reason, err)
	}
	return err
}
