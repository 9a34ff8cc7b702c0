"""The honest journals that the forger changes, by name: each a whole journal of one story."""

import bundle
import journals_guard
from steps import Driver
from story import EXECUTION
from target import WEB, digest


def release():
    """Execution was disarmed and stays so."""
    driver = Driver()
    driver.release("2")
    return driver


def release_rearmed():
    driver = Driver()
    driver.arm_by_hand()
    driver.release("2")
    return driver


def release_unhealthy():
    driver = Driver()
    driver.unhealthy_release()
    return driver


def policy():
    driver = Driver()
    driver.arm_by_hand()
    driver.policy_change("2", "b")
    return driver


def policy_mismatch():
    """Brain does not agree, so it goes back; afterwards Execution is armed by hand."""
    driver = Driver()
    driver.arm_by_hand()
    driver.prepare("policy", "2", "b")
    driver.deploy_policy()
    driver.begin("verify_parity")
    driver.target.wait(1000)
    brain = driver.target.running("titan-brain")
    brain.say(driver.target.now, "\U0001f6a8 CRITICAL: Policy hash handshake FAILED. other")
    driver.parity()
    driver.end("rolling_back", "mismatch")
    driver.roll_back()
    driver.arm_by_hand()
    return driver


def resumed():
    """The driver dies in deploy_execution behind the act, and in `arm`; both are reconciled."""
    driver = Driver()
    driver.prepare("policy", "2", "b")
    driver.disarm()
    driver.begin("deploy_execution")
    driver.publish(arm=False)
    driver.look()
    driver.up([EXECUTION], "2")
    driver.adopt_deploy()
    driver.end("execution_deployed")
    driver.verify_execution()
    driver.deploy_brain()
    driver.verify_parity()
    driver.begin("arm")
    driver.target.wait(1000)
    first = driver.intent
    driver.git()
    driver.list()
    driver.publish(arm=False)
    driver.look()
    driver.reconcile("unknown", "repeat")
    driver.arm(repeats=first)
    driver.observe()
    driver.finish()
    return driver


def taken_over():
    """The driver is gone behind `pulled`; another operator goes on."""
    driver = Driver()
    driver.open("release")
    driver.preflight()
    driver.connect()
    driver.update("2", "a")
    driver.pull()
    driver.target.wait(5000)
    driver.takeover()
    driver.guard()
    driver.finish_release()
    return driver


def aborted():
    driver = Driver()
    driver.prepare("release", "2", "a")
    driver.abort()
    return driver


def same_content():
    """In containerd's store: web was built anew, and its container is left alone."""
    driver = Driver()
    driver.target.store = "containerd"
    driver.target.same = {WEB}
    driver.release("2")
    return driver


def env_put_back():
    """The env file was edited before `begin`, and the containers run with the one kept before."""
    driver = Driver()
    kept, ids = driver.target.env, [one.id for one in driver.target.containers]
    lines = [digest("env", kept), "600 1000 1000"] + ids
    driver.target.env_good = "".join(line + "\n" for line in lines)
    driver.target.env = "edited"
    driver.fail_release("unhealthy")
    driver.roll_back(good=True)
    return driver


def stale():
    driver = Driver()
    driver.arm_by_hand()
    driver.prepare("release", "2", "a")
    driver.stale()
    return driver


def waited():
    """Forty minutes pass before the first change, and the checklist is run again."""
    driver = Driver()
    driver.prepare("release", "2", "a")
    driver.target.wait(40 * 60_000)
    driver.confirm_change()
    driver.begin("switch_services")
    driver.checklist()
    driver.switch_behind_checklist()
    driver.verify_release()
    driver.observe()
    driver.finish()
    return driver


def by_hand():
    """Nothing but an ARM and an emergency DISARM by hand, behind a release."""
    driver = Driver()
    driver.release("2")
    driver.arm_by_hand()
    driver.disarm_by_hand()
    return driver


def by_hand_first():
    """An emergency DISARM by hand that preceded its record, behind a release."""
    driver = Driver()
    driver.release("2")
    driver.arm_by_hand()
    driver.disarm_first()
    return driver


def settings_changed():
    """An endpoint is gone between two releases."""
    driver = Driver()
    driver.release("2")
    driver.endpoints = driver.endpoints[:2]
    body = driver.settings()
    body.update({"checklist": ["env_file_mode"], "approvals": {"policy": 1, "release": 0}})
    body["reason"] = "web has no endpoint any more"
    driver.write("settings", body, driver.alice)
    driver.release("3")
    return driver


def anchored():
    """With an anchor, a note of a clock step and a roster by which bob may drive too."""
    driver = Driver()
    driver.let_bob_drive()
    note = bundle.note(driver.id, driver.journal.stored, driver.alice)
    driver.write("anchor", {"checkpoint": note, "to": "a witness"}, driver.alice)
    driver.release("2")
    return driver


def attested():
    """An item of the checklist that no probe can decide, passed by an operator's word."""
    driver = Driver()
    driver.open("release")
    driver.attest("tree_clean", "passed", "seen")
    driver.begin("run_preflight")
    driver.item("preflight", "env_file_mode", "passed")
    driver.item("preflight", "tree_clean", "cannot be told", 2)
    driver.end("preflighted")
    driver.connect()
    driver.update_to_guard("2", "a")
    driver.finish_release()
    return driver


ALL = {
    story.__name__: story
    for story in (
        release,
        release_rearmed,
        release_unhealthy,
        policy,
        policy_mismatch,
        resumed,
        taken_over,
        aborted,
        same_content,
        env_put_back,
        stale,
        waited,
        by_hand,
        by_hand_first,
        settings_changed,
        anchored,
        attested,
        journals_guard.guarded_policy,
        journals_guard.fired_in_window,
    )
}
