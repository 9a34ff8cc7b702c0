"""The steps of the rollback and of an abort, done by an honest driver."""

from guard import Guarded
from target import BRAIN, EXECUTION, SERVICES, SUBJECT_DISARM, WEB, digest, image_id


class Back(Guarded):
    def make_safe(self):
        self.begin("make_safe")
        self.publish(arm=False)
        self.look()
        self.end("safe")

    def disarm_unheard(self):
        """`make_safe` as far as a DISARM that Execution does not receive."""
        self.begin("make_safe")
        payload = f"{self.key} titan-fsm rollback"
        self.item("bus.publish", SUBJECT_DISARM, payload, on_target=False)
        self.look()

    def remove_to_be_safe(self):
        """The act of make_safe where no DISARM was heard, and its end."""
        self.act("remove " + EXECUTION)
        self.target.remove(EXECUTION)
        self.list()
        self.end("safe")

    def revert(self, good=False):
        self.begin("revert")
        self.act("restore")
        self.target.commit = digest("commit", self.before)[:40]
        self.target.version = self.before
        self.git()
        self.act("restore env good" if good else "restore env")
        self.target.env = "env" if good else self.target.env
        self.fingerprints()
        self.services()
        self.item("compose.images", "", self.target.images(self.before))
        for service in [one for one in SERVICES if one in self.ran]:
            self.act(f"pin {service} {image_id(service, self.before)}")
        self.end("reverted")

    def redeploy(self):
        self.begin("redeploy")
        self.services()
        self.list()
        if EXECUTION in self.ran:
            self.look()
            self.target.remove(EXECUTION)
            self.up([EXECUTION], self.before)
            self.target.wait(500)
        others = [one for one in (BRAIN, WEB) if one in self.ran and self.is_other(one)]
        if others:
            self.look()
            self.up(others, self.before)
        for one in [one for one in SERVICES if one not in self.ran and self.is_new(one)]:
            self.act(f"remove {one}")
            self.target.remove(one)
        self.list()
        self.end("redeployed")

    def is_other(self, service):
        running = self.target.running(service)
        return running is None or running.version != self.before

    def is_new(self, service):
        return any(
            one.service == service and one.id not in self.found for one in self.target.containers
        )

    def verify_restored(self):
        self.begin("verify_restored")
        self.target.wait(1000)
        self.services()
        self.files()
        self.list()
        self.health()
        self.look()
        self.voices()
        self.drift()
        self.item("compose.images", "", self.target.images(self.before))
        self.withdraw_guard()
        self.release_target()
        self.end("rolled_back")

    def roll_back(self, good=False):
        self.make_safe()
        self.restore(good)

    def restore(self, good=False):
        self.revert(good)
        self.redeploy()
        self.verify_restored()

    def fail_rollback(self):
        """Execution is safe, and then the tree cannot be restored."""
        self.make_safe()
        self.begin("revert")
        self.end("rollback_failed", "failed")

    def abort(self):
        self.intent = None
        self.end("aborting", "abort")
        self.restore_code()

    def restore_code(self):
        self.begin("restore_code")
        self.tenancy()
        self.act("restore")
        self.target.commit = digest("commit", self.before)[:40]
        self.target.version = self.before
        self.git()
        if self.pulls:
            self.act("give names back")
            self.item("compose.images", "", self.target.images(self.before))
        self.withdraw_guard()
        self.act("release images")
        self.tenancy(free=True)
        self.end("aborted")
