"""The dead-man guard as an insider would tell it: one that was not laid, not begun, not in time, or
never withdrawn."""

import json

import edit
import forgery
from case import Case
from cases_persons import approval_over
from cases_rules import T
from guard import OTHER_BOOT, STEP_MS
from journals_guard import (
    guarded_abort,
    guarded_by_process,
    guarded_driver,
    guarded_release,
    guarded_rollback,
    guarded_takeover,
)


def of(story, work):
    """A changed journal of an honest story that the systematic changes leave alone."""
    return lambda: (story(), work)


def guards(entries):
    return list(forgery.items(entries, "guard"))


def change(*choose, **values):
    """Of the guard in the item that these choose: `choose` is an entry's action and which one."""
    action, nth = choose if len(choose) == 2 else (choose[0], -1)

    def work(journal):
        entry = edit.sample(journal, 1) if action == "sample" else T(journal, action)
        edit.change_json(journal, guards([entry])[nth], **values)

    return work


def change_from(action, **values):
    """In this entry and all behind it."""

    def work(journal):
        for one in guards(forgery.behind(journal, T(journal, action))):
            edit.change_json(journal, one, **values)

    return work


def deadline(action, ms, nth=-1):
    """So long behind its item."""

    def work(journal):
        entry = edit.sample(journal, 1) if action == "sample" else T(journal, action)
        one = guards([entry])[nth]
        edit.change_json(journal, one, deadline_ms=one["target"]["after_ms"] + ms)

    return work


def without(action):
    def work(journal):
        entry = edit.sample(journal, 1) if action == "sample" else T(journal, action)
        items = entry["body"]["evidence"]
        entry["body"]["evidence"] = [one for one in items if one["probe"] != "guard"]

    return work


def nowhere(journal):
    guards([T(journal, "verify_release")])[0].pop("target")


def shown_to(action, text):
    """A `guard` in a journal that has none there: as the one of lay_guard, with this text."""

    def work(journal):
        entry = T(journal, action)
        made = edit.copy_behind(entry, entry["body"]["evidence"][-1], probe="guard", subject="")
        made["status"] = 0
        edit.put(journal, made, text)

    return work


def epoch_of_before(journal):
    """The takeover does not reach the plan: the other driver could still withdraw it."""
    for one in guards(forgery.behind(journal, edit.of_type(journal, "takeover"))):
        edit.change_json(journal, one, epoch=1)


def epoch_fell(journal):
    edit.change_json(journal, guards([T(journal, "confirm")])[0], epoch=1)


def moved_begun(to):
    """The begun guard in another place of the entry with the first change."""

    def work(journal):
        items = T(journal, "switch_services")["body"]["evidence"]
        at = next(place for place, one in enumerate(items) if one["probe"] == "guard")
        one = items.pop(at)
        place = next(place for place, two in enumerate(items) if two["probe"] == to)
        items.insert(place + 1, one)
        near = items[place]
        one.update(sent_ns=near["received_ns"], received_ns=near["received_ns"])
        up = near["target"]["after_ms"]
        one["target"].update(before_ms=up, after_ms=up, wall_ms=near["target"]["wall_ms"])
        edit.change_json(journal, one, deadline_ms=up + STEP_MS)

    return work


def renewed_too_late():
    """A person takes 40 minutes between two steps, and the guard is said to have slept."""
    driver = guarded_driver()
    driver.prepare("policy", "2", "b")
    driver.disarm()
    driver.deploy_execution()
    driver.target.wait(40 * 60_000)
    driver.verify_execution()
    driver.deploy_brain()
    driver.finish_policy()
    return driver


def withdrawn_twice(journal):
    """Withdrawn in the last sample and laid again behind it."""
    one = guards([edit.sample(journal, 1)])[0]
    edit.change_json(journal, one, state="withdrawn")


def put_guard(action, text):
    return lambda journal: edit.put(journal, guards([T(journal, action)])[0], text)


def begun_in_pause(journal):
    """Only behind the first change, in its place that of the pause."""
    edit.drop(T(journal, "deploy_execution"), "guard", 0)


def confirm_elsewhere(journal):
    """Withdrawn in another boot of the target than it waited in."""
    one = guards([T(journal, "confirm")])[0]
    one["target"]["boot"] = OTHER_BOOT


def failed_guard(journal):
    guards([T(journal, "verify_release")])[0]["status"] = 1


def named(rule, rows, **more):
    return [Case("g_" + name, rule, *rest, **more) for name, *rest in rows]


