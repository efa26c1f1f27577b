// Package sharding tries the protocol by which reservations could be spread over
// databases by their provider (docs/scaling.md). docket does not do that: on one
// database the constraint reservations_client_busy keeps a client from being at
// two places at once, and no constraint reaches across two.
//
// What replaces it is a claim: a row in the one database where the client is at
// home, under that same constraint. A claim comes before the reservation that it
// is for and ends after it, so that at no time, whoever dies in between, is there
// a reservation without one. No transaction spans databases. What a death leaves
// is a claim too many: one for a hold ends by itself, as the hold does, and
// one for a confirmation is given up by the sweeper.
package sharding
