// Package ent is the data layer: schemas by hand in schema, everything that
// follows from them in orm, and the driver that generates it in entc.
package ent

//go:generate go run ./entc
