// Package supply checks what docket is made of, and the scripts that do: its
// tests run those of .ci on registries and databases that lie.
//
// docs/supply-chain.md says what is promised.
package supply
