package gql_test

import (
	"strings"
	"testing"
)

// The fields of a mutation are done in turn, each in a transaction of its own:
// one that fails changes nothing, and takes nothing from the others.
func TestMutationsAreDoneInTurn(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, a *api) {
		id := a.client(t, "Ada", "Nowak")
		rename := func(alias, name string) string {
			return alias + `: clientUpdate(input: {id: "` + id + `", lastName: "` + name + `"}) { client { lastName version } } `
		}
		got := a.run(t, `mutation { `+rename("a", "Kaya")+rename("b", " ")+rename("c", "Demir")+
			`d: clientBulkCreate(input: {clients: [{firstName: "Ida", lastName: "Kaya"}, {firstName: "", lastName: "Kaya"}]}) { clients { id } } `+
			rename("e", "Nowak")+`}`, nil)
		want := `{"a":{"client":{"lastName":"Kaya","version":2}},"b":null,"c":{"client":{"lastName":"Demir","version":3}},"d":null,"e":{"client":{"lastName":"Nowak","version":4}}}`
		if string(got.Data) != want {
			t.Errorf("got  %s\nwant %s", got.Data, want)
		}
		var failed []string
		for _, e := range got.Errors {
			failed = append(failed, e.Path[0].(string))
		}
		if strings.Join(failed, "") != "bd" {
			t.Errorf("got %+v", got.Errors)
		}
		var v struct{ Clients struct{ TotalCount int } }
		a.must(t, &v, `{ clients { totalCount } }`, nil)
		if v.Clients.TotalCount != 1 {
			t.Errorf("%d clients are there", v.Clients.TotalCount)
		}
	})
}
