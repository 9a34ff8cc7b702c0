"""What stands right beside a rule: where an item says it came from, and journals that differ from
one that breaks a rule by a single word."""

import copy

import edit
import journals_first
import journals_more
from case import Case
from cases_rules import T, behind
from steps import Driver
from story import EXECUTION
from target import BRAIN, SUBJECT_DISARM, WEB, digest


def nowhere(find, probe=None):
    """Items that do not say in which boot of the target they were taken."""

    def work(journal):
        for one in find(journal)["body"]["evidence"]:
            if probe in (None, one["probe"]):
                one.pop("target", None)

    return work


def other_registry(journal):
    one = edit.item(T(journal, "pull_images"), "compose.registry")
    edit.put(journal, one, f"registry/{WEB}@sha256:{digest('another address')}\n")


def without_rows(journal, entry, service):
    for one in entry["body"]["evidence"]:
        if one["probe"] == "compose.containers":
            rows = [row for row in edit.rows(journal, one) if row["service"] != service]
            edit.put_rows(journal, one, rows)


def kept(entry, *probes):
    items = entry["body"]["evidence"]
    entry["body"]["evidence"] = [one for one in items if one["probe"] in probes]


def gone_in_disarm(journal):
    """It ran before, and nobody sent DISARM: a list that shows it gone is not enough."""
    entry = T(journal, "disarm")
    kept(entry, "compose.containers")
    without_rows(journal, entry, EXECUTION)


def sent_in_disarm(journal):
    """It did not run before, and something was sent all the same."""
    entry = T(journal, "disarm")
    key = edit.intent(journal, "disarm")["body"]["key"]
    made = dict(edit.item(entry, "compose.containers"), probe="bus.publish", subject=SUBJECT_DISARM)
    del made["target"]
    edit.put(journal, made, f"{key} titan-fsm")
    made["received_ns"] = made["sent_ns"]
    entry["body"]["evidence"].insert(0, made)


def gone_in_deploy_brain(journal):
    entry = T(journal, "deploy_brain")
    edit.drop(entry, "bus.publish")
    without_rows(journal, entry, EXECUTION)
    items = entry["body"]["evidence"]
    away = ("logs.execution", "interlock.marker")
    entry["body"]["evidence"] = [one for one in items if one["probe"] not in away]


def without_up(journal):
    edit.drop(T(journal, "deploy_execution"), "compose.up")


def not_behind_its_up(journal):
    """Execution was brought up by its name, and the next list has it not."""
    entry = T(journal, "redeploy")
    without_rows(journal, entry, EXECUTION)


def empty_branch(journal):
    edit.put(journal, edit.item(T(journal, "connect"), "git.branch"), "\n")


def accepted_elsewhere():
    """An attestation by which a failed rollback would end, where none failed."""
    driver = Driver()
    driver.open("release")
    driver.preflight()
    driver.attest("rollback_failed", "accepted", "too early")
    driver.connect()
    driver.update_to_guard("2", "a")
    driver.finish_release()
    return driver


def attested_otherwise():
    """An attestation of something else where a rollback failed: it does not end there."""
    driver = Driver()
    driver.fail_release()
    driver.fail_rollback()
    driver.attest("tree_clean", "accepted", "seen")
    driver.end("rolling_back", "rollback")
    driver.roll_back()
    return driver


def almost_overridden(journal):
    """The override is of a service whose name only begins like that of web."""
    entry = T(journal, "revert")
    last = edit.item(entry, "act", -1)
    edit.copy_behind(entry, last, subject=f"write override {WEB}x")
    restored = T(journal, "verify_restored")
    edit.item(restored, "compose.drift")["subject"] = "override"
    edit.change_rows(
        journal, restored, "compose.images", WEB, id="sha256:" + digest("moved"), manifest=""
    )


def answered_behind(journal):
    """The `yes` comes when ARM is intended already."""
    answer = edit.of_type(journal, "command", -1)
    assert answer["body"]["command"] == "answer", answer
    made = copy.deepcopy(answer)
    edit.remove_entry(journal, answer)
    behind(journal, edit.intent(journal, "arm"), made)


def short_mode(journal):
    edit.put(journal, edit.item(T(journal, "connect"), "env.mode"), "600 1000\n")


def other_row(action, **changes):
    def work(journal):
        edit.change_rows(journal, T(journal, action), "compose.containers", WEB, **changes)

    return work


def other_file_kept():
    """Somebody put another env file where the one of the first release was kept."""
    driver = Driver()
    driver.release("2")
    lines = [digest("env", "of nobody"), "600 1000 1000"]
    lines += [one.id for one in driver.target.containers]
    driver.target.env_good = "".join(line + "\n" for line in lines)
    driver.release("3")
    return driver


def other_policy_between():
    driver = Driver()
    driver.release("2", "a")
    driver.target.policy["2"] = digest("policy", "b")
    for service in (EXECUTION, BRAIN):
        driver.target.create(service, "2")
    driver.target.wait(2000)
    driver.release("3", "b")
    return driver


def answered_late(overlaps):
    """The list of the sample, asked before a command beside it, is answered behind what that asked
    last; or its uptime says so, and its times do not."""

    def work(journal):
        sample = edit.of_type(journal, "sample", 2)
        one = edit.item(sample, "compose.containers", 0)
        command = edit.of_type(journal, "command", -1)
        last = [item for item in command["body"]["evidence"] if "target" in item][-1]
        if overlaps:
            one["received_ns"] = last["sent_ns"] + 2_000_000
        for key in ("before_ms", "after_ms"):
            one["target"][key] = last["target"]["before_ms"] + 2

    return work


CASES = [
    Case(
        "e_answered_late",
        "C-05",
        journals_more.disarmed_beside_a_sample,
        answered_late(True),
        exit_status=0,
        finds=("N-01",),
    ),
    Case(
        "e_answered_late_not", "C-05", journals_more.disarmed_beside_a_sample, answered_late(False)
    ),
    Case("e_restarts_fall", "P-19", "release", other_row("verify_release", restarts=3)),
    Case("e_created", "P-19", "release", other_row("confirm", created_at="2026-11-28T07:00:00Z")),
    Case("e_file_kept", "N-05", other_file_kept, exit_status=0),
    Case("e_hash_between", "N-05", other_policy_between, exit_status=0),
    Case("e_nowhere", "C-10", "release", nowhere(lambda j: edit.sample(j, 4))),
    Case("e_nowhere_arm", "C-10", "policy", nowhere(lambda j: T(j, "arm"), "logs.brain")),
    Case("e_nowhere_by_hand", "C-10", "by_hand", nowhere(lambda j: edit.of_type(j, "command", -1))),
    Case("e_registry", "P-37", "release", other_registry),
    Case("e_disarm_gone", "L-01", "policy", gone_in_disarm),
    Case("e_disarm_sent", "L-01", journals_first.first_policy, sent_in_disarm),
    Case("e_brain_gone", "L-01", journals_first.first_policy, gone_in_deploy_brain),
    Case("e_without_up", "P-12", journals_first.first_policy, without_up),
    Case("e_not_behind", "P-21", "release_unhealthy", not_behind_its_up),
    Case("e_branch", "P-31", "release", empty_branch),
    Case("e_mode", "P-31", "release", short_mode),
    Case("e_accepted", "P-09", accepted_elsewhere),
    Case("e_attested", "A-11", attested_otherwise, exit_status=0, finds=("N-04",)),
    Case("e_override", "R-09", "release_unhealthy", almost_overridden),
    Case("e_answered", "L-10", "release_rearmed", answered_behind),
]
