"""Deployments that begin at zero: cases of L-10, L-18 to L-20, H-10, H-14, H-16, R-02, N-13."""

import edit
import journals_first
from case import Case
from cases_rules import T, drop_item
from target import BRAIN, EXECUTION, WEB, digest

HANDSHAKE = "Policy hash handshake OK. Enabling signal processing. Hash: "
FAILED = "Policy hash handshake FAILED. other"
OTHER = digest("another policy")


def unchanged(_journal):
    pass


def replies_unlisted(journal):
    """Docker lists no running Execution, and the bus has one."""
    one = edit.item(T(journal, "connect"), "bus.policy_hash")
    one["status"] = 0
    edit.put(journal, one, '{"policy_hash":"' + OTHER + '"}')


def first_list_without(journal):
    """Execution is missing in the first list of the snapshot, and runs in the others."""
    one = edit.item(T(journal, "connect"), "compose.containers", 0)
    made = [row for row in edit.rows(journal, one) if row["service"] != EXECUTION]
    edit.put_rows(journal, one, made)


def not_removed(journal):
    """The stopped container of Execution is there when services are started."""
    entry = T(journal, "switch_services")
    edit.drop(entry, "act", 0, f"remove {EXECUTION}")
    edit.drop(entry, "compose.containers", 3)


def not_seen_gone(journal):
    entry = T(journal, "switch_services")
    removed, before = (edit.item(entry, "compose.containers", nth) for nth in (3, 2))
    edit.put(journal, removed, journal.text(before))


def removal_failed(journal):
    edit.item(T(journal, "switch_services"), "act").update(status=1)


def comes_up_armed(journal):
    entry = T(journal, "verify_release")
    edit.add_line(journal, edit.item(entry, "logs.execution", -1), "EXECUTION ARMED: a stranger")
    edit.put(journal, edit.item(entry, "interlock.marker", -1), "present\n")


def was_armed_between(journal):
    one = edit.item(T(journal, "verify_release"), "logs.execution", -1)
    for word in ("ARMED", "DISARMED"):
        edit.add_line(journal, one, f"EXECUTION {word}: a stranger")


def armed():
    """The driver arms what nobody had armed."""
    driver = journals_first.nothing_runs()
    driver.prepare("release", "2", "a")
    driver.switch()
    driver.armed_before = True
    driver.verify_release()
    driver.arm()
    driver.observe()
    driver.finish()
    return driver


def found_otherwise():
    """It was absent, and in the last look a stopped one is there."""
    driver = journals_first.crashed()
    kept, driver.target.containers = driver.target.containers, [
        one for one in driver.target.containers if one.service != EXECUTION
    ]
    driver.prepare("release", "2", "a")
    driver.target.containers = kept
    driver.finish_release()
    return driver


def other_policy(begin):
    def story():
        driver = begin()
        driver.release("2", "b")
        return driver

    return story


def with_brain_missing():
    driver = journals_first.Driver()
    driver.target.remove(BRAIN)
    return driver


def expected():
    driver = journals_first.nothing_runs()
    driver.open("release", expect=OTHER)
    driver.preflight()
    driver.connect()
    driver.update_to_guard("2", "a")
    driver.finish_release()
    return driver


def started_in_policy(journal):
    """The stopped container is left, and Execution is brought up."""
    entry = T(journal, "deploy_execution")
    stopped = journal.text(edit.item(T(journal, "disarm"), "compose.containers"))
    edit.drop(entry, "act", 0, f"remove {EXECUTION}")
    for nth in (3, 4):
        edit.put(journal, edit.item(entry, "compose.containers", nth), stopped)


def runs_in_disarm(journal):
    """The list in place of the DISARM shows that Execution runs."""
    one = edit.item(T(journal, "disarm"), "compose.containers")
    text = journal.text(edit.item(T(journal, "verify_execution"), "compose.containers"))
    edit.put(journal, one, text)


def armed_in_policy(journal):
    one = edit.item(T(journal, "deploy_execution"), "logs.execution", -1)
    edit.add_line(journal, one, "EXECUTION ARMED: a stranger")
    edit.add_line(journal, one, "EXECUTION DISARMED: a stranger")


def contrary_before():
    """Nobody replies, and Execution and Brain name different hashes."""
    driver = journals_first.Driver()
    driver.target.running(BRAIN).say(driver.target.now, HANDSHAKE + OTHER)
    return journals_first.silent_release(driver)


def somebody_replies(journal):
    """After the rollback, so that the failed handshake is a voice."""
    one = edit.item(T(journal, "verify_restored"), "bus.policy_hash")
    one["status"] = 0
    edit.put(journal, one, '{"policy_hash":"' + digest("policy", "a") + '"}')


