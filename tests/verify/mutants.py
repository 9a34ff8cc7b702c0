"""mutants.py SOURCE BUILD COUNT|all SEED: are the verifier's tests able to notice a wrong verifier?

Changes one place of what judges (verify/claims, verify/judge, verify/rules) at a time, compiles
that file, links the unit tests with it and runs those that reach the place (reached.py) until one
fails. A third of the mutants are
findings that are not made: a violation that nobody would hear of. Each of those must be noticed,
and 92 % of all; what is not stands in mutants.known with its reason. A few mutants are others after
each change of the verifier, and show only whether these tests notice much at all: of fewer than a
hundred 75 % must be noticed, and the others are printed.

Nothing is written into the tree or the build: objects and programs lie in a directory of their
own. A warning is no error here, so that a variable that is no longer used does not end a mutant."""
import collections
import json
import os
import pathlib
import random
import re
import resource
import shlex
import subprocess
import sys
import tempfile

import reached

ROOMS = ("verify/claims", "verify/judge", "verify/rules")
TESTS = (
    "pattern_rules",
    "judge_rules",
    "healthy_rules",
    "rules",
    "chain",
    "takeover",
    "window",
    "scenarios",
    "authority",
    "drift",
    "evidence",
)
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
ONLY = os.environ.get("TITAN_MUTANTS_ONLY", "")
SANITIZED = "-fsanitize=address"  # a loop that goes one too far
VERBOSE = "TITAN_MUTANTS_VERBOSE" in os.environ
SILENCED = "a finding that is not made"
LIBRARY, SHARED = "verify/libtitan_verify.a", "libtitan_verify.so"
GUARDED = "tests/verify/libverify_judges.a"  # here by the mutant itself
WANTED_SHARE, WANTED_OF_FEW, FEW = 0.92, 0.75, 100
ENDLESS, FEW_S, CASES_A_S, MEMORY_MB = 3, 5, 20, 2048  # times as long as without a change
LIGHT = "detect_leaks=0:malloc_context_size=0:quarantine_size_mb=8"
PROGRESS = 50
BY_CASE, FIRST_CASES = "rules", 60  # this test can be asked for some of its cases


class Mutant:
    def __init__(self, path, number, line, changed, kind):
        self.path, self.number, self.line = path, number, line
        self.changed, self.kind = changed, kind
        self.killer = None

    def key(self):
        return f"{self.path} | {self.kind} | {' '.join(self.line.split())}"

    def places(self, lines):
        """The lines of which one must be reached for it to be noticed: what stands in front of a
        part decides whether that part is."""
        if self.kind in ("&& for ||", "|| for &&"):
            return reached.statement_of(lines, self.number)
        return [self.number]

    def may_leave_bounds(self):
        """Only the address sanitizer notices a loop that goes one too far."""
        return self.kind in ("< for <=", "> for >=", "&& for ||") and "<" in self.line

    def __str__(self):
        return f"{self.path}:{self.number + 1}: {self.kind}: {' '.join(self.changed.split())}"


def blank_strings(line):
    """The same length, without what a string or a comment says."""
    line = re.sub(r'"(\\.|[^"\\])*"', lambda found: '"' * len(found.group()), line)
    return re.sub(r"/\*.*", lambda found: " " * len(found.group()), line)


def mutants_of_line(path, number, line):
    code = blank_strings(line)
    if re.match(r"\s*(#|//|\* |\*/)", code):  # `*this = that` is no comment
        return
    for old, new in SWAPS.items():
        for found in re.finditer(re.escape(old), code):
            changed = line[: found.start()] + new + line[found.end() :]
            yield Mutant(path, number, line, changed, f"{old.strip()} for {new.strip()}")
    condition = re.match(r"^(\s*(?:\} )?(?:else )?if \()(.*)\)( \{)?$", code)
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


def spent_by_children():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


