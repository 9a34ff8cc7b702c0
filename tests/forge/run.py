#!/usr/bin/env python3
"""No changed journal may be proven, and every honest one must be.

run.py [--sample N] [--seed S] [--only WORD] [--of JOURNAL] [--keep FOLDER] [--scripted N]
       [--jobs N] [--bundle FILE TRUST TARGET LIMITS]...
Each honest journal (journals.py, N of the real driver in scripted worlds, any bundle given) is
signed again under own keys and must be proven. Then each change of mutate.py (a sample with a fixed
seed, or all) is verified: it must not be proven any more, or be in expected.py with its reason. Of
the scripted journals one of a kind is changed. One finding alone: --only and --of name the change
and the journal, --keep leaves the changed bundle with the arguments to verify it."""

import argparse
import collections
import contextlib
import json
import multiprocessing
import os
import random
import re
import subprocess
import sys
import tempfile
import time

import expected
import journals
import journals_failing
import journals_first
import journals_guard
import journals_more
import journals_odd
import mutate
import resign
from bundle import JOURNAL
from story import LIMITS

# Thousands of times: without the sanitizers, where there is such a build
BUILD = os.environ["TITAN_BUILD"]
VERIFY = os.path.join(os.environ.get("TITAN_PLAIN_BUILD", BUILD), "verify/titan-verify")


OTHERS = {**journals_more.ALL, **journals_first.ALL, **journals_odd.ALL, **journals_failing.ALL}
OTHERS |= {key: one for key, one in journals_guard.ALL.items() if key not in journals.ALL}
SCRIPTED = os.path.join(BUILD, "tests/forge/scripted_journals")
SCRIPTED_LIMITS = "window_ms: 1000\nsample_interval_ms: 500\n"


PLACES = re.compile(r"([Ee]ntry|entries|[Dd]eployment) \d+")


class Honest:
    """A journal and what is needed to verify it. `changed`: the forger changes it."""

    def __init__(self, name, journal, trust, target, limits, changed=True):
        self.name, self.journal, self.target = name, journal, target
        self.trust, self.limits, self.changed = trust, limits, changed

    def arguments(self):
        limits = ["--limits", self.limits] if self.limits else []
        return ["--trust", self.trust, "--target", self.target, "--deployment", "all", *limits]


