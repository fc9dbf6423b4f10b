#!/bin/sh
# Three real nodes on loopback: b and c know only a; they find each other by PEX, exchange messages on a Lua reactor, survive
# kill -9 and a restart with their address books, and shut down cleanly on SIGTERM. Prints TAP.
set -u
tmp=$(mktemp -d)
end() {
	for file in "$tmp"/*.pid; do [ -f "$file" ] && kill -9 "$(cat "$file")"; done 2>/dev/null
	wait 2>/dev/null
	rm -rf "$tmp"
}
trap end EXIT
trap 'exit 1' HUP INT TERM
bad=0
ok() { # ok CODE NAME
	if [ "$1" = 0 ]; then echo "ok - $2"; else
		echo "not ok - $2"
		bad=1
		for l in "$tmp"/*.log; do echo "# $l" && tail -5 "$l" | sed 's/^/# /'; done
	fi
}
start() { # start NAME LADDR ARGS...: a node whose output goes to NAME.log
	name=$1 laddr=$2
	shift 2
	"$SWITCHYARD" node --home "$tmp/$name" --network loop --moniker "$name" --p2p.laddr "$laddr" --p2p.addr_book_strict=false \
		--p2p.allow_duplicate_ip=true --reactor tests/data/lua/hello.lua "$@" >"$tmp/$name.log" 2>&1 &
	echo $! >"$tmp/$name.pid"
}
until_() { # until_ SECONDS COMMAND...: polls ten times a second
	tries=$(($1 * 10))
	shift
	while [ $tries -gt 0 ]; do
		"$@" >/dev/null 2>&1 && return 0
		sleep 0.1
		tries=$((tries - 1))
	done
	return 1
}
address() { grep -ohE '[0-9a-f]{40}@[0-9.]+:[0-9]+' "$tmp/$1.log" | head -1; }
heard() { grep -q "heard hello from ${2%@*}" "$tmp/$1.log"; } # heard NODE ADDRESS
gone() { ! kill -0 "$(cat "$tmp/$1.pid")"; }

start a tcp://127.0.0.1:0
until_ 10 grep -qE '[0-9a-f]{40}@' "$tmp/a.log"
ok $? "a listens and says where"
a=$(address a)
start b tcp://127.0.0.1:0 --p2p.seeds "$a"
until_ 20 heard a "$(until_ 10 grep -qE '[0-9a-f]{40}@127' "$tmp/b.log"; address b)"
ok $? "a and b exchange messages"
b=$(address b)
start c tcp://127.0.0.1:0 --p2p.seeds "$a"
until_ 10 grep -qE '[0-9a-f]{40}@127' "$tmp/c.log"
c=$(address c)
until_ 60 heard c "$b"
ok $? "c finds b through a by PEX"
until_ 5 heard b "$c"
ok $? "and b hears c"

until_ 1 true
kill -TERM "$(cat "$tmp/b.pid")"
until_ 10 gone b
ok $? "b shuts down on SIGTERM"
gone b || kill -9 "$(cat "$tmp/b.pid")" # else we would wait for it for ever
wait "$(cat "$tmp/b.pid")"
ok $? "with exit code 0"
grep -q "\"${c%@*}\"" "$tmp/b/config/addrbook.json"
ok $? "b's address book has c"
start b "tcp://${b#*@}"
until_ 60 heard b "$a"
ok $? "restarted without seeds, b finds a from its book"

# kill -9: what was saved at the last orderly save is there after the restart
kill -9 "$(cat "$tmp/b.pid")"
wait "$(cat "$tmp/b.pid")" 2>/dev/null
cp "$tmp/b/config/addrbook.json" "$tmp/book.before"
start b "tcp://${b#*@}"
until_ 60 heard b "$a"
ok $? "after kill -9, b comes back with its book"
until_ 60 heard b "$c"
ok $? "and finds c again"
for node in a b c; do kill -TERM "$(cat "$tmp/$node.pid")"; done
for node in a b c; do
	until_ 10 gone $node
	ok $? "$node ends on SIGTERM"
done
exit $bad
