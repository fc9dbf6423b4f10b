#!/bin/sh
# Limits over real sockets: how often strangers may connect. Loopback is not routable, so only the rate of all counts here.
. "$(dirname "$0")/node.sh.inc"

run_node a --switchyard.accept_rate 1 --log_level info
a=$addr
say $? "a node that takes one connection a second"
port=${a##*:}
for i in 1 2 3 4 5 6 7 8; do spawn "k$i" "$SWITCHYARD" node --home "$tmp/k$i" --network x --p2p.laddr tcp://127.0.0.1:0 \
	--p2p.addr_book_strict=false --p2p.allow_duplicate_ip --p2p.persistent_peers "$a"; done
within 20 heard a "reason=rate_limited"
say $? "refuses a second one in the same second, with the reason"
all_in() { [ "$(grep -c 'peer added' "$tmp/a.err")" -ge 8 ]; }
within 60 all_in
say $? "and all get in, for they come again"
exit $bad
