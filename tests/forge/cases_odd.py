"""What no other case shows of the rules of places, rows and times: each differs from an honest
journal by the one thing that its sentence speaks of."""

import copy

import edit
from case import Case
from cases_excepted import pull_taken_for_done
from cases_findings import repeats
from cases_rules import T
from cases_services import rows
from steps import Driver
from target import SERVICES, SUBJECT_ARM, SUBJECT_DISARM, WEB


def once_before(journal):
    """Of the snapshot web is a one-shot; what was pulled knows nothing of it."""
    rows(journal, "once")
    pulled = edit.item(T(journal, "pull_images"), "compose.services")
    edit.put(journal, pulled, "".join(name + "\n" for name in SERVICES))


def once_unpinned(journal):
    """What is not brought back needs no pin."""
    rows(journal, "once")
    entry = T(journal, "revert")
    pins = [one for one in entry["body"]["evidence"] if one["subject"].startswith(f"pin {WEB} ")]
    entry["body"]["evidence"] = [one for one in entry["body"]["evidence"] if one not in pins]


def unended_line(action, probe):
    """A line that does not end."""

    def work(journal):
        one = edit.item(T(journal, action), probe)
        edit.put(journal, one, journal.text(one).rstrip("\n"))

    return work


def seen_armed_late():
    """A stranger's ARM is seen right before the driver's own, and the way back begins late."""
    driver = Driver()
    driver.reach_arm()
    driver.parity()
    driver.target.receive(SUBJECT_ARM, "a stranger")
    driver.look()
    driver.target.wait(15_000)
    driver.end("rolling_back", "mismatch")
    driver.roll_back()
    return driver


def other_act(action, subject):
    def work(journal):
        entry = T(journal, action)
        last = edit.item(entry, "act", -1)
        edit.copy_behind(entry, last, subject=subject)

    return work


def armed_by_another():
    """The driver's ARM is not received, and a stranger's is, at the same moment."""
    driver = Driver()
    driver.reach_arm()
    driver.parity()
    driver.look()
    driver.item("bus.publish", SUBJECT_ARM, f"{driver.key} titan-fsm", ms=1, on_target=False)
    driver.target.receive(SUBJECT_ARM, "a stranger")
    driver.target.wait(10)
    driver.look()
    driver.end("armed")
    driver.observe()
    driver.finish()
    return driver


def armed_inside():
    """The last thing in the journal is an ARM by hand while a deployment is open."""
    driver = Driver()
    driver.prepare("release", "2", "a")
    driver.arm_by_hand()
    return driver


def changed_images(work):
    def whole(journal):
        one = edit.item(T(journal, "pull_images"), "compose.images")
        edit.put_rows(journal, one, work(edit.rows(journal, one)))

    return whole


def nameless(made):
    return [dict(row, service="") if row["service"] == WEB else row for row in made]


def unnumbered(made):
    return [dict(row, id="a word") if row["service"] == WEB else row for row in made]


def same_moment(journal):
    """A sample begins in the very nanosecond in which the one before was written."""
    first = edit.sample(journal, 4)["body"]["evidence"][0]
    first["sent_ns"] = edit.sample(journal, 3)["boottime_ns"]


def given_up_by_a_removed_one():
    """The driver of an interrupted step is no operator any more; the step is not gone on with."""
    driver = Driver()
    driver.open("release")
    driver.preflight()
    driver.connect()
    driver.begin("update_code")
    roster = copy.deepcopy(driver.journal.entries[0]["body"]["roster"])
    del roster["operators"][0]
    driver.write("roster", {"roster": roster, "reason": "gone"}, driver.alice, inside=False)
    driver.git()
    driver.list()
    driver.reconcile("unknown", "fail")
    driver.end("aborting", "failed")
    driver.restore_code()
    return driver


def without_reason(journal):
    """The DISARM that answers a dangling ARM is the bare key."""
    one = edit.item(edit.of_type(journal, "reconciliation", -1), "bus.publish")
    edit.put(journal, one, journal.text(one).split(" ")[0])


