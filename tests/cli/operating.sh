#!/bin/sh
# The commands of docs/OPERATING.md, line by line, on loopback. A line that runs a node runs beside the others, until a comment
# says "stop". Prints TAP.
. "$(dirname "$0")/tap.sh.inc"
. "$(dirname "$0")/procs.sh.inc"
doc=$PWD/docs/OPERATING.md
mkdir -p "$tmp/bin" "$tmp/user"
ln -s "$SWITCHYARD" "$tmp/bin/switchyard"
PATH=$tmp/bin:$PATH HOME=$tmp/user
export PATH HOME
# what a machine in a data centre has and this test has not: a port for everybody, routable addresses
export CMT_P2P_LADDR=tcp://127.0.0.1:0 CMT_P2P_ADDR_BOOK_STRICT=false CMT_P2P_ALLOW_DUPLICATE_IP=true CMT_INSTRUMENTATION_PROMETHEUS=false
unset CMTHOME CMT_HOME
cd "$tmp" || exit 3

# blocks LANGUAGE: the lines of the page's blocks of that language
blocks() { awk -v want='```'"$1" '$0 == want { on = 1; next } /^```/ { on = 0 } on' "$doc"; }

spawn peer "$SWITCHYARD" node --home "$tmp/peer" --network somechain-1
within 15 listens peer
CHAIN=somechain-1 PEER=$(address peer) SEED='' running=''
export CHAIN PEER SEED

# the homes that others have left: one of CometBFT's in seed mode, one of tenderseed's
mkdir -p "$HOME/.mychain/config" "$HOME/.tenderseed/config" "$HOME/.tenderseed/data"
"$SWITCHYARD" init --home "$HOME/.mychain" >"$tmp/out" && sed -i 's/^seed_mode = false/seed_mode = true/' "$HOME/.mychain/config/config.toml" &&
	echo '{"chain_id": "somechain-1"}' >"$HOME/.mychain/config/genesis.json" &&
	"$SWITCHYARD" book add "$PEER" --home "$HOME/.mychain" >"$tmp/out" &&
	"$SWITCHYARD" gen-node-key --home "$tmp/old" >"$tmp/old.id" && cp "$tmp/old/config/node_key.json" "$HOME/.tenderseed/config/" &&
	"$SWITCHYARD" book add "$PEER" --addr_book_strict=false --file "$HOME/.tenderseed/data/addrbook.json" >"$tmp/out"
say $? "two homes to come from"

stop_all() {
	for p in $running; do ends "$p" || return 1; done
	running=''
}
number=0
blocks sh >"$tmp/lines"
while IFS= read -r line; do
	case $line in
	'') continue ;;
	'# stop'*) stop_all && continue ;;
	'#'*) continue ;;
	*' seed '*--check-config*) sh -c "$line" >"$tmp/out" 2>"$tmp/err" && grep -q '^# good: ' "$tmp/out" && [ ! -s "$tmp/err" ] ;;
	*' seed '*)
		number=$((number + 1))
		# exec: the signal is for the program, not for a shell around it
		spawn "run$number" sh -c "exec $line"
		running="$running $pid"
		within 15 listens "run$number" && SEED=$(address "run$number")
		;;
	*) sh -c "$line" >"$tmp/out" 2>"$tmp/err" </dev/null || { [ $? = 1 ] && grep -q '^0 ' "$tmp/out"; } ;;
	esac
	say $? "$line"
done <"$tmp/lines"
[ "$(wc -l <"$tmp/lines")" -ge 15 ] && [ $number -ge 3 ]
say $? "the page has commands, and runs a seed three times"
stop_all
say $? "what it runs ends in good order"
grep -q '"outcome": "reachable"' "$tmp/newcomer.json"
say $? "the newcomer reaches the seed"
[ "$("$SWITCHYARD" show-node-id --home "$HOME/seed2")" = "$(cat "$tmp/old.id")" ]
say $? "the seed that came from tenderseed has its id"

blocks toml >"$tmp/example.toml"
mkdir -p "$tmp/ex/config" && cp "$tmp/example.toml" "$tmp/ex/config/config.toml"
env -u CMT_P2P_LADDR "$SWITCHYARD" seed --home "$tmp/ex" --network x --check-config >"$tmp/out" 2>"$tmp/err"
[ $? = 0 ] && [ ! -s "$tmp/err" ] && grep -q 'max_num_inbound_peers = 400 *#.*config.toml' "$tmp/out"
say $? "the example of a config.toml is understood, key by key"

cd "$OLDPWD" || exit 3
missing=
for name in $(grep -o 'switchyard_[a-z_]*[a-z]\|process_[a-z_]*[a-z]' "$doc" | sort -u); do grep -q "\`$name\`" docs/METRICS.md || missing="$missing $name"; done
echo "$missing" >"$tmp/out"
[ -z "$missing" ]
say $? "every metric that it names is in docs/METRICS.md"
missing=
for name in $(grep -o '`\(p2p\|switchyard\|instrumentation\)\.[a-z_]*' "$doc" | tr -d '`' | sort -u); do grep -q "\`$name\`" docs/CONFIG.md || missing="$missing $name"; done
echo "$missing" >"$tmp/out"
[ -z "$missing" ]
say $? "every key that it names is in docs/CONFIG.md"
exit $bad
