"""For each rule of FORMAT.md about what was looked at one case that breaks it: interlock, parity,
window, restoration, clocks, remarks."""

import json

import edit
import mutate
from case import Case
from cases_named import policy_until
from cases_rules import T, body, put_item, set_item
from steps import Driver
from target import BRAIN, EXECUTION, SUBJECT_DISARM, WEB, digest

EVERYWHERE = 10**9


def without_line(action, probe, words, entries=1):
    """The lines with these words are gone, in this entry or from there on."""

    def work(journal):
        place = journal.entries.index(T(journal, action))
        for entry in journal.entries[place : place + entries]:
            for one in entry["body"].get("evidence", []):
                if one["probe"] == probe:
                    lines = journal.text(one).splitlines()
                    kept = [line for line in lines if words not in line]
                    edit.put(journal, one, "".join(line + "\n" for line in kept))

    return work


def in_lines(action, probe, old, new, entries=1):
    """Words are exchanged in every log of the probe in this entry, or from there on."""

    def work(journal):
        place = journal.entries.index(T(journal, action))
        for entry in journal.entries[place : place + entries]:
            for one in entry["body"].get("evidence", []):
                if one["probe"] == probe:
                    edit.put(journal, one, journal.text(one).replace(old, new))

    return work


def line_behind(action, probe, message, nth=-1):
    def work(journal):
        edit.add_line(journal, edit.item(T(journal, action), probe, nth), message)

    return work


def sample_line(probe, message, number=3):
    def work(journal):
        edit.add_line(journal, edit.item(edit.sample(journal, number), probe, -1), message)

    return work


def stranger_disarms(driver):
    driver.target.receive(SUBJECT_DISARM, "a stranger")
    driver.target.wait(5)


def armed_without_yes():
    driver = Driver()
    driver.arm_by_hand()
    driver.prepare("release", "2", "a")
    driver.switch()
    driver.verify_release(answer="no")
    driver.arm()
    driver.observe()
    driver.finish()
    return driver


def two_executions(journal):
    for entry in (T(journal, "connect"), T(journal, "arm")):
        for one in entry["body"]["evidence"]:
            if one["probe"] == "compose.containers":
                made = edit.rows(journal, one)
                first = next(row for row in made if row["service"] == EXECUTION)
                made.append(dict(first, id=digest("second"), name="/titan_second"))
                edit.put_rows(journal, one, made)


def arm_in_deployment():
    driver = Driver()
    driver.prepare("release", "2", "a")
    driver.arm_by_hand()
    driver.armed_before = True
    driver.switch()
    driver.verify_release(answer="no")
    driver.observe()
    driver.finish()
    return driver


def armed_at_the_end(journal):
    entry = T(journal, "verify_restored")
    for one in entry["body"]["evidence"]:
        if one["probe"] == "logs.execution":
            edit.add_line(journal, one, "EXECUTION ARMED: a stranger")
        if one["probe"] == "interlock.marker":
            edit.put(journal, one, "present\n")


def arm_outside_unseen(journal):
    for one in body(journal, "command", 1)["evidence"]:
        if one["probe"] == "logs.execution":
            edit.put(journal, one, journal.text(one).replace("Received ARM", "Received XRM"))


def stepped_back(journal):
    """The target's clock went back by an hour in front of Brain's new container."""
    hour = 3_600_000
    place = journal.entries.index(T(journal, "deploy_brain"))
    begun = edit.item(journal.entries[place], "compose.up", 0)["sent_ns"]
    for entry in journal.entries[place:]:
        for one in entry["body"].get("evidence", []):
            if "target" in one and one["sent_ns"] >= begun:
                one["target"]["wall_ms"] -= hour
    for entry in journal.entries[place:]:
        edit.change_rows(
            journal,
            entry,
            "compose.containers",
            BRAIN,
            created_at="2026-11-28T07:20:30.000000000Z",
            started_at="2026-11-28T07:20:30.100000000Z",
        )


def rotten_reply(journal):
    for one in T(journal, "verify_parity")["body"]["evidence"]:
        if one["probe"] == "bus.policy_hash":
            edit.put(journal, one, json.dumps({"stream": "TITAN_CMD", "seq": 7}))


def other_hash_from(action):
    """All voices of a release's entries from here on name another hash."""

    def work(journal):
        place = journal.entries.index(T(journal, action))
        old = json.loads(journal.text(edit.item(journal.entries[place], "bus.policy_hash")))
        for entry in journal.entries[place:]:
            for one in entry["body"].get("evidence", []):
                if one["probe"] == "bus.policy_hash" or one["probe"].startswith("logs."):
                    text = journal.text(one).replace(old["policy_hash"], digest("other"))
                    edit.put(journal, one, text)

    return work


def silent_snapshot():
    driver = Driver()
    driver.target.silent = True
    driver.open("release")
    driver.preflight()
    driver.connect()
    driver.target.silent = False
    driver.update("2", "a")
    driver.pull()
    driver.guard()
    driver.switch()
    driver.verify_release()
    driver.observe()
    driver.finish()
    return driver


def fails(endpoint, numbers):
    def work(journal):
        for number in numbers:
            edit.item(edit.sample(journal, number), "health", 0, endpoint)["status"] = 503

    return work


def late_window():
    driver = Driver()
    driver.prepare("release", "2", "a")
    driver.switch()
    driver.verify_release()
    driver.target.wait(130_000)
    driver.observe()
    driver.finish()
    return driver


