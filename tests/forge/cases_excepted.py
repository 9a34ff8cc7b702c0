"""What a rule makes an exception of: met, it is proven; missed by one thing, it is not."""

import json
import re

import edit
import forgery
from case import Case
from steps import Driver
from target import BRAIN, EXECUTION, MS, SUBJECT_DISARM, WEB, digest

PROVEN = {"exit_status": 0, "finds": ("N-01",)}


def armed_before_redeploy(answered):
    """A stranger arms behind `make_safe`; `redeploy` finds it so, and disarms before it goes on."""

    def story():
        driver = Driver()
        driver.fail_release()
        driver.make_safe()
        driver.revert()
        forgery.stranger_arms(driver)
        driver.begin("redeploy")
        driver.services()
        driver.list()
        driver.look()
        if answered:
            driver.publish(arm=False)
            driver.look()
        driver.target.remove(EXECUTION)
        driver.up([EXECUTION], driver.before)
        driver.target.wait(500)
        driver.look()
        driver.up([BRAIN, WEB], driver.before)
        driver.list()
        driver.look()
        driver.end("redeployed")
        driver.verify_restored()
        return driver

    return story


def disarmed_behind_the_own_arm(stranger):
    """The own ARM is received and Execution armed by it; somebody disarms, and arms again."""

    def story():
        driver = Driver()
        driver.reach_arm()
        driver.parity()
        driver.look()
        driver.publish(arm=True)
        stranger(driver)
        driver.look()
        driver.end("armed")
        driver.observe()
        driver.finish()
        return driver

    return story


def disarm_and_arm(driver):
    forgery.stranger_disarms(driver)
    forgery.stranger_arms(driver)


def says(driver, *words):
    """Execution prints these lines, one millisecond apart, though nobody sent a command."""
    execution = driver.target.running(EXECUTION)
    for nth, line in enumerate(words):
        execution.say(driver.target.now + nth * MS, line + ": nobody")
    driver.target.wait(5)


def says_disarmed_and_armed(driver):
    says(driver, "EXECUTION DISARMED", "EXECUTION ARMED")


def says_received(driver):
    says(driver, "Received DISARM command")


def blip_behind_a_removal():
    """Execution was removed to be safe; behind `redeploy` it was armed for a moment."""
    driver = Driver()
    driver.arm_by_hand()
    driver.fail_release()
    driver.disarm_unheard()
    driver.remove_to_be_safe()
    driver.revert()
    driver.redeploy()
    says(driver, "EXECUTION ARMED", "EXECUTION DISARMED")
    driver.verify_restored()
    return driver


def armed_an_hour_back(own):
    """The target's clock is set back by an hour in front of an ARM by hand: the line with its key
    is stamped before the container's run, and counts."""

    def work(journal):
        outcome = edit.of_type(journal, "command", -1)
        key, items = outcome["body"]["key"], outcome["body"]["evidence"]
        sent = next(at for at, one in enumerate(items) if one["probe"] == "bus.publish")
        for one in items[sent + 1 :]:
            if one["probe"] == "logs.execution":
                before, behind = journal.text(one).split(key, 1)
                before, _, line = before.rpartition("\n")
                line = (line + key + behind).replace("T07:", "T06:")
                edit.put(
                    journal, one, before + "\n" + (line if own else line.replace(key, "9" * 32))
                )
            if "target" in one:
                one["target"]["wall_ms"] -= 3_600_000

    return work


def first_tenancy(action, text):
    def work(journal):
        edit.put(journal, edit.item(edit.transition(journal, action), "tenancy"), text)

    return work


def failed_up_goes_on():
    """A `compose.up` fails, and what it had begun is there a moment later: nobody else did that."""
    driver = Driver()
    driver.prepare("release", "2", "a")
    driver.confirm_change()
    driver.begin("switch_services")
    driver.last_look()
    driver.item("compose.up", EXECUTION, "", 1, ms=300)
    driver.end("rolling_back", "failed")
    driver.target.create(EXECUTION, "2")
    driver.target.wait(500)
    driver.roll_back()
    return driver


ADDRESS = re.compile(r"[^@]+@sha256:[0-9a-f]{64}")


def with_manifests(change=None):
    """Images with the digests of their manifests, as a registry gives them."""

    def story():
        driver = Driver()
        plain = driver.target.images

        def images(version):
            rows = [json.loads(line) for line in plain(version).splitlines()]
            for row in rows:
                row["digests"] = [f"registry/{row['service']}@sha256:{digest('m', version)}"]
            if change is not None:
                change(rows)
            return "".join(json.dumps(row, separators=(",", ":")) + "\n" for row in rows)

        def registry(version):
            rows = [json.loads(line) for line in images(version).splitlines()]
            found = [str(address) for row in rows for address in row["digests"]]
            return "".join(one + "\n" for one in found if ADDRESS.fullmatch(one))

        driver.target.images, driver.target.registry = images, registry
        driver.release("2")
        return driver

    return story


