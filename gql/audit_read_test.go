package gql_test

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"entgo.io/ent/dialect"

	"docket/internal/database"
	"docket/internal/dbtest"
	"docket/internal/scalar"
)

// shownEntry is an entry as the API shows it.
type shownEntry struct {
	ID, RowID, Action               string
	Version                         int
	ChangedAt                       time.Time
	Columns                         []string
	Viewer, Operation, DatabaseUser *string
}

type trailPage struct {
	Changes struct {
		TotalCount int
		Edges      []struct{ Node shownEntry }
		PageInfo   struct {
			HasNextPage bool
			EndCursor   string
		}
	}
}

const readTrail = `query($after: Cursor) { changes(first: 7, after: $after %s) { totalCount
	edges { node { id rowId action version changedAt columns viewer operation databaseUser } } pageInfo { hasNextPage endCursor } } }`

// trail reads a whole connection of entries, page by page.
func (a *api) trail(t *testing.T, args string) (all []shownEntry, total int) {
	t.Helper()
	vars := map[string]any{}
	for {
		var page trailPage
		a.must(t, &page, fmt.Sprintf(readTrail, args), vars)
		for _, e := range page.Changes.Edges {
			all = append(all, e.Node)
		}
		if !page.Changes.PageInfo.HasNextPage {
			return all, page.Changes.TotalCount
		}
		vars["after"] = page.Changes.PageInfo.EndCursor
	}
}

// same reports whether an entry is shown as it is stored.
func (s shownEntry) same(e entry) bool {
	text := func(s *string) string {
		if s == nil {
			return "\x00"
		}
		return *s
	}
	stored := func(valid bool, s string) string {
		if !valid {
			return "\x00"
		}
		return s
	}
	return s.ID == scalar.FormatID(e.id) && s.RowID == scalar.FormatID(e.row) && s.Action == e.action && s.Version == e.version &&
		s.ChangedAt.Equal(e.at) && `["`+strings.Join(s.Columns, `","`)+`"]` == strings.ReplaceAll(strings.ReplaceAll(e.columns, ", ", ","), "[]", `[""]`) &&
		text(s.Viewer) == stored(e.viewer.Valid, e.viewer.String) && text(s.Operation) == stored(e.operation.Valid, e.operation.String) &&
		text(s.DatabaseUser) == stored(e.databaseUser.Valid, e.databaseUser.String)
}

// The trail is read as any connection: with filters, orders and pages.
func TestReadingTheTrail(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		a := serve(t, db)
		w := a.admin("ada").populate(t)
		a.admin("bea").client(t, "Ida", "Kaya")
		exec(t, db, "UPDATE clients SET last_name = 'Raw', version = 9 WHERE id = (SELECT min(id) FROM clients)")
		stored := trail(t, db, 0)
		id, err := scalar.ParseID(w.reservations[1])
		if err != nil {
			t.Fatal(err)
		}
		middle := stored[len(stored)/2].at
		byTime := func(a, b entry) int {
			if c := a.at.Compare(b.at); c != 0 {
				return c
			}
			return a.id - b.id
		}
		for _, test := range []struct {
			args  string
			has   func(entry) bool
			order func(a, b entry) int
		}{
			{"", func(entry) bool { return true }, nil},
			{`where: {rowID: "` + w.reservations[1] + `"}`, func(e entry) bool { return e.row == id }, nil},
			{`where: {rowIDNEQ: "` + w.reservations[1] + `"}`, func(e entry) bool { return e.row != id }, nil},
			{`where: {rowIDIn: ["` + w.reservations[1] + `", "` + w.clients[0] + `"]}`, func(e entry) bool { return e.row == id || e.row == scalar.FirstID("Client")+1 }, nil},
			{`where: {action: UPDATE}`, func(e entry) bool { return e.action == "UPDATE" }, nil},
			{`where: {viewer: "bea"}`, func(e entry) bool { return e.viewer.String == "bea" }, nil},
			{`where: {viewerIsNil: true}`, func(e entry) bool { return !e.viewer.Valid }, nil},
			{`where: {operation: "reservationConfirm", viewer: "ada"}`, func(e entry) bool { return e.operation.String == "reservationConfirm" }, nil},
			{`where: {versionGT: 1}`, func(e entry) bool { return e.version > 1 }, nil},
			{`where: {changedAtGTE: "` + scalar.FormatTime(middle) + `"}`, func(e entry) bool { return !e.at.Before(middle) }, nil},
			{`orderBy: {field: CHANGED_AT, direction: DESC}`, func(entry) bool { return true }, func(a, b entry) int { return byTime(b, a) }},
			{`orderBy: {field: CHANGED_AT}`, func(entry) bool { return true }, byTime},
			{`orderBy: {field: VIEWER}, where: {not: {action: DELETE}}`, func(entry) bool { return true }, func(a, b entry) int {
				if a.viewer.Valid != b.viewer.Valid { // none comes last
					if a.viewer.Valid {
						return -1
					}
					return 1
				}
				if c := strings.Compare(a.viewer.String, b.viewer.String); c != 0 {
					return c
				}
				return a.id - b.id
			}},
		} {
			want := slices.DeleteFunc(slices.Clone(stored), func(e entry) bool { return !test.has(e) })
			if test.order != nil {
				slices.SortFunc(want, test.order)
			}
			got, total := a.trail(t, test.args)
			if len(want) == 0 || total != len(want) || !slices.EqualFunc(got, want, shownEntry.same) {
				t.Errorf("%s: of %d\n%+v\nwant %v", test.args, total, got, want)
			}
		}
		one := fmt.Sprintf(`{ change(id: %[1]q) { id } node(id: %[1]q) { __typename ... on Change { action } } }`, scalar.FormatID(stored[0].id))
		if got := a.run(t, one, nil); string(got.Data) != fmt.Sprintf(`{"change":{"id":%q},"node":{"__typename":"Change","action":"CREATE"}}`, scalar.FormatID(stored[0].id)) {
			t.Errorf("%s %+v", got.Data, got.Errors)
		}
		if got := a.run(t, `{ changes(where: {rowID: "nonsense"}) { totalCount } }`, nil); got.code() != "BAD_USER_INPUT" {
			t.Errorf("%s %+v", got.Data, got.Errors)
		}
	})
}

