"""mutants.py SOURCE BUILD COUNT SEED: are the verifier's tests able to notice a wrong verifier?

Changes one place of what judges (verify/claims, verify/judge, verify/rules) at a time, compiles
that file, links the unit tests with it and runs them until one fails. A third of the mutants are
findings that are not made: a violation that nobody would hear of. Each of those must be noticed,
and 92 % of all; what is not stands in mutants.known with its reason.

Nothing is written into the tree or the build: objects and programs lie in a directory of their
own. A warning is no error here, so that a variable that is no longer used does not end a mutant."""
import concurrent.futures
import json
import os
import pathlib
import random
import re
import shlex
import subprocess
import sys
import tempfile

ROOMS = ("verify/claims", "verify/judge", "verify/rules")
# The quick ones first: most mutants meet their end there.
TESTS = ("chain", "takeover", "window", "scenarios", "authority", "drift", "evidence", "rules")
SWAPS = {
    " == ": " != ",
    " != ": " == ",
    " < ": " <= ",
    " > ": " >= ",
    " <= ": " < ",
    " >= ": " > ",
    " && ": " || ",
    " || ": " && ",
    "return true;": "return false;",
    "return false;": "return true;",
}
SILENCED = "a finding that is not made"
LIBRARY = "verify/libtitan_verify.a"
WANTED_SHARE = 0.92
ENDLESS_S = 600


class Mutant:
    def __init__(self, path, number, line, changed, kind):
        self.path, self.number, self.line = path, number, line
        self.changed, self.kind = changed, kind
        self.killer = None

    def key(self):
        return f"{self.path} | {self.kind} | {' '.join(self.line.split())}"

    def __str__(self):
        return f"{self.path}:{self.number + 1}: {self.kind}: {' '.join(self.changed.split())}"


def blank_strings(line):
    """The same length, without what a string or a comment says."""
    line = re.sub(r'"(\\.|[^"\\])*"', lambda found: '"' * len(found.group()), line)
    return re.sub(r"/\*.*", lambda found: " " * len(found.group()), line)


def mutants_of_line(path, number, line):
    code = blank_strings(line)
    if code.lstrip().startswith(("#", "*", "//")):
        return
    for old, new in SWAPS.items():
        for found in re.finditer(re.escape(old), code):
            changed = line[: found.start()] + new + line[found.end() :]
            yield Mutant(path, number, line, changed, f"{old.strip()} for {new.strip()}")
    condition = re.match(r"^(\s*(?:else )?if \()(.*)\)( \{)?$", code)
    if condition is not None:
        start, end = condition.span(2)
        changed = f"{line[:start]}!({line[start:end]}){line[end:]}"
        yield Mutant(path, number, line, changed, "negated")
    call = re.match(r"^(\s+)finding_(violated|undecidable)\(", code)
    if call is not None:
        changed = f"{call.group(1)}if (0) {line[call.end(1):]}"
        yield Mutant(path, number, line, changed, SILENCED)


def all_mutants(root):
    for room in ROOMS:
        for file in sorted((root / room).rglob("*.c")):
            path = file.relative_to(root).as_posix()
            for number, line in enumerate(file.read_text("utf-8").split("\n")):
                yield from mutants_of_line(path, number, line)


