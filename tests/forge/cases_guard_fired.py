"""The dead-man guard that acted as an insider would tell it: not in time, on another plan, with
something else done, or beside a driver that was not dead."""

import json

import edit
import forgery
import mutate
from case import Case
from cases_guard import change, guards, named, of, put_guard
from cases_rules import T, drop_item, set_transition
from guard import OTHER_BOOT
from journals_guard import (
    fired_by_reboot,
    fired_in_part,
    fired_in_pause,
    guarded_driver,
    guarded_release,
)
from story import LIMITS
from target import EXECUTION, MS, WEB

HOUR_MS = 3600_000


def records(journal, change_lines, only=None):
    """The same change in every record of what the guard did, or in one of them."""
    for nth, one in enumerate(forgery.items(journal.entries, "guard.record")):
        if only in (None, nth):
            lines = [json.loads(line) for line in journal.text(one).splitlines()]
            edit.put(journal, one, mutate.as_lines(change_lines(lines)))


def in_record(change_lines, only=None):
    return lambda journal: records(journal, change_lines, only)


def in_lines(begin, **values):
    """Other values in the lines whose act begins so."""

    def change_lines(lines):
        return [dict(one, **values) if one["act"].startswith(begin) else one for one in lines]

    return in_record(change_lines)


def without_lines(act):
    return in_record(lambda lines: [one for one in lines if not one["act"].startswith(act)])


def later(ms):
    return in_record(lambda lines: [mutate.moved(one, ms) for one in lines])


def on_deadline(ms, begin_ms=0):
    """The plan had another deadline, by the record and by what is shown of it; and the guard began
    so much later."""

    def work(journal):
        shown = guards(journal.entries)
        first = next(at for at, one in enumerate(shown) if '"fired"' in journal.text(one))
        made = json.loads(journal.text(shown[first]))["deadline_ms"] + ms
        for one in shown[first:]:
            edit.change_json(journal, one, deadline_ms=made)

        def change_lines(lines):
            first = dict(lines[0], said=f"{lines[0]['said'].split()[0]} {made}")
            return [mutate.moved(one, begin_ms) for one in [first, *lines[1:]]]

        records(journal, change_lines)

    return work


def by_another(word):
    """What made it act, in other words."""

    def change_lines(lines):
        return [
            dict(lines[0], said=f"{word} {lines[0]['said'].split()[1]}"),
            *lines[1:],
        ]

    return in_record(change_lines)


def far_later():
    """The guard slept for twenty minutes; its plan is said to have had that deadline."""
    driver = guarded_driver()
    driver.release_to_verified()
    driver.begin("observe_window")
    driver.samples(3)
    driver.fire("deadline", late_ms=20 * 60_000)
    driver.collect("partial")
    driver.roll_back()
    return driver


def turn_late():
    driver = guarded_driver()
    driver.fail_release("unhealthy")
    driver.begin("make_safe")
    driver.publish(arm=False)
    driver.target.wait(6 * 60_000)
    driver.fire("turn")
    driver.collect()
    driver.roll_back()
    return driver


def put_right_late():
    """One service stays down for ten minutes, until the driver is back."""
    driver = guarded_driver()
    driver.release_to_verified()
    driver.begin("observe_window")
    driver.samples(3)
    driver.fire("deadline", broken=WEB)
    driver.target.wait(10 * 60_000)
    driver.collect("partial")
    driver.roll_back()
    return driver


def two_actors():
    """The driver was not dead: it removes Execution while the guard is at work."""
    driver = guarded_driver()
    driver.fail_release("unhealthy")
    driver.begin("make_safe")
    driver.publish(arm=False)
    driver.target.wait(31_000)
    begun = driver.target.now
    driver.fire("turn")
    ended, driver.target.now = driver.target.now, begun + 1000 * MS
    driver.items = []
    driver.act("remove " + EXECUTION)
    driver.target.now = ended
    driver.target.wait(30_000)
    driver.show_fired()
    driver.reconcile("unknown", "fail")
    driver.show_fired()
    driver.end("rolling_back", "guard_fired")
    driver.roll_back()
    return driver


def refused():
    """Honest: the plan was torn, so that the guard did nothing; the driver goes back itself."""
    driver = guarded_driver()
    driver.release_to_verified()
    driver.record = []
    driver.begin("observe_window")
    driver.samples(2)
    driver.show_guard("lost")
    driver.line("refused", "the plan is not whole", 1)
    text = "".join(json.dumps(row, separators=(",", ":")) + "\n" for row in driver.record)
    driver.item("guard.record", "", text)
    driver.end("rolling_back", "failed")
    driver.roll_back()
    return driver


def torn_at_the_end(journal):
    """Honest but undecidable: the target went down while the guard wrote."""
    for one in forgery.items(journal.entries, "guard.record"):
        edit.put(journal, one, journal.text(one)[:-30])


def fired_and_completed(journal):
    """What the guard did is seen in `confirm`, and the deployment is completed all the same."""
    one = guards([T(journal, "confirm")])[0]
    edit.change_json(journal, one, state="fired")


def unnamed(journal):
    del T(journal, "guard_fired")["body"]["intent"]


