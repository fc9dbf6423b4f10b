#!/bin/sh
# File descriptors of a node: the limit is raised when that helps, a warning when it does not, no start without room for the peers.
. "$(dirname "$0")/node.sh.inc"

# The node of a home needs 20 + 40 + 10 for its peers, 256 handshakes and 256 dials beside them: 582.
soft_of() { awk '/^Max open files/ { print $4 }' "/proc/$1/limits"; }
few() { # few SOFT HARD COMMAND...: with these limits; for spawn, whose shell it takes over
	ulimit -Sn "$1" && ulimit -Hn "$2" || exit 99
	shift 2
	exec "$@"
}
hard=$(ulimit -Hn)
case $hard in unlimited) hard=1048576 ;; esac
if [ "$hard" -lt 1024 ]; then
	echo "ok - file descriptors # SKIP the hard limit here is $hard"
	exit 0
fi
plain="node --network x --p2p.laddr tcp://127.0.0.1:0 --p2p.addr_book_strict=false"

spawn raised few 128 700 "$SWITCHYARD" $plain --home "$tmp/raised"
within 10 listens raised && [ "$(soft_of "$pid")" = 700 ] && ! heard raised descriptors
say $? "a low soft limit is raised to the hard one, without a word"
ends "$pid"
say $? "and the node ends well"
spawn enough few 600 700 "$SWITCHYARD" $plain --home "$tmp/enough"
within 10 listens enough && [ "$(soft_of "$pid")" = 600 ] && ! heard enough descriptors
say $? "one that suffices is left alone"
ends "$pid"
spawn warned few 128 300 "$SWITCHYARD" $plain --home "$tmp/warned"
within 10 listens warned && [ "$(soft_of "$pid")" = 300 ] && [ "$(grep -c . "$tmp/warned.err")" = 1 ] &&
	grep -q 'up to 582 are needed, the limit is 300; .*ulimit -n 582, LimitNOFILE=582' "$tmp/warned.err"
say $? "one that does not suffice is warned of in one line, with numbers"
ends "$pid"
whole=$SWITCHYARD
printf '#!/bin/sh\nulimit -Sn 64 && ulimit -Hn 64 && exec "%s" "$@"\n' "$whole" >"$tmp/few"
chmod +x "$tmp/few"
SWITCHYARD=$tmp/few
refuses "without room for the peers there is no start" "the configured peers need 70, the limit is 64; raise it (ulimit -n, LimitNOFILE)" \
	$plain --home "$tmp/refused"
call $plain --home "$tmp/refused" --check-config
[ $code = 2 ] && [ "$(wc -l <"$tmp/err")" = 1 ] && grep -qF "need 70, the limit is 64" "$tmp/err"
say $? "--check-config says so, too"
call $plain --home "$tmp/refused" --p2p.max_num_inbound_peers 4 --check-config
[ $code = 0 ] && grep -qx '# file descriptors: 546 at most are needed, 64 may be had' "$tmp/out"
say $? "with fewer peers it would start; the check has the numbers"
SWITCHYARD=$whole
exit $bad
