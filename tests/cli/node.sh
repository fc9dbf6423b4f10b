#!/bin/sh
# The real node's command line: home, keys, configuration, errors, the end by signal.
. "$(dirname "$0")/tap.sh.inc"
trap 'kill -9 $pids 2>/dev/null; rm -rf "$tmp"' EXIT
pids=

tells "init makes a home" 0 "node_key.json" init --home "$tmp/h"
[ -s "$tmp/h/config/config.toml" ] && [ "$(stat -c %a "$tmp/h/config/node_key.json")" = 600 ] && [ -d "$tmp/h/data" ]
say $? "with config.toml, data/, and a key that only its owner reads"
cp "$tmp/h/config/node_key.json" "$tmp/key"
tells "init again changes nothing" 0 "found" init --home "$tmp/h"
cmp -s "$tmp/key" "$tmp/h/config/node_key.json"
say $? "not the key, either"
call show-node-id --home "$tmp/h"
id=$(cat "$tmp/out")
[ $code = 0 ] && echo "$id" | grep -qxE '[0-9a-f]{40}'
say $? "show-node-id"
refuses "gen-node-key leaves a key alone" "there is a node key already" gen-node-key --home "$tmp/h"
call gen-node-key --home "$tmp/g"
[ $code = 0 ] && grep -qxE '[0-9a-f]{40}' "$tmp/out"
say $? "gen-node-key prints the id"
refuses "show-node-id without a key" "node_key.json" show-node-id --home "$tmp/none"

refuses "no network and no genesis" "--network" node --home "$tmp/h"
refuses "an unknown flag names the nearest" "did you mean --p2p.seeds?" node --home "$tmp/h" --p2p.seed x
refuses "a flag of the wrong kind" "--p2p.send_rate wants a whole number" node --home "$tmp/h" --p2p.send_rate fast
refuses "a wrong address" 'p2p.seeds: "nonsense" is no id@host:port' node --home "$tmp/h" --network x --p2p.seeds nonsense
refuses "a wrong id" "p2p.private_peer_ids" node --home "$tmp/h" --network x --p2p.private_peer_ids 12
refuses "a wrong laddr" "p2p.laddr" node --home "$tmp/h" --network x --p2p.laddr tcp://127.0.0.1
refuses "a laddr that is not ours" "198.51.100.1" node --home "$tmp/h" --network x --p2p.laddr tcp://198.51.100.1:1
refuses "a wrong log level" "log_level" node --home "$tmp/h" --network x --log_level loud
refuses "a missing reactor" "none.lua" node --home "$tmp/h" --network x --p2p.laddr tcp://127.0.0.1:0 --reactor "$tmp/none.lua"
printf '[p2p]\npex = "yes"\n' >"$tmp/h/config/config.toml"
refuses "a wrong type in config.toml has file and line" "config.toml:2: pex wants a boolean, not a string" node --home "$tmp/h" --network x
echo '{"priv_key":' >"$tmp/g/config/node_key.json"
refuses "a broken node key" "node_key.json" node --home "$tmp/g" --network x --p2p.laddr tcp://127.0.0.1:0

start() { # start NAME ARGS...: in the background; $pid, $tmp/NAME.out, $tmp/NAME.err
	name=$1
	shift
	"$SWITCHYARD" "$@" >"$tmp/$name.out" 2>"$tmp/$name.err" </dev/null &
	pid=$!
	pids="$pids $pid"
}
within() { # within SECONDS COMMAND...: polls ten times a second
	tries=$(($1 * 10))
	shift
	until "$@" >/dev/null 2>&1; do
		tries=$((tries - 1))
		[ $tries -gt 0 ] || return 1
		sleep 0.1
	done
}
listens() { grep -qxE '[0-9a-f]{40}@127\.0\.0\.1:[0-9]+' "$tmp/$1.out"; }
gone() { ! kill -0 "$1"; }

printf 'moniker = "m"\nlog_level = "debug"\n[p2p]\nladdr = "tcp://127.0.0.1:0"\naddr_book_strict = false\nseedz = ""\nallow_duplicate_ip = true\n' >"$tmp/h/config/config.toml"
start a node --home "$tmp/h" --network x
within 10 listens a && grep -q "^$id@" "$tmp/a.out"
say $? "prints id@host:port once it listens, by config.toml"
grep -q 'config.toml:6: unknown key "seedz" in \[p2p\] is ignored; did you mean "seeds"?' "$tmp/a.err"
say $? "warns of an unknown key with file, line and the nearest"
port=$(sed 's/.*://' "$tmp/a.out")
refuses "a port in use" "127.0.0.1:$port: address is in use" node --home "$tmp/u" --network x --p2p.laddr "tcp://127.0.0.1:$port"
start s seed --home "$tmp/s" --network x --p2p.laddr tcp://127.0.0.1:0 --p2p.addr_book_strict=false
seed=$pid
within 10 listens s
say $? "seed listens, in a home that it made"
start b node --home "$tmp/b" --network x --p2p.laddr tcp://127.0.0.1:0 --p2p.addr_book_strict=false --p2p.allow_duplicate_ip \
	--p2p.persistent_peers "$(cat "$tmp/a.out")"
b=$pid
within 15 grep -q "peer added\" peer=$id@" "$tmp/b.err"
say $? "a node finds its persistent peer"
start w node --home "$tmp/w" --network another --p2p.laddr tcp://127.0.0.1:0 --p2p.addr_book_strict=false --log_level debug \
	--p2p.persistent_peers "$(cat "$tmp/a.out")"
w=$pid
within 15 grep -q "another network" "$tmp/w.err"
say $? "a node of another network is refused and told why"
kill -TERM "$b"
within 10 gone "$b" && wait "$b"
say $? "SIGTERM: exit 0"
grep -q "$id" "$tmp/b/config/addrbook.json"
say $? "and the book is saved"
kill -INT "$seed"
within 10 gone "$seed"
say $? "SIGINT ends it, too"
kill -TERM "$w"
within 10 gone "$w" && wait "$w"
say $? "also while nobody answers"
echo '{ broken' >"$tmp/b/config/addrbook.json"
refuses "a broken address book is not overwritten" "addrbook.json" node --home "$tmp/b" --network x --p2p.laddr tcp://127.0.0.1:0
[ "$(cat "$tmp/b/config/addrbook.json")" = '{ broken' ]
say $? "it is as it was"
exit $bad
