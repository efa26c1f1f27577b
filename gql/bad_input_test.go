package gql_test

import (
	"strings"
	"testing"
)

// TestConditionIsNull gives null to what @include depends on. It is refused, and
// does not change what the same document means for others: plans are kept.
func TestConditionIsNull(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, a *api) {
		a.populate(t)
		for _, operation := range []string{
			`query($x: Boolean = true) { clients(first: 1) { totalCount edges @include(if: $x) { cursor } } }`,
			`mutation($x: Boolean = true) { clientCreate(input: {firstName: "A", lastName: "B"}) @include(if: $x) { client { id } } }`,
			`mutation($x: Boolean = true) { clientCreate(input: {firstName: "A", lastName: "B"}) { client { id @include(if: $x) lastName } } }`,
		} {
			if r := a.run(t, operation, map[string]any{"x": nil}); r.code() != "BAD_USER_INPUT" || r.Errors[0].Extensions["field"] != "x" {
				t.Errorf("%s: %+v", operation, r)
			}
		}
		const query = `query($x: Boolean = true) { clients(first: 1) { totalCount edges @include(if: $x) { node { firstName } } } }`
		with, without := `{"clients":{"totalCount":4,"edges":[{"node":{"firstName":"Ada"}}]}}`, `{"clients":{"totalCount":4}}`
		for _, step := range []struct {
			vars map[string]any
			want string
		}{
			{map[string]any{"x": nil}, "null"},
			{map[string]any{"x": false}, without},
			{map[string]any{"x": true}, with},
			{nil, with},
			{map[string]any{"x": false}, without},
		} {
			if r := a.run(t, query, step.vars); string(r.Data) != step.want {
				t.Errorf("%v: %s, want %s", step.vars, r.Data, step.want)
			}
		}
	})
}

// TestPayloadIsChecked asks for a payload that cannot be read. Then nothing is
// written: an error that came later would read as if nothing had been.
func TestPayloadIsChecked(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, a *api) {
		for _, payload := range []string{
			`client { reservations(first: 501) { totalCount } }`,
			`client { reservations(after: "garbage") { totalCount } }`,
			`client { reservations(where: {idIn: ["garbage"]}) { totalCount } }`,
			`client { reservations { edges { node { client { reservations { edges { node { client { reservations { edges { node { id } } } } } } } } } } }
				x: reservations(first: 500) { edges { node { client { reservations(first: 500) { edges { node { client { reservations(first: 2) { edges { cursor } } } } } } } } } } }`,
		} {
			r := a.run(t, `mutation { a: clientCreate(input: {firstName: "A", lastName: "B"}) { client { id } }
				b: clientCreate(input: {firstName: "A", lastName: "B"}) { `+payload+` } }`, nil)
			if code := r.code(); code != "BAD_USER_INPUT" && code != "TOO_COMPLEX" || string(r.Data) != "null" {
				t.Errorf("%s: %+v %s", payload, r.Errors, r.Data)
			}
		}
		var v page
		a.must(t, &v, `{ page: clients { totalCount } }`, nil)
		if v.Page.TotalCount != 0 {
			t.Errorf("%d clients were created by refused operations", v.Page.TotalCount)
		}
	})
}

// TestOneRootFieldFails asks for several things of which one cannot be served:
// the others are.
func TestOneRootFieldFails(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, a *api) {
		a.populate(t)
		r := a.run(t, `{ client(id: "Q2xpZW50OjE=") { firstName reservations(after: "garbage") { totalCount } } other: client(id: "Q2xpZW50OjI=") { firstName }
			node(id: "") { id } clients { totalCount } __type(name: "Client") { name } }`, nil)
		if want := `{"client":null,"other":{"firstName":"Ben"},"node":null,"clients":{"totalCount":4},"__type":{"name":"Client"}}`; string(r.Data) != want {
			t.Errorf("got  %s\nwant %s", r.Data, want)
		}
		if len(r.Errors) != 2 {
			t.Errorf("errors %+v", r.Errors)
		}
	})
}

// TestEnumsAreExact gives values of enums in other letters, which gqlparser lets
// through where they come in a variable.
func TestEnumsAreExact(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, a *api) {
		for operation, value := range map[string]string{
			`query($v: AppointmentStatus) { appointments(where: {status: $v}) { totalCount } }`:                        "open",
			`query($v: OrderDirection!) { clients(orderBy: {field: FIRST_NAME, direction: $v}) { edges { cursor } } }`: "desc",
			`query($v: ClientOrderField!) { clients(orderBy: {field: $v, direction: ASC}) { edges { cursor } } }`:      "first_name",
		} {
			if r := a.run(t, operation, map[string]any{"v": value}); r.code() != "BAD_USER_INPUT" {
				t.Errorf("%s with %s: %s %+v", operation, value, r.Data, r.Errors)
			}
			if r := a.run(t, operation, map[string]any{"v": strings.ToUpper(value)}); len(r.Errors) > 0 {
				t.Errorf("%s with %s: %+v", operation, strings.ToUpper(value), r.Errors)
			}
		}
	})
}
