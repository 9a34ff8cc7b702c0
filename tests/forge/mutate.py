"""Systematic changes of a journal: of every item, list, log and entry.

each(journal) yields Change objects. A change is of one (action, probe, mutation); what it should
come to stands in expected.py. apply(journal) gives the changed journal, signed again."""

import copy
import json

import resign
from target import SUBJECT_ARM, digest

OTHER_BOOT = "0b5a17c5-2222-4333-8444-555566667777"
LISTS = ("compose.containers", "compose.images", "compose.drift", "compose.services")
MINUTE_NS = 60_000_000_000
# Another one of the same form
OTHER_LINE = {
    "git.head": "f" * 40,
    "git.branch": "other",
    "git.status": " M docker-compose.prod.yml",
    "hmac.key": "e" * 64,
    "config.hmac": "e" * 64,
    "env.hmac": "e" * 64,
    "policy.hmac": "e" * 64,
    "env.mode": "644 0 0",
    "compose.registry": "elsewhere/web@sha256:" + "e" * 64,
    "env.good": "e" * 64 + "\n600 1000 1000",
}
# What a command printed is for people: nobody reads it, so that emptying it changes nothing.
FOR_PEOPLE = ("act", "compose.up", "compose.pull", "script", "preflight", "git.subject")


class Change:
    def __init__(self, action, probe, mutation, place, work):
        self.action, self.probe, self.mutation = action, probe, mutation
        self.place, self.work = place, work  # the first entry that changes

    def name(self):
        return f"{self.action} {self.probe} {self.mutation} entry {self.place}"

    def kind(self):
        return self.action, self.probe, self.mutation

    def apply(self, journal):
        return resign.changed(journal, self.work, self.place)


def actions(entries):
    """For each entry its action: that of its intent, `failed` in front where it did not succeed, or
    its type."""
    named = {}
    for entry in entries:
        body = entry["body"]
        if entry["type"] == "intent":
            named[entry["seq"]] = body["action"]
    for entry in entries:
        body = entry["body"]
        if entry["type"] == "transition":
            good = body["event"] in ("done", "rearmed")
            yield ("" if good else "failed ") + named.get(body.get("intent"), "operator")
        elif entry["type"] in ("reconciliation", "command"):
            word = named.get(body.get("intent")) or body.get("command")
            yield f"{entry['type']} {word}"
        else:
            yield entry["type"]


def replace(journal, item, data):
    data = data.encode() if isinstance(data, str) else data
    item["output"], item["size"] = journal.blob(data), len(data)


def shift(item, ns):
    item["sent_ns"] += ns
    item["received_ns"] += ns
    for key in ("before_ms", "after_ms", "wall_ms"):
        if key in item.get("target", {}):
            item["target"][key] += ns // 1_000_000


def failed(item):
    """The status that says no."""
    if item["probe"] == "health":
        return 500 if item["status"] != 1 else 2
    return 1 if item["status"] == 0 else item["status"] + 1


def of_item(journal, place, at, action):
    """The changes that every item can suffer."""
    item = journal.entries[place]["body"]["evidence"][at]
    count = len(journal.entries[place]["body"]["evidence"])
    probe = item["probe"]

    def change(mutation, work):
        def on(copy_of):
            work(copy_of, copy_of.entries[place]["body"]["evidence"])

        return Change(action, probe, mutation, place, on)

    yield change("dropped", lambda _, items: items.pop(at))
    yield change("doubled", lambda _, items: items.insert(at, copy.deepcopy(items[at])))
    if count > 1:
        to = count - 1 if at < count - 1 else 0
        yield change("moved", lambda _, items: items.insert(to, items.pop(at)))
    sick = probe == "health" and item["status"] not in (1, 200)  # it cannot become worse
    own_check = probe == "health" and item["status"] == 1  # judged by its status alone
    kept = sick or own_check or probe in FOR_PEOPLE or is_first_answer(journal, place, item)
    if item["size"] > 0 and not kept:
        yield change("emptied", lambda copy_of, items: replace(copy_of, items[at], ""))
    if not sick:
        yield change("failed", lambda _, items: items[at].update(status=failed(items[at])))
    yield change("subject", lambda _, items: items[at].update(subject=items[at]["subject"] + "x"))
    older_ns = older_than_its_intent(journal, place, item)
    yield change("older", lambda _, items: shift(items[at], -older_ns))
    yield change("newer", lambda _, items: shift(items[at], MINUTE_NS))
    if "target" in item:
        yield change("boot", lambda _, items: items[at]["target"].update(boot=OTHER_BOOT))
        if probe not in ("health", "preflight"):  # they need not run there (C-10)
            yield change("nowhere", lambda _, items: items[at].pop("target"))
    for mutation, text in contrary_texts(journal, place, item, is_before_arm(journal, place, at)):
        yield change(mutation, lambda copy_of, items, text=text: replace(copy_of, items[at], text))