def nobody_replies(journal):
    """After a rollback from a deployment before which everybody was there."""
    entry = T(journal, "verify_restored")
    for nth in range(3):
        one = edit.item(entry, "bus.policy_hash", nth)
        one["status"] = 1
        edit.put(journal, one, "")
    edit.add_line(journal, edit.item(entry, "logs.brain"), FAILED)


def left(**changes):
    """A container of web, which was not there before, is left."""

    def work(journal):
        entry = T(journal, "verify_restored")
        before = edit.item(T(journal, "redeploy"), "compose.containers")
        row = next(row for row in edit.rows(journal, before) if row["service"] == WEB)
        for one in (
            edit.item(T(journal, "redeploy"), "compose.containers", -1),
            edit.item(entry, "compose.containers", 0),
            edit.item(entry, "compose.containers", 1),
        ):
            edit.put_rows(journal, one, edit.rows(journal, one) + [dict(row, **changes)])

    return work


def unasked(status=3):
    """The bus runs as little as anything else: it is not asked three times."""

    def story():
        driver = journals_first.nothing_runs()
        driver.prepare("release", "2", "a")
        driver.finish_release()
        return driver

    def work(journal):
        entry = T(journal, "connect")
        for _ in range(2):
            edit.drop(entry, "bus.policy_hash", -1)
        edit.item(entry, "bus.policy_hash")["status"] = status

    return story, work


CASES = [
    Case("fi_replies", "L-20", journals_first.first_release, replies_unlisted),
    Case("fi_replies_policy", "L-20", journals_first.first_policy, replies_unlisted),
    Case("fi_replies_crashed", "L-20", journals_first.crashed_policy, replies_unlisted),
    Case("fi_replies_listed", "L-20", "release", first_list_without),
    Case("fi_release", "N-13", journals_first.first_release, unchanged, exit_status=0),
    Case("fi_back", "N-13", journals_first.first_release_rolled_back, unchanged, exit_status=0),
    Case("fi_crashed", "N-13", journals_first.crashed_release, unchanged, exit_status=0),
    Case(
        "fi_crashed_back",
        "N-13",
        journals_first.crashed_release_rolled_back,
        unchanged,
        exit_status=0,
    ),
    Case("fi_brain", "N-13", journals_first.without_brain, unchanged, exit_status=0),
    Case("fi_silent", "N-13", journals_first.silent_before, unchanged, exit_status=0),
    Case("fi_started", "L-19", journals_first.crashed_release, not_removed),
    Case("fi_not_gone", "L-19", journals_first.crashed_release, not_seen_gone),
    Case("fi_removal", "P-13", journals_first.crashed_release, removal_failed),
    Case("fi_armed", "L-10", journals_first.first_release, comes_up_armed),
    Case("fi_armed_between", "L-10", journals_first.first_release, was_armed_between),
    Case("fi_arms", "L-10", armed, unchanged),
    Case("fi_found", "L-18", found_otherwise, unchanged),
    Case("fi_hash_kept", "H-10", other_policy(with_brain_missing), unchanged),
    Case("fi_hash_crashed", "H-10", other_policy(journals_first.crashed), unchanged),
    Case("fi_hash_expected", "H-10", expected, unchanged),
    Case("fi_contrary", "H-10", contrary_before, unchanged, exit_status=3),
    Case(
        "fi_answered",
        "H-16",
        journals_first.crashed_release_rolled_back,
        somebody_replies,
        finds=("H-14",),
    ),
    Case("fi_unanswered", "H-16", "release_unhealthy", nobody_replies, finds=("H-14",)),
    Case("fi_left", "R-02", journals_first.first_release_rolled_back, left()),
    Case("fi_left_stopped", "R-02", journals_first.first_release_rolled_back, left(state="exited")),
    Case("fi_policy", "N-13", journals_first.first_policy, unchanged, exit_status=0),
    Case("fi_policy_crashed", "N-13", journals_first.crashed_policy, unchanged, exit_status=0),
    Case("fi_policy_started", "L-19", journals_first.crashed_policy, started_in_policy),
    Case("fi_policy_not_gone", "L-01", journals_first.crashed_policy, started_in_policy),
    Case("fi_policy_runs", "L-01", journals_first.first_policy, runs_in_disarm),
    Case("fi_policy_armed", "L-05", journals_first.first_policy, armed_in_policy),
    Case(
        "fi_policy_unseen",
        "P-12",
        journals_first.first_policy,
        drop_item("deploy_execution", "compose.containers", 2),
    ),
    Case("fi_unasked", "N-13", *unasked(), exit_status=0),
    Case("fi_unasked_late", "P-12", *unasked(2)),
    Case(
        "fi_voices", "P-12", journals_first.first_release, drop_item("connect", "bus.policy_hash")
    ),
]
