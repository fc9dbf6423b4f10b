#!/bin/sh
# The link command: measures, JSON, the same answer for the same seed, wrong options.
. "$(dirname "$0")/tap.sh.inc"

# numbers NAME KEY COUNT ARGS...: the JSON object has KEY with so many numbers, and cpu_s
numbers() {
	name=$1 key=$2 count=$3
	shift 3
	call link --json "$@"
	[ $code = 0 ] && python3 -c 'import json, sys
o = json.load(open(sys.argv[1]))
assert len(o[sys.argv[2]]) == int(sys.argv[3]) and all(v > 0 for v in o[sys.argv[2]]) and o["cpu_s"] >= 0' "$tmp/out" "$key" "$count"
	say $? "$name"
}
numbers "goodput of three runs" goodput_mbit_0_30 3 --cc reno --rtt 20ms --rate 10Mbit --loss 1% --runs 3
numbers "goodput from 10 s on" goodput_mbit_10_30 2 --cc bbr --rtt 20ms --rate 2.5Mbit --runs 2
numbers "delivery of a message" delivery_s 4 --cc cubic --bytes 100000 --loss 0.03 --runs 4
numbers "the coarse fidelity" delivery_s 4 --tcp flow --bytes 100000 --loss 0.03 --runs 4
tells "a table with plots" 0 "congestion window" link --rtt 100ms --rate 10Mbit --loss 0.1%
call link --loss 1% --seed 9
cp "$tmp/out" "$tmp/first"
call link --loss 1% --seed 9
sed '/of CPU/d' "$tmp/first" >"$tmp/a" && sed '/of CPU/d' "$tmp/out" >"$tmp/b" && cmp -s "$tmp/a" "$tmp/b"
say $? "the same seed tells the same"
call link --seconds 5 --samples "$tmp/samples.csv"
[ $code = 0 ] && [ "$(head -1 "$tmp/samples.csv")" = "t_s,mbit,cwnd,in_flight,queue_bytes,srtt_ms" ] && [ "$(wc -l <"$tmp/samples.csv")" -gt 100 ]
say $? "samples as CSV"

refuses "a rate without sense" "--rate wants" link --rate fast
refuses "a loss of all" "--loss wants" link --loss 100%
refuses "a negative loss" "--loss wants" link --loss -1%
refuses "an unknown control" "cubic|reno|bbr" link --cc vegas
refuses "no runs" "--runs wants" link --runs 0
call link --seconds 1 --samples "$tmp/none/x.csv"
[ $code = 2 ] && grep -q "cannot write" "$tmp/err"
say $? "samples that cannot be written"
exit $bad
