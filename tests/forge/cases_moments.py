"""Combined forgeries of the window, of times, and of what came and went between two looks."""

import edit
import forgery
import mutate
from case import Case
from cases_insider import restarted_in_window
from cases_named import policy_until
from cases_rules import T, later_copy
from journals_more import window_left_for
from steps import Driver
from target import MS, WEB, digest


def begin_window_again(driver, first):
    driver.begin("observe_window", key=driver.key, repeats=first)
    driver.samples()
    driver.finish_window()


def failed_and_begun_anew():
    """The window fails, is called interrupted, and is begun anew without a failure."""
    driver = Driver()
    driver.release_to_verified()
    driver.begin("observe_window")
    first = driver.intent
    driver.samples(2)
    driver.sample_of_another_policy(3)
    driver.target.wait(500)
    driver.reconcile("partial", "repeat")
    begin_window_again(driver, first)
    return driver


def sick_and_begun_anew():
    driver = Driver()
    driver.release_to_verified()
    driver.begin("observe_window")
    first = driver.intent
    driver.target.sick.add("web")
    driver.samples(2)
    driver.target.sick.clear()
    driver.target.wait(500)
    driver.git()
    driver.list()
    driver.reconcile("not_done", "repeat")
    begin_window_again(driver, first)
    return driver


def good_word_behind(journal):
    """Three samples in a row are sick, and each has a good answer behind the bad one."""
    for number in (3, 4, 5):
        entry = edit.sample(journal, number)
        one = edit.item(entry, "health", 0, "web")
        edit.copy_behind(entry, one)
        one["status"] = 503


def sick_word(journal):
    for number in (3, 4, 5):
        one = edit.item(edit.sample(journal, number), "health", 0, "web")
        edit.put(journal, one, '{"status":"error"}')


def samples_cut(journal):
    """Two samples in the middle are gone, and the others are numbered anew."""
    gone = [edit.sample(journal, number) for number in (3, 4, 5)]
    forgery.remove_entries(journal, gone)
    for number, entry in enumerate(
        [one for one in journal.entries if one["type"] == "sample"], start=1
    ):
        entry["body"]["n"] = number


def window_cut(journal):
    """The last samples are gone, and confirm stands right behind what is left."""
    gone = [edit.sample(journal, number) for number in (6, 7)]
    forgery.remove_entries(journal, gone)
    for entry in forgery.behind(journal, T(journal, "observe_window")):
        entry["boottime_ns"] -= 2_000 * MS
        entry["utc"] = edit.shifted_utc(entry["utc"], -2_000)
        for one in entry["body"].get("evidence", []):
            mutate.shift(one, -2_000 * MS)


