"""Bundles for test_verify_rules: the honest journals of tests/forge, every case of a rule, and a
sample of the systematic changes. make_cases.py FOLDER STAMP"""

import hashlib
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../forge"))
os.environ.setdefault("TITAN_BUILD", "")  # no verifier runs here

import cases  # noqa: E402
import journals  # noqa: E402
import journals_failing  # noqa: E402
import journals_guard  # noqa: E402
import journals_more  # noqa: E402
import journals_odd  # noqa: E402
import mutate  # noqa: E402
import mutate_whole  # noqa: E402
from bundle import JOURNAL  # noqa: E402
from story import LIMITS  # noqa: E402

CHANGES = 400
UNCHANGED = {**journals_odd.ALL, **journals_failing.ALL}
UNCHANGED |= {key: one for key, one in journals_guard.ALL.items() if key not in journals.ALL}
# Changes that notice what nothing else does
MORE = (("failing_deploy_execution", "redeploy logs.execution moved entry 27"),)
WHOLE = ("release_unhealthy", "policy", "aborted", "by_hand", "resumed")


def write(folder, name, driver, journal, limits):
    path = os.path.join(folder, name)
    journal.write(path + ".bundle")
    with open(path + ".trust", "w", encoding="utf-8") as file:
        file.write(driver.alice.line("alice@example", (JOURNAL,)) + "\n")
    with open(path + ".yml", "w", encoding="utf-8") as file:
        file.writelines(f"{key}: {value}\n" for key, value in limits.items())
    return name


def make(folder):
    stories = {**journals.ALL, **journals_more.ALL, **UNCHANGED, **mutate_whole.STORIES}
    honest = {name: story() for name, story in stories.items()}
    for name, driver in honest.items():
        yield write(folder, "honest_" + name, driver, driver.journal, LIMITS)
    for case in cases.CASES:
        if not case.arguments:
            driver, journal = case.make()
            yield write(folder, case.name, driver, journal, case.limits or LIMITS)
    changed = {name: driver for name, driver in honest.items() if name not in UNCHANGED}
    for word, (name, change) in [*chosen(changed), *more(changed)]:
        driver = honest[name]
        yield write(folder, f"change_{word}", driver, change.apply(driver.journal), LIMITS)
    for name in WHOLE:
        for word, journal in mutate_whole.each(honest[name].journal):
            yield write(folder, f"change_{name[:7]}_{word}", honest[name], journal, LIMITS)


def chosen(honest):
    """One change of a kind, of some journal, and of the kinds so many; by their hashes, so that a
    kind more leaves the others where they are."""
    kinds = {}
    for name, driver in honest.items():
        for change in mutate.each(driver.journal):
            word = hashlib.sha256(f"{name} {change.name()}".encode()).hexdigest()[:12]
            kind = change.kind()
            if kind not in kinds or word < kinds[kind][0]:
                kinds[kind] = word, (name, change)
    return sorted(kinds.values(), key=lambda one: one[0])[:CHANGES]


def more(honest):
    for name, wanted in MORE:
        change = next(one for one in mutate.each(honest[name].journal) if one.name() == wanted)
        yield hashlib.sha256(f"{name} {wanted}".encode()).hexdigest()[:12], (name, change)


def main(folder, stamp):
    os.makedirs(folder, exist_ok=True)
    names = list(make(folder))
    with open(stamp, "w", encoding="utf-8") as file:
        file.writelines(name + "\n" for name in names)


if __name__ == "__main__":
    main(*sys.argv[1:])
