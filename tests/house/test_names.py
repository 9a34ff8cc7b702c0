#!/usr/bin/env python3
"""Goal: the name of a function is unique in the whole project, statics included, so that grep, a
trace and a debugger name one place; and a probe or a type of an entry is written once, in
journal/format/names.h (the verifier: verify/read/names.h), and named by its constant elsewhere.

usage: test_names.py ROOT"""
import collections
import re

import house

# Each program has its own.
SHARED = {"main"}
# Names that still stand twice. One that is unique now is removed here: the test fails until it is.
KNOWN = set()


def functions(text):
    """Names of the functions defined in a file. Style puts the brace of a body, and of nothing
    else, alone into the first column."""
    lines = text.splitlines()
    for number, line in enumerate(lines):
        if line != "{":
            continue
        head = number - 1
        while head > 0 and not re.match(r"($|[}#]|.*;$|.*\*/$)", lines[head - 1]):
            head -= 1
        declared = " ".join(lines[head:number])
        found = re.search(r"(\w+)\(", re.sub(r"__attribute__\(\(.*?\)\)", "", declared))
        if found:
            yield found.group(1)


LISTS = ("journal/format/names.h", "verify/read/names.h")


def literals(path, text, probes):
    """(line, literal) of each probe or type that is not named by its constant: what can be nothing
    but a probe, and what a probe or a type is compared with."""
    compared = r'(?:"probe"\)|\bprobe|->type|\.type), ?("[a-z._]+")'
    for number, line in enumerate(text.splitlines(), 1):
        found = [word for word in re.findall(r'"[a-z_]+\.[a-z_]+"', line) if word in probes]
        if "strcmp(" in line:
            found += re.findall(compared, line)
        for word in found:
            yield number, word


def main():
    root, problems = house.root_of_arguments(), []
    places = collections.defaultdict(list)
    files = house.sources(root)
    probes = set(re.findall(r'define PROBE_\w+ ("[a-z_.]+")', files[LISTS[0]]))
    if len(probes) < 20:
        problems.append(f"only {len(probes)} probes were found: this test looks at nothing")
    for path, text in files.items():
        if path not in LISTS:
            problems += [
                f"{path}:{number}: {word} stands there in place of its constant"
                for number, word in literals(path, text, probes)
            ]
        for name in functions(text):
            places[name].append(path)
    if len(places) < 1000:
        problems.append(f"only {len(places)} functions were found: this test looks at nothing")
    found = {
        name: "is defined in " + ", ".join(paths)
        for name, paths in places.items()
        if len(paths) > 1 and name not in SHARED
    }
    house.exempted(found, KNOWN, "defined twice", problems)
    house.end(problems, f"{len(places)} functions, {len(found)} names twice, as known")


main()