def digests(*made):
    def change(rows):
        rows[1]["digests"] = list(made)

    return change


DIGESTS = {
    "none": digests(),
    "two": digests("one@sha256:" + digest("1"), "two@sha256:" + digest("2")),
    "no_at": digests("sha256:" + digest("1")),
    "no_repository": digests("@sha256:" + digest("1")),
    "other_sum": digests("one@sha512:" + digest("1")),
    "short": digests("one@sha256:" + digest("1")[:63]),
    "long": digests("one@sha256:" + digest("1") + "0"),
    "number": digests(1),
    "long_name": digests("n" * 256 + "@sha256:" + digest("1")),
    "longest_name": digests("n" * 255 + "@sha256:" + digest("1")),
}


def pull_taken_for_done(found, then):
    """The driver is gone in `pull_images`, which no evidence shows as done, or as not done."""

    def story():
        driver = Driver()
        driver.open("release")
        driver.preflight()
        driver.connect()
        driver.update("2", "a")
        driver.begin("pull_images")
        first = driver.intent
        driver.target.wait(2000)
        driver.git()
        driver.list()
        driver.reconcile(found, then)
        if then == "repeat":
            driver.begin("pull_images", key=driver.key, repeats=first)
        driver.pulled()
        driver.guard()
        driver.finish_release()
        return driver

    return story


def armed_at_the_end():
    """The driver is gone behind `make_safe`; a DISARM by hand is not heard, and shows Execution
    armed. The journal ends there."""
    driver = Driver()
    driver.fail_release()
    driver.make_safe()
    forgery.stranger_arms(driver)
    driver.key, driver.items = driver.fresh_key(), []
    driver.command("disarm", "intent", driver.key)
    driver.item("bus.publish", SUBJECT_DISARM, f"{driver.key} titan-fsm", on_target=False)
    driver.look()
    driver.command("disarm", "outcome", driver.key, "not_observed")
    return driver


def yes_behind_the_intent():
    """Somebody disarms; the ARM is intended, and only then somebody says yes."""
    driver = Driver()
    driver.prepare("policy", "2", "b")
    driver.deploy_policy()
    driver.verify_parity()
    driver.disarm_by_hand(driver.carol)
    driver.target.wait(5)
    driver.begin("arm")
    driver.answer("yes")
    driver.arm_evidence()
    driver.end("armed")
    driver.observe()
    driver.finish()
    return driver


def removed_where_it_was_gone(listed):
    """Execution is gone already; it is removed once more, and a list behind that shows it so."""

    def story():
        driver = Driver()
        driver.arm_by_hand()
        driver.fail_release()
        driver.target.remove(EXECUTION)
        driver.begin("make_safe")
        driver.list()
        driver.act("remove " + EXECUTION)
        if listed:
            driver.list()
        driver.end("safe")
        driver.restore()
        return driver

    return story


def found_gone(comes_back):
    """Execution is gone where it is to be made safe, and nothing is sent."""

    def story():
        driver = Driver()
        driver.arm_by_hand()
        driver.fail_release()
        containers = list(driver.target.containers)
        driver.target.remove(EXECUTION)
        driver.begin("make_safe")
        driver.list()
        driver.end("safe")
        if comes_back:
            driver.target.containers = containers
        driver.restore()
        return driver

    return story


def given_up_before_connect(freed):
    """The target is held, and the driver gives up before the snapshot was taken."""

    def story():
        driver = Driver()
        driver.open("release")
        driver.preflight()
        driver.target.tenancy["epoch"] += 1
        driver.begin("connect")
        driver.tenancy()
        driver.end("aborting", "failed")
        driver.begin("restore_code")
        driver.tenancy()
        driver.act("release images")
        driver.tenancy(free=freed)
        driver.end("aborted")
        return driver

    return story


def adopted_update(look=True):
    """The driver is gone in `update_code` behind the act, and the next one finds it done."""

    def story():
        driver = Driver()
        driver.open("release")
        driver.preflight()
        driver.connect()
        driver.begin("update_code")
        old, driver.target.commit = driver.target.commit, "2" * 40
        driver.new = driver.target.version = "2"
        driver.target.policy["2"] = driver.target.policy["1"]
        driver.target.wait(2000)
        if look:
            driver.git()
        driver.list()
        driver.reconcile("done", "continue")
        driver.git()
        driver.act("update")
        driver.git()
        driver.item("git.changed", f"{old}..{driver.target.commit}", "VERSION\n")
        driver.item("git.subject", driver.target.commit, "Release 2\n")
        driver.end("updated")
        driver.pull()
        driver.guard()
        driver.finish_release()
        return driver

    return story


