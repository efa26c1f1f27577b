package gql_test

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

type page struct {
	Page struct {
		TotalCount int
		PageInfo   struct {
			HasNextPage, HasPreviousPage bool
			StartCursor, EndCursor       *string
		}
		Edges []struct {
			Cursor string
			Node   node
		}
	}
}

// TestWalks walks through whole connections in both directions, by pages of
// several sizes and in several orders, many of them with ties: every row is
// met exactly once, and backwards is forwards reversed.
func TestWalks(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, a *api) {
		a.populate(t)
		for _, connection := range []string{
			`appointments(%s)`,
			`appointments(%s, orderBy: {field: TIME_SLOT, direction: ASC})`,
			`appointments(%s, orderBy: {field: TIME_SLOT, direction: DESC})`,
			`appointments(%s, orderBy: {field: STATUS, direction: ASC})`,
			`clients(%s, orderBy: {field: FIRST_NAME, direction: DESC})`,
			`availableAppointments(%s)`,
			`reservations(%s, orderBy: {field: EXPIRY, direction: ASC})`,
		} {
			for _, size := range []int{1, 2, 3, 50} {
				forwards := a.walk(t, connection, size, true)
				backwards := a.walk(t, connection, size, false)
				slices.Reverse(backwards)
				if !slices.Equal(forwards, backwards) {
					t.Errorf("%s by %d:\nforwards  %v\nbackwards %v", connection, size, forwards, backwards)
				}
			}
		}
	})
}

// walk returns the ids it meets, in the order it meets them.
func (a *api) walk(t *testing.T, connection string, size int, forwards bool) (ids []string) {
	t.Helper()
	take, from, cursor := "first", "after", (*string)(nil)
	if !forwards {
		take, from = "last", "before"
	}
	for range 40 {
		args := fmt.Sprintf("%s: %d, %s: $cursor", take, size, from)
		var v page
		a.must(t, &v, fmt.Sprintf(`query($cursor: Cursor) { page: %s {
			totalCount pageInfo { hasNextPage hasPreviousPage startCursor endCursor } edges { cursor node { id } } } }`,
			fmt.Sprintf(connection, args)), map[string]any{"cursor": cursor})
		edges := v.Page.Edges
		if !forwards {
			slices.Reverse(edges)
		}
		for _, e := range edges {
			if slices.Contains(ids, e.Node.ID) {
				t.Fatalf("%s met %s twice", connection, e.Node.ID)
			}
			ids = append(ids, e.Node.ID)
		}
		more := v.Page.PageInfo.HasNextPage
		cursor = v.Page.PageInfo.EndCursor
		if !forwards {
			more, cursor = v.Page.PageInfo.HasPreviousPage, v.Page.PageInfo.StartCursor
		}
		if !more {
			if len(ids) != v.Page.TotalCount {
				t.Errorf("%s by %d met %d of %d", connection, size, len(ids), v.Page.TotalCount)
			}
			return ids
		}
	}
	t.Fatalf("%s does not end", connection)
	return nil
}

// TestTimesAreInstants books across zones: what an answer says is UTC, and the
// same instant in another zone is the same slot.
func TestTimesAreInstants(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, a *api) {
		p := a.provider(t, "Mei", "Tanaka")
		first := a.open(t, p, monday, 4)
		zone := time.FixedZone("", 5*3600+45*60)
		if again := a.open(t, p, monday.In(zone), 4); !slices.Equal(first, again) {
			t.Errorf("opened %v, then %v", first, again)
		}
	})
}
