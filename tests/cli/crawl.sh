#!/bin/sh
# switchyard crawl over loopback: a seed, nodes of its network, one of another, dead addresses, one that hangs. Prints TAP.
. "$(dirname "$0")/tap.sh.inc"
. "$(dirname "$0")/procs.sh.inc"

refuses "no address to begin with" "where to begin?" crawl
refuses "a word that is no address" 'crawl: "nonsense" is no id@host:port' crawl nonsense
refuses "a list with a wrong one" '--seeds: "x" is no id@host:port' crawl --seeds x
refuses "no workers" "--workers wants 1 to" crawl --workers 0 "$(printf %040d 0)@127.0.0.1:1"
refuses "a book that is not there" "there is no address book $tmp/none.json" crawl --book "$tmp/none.json"
refuses "a home that is not there" "there is no home that can be read: $tmp/none" crawl --home "$tmp/none"
refuses "another format" "--format wants json|csv" crawl --format xml

# node NAME ARGS...: a node of network net that listens at an address of its own
node() {
	name=$1 kind=$2
	shift 2
	spawn "$name" "$SWITCHYARD" "$kind" --home "$tmp/$name" --moniker "$name" --p2p.addr_book_strict=false --p2p.allow_duplicate_ip "$@"
}
node seed seed --network net --p2p.laddr tcp://127.0.0.1:0
within 15 listens seed
seed=$(address seed)
for i in 1 2 3; do node "n$i" node --network net --p2p.laddr "tcp://127.0.$i.1:0" --p2p.seeds "$seed"; done
node other node --network another --p2p.laddr tcp://127.0.9.1:0
within 15 listens n1 && within 15 listens n2 && within 15 listens n3 && within 15 listens other
say $? "five nodes listen"
known() { for i in 1 2 3; do "$SWITCHYARD" crawl "$seed" --network net --addr_book_strict=false --quiet | grep -q "\"moniker\": \"n$i\"" || return 1; done; }
within 30 known
say $? "a crawl from the seed finds the three that have dialled it"

dead=$(echo "$seed" | sed 's/^....\(.*\)@.*/dead\1/')@127.0.0.1:1
"$SWITCHYARD" crawl "$seed" "$(address other)" "$dead" -j 1 --addr_book_strict=false >"$tmp/out" 2>"$tmp/err"
code=$?
[ $code = 0 ] && grep -qE '^switchyard: net: 4 of 6 addresses reachable, 1 refused, 1 unreachable, 0 skipped, 0 not tried' "$tmp/err"
say $? "the network comes from the first that answers; a dead address and another network are told apart"
cat >"$tmp/look.py" <<'PY'
import json, sys
d = json.load(open(sys.argv[1]))
by = {n["moniker"] or n["outcome"]: n for n in d["nodes"]}
keys = ["id", "address", "ip", "outcome", "error", "error_text", "network", "p2p_version", "block_version", "app_version", "version",
        "moniker", "channels", "listen_addr", "rpc_address", "tx_index", "connect_us", "handshake_us", "answer_us", "answered", "gave",
        "hung_up", "depth", "told", "told_by"]
seed, n1, other, dead = by["seed"], by["n1"], by["other"], by["unreachable"]
checks = {
    "head": list(d) == ["network", "block_version", "began", "took_ms", "end", "addresses", "nodes"] and d["end"] == "done",
    "keys in their order": all(list(n) == keys for n in d["nodes"]),
    "nodes in the order of ids": [n["id"] for n in d["nodes"]] == sorted(n["id"] for n in d["nodes"]),
    "the seed hangs up, a node does not": seed["hung_up"] and not n1["hung_up"] and seed["gave"] >= 3 and seed["answered"],
    "who told": n1["depth"] == 1 and n1["told_by"] == seed["id"] and seed["depth"] == 0 and seed["told_by"] is None,
    "times": all(n1[k] > 0 for k in ("connect_us", "handshake_us", "answer_us")) and dead["connect_us"] is None,
    "the other network": other["outcome"] == "refused" and other["network"] == "another" and other["error"] == "peer_network",
    "the dead one": dead["error"] == "dial_refused" and dead["network"] is None,
    "versions": n1["p2p_version"] == 8 and n1["block_version"] == 11 and "00" in [n1["channels"][i:i + 2] for i in range(0, len(n1["channels"]), 2)] and n1["version"] == "0.40.0",
}
for name, good in checks.items():
    print("ok - json:" if good else "not ok - json:", name)
