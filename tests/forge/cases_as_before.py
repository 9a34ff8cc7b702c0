"""What has to be as it was, or as it was agreed to: configurations that came back, the head that
the target knows, and what is named where nothing forbids it."""

import copy
import json

import edit
import forgery
from case import Case
from cases_rules import T
from steps import Driver
from target import WEB, digest


def configured_otherwise(journal):
    """What came back runs as it is declared, and both are another configuration than before."""
    other = digest("another configuration")
    edit.change_rows(
        journal, T(journal, "verify_restored"), "compose.drift", WEB, declared=other, running=other
    )


def undeclared_before(journal):
    """Compose could not tell in the snapshot what it can tell afterwards."""
    configured_otherwise(journal)
    edit.change_rows(journal, T(journal, "connect"), "compose.drift", WEB, declared="")


def overridden(journal):
    """Honest: the image runs from another name, and so from another configuration."""
    configured_otherwise(journal)
    revert = T(journal, "revert")
    last = revert["body"]["evidence"][-1]
    edit.copy_behind(revert, last, subject=f"write override {WEB}")
    edit.item(T(journal, "verify_restored"), "compose.drift")["subject"] = "override"


def drifted(running):
    """With the good env file back, of a service that ran otherwise than was declared."""

    def work(journal):
        configured_otherwise(journal)
        edit.change_rows(journal, T(journal, "connect"), "compose.drift", WEB, running=running)

    return work


def changed_back(probe):
    """Somebody changed it while the services came back."""

    def work(journal):
        text = "640 1000 1000\n" if probe == "env.mode" else digest("changed") + "\n"
        edit.put(journal, edit.item(T(journal, "verify_restored"), probe), text)

    return work


def other_key_back(journal):
    """The key of the fingerprints is lost between `revert` and the end."""
    for probe in ("hmac.key", "config.hmac", "env.hmac"):
        changed_back(probe)(journal)


def policy_files_behind(action):
    def work(journal):
        edit.put(journal, edit.item(T(journal, action), "policy.hmac", -1), digest("x") + "\n")

    return work


def without_second_look(action):
    """Nobody looks at Execution behind the voices."""

    def work(journal):
        entry = T(journal, action)
        for probe, nth in (
            ("compose.containers", 2),
            ("logs.execution", 2),
            ("interlock.marker", 1),
        ):
            edit.drop(entry, probe, nth)

    return work


def left_alone_otherwise(journal):
    """The container of web was left alone, and is said to be configured anew."""
    for entry in forgery.behind(journal, T(journal, "switch_services")):
        other = digest("another configuration")
        edit.change_rows(journal, entry, "compose.drift", WEB, declared=other, running=other)


def without_its_check(journal):
    """It has a check of its own, and where that would be bad it is said to have none."""
    forgery.rerow(journal, [edit.sample(journal, 3)], WEB, health=None)


def bad_before_and_after(journal):
    """Honest: what was bad before is as bad again; it is named."""
    forgery.rerow(journal, [T(journal, "connect")], WEB, health="unhealthy")
    forgery.rerow(journal, [T(journal, "verify_restored")], WEB, health="unhealthy")


def known_head(journal, one):
    held = json.loads(journal.text(one))
    return {key: held[key] for key in ("head_seq", "head_hash")}


def head_back(journal):
    """The target is freed with the head that it had when it was taken."""
    old = known_head(journal, edit.item(T(journal, "connect"), "tenancy"))
    edit.change_json(journal, edit.item(T(journal, "complete"), "tenancy", -1), **old)


def head_back_in_the_next(journal):
    """The second deployment takes it with the head that it had in the first."""
    old = known_head(journal, edit.item(T(journal, "connect", 0), "tenancy"))
    edit.change_json(journal, edit.item(T(journal, "connect", -1), "tenancy"), **old)


def head_ahead(journal):
    one = edit.item(T(journal, "complete"), "tenancy")
    edit.change_json(journal, one, head_seq=len(journal.entries), head_hash="e" * 64)


def restarts_before_the_window(journal):
    """Honest: a service crashed until what it needs was there, and then no more."""
    first = edit.sample(journal, 1)
    forgery.rerow(journal, forgery.behind(journal, first), WEB, restarts=24)


def restarted_before_the_window(journal):
    """Honest: somebody started it anew, by hand, before the first sample."""
    entries = forgery.behind(journal, edit.sample(journal, 1))
    row = next(
        row
        for row in edit.rows(journal, edit.item(entries[0], "compose.containers"))
        if row["service"] == WEB
    )
    later = row["started_at"].replace("Z", "1Z")
    forgery.rerow(journal, entries, WEB, started_at=later)