def put_record(text):
    def work(journal):
        for one in forgery.items(journal.entries, "guard.record"):
            edit.put(journal, one, text)

    return work


def fired_all(state, **values):
    """In each entry that shows it fired."""

    def work(journal):
        for one in guards(journal.entries):
            if '"fired"' in journal.text(one):
                edit.change_json(journal, one, state=state, **values)

    return work


def dropped_from_look(journal):
    edit.drop(edit.of_type(journal, "reconciliation"), "guard")


def as_refused(lines):
    return [dict(lines[0], act="refused", said="the plan is not whole", status=1)]


def said_another(lines):
    return [dict(lines[0], said=f"deadline {lines[0]['before_ms'] - 10}"), *lines[1:]]


def told_otherwise(lines):
    return [dict(one, status=1) if one["act"] == "restore" else one for one in lines]


def no_longer(lines):
    return lines[:-3]


FIRED = [
    ("no_record", "fired_in_window", drop_item("guard_fired", "guard.record")),
    ("no_guard", "fired_in_window", drop_item("guard_fired", "guard")),
    ("record_empty", "fired_in_window", in_record(lambda lines: [])),
    ("record_refused", "fired_in_window", in_record(as_refused)),
    ("laid_still", "fired_in_window", fired_all("laid")),
    (
        "fired_unbegun",
        "fired_in_window",
        fired_all("fired", begun=False, deadline_ms=0),
    ),
    ("not_by_it", "fired_in_window", set_transition("guard_fired", event="unhealthy")),
    ("and_completed", of(guarded_release, fired_and_completed)),
    ("not_together", "fired_in_window", dropped_from_look),
]
RECORD = [
    ("told_otherwise", "fired_in_window", in_record(told_otherwise, 1)),
    ("told_less", "fired_in_window", in_record(no_longer, 1)),
    (
        "reordered",
        "fired_in_window",
        in_record(lambda lines: lines[:1] + lines[1:][::-1]),
    ),
    ("began_twice", "fired_in_window", in_record(lambda lines: lines[:1] + lines)),
    (
        "not_begun_first",
        "fired_in_window",
        in_record(lambda lines: [lines[1], lines[0]]),
    ),
    ("times_fall", "fired_in_window", in_lines("restore", before_ms=1, after_ms=2)),
    ("two_boots", "fired_in_window", in_lines("up", boot=OTHER_BOOT)),
    ("ended_well", "fired_in_window", in_lines("up", status=1)),
    ("of_the_future", "fired_in_window", later(HOUR_MS)),
    ("seen_before", "fired_in_window", later(40_000)),
    ("other_act", "fired_in_window", in_lines("safe", act="nothing")),
]
IN_TIME = [
    ("early", "fired_in_window", later(-1000)),
    ("late", "fired_in_window", later(5000)),
    ("moved_back", far_later),
    ("moved_to_fit", of(far_later, on_deadline(20 * 60_000))),
    ("moved_before", "fired_in_window", on_deadline(-HOUR_MS // 60, -HOUR_MS // 60)),
    ("other_plan", "fired_in_window", in_record(said_another)),
    ("nobody_set", of(fired_in_pause, on_deadline(-1000, -1000))),
    ("nobody_set_later", of(fired_in_pause, on_deadline(4000, 4000))),
    ("of_another_boot", of(fired_by_reboot, by_another("deadline"))),
    ("of_no_reboot", "fired_in_window", by_another("reboot")),
    ("of_no_turn", "fired_in_window", by_another("turn")),
    ("turn_late", turn_late),
    ("put_right_late", put_right_late),
]
LEFT = [
    (
        "other_image",
        "fired_in_window",
        in_lines("found titan-web", act=f"found {WEB} sha256:0"),
    ),
    ("not_found", "fired_in_window", without_lines("found titan-web")),
    ("other_commit", "fired_in_window", in_lines("head", act="head " + "f" * 40)),
    ("no_commit", "fired_in_window", without_lines("head")),
]
FORM = [
    ("form_of_record", "fired_in_window", put_record('{"act":"begin"}\n')),
    ("form_of_said", "fired_in_window", in_lines("safe", said="a 'quote'")),
    ("form_of_cause", "fired_in_window", in_lines("begin", said="because")),
]
QUICK = dict(LIMITS, rollback_ms=7000)
CASES = named("P-43", FIRED) + named("P-44", RECORD) + named("W-16", IN_TIME)
CASES += named("R-12", LEFT) + named("P-26", FORM)
CASES += [
    Case("g_two_actors", "P-45", two_actors),
    Case("g_took_long", "W-16", "fired_in_window", limits=QUICK),
    Case("g_no_end", "W-16", "fired_in_window", without_lines("end"), exit_status=3),
    Case("g_torn_end", "W-16", "fired_in_window", torn_at_the_end, exit_status=3),
    Case("g_unnamed", "P-02", "fired_in_window", unnamed),
    Case("g_in_part", "N-17", fired_in_part, exit_status=0),
    Case("g_refused", "N-17", refused, exit_status=0),
    Case("g_page", "N-17", fired_in_part, exit_status=0, html=True),
]