def chosen(mutants, count, seed):
    shuffled = list(mutants)
    random.Random(seed).shuffle(shuffled)
    silenced = [mutant for mutant in shuffled if mutant.kind == SILENCED][: count // 3]
    others = [mutant for mutant in shuffled if mutant.kind != SILENCED]
    return silenced + others[: count - len(silenced)]


class Bench:
    """Compiles and links as the build directory does. A mutant that changes nothing must pass."""

    def __init__(self, root, build):
        self.root, self.build = root, build
        entries = json.loads((build / "compile_commands.json").read_text("utf-8"))
        self.compilers = {
            os.path.normpath(build / entry["file"]): entry["command"]
            for entry in entries
            if "libtitan_verify.a.p" in entry["output"]
        }
        members = self.output("ar", "t", LIBRARY).split()
        self.objects = {pathlib.Path(member).name: str(build / member) for member in members}
        self.linkers = {test: self.linker(f"tests/verify/test_verify_{test}") for test in TESTS}

    def output(self, *words):
        done = subprocess.run(words, cwd=self.build, capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit(f"{shlex.join(words)}: {done.stderr.strip()}")
        return done.stdout

    def linker(self, program):
        commands = self.output("ninja", "-t", "commands", "-s", program).strip().split("\n")
        words = shlex.split(commands[-1])
        if LIBRARY not in words or program not in words:
            sys.exit(f"{program} is not linked with {LIBRARY}: {commands[-1]}")
        return words, program

    def run(self, words, **more):
        return subprocess.run(words, cwd=self.build, capture_output=True, **more).returncode

    def compile(self, mutant, text, room):
        """Whether it compiles, and the name of the object that it replaces."""
        words = shlex.split(self.compilers[str(self.root / mutant.path)])
        changed = room / "mutant.c"
        changed.write_text(text, "utf-8")
        target = words[words.index("-o") + 1]
        mine, skipped = [], ("-MQ", "-MF", "-o", "-c")
        for before, word in zip([""] + words, words):
            if before in skipped or word in skipped or word == "-MD" or word.startswith("-W"):
                continue
            mine.append(word)
        mine += ["-w", "-o", str(room / "mutant.o"), "-c", str(changed)]
        return self.run(mine) == 0, pathlib.Path(target).name

    def library(self, replaced, room):
        members = [str(room / "mutant.o")]
        members += [path for name, path in self.objects.items() if name != replaced]
        if len(members) != len(self.objects):
            sys.exit(f"{replaced} is not in {LIBRARY}")
        self.output("ar", "csrDT", str(room / "mutant.a"), *members)

    def is_noticed(self, test, room):
        words, program = self.linkers[test]
        mine = {LIBRARY: str(room / "mutant.a"), program: str(room / "test")}
        self.output(*[mine.get(word, word) for word in words])
        try:
            return self.run([str(room / "test")], timeout=ENDLESS_S) != 0
        except subprocess.TimeoutExpired:
            return True

    def judge(self, mutant):
        """None where it does not compile, else whether a test fails."""
        lines = (self.root / mutant.path).read_text("utf-8").split("\n")
        lines[mutant.number] = mutant.changed
        with tempfile.TemporaryDirectory() as name:
            room = pathlib.Path(name)
            compiles, replaced = self.compile(mutant, "\n".join(lines), room)
            if not compiles:
                return None
            self.library(replaced, room)
            for test in TESTS:
                if self.is_noticed(test, room):
                    mutant.killer = test
                    return True
            return False


def known_survivors(root):
    """`path | kind | line | reason`, one a line; a reason is demanded."""
    known = {}
    for line in (root / "tests/verify/mutants.known").read_text("utf-8").splitlines():
        if line.startswith("#") or line == "":
            continue
        key, _, reason = line.rpartition(" | ")
        if key.count(" | ") < 2 or reason == "":
            sys.exit(f"mutants.known: not `path | kind | line | reason`: {line}")
        known[key] = reason
    return known


def main():
    root, build = (pathlib.Path(word).resolve() for word in sys.argv[1:3])
    build = pathlib.Path(os.environ.get("TITAN_PLAIN_BUILD", build)).resolve()
    count, seed = int(sys.argv[3]), int(sys.argv[4])
    mutants = list(all_mutants(root))
    sample = chosen(mutants, count, seed)
    known, bench = known_survivors(root), Bench(root, build)
    first = sample[0]
    if (
        bench.judge(Mutant(first.path, first.number, first.line, first.line, "nothing"))
        is not False
    ):
        sys.exit("a mutant that changes nothing does not pass: this test would notice anything")
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        results = list(pool.map(bench.judge, sample))
    killed = [mutant for mutant, result in zip(sample, results) if result]
    survivors = [mutant for mutant, result in zip(sample, results) if result is False]
    unexplained = [mutant for mutant in survivors if mutant.key() not in known]
    for mutant in survivors:
        print(f"survives: {mutant}: {known.get(mutant.key(), 'NOT EXPLAINED')}")
    judged = len(killed) + len(survivors)
    share = len(killed) / max(1, judged)
    print(
        f"{len(killed)} of {judged} are noticed ({share:.1%}), seed {seed}, "
        f"{len(sample) - judged} do not compile, {len(mutants)} places in all"
    )
    silent = [mutant for mutant in survivors if mutant.kind == SILENCED]
    if unexplained or silent or share < WANTED_SHARE or judged < len(sample) // 2:
        sys.exit(1)


main()
