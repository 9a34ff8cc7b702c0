"""Steps that were interrupted: what the first try did is not recorded, and all that is recorded is
judged. Cases of P-12, P-30, P-32, P-46, L-18, H-15 and N-05."""

import edit
import journals_odd
from case import Case
from cases_excepted import PROVEN, adopted_update
from cases_findings import brain_adopted, other_hash_in
from cases_rules import T
from steps import Driver
from target import BRAIN, EXECUTION, SUBJECT_DISARM, WEB


def again(driver, action, found="unknown", between=None):
    """The driver dies in this step; the next process looks, and begins it once more."""
    first, driver.items = driver.intent, []
    driver.target.wait(2000)
    driver.git()
    driver.list()
    driver.reconcile(found, "repeat")
    if between is not None:
        between(driver)
    driver.begin(action, key=driver.key, repeats=first)


def switched_again(begun=(), between=None, armed=False):
    """A release that dies in `switch_services`, when it had made these services anew."""

    def story():
        driver = Driver()
        if armed:
            driver.arm_by_hand()
        driver.prepare("release", "2", "a")
        driver.confirm_change()
        driver.begin("switch_services")
        driver.last_look()
        for service in begun:
            driver.up([service], "2")
        again(driver, "switch_services", between=between)
        driver.switch_behind_checklist()
        driver.verify_release()
        if armed:
            driver.arm()
        driver.observe()
        driver.finish()
        return driver

    return story


def given_up(in_order):
    """A release that dies in `switch_services` twice, the second time before it begins again; then
    the operator goes back. Not in order: by an abort."""

    def story():
        driver = Driver()
        driver.prepare("release", "2", "a")
        driver.confirm_change()
        driver.begin("switch_services")
        driver.last_look()
        driver.up([WEB], "2")
        first, driver.items = driver.intent, []
        driver.target.wait(2000)
        driver.git()
        driver.list()
        driver.reconcile("unknown", "repeat")
        if not in_order:
            driver.abort()
            return driver
        driver.begin("switch_services", key=driver.key, repeats=first)
        driver.end("rolling_back", "failed")
        driver.roll_back()
        return driver

    return story


def brain_again():
    """A policy change that dies in `deploy_brain` before its act."""
    driver = Driver()
    driver.prepare("policy", "2", "b")
    driver.disarm()
    driver.deploy_execution()
    driver.verify_execution()
    driver.begin("deploy_brain")
    again(driver, "deploy_brain", "not_done")
    driver.publish(arm=False)
    driver.look()
    driver.up([BRAIN], "2")
    driver.look()
    driver.up([], "2")
    driver.services()
    driver.list()
    driver.drift()
    driver.files()
    driver.policy_files()
    driver.look()
    driver.end("brain_deployed")
    driver.finish_policy()
    return driver


def web_is_made_anew(driver):
    driver.target.create(WEB, "1")


def stranger_disarms(driver):
    driver.target.receive(SUBJECT_DISARM, "a stranger")
    driver.target.wait(100)


def disarmed_beside(died):
    """Somebody disarms in the middle of `switch_services`; `died`: and the driver is gone then."""

    def story():
        driver = Driver()
        driver.prepare("release", "2", "a")
        driver.confirm_change()
        driver.begin("switch_services")
        driver.last_look()
        driver.up([EXECUTION], "2")
        driver.target.wait(1000)
        driver.disarm_by_hand(driver.carol)
        if died:
            again(driver, "switch_services")
            driver.last_look()
        driver.switch_behind_look()
        driver.verify_release()
        driver.observe()
        driver.finish()
        return driver

    return story


def without(action, probe, nth=0):
    return lambda journal: edit.drop(T(journal, action), probe, nth)


def another_tree(journal):
    one = edit.item(edit.of_type(journal, "reconciliation"), "git.head")
    edit.put(journal, one, "f" * 40 + "\n")


def a_service_less(journal):
    """The list of the reconciliation alone lacks a service."""
    one = edit.item(edit.of_type(journal, "reconciliation"), "compose.containers")
    rows = [row for row in edit.rows(journal, one) if row["service"] != WEB]
    edit.put_rows(journal, one, rows)


BEGUN = (EXECUTION, BRAIN)


CASES = [
    Case("i_idle", "P-32", switched_again(), **PROVEN),
    Case("i_idle_armed", "L-18", switched_again(armed=True), **PROVEN),
    Case("i_idle_hash", "H-15", switched_again(), other_hash_in("switch_services")),
    Case("i_idle_disarmed", "L-18", switched_again(between=stranger_disarms, armed=True)),
    Case("i_begun", "P-30", switched_again(BEGUN), **PROVEN),
    Case("i_begun_web", "P-30", switched_again(BEGUN, between=web_is_made_anew)),
    Case("i_begun_less", "P-30", switched_again(BEGUN), a_service_less),
    Case("i_given_up", "P-46", given_up(in_order=True), **PROVEN),
    Case("i_given_up_by_abort", "P-46", given_up(in_order=False)),
    Case("i_brain", "P-12", brain_again, **PROVEN),
    Case("i_brain_unsent", "P-12", brain_again, without("deploy_brain", "bus.publish")),
    Case("i_brain_unacted", "P-12", brain_again, without("deploy_brain", "compose.up")),
    Case("i_adopted_unacted", "P-12", brain_adopted, without("deploy_brain", "compose.up")),
    Case("i_adopted_unsent", "P-12", "resumed", without("deploy_execution", "bus.publish")),
    Case("i_update_unacted", "P-12", adopted_update(), without("update_code", "act")),
    Case("i_beside", "P-30", disarmed_beside(died=False), **PROVEN),
    Case("i_beside_died", "P-30", disarmed_beside(died=True), **PROVEN),
    Case(
        "i_redeployed_unacted",
        "P-12",
        journals_odd.redeployed_already,
        without("redeploy", "compose.up"),
    ),
    Case("i_back_tree", "N-05", journals_odd.redeployed_already, another_tree, exit_status=0),
]
