package migration

import (
	"fmt"
	"slices"
	"strings"

	"entgo.io/ent/dialect"
	"entgo.io/ent/dialect/sql/schema"

	ormmigrate "docket/ent/orm/migrate"
)

// unversioned are the columns that every change changes.
var unversioned = []string{"id", "created_at", "updated_at", "version"}

// changes are the triggers that note, for the table of every entity, what each
// update changed. PostgreSQL compares whatever columns there are, so that one
// function serves all tables; SQLite has to be told them.
func changes(name string) (all []object) {
	if name == dialect.Postgres {
		all = append(all, object{kind: "FUNCTION", name: "note_change", create: noteChange})
	}
	for _, t := range ormmigrate.Tables {
		if _, updated := column(t, "updated_at"); !updated { // it is no entity
			continue
		}
		o := object{kind: "TRIGGER", name: t.Name + "_changed"}
		if name == dialect.Postgres {
			o.on = t.Name
			o.create = fmt.Sprintf("CREATE TRIGGER %s AFTER UPDATE ON %s FOR EACH ROW EXECUTE FUNCTION note_change()", o.name, t.Name)
		} else {
			o.create = fmt.Sprintf("CREATE TRIGGER %s AFTER UPDATE ON %s BEGIN "+
				"INSERT INTO changes (row_id, version, changed_at, columns) "+
				"SELECT NEW.id, NEW.version, NEW.updated_at, json_group_array(name) FROM (%s); END", o.name, t.Name, differing(t))
		}
		all = append(all, o)
	}
	return all
}

// noteChange compares the rows as JSON, column by column. It stands in quotes,
// not between dollars, which not every tool takes for one statement, and replaces
// what is there: the atlas command leaves functions behind where it tries files.
var noteChange = `CREATE OR REPLACE FUNCTION note_change() RETURNS trigger LANGUAGE plpgsql AS '
BEGIN
	INSERT INTO changes (row_id, version, changed_at, columns)
	SELECT NEW.id, NEW.version, NEW.updated_at, coalesce(jsonb_agg(n.key ORDER BY n.key), ''[]'')
	FROM jsonb_each(to_jsonb(NEW)) n JOIN jsonb_each(to_jsonb(OLD)) o USING (key)
	WHERE n.value <> o.value AND n.key NOT IN (` + doubled(unversioned) + `);
	RETURN NULL;
END'`

// doubled are names as texts, within a text.
func doubled(names []string) string { return "''" + strings.Join(names, "'', ''") + "''" }

// differing selects the names of the columns that an update changes.
func differing(t *schema.Table) string {
	var all []string
	for _, c := range t.Columns {
		if !slices.Contains(unversioned, c.Name) {
			all = append(all, fmt.Sprintf("SELECT '%[1]s' AS name WHERE NEW.`%[1]s` IS NOT OLD.`%[1]s`", c.Name))
		}
	}
	return strings.Join(all, " UNION ALL ")
}
