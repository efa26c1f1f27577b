package gql_test

import (
	"strings"
	"sync"
	"testing"

	"docket/gql"
	"docket/internal/database"
	"docket/internal/dbtest"
	"docket/internal/viewer"
)

const whoAmI = `{ viewer { subject roles client { firstName lastName subject } provider { firstName } mutations } }`

// Somebody who comes for the first time has a row of their own, where that is
// configured and their token says enough.
func TestFirstLogin(t *testing.T) {
	t.Parallel()
	client, provider, admin := []viewer.Role{viewer.Client}, []viewer.Role{viewer.Provider}, []viewer.Role{viewer.Admin}
	for name, tt := range map[string]struct {
		off  bool
		who  viewer.Viewer
		want string // of the answer
	}{
		"a client":         {false, viewer.Viewer{Subject: "s", Roles: client, GivenName: "Ida", FamilyName: "Kaya"}, `"client":{"firstName":"Ida","lastName":"Kaya","subject":"s"},"provider":null`},
		"a provider":       {false, viewer.Viewer{Subject: "s", Roles: provider, GivenName: "Ida", FamilyName: "Kaya"}, `"client":null,"provider":{"firstName":"Ida"}`},
		"both":             {false, viewer.Viewer{Subject: "s", Roles: append(provider, viewer.Client), GivenName: "Ida", FamilyName: "Kaya"}, `"subject":"s"},"provider":{"firstName":"Ida"}`},
		"nobody":           {false, viewer.Viewer{}, `"subject":null,"roles":[],"client":null,"provider":null,"mutations":[]`},
		"an admin":         {false, viewer.Viewer{Subject: "s", Roles: admin, GivenName: "Ida", FamilyName: "Kaya"}, `"client":null,"provider":null`},
		"no role":          {false, viewer.Viewer{Subject: "s", GivenName: "Ida", FamilyName: "Kaya"}, `"client":null,"provider":null,"mutations":[]`},
		"half a name":      {false, viewer.Viewer{Subject: "s", Roles: client, GivenName: "Ida"}, `"client":null`},
		"a name too long":  {false, viewer.Viewer{Subject: "s", Roles: client, GivenName: strings.Repeat("a", 101), FamilyName: "Kaya"}, `"client":null`},
		"not configured":   {true, viewer.Viewer{Subject: "s", Roles: client, GivenName: "Ida", FamilyName: "Kaya"}, `"client":null`},
		"a name of spaces": {false, viewer.Viewer{Subject: "s", Roles: client, GivenName: "  ", FamilyName: "Kaya"}, `"client":null`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dbtest.Each(t, func(t *testing.T, db *database.DB) {
				a := serveWith(t, gql.Config{DB: db.ORM(), Reads: db.Reads(), Dialect: db.Dialect, FirstLogin: !tt.off}).as(tt.who)
				for range 2 {
					if got := string(a.run(t, whoAmI, nil).Data); !strings.Contains(got, tt.want) {
						t.Errorf("got %s, want %s", got, tt.want)
					}
				}
			})
		})
	}
}

// Names that do not fit are tried once, and others of the same person again.
func TestFirstLoginWithoutAName(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		a := serveWith(t, gql.Config{DB: db.ORM(), Reads: db.Reads(), Dialect: db.Dialect, FirstLogin: true})
		who := viewer.Viewer{Subject: "s", Roles: []viewer.Role{viewer.Client}, GivenName: strings.Repeat("a", 101), FamilyName: "Kaya"}
		for range 3 {
			a.as(who).run(t, whoAmI, nil)
		}
		if n := strings.Count(a.log.String(), "made no row"); n != 1 {
			t.Errorf("tried %d times: %s", n, a.log.String())
		}
		who.GivenName = "Ida"
		if got := string(a.as(who).run(t, whoAmI, nil).Data); !strings.Contains(got, `"firstName":"Ida"`) {
			t.Errorf("is %s", got)
		}
	})
}

// Those who come many times at once have one row; what is there already stays.
func TestFirstLoginAtOnce(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		a := serveWith(t, gql.Config{DB: db.ORM(), Reads: db.Reads(), Dialect: db.Dialect, FirstLogin: true})
		a.must(t, nil, `mutation { clientCreate(input: {firstName: "Ada", lastName: "Nowak", subject: "ada"}) { client { id } } }`, nil)
		var all sync.WaitGroup
		for _, subject := range []string{"ida", "ada"} {
			for range 8 {
				all.Go(func() {
					who := a.as(viewer.Viewer{Subject: subject, Roles: []viewer.Role{viewer.Client}, GivenName: "Ida", FamilyName: "Kaya"})
					if got := string(who.run(t, whoAmI, nil).Data); !strings.Contains(got, `"subject":"`+subject+`"}`) {
						t.Errorf("%s is %s", subject, got)
					}
				})
			}
		}
		all.Wait()
		var v struct{ Clients connection }
		a.must(t, &v, `{ clients { totalCount edges { node { firstName } } } }`, nil)
		if v.Clients.TotalCount != 2 || v.Clients.Edges[0].Node["firstName"] != "Ada" {
			t.Errorf("there are %+v", v.Clients)
		}
	})
}
