#!/bin/sh
# Ten planted mistakes (nondeterminism.c): each must be found, at the node and the time where it is made. Those that one
# machine shows are found by run --check-determinism; those that need another compiler, another sign of char or another C
# library by records of two builds and `switchyard diff`. Prints TAP.
# usage: tests/planted/nondeterminism.sh PLANTED_BINARY OTHER_PLANTED_BINARY(another compiler, unsigned char)
set -u
one=$(realpath "$1") other=$(realpath "$2")
cd "$(dirname "$0")/../.." || exit 3
tmp=$(mktemp -d) && trap 'rm -rf "$tmp"' EXIT
bad=0
f=tests/planted/network.lua
export SY_PLANT_NODE=n3 SY_PLANT_AT_S=5 SY_PLANT_LOG=$tmp/when

say() { # say CODE NAME
	if [ "$1" = 0 ]; then echo "ok - $2"; else
		sed 's/^/# /' "$tmp/out" | tail -12
		echo "not ok - $2"
		bad=1
	fi
}
located() { # what was said of the first difference is the place of the mistake
	ns=$(cat "$tmp/when")
	when=$(printf '%d.%09d' $((ns / 1000000000)) $((ns % 1000000000)))
	[ -n "$ns" ] && grep -qF "at $when s, n3: random draw" "$tmp/out"
}
record() { # record BINARY FILE
	"$1" run $f --seed 1 --quiet --record "$2" --out "$tmp/o" >"$tmp/log" 2>&1 || cat "$tmp/log"
}

cc -shared -fPIC -O2 -o "$tmp/qsort.so" tests/planted/qsort.c || exit 3
"$one" run $f --check-determinism --out "$tmp/o" >"$tmp/out" 2>&1 && grep -q '^deterministic: ' "$tmp/out"
say $? "without a mistake two runs are alike"
record "$one" "$tmp/a" && record "$other" "$tmp/b" && "$one" diff "$tmp/a" "$tmp/b" >"$tmp/out" 2>&1
say $? "without a mistake two builds are alike"

for plant in "1 an address" "2 unset memory" "3 the wall clock" "5 the order of a table of pointers" "8 the machine's entropy" \
	"9 a counter that outlives its run" "10 the time zone"; do
	SY_PLANT=${plant%% *} "$one" run $f --seed 1 --check-determinism --out "$tmp/o" >"$tmp/out" 2>&1
	code=$?
	[ $code = 3 ] && located
	say $? "$plant: found by --check-determinism"
done
for plant in "4 two draws in one call" "7 the sign of char"; do
	export SY_PLANT=${plant%% *}
	record "$one" "$tmp/a"
	record "$other" "$tmp/b"
	"$one" diff "$tmp/a" "$tmp/b" >"$tmp/out" 2>&1
	code=$?
	[ $code = 1 ] && located
	say $? "$plant: found by diff of two builds"
done
export SY_PLANT=6
record "$one" "$tmp/a"
(export LD_PRELOAD="$tmp/qsort.so" && record "$one" "$tmp/b")
"$one" diff "$tmp/a" "$tmp/b" >"$tmp/out" 2>&1
code=$?
[ $code = 1 ] && located
say $? "6 a sort with ties: found by diff with another C library"
exit $bad
