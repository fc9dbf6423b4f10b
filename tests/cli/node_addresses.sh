#!/bin/sh
# Addresses over real sockets: IPv6, both families on one socket; who is kept out of books, and who gets in past the limits.
. "$(dirname "$0")/node.sh.inc"

# has_ipv6: a node can listen on ::1 here.
has_ipv6() {
	grep -q '^00000000000000000000000000000001 ' /proc/net/if_inet6 2>/dev/null
}
# quits PID: ends it and says so when it does not go.
quits() { ends "$1" || say 1 "a node ends"; }

if has_ipv6; then
	run_node six --p2p.laddr 'tcp://[::1]:0'
	say $? "a node listens on ::1"
	sixpid=$pid six=$addr
	echo "$six" | grep -qxE '[0-9a-f]{40}@\[::1\]:[0-9]+'
	say $? "and prints id@[::1]:port"
	run_node dialler --p2p.laddr 'tcp://[::1]:0' --p2p.persistent_peers "$six"
	within 15 heard dialler "peer added\" peer=$six"
	say $? "which can be dialled as it stands"
	within 15 heard six "peer added\" peer=$id@[::1]:"
	say $? "and the one who listens sees an IPv6 peer"
	quits "$pid"
	quits "$sixpid"

	run_node both --p2p.laddr 'tcp://[::]:0'
	say $? "a node listens on all addresses of both families"
	both=$id bothpid=$pid port=${addr##*:}
	run_node four --p2p.persistent_peers "$both@127.0.0.1:$port"
	four=$id fourpid=$pid
	within 15 heard four "peer added\" peer=$both@127.0.0.1:$port"
	say $? "and is reached over 127.0.0.1"
	within 15 heard both "peer added\" peer=$four@127.0.0.1:"
	say $? "where it sees an IPv4 peer, not a mapped address"
	run_node alsosix --p2p.laddr 'tcp://[::1]:0' --p2p.persistent_peers "$both@[::1]:$port"
	within 15 heard alsosix "peer added\" peer=$both@[::1]:$port"
	say $? "and over ::1"
	for p in "$pid" "$fourpid" "$bothpid"; do quits "$p"; done
else
	echo "ok - # SKIP IPv6: THIS MACHINE HAS NO ::1, nothing of it was tested"
fi

# The hub knows two peers, one of them private; a third node asks it for addresses. The private one dials nobody else itself.
call init --home "$tmp/secret"
secret=$("$SWITCHYARD" show-node-id --home "$tmp/secret")
run_node hub --p2p.private_peer_ids "$secret"
hub=$addr hubpid=$pid
run_node secret --p2p.persistent_peers "$hub" --p2p.max_num_outbound_peers 0
secretpid=$pid
run_node open --p2p.persistent_peers "$hub"
open=$id openpid=$pid
within 15 heard hub "peer added\" peer=$secret@" && within 15 heard hub "peer added\" peer=$open@"
say $? "a hub has a private peer and an ordinary one"
run_node third --p2p.seeds "$hub"
thirdpid=$pid
within 60 heard third "peer=$open@"
say $? "a third node learns of the ordinary one from it"
for p in "$thirdpid" "$openpid" "$secretpid" "$hubpid"; do quits "$p"; done
grep -q "$open" "$tmp/third/config/addrbook.json"
say $? "which is in its book"
! grep -q "$secret" "$tmp/third/config/addrbook.json"
say $? "the private one is not"
grep -q "$open" "$tmp/hub/config/addrbook.json" && ! grep -q "$secret" "$tmp/hub/config/addrbook.json"
say $? "nor is it in the hub's own"

# What peers are told is no use to them; the flags of a later setting win over run_node's.
run_node hidden --p2p.laddr tcp://0.0.0.0:0 --p2p.addr_book_strict=true
within 5 heard hidden "p2p.laddr tcp://0.0.0.0:" && heard hidden "set external_address ="
say $? "a laddr that nobody can dial is warned of"
quits "$pid"
run_node lan --p2p.addr_book_strict=true --p2p.external_address 192.168.1.9:26656
within 5 heard lan "p2p.external_address 192.168.1.9:26656 is what peers are told"
say $? "so is an external_address of a private network"
quits "$pid"
run_node fine --p2p.addr_book_strict=true --p2p.external_address 1.2.3.4:26656
finepid=$pid
run_node named --p2p.addr_book_strict=true --p2p.external_address node.example:26656
namedpid=$pid
run_node loose
for p in "$finepid" "$namedpid" "$pid"; do quits "$p"; done
! grep -q "what peers are told" "$tmp/fine.err" "$tmp/named.err" "$tmp/loose.err"
say $? "a public one, a name, and a network that is not strict are not"

# One place: the first takes it, the second is refused, the unconditional one is let in all the same.
call init --home "$tmp/vip"
vip=$("$SWITCHYARD" show-node-id --home "$tmp/vip")
run_node full --p2p.max_num_inbound_peers 1 --p2p.unconditional_peer_ids "$vip" --log_level debug
full=$addr
run_node first --p2p.persistent_peers "$full"
within 15 heard full "peer added\" peer=$id@"
say $? "the one inbound place is taken"
run_node second --p2p.persistent_peers "$full"
second=$id
refused() { grep -qE "refused peer=$second@|from $second.*too many" "$tmp/full.err"; }
within 15 refused
say $? "the next one is refused"
run_node vip --p2p.persistent_peers "$full"
within 15 heard full "peer added\" peer=$vip@"
say $? "an unconditional peer gets in"
! heard full "peer added\" peer=$second@"
say $? "and the other one still has not"
exit $bad
