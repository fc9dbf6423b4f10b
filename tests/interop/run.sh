#!/bin/sh
# Interop with real CometBFT, v0.40.0 and v0.38.26, each case in its roles. Prints TAP. Needs Go >= 1.25 and a module proxy; where
# they are missing it says so loudly and, in CI, fails.
# usage: SWITCHYARD=build/switchyard tests/interop/run.sh [CASE]
set -u
here=$(cd "$(dirname "$0")" && pwd)
: "${SWITCHYARD:=$here/../../build/switchyard}"
out=${INTEROP_BUILD:-$here/../../build/interop}
mkdir -p "$out"
export SWITCHYARD INTEROP_DIR="$here" GOFLAGS=-mod=readonly
missing() {
	echo "# INTEROP WITH REAL COMETBFT WAS SKIPPED: $1"
	if [ -n "${CI:-}" ]; then echo "not ok - interop: $1" && exit 1; fi
	echo "ok - interop # skip $1"
	exit 0
}
command -v go >/dev/null || missing "there is no go (1.25 or newer is needed)"
minor=$(go version | sed -n 's/.*go1\.\([0-9]*\).*/\1/p')
[ "${minor:-0}" -ge 25 ] || missing "$(go version) is too old, 1.25 is needed"
cd "$here" || exit 3
go build -o "$out/v040" . >"$out/build.log" 2>&1 && go build -tags v038 -modfile v038.mod -o "$out/v038" . >>"$out/build.log" 2>&1 ||
	{ tail -5 "$out/build.log" | sed 's/^/# /'; missing "the modules could not be had or built"; }
"$out/v040" "$@" >"$out/v040.log" 2>&1 &
one=$!
"$out/v038" "$@" >"$out/v038.log" 2>&1
two=$?
wait $one
one=$?
cat "$out/v040.log" "$out/v038.log"
echo "# case                                                              v0.40.0  v0.38.26"
sed -n 's/^\(not \)\{0,1\}ok - v0.40.0: \(.*\)/\2/p' "$out/v040.log" | while read -r name; do
	a=$(grep -qF "not ok - v0.40.0: $name" "$out/v040.log" && echo FAILED || echo ok)
	b=$(grep -qF "not ok - v0.38.26: $name" "$out/v038.log" && echo FAILED || echo ok)
	printf '# %-66s %-8s %s\n' "$name" "$a" "$b"
done
[ $one = 0 ] && [ $two = 0 ]
