#!/bin/sh
# shrink and --plan: from a run that fails to the few faults that it fails by. And the command line's --buggify.
. "$(dirname "$0")/tap.sh.inc"

cat >"$tmp/fails.lua" <<'LUA'
network { latency = "20ms" }
local seed = node { name = "seed", p2p = { seed_mode = true } }
local N = nodes { name = "n", count = 8, p2p = { seeds = { seed }, max_num_outbound_peers = 5 } }
seed:start() N:start { within = "5s" }
chaos { nodes = N, every = "10s", after = "30s", before = "5m", duration = { "1s", "60s" }, ops = { "reset", "link" } }
at("70s", function() isolate(N[3]) end)
at("4m", function() heal() end)
never { "n3 without peers", after = "20s", function() return N[3]:num_peers() == 0 end }
run_for "6m"
LUA
call run "$tmp/fails.lua" --crypto null --out "$tmp/o"
[ $code = 1 ] && grep -q '^faults: [0-9][0-9]' "$tmp/out" && [ -s "$tmp/o/plan.json" ]
say $? "a run fails among dozens of faults, and has its plan"
before=$(grep -c '"op"' "$tmp/o/plan.json")
tells "shrink" 0 "fails: n3 without peers" shrink "$tmp/fails.lua" --crypto null --keep "$tmp/min.json"
after=$(grep -c '"op"' "$tmp/min.json")
[ "$before" -gt 20 ] && [ "$after" = 1 ] && grep -q '"isolate"' "$tmp/min.json"
say $? "one of $before faults is left, the one that matters"
sh -c "$(sed -n 's/^repeat with: //p' "$tmp/out") --out '$tmp/o2'" >"$tmp/again" 2>&1
[ $? = 1 ] && grep -q 'FAILED .*n3 without peers' "$tmp/again" && grep -q '^faults: 1' "$tmp/again"
say $? "the command that it prints fails with this fault alone"
call run "$tmp/fails.lua" --crypto null --out "$tmp/o3" --plan "$tmp/o/plan.json"
[ $code = 1 ] && [ "$(grep -o '"hash": "[0-9a-f]*"' "$tmp/o3/summary.json")" = "$(grep -o '"hash": "[0-9a-f]*"' "$tmp/o/summary.json")" ]
say $? "the whole plan repeats the run to the bit"
grep -v '"isolate"' "$tmp/o/plan.json" >"$tmp/without.json"
tells "without that fault the run holds" 0 "held" run "$tmp/fails.lua" --crypto null --out "$tmp/o4" --plan "$tmp/without.json"

cat >"$tmp/holds.lua" <<'LUA'
local a = node { name = "a" }
local b = node { name = "b", p2p = { persistent_peers = { "a" } } }
start(a, b)
eventually { "they meet", within = "5s", function() return a:has_peer(b) end }
run_for "10s"
LUA
sed 's/within = "5s"/within = "0.01s"/' "$tmp/holds.lua" >"$tmp/never.lua"
refuses "a run that holds" "no check fails: there is nothing to shrink" shrink "$tmp/holds.lua"
refuses "a run that fails without faults" "fails without any fault" shrink "$tmp/never.lua"
refuses "a script that breaks" "the run breaks" shrink "$tmp/nothing.lua"
refuses "a plan of real connections" "only a simulated network has those" run "$tmp/holds.lua" --transport tcp --plan "$tmp/min.json"
refuses "a plan that is none" "no plan of this version" run "$tmp/holds.lua" --plan "$tmp/o/summary.json"

tells "--buggify is printed with the run" 0 'rare("a", {' run "$tmp/holds.lua" --buggify 2% --out "$tmp/o"
grep -q -- '--buggify 2%' "$tmp/out"
say $? "and part of the command that repeats it"
refuses "a rate that is none" "--buggify wants a fraction" run "$tmp/holds.lua" --buggify 200%
refuses "buggify of real connections" "--transport tcp has a real one" run "$tmp/holds.lua" --transport tcp --buggify 1%
exit $bad
