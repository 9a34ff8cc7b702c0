#!/usr/bin/env python3
"""check_model.py EXPORT_TABLE MODEL WORD: the real table and the model, searched through by spin.

quick     both procedures, with one thing that the world does by itself; a handful of the mutants
          is refuted.
long      with a takeover, or with two things; every end is reached.
mutants   every mutant; all but one at most must be refuted."""
import pathlib
import re
import subprocess
import sys
import tempfile

from mutants import MODEL, MUTANTS, TABLE

DEPTH = "200000"
HANDFUL = 4
QUICK = [{"ODD": "1", "TAKEOVER": "0"}]
TAKEOVER = [{"ODD": "0", "TAKEOVER": "1"}]
LONG = TAKEOVER + [{"ODD": "2", "TAKEOVER": "0"}]
# Without these a model that allows nothing would show everything.
REACHED = [
    "state == S_COMPLETED",
    "state == S_ABORTED",
    "state == S_ROLLED_BACK",
    "state == S_ROLLED_BACK && seen",
    "state == S_ROLLED_BACK && epoch == 1",
    "state == S_ROLLBACK_FAILED",
    "guard_step == 4 && !guard_failed",
    "guard_failed",
]


def search(texts, procedure, choices):
    """What the search found: its first error, or "" ; and how many states there are."""
    with tempfile.TemporaryDirectory() as scratch:
        for name, text in texts.items():
            pathlib.Path(scratch, name).write_text(text)
        words = [f"-D{name}={value}" for name, value in choices.items()]
        for command in (
            ["spin", "-a", f"-DPROCEDURE=P_{procedure}", *words, MODEL],
            ["gcc", "-w", "-O0", "-DSAFETY", "-DNOFAIR", "-o", "pan", "pan.c"],
            ["./pan", f"-m{DEPTH}", "-n"],
        ):
            done = subprocess.run(
                command, cwd=scratch, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
            )
            if done.returncode != 0:
                raise SystemExit(f"{' '.join(command)}: {done.stdout}")
        if "max search depth too small" in done.stdout:
            raise SystemExit("the search is not whole: DEPTH is too small")
        states = int(re.search(r"(\d+) states, stored", done.stdout).group(1))
        error = re.search(r"^pan:1: (.*)$", done.stdout, re.MULTILINE)
        return error.group(1) if error else "", states


def holds(texts, all_choices):
    good = True
    for procedure in ("RELEASE", "POLICY"):
        for choices in all_choices:
            error, states = search(texts, procedure, choices)
            print(f"{procedure.lower()} {choices}: {states} states {error}", flush=True)
            good = good and error == ""
    return good


def reaches(texts):
    good = True
    for condition in REACHED:
        asked = {**texts, MODEL: f"#define REACH ({condition})\n{texts[MODEL]}"}
        error, _ = search(asked, "RELEASE", {"ODD": "1", "TAKEOVER": "1"})
        if not error.startswith("assertion violated 0"):
            print(f"never reached: {condition} {error}")
            good = False
    return good


def mutate(texts, changes):
    mutant = dict(texts)
    for name, old, new in changes:
        if mutant[name].count(old) != 1:
            raise SystemExit(f"mutants.py: not exactly once in {name}: {old}")
        mutant[name] = mutant[name].replace(old, new)
    return mutant


def refuted(texts, mutants):
    survivors = 0
    for name, procedure, changes in mutants:
        error = ""
        for choices in QUICK + TAKEOVER:
            error = error or search(mutate(texts, changes), procedure, choices)[0]
        print(f"{name}: {error or 'NOT REFUTED'}", flush=True)
        survivors += error == ""
    return survivors


def main():
    export_table, model, word = sys.argv[1:]
    table = subprocess.run([export_table], stdout=subprocess.PIPE, text=True, check=True).stdout
    texts = {TABLE: table, MODEL: pathlib.Path(model).read_text()}
    if word == "quick":
        good = holds(texts, QUICK) and refuted(texts, MUTANTS[:HANDFUL]) == 0
    elif word == "long":
        good = holds(texts, LONG) and reaches(texts)
    else:
        good = refuted(texts, MUTANTS) <= 1
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
