# shellcheck shell=bash
# What the scripts of .ci and .githooks share. Who sources it is then at the
# root of the repository.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# As the image is built: without cgo. Everything but the race detector then
# shares what is compiled. Nothing needs the commit stamped into it.
export CGO_ENABLED=0 GOFLAGS="${GOFLAGS:+$GOFLAGS }-buildvcs=false"

# shellcheck disable=SC2034 # used by who sources this
cache=${XDG_CACHE_HOME:-$HOME/.cache}/docket/ci

fail() {
	echo "${0##*/}: $*" >&2
	exit 1
}

# tool PACKAGE@VERSION prints where a program is, which it builds the first time.
tool() {
	local package=${1%@*} program
	program=$(sed -E 's,/v[0-9]+$,,; s,.*/,,' <<<"$package") # v8 is not a name
	program=$cache/$program-${1#*@}/$program
	if [ ! -x "$program" ]; then
		mkdir -p "${program%/*}" # and in there at once, as others may want it meanwhile
		GOBIN=$program.$$ go install "$1" >&2 || return
		mv "$program.$$/${program##*/}" "$program" && rmdir "$program.$$" || return
	fi
	echo "$program"
}

# npm_ci installs the packages of the GraphiQL bundle, if that is not done yet.
# What is in the lock file is what comes, and none of it runs while it does.
npm_ci() {
	local folder=internal/graphiql
	[ $folder/node_modules/.package-lock.json -nt $folder/package-lock.json ] ||
		npm ci --prefix $folder --ignore-scripts --no-audit --no-fund
}

# snapshot prints a git tree of all files as they are, untracked ones included.
snapshot() (
	GIT_INDEX_FILE=$(mktemp -u)
	export GIT_INDEX_FILE
	trap 'rm -f "$GIT_INDEX_FILE"' EXIT
	git read-tree HEAD
	git add --all
	git write-tree
)

# unchanged runs a command that writes files which are committed, and fails if
# it changes any.
unchanged() {
	local before after
	before=$(snapshot)
	"$@"
	after=$(snapshot)
	if [ "$before" != "$after" ]; then
		git --no-pager diff --stat "$before" "$after"
		git --no-pager diff --unified=1 "$before" "$after" | head -n 60 || true
		fail "what is committed is not what '$*' writes: run it and commit the result"
	fi
}
