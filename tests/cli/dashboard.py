#!/usr/bin/env python3
"""dashboard.py METRICS DOC FILE...: every metric that a dashboard or a file of alerts names must be in METRICS (a live
node's answer) or, as series of events begin with the first one, in the table of DOC; and every label that it groups or
selects by must be one of that metric's, Prometheus' own (instance, job, le) aside."""
import json
import re
import sys

live = set(re.findall(r"^# TYPE (\S+)", open(sys.argv[1]).read(), re.M))
rows = re.findall(r"^\| `(\w+)` \| (\w+) \| ([^|]*)\|", open(sys.argv[2]).read(), re.M)
labels = {name: set(filter(None, re.split(r"[, ]+", its.strip()))) for name, _, its in rows}
kinds = {name: kind for name, kind, _ in rows}
if not live <= set(labels):
    sys.exit(f"not in {sys.argv[2]}: {sorted(live - set(labels))}")
bad, seen = [], 0


def queries(path):
    text = open(path).read()
    if path.endswith(".json"):
        board = json.loads(text)
        return [t["expr"] for p in board["panels"] for t in p["targets"]]
    return re.findall(r"^\s+expr: (.*)$", text, re.M)


for path in sys.argv[3:]:
    for query in queries(path):
        used = set(re.findall(r"\b(?:cometbft|switchyard|process)_\w+", query))
        for name in used:
            seen += 1
            base = re.sub(r"_(bucket|sum|count)$", "", name)
            family = base if kinds.get(base) == "histogram" else name
            if family not in labels:
                bad.append(f"{path}: no such metric: {name} in {query}")
                continue
            for picked in re.findall(re.escape(name) + r"\{([^}]*)\}", query):
                for label in re.findall(r"(\w+)\s*[=!]~?=?", re.sub(r'"[^"]*"', '""', picked)):
                    if label not in labels[family] | {"instance", "job", "le"}:
                        bad.append(f"{path}: {name} has no label {label}: {query}")
        for group in re.findall(r"\bby \(([^)]*)\)", query):
            for label in re.split(r"[, ]+", group):
                if label not in {"instance", "job", "le"} and not any(label in labels.get(re.sub(r"_bucket$", "", u), ()) for u in used):
                    bad.append(f"{path}: nothing has the label {label}: {query}")
if seen < 20:
    bad.append("too few queries were found")
print("\n".join(bad), file=sys.stderr)
sys.exit(1 if bad else 0)
