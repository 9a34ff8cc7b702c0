"""Who starts slowly: neither good nor bad for a while, and what counts from then on. In these
journals the endpoint `web` is answered by the service of this name."""

import edit
from case import Case
from cases_rules import T
from steps import Driver
from story import LIMITS
from target import BRAIN, MS, WEB

START_MS = 8000
SHORT = {"service_start_ms": START_MS}


class Slow(Driver):
    """Pins who answers the endpoint, and takes samples until web is there, and a window more."""

    def __init__(self, service=WEB, limits=None):
        self.service = service
        super().__init__(limits)

    def settings(self):
        body = {}
        for key, value in super().settings().items():
            body[key] = value
            if key == "limits":
                last = value.pop("preflight_ms")
                value.update(SHORT, preflight_ms=last)
            if key == "endpoints" and self.service:
                body["endpoint_services"] = [f"web {self.service}"]
        return body

    def starts(self, ms):
        self.target.slow[WEB] = self.target.now + ms * MS

    def settle(self, ms, window=None):
        """Begun right behind the switch, where web is there after `ms`."""
        self.starts(ms)
        self.verify_release()
        if self.armed_before:
            self.arm()
        self.begin("observe_window")
        number = 1
        while self.target.starts(WEB):
            self.samples(1, first=number)
            self.target.wait(LIMITS["sample_interval_ms"])
            number += 1
        self.samples(window, first=number)
        self.finish_window()


def slow(ms, window=None, **more):
    def story():
        driver = Slow(**more)
        driver.prepare("release", "2", "a")
        driver.switch()
        driver.settle(ms, window)
        return driver

    return story


def slow_policy():
    """Under policy nothing may still be starting behind ARM."""
    driver = Slow()
    driver.prepare("policy", "2", "b")
    driver.deploy_policy()
    driver.verify_parity()
    driver.arm()
    driver.starts(3500)
    driver.observe()
    driver.finish()
    return driver


def slow_confirm():
    driver = Slow()
    driver.release_to_verified()
    driver.begin("observe_window")
    driver.samples()
    driver.end("observed")
    driver.starts(5000)
    driver.finish()
    return driver


def slow_back(redeploy_ms, restored_ms):
    """What is restored starts slowly: how long until it runs, and then until it is there."""

    def story():
        driver = Slow(limits={"rollback_ms": 20000})
        driver.fail_release()
        driver.make_safe()
        driver.revert()
        driver.target.wait(redeploy_ms)
        driver.starts(restored_ms)
        driver.redeploy()
        driver.target.now = max(driver.target.now, driver.target.slow[WEB])
        driver.verify_restored()
        return driver

    return story


def gave_up(service=WEB):
    """verify_release goes back because of web, which was still starting."""

    def story():
        driver = Slow(service)
        driver.prepare("release", "2", "a")
        driver.switch()
        driver.starts(20_000)
        driver.begin("verify_release")
        driver.list()
        driver.health()
        driver.target.wait(11_000)
        driver.list()
        driver.health()
        driver.end("rolling_back", "unhealthy")
        driver.target.slow.clear()
        driver.roll_back()
        return driver

    return story


def unpinned(journal):
    """The settings do not name who answers."""
    del journal.entries[0]["body"]["endpoint_services"]


def dead_while_starting(journal):
    """It says `starting` and does not run."""
    for place in range(3):
        sample = edit.of_type(journal, "sample", place)
        edit.change_rows(journal, sample, "compose.containers", WEB, state="restarting")


def sick_brain(journal):
    """An endpoint of nobody fails in the samples in which web is starting."""
    for place in range(3):
        one = edit.item(edit.of_type(journal, "sample", place), "health", 1)
        one["status"] = 503


def fair(name, base, **more):
    return Case(name, "W-06", base, exit_status=0, finds=("N-01",), limits=dict(LIMITS, **more))


def foul(name, rule, base, work=None, **more):
    limits = dict(LIMITS, **SHORT, **more)
    return Case(name, rule, base, work, limits=limits)


CASES = [
    fair("se_slow", slow(5000), **SHORT),
    fair("se_at_once", slow(0), **SHORT),
    fair("se_from_the_switch", slow(6000), service_start_ms=5000),
    fair("se_back", slow_back(0, 25_000), rollback_ms=20_000, service_start_ms=30_000),
    fair("se_gave_up", gave_up(), **SHORT),
    foul("se_gave_up_late", "W-12", gave_up(None)),
    foul("se_short", "W-06", slow(5000, window=4)),
    foul("se_never", "W-07", slow(START_MS + 6000)),
    foul("se_unpinned", "W-07", slow(6000), unpinned),
    foul("se_other", "W-07", slow(6000, service=BRAIN)),
    foul("se_nobody", "W-07", slow(6000), sick_brain),
    foul("se_dead", "W-07", slow(6000), dead_while_starting),
    foul("se_policy", "W-07", slow_policy),
    foul("se_confirm", "P-23", slow_confirm),
    foul("se_too_late_back", "W-13", slow_back(25_000, 26_000), rollback_ms=20_000),
    foul("se_too_slow_back", "W-13", slow_back(0, 38_000), rollback_ms=20_000),
    foul("se_ready_back", "W-13", slow_back(25_000, 0), rollback_ms=20_000),
]
