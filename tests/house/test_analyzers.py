#!/usr/bin/env python3
"""Goal: gcc's analyzer, cppcheck and clang-tidy find nothing in the product; clang warns of nothing
in the product and in its tests.

Nothing is silenced in the sources. What an analyzer is not asked is said here and in .clang-tidy,
with the reason.

usage: test_analyzers.py ROOT BUILD gcc|cppcheck|clang-tidy|clang"""
import concurrent.futures
import json
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys

import house

# gcc 12 loses track of what a struct owns when the struct is copied out, and reports as unset, for
# want of a name as <unknown>, what an initializer has set. LeakSanitizer and cppcheck ask both.
# Frames are measured by the build: without optimization every initializer has a place of its own.
GCC = (
    "-fanalyzer",
    "-Wno-analyzer-malloc-leak",
    "-Wno-analyzer-use-of-uninitialized-value",
    "-Wno-frame-larger-than",
)
CPPCHECK = (
    "--enable=warning,performance,portability",
    "--std=c11",
    "-I.",
    "-D_GNU_SOURCE",
)
# The build is gcc's, and so is one of its warnings.
OF_GCC = ("--extra-arg=-Wno-unknown-warning-option",)
CLANG = ("-fsyntax-only", "-Wno-unknown-warning-option", "-Wno-frame-larger-than")
WORKERS = 2


def commands(root, build, rooms=house.ROOMS):
    """(source, words of its compiler without output and sanitizers) of the sources of these
    rooms."""
    for entry in json.loads((build / "compile_commands.json").read_text()):
        source = pathlib.Path(os.path.normpath(pathlib.Path(entry["directory"], entry["file"])))
        if root not in source.parents or source.relative_to(root).parts[0] not in rooms:
            continue
        words = shlex.split(entry["command"])
        words = [word for word in words[: words.index("-MD")] if not re.match("-fsanit|-O", word)]
        yield source.relative_to(root).as_posix(), entry["directory"], words


def run(command, directory, environment=None):
    done = subprocess.run(
        ["nice", *command],
        cwd=directory,
        env=environment,
        capture_output=True,
        text=True,
    )
    return done.returncode, done.stdout + done.stderr


def ask_gcc(root, build):
    def one(item):
        source, directory, words = item
        while words[0] in ("ccache", "/usr/bin/ccache"):
            words = words[1:]
        words = ["gcc", *words[1:], *GCC, "-c", str(root / source), "-o", os.devnull]
        return run(words, directory)

    with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
        return list(pool.map(one, commands(root, build)))


def ask_clang(root, build):
    """Its warnings come out of reading, so that no code is made."""

    def one(item):
        source, directory, words = item
        while words[0] in ("ccache", "/usr/bin/ccache"):
            words = words[1:]
        return run(["clang", *words[1:], *CLANG, str(root / source)], directory)

    asked = {item[0]: item for item in commands(root, build, (*house.ROOMS, "tests"))}
    with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
        return list(pool.map(one, asked.values()))


def ask_clang_tidy(root, build):
    sources = [source for source, _, _ in commands(root, build)]
    parts = [sources[start :: WORKERS * 4] for start in range(WORKERS * 4)]

    def one(part):
        return run(["clang-tidy", "--quiet", *OF_GCC, "-p", str(build), *part], root)

    with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
        return list(pool.map(one, parts))


def ask_cppcheck(root, build):
    listed = build / "house-sources"
    listed.write_text("".join(source + "\n" for source, _, _ in commands(root, build)))
    words = ["cppcheck", "--quiet", "--error-exitcode=1", f"-j{WORKERS}", *CPPCHECK]
    return [run([*words, '-DTITAN_VERSION="0"', f"--file-list={listed}"], root)]


def main():
    root, build, tool = (
        house.root_of_arguments(),
        pathlib.Path(sys.argv[2]).resolve(),
        sys.argv[3],
    )
    if shutil.which(tool) is None:
        print(f"{tool} is not installed")
        sys.exit(77)
    asked = len(list(commands(root, build)))
    problems = [] if asked > 100 else [f"only {asked} sources are in {build}: nothing was asked"]
    ask = {
        "gcc": ask_gcc,
        "clang-tidy": ask_clang_tidy,
        "cppcheck": ask_cppcheck,
        "clang": ask_clang,
    }[tool]
    for status, said in ask(root, build):
        if status != 0 or re.search("(warning|error):", said):
            problems.append(f"status {status}\n{said}")
    house.end(problems, f"{tool}: nothing found in {asked} sources")


main()
