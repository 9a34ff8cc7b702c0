"""The dead-man guard as an honest driver lays, renews and withdraws it, and what it does by itself.
Written from journal/FORMAT.md, "Guard"."""

import json

from story import Story
from target import EXECUTION, MS, SERVICES, digest, image_id

MARGIN_MS, STEP_MS, PAUSE_MS = 15000, 300000, 1800000
OTHER_BOOT = "0b5a17c5-2222-4333-8444-555566667777"


class Guarded(Story):
    """`starter`: who starts the guard; None: there is none, and nothing is recorded of it."""

    def lay_guard(self):
        if self.starter is None:
            self.item("guard", "", "absent\n", on_target=False)
            return
        self.plan = {
            "deployment": self.number,
            "epoch": 0,
            "plan": digest("plan", self.number),
        }
        self.plan.update({"start": self.starter, "state": "laid", "begun": False})
        self.plan.update({"boot": self.target.boot, "deadline_ms": 0})
        self.record = []
        self.show_guard()

    def show_guard(self, state="laid"):
        self.plan.update(epoch=self.target.tenancy["epoch"], state=state)
        text = json.dumps(self.plan, separators=(",", ":")) + "\n"
        self.item("guard", "", text)

    def set_deadline(self, ms):
        """So far ahead of the next request."""
        self.plan["boot"] = self.target.boot
        self.plan["deadline_ms"] = self.target.uptime(self.target.now + MS) + ms

    def begin_guard(self):
        """Right before the first change."""
        if self.starter is not None:
            self.plan["begun"] = True
            self.renew_guard()

    def renew_guard(self):
        if self.starter is not None:
            self.set_deadline(max(STEP_MS, self.limits["window_ms"]) + MARGIN_MS)
            self.show_guard()

    def pause_guard(self):
        """A person thinks, while Execution is disarmed."""
        if self.starter is not None:
            self.set_deadline(PAUSE_MS)
            self.show_guard()

    def watch_guard(self):
        """In the first sample."""
        if self.starter is not None:
            self.set_deadline(self.limits["window_ms"] + MARGIN_MS)
            self.show_guard()

    def withdraw_guard(self):
        if self.starter is not None:
            self.show_guard("withdrawn")

    def confirm_guard(self):
        if self.starter is None:
            self.item("guard", "", "absent\n", on_target=False)
        else:
            self.show_guard("withdrawn")

    # What it does while nobody drives

    def line(self, act, said="", status=0, ms=50):
        before = self.target.uptime(self.target.now)
        self.target.wait(ms)
        after = self.target.uptime(self.target.now)
        row = {
            "act": act,
            "boot": self.target.boot,
            "before_ms": before,
            "after_ms": after,
        }
        row.update({"status": status, "said": said})
        self.record.append(row)

    def fire(self, cause, late_ms=400, broken=""):
        """The driver says nothing more; `broken`: a service that does not come up again."""
        if cause == "deadline":
            self.target.now = self.target.booted + (self.plan["deadline_ms"] + late_ms) * MS
        self.line("begin", f"{cause} {self.plan['deadline_ms']}", ms=0)
        self.line("safe", ms=300)
        self.target.remove(EXECUTION)
        self.line("restore")
        self.target.commit = digest("commit", self.before)[:40]
        self.target.version = self.before
        self.line("restore env")
        for service in [one for one in SERVICES if one in self.ran]:
            self.line(f"pin {service} {image_id(service, self.before)}")
        for service in [one for one in SERVICES if one in self.ran and self.is_other(one)]:
            self.line(f"up {service}", status=int(service == broken), ms=2000)
            if service != broken:
                self.target.create(service, self.before)
        self.find(broken)

    def find(self, broken):
        for service in [one for one in SERVICES if one in self.ran and one != broken]:
            self.line(f"found {service} {self.target.running(service).image}")
        self.line(f"head {self.target.commit}")
        self.line("end", status=int(broken != ""), ms=0)

    def show_fired(self):
        self.show_guard("fired")
        lines = [json.dumps(row, separators=(",", ":")) + "\n" for row in self.record]
        self.item("guard.record", "", "".join(lines))

    def collect(self, found="unknown"):
        """The driver is back, and takes up what the guard did."""
        self.items = []
        self.target.wait(30000)
        if self.intent is not None:
            self.show_fired()
            self.reconcile(found, "fail")
        self.show_fired()
        self.end("rolling_back", "guard_fired")