def redated(journal):
    """A window of half the length is stretched in the driver's clock, not in the target's."""
    first = edit.sample(journal, 1)
    begun = first["body"]["evidence"][0]["sent_ns"]
    for entry in forgery.behind(journal, first):
        grown = entry["boottime_ns"] - begun
        entry["boottime_ns"] += grown
        entry["utc"] = edit.shifted_utc(entry["utc"], grown // MS)
        for one in entry["body"].get("evidence", []):
            one["sent_ns"] += one["sent_ns"] - begun
            one["received_ns"] += one["received_ns"] - begun


def watched_late():
    driver = Driver()
    driver.prepare("policy", "2", "b")
    driver.deploy_policy()
    driver.verify_parity()
    driver.arm()
    driver.target.wait(12_000)
    driver.observe()
    driver.finish()
    return driver


def pause_before_confirm():
    driver = Driver()
    driver.release_to_verified()
    driver.observe()
    driver.target.wait(20_000)
    driver.finish()
    return driver


def resumed_too_late():
    return window_left_for(20_000)


def looser_limits(journal):
    """Settings and samples agree on a window of three seconds; the auditor's is longer."""
    journal.entries[0]["body"]["limits"]["window_ms"] = 3000
    window_cut(journal)


def forgiven_service(journal):
    """A service restarts in the window, and an operator's settings of later allow it."""
    restarted_in_window(journal)
    made = later_copy(journal, journal.entries[0])
    settings = {key: made["body"][key] for key in SETTINGS}
    settings["services"]["restarts_allowed"] = [WEB]
    settings.update(checklist=[], approvals={"policy": 1, "release": 0}, reason="it restarts")
    made.update(type="settings", body=settings)
    edit.insert_entry(journal, len(journal.entries), made)


SETTINGS = (
    "services",
    "subjects",
    "script",
    "endpoints",
    "marker",
    "patterns",
    "limits",
)


def rebooted_under_the_containers(journal):
    """The target has another boot from ARM on, and every container runs on as if nothing was."""
    first = T(journal, "arm")
    begun = first["body"]["evidence"][0]["target"]["before_ms"] - 100
    for entry in forgery.behind(journal, first):
        for one in entry["body"].get("evidence", []):
            if "target" in one:
                one["target"]["boot"] = mutate.OTHER_BOOT
                one["target"]["before_ms"] -= begun
                one["target"]["after_ms"] -= begun


def other_driver_between(journal):
    """The driver's boot changes inside a hot step, and its intent is answered all the same."""
    place = forgery.place(journal, T(journal, "verify_release"))
    for entry in journal.entries[place:]:
        entry["boot"] = mutate.OTHER_BOOT


def parity_of_before_the_deploy(journal):
    """The replies of `arm` are those of verify_parity, with their times."""
    arm, looked = T(journal, "arm"), T(journal, "verify_parity")
    for nth in range(3):
        one, old = (edit.item(entry, "bus.policy_hash", nth) for entry in (arm, looked))
        one.update(sent_ns=old["sent_ns"], received_ns=old["received_ns"], output=old["output"])


def stale_look(journal):
    """The look of deploy_execution's DISARM is a minute old when the `up` is sent."""
    entry = T(journal, "deploy_execution")
    first = next(
        at for at, one in enumerate(entry["body"]["evidence"]) if one["probe"] == "compose.up"
    )
    forgery.later_items(entry, 60_000, first)
    place = forgery.place(journal, entry)
    entry["boottime_ns"] += 60_000 * MS
    entry["utc"] = edit.shifted_utc(entry["utc"], 60_000)
    edit.later(journal, journal.entries[place + 1], 60_000)


def unnoted_step(journal):
    """The driver's wall clock is stepped back by a minute at `open`, and no note says so."""
    for entry in forgery.behind(journal, T(journal, "connect")):
        entry["utc"] = edit.shifted_utc(entry["utc"], -60_000)


def wall_hidden(journal):
    """The target's wall clock is nowhere recorded."""
    for entry in journal.entries:
        for one in entry["body"].get("evidence", []):
            one.get("target", {}).pop("wall_ms", None)


def changed_meanwhile(stranger, step):
    return lambda: policy_until(step, stranger)


def env_and_good_agree(journal):
    """What was kept as good, and what came back, are another env file than that of before."""
    entries = [T(journal, "verify_restored")]
    forgery.reword(journal, entries, ("env.hmac",), digest("env", "env"), digest("env", "x"))
    forgery.reword(
        journal, [T(journal, "connect")], ("env.good",), digest("env", "env"), digest("env", "x")
    )
    edit.item(T(journal, "revert"), "act", subject="restore env good").update(subject="restore env")


def pin_failed_and_ran(journal):
    """Honest: a pin and an `up` of the way back failed, and all is back; it is named."""
    edit.item(T(journal, "revert"), "act", -1)["status"] = 1


def strangers_container(journal):
    """Honest: a stranger's container was there while it was made safe; it is named."""
    one = edit.item(T(journal, "make_safe"), "compose.containers")
    forgery.add_container(journal, one, WEB)


CASES = [
    Case("cf_window_anew", "P-27", failed_and_begun_anew),
    Case("cf_window_sick_anew", "P-27", sick_and_begun_anew),
    Case("cf_good_behind", "W-07", "release", good_word_behind),
    Case("cf_sick_word", "W-07", "release", sick_word),
    Case("cf_samples_cut", "W-04", "release", samples_cut),
    Case("cf_window_cut", "W-06", "release", window_cut),
    Case("cf_redated", "C-05", "release", redated, exit_status=3),
    Case("cf_watched_late", "W-03", watched_late),
    Case("cf_pause", "W-04", pause_before_confirm),
    Case("cf_resumed_late", "P-27", resumed_too_late),
    Case("cf_loose_window", "W-06", "release", looser_limits),
    Case("cf_forgiven", "W-09", "release", forgiven_service),
    Case("cf_rebooted", "C-09", "policy", rebooted_under_the_containers),
    Case("cf_other_driver", "P-05", "release", other_driver_between),
    Case("cf_old_replies", "C-02", "policy", parity_of_before_the_deploy),
    Case("cf_stale_look", "L-03", "policy", stale_look),
    Case("cf_unnoted_step", "C-07", "release", unnoted_step),
    Case("cf_wall_hidden", "N-08", "release", wall_hidden, exit_status=0),
    Case("cf_brain_again", "P-30", changed_meanwhile(forgery.brain_again, "verify_parity")),
    Case("cf_execution_again", "P-30", changed_meanwhile(forgery.execution_again, "deploy_brain")),
    Case("cf_brain_again_armed", "P-30", changed_meanwhile(forgery.brain_again, "observe")),
    Case("cf_env_good", "R-08", "env_put_back", env_and_good_agree),
    Case("cf_pin_failed", "N-09", "release_unhealthy", pin_failed_and_ran, exit_status=0),
    Case("cf_strangers", "N-09", "release_unhealthy", strangers_container, exit_status=0),
]
