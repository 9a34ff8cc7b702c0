"""A case for each finding of the verifier that no other case reaches: what is left of an honest
journal is so little, or so odd, that only this sentence speaks of it."""

import copy
import json

import bundle
import edit
import journals_more
import mutate
from case import Case
from cases_rules import T, behind, put_item, set_body, set_transition
from steps import Driver
from target import BRAIN, WEB, digest


def anchored_by(key=None, journal=None, drop=0):
    """An anchor that is signed by another key, of another journal, or over other entries."""

    def story():
        driver = Driver()
        note = bundle.note(
            journal or driver.id,
            driver.journal.stored[drop:] + driver.journal.stored[:drop],
            getattr(driver, key or "alice"),
        )
        driver.write("anchor", {"checkpoint": note, "to": "a witness"}, driver.alice)
        driver.release("2")
        return driver

    return story


def anchored_otherwise():
    """Of two entries, one of them is another in the anchor."""
    driver = Driver()
    driver.arm_by_hand()
    stored = list(driver.journal.stored)
    stored[-1] = stored[0]
    note = bundle.note(driver.id, stored, driver.alice)
    driver.write("anchor", {"checkpoint": note, "to": "a witness"}, driver.alice)
    driver.release("2")
    return driver


def accepted(answer="accepted", safe=False, failed=True):
    """A failed rollback that a person accepts, before or behind safety."""

    def story():
        driver = Driver()
        driver.arm_by_hand()
        driver.fail_release()
        if safe:
            driver.make_safe()
        driver.begin("revert" if safe else "make_safe")
        if failed:
            driver.end("rollback_failed", "failed")
        driver.attest("rollback_failed", answer, "by hand")
        return driver

    return story


def cut_behind(action=None, type_=None):
    """The journal ends with this transition, or with the first entry of a type."""

    def work(journal):
        last = T(journal, action) if action is not None else edit.of_type(journal, type_)
        del journal.entries[journal.entries.index(last) + 1 :]

    return work


def without_handshakes():
    driver = Driver()
    driver.arm_by_hand()
    create = driver.target.create

    def without_line_of_brain(service, version):
        made = create(service, version)
        if service == BRAIN:
            made.log = [made.log[0]]
            made.say(driver.target.now, "Leader Election DISABLED (dev mode)")
        return made

    driver.target.create = without_line_of_brain
    driver.policy_change("2", "b")
    return driver


def hash_of(journal, action):
    return json.loads(journal.text(edit.item(T(journal, action), "bus.policy_hash")))["policy_hash"]


def other_hash_in(action, probes=("bus.policy_hash", "logs.execution", "logs.brain")):
    """Every voice of one entry names another hash."""

    def work(journal):
        old = hash_of(journal, "connect")
        for one in T(journal, action)["body"]["evidence"]:
            if one["probe"] in probes:
                edit.put(journal, one, journal.text(one).replace(old, digest("other")))

    return work


def put_before(owner, before, key, value):
    """A member more, in its place: the canonical form has them in one order."""
    members = list(owner.items())
    place = [name for name, _ in members].index(before)
    owner.clear()
    owner.update(members[:place] + [(key, value)] + members[place:])


def other_hash_since(action):
    """Every voice names another hash from this entry on."""

    def work(journal):
        old = hash_of(journal, "connect")
        for entry in journal.entries[journal.entries.index(T(journal, action)) :]:
            for one in entry["body"].get("evidence", []):
                if one["probe"] in ("bus.policy_hash", "logs.execution", "logs.brain"):
                    edit.put(journal, one, journal.text(one).replace(old, digest("other")))

    return work


def brain_adopted():
    """The driver dies behind the last act of deploy_brain; what it sees then is that it is done,
    and a person pauses before it goes on."""
    driver = Driver()
    driver.prepare("policy", "2", "b")
    driver.disarm()
    driver.deploy_execution()
    driver.verify_execution()
    driver.begin("deploy_brain")
    driver.publish(arm=False)
    driver.look()
    driver.up([BRAIN], "2")
    driver.look()
    driver.up([], "2")
    driver.adopt_deploy()
    driver.up([], "2")
    driver.services()
    driver.list()
    driver.drift()
    driver.files()
    driver.policy_files()
    driver.look()
    driver.end("brain_deployed")
    driver.target.wait(130_000)
    driver.finish_policy()
    return driver