def write(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return path


def own_journals(folder):
    limits = write(
        os.path.join(folder, "limits.yml"),
        "".join(f"{key}: {value}\n" for key, value in LIMITS.items()),
    )
    for name, story in {**journals.ALL, **OTHERS}.items():
        driver = story()
        trust = os.path.join(folder, name + ".trust")
        write(trust, driver.alice.line("alice@example", (JOURNAL,)) + "\n")
        changed = name in journals.ALL
        yield Honest(name, driver.journal, trust, "titan-forge", limits, changed)


def foreign_journals(folder, given):
    for number, (path, trust, target, limits) in enumerate(given):
        journal, text = resign.adopt(path, trust)
        own = write(os.path.join(folder, f"bundle{number}.trust"), text)
        yield Honest(os.path.basename(path), journal, own, target, limits)


def scripted_journals(folder, count):
    """Of the real driver; one of each kind is changed."""
    done = subprocess.run(
        [SCRIPTED, folder, str(count)], capture_output=True, check=True, encoding="utf-8"
    )
    limits, seen = write(os.path.join(folder, "scripted.yml"), SCRIPTED_LIMITS), set()
    for line in done.stdout.splitlines():
        number, kind, _ = line.split()
        path = os.path.join(folder, number)
        journal, text = resign.adopt(path + ".bundle", path + ".trust")
        own = write(path + ".own", text)
        name = f"scripted {kind} {number}"
        yield Honest(name, journal, own, "titan-test", limits, kind not in seen)
        seen.add(kind)


def verify(honest, journal, path):
    """(exit status, {(deployment, claim): (verdict, sentence)}). Numbers of entries are left out:
    they move where an entry is taken away."""
    journal.write(path)
    done = subprocess.run(
        [VERIFY, path, *honest.arguments(), "--json"], capture_output=True, check=False
    )
    claims = {}  # and what the report names besides, with the claim "named"
    try:
        report = json.loads(done.stdout)
    except ValueError:
        report = {"deployments": []}
    for place, deployment in enumerate(report["deployments"]):
        for claim in deployment["claims"]:
            sentence = PLACES.sub(r"\1", claim["sentence"])
            claims[place, claim["claim"]] = claim["verdict"], sentence
    named = [PLACES.sub(r"\1", one["sentence"]) for one in report.get("named", [])]
    claims[None, "named"] = None, " ".join(named)
    return done.returncode, claims


class Worker:
    """Changes and verifies; one a process, with a file of its own."""

    def __init__(self, all_honest, changes, before, folder, keep):
        self.all_honest, self.changes = all_honest, changes
        self.before, self.folder, self.keep = before, folder, keep

    def outcome(self, number):
        place, change = self.changes[number]
        honest = self.all_honest[place]
        path = os.path.join(self.folder, f"{os.getpid() if not self.keep else number}.bundle")
        status, claims = verify(honest, change.apply(honest.journal), path)
        told = {key[1] for key, value in self.before[place].items() if claims.get(key) != value} - {
            "integrity"
        }
        return number, status, told


WORKER = None


def outcome(number):
    return WORKER.outcome(number)


def control(all_honest, folder):
    """The honest journals; returns their claims, and how many are not proven."""
    before, wrong = [], 0
    for honest in all_honest:
        status, claims = verify(honest, honest.journal, os.path.join(folder, "control.bundle"))
        before.append(claims)
        if status != 0:
            wrong += 1
            bad = [
                f"{key[0]} {key[1]}: {value[1]}"
                for key, value in claims.items()
                if value[0] not in ("proven", "not applicable", None)
            ]
            print(f"FALSE ALARM: {honest.name} is honest and ended with {status}", *bad, sep="\n  ")
    return before, wrong


def folder_for(keep):
    if keep is None:
        return tempfile.TemporaryDirectory()
    os.makedirs(keep, exist_ok=True)
    return contextlib.nullcontext(keep)


def tell_kept(all_honest, changes, folder):
    for number, (place, change) in enumerate(changes):
        honest = all_honest[place]
        print(f"{honest.name}: {change.name()}:")
        print("  titan-verify", os.path.join(folder, f"{number}.bundle"), *honest.arguments())


def select(all_honest, options):
    changes = [
        (place, change)
        for place, honest in enumerate(all_honest)
        if honest.changed and options.of in (None, honest.name)
        for change in mutate.each(honest.journal)
        if options.only is None or options.only in change.name()
    ]
    kinds = {change.kind() for _, change in changes}
    if options.sample is None or options.sample >= len(changes):
        return changes, kinds
    return random.Random(options.seed).sample(changes, options.sample), kinds


def main():
    global WORKER
    parser = argparse.ArgumentParser()
    parser.add_argument("--sample", type=int)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only")
    parser.add_argument("--of")
    parser.add_argument("--keep")
    parser.add_argument("--show", type=int, default=40)
    parser.add_argument("--scripted", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--bundle", nargs=4, action="append", default=[])
    options = parser.parse_args()
    begun = time.monotonic()
    with folder_for(options.keep) as folder:
        all_honest = [*own_journals(folder), *foreign_journals(folder, options.bundle)]
        if options.scripted:
            all_honest += scripted_journals(folder, options.scripted)
        before, wrong = control(all_honest, folder)
        changes, kinds = select(all_honest, options)
        WORKER = Worker(all_honest, changes, before, folder, options.keep)
        unexplained, statuses = collections.Counter(), collections.Counter()
        with multiprocessing.Pool(options.jobs) as pool:
            for number, status, told in pool.imap_unordered(outcome, range(len(changes)), 16):
                statuses[status] += 1
                place, change = changes[number]
                if not 0 <= status <= 5:
                    wrong += 1
                    print(f"{all_honest[place].name}: {change.name()}: ended with {status}")
                if status == 0 and not expected.explains(change, all_honest[place], told):
                    kind = change.kind() + (all_honest[place].name,)
                    if kind not in unexplained:
                        print(f"PROVEN: {kind[-1]}: {change.name()}", flush=True)
                    unexplained[kind] += 1
    wrong += sum(unexplained.values())
    if options.keep:
        tell_kept(all_honest, changes, folder)
    for kind, count in list(unexplained.items())[: options.show]:
        print(f"UNEXPLAINED PROVEN, {count} times:", *kind)
    print(
        f"{len(all_honest)} honest journals, {len(changes)} changes (of all, {len(kinds)} kinds), "
        f"exit {dict(sorted(statuses.items()))}, {sum(unexplained.values())} unexplained PROVEN "
        f"({len(unexplained)} kinds), {len(expected.EXCEPTIONS)} exceptions, "
        f"{time.monotonic() - begun:.0f} s"
    )
    return 1 if wrong or expected.too_many(kinds) else 0


if __name__ == "__main__":
    sys.exit(main())
