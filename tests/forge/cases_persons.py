"""Combined forgeries of who may do what, and of what a person is said to have said."""

import copy
import json

import bundle
import edit
import forgery
import mutate
from case import Case
from cases_rules import T, body
from cases_services import with_row
from steps import Driver
from target import BRAIN, EXECUTION, WEB


def approval_reused():
    """The approval of an earlier deployment of the same release stands in the next one."""
    driver = Driver()
    driver.prepare("policy", "2", "b")
    first = edit.of_type(driver.journal, "approval")["body"]
    driver.abort()
    approve = driver.approve
    driver.approve = lambda: driver.write("approval", copy.deepcopy(first))
    driver.prepare("policy", "2", "b")
    driver.approve = approve
    driver.deploy_policy()
    driver.finish_policy()
    return driver


def approval_over(**changes):
    """An approval whose statement says something else, with a right signature."""

    def work(journal):
        approval = body(journal, "approval")
        statement = dict(json.loads(approval["statement"]), **changes)
        approval["statement"] = bundle.canonical(statement).decode()

    return work


def approved_late(journal):
    """The approval stands behind the transition that needed it."""
    approval = edit.of_type(journal, "approval")
    guarded = T(journal, "lay_guard")
    approval["boottime_ns"], approval["utc"] = guarded["boottime_ns"], guarded["utc"]
    journal.entries.remove(approval)
    journal.entries.insert(forgery.place(journal, guarded) + 1, approval)
    mutate.renumber(journal, 0)


def approver_of_later(journal):
    """A roster behind the `open` makes somebody an approver, who approves."""
    dave = journal.keys.add(bundle.Key("dave"))
    roster = copy.deepcopy(journal.entries[0]["body"]["roster"])
    roster["approvers"].append(dave.line("dave@example"))
    opened = edit.of_type(journal, "open")
    made = forgery.insert_behind(
        journal,
        opened,
        "roster",
        {"roster": roster, "reason": "dave approves"},
        ADMINISTRATOR(journal),
    )
    del made["deployment"]
    approval = body(journal, "approval")
    approval["principal"] = "dave@example"
    approval["signature"] = dave.armored(bundle.APPROVAL, approval["statement"].encode())


def ADMINISTRATOR(journal):
    return journal.entries[0]["signer"]


def approver_takes_over():
    """Who approved takes over afterwards: nobody else approved then."""
    driver = Driver()
    driver.let_bob_drive()
    driver.open("policy")
    driver.preflight()
    driver.connect()
    driver.update("2", "b")
    driver.pull()
    driver.begin("lay_guard")
    driver.end("pulled", "unknown")
    driver.approve()
    driver.target.tenancy["epoch"] += 1
    taken = {"operator": "bob@example", "session": driver.fresh_session()}
    taken.update(epoch=driver.target.tenancy["epoch"], previous="alice", reason="gone")
    driver.opener = "bob@example"
    driver.write("takeover", taken, driver.bob)
    driver.begin("lay_guard")
    driver.item("guard", "", "absent\n", on_target=False)
    driver.end("guarded")
    driver.deploy_policy()
    driver.finish_policy()
    return driver


def old_session_signs(journal):
    """An entry behind a takeover, signed with the key of before."""
    old = body(journal, "open")["session"]
    T(journal, "switch_services")["signer"] = old


def session_of_the_first_signs(journal):
    """An entry of the second deployment, signed with the session key of the first."""
    first = body(journal, "open", 0)["session"]
    T(journal, "switch_services")["signer"] = first


def taken_over_by_a_removed_one(journal):
    roster = copy.deepcopy(journal.entries[0]["body"]["roster"])
    del roster["operators"][1]
    taken = edit.of_type(journal, "takeover")
    before = journal.entries[forgery.place(journal, taken) - 1]
    made = forgery.insert_behind(
        journal, before, "roster", {"roster": roster, "reason": "gone"}, ADMINISTRATOR(journal)
    )
    del made["deployment"]


