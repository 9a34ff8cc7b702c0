#!/usr/bin/env python3
"""Goal: every file that a person writes is at most 100 columns wide; C is formatted as
.clang-format says and Python as black has it.

In Markdown three kinds of lines may be wider: a row of a table, a line of code (indented or
fenced), and a line whose width comes from one word, which is an address. Files that a program
writes (WRITTEN) are not looked at.

usage: test_style.py ROOT"""
import fnmatch
import os
import re
import shutil
import subprocess
import sys

import house

COLUMNS = 100
WRITTEN = ("*.svg", "journal/vectors/*.json", "tests/browser/package*.json")
# Files that still are too wide. One that no longer is, is removed here: the test fails until it is.
KNOWN = set()


def may_be_wide(lines):
    """In Markdown: for each line, whether it may be wider."""
    fenced = False
    for line in lines:
        fence = line.lstrip().startswith("```")
        fenced ^= fence
        words = line.split()
        address = any("://" in word and len(word) > COLUMNS / 2 for word in words)
        yield fenced or fence or line.startswith(("|", "    ")) or address


def wide(path, text):
    lines = text.splitlines()
    allowed = may_be_wide(lines) if path.endswith(".md") else [False] * len(lines)
    for number, (line, may) in enumerate(zip(lines, allowed), 1):
        if len(line.expandtabs(4)) > COLUMNS and not may:
            yield number


def is_python(path, text):
    return path.endswith(".py") or re.match(r"#!.*python3", text) is not None


def judged(command, files, what, problems):
    """A formatter's own check, in two processes at once."""
    halves = [files[0::2], files[1::2]]
    running = [
        subprocess.Popen([*command, *half], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        for half in halves
        if half
    ]
    for process in running:
        said = process.communicate()[0].decode("utf-8", "replace")
        if process.returncode:
            problems.append(f"{what}\n{said[:4000]}")


def main():
    root, problems = house.root_of_arguments(), []
    for tool in ("clang-format", "black"):
        if shutil.which(tool) is None:
            print(f"{tool} is not installed")
            sys.exit(77)
    os.chdir(root)
    widths, code, python = {}, [], []
    for path in house.tracked(root):
        data = (root / path).read_bytes()
        if b"\0" in data or any(fnmatch.fnmatch(path, pattern) for pattern in WRITTEN):
            continue
        text = data.decode("utf-8")
        numbers = list(wide(path, text))
        if numbers:
            widths[path] = f"wider than {COLUMNS} columns in lines {numbers[:20]}"
        if path.endswith((".c", ".h")):
            code.append(path)
        if is_python(path, text):
            python.append(path)
    if len(code) < 300 or len(python) < 30:
        problems.append(f"{len(code)} C and {len(python)} Python files: this test looks at nothing")
    house.exempted(widths, KNOWN, "too wide", problems)
    judged(
        ["clang-format", "--dry-run", "--Werror"],
        code,
        "not as clang-format has it:",
        problems,
    )
    judged(
        ["black", "--check", "--quiet", "--diff", "-l", str(COLUMNS)],
        python,
        "not as black -l 100 has it:",
        problems,
    )
    house.end(
        problems,
        f"{len(code)} C and {len(python)} Python files have the style of the tree",
    )


main()
