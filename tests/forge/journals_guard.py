"""Honest journals of deployments with a dead-man guard: it is withdrawn, or it acts."""

from guard import OTHER_BOOT
from steps import Driver
from target import WEB


def guarded_driver(starter="cron"):
    driver = Driver()
    driver.starter = starter
    return driver


def guarded_release():
    driver = guarded_driver()
    driver.release("2")
    return driver


def guarded_by_process():
    """A reboot of the target would end this one."""
    driver = guarded_driver("process")
    driver.release("2")
    return driver


def guarded_policy():
    """A person takes twenty minutes before each step of a policy change."""
    driver = guarded_driver("systemd")
    driver.arm_by_hand()
    driver.prepare("policy", "2", "b")
    driver.disarm()
    for step in (driver.deploy_execution, driver.verify_execution, driver.deploy_brain):
        step()
        driver.target.wait(20 * 60_000)
    driver.finish_policy()
    return driver


def guarded_abort():
    driver = guarded_driver()
    driver.prepare("release", "2", "a")
    driver.abort()
    return driver


def guarded_rollback():
    """The driver itself goes back, in time."""
    driver = guarded_driver()
    driver.unhealthy_release()
    return driver


def guarded_takeover():
    """Another operator goes on, between two steps of a policy change: the plan has their epoch."""
    driver = guarded_driver()
    driver.prepare("policy", "2", "b")
    driver.disarm()
    driver.deploy_execution()
    driver.takeover()
    driver.verify_execution()
    driver.deploy_brain()
    driver.finish_policy()
    return driver


def fired_in_window():
    """The driver dies in the window; the guard acts at its deadline."""
    driver = guarded_driver()
    driver.release_to_verified()
    driver.begin("observe_window")
    driver.samples(3)
    driver.fire("deadline")
    driver.collect("partial")
    driver.roll_back()
    return driver


def fired_in_switch():
    """The driver dies behind its `up`: that it had begun, and until when, is not recorded."""
    driver = guarded_driver()
    driver.prepare("release", "2", "a")
    driver.target.wait(3 * 3600_000)
    driver.confirm_change()
    driver.begin("switch_services")
    driver.last_look()
    driver.begin_guard()
    driver.up([], "2")
    driver.fire("deadline", late_ms=4900)
    driver.collect()
    driver.roll_back()
    return driver


def fired_in_pause():
    """Nobody comes back for half an hour, between two steps of a policy change."""
    driver = guarded_driver()
    driver.prepare("policy", "2", "b")
    driver.disarm()
    driver.deploy_execution()
    driver.fire("deadline")
    driver.collect()
    driver.roll_back()
    return driver


def fired_by_reboot():
    """The target goes down in the window, and the driver with it."""
    driver = guarded_driver()
    driver.release_to_verified()
    driver.begin("observe_window")
    driver.samples(3)
    driver.target.wait(2000)
    driver.target.reboot(OTHER_BOOT)
    driver.fire("reboot")
    driver.collect("partial")
    driver.roll_back()
    return driver


def fired_by_turn():
    """The driver dies in its own rollback, right behind DISARM."""
    driver = guarded_driver()
    driver.fail_release("unhealthy")
    driver.begin("make_safe")
    driver.publish(arm=False)
    driver.target.wait(31_000)
    driver.fire("turn")
    driver.collect()
    driver.roll_back()
    return driver


def fired_in_part():
    """The guard cannot bring up one service; the driver does, when it is back."""
    driver = guarded_driver()
    driver.release_to_verified()
    driver.begin("observe_window")
    driver.samples(3)
    driver.fire("deadline", broken=WEB)
    driver.collect("partial")
    driver.roll_back()
    return driver


def fired_for_hours():
    """The guard put everything right; the driver, which died in its own rollback, is back two hours
    later."""
    driver = guarded_driver()
    driver.fail_release("unhealthy")
    driver.begin("make_safe")
    driver.publish(arm=False)
    driver.target.wait(31_000)
    driver.fire("turn")
    driver.target.wait(2 * 3600_000)
    driver.collect()
    driver.roll_back()
    return driver


def guarded_resumed():
    """The driver dies in a step behind a renewal that it had not recorded, and is back before that
    is over."""
    driver = guarded_driver()
    driver.prepare("policy", "2", "b")
    driver.deploy_policy()
    driver.begin("verify_parity")
    first = driver.intent
    driver.target.wait(1_700_000)
    driver.renew_guard()
    driver.items = []
    driver.target.wait(200_000)
    driver.git()
    driver.list()
    driver.show_guard()
    driver.reconcile("unknown", "repeat")
    driver.begin("verify_parity", key=driver.key, repeats=first)
    driver.parity_is_verified()
    driver.arm()
    driver.observe()
    driver.finish()
    return driver


def guarded_again():
    """The guard is lost in the window, and laid again."""
    driver = guarded_driver()
    driver.release_to_verified()
    driver.begin("observe_window")
    driver.samples(3)
    driver.target.wait(500)
    driver.show_guard("lost")
    driver.show_guard()
    driver.samples(5, first=4)
    driver.finish_window()
    return driver


ALL = {
    story.__name__: story
    for story in (
        guarded_release,
        guarded_by_process,
        guarded_policy,
        guarded_abort,
        guarded_rollback,
        guarded_takeover,
        fired_in_window,
        fired_in_switch,
        fired_in_pause,
        fired_by_reboot,
        fired_by_turn,
        fired_in_part,
        fired_for_hours,
        guarded_resumed,
        guarded_again,
    )
}
