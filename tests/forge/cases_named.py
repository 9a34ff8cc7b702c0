"""The kinds of forged journals that were once proven, each made anew from an honest one, under the
name it has there: what it breaks, and how."""

import copy
import json

import edit
import resign
from case import Case
from steps import Driver
from story import EXECUTION, LIMITS
from target import BRAIN, SUBJECT_ARM, digest

STANDARD = dict(LIMITS, window_ms=300000, sample_interval_ms=5000, sample_gap_ms=10000)
QUOTE = '"'
OTHER_HASH = json.dumps({"policy_hash": digest("other")})


def one_sample_of_301_s():
    driver = Driver(limits=STANDARD)
    driver.release_to_verified()
    driver.begin("observe_window")
    driver.sample_evidence()
    driver.target.wait(301_000)
    driver.log("brain")
    driver.sample(1)
    driver.finish_window()
    return driver


def swapped_evidence(journal):
    edit.sample(journal, 3)["body"]["evidence"] = copy.deepcopy(
        edit.sample(journal, 2)["body"]["evidence"]
    )


def other_image_in_window(journal):
    other = {"id": digest("another container"), "image": "sha256:" + digest("another image")}
    for number in range(2, 7):
        entry = edit.sample(journal, number)
        edit.change_rows(journal, entry, "compose.containers", BRAIN, **other)


def late_after_mismatch():
    driver = Driver()
    driver.arm_by_hand()
    driver.release_to_verified()
    driver.arm()
    driver.begin("observe_window")
    driver.samples(2)
    driver.target.policy["2"] = digest("other")
    driver.sample_evidence()
    driver.sample(3)
    driver.target.wait(60_000)
    driver.end("rolling_back", "mismatch")
    driver.roll_back()
    return driver


def no_endpoints(journal):
    journal.entries[0]["body"]["endpoints"] = []
    for entry in journal.entries:
        if "evidence" in entry["body"]:
            items = entry["body"]["evidence"]
            items[:] = [one for one in items if one["probe"] != "health"]


def other_hash_behind_silence(journal):
    entry = edit.sample(journal, 3)
    reply = edit.item(entry, "bus.policy_hash")
    edit.put(journal, edit.copy_behind(entry, reply), OTHER_HASH)
    edit.put(journal, reply, "")
    reply["status"] = 2


def restored_unequal():
    driver = Driver()
    driver.arm_by_hand()
    driver.target.silent = True
    driver.prepare("policy", "2", "b")
    driver.target.silent = False
    driver.disarm()
    driver.deploy_execution()
    driver.begin("verify_execution")
    driver.parity()
    driver.end("rolling_back", "failed")
    driver.roll_back()
    return driver, one_reply_differs


def one_reply_differs(journal):
    entry = edit.transition(journal, "verify_restored")
    edit.put(journal, edit.item(entry, "bus.policy_hash", 1), OTHER_HASH)


def manual_arm_unequal(journal):
    for entry in journal.entries:
        if entry["type"] == "command" and entry["body"]["command"] == "arm":
            for one in entry["body"]["evidence"]:
                if one["probe"] == "bus.policy_hash":
                    edit.put(journal, one, OTHER_HASH)


def policy_until(step, stranger):
    """A policy change in whose course a stranger does something before `step`."""
    driver = Driver()
    driver.prepare("policy", "2", "b")
    for name in (
        "disarm",
        "deploy_execution",
        "verify_execution",
        "deploy_brain",
        "verify_parity",
        "arm",
        "observe",
        "finish",
    ):
        if name == step:
            stranger(driver)
        getattr(driver, name)()
    return driver


def stranger_arms(driver):
    driver.target.receive(SUBJECT_ARM, "a stranger")
    driver.target.wait(5)


def armed_blip(driver):
    stranger_arms(driver)
    driver.target.running(EXECUTION).armed = False
    driver.target.running(EXECUTION).say(driver.target.now, "EXECUTION DISARMED: a stranger")
    driver.target.wait(5)


def up_in_sample(journal):
    entry = edit.sample(journal, 3)
    edit.copy_behind(entry, edit.item(entry, "compose.containers"), probe="compose.up")


def second_up_stale():
    driver = Driver()
    driver.prepare("policy", "2", "b")
    driver.disarm()
    driver.deploy_execution()
    driver.verify_execution()
    look = driver.look
    looks = []

    def slow_look():
        look()
        looks.append(1)
        if len(looks) == 2:
            driver.target.wait(60_000)

    driver.look = slow_look
    driver.deploy_brain()
    driver.look = look
    driver.verify_parity()
    driver.arm()
    driver.observe()
    driver.finish()
    return driver


def safe_by_omission(journal):
    entry = edit.transition(journal, "make_safe")
    first = edit.item(entry, "compose.containers")
    edit.put_rows(
        journal, first, [one for one in edit.rows(journal, first) if one["service"] != EXECUTION]
    )
    entry["body"]["evidence"] = [first]


def arm_answered_by_a_look(journal):
    entry = edit.of_type(journal, "reconciliation", -1)
    edit.drop(entry, "bus.publish")
    log = edit.item(entry, "logs.execution")
    nonce = edit.intent(journal, "arm", 0)["body"]["key"]
    lines = [line for line in journal.text(log).splitlines() if nonce not in line]
    edit.put(journal, log, "".join(line + "\n" for line in lines))
    for later in journal.entries[journal.entries.index(entry) :]:
        for one in later["body"].get("evidence", []):
            if one["probe"] == "logs.execution":
                lines = [line for line in journal.text(one).splitlines() if nonce not in line]
                edit.put(journal, one, "".join(line + "\n" for line in lines))


