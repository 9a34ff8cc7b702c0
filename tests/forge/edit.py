"""Finding and changing one thing in a journal: what the named cases are written in."""

import copy
import json

import mutate


def transition(journal, action, nth=-1):
    """The nth good transition that answers this action (or transition by this event)."""
    named = list(mutate.actions(journal.entries))
    found = [
        entry
        for entry, name in zip(journal.entries, named)
        if entry["type"] == "transition" and (name == action or entry["body"]["event"] == action)
    ]
    return found[nth]


def of_type(journal, type_, nth=0):
    return [entry for entry in journal.entries if entry["type"] == type_][nth]


def intent(journal, action, nth=-1):
    found = [
        entry
        for entry in journal.entries
        if entry["type"] == "intent" and entry["body"]["action"] == action
    ]
    return found[nth]


def sample(journal, number):
    return [
        entry
        for entry in journal.entries
        if entry["type"] == "sample" and entry["body"]["n"] == number
    ][-1]


def item(entry, probe, nth=0, subject=None):
    found = [
        one
        for one in entry["body"]["evidence"]
        if one["probe"] == probe and subject in (None, one["subject"])
    ]
    return found[nth]


def drop(entry, probe, nth=0, subject=None):
    one = item(entry, probe, nth, subject)
    entry["body"]["evidence"] = [two for two in entry["body"]["evidence"] if two is not one]


def put(journal, one, text):
    mutate.replace(journal, one, text)


def add_behind(entry, one, made):
    items = entry["body"]["evidence"]
    at = next(place for place, two in enumerate(items) if two is one)
    items.insert(at + 1, made)


def copy_behind(entry, one, **changes):
    """A later copy of an item, behind it, with something else in it."""
    made = dict(copy.deepcopy(one), **changes)
    made["sent_ns"] = made["received_ns"] = one["received_ns"]
    add_behind(entry, one, made)
    return made


def rows(journal, one):
    return [json.loads(line) for line in journal.text(one).splitlines()]


def put_rows(journal, one, made):
    lines = sorted(json.dumps(row, separators=(",", ":")) for row in made)
    put(journal, one, "".join(line + "\n" for line in lines))


def change_rows(journal, entry, probe, name, **changes):
    """In every item of the probe in the entry: the rows of this service (`name`) get other
    values."""
    for one in entry["body"].get("evidence", []):
        if one["probe"] == probe:
            made = [
                dict(row, **changes) if row["service"] == name else row
                for row in rows(journal, one)
            ]
            put_rows(journal, one, made)


def change_json(owner, one, **changes):
    made = dict(json.loads(owner.text(one)), **changes)
    put(owner, one, json.dumps(made, separators=(",", ":")) + "\n")


def add_line(journal, one, message, before=False):
    """A line behind the last, or in front of the first, with its timestamp."""
    lines = journal.text(one).splitlines()
    stamp = lines[0 if before else -1].split(" ", 1)[0]
    lines.insert(0 if before else len(lines), f"{stamp} {message}")
    put(journal, one, "".join(line + "\n" for line in lines))


def replace_line(journal, one, old, new):
    text = journal.text(one)
    assert old in text, old
    put(journal, one, text.replace(old, new))


def insert_entry(journal, place, entry):
    journal.entries.insert(place, entry)
    mutate.renumber(journal, place)


def remove_entry(journal, entry):
    place = journal.entries.index(entry)
    journal.entries.pop(place)
    mutate.renumber(journal, place)


def later(journal, entry, ms):
    """Everything from this entry on happens `ms` later, with its evidence."""
    for one in journal.entries[journal.entries.index(entry) :]:
        one["boottime_ns"] += ms * 1_000_000
        one["utc"] = shifted_utc(one["utc"], ms)
        for evidence in one["body"].get("evidence", []):
            mutate.shift(evidence, ms * 1_000_000)


def shifted_utc(utc, ms):
    hours, minutes, seconds = int(utc[11:13]), int(utc[14:16]), int(utc[17:19])
    whole = (hours * 3600 + minutes * 60 + seconds) * 1000 + int(utc[20:23]) + ms
    rest = utc[23:]
    text = f"{whole // 3600000:02d}:{whole // 60000 % 60:02d}:{whole // 1000 % 60:02d}"
    return f"{utc[:11]}{text}.{whole % 1000:03d}{rest}"