class Bench:
    """The verifier as a shared library, with one object of it exchanged: of a mutant one file is
    compiled, quickly, and one library linked; the tests are linked with it once. One that changes
    nothing (`same`) must pass, in which what the signatures came to is remembered. A mutant is
    shown to those tests and cases only that reach it (reached.py)."""

    def __init__(self, root, build, room, same):
        self.root, self.build, self.room = root, build, pathlib.Path(room)
        entries = json.loads((build / "compile_commands.json").read_text("utf-8"))
        self.compilers = {
            os.path.normpath(build / entry["file"]): shlex.split(entry["command"])
            for entry in entries
            if "libtitan_verify.a.p" in entry["output"]
        }
        self.objects = [words[words.index("-o") + 1] for words in self.compilers.values()]
        self.noter = self.room / "reached.o"
        source = root / "tests/verify/reached.c"
        self.output("cc", "-O2", "-fPIC", "-o", str(self.noter), "-c", str(source))
        self.programs, self.noticed, self.said = {}, collections.Counter(), ""
        self.seconds = {}  # of the processor, for each test
        for guarded in (False, True):
            self.prepare(same, guarded)
        self.environment = dict(
            os.environ,
            ASAN_OPTIONS=f"hard_rss_limit_mb={MEMORY_MB}:{LIGHT}",
            TITAN_REMEMBERED=str(self.room / "remembered"),
        )

    def prepare(self, same, guarded):
        text = (self.root / same.path).read_text("utf-8")
        if not self.compile(same, text, self.room, *([SANITIZED] if guarded else [])):
            sys.exit(f"{same.path} does not compile as it is")
        self.shared(self.room, {same.path: self.room / "mutant.o"})
        for test in TESTS:
            program = self.linked(f"tests/verify/test_verify_{test}", guarded)
            self.programs[test, guarded] = program

    def output(self, *words):
        done = subprocess.run(
            words, cwd=self.build, capture_output=True, text=True, errors="replace"
        )
        if done.returncode != 0:
            sys.exit(f"{shlex.join(words)}: {done.stderr.strip()}")
        return done.stdout

    def shared(self, room, replaced):
        """The library, with these objects instead of the files' own."""
        mine = {self.object_of(path): str(made) for path, made in replaced.items()}
        objects = [mine.get(path, path) for path in self.objects] + [str(self.noter)]
        words = ["cc", "-shared", "-fuse-ld=gold", f"-Wl,-soname,{SHARED}"]
        self.output(*words, "-o", str(room / SHARED), *objects)

    def object_of(self, path):
        words = self.compilers[str(self.root / path)]
        return words[words.index("-o") + 1]

    def linked(self, program, guarded):
        commands = self.output("ninja", "-t", "commands", "-s", program).strip().split("\n")
        words = shlex.split(commands[-1])
        if LIBRARY not in words or program not in words:
            sys.exit(f"{program} is not linked with {LIBRARY}: {commands[-1]}")
        made = str(self.room / (pathlib.Path(program).name + guarded * "_guarded"))
        mine = {LIBRARY: str(self.room / SHARED), program: made}
        words = [mine.get(word, word) for word in words if word not in (GUARDED, SANITIZED)]
        remember = str(self.build / "tests/verify/libverify_remember.so")
        first = ["-Wl,--no-as-needed", remember, f"-Wl,-rpath,{self.build}/tests/verify"]
        self.output(words[0], *first, *words[1:], *([SANITIZED] if guarded else []))
        return made

    def compile(self, mutant, text, room, *more):
        """Whether it compiles; made is mutant.o."""
        words = self.compilers[str(self.root / mutant.path)]
        changed = room / "mutant.c"
        changed.write_text(text, "utf-8")
        mine, skipped = [], ("-MQ", "-MF", "-o", "-c")
        for before, word in zip([""] + words, words):
            taken = before in skipped or word in skipped or word in ("-MD", "ccache")
            if not taken and not word.startswith(("-W", "-O", "-g", "-D_FORTIFY", "-fstack")):
                mine.append(word)
        mine += ["-w", "-O0", "-fPIC", *more, "-o", str(room / "mutant.o"), "-c", str(changed)]
        done = subprocess.run(mine, cwd=self.build, capture_output=True)
        return done.returncode == 0

    def is_noticed(self, test, room, *words, guarded=False, seconds=None, **more):
        environment = dict(self.environment, LD_LIBRARY_PATH=str(room), **more)
        seconds = seconds or FEW_S + ENDLESS * self.seconds.get(test, 1 << 10)
        most = [f"--cpu={seconds}"] + ([] if guarded else [f"--as={MEMORY_MB << 20}"])
        words = ["prlimit", *most, self.programs[test, guarded], *words]
        done = subprocess.run(words, cwd=self.build, capture_output=True, env=environment)
        self.said = done.stderr.decode("utf-8", "replace")
        return done.returncode != 0

    def is_sound(self):
        """Without a change all tests pass, in some time."""
        for test in TESTS:
            begun = spent_by_children()
            if self.is_noticed(test, self.room, guarded=True, TITAN_REMEMBERS="1"):
                return False
            self.seconds[test] = 1 + int(spent_by_children() - begun)
        return True

    def trace(self, paths):
        """Learn what each test and case reaches."""
        with tempfile.TemporaryDirectory(dir=self.room) as name:
            room, objects = pathlib.Path(name), {}
            for path in paths:
                text = f'#line 1 "{path}"\n' + (self.root / path).read_text("utf-8")
                traced = Mutant(path, 0, "", "", "")
                if not self.compile(traced, text, room, "-g1", "-fsanitize-coverage=trace-pc"):
                    sys.exit(f"{path} cannot be traced")
                objects[path] = room / (path.replace("/", "_") + ".o")
                (room / "mutant.o").rename(objects[path])
            self.shared(room, objects)
            self.blocks = reached.Blocks(self.output("objdump", "-dl", str(room / SHARED)))
            self.reached = {}
            for test in TESTS:
                seen = room / f"seen_{test}"
                if self.is_noticed(test, room, TITAN_REACHED=str(seen)):
                    sys.exit(f"{test} does not pass where what it reaches is asked for")
                self.reached[test] = self.blocks.cases(seen)

    def judge(self, mutant):
        """None where it does not compile, else whether a test fails."""
        lines = (self.root / mutant.path).read_text("utf-8").split("\n")
        places, guarded = mutant.places(lines), mutant.may_leave_bounds()
        more = [SANITIZED] if guarded else []
        lines[mutant.number] = mutant.changed
        with tempfile.TemporaryDirectory(dir=self.room) as name:
            room = pathlib.Path(name)
            if not self.compile(mutant, "\n".join(lines), room, *more):
                return None
            self.shared(room, {mutant.path: room / "mutant.o"})
            names = self.reaching(BY_CASE, mutant, places)
            names.sort(key=lambda name: -self.noticed[mutant.path, name])
            rest = [test for test in TESTS if test != BY_CASE]
            return (
                self.is_noticed_by_cases(mutant, names[:FIRST_CASES], room, guarded)
                or any(
                    self.is_noticed_by(mutant, test, room, guarded)
                    for test in rest
                    if self.reaching(test, mutant, places)
                )
                or self.is_noticed_by_cases(mutant, names[FIRST_CASES:], room, guarded)
            )

    def reaching(self, test, mutant, places):
        return self.blocks.reaching(self.reached[test], mutant.path, places)

    def is_noticed_by(self, mutant, test, room, guarded):
        mutant.killer = test if self.is_noticed(test, room, guarded=guarded) else None
        return mutant.killer is not None

    def is_noticed_by_cases(self, mutant, names, room, guarded):
        """The case that notices a mutant is asked first of the next one in that file."""
        only, names = room / "only", [name for name in names if name != reached.BEFORE]
        only.write_text("".join(f"{name}\n" for name in names), "utf-8")
        words, seconds = ("--only", str(only)), FEW_S + len(names) // CASES_A_S
        if not names or not self.is_noticed(
            BY_CASE, room, *words, guarded=guarded, seconds=seconds
        ):
            return False
        found = re.search(r"(?:wanted|found): +(\w+)", self.said)
        if found is not None:
            self.noticed[mutant.path, found.group(1)] += 1
        mutant.killer = BY_CASE
        return True


