// Package profiler shows what the latest operations did: for a developer, on
// their own machine.
//
// A Profiler looks on in four places. Around HTTP it times requests; as an
// extension of gqlgen it learns which operations they are; as the planner's
// Reading and as the database's Observer it learns of statements, and of the
// fields that they are for. It keeps the latest operations in memory, bounded in
// number and in bytes, and nothing on disk. Handler serves the pages that show
// them, to this machine alone: they have everybody's data.
//
// A nil Profiler is one that is off: nothing is wrapped then.
package profiler
