#!/bin/sh
# Holds the simulator's TCP against kernel runs (data/tcp_reference.csv): every cell, both fidelities. Prints a table and, per
# congestion control, median and worst error; writes $BUILD/fidelity/: cells.csv, summary.txt, fidelity.png, index.html.
# usage: BUILD=build tests/fidelity/run.sh [BULK_RUNS [MESSAGE_RUNS]]       about half a minute on two cores
set -eu
: "${BUILD:=build}"
cd "$(dirname "$0")/../.."
out=$BUILD/fidelity
mkdir -p "$out"
python3 tests/fidelity/compare.py "$BUILD/switchyard" tests/fidelity/data/tcp_reference.csv \
	tests/fidelity/data/tcp_reference_jitter.csv "$out" "${1:-40}" "${2:-200}"
if command -v gnuplot >/dev/null; then
	gnuplot -e "dir='$out'" tests/fidelity/plot.gp && echo "picture: $out/fidelity.png"
else
	echo "no gnuplot: the picture was not drawn"
fi