PY
python3 "$tmp/look.py" "$tmp/out" >"$tmp/looked" 2>&1
cat "$tmp/looked"
[ "$(grep -c '^ok' "$tmp/looked")" = 9 ]
say $? "what is in the JSON"

tells "an unknown network: nobody reachable is exit 1, and they say whose they are" 1 '"network": "net"' crawl "$seed" --network nets
tells "of the wrong one, too" 1 '"error": "peer_network"' crawl "$seed" --network nets
call crawl "$seed" --network net --format csv --quiet
[ $code = 0 ] && head -1 "$tmp/out" | grep -qx 'id,address,ip,outcome,error,error_text,network,.*,told_by' && [ ! -s "$tmp/err" ]
say $? "CSV with the same keys; --quiet says nothing"
grep -q '"127.0.1.1:[0-9]*","skipped","addr_unroutable"' "$tmp/out" && [ "$(grep -c '"reachable"' "$tmp/out")" = 1 ]
say $? "hearsay about private addresses is not tried, unless asked for"
call crawl "$seed" --network net --out "$tmp/found.csv"
[ $code = 0 ] && [ ! -s "$tmp/out" ] && head -1 "$tmp/found.csv" | grep -q '^id,address'
say $? "--out: the ending says which format"
refuses "an --out that cannot be written" "$tmp/none/x.json" crawl "$seed" --quiet --out "$tmp/none/x.json"
tells "a name that does not resolve" 1 '"error": "dns"' crawl "$(echo "$seed" | sed 's/@.*//')@nowhere.invalid:1" --quiet
tells "a limit of addresses" 0 '"all": 2,' crawl "$seed" --network net --addr_book_strict=false --max-addresses 2
mkdir -p "$tmp/h/config"
printf '[p2p]\nseeds = "%s"\naddr_book_strict = false\n' "$seed" >"$tmp/h/config/config.toml"
tells "from a home's seeds, and as strict as it" 0 '"moniker": "n2"' crawl --home "$tmp/h" --quiet

# a process that is stopped: the kernel accepts, and nobody answers
kill -STOP "$pid" && stopped=$pid
spawn hang "$SWITCHYARD" crawl "$(address other)" "$seed" --network net --addr_book_strict=false --handshake_timeout 600s --out "$tmp/hang.json"
hang=$pid
dials() { ls -l "/proc/$hang/fd" | grep -q 'socket:'; }
within 15 dials && kill -INT "$hang" && within 15 gone "$hang" && wait "$hang"
code=$?
grep -q '"end": "interrupted"' "$tmp/hang.json" && [ $code -le 1 ]
say $? "SIGINT writes what was found"
call crawl "$(address other)" --network another --handshake_timeout 600s --until 1s
[ $code = 1 ] && grep -q '"end": "time_up"' "$tmp/out" && grep -q 'time is up' "$tmp/err"
say $? "--until ends it"
call crawl "$(address other)" --network another --handshake_timeout 1s
[ $code = 1 ] && grep -q '"error": "peer_handshake_timeout"' "$tmp/out" && grep -q '"outcome": "refused"' "$tmp/out"
say $? "one that accepts and says nothing is told apart from a dead one"
kill -CONT "$stopped"

for i in 1 2 3; do kill -TERM "$(echo $pids | cut -d' ' -f$((i + 1)))"; done
settled() { [ -s "$tmp/n1/config/addrbook.json" ] && [ -s "$tmp/n2/config/addrbook.json" ] && [ -s "$tmp/n3/config/addrbook.json" ]; }
within 15 settled && ! grep -q '"port": 0' "$tmp"/n?/config/addrbook.json
say $? "no crawler is in anybody's address book"
! grep -hE 'banned|asks for addresses too often' "$tmp"/*.err
say $? "and none of them was thought a flooder"
exit $bad
