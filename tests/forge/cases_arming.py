"""Combined forgeries of the interlock: two or three consistent changes each, under
the right keys."""

import copy

import edit
import forgery
from case import Case
from cases_named import policy_until
from cases_rules import T, sign_as
from steps import Driver
from target import BRAIN, EXECUTION, digest


def own_arm_that_a_stranger_sent(journal):
    """The line of the own ARM is a stranger's, everywhere, and so is its armed line."""
    key = edit.intent(journal, "arm")["body"]["key"]
    entries = forgery.behind(journal, T(journal, "arm"))
    forgery.reword(journal, entries, ("logs.execution", "logs.errors"), key, "f" * 32)


def disarm_never_received(journal):
    """The key of a DISARM is exchanged in what was sent and in the intent, not in the lines."""
    entry = edit.intent(journal, "disarm")
    old, new = entry["body"]["key"], "e" * 32
    entry["body"]["key"] = new
    one = edit.item(T(journal, "disarm"), "bus.publish")
    edit.put(journal, one, journal.text(one).replace(old, new))


def armed_where_it_was_disarmed(journal):
    """A release of a disarmed Execution: it is armed in the whole window, and all agree."""
    entries = forgery.behind(journal, T(journal, "verify_release"))
    forgery.say(
        journal,
        entries,
        "logs.execution",
        "\U0001f513 EXECUTION ARMED: nobody",
        "initialized DISARMED",
    )
    for one in forgery.items(entries, "interlock.marker"):
        edit.put(journal, one, "present\n")


def marker_of_the_window(journal):
    """The marker is there in every sample, though every line says disarmed."""
    for entry in forgery.behind(journal, edit.sample(journal, 1)):
        for one in forgery.items([entry], "interlock.marker"):
            edit.put(journal, one, "present\n")


def blip_between_redeploy_and_restored():
    driver = Driver()
    driver.arm_by_hand()
    driver.fail_release()
    driver.make_safe()
    driver.revert()
    driver.redeploy()
    forgery.stranger_arms(driver)
    driver.target.running(EXECUTION).armed = False
    driver.target.running(EXECUTION).say(driver.target.now, "EXECUTION DISARMED: a stranger")
    driver.target.wait(5)
    driver.verify_restored()
    return driver


def early_yes():
    """The answer stands in front of the question, behind the `open`."""
    driver = Driver()
    driver.arm_by_hand()
    driver.open("release")
    driver.preflight()
    driver.answer("yes")
    driver.connect()
    driver.update_to_guard("2", "a")
    driver.switch()
    armed, driver.armed_before = driver.armed_before, False
    driver.verify_release()
    driver.armed_before = armed
    driver.arm()
    driver.observe()
    driver.finish()
    return driver


def emergency(signer, answer=None, order="before"):
    """Somebody disarms with titan-fsm before ARM; the driver goes on and arms."""

    def stranger(driver):
        if answer is not None and order == "before":
            driver.answer(answer)
        driver.disarm_by_hand(getattr(driver, signer))
        driver.target.wait(5)
        if answer is not None and order == "behind":
            driver.answer(answer)

    return lambda: policy_until("verify_parity", stranger)


def answered_by_carol(journal):
    answers = [
        entry
        for entry in journal.entries
        if entry["type"] == "command" and entry["body"]["command"] == "answer"
    ]
    sign_as("operators")(journal, answers[-1])


def emergency_answered_by_carol():
    return emergency("carol", "yes", "behind")(), answered_by_carol


def emergency_unseen(journal):
    """The outcome says observed, and every line about it is gone, there and later."""
    outcome = edit.of_type(journal, "command", -1)
    key = outcome["body"]["key"]
    forgery.unsay(journal, [outcome], "logs.execution", key)


def by_hand_on(work):
    """The last ARM by hand of a journal: the items of its intent and of its outcome alike."""

    def change(journal):
        for entry in journal.entries:
            if entry["type"] == "command" and entry["body"]["command"] == "arm":
                work(journal, entry)

    return change


def brain_names_another(journal, entry):
    policy = forgery.policy_of(journal, entry)
    forgery.reword(journal, [entry], ("logs.brain",), policy, digest("policy", "another"))


def reply_names_another(journal, entry):
    policy = forgery.policy_of(journal, entry)
    forgery.reword(journal, [entry], ("bus.policy_hash",), policy, digest("policy", "another"))


def nobody_answers(_, entry):
    for one in forgery.items([entry], "bus.policy_hash"):
        one["status"] = 1


def two_run(journal, entry):
    for one in forgery.items([entry], "compose.containers"):
        forgery.add_container(journal, one, EXECUTION)


def two_brains_run(journal, entry):
    for one in forgery.items([entry], "compose.containers"):
        forgery.add_container(journal, one, BRAIN)


def without_brain_log(_, entry):
    edit.drop(entry, "logs.brain")


def asked_long_before():
    driver = Driver()
    driver.release("2")
    driver.key = driver.fresh_key()
    driver.parity()
    driver.look()
    driver.target.wait(40_000)
    driver.command("arm", "intent", driver.key)
    driver.publish(arm=True)
    driver.look()
    driver.command("arm", "outcome", driver.key, "observed")
    driver.items = []
    return driver


