#!/usr/bin/env python3
"""Reads Prometheus' text format (0.0.4) strictly, from standard input; says on standard error what is wrong.

Checked: names, label syntax, numbers; HELP and TYPE once, before the samples; samples of a family stand together; no
series twice; counters end with _total and are not negative; histograms ascend, end with +Inf and agree with _count.
With arguments NAME..., each must be there as a family."""
import re
import sys

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
SAMPLE = re.compile(rf"^({NAME})(?:\{{(.*)\}})? (\S+)$")
LABEL = re.compile(rf'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(?:,|$)')
errors = []


def wrong(number, what):
    errors.append(f"line {number}: {what}")


def labels_of(number, text):
    found, at = {}, 0
    for m in LABEL.finditer(text or ""):
        if m.start() != at or m[1] in found:
            break
        found[m[1]], at = m[2], m.end()
    if at != len(text or ""):
        wrong(number, f"labels do not parse: {text}")
    return found


def base(name, types):
    for suffix in ("_bucket", "_sum", "_count"):
        if name.endswith(suffix) and types.get(name[: -len(suffix)]) == "histogram":
            return name[: -len(suffix)]
    return name


helps, types, series, buckets, counts, last, done = {}, {}, set(), {}, {}, None, set()
for number, line in enumerate(sys.stdin.read().split("\n")[:-1], 1):
    if m := re.match(rf"^# (HELP|TYPE) ({NAME}) (.+)$", line):
        table = helps if m[1] == "HELP" else types
        if m[2] in table:
            wrong(number, f"{m[1]} twice: {m[2]}")
        if m[1] == "TYPE" and m[3] not in ("counter", "gauge", "histogram"):
            wrong(number, f"unknown type {m[3]}")
        if m[1] == "TYPE" and m[3] == "counter" and not m[2].endswith("_total"):
            wrong(number, f"counter without _total: {m[2]}")
        table[m[2]] = m[3]
        continue
    if not (m := SAMPLE.match(line)):
        wrong(number, f"neither comment nor sample: {line}")
        continue
    name, labels, value = m[1], labels_of(number, m[2]), float(m[3])
    family = base(name, types)
    if family not in helps or family not in types:
        wrong(number, f"sample without HELP and TYPE: {name}")
    if family != last and family in done:
        wrong(number, f"samples of {family} do not stand together")
    last = family
    done.add(family)
    key = (name, tuple(sorted(labels.items())))
    if key in series:
        wrong(number, f"series twice: {line}")
    series.add(key)
    if types.get(family) != "gauge" and value < 0:
        wrong(number, f"negative: {line}")
    if name.endswith("_bucket") and family != name:
        rest = tuple(sorted((k, v) for k, v in labels.items() if k != "le"))
        buckets.setdefault((family, rest), []).append((float(labels["le"]), value))
    if name.endswith("_count") and family != name:
        counts[(family, tuple(sorted(labels.items())))] = value
for (family, rest), steps in buckets.items():
    if steps != sorted(steps) or [v for _, v in steps] != sorted(v for _, v in steps):
        errors.append(f"{family}{dict(rest)}: buckets do not ascend")
    if steps[-1][0] != float("inf") or counts.get((family, rest)) != steps[-1][1]:
        errors.append(f"{family}{dict(rest)}: no +Inf bucket, or _count is another")
errors += [f"no such family: {name}" for name in sys.argv[1:] if name not in types]
if not types:
    errors.append("nothing to read")
print("\n".join(errors), file=sys.stderr)
sys.exit(1 if errors else 0)
