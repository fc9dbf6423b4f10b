#!/bin/sh
# Nobody reads a node's standard error: it lives on, counts the lines that are lost, and tells of them.
. "$(dirname "$0")/node.sh.inc"
here=$(dirname "$0")

spawn a python3 "$here/stalled.py" "$tmp/go" "$tmp/a.log" "$SWITCHYARD" node --home "$tmp/a" --network x --p2p.laddr tcp://127.0.0.1:0 \
	--p2p.addr_book_strict=false --p2p.allow_duplicate_ip --switchyard.accept_rate_per_ip 0 --log_level debug --instrumentation.prometheus \
	--instrumentation.prometheus_listen_addr 127.0.0.1:0
keeper=$pid
within 10 listening a && within 5 grep -q /metrics "$tmp/a.log"
say $? "a node whose log is read no further listens"
url() { sed -n 's/.*metrics on \(http:[^ "]*\)\/metrics.*/\1/p' "$tmp/a.log"; }
metrics=$(url)
knock() { # strangers that hang up at once: each is a line of the log
	python3 -c 'import socket, sys
for _ in range(20):
    socket.create_connection(("127.0.0.1", int(sys.argv[1])), 1).close()' "$(address a | sed 's/.*://')"
}
lost() { knock && python3 "$here/httpget.py" GET "$metrics/metrics" 2>"$tmp/err" | grep -q '^switchyard_log_lines_dropped_total [1-9]'; }
within 3 lost
say $? "it loses lines, says so in its metrics, and lives on"
python3 "$here/httpget.py" GET "$metrics/healthz" >"$tmp/out" 2>"$tmp/err" && grep -q '^200' "$tmp/err"
say $? "and answers"
: >"$tmp/go"
told() { knock && kill -TERM "$(cat "$tmp/a.log.pid")"; }
told
within 15 gone "$keeper" && wait "$keeper"
say $? "it stops in good order"
cp "$tmp/a.log" "$tmp/out"
grep -q 'msg="lines were dropped" lines=[1-9]' "$tmp/a.log" && ! grep -qv '^ts=' "$tmp/a.log"
say $? "who reads again is told how many, and has whole lines"
grep -q 'msg="stopping: signal 15"' "$tmp/a.log"
say $? "and what comes after"
exit $bad
