#!/bin/sh
# Block and allow lists and bans over real sockets; SIGHUP.
. "$(dirname "$0")/node.sh.inc"

list=$tmp/blocked
: >"$list"
run_node a --switchyard.block_list_file "$list" --log_level debug
say $? "an empty list blocks nobody"
a=$addr apid=$pid
run_node b --p2p.persistent_peers "$a"
b=$id bpid=$pid
within 15 heard a "peer added\" peer=$b"
say $? "a peer"
echo "nonsense" >"$list"
kill -HUP "$apid"
within 10 heard a "not reloaded, everything stays: $list:1: "
say $? "SIGHUP: a bad line is told with file and line"
within 1 heard a "peer removed\" peer=$b"
[ $? = 1 ] && kill -0 "$apid"
say $? "and everything stays"
printf '# him\n%s # b\n192.0.2.0/24\n' "$b" >"$list"
kill -HUP "$apid"
within 10 heard a "peer removed\" peer=$b@" && grep -q "peer removed.* peer=$b@.*reason=blocked" "$tmp/a.err"
say $? "SIGHUP: who is blocked now is stopped"
within 20 grep -q "refused peer=$b@.*reason=blocked" "$tmp/a.err"
say $? "and refused when he comes again"
: >"$list"
kill -HUP "$apid"
back() { [ "$(grep -c "peer added.* peer=$b@" "$tmp/a.err")" = 2 ]; }
within 30 back
say $? "SIGHUP: let in again"
ends "$apid"
say $? "SIGTERM ends it as before"
kill "$bpid"

echo 127.0.0.0/8 >"$list"
run_node c --switchyard.block_list_file "$list" --log_level debug
c=$addr
run_node d --p2p.persistent_peers "$c" --log_level debug
within 15 heard c "reason=blocked"
say $? "a network is blocked before the handshake"
d=$id
echo "$d" >"$tmp/allowed"
run_node e --switchyard.block_list_file "$list" --switchyard.allow_list_file "$tmp/allowed" --p2p.persistent_peers "$addr"
within 15 heard e "peer added\" peer=$d"
say $? "who is allowed is not blocked"
refuses "a list that is not there" "$tmp/none" node --home "$tmp/z" --network x --p2p.laddr tcp://127.0.0.1:0 --switchyard.block_list_file "$tmp/none"
echo "1.2.3.4/33" >"$tmp/wrong"
refuses "a list with a bad line" "$tmp/wrong:1: \"1.2.3.4/33\" wants a prefix of 0 to 32 bits" node --home "$tmp/z" --network x \
	--p2p.laddr tcp://127.0.0.1:0 --switchyard.block_list_file "$tmp/wrong"
refuses "allow_list_only without a list" "allow_list_only" node --home "$tmp/z" --network x --p2p.laddr tcp://127.0.0.1:0 --switchyard.allow_list_only

# The log level is read again, too.
printf 'log_level = "info"\n' >"$tmp/z.toml"
mkdir -p "$tmp/f/config" && cp "$tmp/z.toml" "$tmp/f/config/config.toml"
run_node f
fpid=$pid
printf 'log_level = "debug"\n' >"$tmp/f/config/config.toml"
kill -HUP "$fpid"
within 10 heard f "reloaded: lists and log level"
say $? "SIGHUP reads the log level of config.toml"

# A ban: in a file beside the book, kept over restarts, for inbound connections, too (D-13, D-31).
call init --home "$tmp/h"
h=$("$SWITCHYARD" show-node-id --home "$tmp/h")
mkdir -p "$tmp/g/config"
entry='{"addr":{"id":"%s","ip":"127.0.0.1","port":9},"src":{"id":"%s","ip":"127.0.0.1","port":9},"attempts":0,"buckets":[0],"bucket_type":1,"last_attempt":"2026-01-01T00:00:00Z","last_success":"0001-01-01T00:00:00Z","last_ban_time":"2099-01-01T00:00:00Z"}'
printf '{"key":"0123456789abcdef01234567","addrs":[]}' >"$tmp/g/config/addrbook.json"
printf "{\"key\":\"0123456789abcdef01234567\",\"bans\":[$entry]}" "$h" "$h" >"$tmp/g/config/addrbook.bans.json"
for round in 1 2; do
	rm -f "$tmp/g.out"
	run_node g --log_level debug || say 1 "a node with a ban"
	gpid=$pid
	rm -f "$tmp/h.out"
	run_node h --p2p.persistent_peers "$addr"
	within 20 grep -q "refused peer=$h@.*reason=banned" "$tmp/g.err"
	say $? "a banned id is refused when it dials in ($round)"
	kill "$pid"
	ends "$gpid"
	grep -q "$h" "$tmp/g/config/addrbook.bans.json"
	say $? "and is in the file of bans afterwards ($round)"
done
exit $bad
