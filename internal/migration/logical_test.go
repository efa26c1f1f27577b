package migration

import (
	"slices"
	"testing"

	"ariga.io/atlas/sql/migrate"
	"entgo.io/ent/dialect"
)

func replayed(t *testing.T, name string, dir migrate.Dir) Logical {
	t.Helper()
	l, err := Replay(t.Context(), newDB(t, name), dir)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestBothDescribeTheSame(t *testing.T) {
	t.Parallel()
	server := replayed(t, dialect.Postgres, embedded(t, dialect.Postgres))
	file := replayed(t, dialect.SQLite, embedded(t, dialect.SQLite))
	if !slices.Equal(server, file) {
		t.Errorf("only PostgreSQL has %q, only SQLite %q", server.Without(file), file.Without(server))
	}
	// Some of each kind, lest nothing equal nothing.
	for _, sentence := range []string{
		"table reservations",
		"clients.subject: text, null",
		"appointments.status: text, not null, default OPEN",
		"appointments.time_slot: time, not null",
		"appointments.version: integer, not null, default 1",
		"clients: primary key (id)",
		"clients: index clients_subject_key (subject), unique true",
		"appointments: index appointment_time_slot_id (time_slot, id), unique false",
		"appointments: check appointment_start_before_end",
		"reservations: foreign key reservations_appointment_id_copies (appointment_id, provider_id, time_slot, ends_at) to appointments (id, provider_id, time_slot, ends_at), on delete CASCADE",
		"exclusion reservations_client_busy",
		"view client_providers",
		"ids of clients from 4294967297",
	} {
		if !slices.Contains(server, sentence) {
			t.Errorf("the schema does not say %q", sentence)
		}
	}
}

// Each change, made in one folder only, is all that differs.
func TestDifferencesShow(t *testing.T) {
	t.Parallel()
	now := map[string]Logical{}
	for _, name := range []string{dialect.Postgres, dialect.SQLite} {
		now[name] = replayed(t, name, embedded(t, name))
	}
	for _, d := range []struct {
		name, dialect, change string
		less, more            []string
	}{
		{
			"null", dialect.Postgres, "ALTER TABLE clients ALTER last_name DROP NOT NULL;",
			[]string{"clients.last_name: text, not null"},
			[]string{"clients.last_name: text, null"},
		},
		{
			"type", dialect.Postgres, "ALTER TABLE clients ALTER version DROP DEFAULT, ALTER version TYPE text;",
			[]string{"clients.version: integer, not null, default 1"},
			[]string{"clients.version: text, not null"},
		},
		{
			"default", dialect.Postgres, "ALTER TABLE providers ALTER time_zone SET DEFAULT 'CET';",
			[]string{"providers.time_zone: text, not null, default UTC"},
			[]string{"providers.time_zone: text, not null, default CET"},
		},
		{
			"index", dialect.SQLite, "DROP INDEX clients_subject_key;\nCREATE INDEX clients_subject_key ON clients (subject);",
			[]string{"clients: index clients_subject_key (subject), unique true"},
			[]string{"clients: index clients_subject_key (subject), unique false"},
		},
		{
			"reference", dialect.Postgres, "ALTER TABLE reservations DROP CONSTRAINT reservations_clients_reservations, ADD CONSTRAINT reservations_clients_reservations FOREIGN KEY (client_id) REFERENCES clients (id);",
			[]string{"reservations: foreign key reservations_clients_reservations (client_id) to clients (id), on delete CASCADE"},
			[]string{"reservations: foreign key reservations_clients_reservations (client_id) to clients (id), on delete NO ACTION"},
		},
		{"check", dialect.Postgres, "ALTER TABLE clients DROP CONSTRAINT last_name_length;", []string{"clients: check last_name_length"}, nil},
		{"exclusion", dialect.Postgres, "ALTER TABLE reservations DROP CONSTRAINT reservations_slot_taken;", []string{"exclusion reservations_slot_taken"}, nil},
		{"one of two triggers", dialect.SQLite, "DROP TRIGGER reservations_slot_taken_update;", []string{"exclusion reservations_slot_taken"}, nil},
		{"view", dialect.SQLite, "DROP VIEW client_providers;", []string{"view client_providers"}, nil},
		{"ids", dialect.SQLite, "UPDATE sqlite_sequence SET seq = 7 WHERE name = 'clients';", []string{"ids of clients from 4294967297"}, []string{"ids of clients from 8"}},
		{"column", dialect.SQLite, "ALTER TABLE clients ADD COLUMN phone text;", nil, []string{"clients.phone: text, null"}},
	} {
		t.Run(d.name, func(t *testing.T) {
			t.Parallel()
			dir := embedded(t, d.dialect)
			add(t, dir, "change", d.change)
			before, after := now[d.dialect], replayed(t, d.dialect, dir)
			if less, more := before.Without(after), after.Without(before); !slices.Equal(less, d.less) || !slices.Equal(more, d.more) {
				t.Errorf("%q less and %q more, want %q and %q", less, more, d.less, d.more)
			}
		})
	}
}

func TestReplayLeavesNothing(t *testing.T) {
	both(t, func(t *testing.T, name string) {
		dev, dir := newDB(t, name), embedded(t, name)
		file := add(t, dir, "wrong", "CREATE TABLE rooms (id bigint);\nDROP TABLE room;")
		if _, err := Replay(t.Context(), dev, dir); err == nil {
			t.Errorf("%s is no mistake", file)
		}
		if left := everything(t, dev); len(left) > 0 {
			t.Errorf("left behind: %q", left)
		}
	})
}
