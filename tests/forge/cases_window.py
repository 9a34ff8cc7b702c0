"""For each rule of FORMAT.md about the window, what was restored, clocks and remarks one case that
breaks it."""


import json

import edit
import mutate
from case import Case
from cases_rules import T, body, drop_item, put_item, set_item
from journals_more import sick_before, words_of_its_own
from steps import Driver
from target import EXECUTION, WEB, digest


def fails(endpoint, numbers):
    def work(journal):
        for number in numbers:
            edit.item(edit.sample(journal, number), "health", 0, endpoint)["status"] = 503

    return work


def late_window():
    driver = Driver()
    driver.release_to_verified()
    driver.target.wait(130_000)
    driver.observe()
    driver.finish()
    return driver


def late_and_armed():
    """Armed at once before the window, and long behind the switch."""
    driver = Driver()
    driver.arm_by_hand()
    driver.release_to_verified()
    driver.target.wait(130_000)
    driver.arm()
    driver.observe()
    driver.finish()
    return driver


def short_window():
    driver = Driver()
    driver.release_to_verified()
    driver.begin("observe_window")
    driver.samples(4)
    driver.finish_window()
    return driver


def reboot_in_window(journal):
    """Another boot of the target from sample 4 on, with an uptime that fits."""
    for number in (4, 5, 6, 7):
        for one in edit.sample(journal, number)["body"]["evidence"]:
            other_boot(one)
    for entry in (T(journal, "confirm"), T(journal, "complete")):
        for one in entry["body"]["evidence"]:
            other_boot(one)


def other_boot(one):
    if "target" in one:
        one["target"]["boot"] = mutate.OTHER_BOOT
        one["target"]["before_ms"] -= 103_000
        one["target"]["after_ms"] -= 103_000


def no_window(journal):
    place = journal.entries.index(edit.intent(journal, "observe_window"))
    end = journal.entries.index(T(journal, "observe_window"))
    del journal.entries[place : end + 1]
    edit.intent(journal, "confirm")["body"]["from"] = "verified"
    T(journal, "confirm")["body"]["from"] = "verified"
    mutate.renumber(journal, place)


def slow_rollback(journal):
    edit.later(journal, T(journal, "redeploy"), 301_000)


def goes_on():
    """A sample shows another policy hash, and the driver takes one more."""
    driver = Driver()
    driver.release_to_verified()
    driver.begin("observe_window")
    driver.samples(2)
    driver.sample_of_another_policy(3)
    driver.samples(1, first=4)
    driver.end("rolling_back", "mismatch")
    driver.roll_back()
    return driver


def accepted_failure():
    driver = Driver()
    driver.fail_release()
    driver.fail_rollback()
    driver.attest("rollback_failed", "accepted", "by hand")
    return driver


def restarted_only(journal):
    """The same container of Execution as before, started again."""
    before = edit.item(T(journal, "connect"), "compose.containers")
    old = next(row for row in edit.rows(journal, before) if row["service"] == EXECUTION)
    entry = T(journal, "verify_restored")
    edit.change_rows(journal, entry, "compose.containers", EXECUTION, id=old["id"])


def wall_step(journal):
    for entry in journal.entries[10:]:
        entry["utc"] = edit.shifted_utc(entry["utc"], 5000)


def boot_returns(journal):
    other_boot(edit.item(T(journal, "update_code"), "git.subject"))


def swap_times(journal):
    items = T(journal, "connect")["body"]["evidence"]
    items[2], items[3] = items[3], items[2]


def loose_limits(journal):
    journal.entries[0]["body"]["limits"]["failures"] = 9


def drift_between():
    driver = Driver()
    driver.release("2")
    driver.target.status = ""
    driver.target.create(WEB, "1")
    driver.target.wait(1000)
    driver.release("3")
    return driver


def answers(text):
    """The first endpoint, in the step that verifies the release."""

    def work(journal):
        edit.put(journal, edit.item(T(journal, "verify_release"), "health"), text)

    return work


def says(word):
    return answers(json.dumps({"version": "2"} if word is None else {"status": word}))


