#!/bin/sh
# The library's examples: they are what docs/LIBRARY.md shows, and they do what it says. Prints TAP.
. "$(dirname "$0")/tap.sh.inc"
. "$(dirname "$0")/procs.sh.inc"
examples=$(dirname "$SWITCHYARD")/examples

# shown FILE: docs/LIBRARY.md has it word for word in one of its blocks
shown() {
	awk -v want="$1" 'BEGIN { while ((getline line < want) > 0) text = text line "\n" }
		/^```/ { if (in_block && block == text) found = 1; in_block = !in_block; block = ""; next }
		in_block { block = block $0 "\n" }
		END { exit !found }' docs/LIBRARY.md
}
for f in hello.c chat.proto chat.c; do
	shown "docs/examples/$f"
	say $? "docs/LIBRARY.md shows $f as it is"
done
[ "$(wc -l <docs/examples/hello.c)" -lt 30 ]
say $? "hello.c has $(wc -l <docs/examples/hello.c) lines, under thirty"

spawn alice "$examples/hello" --home "$tmp/alice" --listen tcp://127.0.0.1:0 --moniker alice --local
alice=$pid
within 15 listens alice
say $? "hello prints its address once it listens"
spawn bob "$examples/hello" --home "$tmp/bob" --listen tcp://127.0.0.1:0 --moniker bob --local --seed "$(address alice)"
bob=$pid
within 15 grep -qx "bob says: hello" "$tmp/alice.out"
say $? "a peer that dials says hello"
spawn carol "$examples/hello" --home "$tmp/carol" --listen tcp://127.0.0.1:0 --moniker carol --local --seed "$(address alice)"
carol=$pid
within 60 grep -qx "carol says: hello" "$tmp/bob.out"
say $? "PEX tells it of the other one, which hears hello too"
[ "$(stat -c %a "$tmp/bob/config/node_key.json")" = 600 ]
say $? "the home has its key"
ends "$bob" && ends "$carol" INT && ends "$alice"
say $? "SIGTERM and SIGINT end them in good order"
id=$(address bob | sed 's/@.*//')
grep -q "$id" "$tmp/alice/config/addrbook.json"
say $? "and the book is kept"
spawn again "$examples/hello" --home "$tmp/bob" --listen tcp://127.0.0.1:0 --local
within 15 listens again && [ "$(address again | sed 's/@.*//')" = "$(address bob | sed 's/@.*//')" ]
say $? "a second start is the same node"
ends "$pid"

"$examples/hello" --help >"$tmp/out" 2>"$tmp/err" && grep -q -- '--seed ID@HOST:PORT' "$tmp/out"
say $? "--help tells the arguments"
"$examples/hello" --homer x >"$tmp/out" 2>"$tmp/err"
[ $? = 2 ] && [ ! -s "$tmp/out" ]
say $? "a wrong argument: 2"
"$examples/hello" --listen tcp://198.51.100.1:1 >"$tmp/out" 2>"$tmp/err"
[ $? = 1 ] && [ "$(wc -l <"$tmp/err")" = 1 ] && grep -q 'tcp://198.51.100.1:1: ' "$tmp/err"
say $? "an address that is not ours: 1, and one line"
"$examples/hello" --listen tcp://127.0.0.1 >"$tmp/out" 2>"$tmp/err"
[ $? = 1 ] && grep -q 'listen: "tcp://127.0.0.1" is no tcp://HOST:PORT' "$tmp/err"
say $? "a listen address without a port"
mkdir -p "$tmp/broken/config" && echo '{' >"$tmp/broken/config/addrbook.json"
"$examples/hello" --home "$tmp/broken" --listen tcp://127.0.0.1:0 >"$tmp/out" 2>"$tmp/err"
[ $? = 1 ] && grep -q 'addrbook.json' "$tmp/err"
say $? "a broken address book is told and left alone"

# two terminals: pipes that stay open as long as descriptors 3 and 4 do
mkfifo "$tmp/keys1" "$tmp/keys2"
"$examples/chat" --listen tcp://127.0.0.1:0 --local <"$tmp/keys1" >"$tmp/chat1.out" 2>"$tmp/chat1.err" &
chat1=$!
exec 3>"$tmp/keys1"
pids="$pids $chat1"
within 15 listens chat1
"$examples/chat" --listen tcp://127.0.0.1:0 --local --peer "$(address chat1)" <"$tmp/keys2" >"$tmp/chat2.out" 2>"$tmp/chat2.err" &
chat2=$!
exec 4>"$tmp/keys2"
pids="$pids $chat2"
within 15 grep -qx '\* somebody is here' "$tmp/chat1.out" && within 15 grep -qx '\* somebody is here' "$tmp/chat2.out"
say $? "chat: both say who they are, in a typed message"
echo "/nick eve" >&4
within 15 grep -qx '\* eve is here' "$tmp/chat1.out"
say $? "a new name reaches the other one"
printf 'good \033[31m evening\n' >&4
within 15 grep -qx 'eve: good .\[31m evening' "$tmp/chat1.out"
say $? "a line arrives on the other channel, without its control characters"
echo "good night" >&3
within 15 grep -qx 'somebody: good night' "$tmp/chat2.out"
say $? "and one goes back"
echo "/quit" >&4
within 15 gone "$chat2" && wait "$chat2"
say $? "/quit ends it in good order"
within 15 grep -qx '\* eve is gone: .*' "$tmp/chat1.out"
say $? "and the other one sees it go"
ends "$chat1"
say $? "SIGTERM ends the other one"
exec 3>&- 4>&-
exit $bad