def interleaved():
    """A second deployment is opened in the middle of the first, and both come to their end."""
    driver = Driver()
    driver.release_to_verified()
    kept = driver.number, driver.state, driver.session, driver.before
    driver.open("release")
    driver.preflight()
    driver.end("aborting", "abort")
    driver.begin("restore_code")
    driver.end("aborted")
    driver.number, driver.state, driver.session, driver.before = kept
    driver.observe()
    driver.finish()
    return driver


def of_the_first(journal):
    """A sample of the second deployment says that it is of the first."""
    edit.sample(journal, 3)["deployment"] = edit.of_type(journal, "open", 0)["seq"]


def accepted_by_word():
    """An operator accepts a rollback that failed before Execution was safe."""
    driver = Driver()
    driver.arm_by_hand()
    driver.fail_release()
    driver.begin("make_safe")
    driver.end("rollback_failed", "failed")
    driver.attest("rollback_failed", "accepted", "seen by me")
    return driver


def attested_afterwards(journal):
    attestation = edit.of_type(journal, "attestation")
    passed = T(journal, "run_preflight")
    attestation["boottime_ns"], attestation["utc"] = passed["boottime_ns"], passed["utc"]
    journal.entries.remove(attestation)
    journal.entries.insert(forgery.place(journal, passed) + 1, attestation)
    mutate.renumber(journal, 0)


def passed_behind_failed(journal):
    entry = T(journal, "run_preflight")
    one = edit.item(entry, "preflight")
    edit.copy_behind(entry, one)
    one["status"] = 1


def unconfirmed(journal):
    notes = [entry for entry in journal.entries if entry["type"] == "note"]
    edit.remove_entry(journal, notes[0])


def confirmed_by_the_one_before():
    """The note stands in front of a takeover: who drives now never named the target."""
    driver = Driver()
    driver.prepare("release", "2", "a")
    driver.confirm_change()
    driver.takeover()
    driver.confirm_change = lambda: None
    driver.finish_release()
    return driver


CASES = [
    Case("cf_approval_reused", "A-14", approval_reused),
    Case("cf_approved_open", "A-14", "policy", approval_over(open="0" * 64)),
    Case("cf_approved_commit", "A-14", "policy", approval_over(commit="0" * 40)),
    Case("cf_approved_images", "A-14", "policy", approval_over(images=[])),
    Case("cf_approved_guard", "A-14", "policy", approval_over(guard="laid")),
    Case("cf_approved_part", "A-14", "policy", approval_over(partial=[EXECUTION])),
    Case("cf_approved_one_shot", "A-14", "policy", with_row("ends")),
    Case(
        "cf_approved_other_one", "A-14", "policy", with_row("ends", approval_over(partial=[BRAIN]))
    ),
    Case(
        "cf_approved_undone",
        "A-14",
        "policy",
        with_row("ends", approval_over(partial=[WEB])),
        exit_status=0,
        finds=("N-04",),
    ),
    Case("cf_approved_journal", "A-14", "policy", approval_over(journal="0" * 32)),
    Case("cf_approved_late", "A-13", "policy", approved_late),
    Case("cf_approver_later", "A-14", "policy", approver_of_later),
    Case("cf_approver_drives", "A-13", approver_takes_over),
    Case("cf_old_session", "A-08", "taken_over", old_session_signs),
    Case("cf_first_session", "A-08", "settings_changed", session_of_the_first_signs),
    Case("cf_taken_by_removed", "A-07", "taken_over", taken_over_by_a_removed_one),
    Case("cf_interleaved", "A-05", interleaved),
    Case("cf_of_the_first", "A-08", "settings_changed", of_the_first),
    Case("cf_accepted", "L-15", accepted_by_word),
    Case("cf_attested_late", "F-01", "attested", attested_afterwards),
    Case("cf_passed_behind", "F-01", "release", passed_behind_failed),
    Case("cf_unconfirmed", "A-16", "release", unconfirmed),
    Case("cf_confirmed_before", "A-16", confirmed_by_the_one_before),
]