def repeats_genesis(journal):
    """The intent of the first change says that it repeats entry 0, and the last look differs."""
    body = edit.intent(journal, "switch_services")["body"]
    what = body.pop("what")
    body["repeats"], body["what"] = 0, what


def armed_by_hand():
    driver = Driver()
    driver.release("2")
    driver.arm_by_hand()
    return driver


def given_up_unseen(then):
    """The driver is gone in a step; the next one looks at nothing, and gives it up."""

    def story():
        driver = Driver()
        driver.prepare("release", "2", "a")
        driver.switch()
        driver.begin("verify_release")
        driver.target.wait(2000)
        driver.reconcile("unknown", then)
        driver.end("rolling_back", "unknown")
        driver.roll_back()
        return driver

    return story


def armed_by_hand_in_the_last_entry():
    """The journal ends, inside the deployment, with an ARM by hand."""
    driver = Driver()
    driver.prepare("policy", "2", "b")
    driver.disarm()
    driver.arm_by_hand()
    return driver


def without_images(journal):
    edit.put(journal, edit.item(edit.transition(journal, "pull_images"), "compose.images"), "")


def form(probe, change):
    """Every line of the probe in another form, the same everywhere."""

    def work(journal):
        for one in forgery.items(journal.entries, probe):
            edit.put(journal, one, change(journal.text(one)))

    return work


# A line of hex digits, and what is none: of the right length, or with a right first line.
FORMS = {
    "letter": lambda text: "g" + text[1:],
    "second": lambda text: text + "x\n",
    "open": lambda text: text[:-1],
    "shorter": lambda text: text[1:],
    "longer": lambda text: "0" + text,
}
HEX_LINES = ("git.head", "config.hmac", "env.hmac", "policy.hmac")


CASES = [
    Case("ce_arm_last", "L-13", armed_by_hand_in_the_last_entry),
    Case("ce_no_images", "P-21", "release", without_images, finds=("P-21", "P-29")),
    *(
        Case(f"ce_form_{probe}_{name}", "P-31", "release", form(probe, change))
        for probe in HEX_LINES
        for name, change in FORMS.items()
    ),
    Case("ce_given_up", "P-12", given_up_unseen("fail"), **PROVEN),
    Case("ce_asked", "P-12", given_up_unseen("ask"), **PROVEN),
    Case("ce_armed_redeploy", "L-05", armed_before_redeploy(True), **PROVEN),
    Case("ce_armed_redeploy_on", "L-05", armed_before_redeploy(False)),
    Case("ce_armed_at_the_end", "L-05", armed_at_the_end),
    Case("ce_yes_behind_intent", "L-09", yes_behind_the_intent),
    Case("ce_removed_gone", "L-02", removed_where_it_was_gone(True), **PROVEN),
    Case("ce_removed_unseen", "P-12", removed_where_it_was_gone(False)),
    Case("ce_found_gone", "L-02", found_gone(False), **PROVEN),
    Case("ce_found_gone_back", "L-02", found_gone(True)),
    Case("ce_never_connected", "P-25", given_up_before_connect(True), **PROVEN),
    Case("ce_never_freed", "P-25", given_up_before_connect(False)),
    Case("ce_update_adopted", "P-27", adopted_update(), **PROVEN),
    Case("ce_update_unseen", "P-27", adopted_update(look=False)),
    Case("ce_repeats_genesis", "P-04", "release", repeats_genesis),
    Case("ce_own_disarm_arm", "L-07", disarmed_behind_the_own_arm(disarm_and_arm)),
    Case("ce_own_blip", "L-07", disarmed_behind_the_own_arm(says_disarmed_and_armed)),
    Case("ce_own_received", "L-07", disarmed_behind_the_own_arm(says_received)),
    Case("ce_removed_blip", "L-05", blip_behind_a_removal),
    Case("ce_hour_back", "H-02", armed_by_hand, armed_an_hour_back(True), **PROVEN),
    Case("ce_hour_back_other", "H-02", armed_by_hand, armed_an_hour_back(False), finds=("L-07",)),
    *(
        Case(f"ce_tenancy_{action}_{name}", "P-25", base, first_tenancy(action, text))
        for base, action in (("aborted", "restore_code"), ("release", "connect"))
        for name, text in (("text", "nonsense\n"), ("array", "[]\n"), ("empty", ""))
    ),
    Case("ce_failed_up", "P-30", failed_up_goes_on, **PROVEN),
    Case("ce_manifests", "P-18", with_manifests(), **PROVEN),
    *(
        Case("ce_digests_" + name, "P-18", with_manifests(change), **PROVEN)
        for name, change in DIGESTS.items()
    ),
    Case("ce_pull_done", "P-27", pull_taken_for_done("done", "continue")),
    Case("ce_pull_not_done", "P-27", pull_taken_for_done("not_done", "repeat")),
    Case("ce_pull_unknown", "P-27", pull_taken_for_done("unknown", "repeat"), **PROVEN),
]
