"""Honest journals of deployments that begin at zero: nothing runs, or Execution has crashed, or
Brain is missing, or nobody replies for the policy hash."""

from steps import Driver
from target import BRAIN, EXECUTION, SERVICES


def nothing_runs():
    driver = Driver()
    for service in SERVICES:
        driver.target.remove(service)
    return driver


def first_release():
    driver = nothing_runs()
    driver.release("2")
    return driver


def first_release_rolled_back():
    """The endpoint that fails was not there before: of the rollback it is not asked."""
    driver = nothing_runs()
    driver.target.sick.add("web")
    driver.fail_release("unhealthy")
    driver.roll_back()
    return driver


def crashed():
    """It was armed when it crashed."""
    driver = Driver()
    driver.arm_by_hand()
    driver.target.stop(EXECUTION)
    return driver


def crashed_release():
    driver = crashed()
    driver.release("2")
    return driver


def crashed_release_rolled_back():
    """Brain is re-created, and nobody is there to answer its handshake."""
    driver = crashed()
    driver.fail_release()
    driver.make_safe()
    driver.revert()
    driver.redeploy()
    brain = driver.target.running(BRAIN)
    brain.log = brain.log[:1]
    brain.say(driver.target.now, "\U0001f6a8 CRITICAL: Policy hash handshake FAILED. timeout")
    driver.verify_restored()
    return driver


def without_brain():
    """The policy hash of Execution, which runs, is kept."""
    driver = Driver()
    driver.arm_by_hand()
    driver.target.remove(BRAIN)
    driver.release("2")
    return driver


def silent_before():
    return silent_release(Driver())


def silent_release(driver):
    driver.target.silent = True
    driver.prepare("release", "2", "a")
    driver.confirm_change()
    driver.begin("switch_services")
    driver.last_look()
    driver.target.silent = False
    driver.switch_behind_look()
    driver.verify_release()
    driver.observe()
    driver.finish()
    return driver


def first_policy():
    driver = nothing_runs()
    driver.policy_change("2", "b")
    return driver


def crashed_policy():
    driver = crashed()
    driver.policy_change("2", "b")
    return driver


ALL = {
    story.__name__: story
    for story in (
        first_release,
        first_release_rolled_back,
        crashed_release,
        crashed_release_rolled_back,
        without_brain,
        silent_before,
        first_policy,
        crashed_policy,
    )
}
