#!/bin/sh
# Holds the simulator's TCP against kernel runs (data/tcp_reference.csv): every cell, both fidelities. Prints a table and, per
# congestion control, median and worst error and what chance explains of them; writes $BUILD/fidelity/: cells.csv, summary.txt, fidelity.png, index.html.
# Then nodes in CometBFT's profiles against real CometBFT nodes: networks (data/pex_reference.csv: pex.csv, pex.png) and the channels
# of one connection (data/channel_reference.csv: channels.csv, channels.png).
# usage: BUILD=build tests/fidelity/run.sh [tcp|pex|channels]...      about three minutes on two cores
# RUNS, MESSAGES, SEEDS, CHANNEL_SEEDS: how many of each
set -eu
: "${BUILD:=build}"
cd "$(dirname "$0")/../.."
out=$BUILD/fidelity
mkdir -p "$out"
plot() {
	if command -v gnuplot >/dev/null; then
		gnuplot -e "dir='$out'" "tests/fidelity/$1.gp" && echo "picture: $out/$2.png"
	else
		echo "no gnuplot: $out/$2.png was not drawn"
	fi
}
tcp() {
	python3 tests/fidelity/compare.py "$BUILD/switchyard" tests/fidelity/data/tcp_reference.csv \
		tests/fidelity/data/tcp_reference_jitter.csv "$out" "${RUNS:-40}" "${MESSAGES:-200}" || bad=1
	plot plot fidelity
}
pex() {
	python3 tests/fidelity/pex.py "$BUILD/switchyard" tests/fidelity/data/pex_reference.csv "$out" "${SEEDS:-100}" || bad=1
	plot pex pex
}
channels() {
	python3 tests/fidelity/channels.py "$BUILD/switchyard" tests/fidelity/data/channel_reference.csv "$out" "${CHANNEL_SEEDS:-3}" || bad=1
	plot channels channels
}
bad=0
[ $# = 0 ] && set -- tcp pex channels
for part in "$@"; do
	case $part in
	tcp | pex | channels) "$part" ;;
	*) echo "unknown part $part; there are tcp, pex and channels" >&2 && exit 2 ;;
	esac
done
exit $bad
