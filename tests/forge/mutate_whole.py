"""Changes of a whole journal, and journals of every way to fail: what the unit tests of the
verifier are run over besides the changes of single items (mutate.py)."""

import edit
import mutate
import resign
from steps import Driver

WAITS_MS = (4_000, 11_000, 31_000, 310_000, 2_000_000)
BACK = ("disarm", "deploy_execution", "verify_execution", "deploy_brain", "verify_parity", "arm")
EARLY = ("update_code", "pull_images", "lay_guard")
DONE = {
    "run_preflight": lambda driver: driver.preflight(),
    "connect": lambda driver: driver.connect(),
    "update_code": lambda driver: driver.update("2", "b"),
    "pull_images": lambda driver: driver.pull(),
    "lay_guard": lambda driver: driver.guard(),
}


def cut(place):
    def work(journal):
        del journal.entries[place + 1 :]

    return work


def without_step(place):
    """An intent and all that belongs to it."""

    def work(journal):
        seq = journal.entries[place]["seq"]
        journal.entries[:] = [
            entry
            for entry in journal.entries
            if entry["seq"] != seq and entry["body"].get("intent") != seq
        ]
        mutate.renumber(journal, place)

    return work


def other_boot(place):
    def work(journal):
        for entry in journal.entries[place:]:
            entry["boot"] = mutate.OTHER_BOOT

    return work


def later(place, ms):
    return lambda journal: edit.later(journal, journal.entries[place], ms)


def failed_here(place):
    """The transition says `failed`, and nothing else is another."""

    def work(journal):
        journal.entries[place]["body"]["event"] = "failed"

    return work


def bare(place):
    """An entry without evidence."""

    def work(journal):
        journal.entries[place]["body"]["evidence"] = []

    return work


def names(place, seq):
    """An entry that says it belongs to another than it does, or to none."""

    def work(journal):
        journal.entries[place]["body"]["intent"] = seq

    return work


def without_probe(probe):
    def work(journal):
        for entry in journal.entries:
            items = entry["body"].get("evidence", [])
            items[:] = [item for item in items if item["probe"] != probe]

    return work


def failed_probe(probe):
    def work(journal):
        for entry in journal.entries:
            for item in entry["body"].get("evidence", []):
                if item["probe"] == probe:
                    item["status"] = mutate.failed(item)

    return work


def each_probe(journal):
    """What never was recorded, or never could be told."""
    found = {
        item["probe"] for entry in journal.entries for item in entry["body"].get("evidence", [])
    }
    for probe in sorted(found):
        for word, work in (("never", without_probe(probe)), ("bad", failed_probe(probe))):
            yield f"{word}_{probe}", resign.changed(journal, work, 1)


def each(journal):
    """(word, changed journal)"""
    yield from each_probe(journal)
    for place, entry in enumerate(journal.entries):
        if place == 0:
            continue
        works = [("cut", cut(place)), ("boot", other_boot(place))]
        if entry["type"] == "intent":
            works.append(("skip", without_step(place)))
        if entry["type"] == "transition":
            works.append(("failed", failed_here(place)))
        if entry["type"] in ("intent", "transition", "command"):
            ms = WAITS_MS[place % len(WAITS_MS)]
            works += [(f"later_{ms}", later(place, ms)), ("later_11000", later(place, 11_000))]
        if entry["body"].get("evidence"):
            works.append(("bare", bare(place)))
        if "intent" in entry["body"]:
            others = {"self": place, "none": len(journal.entries)}
            works += [("of_" + word, names(place, seq)) for word, seq in others.items()]
        for word, work in works:
            yield f"{word}_{place}", resign.changed(journal, work, place if word != "cut" else 1)


def failing(step):
    """A policy change whose step fails with nothing to show, and what then follows."""

    def story():
        driver = Driver()
        driver.arm_by_hand()
        driver.open("policy")
        for name, work in DONE.items():
            if name == step:
                return given_up(driver, name)
            work(driver)
        for name in BACK:
            if name == step:
                early = name == "disarm"
                if early:
                    driver.confirm_change()
                driver.begin(name)
                driver.end("aborting" if early else "rolling_back", "failed")
                if early:
                    driver.restore_code()
                else:
                    driver.roll_back()
                return driver
            getattr(driver, name)()
        return driver

    return story


def given_up(driver, name):
    driver.begin(name)
    driver.end("aborting", "failed")
    driver.restore_code()
    return driver


STORIES = {"failing_" + step: failing(step) for step in EARLY + BACK}