// What docs/audit.md shows is true: how the trail is read, and how it is archived.
func TestTheGuideToTheTrail(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../docs/audit.md")
	if err != nil {
		t.Fatal(err)
	}
	query := regexp.MustCompile("(?s)```graphql\n(.*?)```").FindSubmatch(text)
	archive := regexp.MustCompile("(?s)```sql\n-- (\\w+)\n(.*?)```").FindAllSubmatch(text, -1)
	if query == nil || len(archive) != 2 {
		t.Fatal("the guide has lost its examples")
	}
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		a := serve(t, db)
		w := a.admin("ada").populate(t)
		var page trailPage
		a.must(t, &page, string(query[1]), map[string]any{"reservation": w.reservations[1]})
		if e := page.Changes.Edges; len(e) != 2 || *e[0].Node.Operation != "reservationConfirm" || *e[1].Node.Viewer != "ada" {
			t.Errorf("got %+v", e)
		}

		before := trail(t, db, 0)
		at := archive[slices.Index([]string{dialect.Postgres, dialect.SQLite}, db.Dialect)]
		statements := regexp.MustCompile(`'2029-[^']*'`).ReplaceAllString(string(at[2]), "'"+before[3].at.UTC().Format("2006-01-02 15:04:05.999999")+"+00:00'")
		triggers := "SELECT coalesce(string_agg(tgname || tgenabled::text, ','), '') FROM pg_trigger WHERE tgname = 'changes_kept'"
		if db.Dialect == dialect.SQLite {
			triggers = "SELECT group_concat(sql) FROM (SELECT sql FROM sqlite_master WHERE tbl_name = 'changes' AND type = 'trigger' ORDER BY name)"
		}
		guards := func() (text string) {
			t.Helper()
			if err := db.QueryRowContext(t.Context(), triggers).Scan(&text); err != nil {
				t.Fatal(err)
			}
			return text
		}
		was := guards()
		exec(t, db, statements)
		want := slices.DeleteFunc(slices.Clone(before), func(e entry) bool { return e.at.Before(before[3].at) })
		if got := trail(t, db, 0); !slices.Equal(got, want) || len(want) == len(before) {
			t.Errorf("left are %v, of %v", got, before)
		}
		if now := guards(); now != was {
			t.Errorf("the trail is guarded by %s, it was by %s", now, was)
		}
	})
}

// Who was not asked who they are is not noted as whom a token could name.
func TestTrailOfWhoWasNotAsked(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, a *api) {
		send(t, "POST", a.url, "application/json", `{"query": "mutation { clientCreate(input: {firstName: \"Ada\", lastName: \"Nowak\"}) { client { id } } }"}`)
		var page trailPage
		a.must(t, &page, `{ changes { edges { node { viewer operation } } } }`, nil)
		if e := page.Changes.Edges; len(e) != 1 || e[0].Node.Viewer != nil || *e[0].Node.Operation != "clientCreate" {
			t.Errorf("got %+v", e)
		}
	})
}