NONE_LAID = json.dumps(
    {
        "deployment": 1,
        "epoch": 1,
        "plan": "7" * 64,
        "start": "cron",
        "state": "withdrawn",
        "begun": False,
        "boot": OTHER_BOOT,
        "deadline_ms": 0,
    },
    separators=(",", ":"),
)
LAID = [
    ("laid_begun", "guarded_policy", change("lay_guard", begun=True, deadline_ms=1)),
    ("laid_lost", "guarded_policy", change("lay_guard", state="lost")),
    ("laid_for_another", "guarded_policy", change_from("lay_guard", deployment=2)),
    ("laid_elsewhere", "guarded_policy", change("lay_guard", boot=OTHER_BOOT)),
    ("plan_exchanged", "guarded_policy", change_from("arm", plan="e" * 64)),
    ("epoch_of_before", of(guarded_takeover, epoch_of_before)),
    ("epoch_fell", of(guarded_takeover, epoch_fell)),
    (
        "begun_undone",
        "guarded_policy",
        change("verify_execution", begun=False, deadline_ms=0),
    ),
    ("boot_changed", "guarded_policy", change("verify_parity", boot=OTHER_BOOT)),
    ("laid_again", "guarded_policy", withdrawn_twice),
    ("fired_and_laid", "fired_in_window", change("verify_restored", state="laid")),
    (
        "fired_and_renewed",
        "fired_in_window",
        change("verify_restored", deadline_ms=10**9),
    ),
    ("nowhere", of(guarded_release, nowhere)),
    ("absent_later", of(guarded_release, put_guard("verify_release", "absent\n"))),
    ("absent_and_shown", "release", shown_to("verify_release", NONE_LAID + "\n")),
]
BEGUN = [
    ("never_begun", of(guarded_release, without("switch_services"))),
    ("begun_behind_up", of(guarded_release, moved_begun("compose.up"))),
    ("begun_while_lost", of(guarded_release, change("switch_services", state="lost"))),
    ("begun_in_pause", "guarded_policy", begun_in_pause),
]
RENEWED = [
    ("not_renewed", of(guarded_release, without("verify_release"))),
    ("not_in_sample", of(guarded_release, without("sample"))),
    ("deadline_over", of(guarded_release, deadline("verify_release", 0))),
    ("deadline_far", of(guarded_release, deadline("verify_release", 315_001))),
    ("deadline_far_begun", of(guarded_release, deadline("switch_services", 315_001))),
    ("deadline_in_sample", of(guarded_release, deadline("sample", 21_001))),
    ("pause_far", "guarded_policy", deadline("verify_execution", 1_800_001)),
    ("pause_in_step", "guarded_policy", deadline("deploy_brain", 1_000_000, 0)),
    ("pause_at_arm", "guarded_policy", deadline("arm", 1_000_000)),
    ("sampled_behind", of(guarded_release, deadline("sample", 1500))),
    ("armed_behind", "guarded_policy", deadline("arm", 10)),
    ("up_behind", "guarded_policy", deadline("deploy_brain", 10, 0)),
    ("up_while_lost", "guarded_policy", change("deploy_brain", 0, state="lost")),
    ("slept_in_pause", renewed_too_late),
    ("lost_in_pause", "guarded_policy", change("deploy_execution", state="lost")),
    (
        "other_boot",
        of(guarded_release, change_from("switch_services", boot=OTHER_BOOT)),
    ),
]
WITHDRAWN = [
    ("confirm_laid", of(guarded_release, change("confirm", state="laid"))),
    ("confirm_lost", of(guarded_release, change("confirm", state="lost"))),
    ("confirm_absent", of(guarded_release, put_guard("confirm", "absent\n"))),
    ("confirm_late", of(guarded_release, deadline("observe_window", 1))),
    ("confirm_over", of(guarded_release, deadline("confirm", -20))),
    ("confirm_far", of(guarded_release, deadline("confirm", 315_001))),
    ("confirm_boot", of(guarded_release, confirm_elsewhere)),
    ("rollback_left", of(guarded_rollback, without("verify_restored"))),
    ("rollback_lost", of(guarded_rollback, change("verify_restored", state="lost"))),
    ("abort_left", of(guarded_abort, without("restore_code"))),
    ("fired_left", "fired_in_window", change("verify_restored", state="fired")),
]
FORM = [
    ("form_of_state", of(guarded_release, change("verify_release", state="good"))),
    ("form_of_start", of(guarded_release, change("verify_release", start="init"))),
    ("form_of_more", of(guarded_release, change("verify_release", more=1))),
    ("form_of_deadline", of(guarded_release, change("verify_release", deadline_ms=0))),
    ("form_failed", of(guarded_release, failed_guard)),
]
CASES = named("P-39", LAID) + named("P-40", BEGUN) + named("P-41", RENEWED)
CASES += named("P-42", WITHDRAWN) + named("P-26", FORM)
CASES += [
    Case("g_approved_without", "A-14", "guarded_policy", approval_over(guard="absent")),
    Case(
        "g_begun_before_look",
        "P-40",
        of(guarded_release, moved_begun("policy.hmac")),
        exit_status=0,
        finds=("N-01",),
    ),
    Case("g_process", "N-04", guarded_by_process, exit_status=0),
]
