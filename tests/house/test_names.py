#!/usr/bin/env python3
"""Goal: the name of a function is unique in the whole project, statics included, so that grep, a
trace and a debugger name one place.

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


def main():
    root, problems = house.root_of_arguments(), []
    places = collections.defaultdict(list)
    for path, text in house.sources(root).items():
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
