#!/usr/bin/env python3
"""Each named case has the verdict that it must have, by the rule that it breaks; the honest journal
that it was made from is proven; and every rule of journal/FORMAT.md has a case.

cases.py [--only WORD] [--show]"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile

import cases_arming
import cases_as_before
import cases_edges
import cases_excepted
import cases_findings
import cases_first
import cases_fresh
import cases_guard
import cases_guard_fired
import cases_images
import cases_insider
import cases_interrupted
import cases_last_look
import cases_limits
import cases_moments
import cases_named
import cases_noticed
import cases_odd
import cases_persons
import cases_rules
import cases_seen
import cases_services
import cases_settling
import cases_voices
import cases_voiced
import cases_window
import journals
from bundle import JOURNAL
from story import LIMITS

BUILD = os.environ["TITAN_BUILD"]
FORMAT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../journal/FORMAT.md")
CASES = cases_named.CASES + cases_rules.CASES + cases_voices.CASES + cases_window.CASES
CASES += cases_last_look.CASES + cases_voiced.CASES + cases_arming.CASES
CASES += cases_insider.CASES + cases_moments.CASES + cases_persons.CASES
CASES += cases_excepted.CASES + cases_seen.CASES
CASES += cases_limits.CASES + cases_findings.CASES + cases_services.CASES + cases_images.CASES
CASES += cases_first.CASES + cases_fresh.CASES + cases_edges.CASES
CASES += cases_interrupted.CASES + cases_noticed.CASES
CASES += cases_guard.CASES + cases_guard_fired.CASES
CASES += cases_settling.CASES + cases_as_before.CASES + cases_odd.CASES


def rules_of_format():
    with open(FORMAT, encoding="utf-8") as file:
        return re.findall(r"^\* \*\*([A-Z]-\d\d)\*\*", file.read(), re.M)


def verify(folder, driver, journal, case=None):
    """(exit status, rules that the report names, report)"""
    path, trust = os.path.join(folder, "case.bundle"), os.path.join(folder, "trust")
    limits = os.path.join(folder, "limits.yml")
    journal.write(path)
    with open(trust, "w", encoding="utf-8") as file:
        file.write(driver.alice.line("alice@example", (JOURNAL,)) + "\n")
    with open(limits, "w", encoding="utf-8") as file:
        given = case.limits if case is not None and case.limits else LIMITS
        file.writelines(f"{key}: {value}\n" for key, value in given.items())
    page = os.path.join(folder, "page.html")
    command = [os.path.join(BUILD, "verify/titan-verify"), path, "--trust", trust]
    command += ["--target", "titan-forge", "--limits", limits, "--deployment", "all", "--json"]
    if case is not None:
        command += case.arguments + (["--html", page] if case.html else [])
    done = subprocess.run(command, capture_output=True, check=False, text=True)
    try:
        report = json.loads(done.stdout)
    except ValueError:
        report = {}
    if case is not None and case.html and not os.path.exists(page):
        print(f"{case.name}: no page was written")
        return -1, set(), report
    return done.returncode, rules_named(report), report


def rules_named(report):
    """Every `rule` and every member of `rules` in it, wherever they stand."""
    found = set()
    if isinstance(report, dict):
        for key, value in report.items():
            if key == "rule" and isinstance(value, str):
                found.add(value)
            elif key == "rules" and isinstance(value, list):
                found.update(word for word in value if isinstance(word, str))
            found |= rules_named(value)
    elif isinstance(report, list):
        for value in report:
            found |= rules_named(value)
    return found


def against(report):
    return [
        f"{claim['claim']} {claim['verdict']}: {claim['sentence']}"
        for deployment in report.get("deployments", [])
        for claim in deployment["claims"]
        if claim["verdict"] in ("violated", "undecidable")
    ]


def check(folder, case, show):
    driver, journal = case.make()
    status, found, report = verify(folder, driver, journal, case)
    good = status in case.exit_status and bool(found & set(case.finds))
    if not good or show:
        wanted = f"{case.exit_status} by {case.finds}"
        print(f"{case.name}: exit {status} by {sorted(found)}, wanted {wanted}")
        print(*against(report), sep="\n", end="\n\n")
    return good


def honest(folder, name):
    driver = journals.ALL[name]()
    status, _, report = verify(folder, driver, driver.journal)
    if status != 0:
        print(f"{name} is honest and ended with {status}", *against(report), sep="\n  ")
    return status == 0


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", default="")
    parser.add_argument("--show", action="store_true")
    options = parser.parse_args()
    rules, cases = rules_of_format(), [case for case in CASES if options.only in case.name]
    missing = sorted(set(rules) - {case.rule for case in CASES})
    unknown = sorted({case.rule for case in CASES} - set(rules))
    names = {case.base for case in cases if isinstance(case.base, str)}
    with tempfile.TemporaryDirectory() as folder:
        wrong = sum(not honest(folder, name) for name in sorted(names))
        bad = sum(not check(folder, case, options.show) for case in cases)
    print(
        f"{len(rules)} rules; without a case: {missing or 'none'}; of no rule: {unknown or 'none'};"
        f" {len(cases)} cases, {bad} wrong; {len(names)} honest journals, {wrong} not proven"
    )
    return 1 if wrong or bad or missing or unknown or len(rules) < 100 else 0


if __name__ == "__main__":
    sys.exit(main())
