"""Holds networks of simulated nodes in CometBFT's profiles against networks of real CometBFT nodes, cell by cell.

usage: pex.py SWITCHYARD REFERENCE.csv OUT [SEEDS]
Prints a table; writes OUT/pex.csv and OUT/pex_*.dat (curves, for pex.gp). Exit code 1 when a cell misses its target.
"""
import csv
import statistics
import sys
from collections import defaultdict
from pathlib import Path

import runs

PROFILE = {"v0.38.26": "upstream-v0.38", "v0.40.0": "upstream"}
SCRIPT = "scenarios/reference/pex.lua"
OFFSET = 1  # the scenario's nodes start in the seconds after this one
CURVES = ("outbound", "book", "requests_sent")
CHECKED = (12, 30, 60, 120, 200)  # seconds at which the curves must agree
SDS, PART = 3, 0.03  # within the greater of three standard deviations and 3 % of the real mean


def read_reference(path):
    """{cell: {(metric, t): [a value a run]}}; the mean over nodes, medians of the delay."""
    cells = defaultdict(lambda: defaultdict(list))
    with open(path, newline="") as f:
        for row in csv.DictReader(f):
            cell = (row["version"], row["n"], row["k"], row["seed_mode"], row["window_s"])
            if row["metric"] == "node_start":
                continue
            t = float(row["t_s"])
            cells[cell][row["metric"], t].append(float(row["mean"]))
            if row["metric"] == "delay_first_peer":
                cells[cell]["first_peer p50", t].append(float(row["p50"]))
    return cells


def simulate(binary, cell, seeds, out):
    """{(metric, t): [a value a seed]} of the same set-up."""
    version, n, k, seed_mode, window = cell
    parameters = {"nodes": n, "outbound": k, "seed_mode": seed_mode, "window": window}
    got = defaultdict(list)
    # a check of a lonely node may fail: that is what is measured
    for row in runs.simulate(binary, SCRIPT, out, seeds, ["--profile", PROFILE[version]], parameters, may_fail=True):
        got[row["metric"].removesuffix(" mean"), float(row["time_s"]) - OFFSET].append(float(row["value"]))
    return got


def at(values, metric, t):
    return values.get((metric, float(t)), [])


def judge(ours, theirs):
    mean, sd = statistics.mean(theirs), statistics.stdev(theirs) if len(theirs) > 1 else 0.0
    allowed = max(SDS * sd, PART * abs(mean))
    return mean, sd, statistics.mean(ours), abs(statistics.mean(ours) - mean) <= allowed


def banned(n, values):
    """Who is not in the seed's book at the end: the bans behind a seed that is not in seed mode."""
    return [int(n) - v for v in values]


def rows_of(cell, real, sim):
    for metric in CURVES:
        for t in CHECKED:
            if at(real, metric, t) and at(sim, metric, t):
                yield metric, t, *judge(at(sim, metric, t), at(real, metric, t))
    if cell[3] == "false":
        yield "banned by the seed", 200, *judge(at(sim, "seed_banned", 200), banned(cell[1], at(real, "seed_book", 200)))


def write_curves(out, name, real, sim):
    times = sorted({t for metric, t in real if metric == "outbound"})
    with open(out / f"pex_{name}.dat", "w") as f:
        f.write("# t_s" + "".join(f" {c}_real {c}_sd {c}_sim" for c in CURVES) + "\n")
        for t in times:
            f.write(f"{t:g}")
            for c in CURVES:
                a, b = at(real, c, t), at(sim, c, t)
                mean = f"{statistics.mean(a):.4f} {statistics.stdev(a) if len(a) > 1 else 0:.4f}" if a else "nan nan"
                f.write(f" {mean} {statistics.mean(b):.4f}" if b else f" {mean} nan")
            f.write("\n")


def main():
    binary, reference, out = sys.argv[1], sys.argv[2], Path(sys.argv[3])
    seeds = int(sys.argv[4]) if len(sys.argv) > 4 else 100
    missed = total = 0
    table = [("version", "nodes", "k", "seed_mode", "metric", "t_s", "real", "sd", "sim", "held")]
    print(f"networks by PEX: real mean (sd of runs) against the mean of {seeds} seeds; allowed: {SDS} sd or {PART:.0%}")
    for cell, real in sorted(read_reference(reference).items()):
        sim = simulate(binary, cell, seeds, out / "pex_runs")
        title = f"{cell[0]} N={cell[1]} seed_mode={cell[3]}"
        print(f"\n{title:34s} {'t':>4s} {'real':>9s} {'sd':>7s} {'sim':>9s}")
        for metric, t, mean, sd, ours, held in rows_of(cell, real, sim):
            total, missed = total + 1, missed + (not held)
            print(f"  {metric:32s} {t:4d} {mean:9.2f} {sd:7.2f} {ours:9.2f}  {'' if held else 'MISSED'}")
            table.append((*cell[:4], metric, t, f"{mean:.4f}", f"{sd:.4f}", f"{ours:.4f}", held))
        first = at(real, "first_peer p50", 200)
        print(f"  {'first peer, median (s), told only':32s} {'':4s} {statistics.mean(first):9.3f} {statistics.stdev(first):7.3f} "
              f"{statistics.median(at(sim, 'first_peer p50', 200)):9.3f}")
        write_curves(out, title.replace(" ", "_").replace("=", ""), real, sim)
    with open(out / "pex.csv", "w", newline="") as f:
        csv.writer(f).writerows(table)
    print(f"\nPEX: {total - missed} of {total} figures within the target")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
