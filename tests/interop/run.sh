#!/bin/sh
# Interop with real CometBFT, v0.40.0 and v0.38.26, each case in its roles. Prints TAP, then a table of case x role x version.
# Needs Go >= 1.25 and a module proxy; where they are missing it says so loudly and, in CI, fails.
# usage: SWITCHYARD=build/switchyard tests/interop/run.sh [CASE]     CASE: a part of the names of the cases wanted
#        tests/interop/run.sh --capture                               writes tests/data/captured anew, and runs nothing
set -u
here=$(cd "$(dirname "$0")" && pwd)
: "${SWITCHYARD:=$here/../../build/switchyard}"
out=${INTEROP_BUILD:-$here/../../build/interop}
mkdir -p "$out"
out=$(cd "$out" && pwd)
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
told() { tail -5 "$out/build.log" | sed 's/^/# /'; }
go list -deps . >"$out/build.log" 2>&1 && go list -deps -tags v038 -modfile v038.mod . >>"$out/build.log" 2>&1 ||
	{ told; missing "the modules could not be had"; }
go build -o "$out/v040" . >"$out/build.log" 2>&1 && go build -tags v038 -modfile v038.mod -o "$out/v038" . >>"$out/build.log" 2>&1 ||
	{ told; echo "not ok - interop: the program does not build"; exit 1; }
if [ "${1:-}" = --capture ]; then
	mkdir -p "$here/../data/captured"
	"$out/v040" -capture "$here/../data/captured" && "$out/v038" -capture "$here/../data/captured"
	exit
fi
sh "$here/../offline.sh" "$out/v040" "$@" >"$out/v040.log" 2>&1 &
one=$!
sh "$here/../offline.sh" "$out/v038" "$@" >"$out/v038.log" 2>&1
two=$?
wait $one
one=$?
cat "$out/v040.log" "$out/v038.log"
# The table has the order of the list; a case of which a version said nothing (it was not wanted, or the program ended) shows "-".
"$out/v040" -list | awk -v logs="$out/v040.log $out/v038.log" '
BEGIN {
	n = split(logs, file, " ")
	for (i = 1; i <= n; i++)
		while ((getline line < file[i]) > 0)
			if (match(line, /^(not )?ok - v[0-9.]+: /))
				verdict[i, substr(line, RLENGTH + 1)] = line ~ /^not/ ? "FAILED" : "ok"
	printf "# %-66s %-10s %-8s %s\n", "case", "role", "v0.40.0", "v0.38.26"
}
{
	name = $0; role = ""
	if (match(name, /, (we|they) dial$/)) { role = substr(name, RSTART + 2); name = substr(name, 1, RSTART - 1) }
	a = verdict[1, $0]; b = verdict[2, $0]
	if (a b != "")
		printf "# %-66s %-10s %-8s %s\n", name, role, a == "" ? "-" : a, b == "" ? "-" : b
}'
[ $one = 0 ] && [ $two = 0 ]
