"""Runs every cell of the reference through `switchyard link`, prints the errors and writes them as CSV and HTML.

Behind each error stands the interval that it lies in by chance (95 %: Welch's for means; for a percentile, what batches of ours as small
as the reference show). Where it does not hold 0, the difference is beyond chance: some of it is real, however small.
"""
import csv
import json
import statistics
import subprocess
import sys
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from stats import batches, percentile, welch

BULK = ("bulk_goodput_0_30s", "bulk_goodput_10_30s", "bulk_retransmits_0_30s")
BYTES = {"msg_100000_delivery": 100000, "msg_1000000_delivery": 1000000}
BATCH = 20  # runs of a cell in the reference: a percentile of so few is compared with percentiles of as many
# Most that the median and the worst cell may be off, per fidelity: reno and cubic, bbr, messages at p50 and p95.
TARGET = {"segment": {"goodput": (5, 15), "bbr": (10, 25), "p50": 10, "p95": 20},
          "flow": {"goodput": (10, 25), "bbr": (10, 25), "p50": 10, "p95": 25}}


def read_reference(path):
    cells = defaultdict(list)
    with open(path, newline="") as f:
        for row in csv.DictReader(f):
            key = (row["cc"], row["rtt_ms"], row["loss"], row["rate_mbit"])
            cells[key, row["kind"]].append(float(row["value"]))
    return cells


def link(binary, key, tcp, runs, extra):
    cc, rtt, loss, rate = key
    command = [binary, "link", "--cc", cc, "--rtt", rtt + "ms", "--rate", rate + "Mbit", "--loss", loss, "--tcp", tcp,
               "--runs", str(runs), "--json", *extra]
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def batched(values, part, size):
    """The median over batches as large as the reference's: the same estimator, with less noise."""
    groups = [values[i:i + size] for i in range(0, len(values) - size + 1, size)] or [values]
    return statistics.median(percentile(g, part) for g in groups)


def percent(ours, theirs):
    return 100 * (ours / theirs - 1) if theirs else 0.0


def mean_row(kind, ours, theirs):
    """(kind, what, ours, theirs, error, and between which bounds it lies by chance: in per cent)."""
    a, b, half = statistics.mean(ours), statistics.mean(theirs), welch(ours, theirs)
    return kind, "mean", a, b, percent(a, b), percent(a - half, b), percent(a + half, b)


def percentile_rows(kind, ours, theirs):
    """A percentile of a few kernel runs is held against those of as many runs of ours."""
    for name, part in (("p50", 0.5), ("p95", 0.95)):
        a, b = batched(ours, part, len(theirs)), percentile(theirs, part)
        low, high = batches(ours, part, len(theirs))
        yield kind, name, a, b, percent(a, b), percent(low, b), percent(high, b)


def by_chance(row):
    """Whether chance alone explains the row's error."""
    return row[10] <= 0 <= row[11]


def compare_cell(job):
    binary, cells, key, tcp, bulk_runs, message_runs = job
    lossy = float(key[2]) > 0
    rows = []
    bulk = link(binary, key, tcp, bulk_runs if lossy else 3, ["--seconds", "30"])
    for kind, name in zip(BULK, ("goodput_mbit_0_30", "goodput_mbit_10_30", "retransmits")):
        if (key, kind) in cells:
            rows.append(mean_row(kind, bulk[name], cells[key, kind]))
    for kind, size in BYTES.items():
        if (key, kind) not in cells:
            continue
        reference = cells[key, kind]
        times = [600 if t is None else t for t in link(binary, key, tcp, message_runs if lossy else 3, ["--bytes", str(size)])["delivery_s"]]
        rows.append(mean_row(kind, times, reference))
        rows.extend(percentile_rows(kind, times, reference))
    return [(tcp, *key, *row) for row in rows]


def compare_jitter(binary, path, runs):
    """Delay that varies by up to 5 ms, in order and not: the segment model only, for a round has no order of packets."""
    rows = []
    for (key, kind), reference in sorted(read_reference(path).items()):
        extra = ["--seconds", "30", "--jitter", "5ms"] + (["--reorder"] if kind.endswith("_reorder") else [])
        rows.append(("segment", *key, *mean_row(kind, link(binary, key, "segment", runs, extra)["goodput_mbit_0_30"], reference)))
    return rows


def shown(kind, what):
    return kind.replace("bulk_", "").replace("_delivery", "").replace("_s", "") + ("" if what == "mean" and "msg" not in kind else " " + what)


def print_cells(rows, to):
    by_cell = defaultdict(list)
    for r in rows:
        by_cell[r[:5]].append(r)
    for cell in sorted(by_cell, key=lambda c: (c[0], c[1], float(c[2]), float(c[3]), float(c[4]))):
        tcp, cc, rtt, loss, rate = cell
        print(f"{tcp:7} {cc:5} {rtt:>3} ms {100 * float(loss):4.1f} % {rate:>3} Mbit/s", file=to)
        for r in by_cell[cell]:
            chance = "" if by_chance(r) else "   beyond chance"
            print(f"    {shown(r[5], r[6]):28} {r[7]:11.4f}  kernel {r[8]:11.4f}  {r[9]:+7.1f} %  ({r[10]:+.1f} to {r[11]:+.1f} %){chance}", file=to)


