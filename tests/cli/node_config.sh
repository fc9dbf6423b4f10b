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
wrong "a pong that may take longer than a ping" 'switchyard.pong_timeout = "50s": wants more than 0s and less than the ping interval; switchyard.ping_interval = "50s"' \
	--home "$h" --switchyard.pong_timeout 50s
wrong "a seed without an id" 'p2p.seeds: "1.2.3.4:5" is no id@host:port' --home "$h" --p2p.seeds 1.2.3.4:5
printf '[switchyard]\nping_interval = 50\n' >"$h/config/config.toml"
wrong "a wrong type in our section has file and line" "config.toml:2: ping_interval wants a string, not an integer" --home "$h"

# What the core refuses is told with where it was set, its value, and what it may be. in_file LINES: a config.toml of these.
in_file() { printf '%b\n' "$@" >"$h/config/config.toml"; }
c=$h/config/config.toml
list() { for i in $(seq "$1"); do printf '%040x%s,' "$i" "$2"; done; }
in_file '[p2p]' 'max_packet_msg_payload_size = 0'
wrong "a size of 0" "$c:2: p2p.max_packet_msg_payload_size = 0: wants 1 to 1048576 bytes" --home "$h" --network x
CMT_P2P_MAX_PACKET_MSG_PAYLOAD_SIZE=1048577 wrong "a size beyond the bound, in the environment" \
	"CMT_P2P_MAX_PACKET_MSG_PAYLOAD_SIZE: p2p.max_packet_msg_payload_size = 1048577: wants 1 to 1048576 bytes" --home "$h" --network x
in_file 'moniker = "\\u00e4"' '[switchyard]' 'version = "\\u0007"'
wrong "a version that is no text" "$c:3: switchyard.version = \"\\u0007\": wants printable ASCII" --home "$h" --network x
wrong "a moniker that is not ASCII" "$c:1: moniker = \"ä\": wants printable ASCII" --home "$h" --network x --switchyard.version 1
in_file '' '[switchyard]' 'ping_interval = "40s"'
wrong "a ping interval below the default of the other key" "$c:3: switchyard.pong_timeout = \"45s\": wants more than 0s and less than the ping interval; switchyard.ping_interval = \"40s\"" --home "$h" --network x
in_file '[switchyard]' 'verify_interval = "10ms"' 'crawl_dials = 65' 'ensure_peers_period = "0s"'
wrong "no time between looks for peers" "$c:4: switchyard.ensure_peers_period = \"0s\": wants more than 0s" --home "$h" --network x
seed="--home $h --network x --p2p.seed_mode --switchyard.ensure_peers_period 30s"
wrong "an interval below a second" "$c:2: switchyard.verify_interval = \"10ms\": wants 1s to 24h" $seed
wrong "too many dials" "$c:3: switchyard.crawl_dials = 65: wants 1 to 64 addresses" $seed --switchyard.verify_interval 1s
in_file '[p2p]' 'pex = false' 'seed_mode = true'
wrong "a seed without peer exchange" "$c:3: p2p.seed_mode = true: wants peer exchange; p2p.pex = false" --home "$h" --network x
in_file '[p2p]' "seeds = \"$(list 65 @192.0.2.1:1)\"" 'external_address = "1.2.3.4"'
wrong "an address that is none" "$c:3: p2p.external_address = \"1.2.3.4\": wants HOST:PORT; p2p.laddr = " --home "$h" --network x --p2p.seeds ''
wrong "too many seeds" "$c:2: p2p.seeds = \"0000000000000000000000000000000000000001@192.0.2.1:1" --home "$h" --network x --p2p.external_address 1.2.3.4:5
grep -q ': wants 0 to 64 addresses$' "$tmp/err"
say $? "and how many there may be"
in_file '[p2p]' "persistent_peers = \"$(list 257 @192.0.2.1:1)\""
wrong "too many persistent peers" "$c:2: p2p.persistent_peers = " --home "$h" --network x
grep -q ': wants 0 to 256 addresses$' "$tmp/err"
say $? "and how many there may be"
in_file '[p2p]' "private_peer_ids = \"$(list 1025 '')\"" '[switchyard]' 'channels = "0x1,0x2,3x"'
wrong "too many ids" "$c:2: p2p.private_peer_ids has more than 1024 elements" --home "$h" --network x
wrong "a channel that is none" "$c:4: switchyard.channels: \"0x1,0x2,3x\": wants stock" --home "$h" --network x --p2p.private_peer_ids ''
wrong "texts that fill a node info" 'moniker = "mmm' --home "$h" --network x --p2p.private_peer_ids '' --switchyard.channels none --moniker "$(printf '%010000d' 0 | tr 0 m)"
grep -q ': wants less: with network, version and addresses a node info would be too long$' "$tmp/err"
say $? "and that this is too much"
# What HTTP will want is looked at, too.
in_file '[instrumentation]' 'prometheus = true' 'prometheus_listen_addr = "here"' 'namespace = "a b"'
wrong "no namespace" "$c:4: instrumentation.namespace: \"a b\" is no name for metrics" --home "$h" --network x
wrong "no address for metrics" "$c:3: instrumentation.prometheus_listen_addr: \"here\" is no HOST:PORT" --home "$h" --network x --instrumentation.namespace a
call node --check-config --home "$h" --network x --instrumentation.namespace a --instrumentation.prometheus=false
[ $code = 0 ]
say $? "which nobody looks at when it is off"
in_file '[switchyard]' 'allow_list_only = true'
wrong "nobody to let in" "$c:2: switchyard.allow_list_only: without an allow_list_file" --home "$h" --network x
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