def restarted_when_restored(journal):
    forgery.rerow(journal, [T(journal, "verify_restored")], WEB, restarts=3)


def with_settings(**changes):
    """Honest: an administrator changes what is pinned, and then there is a release."""
    driver = Driver()
    body = driver.settings()
    body.update({"checklist": ["env_file_mode", "tree_clean"]})
    body.update({"approvals": {"policy": 1, "release": 0}, "reason": "a test"})
    body.update(copy.deepcopy(changes))
    driver.write("settings", body, driver.alice)
    return driver


def fewer_approvals():
    driver = with_settings(approvals={"policy": 0, "release": 0})
    driver.release("2")
    return driver


def without_item():
    driver = with_settings(checklist=["tree_clean"])
    driver.release("2")
    return driver


def other_subjects():
    """The responder of the policy hash, and the bus subjects of ARM and DISARM, are others."""
    driver = Driver()
    names = {"policy_hash": "x.hash", "arm": "x.arm", "disarm": "x.disarm"}

    def work(journal):
        old = journal.entries[0]["body"]["subjects"]
        for entry in journal.entries[1:]:
            for one in entry["body"].get("evidence", []):
                for key, subject in old.items():
                    if one["subject"] == subject:
                        one["subject"] = names[key]
        journal.entries[0]["body"]["subjects"] = names

    driver.release("2")
    return driver, work


def approver_drives_on():
    """Honest: who approved takes over behind `guarded`."""
    driver = Driver()
    driver.let_bob_drive()
    driver.prepare("policy", "2", "b")
    driver.target.tenancy["epoch"] += 1
    taken = {"operator": "bob@example", "session": driver.fresh_session()}
    taken.update(epoch=driver.target.tenancy["epoch"], previous="alice", reason="gone")
    driver.opener = "bob@example"
    driver.write("takeover", taken, driver.bob)
    driver.deploy_policy()
    driver.finish_policy()
    return driver


CASES = [
    Case("ab_configured", "R-03", "release_unhealthy", configured_otherwise),
    Case("ab_undeclared", "R-03", "release_unhealthy", undeclared_before, exit_status=3),
    Case(
        "ab_overridden",
        "R-03",
        "release_unhealthy",
        overridden,
        exit_status=0,
        finds=("N-04",),
    ),
    Case("ab_drifted", "R-03", "release_unhealthy", drifted(digest("as it ran"))),
    Case(
        "ab_drifted_good",
        "R-03",
        "env_put_back",
        drifted(digest("as it ran")),
        exit_status=0,
        finds=("N-04",),
    ),
    Case("ab_configured_good", "R-03", "env_put_back", configured_otherwise),
    Case("ab_changed_back", "R-11", "env_put_back", changed_back("config.hmac")),
    Case("ab_mode_back", "R-11", "release_unhealthy", changed_back("env.mode")),
    Case("ab_key_back", "R-11", "release_unhealthy", other_key_back, exit_status=3),
    Case("ab_policy_files", "P-35", "release", policy_files_behind("switch_services")),
    Case("ab_policy_files_brain", "P-35", "resumed", policy_files_behind("deploy_brain")),
    Case("ab_second_look", "P-12", "release", without_second_look("switch_services")),
    Case("ab_second_look_policy", "P-12", "policy", without_second_look("deploy_execution")),
    Case("ab_left_alone", "P-38", "same_content", left_alone_otherwise),
    Case("ab_no_check", "P-19", "release", without_its_check),
    Case("ab_bad_before", "N-06", "release_unhealthy", bad_before_and_after, exit_status=0),
    Case("ab_head_back", "P-25", "release", head_back),
    Case("ab_head_back_next", "P-25", "settings_changed", head_back_in_the_next),
    Case("ab_head_ahead", "P-25", "release", head_ahead),
    Case("ab_restarts", "N-14", "release", restarts_before_the_window, exit_status=0),
    Case("ab_restarted", "N-14", "release", restarted_before_the_window, exit_status=0),
    Case("ab_restarts_back", "N-14", "release_unhealthy", restarted_when_restored, exit_status=0),
    Case("ab_approvals", "N-15", fewer_approvals, exit_status=0),
    Case("ab_item", "N-15", without_item, exit_status=0),
    Case("ab_subjects", "N-02", other_subjects, exit_status=0),
    Case("ab_approver", "N-16", approver_drives_on, exit_status=0),
]
