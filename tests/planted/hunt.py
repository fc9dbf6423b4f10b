#!/usr/bin/env python3
"""Known mistakes are put into a copy of the tree, one at a time, and the library's scenarios must find them.

usage: tests/planted/hunt.py COMMAND [BUG...] [option]...      a BUG is its number (07); without any all of them

  list           the bugs, and what found each
  hunt           runs seed after seed of every scenario of scenarios.list until one fails; writes found.tsv
  replay BUG     builds the bug and runs the seed that found it: the failure, bit for bit
  verify         builds every bug and runs only what found it: must fail as recorded, and hold without the bug (TAP)
  check          every patch applies and has its row, docs/FINDING_BUGS.md shows the table (TAP; seconds, no compiler)
  table          writes the table of docs/FINDING_BUGS.md anew

  --seeds N      hunt: gives up after seeds 1..N of each scenario (1000)
  --list FILE    hunt: other scenarios than tests/planted/scenarios.list
  -j, --jobs N   processes at once (one a processor)
  --keep         hunt: found.tsv is left alone

A bug is a file tests/planted/NN_name.patch: a unified diff against the tree (paths a/... and b/...), before it the lines
`Name:`, `Mistake:` and `Source:`; what begins with a space continues the line above. Bugs are built in build/hunt/NN, which
may be deleted. BUILD and CC are those of make. How seeds and runs are counted: docs/FINDING_BUGS.md.
"""
import argparse
import concurrent.futures
import os
import shlex
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import bugs  # noqa: E402
import runs  # noqa: E402


def say(text):
    print(text, flush=True)


def tell(name, wrong):
    """A line of TAP, before it what is wrong, if anything is; returns whether it is."""
    if wrong:
        say("# " + wrong.replace("\n", "\n# "))
    say(f"{'not ok' if wrong else 'ok'} - {name}")
    return bool(wrong)


def wanted(numbers):
    """The bugs of these numbers, all without any. Ends with a message when one is unknown."""
    known = bugs.all_bugs()
    if not numbers:
        return known
    found = [b for b in known if b.number in [n.zfill(2) for n in numbers]]
    missing = {n.zfill(2) for n in numbers} - {b.number for b in found}
    if missing:
        sys.exit(f"no bug {', '.join(sorted(missing))}; there are {', '.join(b.number for b in known)}")
    return found


def confirmed(line, failure, base):
    """Whether the tree without the bug holds with the same seed; where it does not, that is the news."""
    clean = runs.one(base, line, failure.seed)
    if clean is None:
        return True
    say(f"  !! without the bug too: {runs.command('build/switchyard', line, failure.seed)}\n     {clean.kind}: {clean.check} ({clean.text})")
    return False


def sweep(binary, base, line, first, last, jobs):
    """The first seed of the range that fails with the bug and holds without it, or None."""
    while first <= last:
        failure = runs.first_failure(binary, line, first, last, jobs)
        if failure is None or confirmed(line, failure, base):
            return failure
        first = failure.seed + 1
    return None


def hunt_one(bug, base, lines, args):
    """The bug's record, or None when no scenario finds it."""
    binary = runs.build(bug, args.jobs)
    for first, last in bugs.rounds(args.seeds):
        for line in lines:
            say(f"{bug.number} {bug.name}: {line}, seeds {first}..{last}")
            failure = sweep(binary, base, line, first, last, args.jobs)
            if failure:
                count = bugs.runs_until(lines, line, failure.seed)
                return bugs.Record(bug.number, line, failure.seed, count, failure.kind, failure.check, failure.text)
    return None