def repeats(action, value):
    def work(journal):
        put_before(edit.intent(journal, action)["body"], "what", "repeats", value)

    return work


def abort_of_an_intent(journal):
    named = edit.intent(journal, "lay_guard")["seq"]
    put_before(edit.transition(journal, "abort")["body"], "from", "intent", named)


def roster_inside(journal):
    made = behind(journal, T(journal, "connect"), edit.of_type(journal, "roster"))
    put_before(made, "body", "deployment", T(journal, "connect")["deployment"])


def boot_from(action):
    """The driver is on another boot from the intent of this action on."""

    def work(journal):
        for entry in journal.entries[journal.entries.index(edit.intent(journal, action)) :]:
            entry["boot"] = mutate.OTHER_BOOT

    return work


def boot_from_sample(number):
    def work(journal):
        place = journal.entries.index(edit.sample(journal, number))
        for entry in journal.entries[place:]:
            entry["boot"] = mutate.OTHER_BOOT

    return work


def without_step(action):
    def work(journal):
        place = journal.entries.index(edit.intent(journal, action))
        end = journal.entries.index(T(journal, action))
        del journal.entries[place : end + 1]
        mutate.renumber(journal, place)

    return work


def garbage_lists(journal, entry):
    for one in entry["body"]["evidence"]:
        if one["probe"] == "compose.containers":
            edit.put(journal, one, "what is this\n")


def drop_all(entry, probe):
    items = entry["body"]["evidence"]
    items[:] = [one for one in items if one["probe"] != probe]


def second_outcome(journal):
    outcome = edit.of_type(journal, "command", 1)
    made = behind(journal, outcome, outcome)
    made["boottime_ns"] += 1000


def preceded(value, command="disarm", unsent=False):
    """The outcome of the last command of this name says that it preceded its record."""

    def work(journal):
        entry = [
            each
            for each in journal.entries
            if each["type"] == "command"
            and (each["body"]["command"], each["body"]["phase"]) == (command, "outcome")
        ][-1]
        entry["body"]["preceded"] = value
        if unsent:
            entry["body"]["outcome"] = "not_observed"
            drop_all(entry, "bus.publish")

    return work


def intended_too(journal):
    late = edit.of_type(journal, "command", 2)
    made = behind(journal, edit.of_type(journal, "command", 1), late)
    made["body"].update(phase="intent", outcome="", evidence=[])
    del made["body"]["preceded"]


def second_intent(journal):
    intent = edit.of_type(journal, "command", 0)
    made = behind(journal, intent, intent)
    made["boottime_ns"] += 1000


def marker_before_arm(journal):
    for place in (0, 1):
        one = edit.item(edit.of_type(journal, "command", place), "interlock.marker", 0)
        edit.put(journal, one, "present\n")


def brain_silent_by_hand(journal):
    for place in (0, 1):
        for one in edit.of_type(journal, "command", place)["body"]["evidence"]:
            if one["probe"] == "logs.brain":
                lines = journal.text(one).splitlines()
                kept = [line for line in lines if "handshake" not in line]
                edit.put(journal, one, "".join(line + "\n" for line in kept))


def command_key(command, nth=-1):
    def work(journal):
        found = [
            entry
            for entry in journal.entries
            if entry["type"] == "command"
            and entry["body"]["command"] == command
            and entry["body"]["phase"] == "outcome"
        ][nth]
        edit.put(journal, edit.item(found, "bus.publish"), "f" * 32 + " titan-fsm")

    return work


def voices_before(action):
    def work(journal):
        for one in T(journal, action)["body"]["evidence"]:
            if one["probe"] == "bus.policy_hash":
                mutate.shift(one, -mutate.MINUTE_NS)
                return

    return work


def older_voices(journal):
    """Brain was re-created behind what the ARM rests on."""
    entry = T(journal, "arm")
    items = [copy.deepcopy(one) for one in entry["body"]["evidence"][:6]]
    begun = edit.item(T(journal, "deploy_brain"), "compose.up")["sent_ns"]
    for one in items:
        mutate.shift(one, begun - one["received_ns"] - 1000)
    entry["body"]["evidence"][:6] = items


def two_of_one_id(journal):
    one = edit.item(T(journal, "verify_release"), "compose.containers")
    made = edit.rows(journal, one)
    edit.put_rows(journal, one, made + [dict(made[-1], name="/titan_again")])


def without_the_update(journal):
    """The second try has no act, and the tree is at the other commit all the same."""
    edit.drop(edit.transition(journal, "update_code"), "act")