def bounds(tcp, cc, what):
    """Most that the median and the worst cell may be off, and how it is told; None: no bound."""
    target = TARGET[tcp]
    if "goodput" in what:
        most = target["bbr" if cc == "bbr" else "goodput"]
        return *most, f"{most[0]} / {most[1]} %"
    if "mean" in what:  # a mean of twenty deliveries is made by whether one of them lost its SYN
        return None, None, "told only"
    most = target["p95" if "p95" in what else "p50"]
    return most, None, f"{most} % median"


def verdict(group, median, worst):
    """"": held. A cell over the bound for the worst that chance explains is told and does not count as missed."""
    errors = [abs(r[9]) for r in group]
    over = [r for r in group if worst is not None and abs(r[9]) > worst]
    if (median is not None and statistics.median(errors) > median) or not all(by_chance(r) for r in over):
        return "MISSED"
    return f"{len(over)} over, by chance" if over else ""


def summarise(rows, to):
    """Prints medians and worst cells; how many missed their target."""
    groups, missed = defaultdict(list), 0
    for r in rows:
        if "retransmits" not in r[5]:
            groups[r[0], r[1], shown(r[5], r[6])].append(r)
    print(f"\n{'model':8} {'cc':6} {'what':34} {'median':>8} {'worst':>8}  {'beyond chance':>13}   target", file=to)
    for (tcp, cc, what), group in sorted(groups.items()):
        median, worst, text = bounds(tcp, cc, what)
        errors, found = [abs(r[9]) for r in group], verdict(group, median, worst)
        beyond = sum(not by_chance(r) for r in group)
        missed += found == "MISSED"
        print(f"{tcp:8} {cc:6} {what:34} {statistics.median(errors):6.1f} % {max(errors):6.1f} %  {beyond:4d} of {len(group):3d}     {text:14} {found}",
              file=to)
    return missed


def write_csv(rows, path):
    with open(path, "w", newline="") as f:
        out = csv.writer(f, lineterminator="\n")
        out.writerow(["tcp", "cc", "rtt_ms", "loss", "rate_mbit", "kind", "what", "simulated", "kernel", "error_percent", "low_percent", "high_percent"])
        out.writerows([*r[:7], f"{r[7]:.6g}", f"{r[8]:.6g}", *(f"{x:.3f}" for x in r[9:12])] for r in rows)


def colour(error):
    level = min(abs(error) / 25, 1)
    return f"rgb({int(255 * min(1, 2 * level))},{int(220 * min(1, 2 - 2 * level))},90)"


def write_html(rows, path):
    kinds = sorted({(r[5], r[6]) for r in rows if "retransmits" not in r[5] and not ("msg" in r[5] and r[6] == "mean")})
    table = defaultdict(dict)
    for r in rows:
        table[r[:5]][r[5], r[6]] = r
    with open(path, "w") as f:
        f.write("<!doctype html><meta charset=utf-8><title>TCP against the kernel</title><style>body{font:14px sans-serif}"
                "td,th{padding:2px 8px;text-align:right}</style><h1>Simulated TCP against Linux</h1><p>Errors in per cent; "
                "* is beyond chance; hover for the values and the interval.</p><img src=fidelity.png alt=''><table><tr><th>model<th>cc<th>RTT, ms<th>loss<th>Mbit/s")
        f.write("".join(f"<th>{shown(*k)}" for k in kinds) + "</tr>\n")
        for cell in sorted(table, key=lambda c: (c[0], c[1], float(c[2]), float(c[3]), float(c[4]))):
            f.write("<tr>" + "".join(f"<td>{c}" for c in cell))
            for k in kinds:
                r = table[cell].get(k)
                f.write("<td>" if r is None else f"<td style='background:{colour(r[9])}' "
                        f"title='{r[7]:.4f} / {r[8]:.4f}, {r[10]:+.1f} to {r[11]:+.1f} %'>{r[9]:+.1f}{'' if by_chance(r) else '*'}")
            f.write("</tr>\n")
        f.write("</table>\n")


def write_plot_data(rows, directory):
    for tcp in ("segment", "flow"):
        for cc in ("reno", "cubic", "bbr"):
            with open(directory / f"plot-{tcp}-{cc}.dat", "w") as f:
                f.writelines(f"{r[8]:.6g} {r[7]:.6g}\n" for r in rows if r[0] == tcp and r[1] == cc and r[5] == "bulk_goodput_0_30s")
                f.write("\n\n")
                f.writelines(f"{r[8]:.6g} {r[7]:.6g}\n" for r in rows if r[0] == tcp and r[1] == cc and "msg" in r[5] and r[6] == "p50")


def main():
    binary, reference, jitter, directory, bulk_runs, message_runs = sys.argv[1:7]
    directory = Path(directory)
    cells = read_reference(reference)
    keys = sorted({k for k, _ in cells})
    jobs = [(binary, cells, key, tcp, int(bulk_runs), int(message_runs)) for tcp in ("segment", "flow") for key in keys]
    with ThreadPoolExecutor(2) as pool:
        rows = [row for cell in pool.map(compare_cell, jobs) for row in cell]
    rows += compare_jitter(binary, jitter, int(bulk_runs))
    print_cells(rows, sys.stdout)
    missed = summarise(rows, sys.stdout)
    with open(directory / "summary.txt", "w") as f:
        summarise(rows, f)
    write_csv(rows, directory / "cells.csv")
    write_html(rows, directory / "index.html")
    write_plot_data(rows, directory)
    return 1 if missed else 0


sys.exit(main())
