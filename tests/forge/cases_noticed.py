"""Cases at places where a wrong verifier was not noticed by any other (tests/verify/mutants.py)."""

import copy

import edit
import journals_first
from case import Case
from cases_excepted import PROVEN
from cases_interrupted import disarmed_beside, switched_again
from cases_rules import T
from cases_services import ENDED, with_row
from steps import Driver
from target import BRAIN, EXECUTION, SUBJECT_ARM, WEB, digest

HOUR_MS = 3_600_000


def settings_while_open():
    """Of no deployment, and one is open."""
    driver = Driver()
    driver.prepare("release", "2", "a")
    body = driver.settings()
    body.update({"checklist": [], "approvals": {"policy": 1, "release": 0}, "reason": "now"})
    driver.write("settings", body, driver.alice, inside=False)
    driver.finish_release()
    return driver


def repeated_from_earlier(journal):
    """What came of a command has an item of its intent, but from another uptime."""
    evidence = edit.of_type(journal, "command", 1)["body"]["evidence"]
    evidence[0] = copy.deepcopy(evidence[0])
    evidence[0]["target"]["before_ms"] -= 10


def repeated_longer(journal):
    """And one that came back later, though it was sent at the same time."""
    evidence = edit.of_type(journal, "command", 1)["body"]["evidence"]
    evidence[0] = copy.deepcopy(evidence[0])
    evidence[0]["received_ns"] += 1


def run_again_in_window(journal):
    """A one-shot that had ended well is run again from the fourth sample on, and ends well."""
    for number in range(1, 8):
        entry = edit.sample(journal, number)
        again = {"started_at": "2026-11-28T07:25:00.000000000Z"} if number > 3 else {}
        edit.change_rows(journal, entry, "compose.containers", WEB, **ENDED, **again)
    edit.change_rows(journal, T(journal, "confirm"), "compose.containers", WEB, **ENDED, **again)


def kept_of_others():
    """The env file that is kept is of some of the containers only: the one found is put back."""
    driver = Driver()
    ids = [one.id for one in driver.target.containers if one.service != WEB]
    lines = [digest("env", driver.target.env), "600 1000 1000", *ids]
    driver.target.env_good = "".join(line + "\n" for line in lines)
    driver.target.env = "edited"
    driver.fail_release("unhealthy")
    driver.roll_back()
    return driver


def leadership_lost():
    """Brain loses its leadership in the window, and has not regained it in the next sample."""
    driver = Driver()
    driver.release_to_verified()
    driver.begin("observe_window")
    driver.samples(2)
    driver.target.running(BRAIN).say(driver.target.now, "Brain demoted to FOLLOWER. Disabling")
    driver.target.wait(500)
    driver.samples(2, first=3)
    driver.end("rolling_back", "mismatch")
    driver.roll_back()
    return driver


def no_hash_in_addresses(journal):
    """What a registry gave, and the image, are named by a digest of other letters."""
    for entry in journal.entries:
        for one in entry["body"].get("evidence", []):
            if one["probe"] in ("compose.images", "compose.registry"):
                text = journal.text(one).replace(digest("address", WEB, "2"), "z" * 64)
                edit.put(journal, one, text)


def disarmed_by_another_nonce():
    """An interrupted ARM is answered by a DISARM with a nonce of its own."""
    driver = Driver()
    driver.reach_arm()
    first = driver.intent
    driver.target.wait(1000)
    driver.git()
    driver.list()
    driver.key = driver.fresh_key()
    driver.publish(arm=False)
    driver.look()
    driver.reconcile("unknown", "repeat")
    driver.arm(repeats=first)
    driver.observe()
    driver.finish()
    return driver


def clock_goes_back(journal):
    """The target's clock is set back by an hour behind the ARM of a deployment."""
    place = journal.entries.index(T(journal, "arm"))
    key = edit.intent(journal, "arm")["body"]["key"]
    sent = edit.item(journal.entries[place], "bus.publish")["sent_ns"]
    for entry in journal.entries[place:]:
        for one in entry["body"].get("evidence", []):
            if one["probe"] == "logs.execution" and key in journal.text(one):
                before, behind = journal.text(one).split(key, 1)
                before, _, line = before.rpartition("\n")
                line = (line + key + behind).replace("T07:", "T06:")
                edit.put(journal, one, before + "\n" + line)
            if "target" in one and one["sent_ns"] > sent:
                one["target"]["wall_ms"] -= HOUR_MS


def never_finished(journal):
    """Lists that say when a container was created, and not when its run before ended."""
    for entry in journal.entries:
        for one in entry["body"].get("evidence", []):
            if one["probe"] == "compose.containers":
                rows = edit.rows(journal, one)
                for row in rows:
                    del row["finished_at"]
                edit.put_rows(journal, one, rows)


def shortened_before(journal):
    """Nobody replies, Execution names its hash in short, and Brain in full."""
    whole = digest("policy", "a")
    for action in ("connect", "switch_services"):
        for one in T(journal, action)["body"]["evidence"]:
            if one["probe"] == "logs.execution":
                text = journal.text(one).replace(whole, whole[:12] + "...")
                edit.put(journal, one, text)


