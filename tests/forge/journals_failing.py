"""Honest journals in which one item shows the failure, and others come behind it: when it could be
seen is told in milliseconds."""

from steps import Driver
from story import EXECUTION
from target import BRAIN, MS, SUBJECT_ARM, SUBJECT_DISARM, WEB


def goes_back(driver, event="failed"):
    """Three seconds later, with one more look at the tree."""
    driver.target.wait(3000)
    driver.git()
    driver.end("rolling_back", event)
    driver.roll_back()
    return driver


def switched(armed=False):
    driver = Driver()
    if armed:
        driver.arm_by_hand()
    driver.prepare("release", "2", "a")
    driver.switch()
    driver.begin("verify_release")
    return driver


def service_ended():
    driver = switched()
    driver.target.stop(WEB)
    driver.list()
    driver.target.remove(WEB)
    driver.target.create(WEB, "2")
    return goes_back(driver, "unhealthy")


def script_failed():
    driver = switched()
    driver.list()
    driver.health()
    driver.errors()
    driver.item("script", "/srv/verify.sh", "not fine\n", 1)
    return goes_back(driver)


def armed_by_the_release():
    """Execution comes up armed, by somebody else."""
    driver = switched()
    driver.target.receive(SUBJECT_ARM, "a stranger")
    driver.list()
    driver.health()
    driver.look()
    return goes_back(driver, "mismatch")


def armed_throughout():
    """Execution was not re-created, and is armed as before: that shows nothing."""
    driver = Driver()
    driver.arm_by_hand()
    driver.target.kept = {EXECUTION: "1", BRAIN: "1"}
    driver.prepare("release", "2", "a")
    driver.switch()
    driver.begin("verify_release")
    driver.look()
    driver.target.sick.add("web")
    driver.health()
    driver.target.sick.clear()
    return goes_back(driver, "unhealthy")


def voice_was_contrary():
    driver = switched()
    driver.list()
    driver.health()
    kept, driver.target.policy["2"] = driver.target.policy["2"], "f" * 64
    driver.replies()
    driver.target.policy["2"] = kept
    return goes_back(driver, "mismatch")


def policy_deployed():
    driver = Driver()
    driver.prepare("policy", "2", "b")
    driver.disarm()
    driver.deploy_execution()
    return driver


def publish_was_refused():
    driver = policy_deployed()
    driver.verify_execution()
    driver.begin("deploy_brain")
    driver.item("bus.publish", SUBJECT_DISARM, f"{driver.key} titan-fsm", 1, on_target=False)
    return goes_back(driver)


def armed_while_verified():
    driver = policy_deployed()
    driver.begin("verify_execution")
    driver.target.receive(SUBJECT_ARM, "a stranger")
    driver.list()
    driver.replies()
    driver.log("execution")
    driver.look()
    return goes_back(driver, "mismatch")


def up_failed():
    driver = policy_deployed()
    driver.verify_execution()
    driver.begin("deploy_brain")
    driver.publish(arm=False)
    driver.look()
    driver.item("compose.up", BRAIN, "no space left\n", 1, ms=300)
    driver.look()
    return goes_back(driver)


def observed(policy=False):
    driver = Driver()
    driver.prepare("policy" if policy else "release", "2", "b" if policy else "a")
    if policy:
        driver.deploy_policy()
        driver.verify_parity()
        driver.arm()
    else:
        driver.switch()
        driver.verify_release()
    driver.observe()
    driver.begin("confirm")
    driver.item("guard", "", "absent\n", on_target=False)
    return driver


def sick_at_the_end():
    driver = observed()
    driver.list()
    driver.target.sick.add("web")
    driver.health()
    driver.target.sick.clear()
    return goes_back(driver, "unhealthy")


def armed_at_the_end():
    driver = observed()
    driver.target.receive(SUBJECT_ARM, "a stranger")
    driver.list()
    driver.health()
    driver.look()
    return goes_back(driver, "mismatch")


def ended_at_the_end():
    """Execution is armed, as it has to be, and a service ends."""
    driver = observed(policy=True)
    driver.look()
    driver.target.stop(WEB)
    driver.list()
    return goes_back(driver, "unhealthy")


def restarted_in_window():
    """A service restarts in the window, and is healthy again at once."""
    driver = Driver()
    driver.release_to_verified()
    driver.begin("observe_window")
    driver.samples(2)
    web = driver.target.running(WEB)
    web.restarts, web.finished, web.started = 1, driver.target.now, driver.target.now + MS
    driver.target.wait(500)
    driver.samples(1, first=3)
    driver.end("rolling_back", "unhealthy")
    driver.roll_back()
    return driver


ALL = {
    "failing_" + story.__name__: story
    for story in (
        service_ended,
        script_failed,
        armed_by_the_release,
        armed_throughout,
        voice_was_contrary,
        publish_was_refused,
        armed_while_verified,
        up_failed,
        sick_at_the_end,
        armed_at_the_end,
        ended_at_the_end,
        restarted_in_window,
    )
}
