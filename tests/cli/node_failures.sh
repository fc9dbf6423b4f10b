#!/bin/sh
# A node on a disk that is full, in a home that cannot be read, at a port that is taken: one line, and nothing is lost.
. "$(dirname "$0")/node.sh.inc"
at="--network x --p2p.laddr tcp://127.0.0.1:0"

# The limit of a file's size stands for a full disk; what is printed goes through a pipe, which has no such limit.
full() { # full ARGS...: on a disk without room; $code, $tmp/out as for call
	{
		(
			ulimit -f 0
			timeout -k 5 20 "$SWITCHYARD" "$@"
			echo "code $?"
		) 2>&1
	} | cat >"$tmp/out"
}
full_refuses() { # full_refuses NAME TEXT ARGS...
	name=$1 text=$2
	shift 2
	full "$@"
	[ "$(wc -l <"$tmp/out")" = 2 ] && grep -qF -- "$text" "$tmp/out" && grep -qx 'code 2' "$tmp/out"
	say $? "$name"
}
full_refuses "a full disk: no node without its key" "$tmp/full/config/node_key.json: cannot be written: " node --home "$tmp/full" $at
full_refuses "init says so" "$tmp/full2/config/node_key.json: cannot be written: " init --home "$tmp/full2"
[ -z "$(ls -A "$tmp/full/config" "$tmp/full2/config" | grep -v ':$')" ]
say $? "and leaves no half a file behind"
call init --home "$tmp/b"
for i in 1 2 3 4 5 6 7 8; do printf '%040x@1%d.%d.3.4:26656\n' $i $i $i; done >"$tmp/list"
call book import "$tmp/list" --home "$tmp/b"
cp "$tmp/b/config/addrbook.json" "$tmp/old"
full_refuses "an edit of the book says so" "addrbook.json" book add "$(printf '%040x' 9)@9.9.3.4:26656" --home "$tmp/b"
cmp -s "$tmp/old" "$tmp/b/config/addrbook.json" && [ "$(ls "$tmp/b/config" | grep -c atomic)" = 0 ]
say $? "and the old book is whole"

# A node whose log is a pipe and whose disk is full when it saves. Its peer is news for the book; nobody else is dialled.
quiet="--p2p.max_num_outbound_peers 0 --p2p.addr_book_strict=false --p2p.allow_duplicate_ip"
run_node peer $quiet
say $? "a peer"
on_full() { # on_full NAME: it runs, with its peer; $node, $tmp/NAME.log
	mkfifo "$tmp/$1.pipe"
	cat <"$tmp/$1.pipe" >"$tmp/$1.log" &
	pids="$pids $!"
	reader=$!
	(ulimit -Sf 0 && exec "$SWITCHYARD" node --home "$tmp/b" $at $quiet --p2p.persistent_peers "$addr") >"$tmp/$1.pipe" 2>&1 </dev/null &
	node=$!
	pids="$pids $node"
	within 15 grep -q 'peer added' "$tmp/$1.log"
}
unsaved="the address book is not saved: .*addrbook.json: cannot be written: File too large. The file is as it was"
on_full one
say $? "a node with a key and a book starts on a full disk and finds its peer"
[ "$(grep -c "$unsaved; it is tried again" "$tmp/one.log")" = 1 ]
say $? "it tells once that the book is not saved, and lives on"
ends "$node" && within 10 gone "$reader"
say $? "it stops in good order"
cp "$tmp/one.log" "$tmp/out"
[ "$(grep -c "$unsaved" "$tmp/one.log")" = 2 ]
say $? "and tells once more"
cmp -s "$tmp/old" "$tmp/b/config/addrbook.json" && [ "$(ls "$tmp/b/config" | grep -c atomic)" = 0 ]
say $? "the book is as it was"
if command -v prlimit >/dev/null; then
	on_full two && grep -q "$unsaved; it is tried again" "$tmp/two.log"
	say $? "another time"
	prlimit --pid "$node" --fsize=unlimited: && ends "$node"
	cp "$tmp/two.log" "$tmp/out"
	grep -q "${addr%@*}" "$tmp/b/config/addrbook.json"
	say $? "there is room again: the book is saved"
else
	echo "ok - there is room again: the book is saved # SKIP no prlimit"
fi

echo x >"$tmp/file"
refuses "a home that is a file" "$tmp/file" node --home "$tmp/file" $at
refuses "a file in the way to it" "$tmp/file/h" node --home "$tmp/file/h" $at
mkdir -p "$tmp/l" && ln -s "$tmp/nowhere" "$tmp/l/config"
refuses "a directory that is a link to nowhere" "$tmp/l/config: cannot be made a directory: a link that leads nowhere" node --home "$tmp/l" $at
mkdir -p "$tmp/k/config/node_key.json" "$tmp/d/config/addrbook.json"
refuses "a key that is a directory" "$tmp/k/config/node_key.json: not a regular file" node --home "$tmp/k" $at
refuses "a book that is a directory" "$tmp/d/config/addrbook.json: not a regular file" node --home "$tmp/d" $at

# Permissions do not bind root: somebody else is asked.
mkdir -p "$tmp/p" && call init --home "$tmp/q"
if [ "$(id -u)" = 0 ]; then
	chmod 755 "$tmp" "$tmp/q" "$tmp/q/config"
	cp "$SWITCHYARD" "$tmp/program" && chmod 755 "$tmp/program"
	printf '#!/bin/sh\nexec setpriv --reuid=65534 --regid=65534 --clear-groups "%s" "$@"\n' "$tmp/program" >"$tmp/nobody"
else
	chmod 000 "$tmp/q/config/node_key.json"
	printf '#!/bin/sh\nexec "%s" "$@"\n' "$SWITCHYARD" >"$tmp/nobody"
fi
chmod 755 "$tmp/nobody" && chmod 000 "$tmp/p"
whole=$SWITCHYARD
SWITCHYARD=$tmp/nobody
if "$SWITCHYARD" version >/dev/null 2>&1; then
	refuses "a home that nobody may read" "$tmp/p/config/config.toml: Permission denied: it must be readable" node --home "$tmp/p" $at
	refuses "a key that another owns" "$tmp/q/config/node_key.json: Permission denied: it must be readable" node --home "$tmp/q" $at
else
	echo "ok - a home that nobody may read # SKIP no other user can be had here"
fi
SWITCHYARD=$whole
chmod 755 "$tmp/p"

run_node a
say $? "a node"
refuses "its port is taken" "cannot listen on 127.0.0.1:${addr##*:}: address is in use: end who has it, or name another port" \
	node --home "$tmp/t" --network x --p2p.laddr "tcp://127.0.0.1:${addr##*:}"
refuses "an address of another machine" "cannot listen on 192.0.2.1:9999: this machine has no such address; p2p.laddr wants one of its own" \
	node --home "$tmp/t" --network x --p2p.laddr tcp://192.0.2.1:9999
refuses "for metrics, too" "cannot listen on 192.0.2.1:9999: this machine has no such address" node --home "$tmp/t" $at \
	--instrumentation.prometheus --instrumentation.prometheus_listen_addr 192.0.2.1:9999
refuses "its home, too" "$tmp/a/config/ is in use by another node" node --home "$tmp/a" $at
exit $bad
