// Package schema declares the entities of docket, one file each. Everything
// else follows from them: the ORM in ent/orm, the GraphQL API in gql, and the
// migrations. It imports nothing generated.
//
// A file tells the whole story of its entity, in one order: fields, edges,
// indexes, annotations, and the predicates of its views.
package schema