CASES = [
    Case(
        "w_sick_word",
        "W-01",
        "release",
        put_item("confirm", "health", '{"status":"error"}'),
        finds=("P-23", "W-08"),
    ),
    Case("w_number", "W-02", "release", lambda j: edit.sample(j, 3)["body"].update(n=4)),
    Case("w_late", "W-03", late_window),
    Case("w_late_armed", "W-03", late_and_armed),
    Case("w_short", "W-06", short_window),
    Case("w_in_a_row", "W-07", "release", fails("web", (2, 3, 4))),
    Case(
        "w_in_all",
        "W-08",
        "release",
        lambda j: [fails("web", (1, 2, 5))(j), fails("brain", (4,))(j)],
    ),
    Case("w_reboot", "W-10", "release", reboot_in_window),
    Case("w_none", "W-11", "release", no_window, finds=("W-11", "P-01")),
    Case("w_slow", "W-13", "release_unhealthy", slow_rollback),
    Case("w_failed", "W-14", accepted_failure),
    Case("w_goes_on", "W-15", goes_on),
    Case(
        "r_branch",
        "R-01",
        "release_unhealthy",
        put_item("verify_restored", "git.branch", "other\n"),
    ),
    Case(
        "r_configuration",
        "R-03",
        "release_unhealthy",
        lambda j: edit.change_rows(
            j, T(j, "verify_restored"), "compose.drift", WEB, running=digest("x")
        ),
    ),
    Case("r_restarted", "R-04", "release_unhealthy", restarted_only, finds=("R-04", "P-19")),
    Case(
        "r_pin",
        "R-05",
        "release_unhealthy",
        set_item("revert", "act", 2, subject="pin titan-web sha256:x"),
        finds=("R-05", "P-14"),
    ),
    Case("r_never", "R-06", accepted_failure),
    Case("r_abort", "R-07", "aborted", put_item("restore_code", "git.head", "f" * 40 + "\n")),
    Case(
        "c_older",
        "C-02",
        "release",
        lambda j: mutate.shift(edit.item(T(j, "connect"), "tenancy"), -mutate.MINUTE_NS),
    ),
    Case("c_order", "C-03", "release", swap_times),
    Case(
        "c_around",
        "C-04",
        "release",
        lambda j: edit.item(T(j, "connect"), "git.head")["target"].update(after_ms=10**9),
    ),
    Case("c_boot_returns", "C-06", "release", boot_returns),
    Case("c_wall", "C-07", "release", wall_step),
    Case(
        "c_no_wall",
        "C-08",
        "release",
        lambda j: edit.item(T(j, "connect"), "git.head")["target"].pop("wall_ms"),
    ),
    Case("n_limits", "N-01", "release", loose_limits, exit_status=0),
    Case("n_no_guard", "N-04", "release", exit_status=0),
    Case("n_between", "N-05", drift_between, exit_status=0),
    Case("n_word", "N-06", "attested", exit_status=0),
    Case("n_degraded", "N-06", words_of_its_own, exit_status=0),
    Case("n_own_words", "N-03", words_of_its_own, exit_status=0),
    Case("n_sick_before", "N-06", sick_before, exit_status=0),
    Case(
        "p_sick_after",
        "P-23",
        "release_unhealthy",
        set_item("verify_restored", "health", status=503),
    ),
    Case(
        "p_sick_other",
        "P-23",
        sick_before,
        lambda j: edit.item(T(j, "verify_restored"), "health", 0, "brain").update(status=503),
    ),
    Case("p_unasked_before", "P-12", "release", drop_item("connect", "health")),
    Case("w_foreign_word", "W-01", words_of_its_own, says("ok"), finds=("P-23",)),
    Case("w_no_word", "W-01", words_of_its_own, says(None), finds=("P-23",)),
    Case("w_half_json", "W-01", "release", answers('{"status":"ok"} ' + "x"), finds=("P-23",)),
    Case("w_not_a_word", "W-01", "release", answers('{"status":200}'), finds=("P-23",)),
    Case("w_twice", "W-01", "release", answers('{"status":"no","status":"ok"}'), finds=("P-23",)),
    Case(
        "n_step",
        "N-08",
        "release",
        lambda j: [
            one["target"].update(wall_ms=one["target"]["wall_ms"] + 5000)
            for e in j.entries[20:]
            for one in e["body"].get("evidence", [])
            if "target" in one
        ],
        exit_status=0,
    ),
]
