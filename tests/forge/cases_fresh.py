"""What is of this moment: the basis of an ARM, who speaks before and after, and when a failure
could be seen."""

import edit
import mutate
from case import Case
from cases_rules import T
from steps import Driver
from target import BRAIN, EXECUTION, MS, WEB, digest

HANDSHAKE = "Policy hash handshake OK. Enabling signal processing. Hash: "


def old_parity(ms):
    """So long passes between the last look and the ARM."""

    def work(journal):
        entry = T(journal, "arm")
        items = entry["body"]["evidence"]
        for one in items[items.index(edit.item(entry, "bus.publish")) :]:
            mutate.shift(one, ms * MS)
        entry["boottime_ns"] += ms * MS
        entry["utc"] = edit.shifted_utc(entry["utc"], ms)
        edit.later(journal, journal.entries[journal.entries.index(entry) + 1], ms)

    return work


class Restarting(Driver):
    """Between the voices and the last look in front of the ARM this service is started anew."""

    def __init__(self, service):
        super().__init__()
        self.service = service

    def arm_evidence(self):
        self.parity()
        one = self.target.running(self.service)
        one.restarts, one.finished = one.restarts + 1, self.target.now
        one.started = self.target.now + MS
        policy = self.target.policy[one.version]
        if self.service == BRAIN:
            one.say(one.started + 700 * MS, HANDSHAKE + policy)
        else:
            one.say(one.started + 100 * MS, f"Risk Policy Loaded. Hash: {policy}")
            one.say(one.started + 101 * MS, "Execution initialized DISARMED")
        self.target.wait(1000)
        self.look()
        self.publish(arm=True)
        self.look()


def restarted(service):
    def story():
        driver = Restarting(service)
        driver.policy_change("2", "b")
        return driver

    return story


def disarmed_under_a_key_of_ours(first):
    """A person's DISARM has the key of an earlier intent, and ARM follows without an answer."""

    def story():
        driver = Driver()
        driver.prepare("policy", "2", "b")
        driver.deploy_policy()
        driver.verify_parity()
        key, fresh = edit.intent(driver.journal, "update_code")["body"]["key"], driver.fresh_key
        driver.fresh_key = lambda: key
        if first:
            driver.disarm_first()
        else:
            driver.disarm_by_hand()
        driver.fresh_key = fresh
        driver.arm()
        driver.observe()
        driver.finish()
        return driver

    return story


def forget_policy(container):
    container.log = [line for line in container.log if "olicy" not in line]


def named_meanwhile():
    """Nobody names a hash in the snapshot, all do in the last look, and the release changes it."""
    driver = Driver()
    driver.target.silent = True
    for service in (EXECUTION, BRAIN):
        forget_policy(driver.target.running(service))
    driver.prepare("release", "2", "b")
    driver.target.silent = False
    driver.finish_release()
    return driver


def without_line(create):
    """Execution comes up, and does not say which policy it loaded."""

    def work(service, version):
        made = create(service, version)
        if service == EXECUTION:
            forget_policy(made)
        return made

    return work


def brain_missing_back(silent=False, no_line=False):
    """Brain alone is missing before; then all goes back."""

    def story():
        driver = Driver()
        driver.target.remove(BRAIN)
        driver.fail_release()
        driver.make_safe()
        driver.revert()
        if no_line:
            driver.target.create = without_line(driver.target.create)
        driver.redeploy()
        driver.target.silent = silent
        driver.verify_restored()
        return driver

    return story


def other_manifest(journal):
    """The container that was left alone had another manifest before."""
    other = {"digest": "sha256:" + digest("another")}
    edit.change_rows(journal, T(journal, "connect"), "compose.containers", WEB, manifest=other)


def seen_armed(wait_ms, action="verify_release", first=False):
    """Execution, found disarmed, is seen armed in the step; the rollback begins so long after."""

    def story():
        driver = Driver()
        driver.prepare("release", "2", "a")
        driver.switch()
        if action == "confirm":
            driver.verify_release()
            driver.observe()
        driver.begin(action)
        if first:
            driver.look()
        driver.target.running(EXECUTION).say(driver.target.now, "EXECUTION ARMED: a stranger")
        driver.target.running(EXECUTION).armed = True
        driver.look()
        driver.target.wait(wait_ms)
        driver.list()
        driver.end("rolling_back", "mismatch")
        driver.roll_back()
        return driver

    return story


CASES = [
    Case("fr_old_parity", "L-08", "policy", old_parity(3_600_000)),
    Case("fr_old_release", "L-08", "release_rearmed", old_parity(31_000)),
    Case("fr_brain_anew", "L-08", restarted(BRAIN)),
    Case("fr_execution_anew", "L-08", restarted(EXECUTION)),
    Case("fr_own_key", "L-09", disarmed_under_a_key_of_ours(False)),
    Case("fr_own_key_first", "L-09", disarmed_under_a_key_of_ours(True)),
    Case("fr_named_meanwhile", "H-15", named_meanwhile),
    Case("fr_back", "N-13", brain_missing_back(), exit_status=0),
    Case("fr_back_silent", "H-14", brain_missing_back(silent=True)),
    Case("fr_back_no_line", "H-14", brain_missing_back(no_line=True)),
    Case("fr_other_manifest", "P-19", "same_content", other_manifest),
    Case("fr_seen_armed", "W-12", seen_armed(11_000)),
    Case("fr_seen_armed_later", "W-12", seen_armed(11_000, first=True)),
    Case("fr_seen_armed_end", "W-12", seen_armed(11_000, "confirm")),
    Case("fr_seen_in_time", "N-04", seen_armed(1_000), exit_status=0),
]
