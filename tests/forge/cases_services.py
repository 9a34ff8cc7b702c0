"""What the row of a service says besides its name (one-shots, replicas, `off`), and what does not
fit it."""

import edit
from case import Case
from cases_rules import T
from target import SERVICES, WEB, digest

ENDED = {"state": "exited", "exit_code": 0}


def rows(journal, words, service=WEB):
    """The row of a service, wherever it is recorded."""
    lines = [f"{name} {words}" if name == service else name for name in SERVICES]
    text = "".join(line + "\n" for line in lines)
    for entry in journal.entries:
        for one in entry["body"].get("evidence", []):
            if one["probe"] == "compose.services":
                edit.put(journal, one, text)


def with_row(words, work=None, service=WEB):
    def whole(journal):
        rows(journal, words, service)
        if work is not None:
            work(journal)

    return whole


def as_web(action, **changes):
    def work(journal):
        entry = T(journal, action)
        edit.change_rows(journal, entry, "compose.containers", WEB, **changes)

    return work


def sample_as_web(number, **changes):
    def work(journal):
        entry = edit.sample(journal, number)
        edit.change_rows(journal, entry, "compose.containers", WEB, **changes)

    return work


def ran_already(journal):
    """A list in front of the last `up` shows that web had its run."""
    entry = T(journal, "switch_services")
    before = edit.item(entry, "compose.up", -2)
    last = edit.item(entry, "compose.containers", -1)
    made = edit.copy_behind(entry, before, probe="compose.containers", subject="")
    edit.put(journal, made, journal.text(last))


def left_out(journal):
    """The last `up` leaves out what had no run, by no list."""
    up = edit.item(T(journal, "switch_services"), "compose.up", -1)
    up["subject"] = " ".join(name for name in SERVICES if name != WEB)


def not_declared(journal):
    """Web is brought up by its name, and is not ours."""
    up = edit.item(T(journal, "switch_services"), "compose.up", -1)
    up["subject"] = WEB


def second(journal):
    for action in ("verify_release", "confirm"):
        one = edit.item(T(journal, action), "compose.containers", -1)
        made = edit.rows(journal, one)
        web = next(row for row in made if row["service"] == WEB)
        edit.put_rows(journal, one, made + [dict(web, id=digest("second"))])


CASES = [
    Case("sv_form", "P-31", "release", with_row("twice")),
    Case("sv_form_number", "P-31", "release", with_row("x")),
    Case("sv_few", "P-21", "release", with_row("x2")),
    Case("sv_few_in_window", "W-07", "release", with_row("x2")),
    Case("sv_many", "P-21", "release", second),
    Case("sv_none", "P-21", "release", with_row("x0")),
    Case("sv_ended", "P-21", "release", as_web("confirm", **ENDED)),
    Case("sv_ended_sick", "P-23", "release", as_web("confirm", **ENDED)),
    Case(
        "sv_failed",
        "P-23",
        "release",
        with_row("ends", as_web("confirm", state="exited", exit_code=3)),
    ),
    Case("sv_failed_window", "W-08", "release", with_row("once")),
    Case("sv_waited_for", "P-23", "release", with_row("once")),
    Case("sv_again", "P-17", "release", with_row("ends", ran_already)),
    Case("sv_left_out", "P-17", "release", with_row("ends", left_out)),
    Case("sv_way_back", "P-17", "release_unhealthy", with_row("once")),
    Case("sv_not_ours", "P-14", "release", with_row("off", not_declared)),
]
