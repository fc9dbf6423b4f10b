#!/bin/sh
# Same scenario, same seed, same hash: twice in a row, with and without --out, with and without address-space
# randomisation; another seed prints another. The matrix of compilers and optimisation levels is tests/deep.sh.
set -u
tmp=$(mktemp -d) && trap 'rm -rf "$tmp"' EXIT
bad=0
hash_of() { # hash_of FILE ARGS...: the hash, or what went wrong
	"$SWITCHYARD" run "$@" --json >"$tmp/out" 2>"$tmp/err"
	sed -n 's/.*"hash": *"\([0-9a-f]\{16\}\)".*/\1/p' "$tmp/out" | head -1
}
is() { # is NAME A B
	if [ -n "$2" ] && [ "$2" = "$3" ]; then echo "ok - $1"; else
		echo "# '$2' and '$3'; $(head -3 "$tmp/err")"
		echo "not ok - $1"
		bad=1
	fi
}
f=scenarios/pex/convergence.lua
one=$(hash_of $f --seed 7 --out "$tmp/a")
is "convergence, seed 7: twice the same" "$one" "$(hash_of $f --seed 7 --out "$tmp/b")"
is "the same in another directory of results" "$one" "$(hash_of $f --seed 7 --out "$tmp/c/d")"
is "the same from another working directory" "$one" "$(cd "$tmp" && hash_of "$OLDPWD/$f" --seed 7 --out "$tmp/e")"
here=$(pwd)
is "the same without --out" "$one" "$(cd "$tmp" && hash_of "$here/$f" --seed 7)"
if setarch -R true 2>/dev/null; then
	is "the same without address-space randomisation" "$one" \
		"$(setarch -R "$SWITCHYARD" run $f --seed 7 --json --out "$tmp/f" 2>"$tmp/err" | sed -n 's/.*"hash": *"\([0-9a-f]*\)".*/\1/p' | head -1)"
else
	echo "ok - without address-space randomisation # skip setarch -R is not allowed here"
fi
is "the same in another time zone and locale" "$one" "$(TZ=Asia/Kolkata LC_ALL=de_DE.UTF-8 hash_of $f --seed 7 --out "$tmp/g")"
other=$(hash_of $f --seed 8 --out "$tmp/h")
if [ -n "$other" ] && [ "$other" != "$one" ]; then echo "ok - another seed, another hash"; else echo "not ok - another seed, another hash" && bad=1; fi
for s in smoke/two_nodes reactor/echo fairness/shares pex/seed_mode faults/partition; do
	for p in default upstream; do
		x=$(hash_of scenarios/$s.lua --seed 3 --profile $p --out "$tmp/x")
		is "$s in $p: twice the same" "$x" "$(hash_of scenarios/$s.lua --seed 3 --profile $p --out "$tmp/y")"
	done
done
exit $bad