def emergency_unseen(journal):
    found = [entry for entry in journal.entries if entry["type"] == "command"]
    edit.drop(found[-1], "logs.execution")


def failed_sample(number, work):
    return lambda journal: work(journal, edit.sample(journal, number))


def tenancy_of(action, nth=0, **changes):
    def work(journal):
        edit.change_json(journal, edit.item(T(journal, action), "tenancy", nth), **changes)

    return work


def second_epoch(journal):
    """The second deployment takes the target with the epoch that the first one had."""
    for entry in journal.entries:
        if entry.get("deployment", 0) > 2:
            for one in entry["body"].get("evidence", []):
                if one["probe"] == "tenancy" and json.loads(journal.text(one))["epoch"] == 2:
                    edit.change_json(journal, one, epoch=1)


def sick_service(journal):
    entry = T(journal, "verify_release")
    edit.change_rows(journal, entry, "compose.containers", WEB, health="unhealthy")


def no_checklist(journal):
    journal.entries[0]["body"]["checklist"] = []


def known_bad():
    """What went badly is deployed once more, and now it goes well."""
    driver = Driver()
    driver.unhealthy_release()
    driver.release("2")
    return driver


def two_releases():
    driver = Driver()
    driver.release("2")
    driver.release("3")
    return driver


def driven_by_another(journal):
    edit.of_type(journal, "open", 1)["body"].update(program="titan-fsm 2", table=digest("another"))


def begun_again(journal):
    edit.of_type(journal, "open")["body"]["again"] = True


def over_a_network(journal):
    journal.entries[0]["body"]["target"]["address"] = "titan.example:22"


