#!/bin/sh
# What the command line refuses, and how: one line that names the thing, exit 2.
. "$(dirname "$0")/tap.sh.inc"

call
[ $code = 2 ] && grep -q 'usage: switchyard' "$tmp/err"
say $? "without a command: usage, exit 2"
tells "help" 0 "usage: switchyard COMMAND" help
tells "--help" 0 "usage: switchyard COMMAND" --help
tells "help run" 0 "--seeds A..B" help run
tells "run --help" 0 "--seeds A..B" run --help
tells "run -h beside other words" 0 "--seeds A..B" run x.lua -h
tells "help node has every key of [p2p]" 0 "--p2p.persistent_peers_max_dial_period" help node
refuses "help on nothing" 'no help on "nothing"' help nothing
tells "version" 0 "switchyard 0." version
tells "--version" 0 "libraries: libsodium" --version
tells "version --json" 0 '"libraries"' version --json
refuses "unknown command names the nearest" 'did you mean "run"?' rnu
refuses "unknown command" 'unknown command "frobnicate"' frobnicate
refuses "unknown option names the nearest" "unknown option --sede; did you mean --seed?" run x.lua --sede 3
refuses "missing value" "--seed needs a value" run x.lua --seed
refuses "missing file name" "the command is: run FILE" run
refuses "too many words" 'what is "b.lua"?' run a.lua b.lua
refuses "a seed that is no number" '--seed wants a whole number, not "-1"' run x.lua --seed -1
refuses "an unknown profile" "--profile wants default|upstream|upstream-v0.38" run x.lua --profile tendermint
refuses "a time with a wrong unit" '--until wants a time such as 90s, 10m or 1h30m, not "3parsecs"' run x.lua --until 3parsecs
refuses "a range backwards" "--seeds wants a range A..B" run x.lua --seeds 9..3
refuses "a parameter without =" "-p wants KEY=VALUE" run x.lua -p nodes
refuses "null crypto over tcp" "--crypto null cannot be used over real sockets" run x.lua --transport tcp --crypto null
refuses "a TCP model that is not there" "segment" run x.lua --tcp vegas
refuses "no processes" "-j wants at least 1" run x.lua --seeds 1..2 -j 0
refuses "too many seeds" "at most 1000000 seeds" run x.lua --seeds 0..18446744073709551615
"$SWITCHYARD" help >/dev/full 2>"$tmp/err"
[ $? = 2 ] && grep -q 'cannot write to standard output' "$tmp/err"
say $? "a full disk behind standard output is told"
exit $bad
