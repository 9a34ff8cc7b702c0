"""Honest journals of ordinary and of odd conditions, which must be proven as well: the forger does
not change them."""

from steps import Driver
from story import EXECUTION
from target import BRAIN, MS, SUBJECT_DISARM, WEB

OK = "Policy hash handshake OK"


def containers_kept():
    """Only web has a new image; Execution stays armed throughout."""
    driver = Driver()
    driver.arm_by_hand()
    driver.target.kept = {EXECUTION: "1", BRAIN: "1"}
    driver.prepare("release", "2", "a")
    driver.switch()
    driver.armed_before = False  # nobody is asked, since nothing changed
    driver.verify_release()
    driver.observe()
    driver.finish()
    return driver


def rotated():
    """Brain was not re-created and its handshake line is gone by rotation."""
    driver = Driver()
    brain = driver.target.running(BRAIN)
    driver.target.wait(60_000)
    brain.log = []
    brain.say(driver.target.now - 1000 * MS, "still here")
    driver.target.kept = {EXECUTION: "1", BRAIN: "1"}
    driver.release("2")
    return driver


def bad_samples():
    """One endpoint fails once, and the responder is silent once."""
    driver = Driver()
    driver.release_to_verified()
    driver.begin("observe_window")
    driver.samples(2)
    driver.target.sick.add("web")
    driver.target.wait(500)
    driver.samples(1, first=3)
    driver.target.sick.clear()
    driver.target.silent = True
    driver.target.wait(500)
    driver.samples(1, first=4)
    driver.target.silent = False
    driver.target.wait(500)
    driver.samples(5, first=5)
    driver.finish_window()
    return driver


def with_line(line):
    """A policy change whose Brain prints another form of its handshake line."""
    driver = Driver()
    driver.prepare("policy", "2", "b")
    driver.deploy_policy()
    brain, policy = driver.target.running(BRAIN), driver.target.policy["2"]
    brain.log = [one for one in brain.log if OK not in one]
    brain.say(driver.target.now + 5 * MS, line(policy))
    driver.verify_parity()
    driver.arm()
    driver.observe()
    driver.finish()
    return driver


def without_hash():
    return with_line(lambda policy: "\u2705 " + OK)


def with_upper_case():
    return with_line(lambda policy: f"{OK}. Enabling signal processing. Hash: {policy.upper()}")


def with_short_hash():
    return with_line(lambda policy: f"{OK}. Enabling signal processing. Hash: {policy[:8]}...")


def leadership_regained():
    driver = Driver()
    driver.release_to_verified()
    driver.begin("observe_window")
    driver.samples(2)
    brain = driver.target.running(BRAIN)
    brain.say(driver.target.now, "Brain demoted to FOLLOWER. Disabling signal processing")
    driver.target.wait(500)
    driver.samples(1, first=3)
    brain.say(driver.target.now, f"{OK}. Enabling. Hash: {driver.target.policy['2']}")
    driver.target.wait(500)
    driver.samples(5, first=4)
    driver.finish_window()
    return driver


def deaf_execution():
    """Execution does not hear the DISARM of the rollback and is removed."""
    driver = Driver()
    driver.arm_by_hand()
    driver.fail_release()
    driver.disarm_unheard()
    driver.list()
    driver.remove_to_be_safe()
    driver.restore()
    return driver


def rolled_back_twice():
    driver = Driver()
    driver.fail_release()
    driver.fail_rollback()
    driver.end("rolling_back", "rollback")
    driver.roll_back()
    return driver


def window_left_for(ms):
    """The driver dies in the window and is back after so long."""
    driver = Driver()
    driver.release_to_verified()
    driver.begin("observe_window")
    driver.samples(3)
    driver.target.wait(ms)
    driver.resume_window(first=4, count=6)
    return driver


def window_resumed():
    """Within the gap limit."""
    return window_left_for(1500)


def policy_armed_in_window():
    driver = Driver()
    driver.arm_by_hand()
    driver.prepare("policy", "2", "b")
    driver.deploy_policy()
    driver.verify_parity()
    driver.arm()
    driver.begin("observe_window")
    driver.samples(2)
    return driver


