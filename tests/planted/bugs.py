"""The planted bugs as files: patches with their headers, found.tsv, the table of docs/FINDING_BUGS.md."""
import glob
import os
import re
import subprocess
from dataclasses import dataclass

ROOT = os.path.realpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
HERE = "tests/planted"
FOUND = f"{HERE}/found.tsv"
DOC = "docs/FINDING_BUGS.md"
COLUMNS = ["bug", "scenario", "seed", "runs", "kind", "check", "text"]
BEGIN, END = "<!-- table: tests/planted/hunt.py table -->", "<!-- end of the table -->"
EXPECTED = 20
SEEDS_MAX = 1000


class Malformed(Exception):
    """A file of this directory that is not as it must be."""


@dataclass
class Bug:
    number: str
    name: str
    path: str
    mistake: str
    source: str


@dataclass
class Record:
    number: str
    line: str  # of scenarios.list
    seed: int
    runs: int
    kind: str
    check: str
    text: str


def header(path):
    """The keys before the diff, as texts of one line each."""
    keys, last = {}, None
    with open(path, encoding="utf-8") as f:
        for line in f:
            if line.startswith(("diff ", "--- ")):
                return keys
            m = re.match(r"([A-Z][a-z]+): (.*)$", line)
            if m:
                last = m.group(1)
                keys[last] = m.group(2).strip()
            elif last and line.startswith(" ") and line.strip():
                keys[last] += " " + line.strip()
            elif line.strip():
                raise Malformed(f"{path}: neither a key, nor its continuation, nor the diff: {line.strip()}")
    raise Malformed(f"{path}: no diff in it")


def all_bugs():
    bugs = []
    for path in sorted(glob.glob(f"{HERE}/[0-9][0-9]_*.patch")):
        keys = header(path)
        number, name = os.path.basename(path)[:-len(".patch")].split("_", 1)
        for key in ("Name", "Mistake", "Source"):
            if not keys.get(key):
                raise Malformed(f"{path}: its header lacks the line `{key}: ...`")
        if keys["Name"] != name:
            raise Malformed(f"{path}: `Name: {keys['Name']}` is not the file's")
        bugs.append(Bug(number, name, path, keys["Mistake"], keys["Source"]))
    return bugs


def records():
    """By number. Malformed: a line that is no record."""
    found = {}
    if not os.path.exists(FOUND):
        return found
    with open(FOUND, encoding="utf-8") as f:
        lines = f.read().splitlines()
    for line in lines[1:]:
        parts = line.split("\t")
        if len(parts) != len(COLUMNS) or not parts[2].isdigit() or not parts[3].isdigit():
            raise Malformed(f"{FOUND}: not {len(COLUMNS)} columns with numbers in the third and fourth: {line}")
        if parts[0] in found:
            raise Malformed(f"{FOUND}: bug {parts[0]} stands there twice")
        found[parts[0]] = Record(parts[0], parts[1], int(parts[2]), int(parts[3]), *parts[4:])
    return found


def write_records(found):
    with open(FOUND + ".new", "w", encoding="utf-8") as f:
        f.write("\t".join(COLUMNS) + "\n")
        for number in sorted(found):
            r = found[number]
            cells = [r.number, r.line, r.seed, r.runs, r.kind, r.check, r.text]
            f.write("\t".join(" ".join(str(c).split()) for c in cells) + "\n")
    os.replace(FOUND + ".new", FOUND)


def remember(record):
    found = records()
    found[record.number] = record
    write_records(found)


def forget(number):
    found = records()
    if found.pop(number, None):
        write_records(found)