def older_than_its_intent(journal, place, item):
    """By how much it must be older: a minute, or where the driver was away for longer, more."""
    seq = journal.entries[place]["body"].get("intent")
    begun = [entry["boottime_ns"] for entry in journal.entries if entry["seq"] == seq]
    return max([MINUTE_NS] + [item["sent_ns"] - at + 1 for at in begun])


def is_first_answer(journal, place, item):
    """An endpoint may answer with nothing, unless it answered with something before."""
    number = journal.entries[place].get("deployment")
    return item["probe"] == "health" and not any(
        one["probe"] == "health" and one["subject"] == item["subject"]
        for entry in journal.entries[:place]
        if entry.get("deployment") == number
        for one in entry["body"].get("evidence", [])
    )


def is_before_arm(journal, place, at):
    """Whether an ARM of the same deployment comes later: until then a DISARM is contrary."""
    number = journal.entries[place].get("deployment")
    for entry in journal.entries[place:]:
        if entry.get("deployment") == number:
            first = at if entry is journal.entries[place] else 0
            for one in entry["body"].get("evidence", [])[first:]:
                if one["probe"] == "bus.publish" and one["subject"] == SUBJECT_ARM:
                    return True
    return False


def contrary_texts(journal, place, item, before_arm):
    """(mutation, output) for what has lists or lines in it."""
    text = journal.text(item)
    if item["probe"] in LISTS:
        yield from of_list(item["probe"], text)
    elif item["probe"] == "logs.errors" and not journal.entries[0]["body"]["patterns"]["errors"]:
        return  # no line is contrary
    elif item["probe"].startswith("logs."):
        # By hand, Brain's last line counts: what it said before is of older times
        by_hand = item["probe"] == "logs.brain" and journal.entries[place]["type"] == "command"
        for mutation, made in of_log(item["probe"], text, before_arm):
            if item["probe"] == "logs.errors":
                made = made.replace("FATAL", journal.entries[0]["body"]["patterns"]["errors"][0])
            if not by_hand or not mutation.endswith(" before"):
                yield mutation, made
    elif item["probe"] == "interlock.marker":
        yield "flipped", "absent\n" if text == "present\n" else "present\n"
    elif item["probe"] == "bus.policy_hash" and item["status"] == 0:
        yield "other hash", json.dumps({"policy_hash": digest("other")})
    elif item["probe"] == "guard" and text != "absent\n":
        yield from of_guard(text)
    elif item["probe"] == "guard.record":
        yield from of_record(text)
    elif item["probe"] == "tenancy":
        yield from of_tenancy(text)
    elif item["probe"] in OTHER_LINE and item["status"] == 0:
        yield "exchanged", OTHER_LINE[item["probe"]] + "\n"
    elif item["probe"] == "health" and item["status"] == 200:
        yield "sick", json.dumps({"status": "error"})


def of_tenancy(text):
    held = json.loads(text)
    yield "other journal", json.dumps(dict(held, journal="f" * 32)) + "\n"
    yield "other head", json.dumps(dict(held, head_hash="e" * 64)) + "\n"
    yield "epoch back", json.dumps(dict(held, epoch=held["epoch"] - 1)) + "\n"
    holder = "" if held["holder"] else "mallory on vm"
    yield "other holder", json.dumps(dict(held, holder=holder)) + "\n"


def of_guard(text):
    held = json.loads(text)
    for mutation, other in (
        ("other plan", {"plan": "e" * 64}),
        ("other deployment", {"deployment": held["deployment"] + 1}),
        ("epoch back", {"epoch": held["epoch"] - 1}),
        ("other state", {"state": "withdrawn" if held["state"] != "withdrawn" else "laid"}),
        ("lost", {"state": "lost"}),
        ("begun", {"begun": not held["begun"], "deadline_ms": 0 if held["begun"] else 1}),
        ("boot of it", {"boot": OTHER_BOOT}),
        ("deadline over", {"deadline_ms": 1}),
        ("deadline far", {"deadline_ms": held["deadline_ms"] + 3600_000}),
    ):
        yield mutation, json.dumps(dict(held, **other), separators=(",", ":")) + "\n"


def of_record(text):
    lines = [json.loads(line) for line in text.splitlines()]
    for at, line in enumerate(lines):
        yield "shortened", as_lines(lines[:at] + lines[at + 1 :])
        yield "failed line", as_lines(lines[:at] + [dict(line, status=1)] + lines[at + 1 :])
        yield "boot of it", as_lines(lines[:at] + [dict(line, boot=OTHER_BOOT)] + lines[at + 1 :])
    yield "earlier", as_lines(moved(line, -60_000) for line in lines)
    yield "later", as_lines(moved(line, 10_000) for line in lines)
    yield "reordered", as_lines(lines[:1] + lines[1:][::-1])


