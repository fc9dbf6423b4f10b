"""Runs a scenario over many seeds and reads what it measured."""
import csv
import shutil
import subprocess
import sys
from pathlib import Path


def simulate(binary, script, out, seeds, options, parameters, may_fail=False):
    """Rows of all metrics.csv of seeds 1 to so many, as dicts, seed after seed; `out` is emptied before. Failing checks end the program
    unless they are what is measured (may_fail)."""
    shutil.rmtree(out, ignore_errors=True)
    command = [binary, "run", script, *options, "--crypto", "null", "--seeds", f"1..{seeds}", "--out", str(out), "--quiet"]
    for name, value in parameters.items():
        command += ["-p", f"{name}={value}"]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0 and not (may_fail and done.returncode == 1):
        sys.exit(f"{' '.join(command)}\n{done.stdout}{done.stderr}")
    for path in sorted(Path(out).glob("*/metrics.csv")):
        with open(path, newline="") as f:
            yield from csv.DictReader(f)
    shutil.rmtree(out, ignore_errors=True)
