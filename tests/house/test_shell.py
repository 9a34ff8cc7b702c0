#!/usr/bin/env python3
"""Goal: no byte of the target or of the configuration gets into a script unquoted.

Every format in actions/ that text is built with is read: what stands for a %s is a word of this
program, a word that the configuration's reader has narrowed to letters (FIELD_WORDS), or one of
the named exceptions. Everything else goes by text_add_quoted(), which is the only way for a
foreign byte.

usage: test_shell.py ROOT"""
import re

import house

# A command is a `script` or what a struct text holds (target/command.h).
BUILDERS = r"(text_add_format|snprintf)\("
SCRIPTS = re.compile(r"script")
# Kinds of argument, whole.
HARMLESS = (
    r"[A-Z][A-Z0-9_]+",  # a constant of the program
    r'.* \? (".*"|[A-Z_]+) : (".*"|[A-Z_]+)',  # one of two words of the program
    # FIELD_WORDS: letters, digits, '.', '_', '-', '/', '=', ':' and blanks
    r"(|target->|setup->target\.|target_setup\((check->)?target\)->target\.)docker",
    r"compose->command",
    r"endpoint->exec",
    r"target_setup\(target\)->services\.safe_command",
)
EXCEPTIONS = {
    ("actions/target/envelope.c", "mark"): "our own hex digits",
    ("actions/target/envelope.c", "setup->directory"): "a path, quoted whole by its callers",
    ("actions/target/envelope.c", "setup->state"): "the same",
    ("actions/target/envelope.c", "name"): "the same: of this program, and checked ids",
    ("actions/target/envelope.c", "tenancy->journal"): "of our journal; quoted whole",
    ("actions/tenancy.c", "draft"): "one of two words",
    ("actions/tenancy.c", "hash"): "hex digits of our own",
    ("actions/tenancy.c", "sent"): "hex digits of our own",
    ("actions/logs.c", "lines"): "an option with a number",
    ("actions/logs.c", "container->id"): "checked for 64 hex digits",
    ("actions/health.c", "container->id"): "checked for 64 hex digits",
    ("actions/interlock.c", "container->id"): "checked for 64 hex digits",
    ("actions/git.c", "repository->remote"): "a ref's name, quoted whole",
    ("actions/git.c", "repository->branch"): "the same",
    ("actions/git.c", "commit"): "checked for 40 hex digits",
    ("actions/git.c", "from"): "checked for 40 hex digits",
    ("actions/git.c", "to"): "checked for 40 hex digits",
    ("actions/compose/compose_pin.c", "container->image"): "check_container(): 64 hex digits",
    ("actions/compose/compose_pin.c", "container->service"): "check_container(): compose's rule",
    ("actions/compose/compose_pin.c", "service"): "the subject of evidence, not a script",
    ("actions/compose/compose_pin.c", "id"): "checked for 64 hex digits",
    ("actions/compose/compose_pin.c", "containers->list[i].id"): "checked for 64 hex digits",
    ("actions/guard/guard_plan.c", "(const char *)command->input"): "quoted whole by its caller",
    ("actions/rolled_back.c", "commit"): "checked for 40 hex digits",
    ("actions/checklist/check_operations.c", "base"): "a url, not a script",
    ("actions/checklist/check_operations.c", "path"): "the same",
    ("actions/checklist/check_operations.c", "item->prometheus_query"): "a query, not a script",
}


def arguments(text, at):
    """The arguments of the call whose parenthesis was just opened at `at`."""
    depth, begin, found = 1, at, []
    while depth > 0:
        if text[at] == '"':
            at = re.compile(r'"(?:\\.|[^"\\])*"').match(text, at).end()
            continue
        depth += {"(": 1, "[": 1, "{": 1, ")": -1, "]": -1, "}": -1}.get(text[at], 0)
        if depth == 0 or (depth == 1 and text[at] == ","):
            found.append(" ".join(text[begin:at].split()))
            begin = at + 1
        at += 1
    return found


def words_of(call, parts):
    """What stands for each %s of a call."""
    first = {"text_add_format": 1, "snprintf": 2}[call]
    form = "".join(re.findall(r'"((?:\\.|[^"\\])*)"', parts[first]))
    given = iter(parts[first + 1 :])
    for star, kind in re.findall(r"%(?:%|[-0-9]*(?:\.(\*|\d+))?(?:ll|l|h|z)?([a-zA-Z]))", form):
        if star == "*":
            next(given)
        if kind and kind != "%":
            word = next(given, "")
            if kind == "s":
                yield word


def check(path, text, seen, problems):
    for match in re.finditer(BUILDERS, text):
        parts = arguments(text, match.end())
        if match[1] == "snprintf" and not SCRIPTS.fullmatch(parts[0]):
            continue
        if len(parts) < 2 or '"' not in "".join(parts):
            continue
        for word in words_of(match[1], parts):
            seen.add((path, word))
            known = (path, word) in EXCEPTIONS
            if not known and not any(re.fullmatch(form, word) for form in HARMLESS):
                line = text.count("\n", 0, match.start()) + 1
                problems.append(f"{path}:{line}: {word} stands unquoted in a format")


def main():
    problems, seen = [], set()
    for path, text in house.sources(house.root_of_arguments()).items():
        if path.startswith("actions/") and path.endswith(".c"):
            check(path, text, seen, problems)
    for path, word in EXCEPTIONS:
        if (path, word) not in seen:
            problems.append(f"tests/house/test_shell.py: {path} has no {word} any more")
    house.end(problems, f"{len(seen)} words in formats, each quoted or known")


main()
