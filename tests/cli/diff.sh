#!/bin/sh
# Records of runs, diff, --check-determinism. That mistakes are found: tests/planted/nondeterminism.sh.
. "$(dirname "$0")/tap.sh.inc"
f=scenarios/faults/partition.lua

call run $f --seed 3 --quiet --json --out "$tmp/o"
plain=$(sed -n 's/.*"hash": *"\([0-9a-f]*\)".*/\1/p' "$tmp/out")
for file in a b; do call run $f --seed 3 --quiet --json --record "$tmp/$file" --out "$tmp/o"; done
grep -qF "\"hash\": \"$plain\"" "$tmp/out"
say $? "a recorded run has the hash of one that is not"
tells "two records of a run are alike" 0 "hash $plain" diff "$tmp/a" "$tmp/b"
cmp -s "$tmp/a" "$tmp/b"
say $? "byte by byte"
tells "as JSON" 0 '"alike": true' diff "$tmp/a" "$tmp/b" --json

# Another message in the middle of the run: the place is found.
cat >"$tmp/net.lua" <<'LUA'
local x = param("x", "one", "sent at the fifth second")
local Echo = reactor { name = "echo", channels = { { id = 0x70 } } }
local a = node { name = "a", reactors = { Echo } }
local b = node { name = "b", reactors = { Echo }, p2p = { persistent_peers = { "a" } } }
start(a, b)
at("5s", function() a:broadcast(0x70, x) end)
eventually { "they meet", within = "5s", function() return a:has_peer(b) end }
run_for "10s"
LUA
call run "$tmp/net.lua" --record "$tmp/a" --out "$tmp/o"
call run "$tmp/net.lua" -p x=two --record "$tmp/b" --out "$tmp/o"
tells "another message: time, node and kind" 1 "at 5.000000000 s, a: inputs or outputs of the node" diff "$tmp/a" "$tmp/b"
grep -q 'the event before: 5.000000000 s, script: event: script' "$tmp/out"
say $? "and the event that it happened in"
grep -q -- '-p x=two' "$tmp/out"
say $? "and that the runs are not meant to be the same"
tells "as JSON, too" 1 '"at_ns": 5000000000, "who": "a", "kind": "inputs or outputs of the node"' diff "$tmp/a" "$tmp/b" --json

refuses "a file that is no record" "is no record of a run" diff "$tmp/a" "$tmp/net.lua"
refuses "a missing file" "No such file" diff "$tmp/a" "$tmp/nothing"
head -c 3000 "$tmp/a" >"$tmp/cut"
refuses "a record that is cut off" "/cut is no record of a run, or is damaged" diff "$tmp/a" "$tmp/cut"
refuses "a record where no file can be" "No such file" run "$tmp/net.lua" --record "$tmp/no/where"
refuses "a record of a sweep" "look at one seed" run "$tmp/net.lua" --seeds 1..2 --record "$tmp/a"
refuses "a record of a real run" "real ones never repeat" run "$tmp/net.lua" --transport tcp --record "$tmp/a"
call run "$tmp/net.lua" --record /dev/full --out "$tmp/o"
[ $code = 2 ] && grep -q '/dev/full: the record cannot be written' "$tmp/err"
say $? "a record on a full disk"

tells "--check-determinism" 0 "deterministic: alike: " run $f --check-determinism --out "$tmp/o"
grep -q '^hash ' "$tmp/out" && [ -s "$tmp/o/summary.json" ]
say $? "is a run like others besides"
call run "$tmp/net.lua" --check-determinism --json --out "$tmp/o"
[ $code = 0 ] && [ "$(wc -l <"$tmp/out")" = 1 ] && grep -q 'deterministic: alike' "$tmp/err"
say $? "with --json the object stands alone"
call run "$tmp/nothing.lua" --check-determinism
[ $code = 2 ] && grep -q 'nothing.lua' "$tmp/err"
say $? "a script that cannot be read is told as ever"
exit $bad
