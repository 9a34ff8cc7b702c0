"""Honest journals of what comes between: two people at once, a stranger's ARM that is seen and
answered, a failure that shows itself late. They must be proven as well."""

from journals_first import nothing_runs
from steps import Driver
from story import EXECUTION
from target import BRAIN, SUBJECT_ARM, WEB, digest


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
    driver.reach_arm()
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
    """Nothing ran, the first `up` fails, and nothing runs afterwards. An env file was kept with
    containers that are no more."""
    driver = nothing_runs()
    lines = [digest("env", "of before"), "600 1000 1000", digest("container", "of before")]
    driver.target.env_good = "".join(line + "\n" for line in lines)
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


def removed_at_once():
    """Nobody could send a DISARM: Execution is removed, and then the rest goes back."""
    driver = Driver()
    driver.fail_release()
    driver.begin("make_safe")
    driver.list()
    driver.remove_to_be_safe()
    driver.restore()
    return driver


def redeployed_already():
    """The driver dies in `redeploy`; all is as it was when it looks, and `up` changes nothing."""
    driver = Driver()
    driver.fail_release()
    driver.make_safe()
    driver.revert()
    driver.begin("redeploy")
    first = driver.intent
    for service in (EXECUTION, BRAIN, WEB):
        driver.target.create(service, driver.before)
    driver.target.wait(3000)
    driver.git()
    driver.list()
    driver.reconcile("unknown", "repeat")
    driver.begin("redeploy", key=driver.key, repeats=first)
    driver.services()
    driver.list()
    driver.look()
    driver.up([EXECUTION], driver.before)
    driver.list()
    driver.end("redeployed")
    driver.verify_restored()
    return driver


def armed_and_interrupted():
    """The driver dies behind its ARM, which the next process takes back, and then sends again."""
    driver = Driver()
    driver.reach_arm()
    first = driver.intent
    driver.arm_evidence()
    driver.items = []
    driver.target.wait(2000)
    driver.git()
    driver.list()
    driver.publish(arm=False)
    driver.look()
    driver.reconcile("unknown", "repeat")
    driver.arm(repeats=first)
    driver.observe()
    driver.finish()
    return driver


def arm_given_up():
    """The driver dies in `arm`, and the next process goes back."""
    driver = Driver()
    driver.reach_arm()
    driver.target.wait(2000)
    driver.git()
    driver.list()
    driver.reconcile("unknown", "fail")
    driver.end("rolling_back", "failed")
    driver.roll_back()
    return driver


def asked_before_the_break():
    """The driver dies behind the operator's `yes`, which stays said."""
    driver = Driver()
    driver.arm_by_hand()
    driver.prepare("release", "2", "a")
    driver.switch()
    driver.begin("verify_release")
    first = driver.intent
    driver.answer("yes")
    driver.target.wait(2000)
    driver.git()
    driver.list()
    driver.reconcile("unknown", "repeat")
    driver.begin("verify_release", key=driver.key, repeats=first)
    driver.list()
    driver.health()
    driver.errors()
    driver.item("script", "/srv/verify.sh", "fine\n")
    driver.replies()
    driver.log("execution")
    driver.log("brain")
    driver.look()
    driver.end("verified")
    driver.arm()
    driver.observe()
    driver.finish()
    return driver


def unlisted_once():
    """In one sample the containers cannot be listed, and so no log can be read."""
    driver = Driver()
    driver.release_to_verified()
    driver.begin("observe_window")
    driver.samples(2)
    driver.target.wait(500)
    driver.item("compose.containers", "", "", 1, ms=40)
    driver.health()
    driver.replies(1)
    driver.sample(3)
    driver.target.wait(500)
    driver.samples(5, first=4)
    driver.finish_window()
    return driver


ALL = {
    story.__name__: story
    for story in (
        disarmed_by_two,
        failed_behind_arm,
        armed_before_redeploy,
        nothing_came_up,
        removed_at_once,
        redeployed_already,
        armed_and_interrupted,
        arm_given_up,
        asked_before_the_break,
        unlisted_once,
    )
}