def armed_by_hand_behind_a_rollback_on_wrong_parity():
    driver = Driver()
    driver.arm_by_hand()
    driver.fail_release()
    driver.roll_back()
    brain = driver.target.running(BRAIN)
    brain.say(driver.target.now, "CRITICAL: Policy hash handshake FAILED. other")
    driver.target.wait(50)
    driver.arm_by_hand()
    return driver


def arm_sent_and_hidden(journal):
    """The own ARM is in the lines, and the entry does not say that it was sent."""
    entry = T(journal, "arm")
    edit.drop(entry, "bus.publish")


def twice_armed(journal):
    """A second ARM with the same key, right behind the first."""
    entry = T(journal, "arm")
    one = edit.item(entry, "bus.publish")
    made = copy.deepcopy(one)
    made["sent_ns"] += 1_000_000
    made["received_ns"] += 1_000_000
    edit.add_behind(entry, one, made)


def arm_in_a_sample(journal):
    entry = edit.sample(journal, 3)
    first = entry["body"]["evidence"][0]
    key = edit.intent(journal, "observe_window")["body"]["key"]
    made = dict(copy.deepcopy(edit.item(T(journal, "arm"), "bus.publish")))
    made["sent_ns"] = made["received_ns"] = first["received_ns"]
    edit.put(journal, made, f"{key} titan-fsm")
    edit.add_behind(entry, first, made)


def disarm_answered_in_another_run():
    """Between DISARM and the look somebody re-created Execution, which comes up disarmed."""
    driver = Driver()
    driver.arm_by_hand()
    driver.prepare("policy", "2", "b")
    driver.confirm_change()
    driver.begin("disarm")
    driver.publish(arm=False)
    forgery.recreated(driver, EXECUTION)
    driver.look()
    driver.end("disarmed")
    driver.deploy_execution()
    driver.verify_execution()
    driver.deploy_brain()
    driver.finish_policy()
    return driver


def removed_and_back():
    """Execution is removed to be safe, and a second container of it still runs."""
    driver = Driver()
    driver.arm_by_hand()
    driver.fail_release()
    driver.disarm_unheard()
    driver.act("remove " + EXECUTION)
    driver.target.create(EXECUTION, driver.target.version)
    driver.list()
    driver.end("safe")
    driver.restore()
    return driver


def lost_word(journal):
    """DISARM was refused by the bus, and the outcome says observed; the lines are kept."""
    edit.item(T(journal, "make_safe"), "bus.publish")["status"] = 1


def looked_before_it_sent(journal):
    entry = T(journal, "make_safe")
    sent, look = entry["body"]["evidence"][0], entry["body"]["evidence"][1]
    made = copy.deepcopy(look)
    made["sent_ns"], made["received_ns"] = sent["sent_ns"] - 500_000, sent["sent_ns"] - 400_000
    for key in ("before_ms", "after_ms"):
        made["target"][key] = look["target"]["before_ms"] - 10
    entry["body"]["evidence"].insert(0, made)


BY_HAND = [
    ("brain", "L-08", brain_names_another),
    ("reply", "L-08", reply_names_another),
    ("silent", "L-08", nobody_answers),
    ("two", "L-12", two_run),
    ("two_brains", "L-12", two_brains_run),
    ("no_brain", "L-08", without_brain_log),
]


CASES = [
    Case("cf_stranger_arm", "L-07", "policy", own_arm_that_a_stranger_sent),
    Case("cf_disarm_key", "L-01", "policy", disarm_never_received),
    Case("cf_armed_release", "L-10", "release", armed_where_it_was_disarmed),
    Case("cf_marker_window", "L-11", "release", marker_of_the_window),
    Case("cf_blip_back", "L-05", blip_between_redeploy_and_restored),
    Case("cf_early_yes", "L-10", early_yes),
    Case("cf_emergency", "L-09", emergency("carol")),
    Case("cf_emergency_yes_before", "L-09", emergency("carol", "yes")),
    Case("cf_emergency_no", "L-09", emergency("carol", "no", "behind")),
    Case("cf_emergency_approver", "A-09", emergency("bob", "yes", "behind")),
    Case("cf_emergency_answer", "A-09", emergency_answered_by_carol),
    Case("cf_emergency_unseen", "L-16", "by_hand", emergency_unseen),
    Case("cf_by_hand_stale", "L-08", asked_long_before),
    Case("cf_by_hand_back", "L-08", armed_by_hand_behind_a_rollback_on_wrong_parity),
    Case("cf_arm_hidden", "P-12", "policy", arm_sent_and_hidden),
    Case("cf_arm_twice", "L-06", "policy", twice_armed),
    Case("cf_arm_sample", "P-16", "policy", arm_in_a_sample),
    Case("cf_disarm_other_run", "L-01", disarm_answered_in_another_run),
    Case("cf_removed_back", "L-02", removed_and_back),
    Case("cf_refused", "P-13", "release_unhealthy", lost_word),
    Case("cf_looked_first", "P-12", "release_unhealthy", looked_before_it_sent),
    *(
        Case("cf_by_hand_" + name, rule, "by_hand", by_hand_on(work))
        for name, rule, work in BY_HAND
    ),
]
