#!/bin/sh
# switchyard seed in a network where 80 % of the advertised addresses are dead: what it hands out can be connected to.
. "$(dirname "$0")/tap.sh.inc"
. "$(dirname "$0")/procs.sh.inc"

start() { # start NAME COMMAND OPTION...: a node of this network
	name=$1
	shift
	spawn "$name" "$SWITCHYARD" "$@" --home "$tmp/$name" --network x --p2p.addr_book_strict=false
}

# stale N FILE: an address book of N addresses at which nobody listens
stale() {
	awk -v n="$1" 'BEGIN {
		print "{\"key\": \"000102030405060708090a0b\", \"addrs\": ["
		for (i = 1; i <= n; i++) {
			at = sprintf("{\"id\": \"%040x\", \"ip\": \"127.%d.99.9\", \"port\": 9}", i, 100 + i)
			printf "{\"addr\": %s, \"src\": %s, \"buckets\": [%d], \"attempts\": 0, \"bucket_type\": 1,", at, at, i
			print "\"last_attempt\": \"2026-11-01T00:00:00Z\", \"last_success\": \"0001-01-01T00:00:00Z\","
			print "\"last_ban_time\": \"0001-01-01T00:00:00Z\"}" (i < n ? "," : "")
		}
		print "]}"
	}' >"$2"
}

start seed seed --p2p.laddr tcp://127.7.0.1:0 --p2p.allow_duplicate_ip
seed=$pid
within 10 listens seed
say $? "the seed listens"
live=6 dead=24
for i in $(seq $live); do
	mkdir -p "$tmp/n$i/config"
	stale $dead "$tmp/n$i/config/addrbook.json"
	start "n$i" node --p2p.laddr "tcp://127.7.$i.1:0" --p2p.max_num_outbound_peers 2 \
		--p2p.persistent_peers "$(cat "$tmp/seed.out")"
done
for i in $(seq $live); do within 10 listens "n$i" && cat "$tmp/n$i.out"; done >"$tmp/live"
[ "$(wc -l <"$tmp/live")" = $live ]
say $? "$live nodes listen, whose books hold $dead dead addresses"

# Asks, is sent away, and comes back.
start ask node --p2p.laddr tcp://127.7.200.1:0 --p2p.pex=false \
	--reactor "$(dirname "$0")/../data/lua/ask_reactor.lua" --p2p.persistent_peers "$(cat "$tmp/seed.out")"
within 10 listens ask && cat "$tmp/ask.out" >>"$tmp/live" # it may be told to itself, too
# answers: how many addresses the last answer had, and how many of them are nodes that run
answers() {
	tail -n 500 "$tmp/ask.err" | sed -n 's/.*told \([0-9a-f]*@[0-9.:]*\).*/\1/p; s/.*that was.*/-/p' |
		awk -v live="$tmp/live" 'BEGIN { while ((getline a < live) > 0) up[a] = 1 }
			/^-$/ { all = n; good = g; n = g = 0; next } { n++; g += $0 in up } END { print all + 0, good + 0 }'
}
serves_live() {
	answers >"$tmp/last"
	read -r all good <"$tmp/last"
	[ "$good" -ge $((live - 1)) ] && [ $((good * 10)) -ge $((all * 9)) ]
}
within 60 serves_live
say $? "what the seed hands out can be connected to ($(cat "$tmp/last"))"
# It has heard of the dead ones: they are in its book, or kept out of it.
ends "$seed"
say $? "it ends when told to"
[ "$(cat "$tmp"/seed/config/*.json | grep -oE '127\.[0-9]+\.99\.9"' | sort -u | wc -l)" = $dead ]
say $? "and it has heard of all the dead ones"
exit $bad
