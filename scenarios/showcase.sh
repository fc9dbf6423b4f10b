#!/bin/sh
# `make run`: PEX convergence of 200 nodes, then three channels sharing a connection, simulated; then the same
# fairness scenario over real sockets on loopback, and a line that compares the two.
# usage: scenarios/showcase.sh SWITCHYARD
set -eu
sy=$1
out=${OUT:-out/showcase}
mkdir -p "$out" 2>/dev/null || { echo "cannot write to $out; set OUT to a directory that can be written" >&2; exit 2; }
fail=0
echo "== 200 nodes that know one seed find each other (simulated, 10 virtual minutes)"
"$sy" run scenarios/pex/convergence.lua --seed 7 --out "$out/convergence" || fail=1
echo
echo "== three channels share one connection by priority (simulated, 20 Mbit/s, 20 ms)"
"$sy" run scenarios/fairness/shares.lua --seed 7 --out "$out/shares-sim" || fail=1
echo
echo "== the same script over real TCP on loopback (30 real seconds)"
"$sy" run scenarios/fairness/shares.lua --seed 7 --transport tcp --out "$out/shares-tcp" || fail=1
echo
# metrics.csv: time_s,node,peer,channel,metric,value
share() { awk -F, -v c="$2" '$4 == c && $5 == "share" { v = $6 } END { printf "%.4f", v }' "$1/metrics.csv"; }
printf 'shares of the channels 0x30 / 0x31 / 0x32:   ideal 0.4545 / 0.3182 / 0.2273\n'
for k in sim tcp; do
	printf '%46s%s / %s / %s\n' "$k " "$(share "$out/shares-$k" 0x30)" "$(share "$out/shares-$k" 0x31)" "$(share "$out/shares-$k" 0x32)"
done
echo
echo "plots, data and summaries are below $out:"
find "$out" -name '*.png' | sort | sed 's/^/  /'
exit $fail