def moved(line, ms):
    return dict(line, before_ms=line["before_ms"] + ms, after_ms=line["after_ms"] + ms)


def as_lines(rows):
    return "".join(json.dumps(row, separators=(",", ":")) + "\n" for row in rows)


def of_list(probe, text):
    lines = text.splitlines()
    if len(lines) > 1:
        yield "reordered", "".join(line + "\n" for line in reversed(lines))
    for at in range(len(lines)):
        rest = lines[:at] + lines[at + 1 :]
        yield "shortened", "".join(line + "\n" for line in rest)
    if probe == "compose.services":
        yield "extended", text + "zz-stranger\n"
        return
    for at, line in enumerate(lines):
        row = json.loads(line)
        for contrary in contrary_rows(probe, row):
            made = json.dumps(contrary, separators=(",", ":"))
            for mutation, rows in (
                ("extended", lines + [made]),
                ("exchanged", lines[:at] + [made] + lines[at + 1 :]),
            ):
                if mutation == "exchanged" or probe != "compose.containers" or "id" in contrary:
                    yield mutation, "".join(row + "\n" for row in sorted(rows))


def contrary_rows(probe, row):
    other = "sha256:" + digest("another image")
    if probe == "compose.images":
        yield dict(row, id=other)
    elif probe == "compose.drift":
        yield dict(row, running=digest("another configuration"))
    else:
        yield dict(row, id=digest("another container"), image=other)


ARMED = ("armed", "\U0001f513 EXECUTION ARMED: a stranger")
DISARMED = ("disarmed", "\U0001f512 EXECUTION DISARMED: a stranger")
# (mutation, message, where it is contrary only)
CONTRARY = {
    "logs.execution": [
        ("other hash", "Risk Policy Loaded. Hash: " + digest("other"), ""),
    ],
    "logs.brain": [
        ("other hash", "Policy hash handshake OK. Hash: " + digest("other"), ""),
        ("handshake failed", "CRITICAL: Policy hash handshake FAILED. no", ""),
        ("handshake lost", "Brain demoted to FOLLOWER. Disabling", "behind"),
    ],
    "logs.errors": [("error", "FATAL: no", "")],
}


def contrary_lines(probe, text, before_arm):
    yield from CONTRARY[probe]
    if probe != "logs.execution":
        return
    armed = max(text.rfind(word) for word in (" ARMED: ", "in ARMED state"))
    disarmed = max(text.rfind(word) for word in (" DISARMED: ", "initialized DISARMED"))
    yield (*(ARMED if disarmed >= armed else DISARMED), "")  # the state that it does not have
    if before_arm or armed > disarmed:
        yield "stranger's disarm", "Received DISARM command: a stranger", "behind"


def of_log(probe, text, before_arm):
    """Contrary lines behind the last line, and in front of the first with its timestamp."""
    lines = text.splitlines()
    if not lines:
        return
    for mutation, message, only in contrary_lines(probe, text, before_arm):
        first, last = (lines[at].split(" ", 1)[0] for at in (0, -1))
        if only != "behind":
            yield f"{mutation} before", f"{first} {message}\n{text}"
        yield f"{mutation} behind", f"{text}{last} {message}\n"


def renumber(copy_of, first):
    """Entries were added or taken away: places, and what names places, follow."""
    new = {entry["seq"]: at for at, entry in enumerate(copy_of.entries)}
    for at, entry in enumerate(copy_of.entries):
        if at < first:
            continue
        entry["seq"] = at
        if "deployment" in entry:
            entry["deployment"] = new.get(entry["deployment"], entry["deployment"])
        for key in ("intent", "repeats"):
            if key in entry["body"]:
                entry["body"][key] = new.get(entry["body"][key], entry["body"][key])


def of_entry(journal, place, action):
    entry = journal.entries[place]
    kind = entry["type"] if entry["type"] != "note" else "note " + entry["body"].get("kind", "")

    def change(mutation, work):
        def on(copy_of):
            work(copy_of.entries)
            renumber(copy_of, place)

        name = kind if action.split(" ")[0] == entry["type"] else f"{kind} {action}"
        return Change(name, "-", mutation, place, on)

    yield change("dropped", lambda entries: entries.pop(place))
    yield change("doubled", lambda entries: entries.insert(place, copy.deepcopy(entries[place])))
    if place + 1 < len(journal.entries):
        yield change("moved", lambda entries: entries.insert(place + 1, entries.pop(place)))


def each(journal):
    for place, action in enumerate(actions(journal.entries)):
        if place == 0:
            continue
        entry = journal.entries[place]
        yield from of_entry(journal, place, action)
        for at in range(len(entry["body"].get("evidence", []))):
            yield from of_item(journal, place, at, action)
