"""Combined forgeries of the policy hash: two or three consistent changes each, under
the right keys."""

import edit
import forgery
from case import Case
from cases_rules import T, body
from target import digest


OK = "Policy hash handshake OK"
OTHER = digest("policy", "another")


def one_sample_agrees_on_another(journal):
    forgery.other_policy(journal, [edit.sample(journal, 4)])


def window_agrees_on_another(journal):
    forgery.other_policy(journal, forgery.behind(journal, edit.sample(journal, 3)))


def from_arm_on_another(journal):
    forgery.other_policy(journal, forgery.behind(journal, T(journal, "arm")))


def execution_had_another(journal):
    forgery.other_policy(journal, [T(journal, "verify_execution")])


def another_than_expected(journal):
    """Every voice from the new Execution on agrees, on another policy than was approved."""
    other = T(journal, "verify_execution")
    policy = forgery.policy_of(journal, other)
    edit.of_type(journal, "open")["body"]["expect"] = policy
    approval = body(journal, "approval")
    approval["statement"] = approval["statement"].replace('"expect":""', f'"expect":"{policy}"')
    first = T(journal, "deploy_execution")
    forgery.reword(
        journal, forgery.behind(journal, first), forgery.VOICES, policy, digest("policy", "else")
    )


def restored_to_the_new_one(journal):
    """After the rollback all agree, on the policy that failed."""
    entry = T(journal, "verify_restored")
    failed = forgery.policy_of(journal, T(journal, "verify_execution"))
    old = forgery.policy_of(journal, entry)
    forgery.reword(
        journal,
        forgery.behind(journal, T(journal, "redeploy")),
        ("bus.policy_hash", "logs.execution", "logs.brain"),
        old,
        failed,
    )


def failed_and_then_agreed(journal):
    forgery.say(
        journal,
        forgery.behind(journal, T(journal, "deploy_brain")),
        "logs.brain",
        "CRITICAL: Policy hash handshake FAILED. no",
        "Brain starting",
    )


def loaded_another_meanwhile(journal):
    """Execution loads another policy between its start and the look, and the first again."""
    entries = forgery.behind(journal, T(journal, "deploy_brain"))
    message = "Risk Policy Loaded. Hash: "
    policy = forgery.policy_of(journal, T(journal, "verify_parity"))
    forgery.say(journal, entries, "logs.execution", message + policy, "initialized DISARMED")
    forgery.say(journal, entries, "logs.execution", message + OTHER, "initialized DISARMED")


def shortened_other(journal):
    policy = forgery.policy_of(journal, T(journal, "verify_parity"))
    forgery.reword(
        journal,
        forgery.behind(journal, T(journal, "deploy_brain")),
        ("logs.brain", "logs.errors"),
        f"{OK}. Enabling signal processing. Hash: {policy}",
        f"{OK}. Enabling signal processing. Hash: {OTHER[:8]}...",
    )


def empty_hashes(journal):
    """Every voice says that the hash is empty: they all agree."""
    entries = forgery.behind(journal, T(journal, "verify_execution"))
    policy = forgery.policy_of(journal, T(journal, "verify_execution"))
    forgery.reword(journal, entries, forgery.VOICES, policy, "")


def only_lines_agree(journal):
    """No request was answered, and the lines stay."""
    for one in forgery.items([T(journal, "arm")], "bus.policy_hash"):
        one["status"] = 2
        edit.put(journal, one, "")


def silent_sample_but_another_line(journal):
    """The responder is silent, which a sample may be; Brain's line names another hash."""
    entry = edit.sample(journal, 3)
    one = edit.item(entry, "bus.policy_hash")
    one["status"] = 2
    edit.put(journal, one, "")
    policy = forgery.policy_of(journal, edit.sample(journal, 4))
    for log in forgery.items([entry], "logs.brain"):
        edit.add_line(journal, log, f"{OK}. Enabling. Hash: {policy[::-1]}")


def lost_and_its_line_cut(journal):
    """Brain lost its leadership in sample 3; from sample 4 on its log begins behind that."""
    edit.add_line(
        journal, edit.item(edit.sample(journal, 3), "logs.brain"), "Brain demoted to FOLLOWER. x"
    )
    for number in range(4, 8):
        for one in forgery.items([edit.sample(journal, number)], "logs.brain"):
            edit.put(journal, one, "")


def cut_log_of_execution(journal):
    """A stranger's ARM and DISARM fall out of a log that lost them: the looks before had them."""
    entry = edit.sample(journal, 3)
    for one in list(forgery.items([entry], "logs.execution"))[-1:]:
        edit.add_line(journal, one, "\U0001f513 EXECUTION DISARMED: a stranger")
        edit.add_line(journal, one, "\U0001f513 EXECUTION ARMED: a stranger")


def replies_of_another_subject(journal):
    """The subject is exchanged in the settings and in every item, but for one sample's."""
    subjects = journal.entries[0]["body"]["subjects"]
    old, subjects["policy_hash"] = subjects["policy_hash"], "titan.req.exec.policy_hash.v2"
    for one in forgery.items(journal.entries, "bus.policy_hash"):
        one["subject"] = subjects["policy_hash"]
    edit.item(edit.sample(journal, 4), "bus.policy_hash")["subject"] = old


CASES = [
    Case(
        "cf_sample_agrees", "H-10", "policy", one_sample_agrees_on_another, finds=("H-10", "H-04")
    ),
    Case("cf_window_agrees", "H-10", "policy", window_agrees_on_another, finds=("H-10", "H-04")),
    Case("cf_arm_agrees", "H-10", "policy", from_arm_on_another, finds=("H-10", "H-04")),
    Case("cf_execution_had", "H-10", "policy", execution_had_another, finds=("H-10", "H-04")),
    Case("cf_not_expected", "H-10", "policy", another_than_expected),
    Case("cf_restored_new", "H-14", "policy_mismatch", restored_to_the_new_one),
    Case("cf_failed_then_ok", "H-11", "policy", failed_and_then_agreed),
    Case("cf_loaded_another", "H-07", "policy", loaded_another_meanwhile),
    Case("cf_short_other", "H-07", "policy", shortened_other),
    Case("cf_empty", "H-05", "policy", empty_hashes),
    Case("cf_only_lines", "H-09", "policy", only_lines_agree),
    Case("cf_silent_other", "H-07", "policy", silent_sample_but_another_line),
    Case("cf_lost_cut", "H-12", "policy", lost_and_its_line_cut, finds=("H-12", "H-04")),
    Case("cf_blip_cut", "L-11", "policy", cut_log_of_execution),
    Case("cf_subject_of_one", "H-05", "policy", replies_of_another_subject),
]
