// Package planner reads: a selection becomes one SQL statement becomes bytes.
//
// [New] is given what the generator knows of the entities. An operation is
// compiled once into a plan, which is cached by its document: which columns of
// which rows are wanted, and how the answer is written. A request then binds its
// variables, and four steps follow.
//
//   - bind (bind.go, page.go, filter.go, cursor.go): arguments become pages,
//     orders and predicates; what is wrong with one is an [InputError], before
//     anything is read.
//   - build (statement.go): the plan becomes one SELECT for the whole operation,
//     so that all of an answer is of one snapshot. Each list is a subquery over
//     its own page and its own index, inside the row it belongs to.
//   - decode (decode.go): what the database answers is one text, the values in
//     the order of the plan.
//   - write (write.go): values become JSON, without an object for each field.
//
// The statement is the same on PostgreSQL and SQLite but for its placeholders
// and the place of NULL in an order. Predicates are func(*sql.Selector): those
// of views and, one day, of policies are asked for at each request, and hold in
// pages, totals, filters and orders alike.
//
// docs/decisions has what other forms were measured against this one.
package planner