def known_survivors(root):
    """Three lines each: `path | kind`, the line of code, the reason, which is demanded. A place
    that is no more is an error."""
    known, places = {}, {mutant.key() for mutant in all_mutants(root)}
    text = (root / "tests/verify/mutants.known").read_text("utf-8")
    for block in text.split("\n\n")[1:]:
        lines = [line.strip() for line in block.strip().split("\n")]
        if len(lines) < 3 or lines[0].count(" | ") != 1:
            sys.exit(f"mutants.known: not `path | kind`, a line of code and a reason: {block}")
        if f"{lines[0]} | {lines[1]}" not in places:
            sys.exit(f"mutants.known: there is no such place any more: {block}")
        known[f"{lines[0]} | {lines[1]}"] = " ".join(lines[2:])
    return known


def tell(done, count, mutant, result, known):
    """As it goes: a run of many takes long."""
    if result is False:
        print(f"survives: {mutant}: {known.get(mutant.key(), 'NOT EXPLAINED')}", flush=True)
    elif VERBOSE:
        print(result, mutant.killer, mutant, sep=" | ", flush=True)
    if done % PROGRESS == 0:
        print(f"{done} of {count}", flush=True)


def report(results, known):
    """Whether it is as it must be. `results`: each mutant and what Bench.judge() said of it."""
    killed = [mutant for mutant, result in results if result]
    survivors = [mutant for mutant, result in results if result is False]
    unexplained = [mutant for mutant in survivors if mutant.key() not in known]
    judged = len(killed) + len(survivors)
    share = len(killed) / max(1, judged)
    print(
        f"{len(killed)} of {judged} are noticed ({share:.1%}), {len(unexplained)} survive, "
        f"{len(survivors) - len(unexplained)} survive and are explained, "
        f"{len(results) - judged} do not compile; by",
        collections.Counter(mutant.killer for mutant in killed),
    )
    silent = [mutant for mutant in survivors if mutant.kind == SILENCED]
    few = len(results) < FEW
    enough = share >= (WANTED_OF_FEW if few else WANTED_SHARE)
    return (few or not unexplained) and not silent and enough and judged >= len(results) // 2


def main():
    root, build = (
        pathlib.Path(word).resolve()
        for word in (sys.argv[1], os.environ.get("TITAN_PLAIN_BUILD", sys.argv[2]))
    )
    mutants = [mutant for mutant in all_mutants(root) if ONLY in mutant.key()]
    if sys.argv[3] != "all":
        mutants = chosen(mutants, int(sys.argv[3]), int(sys.argv[4]))
    first, known, results = mutants[0], known_survivors(root), []
    with tempfile.TemporaryDirectory() as room:
        bench = Bench(root, build, room, first)
        if not bench.is_sound():
            sys.exit("what changes nothing does not pass: these tests would notice anything")
        bench.trace(sorted({mutant.path for mutant in mutants}))
        for mutant in mutants:
            results.append((mutant, bench.judge(mutant)))
            tell(len(results), len(mutants), *results[-1], known)
    if not report(results, known):
        sys.exit(1)


main()
