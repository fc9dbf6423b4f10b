#!/bin/sh
# What a real node tells over HTTP: two nodes on loopback, their metrics, health, peers; wrong requests; a taken port.
. "$(dirname "$0")/tap.sh.inc"
. "$(dirname "$0")/procs.sh.inc"
here=$(dirname "$0")
get="python3 $here/httpget.py" # METHOD URL: the status on standard error, the body on standard output

node() { # node NAME ARGS...: a node of network x in a home of its own, its metrics on a port that its log tells
	who=$1
	shift
	spawn "$who" "$SWITCHYARD" node --home "$tmp/home-$who" --network x --p2p.laddr tcp://127.0.0.1:0 --p2p.addr_book_strict=false \
		--p2p.allow_duplicate_ip --instrumentation.prometheus --instrumentation.prometheus_listen_addr :0 "$@"
}
url() { sed -n 's/.*metrics on \(http:[^ "]*\)\/metrics.*/\1/p' "$tmp/$1.err"; }
ask() { # ask METHOD URL: $status, $tmp/out
	$get "$1" "$2" >"$tmp/out" 2>"$tmp/err"
	status=$(cat "$tmp/err")
}
value() { # value SERIES: of the metrics in $tmp/m
	grep -v '^#' "$tmp/m" | grep -F "$1 " | sed 's/.* //'
}
scrape() { $get GET "$1/metrics" >"$tmp/m" 2>"$tmp/err"; }
above() { scrape "$1" && awk -v v="$(value "$2")" -v f="$3" 'BEGIN { exit !(v + 0 > f) }'; }

node a
a=$pid
within 10 listens a && [ -n "$(url a)" ]
say $? "says where the metrics are"
grep -q "metrics on http://127.0.0.1:.*for this machine only" "$tmp/a.err"
say $? "an address without a host is this machine only, and that is said"
A=$(url a)
ask GET "$A/readyz"
[ "$status" = 200 ] && grep -q '"ready":true' "$tmp/out"
say $? "a first node is ready: it waits for others"
node b --p2p.persistent_peers "$(address a)"
b=$pid
within 10 listens b
B=$(url b)
within 15 above "$B" 'switchyard_peers{direction="outbound"}' 0
say $? "b has an outbound peer"
within 15 above "$A" 'switchyard_peers{direction="inbound"}' 0
say $? "a has an inbound one"
within 15 above "$B" 'switchyard_pex_requests_total{direction="sent"}' 0 && within 15 above "$B" 'switchyard_pex_answers_total{direction="received"}' 0
say $? "b asks for addresses and is answered"
python3 "$here/promcheck.py" cometbft_p2p_peers cometbft_p2p_peer_receive_bytes_total cometbft_p2p_peer_send_bytes_total \
	cometbft_p2p_peer_send_queue_size switchyard_build_info switchyard_handshake_seconds switchyard_dials_total process_open_fds cometbft_p2p_message_send_bytes_total \
	switchyard_channel_wait_seconds switchyard_limited_seconds_total <"$tmp/m" 2>"$tmp/err"
say $? "the metrics are in Prometheus' format"
if command -v promtool >/dev/null; then
	promtool check metrics <"$tmp/m" 2>&1 | grep -v camelCase >"$tmp/err" # chID is CometBFT's
	[ ! -s "$tmp/err" ]
	say $? "promtool finds nothing wrong"
