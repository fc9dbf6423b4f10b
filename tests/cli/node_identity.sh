#!/bin/sh
# What a node says of itself: channels, versions, moniker; and a block version that is learnt.
. "$(dirname "$0")/node.sh.inc"

run_node a --switchyard.block_version 12 --log_level debug
say $? "a node of another block version"
a=$addr
run_node b --switchyard.block_version auto --p2p.persistent_peers "$a"
within 15 heard b "peer added\" peer=${a%@*}" && heard b "the network's block version is 12"
say $? "auto takes the first peer's, within the first connection"
run_node c --p2p.persistent_peers "$a"
within 15 heard c "another block protocol version" || within 1 heard a "another block protocol version"
say $? "a node that does not learn is refused"
# With no channel but those of a chain of its own, and without peer exchange, nothing is in common with a stock node.
run_node d --switchyard.channels 0x77 --p2p.pex=false
d=$addr
run_node e --p2p.pex=false --p2p.persistent_peers "$d"
within 15 heard e "no channel in common"
say $? "without a common channel there is no peer"
run_node f --p2p.pex=false --switchyard.channels stock,0x77 --p2p.persistent_peers "$d"
within 15 heard f "peer added\" peer=${d%@*}"
say $? "one common channel is enough"
refuses "a block version that is none" "switchyard.block_version wants a whole number or auto" node --home "$tmp/z" --network x --switchyard.block_version new
refuses "a channel that is none" 'switchyard.channels: "0x"' node --home "$tmp/z" --network x --switchyard.channels 0x
exit $bad
