#!/bin/sh
# Runs the tests that `make test` promises and ends with "N passed, N failed".
# Every part speaks TAP ("ok ...", "not ok ..."); what it says of failures is shown, the rest is kept in $BUILD/test-logs.
# usage: BUILD=build tests/run.sh [PART...]      parts: purity unit cli scenarios interop
set -u
: "${BUILD:=build}"
cd "$(dirname "$0")/.." || exit 3
SWITCHYARD=$(realpath "$BUILD/switchyard")
INTEROP_BUILD=$(realpath "$BUILD")/interop
export SWITCHYARD BUILD INTEROP_BUILD CMOCKA_MESSAGE_OUTPUT=TAP LC_ALL=C
unset CMOCKA_XML_FILE CMOCKA_TEST_ABORT
logs=$BUILD/test-logs
mkdir -p "$logs"
passed=0 failed=0 skipped=0

# one NAME COMMAND...: runs it, counts its lines; a command that ends badly without a "not ok" counts as one failure.
one() {
	name=$1
	shift
	log=$logs/$name.log
	"$@" >"$log" 2>&1
	code=$?
	sk=$(grep -ciE '^(not )?ok.*# skip' "$log")
	ok=$(grep -v '# [Ss][Kk][Ii][Pp]' "$log" | grep -c '^ok')
	no=$(grep -v '# [Ss][Kk][Ii][Pp]' "$log" | grep -c '^not ok')
	if [ "$code" != 0 ] && [ "$no" = 0 ]; then
		no=1
		echo "not ok - $name ended with $code" >>"$log"
	elif [ $((ok + no + sk)) = 0 ]; then
		no=1
		echo "not ok - $name ran nothing" >>"$log"
	fi
	passed=$((passed + ok)) failed=$((failed + no)) skipped=$((skipped + sk))
	if [ "$no" = 0 ]; then
		printf '%-34s %4d ok\n' "$name" "$ok"
	else
		printf '%-34s %4d ok, %d FAILED (%s)\n' "$name" "$ok" "$no" "$log"
		grep -B6 -A2 '^not ok' "$log" | tail -40
		tail -5 "$log"
	fi
}

part() {
	case $1 in
	purity) for s in tests/purity/*.sh; do one "purity/$(basename "$s" .sh)" sh "$s"; done ;;
	unit) for t in "$BUILD"/tests/test_*; do [ -f "$t" ] && one "$(basename "$t")" "${WRAP:-env}" "$t"; done ;;
	cli) for s in tests/cli/*.sh; do one "cli/$(basename "$s" .sh)" sh tests/offline.sh sh "$s"; done ;;
	interop) one interop/cometbft sh tests/interop/run.sh ;;
	scenarios) for s in tests/scenarios/*.sh; do one "scenarios/$(basename "$s" .sh)" sh tests/offline.sh sh "$s"; done ;;
	*) echo "unknown part $1" >&2 && exit 2 ;;
	esac
}
mkdir -p "$logs/purity" "$logs/cli" "$logs/scenarios" "$logs/interop"
[ $# = 0 ] && set -- purity unit cli scenarios interop
for p in "$@"; do part "$p"; done
echo
[ "$skipped" = 0 ] || echo "$skipped skipped"
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
