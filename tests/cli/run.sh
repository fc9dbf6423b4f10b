#!/bin/sh
# Runs: exit codes, last lines, JSON, files, sweeps, errors of scripts.
. "$(dirname "$0")/tap.sh.inc"

cat >"$tmp/good.lua" <<'LUA'
local N = param("nodes", 2, "how many", { min = 2, max = 5 })
local a = node { name = "a" }
local b = node { name = "b", p2p = { persistent_peers = { "a" } } }
start(a, b)
plot { "peers", every = "1s", function() return a:num_peers() end }
eventually { "they meet", within = "5s", function() return a:has_peer(b) end }
run_for "10s"
LUA
sed 's/"they meet", within = "5s", function() return a:has_peer(b) end/"they part", within = "5s", function() return a:num_peers() > 9 end/' \
	"$tmp/good.lua" >"$tmp/bad.lua"

tells "a run that holds" 0 "held" run "$tmp/good.lua" --seed 5 --out "$tmp/o"
tail -3 "$tmp/out" >"$tmp/tail"
sed -n 1p "$tmp/tail" | grep -qx 'seed 5' && sed -n 2p "$tmp/tail" | grep -qxE 'hash [0-9a-f]{16}' &&
	sed -n 3p "$tmp/tail" | grep -qxF "repeat with: $SWITCHYARD run $tmp/good.lua --seed 5"
say $? "ends with seed, hash and the command that repeats it"
tail -4 "$tmp/out" | head -1 | grep -q 'held .*they meet'
say $? "before them the checks with their verdicts"
! grep -q "$(printf '\033')" "$tmp/out" && ! grep -q "$(printf '\r')" "$tmp/err"
say $? "no colours and no progress in a file"
[ -s "$tmp/o/summary.json" ] && head -1 "$tmp/o/metrics.csv" | grep -qx 'time_s,node,peer,channel,metric,value'
say $? "summary.json and metrics.csv"
[ -s "$tmp/o/peers.gp" ] && [ -s "$tmp/o/peers.dat" ]
say $? "the plot's script and data"
if command -v gnuplot >/dev/null; then
	[ -s "$tmp/o/peers.png" ] && [ -s "$tmp/o/peers.svg" ]
	say $? "the plot as PNG and SVG"
fi
sh -c "$(sed -n 's/^repeat with: //p' "$tmp/out") --out '$tmp/o2'" >"$tmp/again" 2>&1
[ "$(grep '^hash' "$tmp/again")" = "$(grep '^hash' "$tmp/out")" ]
say $? "the command repeats the run"
tells "a run that fails" 1 "FAILED" run "$tmp/bad.lua" --out "$tmp/o"
tells "a parameter" 0 "held" run "$tmp/good.lua" -p nodes=3 --out "$tmp/o"
grep -qF -- "-p nodes=3" "$tmp/out"
say $? "the repeat command has the parameter"

call run "$tmp/good.lua" --json --out "$tmp/o"
[ $code = 0 ] && [ "$(wc -l <"$tmp/out")" = 1 ]
say $? "--json: one line"
for key in verdict seed hash virtual_s wall_s events checks out profile transport; do
	grep -q "\"$key\": " "$tmp/out"
	say $? "--json: $key"
done
grep -q '"seed": "1"' "$tmp/out"
say $? "--json: the seed is a string"
call run "$tmp/bad.lua" --json --out "$tmp/o"
[ $code = 1 ] && grep -q '"verdict": "failed"' "$tmp/out"
say $? "--json: a failed check"
call run "$tmp/nothing.lua" --json --out "$tmp/o"
[ $code = 2 ] && grep -q '"verdict": "error"' "$tmp/out" && grep -q 'nothing.lua' "$tmp/err"
say $? "--json: a missing file is an object, too"

call run "$tmp/good.lua" --seeds 1..4 -j 2 --out "$tmp/sweep"
[ $code = 0 ] && tail -1 "$tmp/out" | grep -q '^4 seeds: 4 held, 0 failed, 0 errors' && [ -s "$tmp/sweep/good-3/summary.json" ]
say $? "a sweep that holds"
call run "$tmp/bad.lua" --seeds 1..3 -j 2 --out "$tmp/sweep"
[ $code = 1 ] && [ "$(grep -cE "^ +$SWITCHYARD run $tmp/bad.lua --seed [123]\$" "$tmp/out")" = 3 ]
say $? "a sweep that fails lists each seed with its command"
call run "$tmp/good.lua" --seeds 1..3 -j 3 --json --out "$tmp/sweep"
[ $code = 0 ] && [ "$(wc -l <"$tmp/out")" = 4 ] && [ "$(sed -n 's/.*"seed": "\([0-9]*\)".*/\1/p' "$tmp/out" | tr -d '\n')" = 123 ] &&
	tail -1 "$tmp/out" | grep -q '"held": 3'
say $? "a sweep with --json: an object a line in the order of the seeds, then the counts"

refuses "a missing file" "nothing.lua" run "$tmp/nothing.lua" --out "$tmp/o"
refuses "a directory" "$tmp" run "$tmp" --out "$tmp/o"
refuses "an unknown parameter" "nodez" run "$tmp/good.lua" -p nodez=3 --out "$tmp/o"
refuses "a parameter out of bounds" "nodes" run "$tmp/good.lua" -p nodes=99 --out "$tmp/o"
refuses "a sweep of a broken script says it once" "nothing.lua" run "$tmp/nothing.lua" --seeds 1..9 --out "$tmp/o"
echo 'node { name = "a" ' >"$tmp/syntax.lua"
refuses "a syntax error has file and line" "syntax.lua:" run "$tmp/syntax.lua" --out "$tmp/o"
printf '\nnetwork { latency = "20Mbit" }\n' >"$tmp/unit.lua"
refuses "a wrong unit has file and line" "unit.lua:2:" run "$tmp/unit.lua" --out "$tmp/o"
printf 'network { latencyy = "20ms" }\n' >"$tmp/key.lua"
refuses "an unknown key names the nearest" "latency" run "$tmp/key.lua" --out "$tmp/o"
printf 'network { loss = "1%%" }\nnode { name = "a" }\nrun_for "1s"\n' >"$tmp/loss.lua"
refuses "loss over real TCP" "loss" run "$tmp/loss.lua" --transport tcp --out "$tmp/o"

echo x >"$tmp/file"
call run "$tmp/good.lua" --out "$tmp/file/below"
[ $code = 2 ] && grep -q 'Not a directory' "$tmp/err"
say $? "an --out that cannot be made"
mkdir "$tmp/full" && ln -s /dev/full "$tmp/full/metrics.csv"
call run "$tmp/good.lua" --out "$tmp/full"
[ $code = 2 ] && grep -q 'metrics.csv: No space left on device' "$tmp/err"
say $? "a full disk"
mkdir "$tmp/here"
(cd "$tmp/here" && call run ../good.lua --seed 8 && [ -s out/good-8/summary.json ])
say $? "results go to out/NAME-SEED by default"
PATH=$tmp "$SWITCHYARD" run "$tmp/good.lua" --out "$tmp/o3" >"$tmp/out" 2>"$tmp/err"
[ $? = 0 ] && grep -q 'gnuplot is not installed' "$tmp/out"
say $? "without gnuplot the run is as good, and says so"
exit $bad
