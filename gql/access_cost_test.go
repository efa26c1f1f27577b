package gql_test

import (
	"reflect"
	"testing"

	"docket/internal/dbtest"
)

// TestPolicyIsAskedOnce lists what everyone may see anyway: the policy says what the
// view says, and the statement must not say it twice. Beside other grants PostgreSQL
// would look through all reservations for the second time.
func TestPolicyIsAskedOnce(t *testing.T) {
	t.Parallel()
	for _, name := range dbtest.Dialects() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, counted := serveCounted(t, dbtest.Open(t, name))
			for _, query := range []string{
				`{ availableAppointments(first: 50) { totalCount edges { cursor node { timeSlot provider { lastName } } } pageInfo { hasPreviousPage } } }`,
				`{ providers { edges { node { availableAppointments(orderBy: {field: TIME_SLOT}) { edges { node { id } } } } } } }`,
			} {
				want := counted.during(func() { a.must(t, nil, query, nil) })
				for who, v := range actors {
					got := counted.during(func() { a.as(v).must(t, nil, query, nil) })
					if !reflect.DeepEqual(got, want) {
						t.Errorf("as %s:\n%s\nas an admin:\n%s", who, queries(got), queries(want))
					}
				}
			}
			all := `{ appointments(first: 50) { edges { node { timeSlot } } } }`
			admin := counted.during(func() { a.must(t, nil, all, nil) })
			if got := counted.during(func() { a.as(actors["anonymous"]).must(t, nil, all, nil) }); reflect.DeepEqual(got, admin) {
				t.Error("all slots are no view, and are not everyone's to see")
			}
		})
	}
}
