"""The steps of both procedures, of the rollback and of an abort, done by an honest driver."""

from story import BRAIN, EXECUTION, SERVICES, WEB, Story
from target import digest, image_id


class Driver(Story):
    def preflight(self):
        self.begin("run_preflight")
        self.checklist()
        self.end("preflighted")

    def checklist(self):
        for item in ("env_file_mode", "tree_clean"):
            self.item("preflight", item, "passed")

    def connect(self):
        self.begin("connect")
        self.target.tenancy["epoch"] += 1
        self.before = self.target.version
        self.tenancy()
        self.files()
        self.services()
        self.list()
        self.item("compose.images", "", self.target.images(self.before))
        self.drift()
        self.health()
        self.item("env.good", "", self.target.env_good)
        self.look()
        self.replies()
        self.log("execution")
        self.log("brain")
        self.act("hold images")
        self.act("keep files")
        self.armed_before = self.target.running(EXECUTION).armed
        self.end("connected")

    def update(self, new, policy):
        """The tree goes to version `new`, whose policy file has this content."""
        self.begin("update_code")
        old = self.target.commit
        self.git()
        self.act("update")
        self.new = self.target.version = new
        self.target.policy[new] = digest("policy", policy)
        self.target.commit = digest("commit", new)[:40]
        self.git()
        self.item("git.changed", f"{old}..{self.target.commit}", "VERSION\n")
        self.item("git.subject", self.target.commit, f"Release {new}\n")
        self.end("updated")

    def pull(self):
        self.begin("pull_images")
        self.services()
        self.fingerprints()
        self.policy_files()
        self.item("compose.pull", "", "pulled\n", ms=500)
        self.item("compose.images", "", self.target.images(self.new))
        self.end("pulled")

    def guard(self):
        if self.procedure == "policy":
            self.begin("lay_guard")
            self.end("pulled", "unknown")
            self.approve()
        self.begin("lay_guard")
        self.item("guard", "", "absent\n", on_target=False)
        self.end("guarded")

    def prepare(self, procedure, new, policy):
        self.open(procedure)
        self.preflight()
        self.connect()
        self.update(new, policy)
        self.pull()
        self.guard()

    def last_look(self):
        self.files()
        self.policy_files()
        self.services()
        self.list()
        self.item("compose.images", "", self.target.images(self.new))
        self.look()
        self.replies()
        self.log("execution")
        self.log("brain")

    # Release

    def confirm_change(self):
        text = "confirmed by name, on the command line"
        self.write("note", {"text": text, "kind": "confirmed"})

    def switch(self):
        self.confirm_change()
        self.begin("switch_services")
        self.switch_behind_checklist()

    def switch_behind_checklist(self):
        self.last_look()
        for service in (EXECUTION, BRAIN):
            self.up([service], self.new)
            self.target.wait(1000)
        self.up([], self.new)
        self.list()
        self.drift()
        self.files()
        self.end("switched")

    def verify_release(self, answer="yes"):
        self.begin("verify_release")
        self.list()
        self.health()
        self.errors()
        self.item("script", "/srv/verify.sh", "fine\n")
        self.replies()
        self.log("execution")
        self.log("brain")
        self.look()
        if self.armed_before:
            self.answer(answer)
        self.end("verified")

    def answer(self, outcome):
        kept, self.items = self.items, []
        self.command("answer", "outcome", self.fresh_key(), outcome)
        self.items = kept

    # Policy

    def disarm(self):
        self.confirm_change()
        self.begin("disarm")
        self.publish(arm=False)
        self.look()
        self.end("disarmed")

    def deploy_execution(self):
        self.begin("deploy_execution")
        self.last_look()
        self.publish(arm=False)
        self.look()
        self.up([EXECUTION], self.new)
        self.look()
        self.end("execution_deployed")

    def verify_execution(self):
        self.begin("verify_execution")
        self.list()
        self.replies()
        self.log("execution")
        self.look()
        self.end("execution_verified")

    def deploy_brain(self):
        self.begin("deploy_brain")
        self.publish(arm=False)
        self.look()
        self.up([BRAIN], self.new)
        self.look()
        self.up([], self.new)
        self.services()
        self.list()
        self.drift()
        self.files()
        self.look()
        self.end("brain_deployed")

    def verify_parity(self):
        self.begin("verify_parity")
        self.target.wait(1000)
        self.list()
        self.replies()
        self.log("execution")
        self.log("brain")
        self.errors()
        self.item("script", "/srv/verify.sh", "fine\n")
        self.look()
        self.end("parity_verified")

    def parity(self):
        self.list()
        self.replies()
        self.log("execution")
        self.log("brain")

    def arm_evidence(self):
        self.parity()
        self.look()
        self.publish(arm=True)
        self.look()

    def arm(self, **intent):
        self.begin("arm", **intent)
        self.arm_evidence()
        self.end("armed", "rearmed" if self.state == "verified" else "done")

    # Window and end

    def sample_evidence(self):
        self.list()
        self.health()
        self.replies(1)
        self.log("execution")
        self.log("brain")
        self.look()

    def samples(self, count=None, first=1):
        interval = self.limits["sample_interval_ms"]
        count = count or self.limits["window_ms"] // interval + 1
        for number in range(first, first + count):
            begun = self.target.now
            self.sample_evidence()
            self.sample(number)
            if number < first + count - 1:
                self.target.now = max(self.target.now, begun + interval * 1_000_000)

    def observe(self):
        self.begin("observe_window")
        self.samples()
        self.end("observed")

    def finish(self):
        self.begin("confirm")
        self.item("guard", "", "absent\n", on_target=False)
        self.sample_evidence()
        self.end("confirmed")
        self.begin("complete")
        self.tenancy()
        self.act("keep as good")
        self.act("release images")
        self.tenancy(free=True)
        self.end("completed")

    # Back

    def make_safe(self):
        self.begin("make_safe")
        self.publish(arm=False)
        self.look()
        self.end("safe")

    def revert(self, good=False):
        self.begin("revert")
        self.act("restore")
        self.target.commit = digest("commit", self.before)[:40]
        self.target.version = self.before
        self.git()
        self.act("restore env good" if good else "restore env")
        self.target.env = "env" if good else self.target.env
        self.services()
        self.item("compose.images", "", self.target.images(self.before))
        for service in SERVICES:
            self.act(f"pin {service} {image_id(service, self.before)}")
        self.end("reverted")

    def redeploy(self):
        self.begin("redeploy")
        self.services()
        self.list()
        self.look()
        self.target.remove(EXECUTION)
        self.up([EXECUTION], self.before)
        self.target.wait(500)
        others = [one for one in (BRAIN, WEB) if self.target.running(one).version != self.before]
        if others:
            self.look()
            self.up(others, self.before)
        self.list()
        self.end("redeployed")

    def verify_restored(self):
        self.begin("verify_restored")
        self.target.wait(1000)
        self.services()
        self.files()
        self.list()
        self.health()
        self.look()
        self.replies()
        self.log("execution")
        self.log("brain")
        self.drift()
        self.item("compose.images", "", self.target.images(self.before))
        self.release_target()
        self.end("rolled_back")

    def roll_back(self, good=False):
        self.make_safe()
        self.revert(good)
        self.redeploy()
        self.verify_restored()

    def stale(self):
        """The last look finds the env file open to others, and the deployment is given up."""
        self.confirm_change()
        self.begin("switch_services")
        self.target.env_mode = "644 1000 1000"
        self.last_look()
        self.end("aborting", "stale")
        self.restore_code()

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
        self.act("release images")
        self.tenancy(free=True)
        self.end("aborted")

    def arm_by_hand(self):
        self.key = self.fresh_key()
        self.parity()
        self.look()
        self.command("arm", "intent", self.key)
        self.publish(arm=True)
        self.look()
        self.command("arm", "outcome", self.key, "observed")
        self.items = []

    # Whole deployments

    def release(self, new, policy="a"):
        self.prepare("release", new, policy)
        self.switch()
        self.verify_release()
        if self.armed_before:
            self.arm()
        self.observe()
        self.finish()

    def policy_change(self, new, policy):
        self.prepare("policy", new, policy)
        self.disarm()
        self.deploy_execution()
        self.verify_execution()
        self.deploy_brain()
        self.verify_parity()
        self.arm()
        self.observe()
        self.finish()
