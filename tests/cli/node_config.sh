#!/bin/sh
# Where a node's configuration comes from: flags, environment, config.toml, defaults; --check-config shows it.
. "$(dirname "$0")/tap.sh.inc"

h=$tmp/h
check() { # check NAME LINE ARGS...: exit 0 and this whole line on standard output
	name=$1 line=$2
	shift 2
	call node --check-config "$@"
	[ $code = 0 ] && grep -qxF -- "$line" "$tmp/out"
	say $? "$name"
}

call node --check-config --home "$h" --network x
[ $code = 0 ] && [ ! -e "$h" ] && grep -qx '# good: a node without a key yet of chain x' "$tmp/out"
say $? "--check-config makes nothing"
call init --home "$h"
[ $code = 0 ] && grep -q "no genesis at" "$tmp/out"
say $? "init tells that the genesis is missing"
id=$("$SWITCHYARD" show-node-id --home "$h")
check "names the node and its chain" "# good: $id of chain x" --home "$h" --network x
grep -c ' = ' "$h/config/config.toml" >"$tmp/n"
[ "$(cat "$tmp/n")" -gt 20 ] && [ ! -s "$tmp/err" ]
say $? "and knows every key that init has written"

printf 'proxy_app = "kvstore"\nmoniker = "filed"\n[p2p]\nsend_rate = 1\nrecv_rate = 2\npex = true\n[switchyard]\nnetwork = "filed-chain"\nping_interval = "50s"\n[mempool]\nsize = 5\n' >"$h/config/config.toml"
check "a key of the file has file and line" "p2p.send_rate = 1  # $h/config/config.toml:4" --home "$h"
check "a key of our section" "switchyard.ping_interval = \"50s\"  # $h/config/config.toml:9" --home "$h"
check "the chain can stand in our section" "network = \"filed-chain\"  # $h/config/config.toml:8" --home "$h"
check "a default says so" "p2p.dial_timeout = \"3s\"  # default" --home "$h"
CMT_P2P_SEND_RATE=3 CMT_P2P_RECV_RATE=4 check "the environment wins over the file" "p2p.send_rate = 3  # environment, CMT_P2P_SEND_RATE" --home "$h"
CMT_P2P_SEND_RATE=3 check "a flag wins over the environment" "p2p.send_rate = 5  # --p2p.send_rate" --home "$h" --p2p.send_rate 5
CMTHOME="$h" check "CMTHOME is the home" "moniker = \"filed\"  # $h/config/config.toml:2"
CMTHOME="$tmp/elsewhere" check "--home wins over it" "home = \"$h\"  # --home" --home "$h"
CMTHOME="$h" call show-node-id
[ $code = 0 ] && [ "$(cat "$tmp/out")" = "$id" ]
say $? "show-node-id knows CMTHOME"
check "the profile's defaults" "p2p.flush_throttle_timeout = \"100ms\"  # default" --home "$h" --profile upstream-v0.38
call seed --check-config --home "$h"
grep -qxF 'p2p.seed_mode = true  # the command' "$tmp/out"
say $? "seed is seed_mode"
call node --check-config --home "$h" --proxy_app=kvstore --rpc.laddr tcp://127.0.0.1:26657 --consensus.create_empty_blocks=false
[ $code = 0 ] && [ "$(grep -c 'does nothing here' "$tmp/err")" = 3 ]
say $? "flags that concern an application are passed over with a warning"
CMT_P2P_PERSISTENT_PEER=x call node --check-config --home "$h"
[ $code = 0 ] && grep -q 'CMT_P2P_PERSISTENT_PEER is no key and is ignored; did you mean CMT_P2P_PERSISTENT_PEERS?' "$tmp/err"
say $? "an unknown variable is warned about"

wrong() { # wrong NAME TEXT ARGS...: exit 2, TEXT in the last line of standard error
	name=$1 text=$2
	shift 2
	call node --check-config "$@"
	[ $code = 2 ] && [ "$(wc -l <"$tmp/err")" = 1 ] && grep -qF -- "$text" "$tmp/err"
	say $? "$name"
}
CMT_P2P_PEX=perhaps wrong "a variable that does not read" 'CMT_P2P_PEX: p2p.pex wants true or false, not "perhaps"' --home "$h"
wrong "a pong that may take longer than a ping" "pong_timeout" --home "$h" --switchyard.pong_timeout 50s
wrong "a seed without an id" 'p2p.seeds: "1.2.3.4:5" is no id@host:port' --home "$h" --p2p.seeds 1.2.3.4:5
printf '[switchyard]\nping_interval = 50\n' >"$h/config/config.toml"
wrong "a wrong type in our section has file and line" "config.toml:2: ping_interval wants a string, not an integer" --home "$h"
printf '[p2p.libp2p]\nenabled = true\n' >"$h/config/config.toml"
wrong "libp2p is refused" "config.toml:2: enabled: CometBFT's libp2p transport is another protocol" --home "$h"
printf '[p2p]\ntest_fuzz = true\nupnp = false\n' >"$h/config/config.toml"
call node --check-config --home "$h" --network x
[ $code = 0 ] && [ "$(cat "$tmp/err")" = "switchyard: $h/config/config.toml:2: p2p.test_fuzz does nothing here" ]
say $? "test_fuzz is known, and told when it is on"
rm "$h/config/config.toml"
echo '{ broken' >"$h/config/addrbook.json"
wrong "a broken book" "addrbook.json" --home "$h" --network x
rm "$h/config/addrbook.json"
printf 'node_key_file = "config/other.json"\n' >"$h/config/config.toml"
call gen-node-key --home "$h"
[ $code = 0 ] && [ -f "$h/config/other.json" ] && [ "$("$SWITCHYARD" show-node-id --home "$h")" = "$(cat "$tmp/out")" ]
say $? "gen-node-key and show-node-id follow node_key_file"
exit $bad
