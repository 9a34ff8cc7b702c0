#!/usr/bin/env python3
"""Goal: whatever a reader may paste as a command is one command. A choice written as
`begin release|policy` is a pipe for a shell, and both sides of it run. Looked at: every text of the
programs and of the manuals that names one of the two programs, joined as the compiler joins it,
what their --help prints, and README."""
import pathlib
import re
import subprocess
import sys

import house

LITERAL = r'"(?:[^"\\\n]|\\.)*"'
NAMED = re.compile(r"titan-(?:fsm|verify)\b")
# Behind the name of a program, up to the end of the sentence or the line.
PIPE = re.compile(r"titan-(?:fsm|verify)\b[^\n`;]*?[\w\]] ?\| ?[\w\[-]")


def texts(source):
    """Each literal of a C file, adjacent ones joined."""
    for found in re.finditer(rf"{LITERAL}(?:\s*{LITERAL})*", source):
        yield "".join(part[1:-1] for part in re.findall(LITERAL, found.group()))


def usages(build):
    """What --help prints of each command, by command."""
    fsm, judge = build / "fsm" / "titan-fsm", build / "verify" / "titan-verify"
    overview = subprocess.run([fsm, "--help"], capture_output=True, text=True, check=True).stdout
    names = re.findall(r"^  ([a-z]+) ", overview.split("\nExit status:")[0], re.M)
    if len(names) < 15:
        sys.exit(f"only {len(names)} commands found: this test looks at nothing")
    for name in names:
        said = subprocess.run([fsm, name, "--help"], capture_output=True, text=True, check=True)
        yield f"titan-fsm {name} --help", said.stdout.split("\n")[0]
    said = subprocess.run([judge, "--help"], capture_output=True, text=True, check=True).stdout
    for line in said.splitlines():
        if NAMED.search(line):
            yield "titan-verify --help", line


def readme_of(root):
    """Without the blocks, whose lines are looked at one by one."""
    return re.sub(r"^```.*?^```", "", (root / "README.md").read_text(), flags=re.S | re.M)


def main(root, build):
    problems, looked = [], 0
    for path, source in house.sources(root).items():
        for text in texts(source):
            looked += bool(NAMED.search(text))
            if PIPE.search(text):
                problems.append(f"{path}: a pipe for whoever pastes it: {text[:200]}")
    for path in house.tracked(root):
        if not path.endswith(".scd") and path != "README.md":
            continue
        for number, line in enumerate((root / path).read_text().splitlines(), 1):
            line = re.sub(r"[*_\\]", "", line) if path.endswith(".scd") else line
            looked += bool(NAMED.search(line))
            if PIPE.search(line) and not line.startswith("|"):
                problems.append(f"{path}:{number}: a pipe for whoever pastes it: {line}")
    commands = {where.split()[1] for where, _ in usages(build)} | {"titan-fsm", "titan-verify"}
    for span in re.findall(r"`([^`]+)`", readme_of(root)):
        if span.split()[:1] and span.split()[0] in commands and "|" in span:
            problems.append(f"README.md: a pipe for whoever pastes it: {span}")
    for where, line in usages(build):
        looked += 1
        if PIPE.search(line):
            problems.append(f"{where}: a pipe for whoever pastes it: {line}")
    if looked < 150:
        problems.append(f"only {looked} hints were found: this test looks at nothing")
    house.end(problems, f"{looked} texts that name a command, none of them with a pipe")


main(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]))
