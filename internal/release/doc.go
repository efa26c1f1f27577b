// Package release checks how a change gets into docket and out to those who run
// it: its tests run the hooks, the checks of workflows, the rules of branches, and
// the release itself, on repositories of their own and on a GitHub that is not one.
//
// docs/releases.md says what is promised.
package release