def arms_in_a_disarm(journal):
    """An ARM stands in what came of a DISARM by hand, within a deployment."""
    outcome = edit.of_type(journal, "command", 1)
    edit.copy_behind(outcome, outcome["body"]["evidence"][-1], probe="bus.publish")
    outcome["body"]["evidence"][-1].update(subject=SUBJECT_ARM, status=0)
    del outcome["body"]["evidence"][-1]["target"]


def unlisted(journal):
    """The last look of a step that is repeated has no list."""
    entry, kept = T(journal, "switch_services"), []
    for one in entry["body"]["evidence"]:
        acted = any(two["probe"] == "compose.up" for two in kept)
        if acted or one["probe"] != "compose.containers":
            kept.append(one)
    entry["body"]["evidence"] = kept


def armed_in_another_run(journal):
    """Behind the DISARM of the way back Execution is another, which was armed for a moment."""
    entry = T(journal, "make_safe")
    for one in entry["body"]["evidence"][-3:]:
        made = edit.copy_behind(entry, entry["body"]["evidence"][-1], **one)
        if one["probe"] == "compose.containers":
            rows = edit.rows(journal, made)
            for row in rows:
                if row["service"] == EXECUTION:
                    row["id"] = digest("another")
            edit.put_rows(journal, made, rows)
        elif one["probe"] == "logs.execution":
            edit.add_line(journal, made, "EXECUTION ARMED: nobody")
            edit.add_line(journal, made, "EXECUTION DISARMED: nobody")


def other_line_at_the_same_time(journal):
    """The clock was stepped; a log begins at the time of the last line heard, which it lacks."""
    for number in range(2, 8):
        for one in edit.sample(journal, number)["body"]["evidence"]:
            if "target" in one:
                one["target"]["wall_ms"] += 3000
    one = edit.item(edit.sample(journal, 3), "logs.execution")
    stamp = journal.text(one).splitlines()[-1].split(" ", 1)[0]
    edit.put(journal, one, f"{stamp} something else\n")


def brain_ends(journal):
    """A Brain whose restart policy is `no` has ended well, and is no one-shot all the same."""
    edit.change_rows(journal, T(journal, "confirm"), "compose.containers", BRAIN, **ENDED)


def nobody_is_asked(journal):
    """In a sample Execution does not run, and the responder was not asked."""
    entry = edit.sample(journal, 4)
    edit.change_rows(journal, entry, "compose.containers", EXECUTION, state="exited")
    gone = ("bus.policy_hash", "logs.execution", "interlock.marker")
    entry["body"]["evidence"] = [
        one for one in entry["body"]["evidence"] if one["probe"] not in gone
    ]


def stranger_of_before(journal):
    """A log has lines of before its run, and in one of them a stranger disarms."""
    place = journal.entries.index(T(journal, "verify_execution"))
    for entry in journal.entries[place:]:
        for one in entry["body"].get("evidence", []):
            if one["probe"] == "logs.execution":
                line = "2026-11-28T06:20:00.000000000Z Received DISARM command: stranger\n"
                edit.put(journal, one, line + journal.text(one))


def sent_at_once(journal):
    """The first request goes out in the moment of the intent's record."""
    one = T(journal, "connect")["body"]["evidence"][0]
    one["sent_ns"] = edit.intent(journal, "connect")["boottime_ns"]


CASES = [
    Case("no_arm_in_a_disarm", "P-16", disarmed_beside(died=False), arms_in_a_disarm),
    Case("no_other_run", "L-05", "release_unhealthy", armed_in_another_run),
    Case("no_line_back", "H-04", "release", other_line_at_the_same_time),
    Case("no_brain", "P-21", "release", with_row("ends", brain_ends, service=BRAIN)),
    Case("no_reply_asked", "P-12", "release", nobody_is_asked),
    Case("no_stranger_before", "H-01", "policy", stranger_of_before, **PROVEN),
    Case("no_delay", "C-02", "release", sent_at_once, **PROVEN),
    Case("no_list", "P-12", switched_again(), unlisted),
    Case("no_settings_open", "A-04", settings_while_open),
    Case("no_repeated_earlier", "P-11", "by_hand", repeated_from_earlier),
    Case("no_repeated_longer", "P-11", "by_hand", repeated_longer),
    Case("no_run_again", "W-09", "release", with_row("ends", run_again_in_window), **PROVEN),
    Case("no_kept_of_others", "R-08", kept_of_others, **PROVEN),
    Case("no_leadership", "W-15", leadership_lost, **PROVEN),
    Case("no_hash", "P-31", "release", no_hash_in_addresses),
    Case("no_own_nonce", "L-09", disarmed_by_another_nonce, **PROVEN),
    Case("no_clock_back", "H-02", "policy", clock_goes_back, **PROVEN),
    Case("no_finish", "H-01", "release", never_finished, **PROVEN),
    Case("no_short_before", "H-07", journals_first.silent_before, shortened_before, **PROVEN),
]