def short_window():
    driver = Driver()
    driver.prepare("release", "2", "a")
    driver.switch()
    driver.verify_release()
    driver.begin("observe_window")
    driver.samples(4)
    driver.end("observed")
    driver.finish()
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
    driver.prepare("release", "2", "a")
    driver.switch()
    driver.verify_release()
    driver.begin("observe_window")
    driver.samples(2)
    driver.target.policy["2"], kept = digest("other"), driver.target.policy["2"]
    driver.samples(1, first=3)
    driver.target.policy["2"] = kept
    driver.samples(1, first=4)
    driver.end("rolling_back", "mismatch")
    driver.roll_back()
    return driver


def accepted_failure():
    driver = Driver()
    driver.prepare("release", "2", "a")
    driver.switch()
    driver.begin("verify_release")
    driver.end("rolling_back", "failed")
    driver.make_safe()
    driver.begin("revert")
    driver.end("rollback_failed", "failed")
    attestation = {"item": "rollback_failed", "answer": "accepted", "reason": "by hand"}
    attestation["operator"] = "alice@example"
    driver.write("attestation", attestation, driver.alice)
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


CASES = [
    Case(
        "l_not_received", "L-01", "policy", without_line("disarm", "logs.execution", "DISARM com")
    ),
    Case(
        "l_armed_after_deploy",
        "L-04",
        "policy",
        put_item("deploy_execution", "interlock.marker", "present\n", 1),
    ),
    Case("l_key", "L-06", "policy", put_item("disarm", "bus.publish", "f" * 32 + " x")),
    Case(
        "l_not_own_arm",
        "L-07",
        "policy",
        in_lines("arm", "logs.execution", "Received ARM command: ", "Received ARM command: x"),
    ),
    Case("l_stranger_disarms", "L-09", lambda: policy_until("verify_parity", stranger_disarms)),
    Case("l_no_yes", "L-10", armed_without_yes),
    Case(
        "l_window",
        "L-11",
        "policy",
        sample_line("logs.execution", "EXECUTION DISARMED: a stranger"),
    ),
    Case("l_two", "L-12", "policy", two_executions),
    Case("l_by_hand_inside", "L-13", arm_in_deployment),
    Case("l_armed_at_the_end", "L-15", "release_unhealthy", armed_at_the_end),
    Case(
        "l_emergency",
        "L-16",
        "by_hand",
        lambda j: edit.drop(edit.of_type(j, "command", -1), "logs.execution"),
    ),
    Case("l_outside", "L-17", "by_hand", arm_outside_unseen, finds=("L-07", "L-17")),
    Case(
        "h_before_the_run",
        "H-01",
        "policy",
        in_lines("verify_parity", "logs.brain", "2026-", "2025-", EVERYWHERE),
        exit_status=(1, 3),
        finds=("H-13", "H-04", "H-09"),
    ),
    Case(
        "h_nonce_before",
        "H-02",
        "policy",
        in_lines("arm", "logs.execution", "Received ARM", "Received XRM"),
        finds=("L-07",),
    ),
    Case("h_stepped", "H-03", "policy", stepped_back, exit_status=(1, 3), finds=("H-13", "P-19")),
    Case(
        "h_not_at_the_end",
        "H-04",
        "policy",
        lambda j: edit.add_line(
            j, edit.item(edit.sample(j, 3), "logs.brain"), "Policy hash handshake OK", before=True
        ),
    ),
    Case(
        "h_last_line",
        "H-06",
        "policy",
        line_behind(
            "verify_execution", "logs.execution", "Risk Policy Loaded. Hash: " + digest("other")
        ),
        finds=("H-06", "H-08", "H-09"),
    ),
    Case(
        "h_names_else",
        "H-07",
        "policy",
        in_lines(
            "verify_parity",
            "logs.brain",
            "OK. Enabling signal processing. Hash:",
            "OK? no: refused",
            EVERYWHERE,
        ),
        finds=("H-07", "H-08", "H-09"),
    ),
    Case("h_receipts", "H-09", "policy", rotten_reply, finds=("H-05", "H-08", "H-09")),
    Case("h_changed", "H-10", "release", other_hash_from("verify_release")),
    Case("h_no_snapshot", "H-10", silent_snapshot, exit_status=3),
    Case(
        "h_failed",
        "H-11",
        "policy",
        sample_line("logs.brain", "CRITICAL: Policy hash handshake FAILED. no"),
    ),
    Case(
        "h_lost",
        "H-12",
        "policy",
        lambda j: [sample_line("logs.brain", "Brain demoted to FOLLOWER.", n)(j) for n in (3, 4)],
    ),
    Case(
        "h_absent",
        "H-13",
        "policy",
        without_line("verify_parity", "logs.brain", "handshake OK", EVERYWHERE),
        exit_status=3,
    ),
    Case(
        "w_sick_word",
        "W-01",
        "release",
        put_item("confirm", "health", '{"status":"error"}'),
        finds=("P-23", "W-08"),
    ),
    Case("w_number", "W-02", "release", lambda j: edit.sample(j, 3)["body"].update(n=4)),
    Case("w_late", "W-03", late_window),
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
        "r_env",
        "R-01",
        "release_unhealthy",
        put_item("verify_restored", "env.hmac", "0" * 64 + "\n"),
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
        set_item("revert", "act", 1, subject="pin titan-web sha256:x"),
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
