"""Honest journals of what comes between: two people at once, a stranger's ARM that is seen and
answered, a failure that shows itself late. They must be proven as well."""

from journals_first import nothing_runs
from steps import Driver
from story import EXECUTION
from target import BRAIN, SUBJECT_ARM, WEB


def disarmed_by_two():
    """Two people disarm at once: one command stands within the other."""
    driver = Driver()
    driver.release("2")
    driver.arm_by_hand()
    driver.key, driver.items = driver.fresh_key(), []
    driver.command("disarm", "intent", driver.key)
    driver.publish(arm=False)
    driver.disarm_by_hand(driver.carol)
    driver.look()
    driver.command("disarm", "outcome", driver.key, "observed")
    driver.items = []
    return driver


def failed_behind_arm():
    """Execution is seen armed, and Brain takes its agreement back before the step is over."""
    driver = Driver()
    driver.prepare("policy", "2", "b")
    driver.deploy_policy()
    driver.verify_parity()
    driver.begin("arm")
    driver.arm_evidence()
    driver.target.wait(12_000)
    brain = driver.target.running(BRAIN)
    brain.say(driver.target.now, "\U0001f6a8 CRITICAL: Policy hash handshake FAILED. other")
    driver.parity()
    driver.end("rolling_back", "mismatch")
    driver.roll_back()
    return driver


def armed_before_redeploy():
    """A stranger arms Execution while it is safe: the rollback disarms it again."""
    driver = Driver()
    driver.fail_release()
    driver.make_safe()
    driver.revert()
    driver.target.receive(SUBJECT_ARM, "a stranger")
    driver.begin("redeploy")
    driver.services()
    driver.list()
    driver.look()
    driver.publish(arm=False)
    driver.look()
    driver.target.remove(EXECUTION)
    driver.up([EXECUTION], driver.before)
    driver.target.wait(500)
    driver.look()
    driver.up([BRAIN, WEB], driver.before)
    driver.list()
    driver.end("redeployed")
    driver.verify_restored()
    return driver


def nothing_came_up():
    """Nothing ran, the first `up` fails, and nothing runs afterwards."""
    driver = nothing_runs()
    driver.prepare("release", "2", "a")
    driver.confirm_change()
    driver.begin("switch_services")
    driver.last_look()
    driver.item("compose.up", EXECUTION, "no space left\n", 1, ms=300)
    driver.end("rolling_back", "failed")
    driver.begin("make_safe")
    driver.list()
    driver.end("safe")
    driver.restore()
    return driver


ALL = {
    story.__name__: story
    for story in (
        disarmed_by_two,
        failed_behind_arm,
        armed_before_redeploy,
        nothing_came_up,
    )
}