def found_contradicted(journal):
    entry = edit.of_type(journal, "reconciliation", 0)
    old = edit.item(edit.transition(journal, "connect"), "compose.containers")
    edit.put(journal, edit.item(entry, "compose.containers"), journal.text(old))


def second_container(journal):
    entry = edit.transition(journal, "verify_restored")
    for one in entry["body"]["evidence"]:
        if one["probe"] == "compose.containers":
            made = edit.rows(journal, one)
            web = next(row for row in made if row["service"] == "titan-web")
            other = {"id": digest("second"), "image": "sha256:" + digest("another image")}
            made.append(dict(web, health="unhealthy", **other))
            edit.put_rows(journal, one, made)


def script_failed(journal):
    edit.item(edit.transition(journal, "verify_release"), "script")["status"] = 1


def tenancy_of_another(journal):
    one = edit.item(edit.transition(journal, "connect"), "tenancy")
    edit.change_json(journal, one, journal="f" * 32, holder="mallory on evil")


def guard_empty(journal):
    edit.put(journal, edit.item(edit.transition(journal, "lay_guard"), "guard"), "")


def drift_untold(journal):
    for entry in journal.entries:
        for one in entry["body"].get("evidence", []):
            if one["probe"] == "compose.drift":
                made = [dict(row, declared="") for row in edit.rows(journal, one)]
                edit.put_rows(journal, one, made)


def uptime_back(journal):
    for one in edit.transition(journal, "confirm")["body"]["evidence"]:
        if "target" in one:
            one["target"]["before_ms"] -= 30_000
            one["target"]["after_ms"] -= 30_000


def other_bus_subject(journal):
    for entry in journal.entries:
        for one in entry["body"].get("evidence", []):
            if one["probe"] == "bus.policy_hash":
                one["subject"] = "titan.req.exec.policy_hash.v2"


def answer_of_another(journal):
    carol = journal.entries[0]["body"]["roster"]["operators"][1]
    public = resign.public_of_line(carol)
    edit.of_type(journal, "command", -1)["signer"] = public


def approver_is_opener(journal):
    lines = journal.entries[0]["body"]["roster"]["approvers"]
    lines[:] = [line.replace("bob@example", "bob@example,alice@example") for line in lines]


def patterns_inverted(journal):
    patterns = journal.entries[0]["body"]["patterns"]
    patterns["handshake_ok"].append("CRITICAL: Policy hash handshake FAILED")
    patterns["handshake_failed"] = ["never printed"]


def without_hash(journal):
    for entry in journal.entries:
        for one in entry["body"].get("evidence", []):
            if one["probe"] in ("logs.brain", "logs.errors"):
                text = journal.text(one)
                head, ok, rest = text.partition("Policy hash handshake OK.")
                if ok:
                    edit.put(
                        journal, one, f"{head}Policy hash handshake OK{rest[rest.index(QUOTE):]}"
                    )


def clock_ahead(journal):
    edit.sample(journal, 4)["boottime_ns"] += 6_200_000_000


CASES = [
    Case("w_std_300s_one_sample", "W-04", one_sample_of_301_s, limits=STANDARD),
    Case("w_samples_swapped_evidence", "W-05", "policy", swapped_evidence),
    Case("w_other_image_in_window", "W-09", "policy", other_image_in_window),
    Case("w_rb_late_after_parity_mismatch", "W-12", late_after_mismatch),
    Case("w_endpoints_empty", "N-03", "policy", no_endpoints, exit_status=0),
    Case("par_sample_other_hash_behind_silence", "H-08", "policy", other_hash_behind_silence),
    Case("par_restored_unequal_before_silent", "H-14", restored_unequal),
    Case("par_manual_arm_unequal", "L-08", "by_hand", manual_arm_unequal),
    Case("il_armed_before_parity", "L-05", lambda: policy_until("verify_parity", stranger_arms)),
    Case(
        "il_verify_execution_armed_blip",
        "L-05",
        lambda: policy_until("verify_execution", armed_blip),
    ),
    Case("armed_early", "L-05", lambda: policy_until("arm", stranger_arms)),
    Case("il_up_in_sample", "P-16", "policy", up_in_sample),
    Case("il_deploy_brain_second_up_stale", "L-03", second_up_stale),
    Case("x_rb_make_safe_absent_no_act", "L-02", "release_unhealthy", safe_by_omission),
    Case("rc_arm_dangling_fresh_no_disarm", "L-14", "resumed", arm_answered_by_a_look),
    Case("rc_found_contradicted", "P-27", "resumed", found_contradicted),
    Case("r_second_container_other_image", "R-02", "policy_mismatch", second_container),
    Case("pr_script_failed", "P-13", "release", script_failed),
    Case("pr_tenancy_other_journal", "P-25", "policy", tenancy_of_another),
    Case("pr_guard_empty", "P-26", "policy", guard_empty),
    Case("pr_drift_untold", "P-22", "policy", drift_untold, exit_status=3),
    Case("c_target_uptime_back", "C-05", "policy", uptime_back),
    Case("g_bus_subject_other", "H-05", "policy", other_bus_subject),
    Case("t_answer_by_other_operator", "A-09", "release_rearmed", answer_of_another),
    Case("a_approval_two_principals_line", "A-15", "policy", approver_is_opener),
    Case("g_patterns_inverted", "N-02", "policy", patterns_inverted, exit_status=0),
    Case("x_handshake_no_hash", "N-07", "policy", without_hash, exit_status=0),
    Case("fpe", "C-01", "policy", clock_ahead, html=True),
]
