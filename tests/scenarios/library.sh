#!/bin/sh
# Every scenario of the library holds in every profile with a few seeds (the field's with one; tests/deep.sh: all with many), but for the ones
# that are meant to fail (scenarios/reproduce). A failure prints the command that replays it.
# RARE=2% does so with rare but legal behaviour at every node (--buggify); what a scenario does not promise then stands at its
# head, and it must be that check and no other that fails. And each stands in the documentation.
set -u
tmp=$(mktemp -d) && trap 'rm -rf "$tmp"' EXIT
one=${SEEDS:-1..1}
: "${SEEDS:=1..4}" "${RARE:=}"
bad=0
# says KEY FILE: what a line "-- KEY: ..." at the head of a scenario says
says() { sed -n "s/^-- $1: *//p" "$2" | head -1; }

only() { # only CHECK: in the log nothing fails but this
	[ -n "$RARE" ] && [ -n "$1" ] && grep -q '^seed ' "$tmp/log" && ! grep '^seed ' "$tmp/log" | grep -qvF ": $1 ("
}

for f in scenarios/*/*.lua; do
	name=${f#scenarios/}
	grep -qF "\`${name%.lua}\`" docs/SCENARIOS.md || grep -qF "${name%.lua}" docs/FIELD.md
	if [ $? = 0 ]; then echo "ok - the documentation lists $name"; else echo "not ok - $name stands neither in docs/SCENARIOS.md nor in docs/FIELD.md" && bad=1; fi
done

for f in scenarios/*/*.lua; do
	case $f in scenarios/reproduce/*) continue ;; esac
	quick=$(says Quick "$f" | sed 's/[^ ][^ ]*/-p &/g')
	fails=", $(says 'Fails in' "$f"),"
	case $f in scenarios/field/*) seeds=$one ;; *) seeds=$SEEDS ;; esac
	spared=$(says 'Not promised in default with --buggify' "$f")
	for p in default upstream upstream-v0.38; do
		[ $p = default ] || spared=
		# shellcheck disable=SC2086 # words
		"$SWITCHYARD" run "$f" $quick ${RARE:+--buggify "$RARE"} --profile $p --seeds "$seeds" -j 2 --crypto null --out "$tmp/out" >"$tmp/log" 2>&1
		code=$?
		case $fails in
		*", $p,"*) what="fails in $p, as in the field" && [ $code = 1 ] && grep -q '^[0-9]* seeds: 0 held, [0-9]* failed, 0 errors' "$tmp/log" ;;
		*) what="in $p${RARE:+ with --buggify $RARE}" && { [ $code = 0 ] || { [ $code = 1 ] && only "$spared"; }; } ;;
		esac
		if [ $? = 0 ]; then
			echo "ok - $f $what, seeds $seeds"
		else
			sed 's/^/# /' "$tmp/log" | tail -12
			echo "not ok - $f $what, seeds $seeds"
			bad=1
		fi
	done
done

[ -z "$RARE" ] || exit $bad

# reproduce/seeded fails for some seed; the command that it prints replays the failure bit for bit
"$SWITCHYARD" run scenarios/reproduce/seeded.lua --seeds 1..40 -j 2 --out "$tmp/out" >"$tmp/log" 2>&1
again=$(sed -n 's/^ *\(.*switchyard run .*seeded.lua .*--seed [0-9]*.*\)$/\1/p' "$tmp/log" | head -1)
seed=$(printf '%s' "$again" | sed -n 's/.*--seed \([0-9]*\).*/\1/p')
if [ -n "$seed" ]; then
	a=$("$SWITCHYARD" run scenarios/reproduce/seeded.lua --seed "$seed" --json --out "$tmp/a"); ca=$?
	b=$("$SWITCHYARD" run scenarios/reproduce/seeded.lua --seed "$seed" --json --out "$tmp/b"); cb=$?
	ha=$(printf '%s' "$a" | sed -n 's/.*"hash": *"\([0-9a-f]*\)".*/\1/p')
	hb=$(printf '%s' "$b" | sed -n 's/.*"hash": *"\([0-9a-f]*\)".*/\1/p')
	if [ $ca = 1 ] && [ $cb = 1 ] && [ -n "$ha" ] && [ "$ha" = "$hb" ]; then echo "ok - a failing seed fails again with the same hash"; else
		echo "# $ca $cb $ha $hb"
		echo "not ok - a failing seed fails again with the same hash"
		bad=1
	fi
else
	tail -5 "$tmp/log" | sed 's/^/# /'
	echo "not ok - some seed of reproduce/seeded fails and says how to repeat it"
	bad=1
fi
exit $bad
