#!/usr/bin/env python3
"""Goal: each test of the house fails when the house is broken, and names the file. One violation of
a kind is planted in a copy of the sources, the test is run on it, and the copy is mended again.

usage: test_broken.py ROOT BUILD CC..."""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

import house

HERE = pathlib.Path(__file__).resolve().parent
FEW, MANY = 40, 310  # files that the test of the style wants at least


def appended(text):
    return lambda whole: whole + text


def instead(old, new):
    def change(whole):
        if old not in whole:
            sys.exit(f"nothing to break: {old!r} stands nowhere")
        return whole.replace(old, new, 1)

    return change


def included(header):
    return lambda whole: f"#include {header}\n" + whole


TWICE = "\nstatic void note_rolled_back(int number)\n{\n    (void)number;\n}\n"
LITERAL = '\nstatic int compared(const char *probe)\n{\n    return strcmp(probe, "act");\n}\n'
# Test, what is broken, the file that must be named, what is done to it.
SOURCES = (
    ("layers", "journal stands on fsm", "journal/bundle.c", included('"fsm/driver.h"')),
    ("layers", "actions stands on fsm", "actions/git.c", included('"fsm/machine.h"')),
    ("layers", "format on the writer", "journal/format/clock.c", included('"journal/store.h"')),
    ("layers", "verifier on driver", "verify/verify.c", included('"fsm/machine.h"')),
    ("layers", "the driver's table", "verify/judge/machine.c", appended("/* transitions.def */\n")),
    ("layers", "no such header", "fsm/engine.c", included('"fsm/nowhere.h"')),
    ("layers", "a library elsewhere", "fsm/engine.c", included("<lmdb.h>")),
    ("layers", "a forbidden library", "verify/verify.c", included("<jansson.h>")),
    ("layers", "a circle of files", "fsm/machine.h", included('"fsm/engine.h"')),
    ("layers", "a file too long", "fsm/engine.c", appended("\n" * 500)),
    ("names", "a name twice", "fsm/engine.c", appended(TWICE)),
    ("names", "a literal probe", "fsm/engine.c", appended('\n/* "compose.containers" */\n')),
    ("names", "a compared probe", "fsm/engine.c", appended(LITERAL)),
    (
        "shell",
        "a foreign byte unquoted",
        "actions/git.c",
        appended('\nvoid f(void)\n{\n    text_add_format(&script, "rm %s", foreign);\n}\n'),
    ),
    (
        "hints",
        "a pipe in a text",
        "fsm/engine.c",
        appended('\nstatic const char hint[] = "run titan-fsm begin release|policy";\n'),
    ),
    ("hints", "a pipe in README", "README.md", appended("\nSee `begin release|policy`.\n")),
)
# Of tests that read objects: what a source is made to call.
CALLS = (
    ("a clock", "long time(long *); long f(void); long f(void) { return time(0); }"),
    (
        "the environment",
        "char *getenv(const char *); char *f(void); char *f(void) { return " 'getenv("A"); }',
    ),
    ("a library", "int mdb_open(void); int f(void); int f(void) { return mdb_open(); }"),
    (
        "what the world hands out",
        "void *world_clock_system(void); void *f(void); void *f(void)"
        " { return world_clock_system(); }",
    ),
)
# Of the style: name of the file, and what is wrong with it.
STYLE = (
    ("wide.md", "word " * 30 + "\n"),
    ("wide.c", "/* " + "w" * 120 + " */\n"),
    ("format.c", "int  f (void);\n"),
    ("black.py", "x = { }\n"),
)
CALLER = "fsm/fate.c"


def run(name, *words):
    command = [sys.executable, str(HERE / f"test_{name}.py"), *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


class Bench:
    def __init__(self):
        self.problems, self.broken = [], 0

    def sound(self, name, *words):
        status, said = run(name, *words)
        if status != 0:
            self.problems.append(f"{name} fails on what is not broken: {said[:1000]}")

    def notices(self, name, what, named, *words):
        self.broken += 1
        status, said = run(name, *words)
        if status != 1 or named not in said:
            self.problems.append(f"{name} does not notice {what} ({named}): {status}, {said[:300]}")


def break_sources(bench, copy, build):
    for name in ("layers", "names", "shell", "hints"):
        bench.sound(name, copy, build)
    for name, what, path, change in SOURCES:
        file = copy / path
        whole = file.read_text("utf-8")
        file.write_text(change(whole), "utf-8")
        bench.notices(name, what, path.split(".")[0], copy, build)
        file.write_text(whole, "utf-8")
    full = [copy / "fsm/roster" / f"more_{number}.c" for number in range(20)]
    for file in full:
        file.write_text("")
    bench.notices("layers", "a folder too full", "fsm/roster", copy)
    for file in full:
        file.unlink()


def break_objects(bench, root, copy, build, compiler):
    """The sources are those of the copy, the objects those of the build, but for one."""
    asked = copy / "objects"
    asked.mkdir()
    commands = json.loads((build / "compile_commands.json").read_text("utf-8"))
    for entry in commands:
        source = os.path.normpath(os.path.join(entry["directory"], entry["file"]))
        entry["output"] = os.path.join(entry["directory"], entry["output"])
        entry["file"] = str(copy / os.path.relpath(source, root))
    listed = asked / "compile_commands.json"
    listed.write_text(json.dumps(commands))
    bench.sound("symbols", copy, asked)
    mine = next(entry for entry in commands if entry["file"] == str(copy / CALLER))
    mine["output"] = str(asked / "broken.o")
    listed.write_text(json.dumps(commands))
    for what, code in CALLS:
        (asked / "broken.c").write_text(code + "\n")
        words = [*compiler, "-w", "-c", asked / "broken.c", "-o", mine["output"]]
        subprocess.run(words, check=True)
        bench.notices("symbols", what, CALLER, copy, asked)
    listed.write_text(json.dumps([entry for entry in commands if entry is not mine]))
    bench.notices("symbols", "a source without an object", CALLER, copy, asked)


def break_style(bench, root, place):
    """In a tree of small files, since the formatters read all of one."""
    shutil.copy(root / ".clang-format", place)
    for number in range(MANY):
        (place / f"good_{number}.c").write_text("int f(void);\n")
    for number in range(FEW):
        (place / f"good_{number}.py").write_text("x = {}\n")
    bench.sound("style", place)
    for name, text in STYLE:
        (place / name).write_text(text)
        bench.notices("style", "its width or form", name.split(".")[0], place)
        (place / name).unlink()


def main():
    root, build = house.root_of_arguments(), pathlib.Path(sys.argv[2]).resolve()
    bench = Bench()
    with tempfile.TemporaryDirectory() as place:
        copy, style = pathlib.Path(place) / "copy", pathlib.Path(place) / "style"
        style.mkdir()
        for room in house.ROOMS:
            shutil.copytree(root / room, copy / room)
        shutil.copy(root / "README.md", copy)
        break_sources(bench, copy, build)
        break_objects(bench, root, copy, build, sys.argv[3:])
        if shutil.which("clang-format") and shutil.which("black"):
            break_style(bench, root, style)
    house.end(bench.problems, f"{bench.broken} violations, each noticed and its file named")


main()