CASES = [
    Case("n_known_bad", "N-11", known_bad, exit_status=0),
    Case("n_another_driver", "N-11", two_releases, driven_by_another, exit_status=0),
    Case("n_again", "N-11", "release", begun_again, exit_status=0),
    Case("n_unpinned", "N-12", "release", over_a_network, exit_status=0),
    Case("g_checklist_empty", "N-03", "release", no_checklist, exit_status=0),
    Case("f_anchor_stranger", "I-07", anchored_by(key="bob")),
    Case("f_anchor_journal", "I-07", anchored_by(journal="e" * 32)),
    Case("f_anchor_root", "I-07", anchored_otherwise),
    Case("f_accepted_unsafe", "L-15", accepted()),
    Case("f_accepted_early", "P-09", accepted(failed=False)),
    Case("f_accepted_no", "P-09", accepted(answer="passed", safe=True)),
    Case("f_open_only", "F-01", "release", cut_behind(type_="open"), exit_status=3),
    Case("f_open_later", "P-09", "release", cut_behind("switch_services"), exit_status=3),
    Case("f_open_policy", "P-09", "policy", cut_behind("deploy_brain"), exit_status=3),
    Case("f_no_handshake", "H-13", without_handshakes, exit_status=3),
    Case(
        "f_line_before",
        "H-15",
        "resumed",
        other_hash_in("disarm", ("logs.execution",)),
    ),
    Case("f_as_found_all", "H-15", "release", other_hash_in("switch_services")),
    Case("f_restored_all", "H-14", "release_unhealthy", other_hash_in("verify_restored")),
    Case("f_restored_since", "H-14", "release_unhealthy", other_hash_since("redeploy")),
    Case("f_adopted", "N-01", brain_adopted, exit_status=0),
    Case("f_repeats", "P-04", "release", repeats("pull_images", 3)),
    Case(
        "f_repeats_another",
        "P-04",
        "resumed",
        lambda j: edit.intent(j, "arm")["body"].update(repeats=3),
    ),
    Case(
        "f_repeats_action",
        "P-04",
        "resumed",
        lambda j: edit.intent(j, "arm")["body"].update(action="verify_parity"),
    ),
    Case(
        "f_repeats_key",
        "P-04",
        "resumed",
        lambda j: edit.intent(j, "arm")["body"].update(key=edit.intent(j, "arm", 0)["body"]["key"]),
    ),
    Case("f_abort_of_intent", "P-02", "aborted", abort_of_an_intent),
    Case(
        "f_rearmed",
        "P-02",
        "release_rearmed",
        lambda j: T(j, "arm")["body"].update(event="done", to="observed"),
    ),
    Case("f_roster_inside", "P-09", "anchored", roster_inside, finds=("P-09", "A-02")),
    Case(
        "f_tree_back", "R-01", "release_unhealthy", put_item("verify_restored", "git.status", "?")
    ),
    Case(
        "f_unread_back",
        "R-02",
        "release_unhealthy",
        lambda j: garbage_lists(j, T(j, "verify_restored")),
    ),
    Case("f_not_aborted", "R-07", "aborted", set_transition("restore_code", to="rolled_back")),
    Case("f_reboot_start", "W-03", "release", boot_from("observe_window"), exit_status=(1, 3)),
    Case("f_reboot_window", "W-04", "release", boot_from_sample(4)),
    Case("f_reboot_failure", "W-12", "release_unhealthy", boot_from("make_safe"), exit_status=3),
    Case("f_reboot_back", "W-13", "release_unhealthy", boot_from("redeploy"), exit_status=3),
    Case("f_no_switch", "W-03", "release", without_step("switch_services")),
    Case(
        "f_failed_number",
        "W-02",
        "release_unhealthy",
        lambda j: edit.sample(j, 2)["body"].update(n=9),
    ),
    Case(
        "f_failed_endpoint",
        "W-02",
        "release_unhealthy",
        failed_sample(2, lambda j, entry: edit.drop(entry, "health")),
    ),
    Case("f_failed_lists", "W-02", "release_unhealthy", failed_sample(2, garbage_lists)),
    Case("f_lists", "W-02", "release", failed_sample(2, garbage_lists)),
    Case("f_preceded_no", "P-36", journals_more.emergency_first, preceded(False)),
    Case("f_preceded_arm", "P-36", "by_hand", preceded(True, "arm")),
    Case("f_preceded_intent", "P-36", journals_more.emergency, preceded(True)),
    Case("f_preceded_unsent", "P-36", "by_hand_first", preceded(True, unsent=True)),
    Case("f_preceded_by_hand", "P-36", "by_hand_first", intended_too),
    Case("f_two_outcomes", "P-11", "by_hand", second_outcome),
    Case("f_two_intents", "P-11", "by_hand", second_intent),
    Case(
        "f_no_outcome",
        "P-11",
        "by_hand",
        lambda j: edit.remove_entry(j, edit.of_type(j, "command", 1)),
        exit_status=3,
    ),
    Case("f_marker_by_hand", "L-04", "by_hand", marker_before_arm),
    Case("f_absent_by_hand", "H-13", "by_hand", brain_silent_by_hand, exit_status=3),
    Case("f_key_by_hand", "L-06", "by_hand", command_key("disarm")),
    Case("f_key_of_arm_by_hand", "L-06", "by_hand", command_key("arm")),
    Case("f_before_intent", "L-08", "policy", voices_before("arm")),
    Case("f_before_act", "L-08", "policy", older_voices),
    Case("f_two_ids", "P-18", "release", two_of_one_id),
    Case("f_stale_repeated", "P-33", "stale", repeats("switch_services", 3)),
    Case(
        "f_goes_on",
        "P-27",
        "resumed",
        set_body("reconciliation", found="partial"),
    ),
    Case(
        "f_rests_on_failed",
        "P-13",
        "resumed",
        lambda j: edit.item(edit.of_type(j, "reconciliation"), "git.branch").update(status=1),
    ),
    Case("f_sick_service", "P-23", "release", sick_service),
    Case("f_epoch_again", "P-25", "settings_changed", second_epoch),
    Case("f_epoch_none", "P-25", "release", tenancy_of("connect", epoch=0)),
    Case("f_epoch_later", "P-25", "release", tenancy_of("complete", epoch=7)),
    Case("f_not_ours", "P-25", "aborted", tenancy_of("restore_code", deployment=0, holder="")),
    Case("f_nobody_holds", "P-25", "release", tenancy_of("connect", holder="")),
    Case("f_other_deployment", "P-25", "release", tenancy_of("connect", deployment=7)),
    Case("f_not_freed", "P-25", "release", tenancy_of("complete", 1, holder="alice")),
    Case("f_not_freed_number", "P-25", "release", tenancy_of("complete", 1, deployment=2)),
    Case(
        "f_head_later", "P-25", "release", tenancy_of("connect", head_seq=900, head_hash="e" * 64)
    ),
    Case("f_moved_alone", "P-20", journals_more.updated_again, without_the_update),
    Case("f_emergency_unseen", "L-16", journals_more.emergency, emergency_unseen),
]
