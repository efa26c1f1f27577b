package migration

import (
	"fmt"
	"slices"
	"strings"

	"entgo.io/ent/dialect"
	"entgo.io/ent/dialect/sql/schema"
	"entgo.io/ent/schema/field"

	ormmigrate "docket/ent/orm/migrate"
)

// unversioned are the columns that every change changes.
var unversioned = []string{"id", "created_at", "updated_at", "version"}

// asking is the table that tells the triggers of SQLite, which has no settings of
// a transaction, who asks for the one that is under way and for what. Whoever
// begins one fills it and empties it again before the commit; nobody else writes
// meanwhile, so it has one row or none, and none that others see.
func asking() *schema.Table {
	id := &schema.Column{Name: "id", Type: field.TypeInt}
	return &schema.Table{Name: askingTable, PrimaryKey: []*schema.Column{id}, Columns: []*schema.Column{
		id, {Name: "viewer", Type: field.TypeString, Nullable: true}, {Name: "operation", Type: field.TypeString, Nullable: true},
	}}
}

const askingTable = "asking"

// changes are the triggers that note, for the table of every entity, what is done
// to each row, and those that keep what is noted. PostgreSQL compares whatever
// columns there are, so that one function serves all tables; SQLite has to be
// told them.
func changes(name string) (all []object) {
	if name == dialect.Postgres {
		all = append(all, object{kind: "FUNCTION", name: "note_change", create: noteChange},
			object{kind: "FUNCTION", name: "keep_changes", create: keepChanges},
			object{
				kind: "TRIGGER", name: "changes_kept", on: "changes",
				create: "CREATE TRIGGER changes_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON changes FOR EACH STATEMENT EXECUTE FUNCTION keep_changes()",
			})
	} else {
		all = append(all, kept("update", "UPDATE", ""), kept("delete", "DELETE", ""),
			kept("replace", "INSERT", " WHEN NEW.id IN (SELECT id FROM changes)")) // OR REPLACE fires nothing for what it deletes
	}
	for _, t := range ormmigrate.Tables {
		if _, updated := column(t, "updated_at"); !updated { // it is no entity
			continue
		}
		if name == dialect.Postgres {
			all = append(all, noting(t.Name, "created", "INSERT ON %s REFERENCING NEW TABLE AS made FOR EACH STATEMENT"),
				noting(t.Name, "changed", "UPDATE ON %s FOR EACH ROW"),
				noting(t.Name, "deleted", "DELETE ON %s REFERENCING OLD TABLE AS gone FOR EACH STATEMENT"),
				noting(t.Name, "truncated", "TRUNCATE ON %s FOR EACH STATEMENT"))
		} else {
			all = append(all, noted(t.Name, "created", "INSERT", "NEW", "'[]'"),
				noted(t.Name, "changed", "UPDATE", "NEW", "json_group_array(name)", differing(t)),
				noted(t.Name, "deleted", "DELETE", "OLD", "'[]'"))
		}
	}
	return all
}

// refusal is what is told to those who would change what is noted.
const refusal = "changes is append-only: entries can be neither changed nor deleted (docs/audit.md tells how they are archived)"

// keepChanges refuses whatever it is called for.
const keepChanges = `CREATE OR REPLACE FUNCTION keep_changes() RETURNS trigger LANGUAGE plpgsql AS '
BEGIN
	RAISE EXCEPTION ''` + refusal + `'' USING ERRCODE = ''insufficient_privilege'';
END'`

// kept is the trigger of SQLite that refuses what is done to the table of changes.
func kept(name, on, when string) object {
	name = "changes_kept_" + name
	return object{kind: "TRIGGER", name: name, create: fmt.Sprintf(
		"CREATE TRIGGER %s BEFORE %s ON changes%s BEGIN SELECT RAISE(ABORT, '%s'); END", name, on, when, refusal)}
}

// noting is the trigger of PostgreSQL that notes what is done to a table: by the
// statement, which is cheaper for many rows, except where it compares each row
// with what it was.
func noting(table, done, on string) object {
	o := object{kind: "TRIGGER", name: table + "_" + done, on: table}
	when := " AFTER "
	if done == "truncated" { // there are rows to note before
		when = " BEFORE "
	}
	o.create = "CREATE TRIGGER " + o.name + when + fmt.Sprintf(on, table) + " EXECUTE FUNCTION note_change()"
	return o
}

