#!/bin/sh
# Killed at any moment, also while it saves: the book reads, the key is the one it was, the next start works.
. "$(dirname "$0")/node.sh.inc"
h=$tmp/k
book=$h/config/addrbook.json
call init --home "$h"
own=$("$SWITCHYARD" show-node-id --home "$h")
i=0
while [ $i -lt 400 ]; do
	i=$((i + 1))
	printf '%040x@%d.%d.3.4:26656\n' $i $((i % 100 + 11)) $((i % 200 + 1))
done >"$tmp/list"
call book import "$tmp/list" --home "$h"
entries() { "$SWITCHYARD" book export --home "$h" | wc -l; }
imported=$(entries)
[ $code = 0 ] && [ "$imported" -ge 200 ]
say $? "a book of hundreds"

# Nobody of the book is dialled.
quiet="--p2p.max_num_outbound_peers 0"
run_node peer $quiet
say $? "a peer, which is news for the book"
peer=$addr

# Pauses only choose where the kill falls; whatever they hit must be well.
pause() { sleep "0.0$(printf '%02d' $(($1 * 37 % $2)))"; }
whole() { # the book is JSON, the key is there and the same
	python3 -c 'import json, sys; json.load(open(sys.argv[1]))["addrs"]' "$book" && [ "$("$SWITCHYARD" show-node-id --home "$h")" = "$own" ]
}
cut=0 hurt=0 lost=0 i=0
while [ $i -lt 12 ]; do # an edit
	i=$((i + 1))
	spawn edit "$SWITCHYARD" book add "$(printf '%040x' $((1000 + i)))@$((i + 20)).7.3.4:26656" --home "$h"
	pause $i 12
	kill -9 "$pid" 2>/dev/null
	wait "$pid" 2>/dev/null || cut=$((cut + 1))
	whole 2>"$tmp/err" || hurt=$((hurt + 1))
done
[ $hurt = 0 ]
say $? "an edit of the book, killed 12 times"
i=0
while [ $i -lt 14 ]; do # a node: at its start, while it runs, while it saves at its stop
	i=$((i + 1))
	: >"$tmp/node.out"
	spawn node "$SWITCHYARD" node --home "$h" --network x --p2p.laddr tcp://127.0.0.1:0 --p2p.addr_book_strict=false \
		--p2p.allow_duplicate_ip --p2p.persistent_peers "$peer" $quiet
	if [ $((i % 3)) = 0 ]; then
		pause $i 30
	else
		within 10 listening node || lost=$((lost + 1))
		[ $((i % 6)) != 1 ] || within 10 heard node "peer added" || lost=$((lost + 1))
		kill -TERM "$pid"
		pause $i 20
	fi
	kill -9 "$pid" 2>/dev/null
	wait "$pid" 2>/dev/null || cut=$((cut + 1))
	whole 2>"$tmp/err" || hurt=$((hurt + 1))
done
echo "# $cut of 26 were cut short"
[ $hurt = 0 ] && [ $lost = 0 ]
say $? "a node, killed 14 times: each time the next start works"
[ $cut -gt 0 ]
say $? "and the kills did fall in between"
# One of ours, as a kill leaves it, and one of CometBFT's: its numbers never begin with 00.
: >"$h/config/write-file-atomic-00000000000000000007"
: >"$h/config/write-file-atomic-09223372036854775807"
call node --home "$h" --network x --check-config
[ -e "$h/config/write-file-atomic-00000000000000000007" ]
say $? "--check-config removes nothing"
run_node k $quiet --log_level debug
say $? "the last start works"
heard k "files that a kill has left behind are removed: " && [ -z "$(ls "$h/config" | grep write-file-atomic-00)" ]
say $? "it removes what the kills have left"
[ -e "$h/config/write-file-atomic-09223372036854775807" ]
say $? "and nobody else's"
ends "$pid" && whole
say $? "and its stop"
[ "$(entries)" -ge "$imported" ]
say $? "the book has its entries"
exit $bad
