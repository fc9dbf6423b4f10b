#!/bin/sh
# The files of docs/deploy: the unit, the dashboard and the alerts against a live node, and what a service manager hears.
. "$(dirname "$0")/tap.sh.inc"
. "$(dirname "$0")/procs.sh.inc"
here=$(dirname "$0")
deploy=$here/../../docs/deploy

if command -v systemd-analyze >/dev/null; then
	sed "s|/usr/local/bin/switchyard|$SWITCHYARD|; /^Documentation=/d" "$deploy/switchyard-seed.service" >"$tmp/switchyard-seed.service"
	systemd-analyze verify "$tmp/switchyard-seed.service" >"$tmp/out" 2>"$tmp/err" && ! grep -q switchyard-seed "$tmp/err"
	say $? "systemd finds nothing wrong with the unit"
else
	echo "ok - the unit # skip there is no systemd-analyze"
fi
if command -v promtool >/dev/null; then
	promtool check config "$deploy/prometheus.yml" >"$tmp/out" 2>"$tmp/err"
	say $? "promtool finds nothing wrong with prometheus.yml and alerts.yml"
else
	echo "ok - prometheus.yml # skip there is no promtool"
fi

# a manager of services: what it hears, a line each
python3 -c '
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
print("bound", flush=True)
while True:
    print(s.recv(4096).decode(), flush=True)' "$tmp/notify" >"$tmp/heard" 2>&1 &
manager=$!
pids="$pids $manager"
within 10 grep -q bound "$tmp/heard"
spawn s env NOTIFY_SOCKET="$tmp/notify" WATCHDOG_USEC=200000 "$SWITCHYARD" seed --home "$tmp/s" --network x --p2p.laddr tcp://127.0.0.1:0 \
	--instrumentation.prometheus --instrumentation.prometheus_listen_addr 127.0.0.1:0
s=$pid
within 10 listens s && within 10 grep -q READY=1 "$tmp/heard"
say $? "the manager hears READY=1 once the node listens"
within 10 grep -q WATCHDOG=1 "$tmp/heard"
say $? "and signs of life, when it wants them"
url=$(sed -n 's/.*metrics on \(http:[^ "]*\)\/metrics.*/\1/p' "$tmp/s.err")
python3 "$here/httpget.py" GET "$url/metrics" >"$tmp/m" 2>"$tmp/err"
python3 "$here/dashboard.py" "$tmp/m" "$here/../../docs/METRICS.md" "$deploy/grafana.json" "$deploy/alerts.yml" 2>"$tmp/err"
say $? "the dashboard and the alerts ask for metrics that there are"
ends "$s"
say $? "SIGTERM ends it"
grep -q STOPPING=1 "$tmp/heard" && [ "$(grep -c READY=1 "$tmp/heard")" = 1 ]
say $? "the manager has heard STOPPING=1"
kill "$manager"
NOTIFY_SOCKET=nowhere call node --home "$tmp/n" --network x --p2p.laddr tcp://127.0.0.1:0
[ $code = 2 ] && [ "$(wc -l <"$tmp/err")" = 1 ] && grep -qF 'NOTIFY_SOCKET: "nowhere"' "$tmp/err"
say $? "a NOTIFY_SOCKET that is no socket is told in one line"
NOTIFY_SOCKET=$tmp/none call node --home "$tmp/n" --network x --p2p.laddr tcp://127.0.0.1:0
[ $code = 2 ] && grep -qF "NOTIFY_SOCKET" "$tmp/err"
say $? "and one where nobody listens"
exit $bad