// noteChange compares the rows as JSON, column by column. It stands in quotes,
// not between dollars, which not every tool takes for one statement, and replaces
// what is there: the atlas command leaves functions behind where it tries files.
// A setting that an earlier transaction of the connection had is empty, not null.
var noteChange = `CREATE OR REPLACE FUNCTION note_change() RETURNS trigger LANGUAGE plpgsql AS '
#variable_conflict use_variable
DECLARE
	noted timestamptz := clock_timestamp();
	viewer text := nullif(current_setting(''docket.viewer'', true), '''');
	operation text := nullif(current_setting(''docket.operation'', true), '''');
BEGIN
	IF TG_OP = ''INSERT'' THEN
		INSERT INTO changes (row_id, version, changed_at, columns, action, viewer, operation, database_user)
		SELECT r.id, r.version, noted, ''[]'', ''CREATE'', viewer, operation, session_user FROM made r;
	ELSIF TG_OP = ''DELETE'' THEN
		INSERT INTO changes (row_id, version, changed_at, columns, action, viewer, operation, database_user)
		SELECT r.id, r.version, noted, ''[]'', ''DELETE'', viewer, operation, session_user FROM gone r;
	ELSIF TG_OP = ''TRUNCATE'' THEN
		EXECUTE format(''INSERT INTO changes (row_id, version, changed_at, columns, action, viewer, operation, database_user)
		SELECT id, version, $1, $2, $3, $4, $5, session_user FROM %I.%I ORDER BY id'', TG_TABLE_SCHEMA, TG_TABLE_NAME)
		USING noted, ''[]''::jsonb, ''DELETE'', viewer, operation;
	ELSE
		INSERT INTO changes (row_id, version, changed_at, columns, action, viewer, operation, database_user)
		SELECT NEW.id, NEW.version, noted, coalesce(jsonb_agg(n.key ORDER BY n.key), ''[]''), ''UPDATE'', viewer, operation, session_user
		FROM jsonb_each(to_jsonb(NEW)) n JOIN jsonb_each(to_jsonb(OLD)) o USING (key)
		WHERE n.value <> o.value AND n.key NOT IN (` + doubled(unversioned) + `);
	END IF;
	RETURN NULL;
END'`

// doubled are names as texts, within a text.
func doubled(names []string) string { return "''" + strings.Join(names, "'', ''") + "''" }

// noted is the trigger of SQLite that notes what is done to each row of a table.
func noted(table, done, on, row, columns string, from ...string) object {
	o := object{kind: "TRIGGER", name: table + "_" + done}
	o.create = fmt.Sprintf("CREATE TRIGGER %s AFTER %s ON %s BEGIN "+
		"INSERT INTO changes (row_id, version, changed_at, columns, action, viewer, operation) "+
		"SELECT %[4]s.id, %[4]s.version, %s, %s, '%s', (SELECT viewer FROM asking), (SELECT operation FROM asking)", o.name, on, table, row, now, columns, actions[on])
	if len(from) > 0 {
		o.create += " FROM (" + from[0] + ")"
	}
	o.create += "; END"
	return o
}

// actions are the values of the enum, by what is done.
var actions = map[string]string{"INSERT": "CREATE", "UPDATE": "UPDATE", "DELETE": "DELETE"}

// now is the time as docket writes it to SQLite: no zeros at the end.
const now = "rtrim(rtrim(strftime('%Y-%m-%d %H:%M:%f', 'now'), '0'), '.') || '+00:00'"

// differing selects the names of the columns that an update changes, in the order
// in which PostgreSQL tells them.
func differing(t *schema.Table) string {
	var all []string
	for _, c := range t.Columns {
		if !slices.Contains(unversioned, c.Name) {
			all = append(all, fmt.Sprintf("SELECT '%[1]s' AS name WHERE NEW.`%[1]s` IS NOT OLD.`%[1]s`", c.Name))
		}
	}
	slices.Sort(all)
	return strings.Join(all, " UNION ALL ")
}
