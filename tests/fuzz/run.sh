#!/bin/sh
# Drives the fuzz targets with libFuzzer, one after the other; what make builds with VARIANT=fuzz is in DIR. New inputs are kept
# in DIR/corpus and taken up by the next run. What falls is in DIR/found: mend it, and put the input into tests/fuzz/corpus/NAME
# under a name that says what it showed.
# usage: FUZZ="packet conn" FUZZ_SECONDS=60 tests/fuzz/run.sh DIR
set -u
dir=$1
: "${FUZZ_SECONDS:=}" "${FUZZ:=}"
[ -n "$FUZZ_SECONDS" ] || FUZZ_SECONDS=60
[ -n "$FUZZ" ] || FUZZ=$(ls tests/fuzz/fuzz_*.c | sed 's/.*fuzz_//; s/\.c//')
export CMOCKA_TEST_ABORT=1 ASAN_OPTIONS=detect_leaks=1 UBSAN_OPTIONS=print_stacktrace=1
bad=0
mkdir -p "$dir/found"
for name in $FUZZ; do
	own=$dir/corpus/$name
	mkdir -p "$own"
	if "$dir/fuzz_$name" -max_total_time="$FUZZ_SECONDS" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
		-artifact_prefix="$dir/found/$name-" "$own" "tests/fuzz/corpus/$name" >"$dir/found/$name.log" 2>&1; then
		echo "$name: nothing fell in $(sed -n 's/^stat::number_of_executed_units: *//p' "$dir/found/$name.log") inputs"
	else
		echo "$name: FELL; see $dir/found/$name.log"
		bad=1
	fi
done
exit $bad
