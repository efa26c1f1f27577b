package gql_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/lib/pq"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/parser"

	"docket/bench/dataset"
	"docket/gql"
	"docket/internal/database"
	"docket/internal/dbtest"
)

// budgetVersion is the PostgreSQL whose plans testdata/budget.lock pins. Others
// may choose other indexes and be as fast.
const budgetVersion = 15

// TestBudget reads a large data set. It pins what each operation of
// testdata/budget.graphql costs: its statements, the indexes they use and what
// PostgreSQL expects them to cost. Then it looks at the plan of every order of
// every connection. A change that is meant is written with -update.
func TestBudget(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: it loads a large data set")
	}
	t.Parallel()
	l := large(t)
	t.Run("operations", func(t *testing.T) { operations(t, l) })
	t.Run("orders", func(t *testing.T) { everyOrder(t, l) })
}

// largeAPI is an API on a large database, whose statements are noted.
type largeAPI struct {
	*api
	db   *database.DB
	seen *counting
}

func large(t *testing.T) largeAPI {
	t.Helper()
	db, err := database.Open(dbtest.URL(t, "postgres"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	// With one connection settings stay, and so do prepared statements. Statistics
	// of all rows are the same each time; those of a sample are not.
	db.SetMaxOpenConns(1)
	for _, set := range []string{"SET default_statistics_target = 1000", "SET plan_cache_mode = force_generic_plan"} {
		if _, err := db.ExecContext(t.Context(), set); err != nil {
			t.Fatal(err)
		}
	}
	if err := dataset.At(1).LoadPostgres(t.Context(), db.DB); err != nil {
		t.Fatal(err)
	}
	// The data set comes without the trail that it would have left.
	for _, fill := range []string{`INSERT INTO changes (row_id, version, changed_at, columns, action, viewer)
		SELECT id, version, created_at, '[]', 'CREATE', 'viewer-' || id % 1000 FROM reservations ORDER BY id`, "VACUUM (ANALYZE) changes"} {
		if _, err := db.ExecContext(t.Context(), fill); err != nil {
			t.Fatal(err)
		}
	}
	a, seen := serveCounted(t, db)
	return largeAPI{a, db, seen}
}

// operations holds the operations against the lock file.
func operations(t *testing.T, l largeAPI) {
	var version int
	if err := l.db.QueryRowContext(t.Context(), "SELECT current_setting('server_version_num')::int / 10000").Scan(&version); err != nil {
		t.Fatal(err)
	}
	if version != budgetVersion {
		t.Skipf("the plans are those of PostgreSQL %d, this is %d", budgetVersion, version)
	}
	text, err := os.ReadFile("testdata/budget.graphql")
	if err != nil {
		t.Fatal(err)
	}
	doc, err := parser.ParseQuery(&ast.Source{Input: string(text)})
	if err != nil {
		t.Fatal(err)
	}
	var got bytes.Buffer
	fmt.Fprintf(&got, "# What the operations of budget.graphql cost on PostgreSQL %d, the data set × 1.\n", budgetVersion)
	for _, op := range doc.Operations {
		statements := l.seen.during(func() { l.named(t, string(text), op.Name) })
		fmt.Fprintf(&got, "\n%s: statements %d", op.Name, len(statements))
		for _, s := range statements {
			p := l.plan(t, s)
			fmt.Fprintf(&got, ", cost %s\n", rounded(p.TotalCost))
			for _, index := range p.indexes() {
				fmt.Fprintf(&got, "  %s\n", index)
			}
			if p.spills() {
				t.Errorf("%s sorts on disk", op.Name)
			}
		}
	}
	pinned(t, "testdata/budget.lock", got.Bytes())
}

// rounded is a cost to two digits: the last ones depend on how pages were filled.
func rounded(cost float64) string {
	unit := math.Pow(10, math.Max(0, math.Floor(math.Log10(cost))-1))
	return strconv.FormatFloat(math.Round(cost/unit)*unit, 'f', 0, 64)
}

// unserved are the orders that no index can serve, and why that is bearable.
var unserved = map[string]string{
	"RESERVATIONS_COUNT": "all reservations are counted, through an index: there are few providers",
}

// everyOrder looks at the plan of each order of each connection, at the root and
// below an object: none reads a large table from end to end, or sorts much of it.
func everyOrder(t *testing.T, l largeAPI) {
	schema, err := gql.Schema()
	if err != nil {
		t.Fatal(err)
	}
	plans := 0
	look := func(typ, query string) {
		for _, order := range schema.Types[typ+"OrderField"].EnumValues {
			for _, direction := range []string{"ASC", "DESC"} {
				page := fmt.Sprintf("(first: 20, orderBy: {field: %s, direction: %s}) { edges { node { id } } }", order.Name, direction)
				op := "{ " + strings.Replace(query, "PAGE", page, 1) + " }"
				for _, s := range l.seen.during(func() { l.must(t, nil, op, nil) }) {
					plans++
					if wrong := l.plan(t, s).wrong(); wrong != "" && unserved[order.Name] == "" {
						t.Errorf("%s\n%s", op, wrong)
					}
				}
			}
		}
	}
	for _, f := range schema.Query.Fields {
		if typ, ok := strings.CutSuffix(f.Type.Name(), "Connection"); ok {
			look(typ, f.Name+" PAGE")
		}
	}
	for one, all := range map[string]string{"Client": "clients", "Provider": "providers", "Appointment": "appointments"} {
		for _, f := range schema.Types[one].Fields {
			if typ, ok := strings.CutSuffix(f.Type.Name(), "Connection"); ok {
				look(typ, all+"(first: 20) { edges { node { "+f.Name+" PAGE } } }")
			}
		}
	}
	if plans < 300 {
		t.Errorf("only %d plans were looked at", plans)
	}
}

// planNode is a node of what EXPLAIN (FORMAT JSON) answers.
type planNode struct {
	NodeType      string  `json:"Node Type"`
	Relation      string  `json:"Relation Name"`
	Index         string  `json:"Index Name"`
	TotalCost     float64 `json:"Total Cost"`
	Rows          float64 `json:"Actual Rows"`
	SortSpaceType string  `json:"Sort Space Type"`
	Plans         []planNode
}

// plan explains a statement as it is run, prepared for any arguments, and runs it.
func (l largeAPI) plan(t *testing.T, s statement) planNode {
	t.Helper()
	prepare := func(text string) {
		if _, err := l.db.ExecContext(t.Context(), text); err != nil {
			t.Fatalf("%v in %s", err, text)
		}
	}
	prepare("PREPARE explained AS " + s.query)
	defer prepare("DEALLOCATE explained")
	execute := "EXECUTE explained"
	if len(s.args) > 0 {
		literals := make([]string, len(s.args))
		for i, a := range s.args {
			literals[i] = literal(a)
		}
		execute += "(" + strings.Join(literals, ", ") + ")"
	}
	var text []byte
	if err := l.db.QueryRowContext(t.Context(), "EXPLAIN (FORMAT JSON, ANALYZE) "+execute).Scan(&text); err != nil {
		t.Fatal(err)
	}
	var plans []struct{ Plan planNode }
	if err := json.Unmarshal(text, &plans); err != nil || len(plans) != 1 {
		t.Fatalf("%v in %s", err, text)
	}
	return plans[0].Plan
}

func literal(arg any) string {
	switch arg := arg.(type) {
	case time.Time:
		return pq.QuoteLiteral(arg.Format(time.RFC3339Nano))
	default:
		return pq.QuoteLiteral(fmt.Sprint(arg))
	}
}

func (p planNode) walk(visit func(planNode)) {
	visit(p)
	for _, below := range p.Plans {
		below.walk(visit)
	}
}

// indexes are those that the plan uses, each once, and the tables it scans.
func (p planNode) indexes() (used []string) {
	p.walk(func(n planNode) {
		name := n.Index
		if n.NodeType == "Seq Scan" {
			name = "(all of " + n.Relation + ")"
		}
		if name != "" && !slices.Contains(used, name) {
			used = append(used, name)
		}
	})
	slices.Sort(used)
	return used
}

func (p planNode) spills() (disk bool) {
	p.walk(func(n planNode) { disk = disk || n.SortSpaceType == "Disk" })
	return disk
}

// wrong says what is wrong with the plan of a page: a large table is read from
// end to end, or more of it sorted than belongs to one object.
func (p planNode) wrong() (what string) {
	const much = 10_000 // rows
	p.walk(func(n planNode) {
		switch {
		case n.NodeType == "Seq Scan" && n.Relation != "providers":
			what = "reads all of " + n.Relation
		case n.NodeType == "Sort" && len(n.Plans) > 0 && n.Plans[0].Rows > much:
			what = fmt.Sprintf("sorts %.0f rows", n.Plans[0].Rows)
		}
	})
	return what
}
