"""Builds a tree with a bug in it, and runs scenarios with seeds until one fails."""
import hashlib
import json
import os
import shlex
import shutil
import signal
import subprocess
import tempfile
from dataclasses import dataclass

import bugs

BUILD = os.environ.get("BUILD", "build")
HUNT = "build/hunt"
SCENARIOS = f"{bugs.HERE}/scenarios.list"
SOURCES = ["core", "transport", "sim", "docs/examples", ".ci"]
# A run takes less than a second or two; one that takes this much CPU does not end. Memory likewise.
CPU_S, MEMORY_KIB = 60, 4 << 20
ENDED = {signal.SIGILL: "an assertion of the core (SIGILL)", signal.SIGSEGV: "SIGSEGV", signal.SIGABRT: "SIGABRT"}


class Trouble(Exception):
    """What keeps a hunt from going on."""


@dataclass
class Failure:
    seed: int
    kind: str  # check: a check of the scenario failed; crash, hang: the run was ended; error: it could not go on
    check: str
    text: str


def scenario_lines(path):
    """The lines of the list, spaces made one, comments left out."""
    with open(path or SCENARIOS, encoding="utf-8") as f:
        return [" ".join(line.split()) for line in f if line.strip() and not line.startswith("#")]


def command(binary, line, seed):
    return f"{binary} run {line} --seed {seed}"


# ------------------------------------------------------------------ building

def make(tree, build, jobs):
    cc = [f"CC={os.environ['CC']}"] if "CC" in os.environ else []
    done = subprocess.run(["make", "-C", tree, f"-j{jobs}", f"BUILD={build}", *cc, f"{build}/switchyard"],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode != 0:
        raise Trouble(f"does not build in {tree}:\n{done.stdout[-3000:]}")


def build_base():
    """The binary of the tree as it is."""
    make(".", BUILD, os.cpu_count() or 2)
    return f"{BUILD}/switchyard"


def stamp_of(bug):
    digest = hashlib.sha256()
    for path in (bug.path, f"{BUILD}/switchyard"):
        with open(path, "rb") as f:
            digest.update(f.read())
    return digest.hexdigest()


def copy_tree(tree):
    """Sources and objects with their times, so that only what the patch touches is compiled."""
    shutil.rmtree(tree, ignore_errors=True)
    os.makedirs(f"{tree}/build")
    shutil.copy2("Makefile", tree)
    for part in SOURCES:
        shutil.copytree(part, f"{tree}/{part}")
    os.makedirs(f"{tree}/tests/planted")
    shutil.copy2("tests/planted/nondeterminism.h", f"{tree}/tests/planted")
    shutil.copy2("build/.deps.mk", f"{tree}/build")
    for part in ("core", "transport", "sim"):
        shutil.copytree(f"{BUILD}/obj/{part}", f"{tree}/build/obj/{part}")
    for name in os.listdir(BUILD):
        if name.endswith(".a"):
            shutil.copy2(f"{BUILD}/{name}", f"{tree}/build")


def build(bug, jobs):
    """The binary with the bug, built unless it is there already."""
    tree = f"{HUNT}/{bug.number}"
    binary, stamp = f"{tree}/build/switchyard", f"{tree}/stamp"
    now = stamp_of(bug)
    if os.path.exists(binary) and os.path.exists(stamp):
        with open(stamp, encoding="utf-8") as f:
            if f.read() == now:
                return binary
    copy_tree(tree)
    wrong = bugs.apply(bug, tree)
    if wrong:
        raise Trouble(wrong)
    make(tree, "build", jobs)
    with open(stamp, "w", encoding="utf-8") as f:
        f.write(now)
    return binary


# ------------------------------------------------------------------ running

def bounded(words):
    """A command with limits, which the runs of a sweep inherit, each for itself."""
    limits = f'ulimit -S -t {CPU_S}; ulimit -v {MEMORY_KIB}; ulimit -c 0; exec "$@"'
    return ["sh", "-c", limits, "sh", *words]


def judged(result):
    """What a run's JSON object says: None when everything held."""
    if result["verdict"] == "held":
        return None
    seed, error = int(result["seed"]), result.get("error")
    if error:
        kind = "error"
        if "ended by signal" in error:
            ended = int(error.rsplit(" ", 1)[1])
            kind = "hang" if ended in (signal.SIGXCPU, signal.SIGKILL) else "crash"
            error = f"more than {CPU_S} s of CPU" if kind == "hang" else ENDED.get(ended, signal.Signals(ended).name)
        return Failure(seed, kind, "the run goes on to its end", error)
    failed = next((c for c in result["checks"] if not c["held"]), None)
    if failed is None:
        return Failure(seed, "error", "the run says what failed", f"verdict {result['verdict']}, and no check that failed")
    return Failure(seed, "check", failed["name"], failed["detail"])


def end_group(child):
    """The sweep and its runs: they are a session of their own."""
    try:
        os.killpg(child.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    child.wait()


def first_failure(binary, line, first, last, jobs):
    """The first seed of first..last that fails, or None."""
    with tempfile.TemporaryDirectory() as out:
        words = [os.path.abspath(binary), "run", *shlex.split(line), "--seeds", f"{first}..{last}", "-j", str(jobs), "--json", "--out", out]
        child = subprocess.Popen(bounded(words), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)
        told = 0
        try:
            for text in child.stdout:
                result = json.loads(text)
                if "verdict" not in result:
                    break
                told += 1
                failure = judged(result)
                if failure:
                    return failure
            if told != last - first + 1:
                raise Trouble(f"{shlex.join(words)}\nsaid nothing of {last - first + 1 - told} seeds:\n{child.stderr.read()[-2000:]}")
            return None
        finally:
            end_group(child)


def one(binary, line, seed):
    return first_failure(binary, line, seed, seed, 1)