def hunt(args):
    base = runs.build_base()
    lines = runs.scenario_lines(args.list)
    lost = 0
    for bug in wanted(args.bugs):
        record = hunt_one(bug, base, lines, args)
        if record is None:
            lost += 1
            say(f"{bug.number} {bug.name}: NOT FOUND by {len(lines)} scenarios with {args.seeds} seeds each: a better scenario is needed")
            if not args.keep:
                bugs.forget(bug.number)
            continue
        say(f"{bug.number} {bug.name}: found by seed {record.seed}, run {record.runs}\n  {record.line}\n  {record.kind}: {record.check}\n  {record.text}")
        say(f"  again: tests/planted/hunt.py replay {bug.number}")
        if not args.keep:
            bugs.remember(record)
    return 1 if lost else 0


def replay(args):
    if len(args.bugs) != 1:
        sys.exit("replay: which bug? tests/planted/hunt.py list")
    bug = wanted(args.bugs)[0]
    record = bugs.records().get(bug.number)
    if record is None:
        sys.exit(f"{bug.number} {bug.name} was not found yet; first: tests/planted/hunt.py hunt {bug.number}")
    runs.build_base()
    binary = os.path.relpath(runs.build(bug, args.jobs))
    command = runs.command(binary, record.line, record.seed) + f" --out build/hunt/{bug.number}/out"
    say(f"+ {command}")
    return subprocess.run(shlex.split(command), check=False).returncode


def verify_one(bug, record, base):
    """What is wrong with the record; an empty text: nothing."""
    if record is None:
        return f"nothing is recorded; tests/planted/hunt.py hunt {bug.number}"
    binary = runs.build(bug, 1)
    failure = runs.one(binary, record.line, record.seed)
    again = f"; perhaps the draws are others now: tests/planted/hunt.py hunt {bug.number}"
    if failure is None:
        return f"{runs.command(binary, record.line, record.seed)} holds{again}"
    if (failure.kind, failure.check) != (record.kind, record.check):
        return f"failed otherwise: {failure.kind}: {failure.check} ({failure.text}), recorded {record.kind}: {record.check}{again}"
    clean = runs.one(base, record.line, record.seed)
    return f"fails without the bug: {runs.command(base, record.line, record.seed)}: {clean.check} ({clean.text})" if clean else ""


def verify(args):
    base = runs.build_base()
    records = bugs.records()
    bad = 0
    with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
        work = [(b, pool.submit(verify_one, b, records.get(b.number), base)) for b in wanted(args.bugs)]
        for bug, result in work:
            try:
                wrong = result.result()
            except runs.Trouble as trouble:
                wrong = str(trouble)
            bad += tell(f"bug {bug.number} {bug.name} is found again, and only with it", wrong)
    return 1 if bad else 0


def check(args):
    bad = 0
    for name, wrong in bugs.problems(runs.scenario_lines(None)):
        bad += tell(name, wrong)
    return 1 if bad else 0


def show(args):
    records = bugs.records()
    for bug in wanted(args.bugs):
        record = records.get(bug.number)
        say(f"{bug.number} {bug.name}: {bug.mistake}")
        say(f"     {f'seed {record.seed}, run {record.runs}: {record.line}: {record.check}' if record else 'not found yet'}")
    return 0


def table(args):
    bugs.write_doc()
    return 0


def main():
    commands = {"list": show, "hunt": hunt, "replay": replay, "verify": verify, "check": check, "table": table}
    parser = argparse.ArgumentParser(add_help=False, usage=__doc__)
    parser.add_argument("command", choices=commands)
    parser.add_argument("bugs", nargs="*")
    parser.add_argument("--seeds", type=int, default=1000)
    parser.add_argument("--list")
    parser.add_argument("-j", "--jobs", type=int, default=os.cpu_count() or 2)
    parser.add_argument("--keep", action="store_true")
    if {"-h", "--help", "help"} & set(sys.argv[1:]) or len(sys.argv) == 1:
        print(__doc__)
        return 0
    os.chdir(bugs.ROOT)
    try:
        args = parser.parse_intermixed_args()
        return commands[args.command](args)
    except (runs.Trouble, bugs.Malformed) as trouble:
        print(trouble, file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