fi
ida=$(address a | sed 's/@.*//')
[ "$(value cometbft_p2p_peers)" = 1 ] && [ "$(value 'switchyard_dials_total{result="ok"}')" = 1 ] &&
	[ "$(value 'switchyard_handshake_seconds_count{direction="outbound"}')" = 1 ] &&
	[ "$(value "cometbft_p2p_peer_receive_bytes_total{peer_id=\"$ida\",chID=\"0x0\"}")" -gt 0 ] &&
	[ "$(value 'cometbft_p2p_message_send_bytes_total{message_type="p2p_PexRequest"}')" = 2 ] &&
	[ "$(value 'switchyard_channel_wait_seconds_count{chID="0x0"}')" -gt 0 ] && [ "$(value 'switchyard_bytes_total{direction="sent"}')" -gt 0 ]
say $? "one peer, one dial, one handshake, bytes on channel 0x0"
ask GET "$B/peers"
[ "$status" = 200 ] && python3 -c '
import json, sys
peers = json.load(sys.stdin)["peers"]
assert [p["id"] for p in peers] == [sys.argv[1]] and peers[0]["direction"] == "outbound" and peers[0]["persistent"]' "$ida" <"$tmp/out"
say $? "/peers names it"
ask GET "$B/readyz"
[ "$status" = 200 ] && python3 -c '
import json, sys
r = json.load(sys.stdin)
assert r["ready"] and r["reasons"] == [] and r["listening"] and r["peers"]["outbound"] == 1 and r["last_pex_answer_seconds"] >= 0' <"$tmp/out"
say $? "/readyz: ready, with the last PEX answer"
ask GET "$B/healthz"
[ "$status" = 200 ] && grep -q '"status":"ok"' "$tmp/out"
say $? "/healthz"
ask GET "$B/net_info"
[ "$status" = 200 ] && python3 -c '
import json, sys
answer = json.load(sys.stdin)
assert answer["jsonrpc"] == "2.0" and answer["id"] == -1
result = answer["result"]
assert list(result) == ["listening", "listeners", "n_peers", "peers"] and result["n_peers"] == "1" and result["listeners"] == ["Listener(@)"]
peer = result["peers"][0]
assert list(peer) == ["node_info", "is_outbound", "connection_status", "remote_ip"] and peer["is_outbound"] and peer["remote_ip"] == "127.0.0.1"
info, status = peer["node_info"], peer["connection_status"]
assert list(info) == ["protocol_version", "id", "listen_addr", "network", "version", "channels", "moniker", "other"]
assert info["id"] == sys.argv[1] and info["network"] == "x" and info["protocol_version"]["p2p"] == "8" and info["protocol_version"]["block"] == "11"
assert "00" in [info["channels"][i:i + 2] for i in range(0, len(info["channels"]), 2)] and info["listen_addr"].startswith("tcp://127.0.0.1:")
assert list(status) == ["Duration", "SendMonitor", "RecvMonitor", "Channels"] and int(status["Duration"]) > 0
assert list(status["SendMonitor"]) == ["Start", "Bytes", "Samples", "InstRate", "CurRate", "AvgRate", "PeakRate", "BytesRem", "Duration", "Idle",
    "TimeRem", "Progress", "Active"] and int(status["SendMonitor"]["Bytes"]) > 0
assert all(list(c) == ["ID", "SendQueueCapacity", "SendQueueSize", "Priority", "RecentlySent"] for c in status["Channels"])' "$ida" <"$tmp/out" 2>"$tmp/err"
say $? "/net_info has the shape of CometBFT"
ask POST "$B/net_info"
[ "$status" = 200 ] && grep -q '"n_peers":"1"' "$tmp/out"
say $? "and is answered to a POST, as CometBFT's clients ask"
ask GET "$B/nothing"
[ "$status" = 404 ] && grep -q /metrics "$tmp/out"
say $? "an unknown path: 404, with those there are"
ask POST "$B/metrics"
[ "$status" = 405 ]
say $? "POST: 405"
ask HEAD "$B/metrics"
[ "$status" = 200 ] && [ ! -s "$tmp/out" ]
say $? "HEAD: no body"
ask GET "$B/$(printf '%020000d' 0)"
[ "$status" -ge 400 ] && ask GET "$B/healthz" && [ "$status" = 200 ]
say $? "a request that is too long is refused, the next one is answered"

kill -9 "$a" && wait "$a" 2>/dev/null
within 15 above "$B" 'switchyard_peers_removed_total{direction="outbound",reason="peer_closed"}' 0 ||
	within 1 above "$B" 'switchyard_peers_removed_total{direction="outbound",reason="peer_reset"}' 0
say $? "a peer that goes counts with its reason"
within 15 above "$B" 'switchyard_dials_total{result="dial_refused"}' 0 && [ "$(value cometbft_p2p_peers)" = 0 ]
say $? "redials fail and count, no peer is left"
python3 "$here/promcheck.py" <"$tmp/m" 2>"$tmp/err"
say $? "the format still holds"

node c --log_format json --p2p.persistent_peers "$ida@127.0.0.1:1" --p2p.pex=false
within 10 listens c
ask GET "$(url c)/readyz"
[ "$status" = 503 ] && grep -q '"reasons":\["no_peers"\]' "$tmp/out"
say $? "no peer answers: 503 with the reason"
python3 -c '
import json, sys
lines = [json.loads(line) for line in sys.stdin]
assert lines and all({"ts", "level", "module", "_msg"} <= set(line) for line in lines)' <"$tmp/c.err"
say $? "--log_format json: each line is an object"
port=$(url c | sed 's/.*://')
refuses "a taken port is one line" "instrumentation.prometheus_listen_addr: cannot listen on :$port: address is in use" node --home "$tmp/h2" --network x \
	--p2p.laddr tcp://127.0.0.1:0 --instrumentation.prometheus --instrumentation.prometheus_listen_addr ":$port"
refuses "no address" 'instrumentation.prometheus_listen_addr: "here" is no HOST:PORT' node --home "$tmp/h2" --network x \
	--p2p.laddr tcp://127.0.0.1:0 --instrumentation.prometheus --instrumentation.prometheus_listen_addr here
refuses "no namespace" 'instrumentation.namespace: "a b"' node --home "$tmp/h2" --network x --p2p.laddr tcp://127.0.0.1:0 --instrumentation.namespace "a b"
ends "$b"
say $? "SIGTERM ends it with 0"

mkdir -p "$tmp/home-d/config"
printf '[instrumentation]\nprometheus = true\nprometheus_listen_addr = "localhost:0"\nmax_open_connections = 1\nnamespace = "tendermint"\n' >"$tmp/home-d/config/config.toml"
spawn d "$SWITCHYARD" node --home "$tmp/home-d" --network x --p2p.laddr tcp://127.0.0.1:0
within 10 listens d && scrape "$(url d)" && [ "$(value tendermint_p2p_peers)" = 0 ] && ! grep -q unknown "$tmp/d.err"
say $? "config.toml's [instrumentation] is read: address, namespace"
python3 "$here/httpget.py" HOLD "$(url d)/healthz" 2>"$tmp/hold" &
hold=$!
pids="$pids $hold"
within 10 grep -q held "$tmp/hold" && kill "$hold" && within 15 scrape "$(url d)"
say $? "when the client that holds the only connection goes, the next one is answered"
exit $bad