def apply(bug, tree, check=False):
    """Puts the bug into a tree; check: only asks whether it would go in. Returns what git complains of."""
    env = dict(os.environ, GIT_CEILING_DIRECTORIES=os.path.dirname(os.path.abspath(tree)), LC_ALL="C")
    command = ["git", "apply", "-p1"] + (["--check"] if check else []) + [os.path.abspath(bug.path)]
    done = subprocess.run(command, cwd=tree, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode == 0:
        return ""
    return (f"{bug.path} does not apply any more:\n{done.stdout.strip()}\nThe code around it has changed: make the same mistake in the new "
            f"code, then `git diff` of it behind the header of the patch, and tests/planted/hunt.py hunt {bug.number}")


def rounds(last):
    """Ranges of seeds: 1, 2..4, 5..16, ..., so that cheap luck comes first."""
    first, size = 1, 1
    while first <= last:
        end = min(first + size - 1, last)
        yield first, end
        first, size = end + 1, 3 * end


def runs_until(lines, line, seed):
    """How many runs a hunt has made when this line fails with this seed, counted in the order of the rounds."""
    for first, last in rounds(SEEDS_MAX):
        if seed <= last:
            return (first - 1) * len(lines) + lines.index(line) * (last - first + 1) + seed - first + 1
    raise ValueError(seed)


def escaped(text):
    return text.replace("|", "\\|")


def doc_table():
    found = records()
    rows = ["| | bug | the mistake, and where it is known from | seeds | runs | found by | what fails |", "|---|---|---|---|---|---|---|"]
    for bug in all_bugs():
        r = found.get(bug.number)
        if r is None:
            rows.append(f"| {bug.number} | `{bug.name}` | {escaped(bug.mistake)} ({escaped(bug.source)}) | | | not found yet | |")
            continue
        kind = "" if r.kind == "check" else f"{r.kind}: "
        rows.append(f"| {bug.number} | `{bug.name}` | {escaped(bug.mistake)} ({escaped(bug.source)}) | {r.seed} | {r.runs} | `{r.line}` | "
                    f"{kind}{escaped(r.check)}: {escaped(r.text)} |")
    return "\n".join(rows)


def split_doc():
    with open(DOC, encoding="utf-8") as f:
        text = f.read()
    if text.count(BEGIN) != 1 or text.count(END) != 1 or text.index(BEGIN) > text.index(END):
        raise Malformed(f"{DOC}: the table's two marks are not there once, in order: {BEGIN} and {END}")
    before, rest = text.split(BEGIN)
    shown, after = rest.split(END)
    return before, shown.strip("\n"), after


def write_doc():
    before, _, after = split_doc()
    with open(DOC, "w", encoding="utf-8") as f:
        f.write(f"{before}{BEGIN}\n{doc_table()}\n{END}{after}")


def record_problem(bug, record, lines):
    if record is None:
        return f"nothing has found it; tests/planted/hunt.py hunt {bug.number}"
    if record.line not in lines:
        return f"{FOUND} has it found by `{record.line}`, which is no line of scenarios.list; tests/planted/hunt.py hunt {bug.number}"
    if not 1 <= record.seed <= SEEDS_MAX or record.kind not in ("check", "crash", "hang", "error"):
        return f"{FOUND}: seed or kind of bug {bug.number} are none"
    runs = runs_until(lines, record.line, record.seed)
    if record.runs != runs:
        return f"{FOUND} has run {record.runs}; with today's scenarios.list it would be run {runs}; tests/planted/hunt.py hunt {bug.number}"
    return ""


def problems(lines):
    """Pairs of what is checked and what is wrong with it, a text that is empty when nothing is."""
    known, found = all_bugs(), records()
    for bug in known:
        yield f"bug {bug.number} {bug.name}: applies", apply(bug, ROOT, check=True)
        yield f"bug {bug.number} {bug.name}: has its row", record_problem(bug, found.get(bug.number), lines)
    numbers = [b.number for b in known]
    good = len(set(numbers)) == len(numbers) >= EXPECTED
    yield f"at least {EXPECTED} bugs, no number twice", "" if good else f"there are {' '.join(numbers)}"
    extra = sorted(set(found) - set(numbers))
    yield f"{FOUND} has no row without a bug", f"rows of {' '.join(extra)}" if extra else ""
    missing = sorted({line.split()[0] for line in lines if not os.path.exists(line.split()[0])})
    yield "every scenario of scenarios.list is there", f"not there: {' '.join(missing)}" if missing else ""
    shown = split_doc()[1] == doc_table()
    yield f"{DOC} shows the table", "" if shown else "it shows another one; tests/planted/hunt.py table writes it anew"