def emergency():
    """Somebody disarms in the window with their own key: it goes back, and stays disarmed."""
    driver = policy_armed_in_window()
    driver.disarm_by_hand(driver.carol)
    driver.samples(1, first=3)
    driver.end("rolling_back", "mismatch")
    driver.roll_back()
    return driver


def emergency_first():
    """The same while the journal cannot be written: its record stands behind it."""
    driver = policy_armed_in_window()
    driver.disarm_first(driver.carol)
    driver.samples(1, first=3)
    driver.end("rolling_back", "mismatch")
    driver.roll_back()
    return driver


def updated_again():
    """The driver dies before the update; the tree is as it was, and it is done again."""
    driver = Driver()
    driver.open("release")
    driver.preflight()
    driver.connect()
    driver.begin("update_code")
    first = driver.intent
    driver.target.wait(2000)
    driver.git()
    driver.list()
    driver.reconcile("not_done", "repeat")
    driver.begin("update_code", key=driver.key, repeats=first)
    driver.updated("2", "a")
    driver.pull()
    driver.guard()
    driver.switch()
    driver.verify_release()
    driver.observe()
    driver.finish()
    return driver


def disarmed_beside_a_sample():
    """Somebody disarms while a sample is being taken: their entries stand in front of items that
    were sent before theirs."""
    driver = policy_armed_in_window()
    driver.list()
    driver.health()
    driver.disarm_by_hand(driver.carol)
    driver.replies(1)
    driver.log("execution")
    driver.log("brain")
    driver.look()
    driver.sample(3)
    driver.end("rolling_back", "mismatch")
    driver.roll_back()
    return driver


def disarmed_before():
    """Somebody disarmed before the deployment was opened: that is not of it."""
    driver = Driver()
    driver.arm_by_hand()
    driver.target.receive(SUBJECT_DISARM, "a stranger")
    driver.target.wait(1000)
    driver.policy_change("2", "b")
    return driver


def pin(driver, settings, reason):
    settings.update({"checklist": [], "approvals": {"policy": 1, "release": 0}, "reason": reason})
    driver.write("settings", settings, driver.alice)


def restarts_by_design():
    """The web container restarts by design, and that is pinned."""
    driver = Driver()
    body = driver.settings()
    body["services"]["restarts_allowed"] = [WEB]
    pin(driver, body, "web loops")
    driver.release_to_verified()
    driver.begin("observe_window")
    driver.samples(3)
    web = driver.target.running(WEB)
    web.restarts, web.finished, web.started = 1, driver.target.now, driver.target.now + MS
    driver.target.wait(500)
    driver.samples(5, first=4)
    driver.finish_window()
    return driver


def sick_before():
    """An endpoint is not healthy before and after: of the rollback it is not asked."""
    driver = Driver()
    driver.arm_by_hand()
    driver.target.sick.add("web")
    driver.prepare("release", "2", "a")
    driver.switch()
    driver.begin("verify_release")
    driver.target.wait(20000)
    driver.list()
    driver.health()
    driver.end("rolling_back", "unhealthy")
    driver.roll_back()
    return driver


def words_of_its_own():
    """The first endpoint calls itself great, or limping; that is pinned, and the second named."""
    driver = Driver()
    body = {}
    endpoint = driver.endpoints[0]
    for key, value in driver.settings().items():
        body[key] = value
        if key == "endpoints":
            body["health_words"] = [f"{endpoint} healthy great", f"{endpoint} degraded limping"]
    pin(driver, body, "its words")
    driver.target.words[endpoint] = "GREAT"
    driver.release_to_verified()
    driver.begin("observe_window")
    driver.samples(3)
    driver.target.words[endpoint] = "limping"
    driver.samples(5, first=4)
    driver.finish_window()
    return driver


ALL = {
    story.__name__: story
    for story in (
        containers_kept,
        rotated,
        bad_samples,
        without_hash,
        with_upper_case,
        with_short_hash,
        words_of_its_own,
        sick_before,
        leadership_regained,
        deaf_execution,
        rolled_back_twice,
        window_resumed,
        emergency,
        emergency_first,
        updated_again,
        disarmed_beside_a_sample,
        disarmed_before,
        restarts_by_design,
    )
}
