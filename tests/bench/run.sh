#!/bin/sh
# Measures every budget and prints a table; build/bench.json holds the same as JSON lines.
# Instructions are marginal (between two sizes), by callgrind; times are of this machine and only compare within a run.
# usage: BUILD=build tests/bench/run.sh [NAME...]     names: events pingpong bulk memory crypto start convergence
set -u
: "${BUILD:=build}"
cd "$(dirname "$0")/../.." || exit 3
json=$BUILD/bench.json
tmp=$(mktemp -d) && trap 'rm -rf "$tmp"' EXIT
: >"$json"
export LC_ALL=C

emit() { # emit NAME VALUE UNIT BUDGET less|more
	awk -v n="$1" -v v="$2" -v u="$3" -v b="$4" -v w="$5" 'BEGIN {
		met = w == "less" ? v + 0 <= b + 0 : v + 0 >= b + 0
		printf "{\"name\":\"%s\",\"value\":%.6g,\"unit\":\"%s\",\"budget\":%.6g,\"met\":%s}\n", n, v, u, b, met ? "true" : "false" }' >>"$json"
}
instructions() { # instructions COMMAND...: how many it executes
	valgrind --tool=callgrind --callgrind-out-file=/dev/null "$@" 2>&1 >/dev/null | sed -n 's/.*Collected : \([0-9]*\).*/\1/p'
}
marginal() { # marginal SMALL LARGE COMMAND...: instructions an item; the count replaces @ in the command
	a=$1 b=$2
	shift 2
	small=$(instructions $(printf '%s ' "$@" | sed "s/@/$a/"))
	large=$(instructions $(printf '%s ' "$@" | sed "s/@/$b/"))
	awk -v x="$small" -v y="$large" -v a="$a" -v b="$b" 'BEGIN { printf "%.1f", (y - x) / (b - a) }'
}

events() {
	for pending in 1024 100000; do
		emit "bare event, $pending pending" "$(marginal 100000 300000 "$BUILD/bench/phold" $pending @)" instructions 250 less
	done
}
pingpong() {
	emit "64-byte message through two whole nodes, null crypto" "$(marginal 20000 60000 "$BUILD/bench/pingpong" null @)" instructions 3000 less
	for k in null real; do "$BUILD/bench/pingpong" $k 200000 >>"$json"; done
}
memory() { "$BUILD/bench/memory" >>"$json"; }
bulk() { "$BUILD/bench/bulk_net" >>"$json"; }
crypto() { "$BUILD/bench/crypto" >>"$json"; }
best_ms() { # best_ms N COMMAND...: the best wall time of N runs, milliseconds
	n=$1
	shift
	best=
	while [ "$n" -gt 0 ]; do
		s=$(date +%s%N)
		"$@" >/dev/null 2>&1
		e=$(date +%s%N)
		t=$(((e - s) / 1000))
		[ -z "$best" ] || [ $t -lt "$best" ] && best=$t
		n=$((n - 1))
	done
	awk -v b="$best" 'BEGIN { printf "%.2f", b / 1000 }'
}
start() { emit "start of switchyard run, two nodes, 1 ms of virtual time" \
	"$(best_ms 7 "$BUILD/switchyard" run scenarios/smoke/two_nodes.lua --until 1ms --out "$tmp/start")" ms 20 less; }
convergence() {
	run="$BUILD/switchyard run scenarios/pex/convergence.lua --seed 7 --json --out $tmp/c"
	wall() { sed -n 's/.*"wall_s": *\([0-9.e+-]*\).*/\1/p' "$1"; }
	for i in 1 2 3; do $run --crypto real >"$tmp/real$i"; $run --crypto null >"$tmp/null$i"; done
	emit "pex/convergence, 200 nodes, real crypto" "$(for i in 1 2 3; do wall "$tmp/real$i"; done | sort -g | head -1)" s 3 less
	emit "pex/convergence, 200 nodes, null crypto" "$(for i in 1 2 3; do wall "$tmp/null$i"; done | sort -g | head -1)" s 0.7 less
	$run --crypto null --tcp none -p nodes=2000 >"$tmp/big" # the model for scale
	emit "pex/convergence, 2,000 nodes, null crypto, tcp none: virtual / wall time" "$(wall "$tmp/big" | awk '{ print 600 / $1 }')" x 50 more
	for n in null1:200 big:2000; do
		b=$(sed -n 's/.*"node_memory": *\([0-9]*\).*/\1/p' "$tmp/${n%%:*}")
		[ -n "$b" ] && awk -v b="$b" -v n="${n##*:}" 'BEGIN {
			printf "{\"name\":\"bytes per node at %d nodes, peers and book included\",\"value\":%.6g,\"unit\":\"bytes\"}\n", n, b / n }' >>"$json"
	done
}

[ $# = 0 ] && set -- events pingpong bulk memory crypto start convergence
for part in "$@"; do
	[ -t 2 ] && printf '\rmeasuring %-14s' "$part" >&2
	"$part"
done
[ -t 2 ] && printf '\r%-30s\r' '' >&2
awk -F'"' '{
	line = $0
	name = $4
	v = line; sub(/.*"value":/, "", v); sub(/,.*/, "", v)
	u = line; sub(/.*"unit":"/, "", u); sub(/".*/, "", u)
	b = line; if (!sub(/.*"budget":/, "", b)) b = ""; sub(/,.*/, "", b)
	m = line ~ /"met":true/ ? "met" : line ~ /"met":false/ ? "MISSED" : ""
	printf "%-68s %12s %-12s %8s  %s\n", name, v, u, b, m }' "$json"
echo "as JSON lines: $json"
