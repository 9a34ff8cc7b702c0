"""Edits that stay consistent: what an insider with the right keys would change together."""

import copy
import json

import edit
import mutate
from target import BRAIN, EXECUTION, SUBJECT_ARM, SUBJECT_DISARM, digest

VOICES = ("bus.policy_hash", "logs.execution", "logs.brain", "logs.errors")


def place(journal, entry):
    return next(at for at, one in enumerate(journal.entries) if one is entry)


def behind(journal, entry):
    """The entries from this one on, it included."""
    return journal.entries[place(journal, entry) :]


def items(entries, *probes):
    for entry in entries:
        for one in entry["body"].get("evidence", []):
            if one["probe"] in probes:
                yield one


def reword(journal, entries, probes, old, new):
    """The same words exchanged in every item of these probes."""
    for one in items(entries, *probes):
        text = journal.text(one)
        if old in text:
            edit.put(journal, one, text.replace(old, new))


def rerow(journal, entries, service, **changes):
    """The rows of a service in every list of these entries."""
    for entry in entries:
        edit.change_rows(journal, entry, "compose.containers", service, **changes)


def add_container(journal, one, service, **changes):
    """One more container of a service in one list."""
    made = edit.rows(journal, one)
    first = next(row for row in made if row["service"] == service)
    more = dict(first, id=digest("one more", service), name=first["name"] + "b", **changes)
    edit.put_rows(journal, one, made + [more])


def policy_of(journal, entry):
    return json.loads(journal.text(edit.item(entry, "bus.policy_hash")))["policy_hash"]


def other_policy(journal, entries):
    """Every voice of these entries names another policy, all of them the same."""
    entries = list(entries)
    first = next(entry for entry in entries if any(items([entry], "bus.policy_hash")))
    reword(journal, entries, VOICES, policy_of(journal, first), digest("policy", "another"))


def say(journal, entries, probe, message, behind_words):
    """A line, in each log of these entries that has the words, right behind the line with them."""
    for one in items(entries, probe):
        lines = journal.text(one).splitlines()
        for at, line in enumerate(lines):
            if behind_words in line:
                stamp = line.split(" ", 1)[0]
                lines.insert(at + 1, f"{stamp} {message}")
                edit.put(journal, one, "".join(line + "\n" for line in lines))
                break


def unsay(journal, entries, probe, words):
    """The lines with the words are gone."""
    for one in items(entries, probe):
        lines = [line for line in journal.text(one).splitlines() if words not in line]
        edit.put(journal, one, "".join(line + "\n" for line in lines))


def later_items(entry, ms, first=0):
    """The items from `first` on, and the entry, are `ms` later."""
    for one in entry["body"]["evidence"][first:]:
        mutate.shift(one, ms * 1_000_000)


def remove_entries(journal, entries):
    first = place(journal, entries[0])
    for entry in entries:
        journal.entries.pop(place(journal, entry))
    mutate.renumber(journal, first)


def insert_behind(journal, entry, type_, body, signer=None):
    """An entry right behind another one, a millisecond later."""
    made = copy.deepcopy(entry)
    made.update(type=type_, body=body, seq=-1)
    made["boottime_ns"] += 1_000_000
    made["utc"] = edit.shifted_utc(made["utc"], 1)
    if signer is not None:
        made["signer"] = signer
    edit.insert_entry(journal, place(journal, entry) + 1, made)
    return made


def stranger_arms(driver):
    driver.target.receive(SUBJECT_ARM, "a stranger")
    driver.target.wait(5)


def stranger_disarms(driver):
    driver.target.receive(SUBJECT_DISARM, "a stranger")
    driver.target.wait(5)


def recreated(driver, service):
    """Somebody else re-creates a container from the same image, and it says the same again."""
    driver.target.create(service, driver.target.version)
    driver.target.wait(1000)


def brain_again(driver):
    recreated(driver, BRAIN)


def execution_again(driver):
    recreated(driver, EXECUTION)
