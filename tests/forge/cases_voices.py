"""For each rule of FORMAT.md about the interlock and the policy hash one case that breaks it."""

import json

import edit
from case import Case
from cases_named import policy_until
from cases_rules import T, body, put_item
from steps import Driver
from target import BRAIN, EXECUTION, SUBJECT_DISARM, digest

EVERYWHERE = 10**9


def log_changed(action, probe, change, entries):
    """`change` of the text of every log of the probe, in this entry or from there on."""

    def work(journal):
        place = journal.entries.index(T(journal, action))
        for entry in journal.entries[place : place + entries]:
            for one in entry["body"].get("evidence", []):
                if one["probe"] == probe:
                    edit.put(journal, one, change(journal.text(one)))

    return work


def without_line(action, probe, words, entries=1):
    """The lines with these words are gone, in this entry or from there on."""

    def kept(text):
        return "".join(line + "\n" for line in text.splitlines() if words not in line)

    return log_changed(action, probe, kept, entries)


def in_lines(action, probe, old, new, entries=1):
    """Words are exchanged in every log of the probe in this entry, or from there on."""

    return log_changed(action, probe, lambda text: text.replace(old, new), entries)


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


def disarmed_on_the_way(before):
    """A stranger disarms while the deployment is on its way to its snapshot."""
    driver = Driver()
    driver.arm_by_hand()
    driver.open("policy")
    for name in ("preflight", "connect"):
        if name == before:
            driver.target.wait(100)
            stranger_disarms(driver)
        getattr(driver, name)()
    driver.update_to_guard("2", "b")
    driver.deploy_policy()
    driver.finish_policy()
    return driver


def armed_without_yes():
    driver = Driver()
    driver.arm_by_hand()
    driver.release_to_verified(answer="no")
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
    driver.update_to_guard("2", "a")
    driver.finish_release()
    return driver


CASES = [
    Case(
        "l_not_received", "L-01", "policy", without_line("disarm", "logs.execution", "DISARM com")
    ),
    Case(
        "l_armed_after_deploy",
        "L-04",
        "policy",
        put_item("deploy_execution", "interlock.marker", "present\n", 3),
    ),
    Case("l_key", "L-06", "policy", put_item("disarm", "bus.publish", "f" * 32 + " x")),
    Case(
        "l_not_own_arm",
        "L-07",
        "policy",
        in_lines("arm", "logs.execution", "Received ARM command: ", "Received ARM command: x"),
    ),
    Case("l_stranger_disarms", "L-09", lambda: policy_until("verify_parity", stranger_disarms)),
    Case("l_stranger_before_preflight", "L-09", lambda: disarmed_on_the_way("preflight")),
    Case("l_stranger_before_connect", "L-09", lambda: disarmed_on_the_way("connect")),
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
        finds=("H-06", "H-07"),
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
    Case("h_no_snapshot", "N-13", silent_snapshot, exit_status=0),
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
    ),
]