def armed_at_the_end():
    """Execution was disarmed, and the last look of an open journal shows it armed."""
    driver = Driver()
    driver.prepare("policy", "2", "b")
    driver.disarm()
    driver.begin("deploy_execution")
    driver.target.receive(SUBJECT_ARM, "a stranger")
    driver.last_look()
    driver.reconcile("unknown", "repeat")
    return driver


def updated_by_nothing():
    """An interrupted update is called done, and no commit was read."""
    driver = Driver()
    driver.open("release")
    driver.preflight()
    driver.connect()
    driver.begin("update_code")
    driver.item("git.head", "", "")
    driver.item("git.branch", "", "main\n")
    driver.item("git.status", "", "")
    driver.list()
    driver.reconcile("done", "continue")
    driver.updated("2", "a")
    driver.pull()
    driver.guard()
    driver.finish_release()
    return driver


def yes_behind_the_intent():
    """A stranger disarmed, and the `yes` comes when ARM is intended already."""
    driver = Driver()
    driver.prepare("policy", "2", "b")
    driver.deploy_policy()
    driver.target.receive(SUBJECT_DISARM, "a stranger")
    driver.verify_parity()
    driver.begin("arm")
    driver.answer("yes")
    driver.arm_evidence()
    driver.end("armed")
    driver.observe()
    driver.finish()
    return driver


def other_mode(text):
    return lambda journal: edit.put(journal, edit.item(T(journal, "connect"), "env.mode"), text)


def called_safe():
    """A stranger armed it, nobody heard the DISARM, and it is called safe all the same."""
    driver = Driver()
    driver.fail_release()
    driver.target.receive(SUBJECT_ARM, "a stranger")
    driver.disarm_unheard()
    driver.end("safe")
    driver.restore()
    return driver


def without_voices(journal):
    """Nothing stands between the last look and the first act."""
    entry = T(journal, "switch_services")
    items = entry["body"]["evidence"]
    probes = [one["probe"] for one in items]
    del items[probes.index("interlock.marker") + 1 : probes.index("compose.up")]


CASES = [
    Case("odd_once_unpinned", "P-17", "release_unhealthy", once_unpinned),
    Case("odd_called_safe", "L-02", called_safe),
    Case("odd_no_voices", "P-12", "release", without_voices),
    Case("odd_without_reason", "L-14", "resumed", without_reason),
    Case("odd_armed_at_the_end", "L-05", armed_at_the_end),
    Case("odd_updated_by_nothing", "P-27", updated_by_nothing),
    Case("odd_yes_behind", "L-09", yes_behind_the_intent),
    Case("odd_mode_blank", "P-31", "release", other_mode(" 600 1000\n")),
    Case("odd_mode_blanks", "P-31", "release", other_mode("600  1000\n")),
    Case("odd_mode_slash", "P-31", "release", other_mode("6/0 1000 1000\n")),
    Case("odd_mode_colon", "P-31", "release", other_mode("6:0 1000 1000\n")),
    Case("odd_repeats", "P-04", "release", repeats("pull_images", 0)),
    Case("odd_armed_by_another", "L-07", armed_by_another),
    Case("odd_armed_inside", "L-13", armed_inside),
    Case("odd_no_images", "P-21", "release", changed_images(lambda rows: [])),
    Case("odd_no_service", "P-21", "release", changed_images(nameless)),
    Case("odd_no_digest", "P-21", "release", changed_images(unnumbered)),
    Case("odd_same_moment", "N-01", "release", same_moment, exit_status=0),
    Case("odd_given_up", "N-01", given_up_by_a_removed_one, exit_status=0),
    Case("odd_once_before", "P-17", "release_unhealthy", once_before),
    Case("odd_unended_head", "P-31", "release", unended_line("connect", "git.head")),
    Case("odd_unended_mode", "P-31", "release", unended_line("connect", "env.mode")),
    Case("odd_pulled_by_word", "P-27", pull_taken_for_done("done", "repeat")),
    Case("odd_seen_armed_late", "W-12", seen_armed_late),
    Case("odd_no_such_act", "P-16", "release", other_act("complete", "dance")),
    Case("odd_act_elsewhere", "P-16", "release", other_act("complete", f"pin {WEB}")),
]
