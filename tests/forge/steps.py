"""The steps of both procedures, and whole deployments, done by an honest driver."""

from back import Back
from story import BRAIN, EXECUTION
from target import digest


class Driver(Back):
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
        self.item("compose.store", "", self.target.store + "\n")
        self.list()
        self.item("compose.images", "", self.target.images(self.before))
        self.drift()
        self.health()
        self.item("env.good", "", self.target.env_good)
        self.look()
        self.voices()
        self.act("hold images")
        self.act("keep files")
        execution = self.target.running(EXECUTION)
        self.armed_before = execution is not None and execution.armed
        self.ran = [one.service for one in self.target.containers if one.state == "running"]
        self.found = [one.id for one in self.target.containers]
        self.end("connected")

    def update(self, new, policy):
        """The tree goes to version `new`, whose policy file has this content."""
        self.begin("update_code")
        self.updated(new, policy)

    def updated(self, new, policy):
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
        self.pulled()

    def pulled(self):
        self.services()
        self.fingerprints()
        self.policy_files()
        self.item("compose.pull", "", "pulled\n", ms=500)
        self.act("hold images")
        self.item("compose.images", "", self.target.images(self.new))
        self.item("compose.registry", "", self.target.registry(self.new))
        self.end("pulled")

    def guard(self):
        if self.procedure == "policy":
            self.begin("lay_guard")
            self.end("pulled", "unknown")
            self.approve()
        self.begin("lay_guard")
        self.lay_guard()
        self.end("guarded")

    def prepare(self, procedure, new, policy):
        self.open(procedure)
        self.preflight()
        self.connect()
        self.update_to_guard(new, policy)

    def update_to_guard(self, new, policy):
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
        self.voices()
        self.look()

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
        self.switch_behind_look()

    def switch_behind_look(self):
        self.begin_guard()
        self.remove_stopped()
        for service in (EXECUTION, BRAIN):
            self.up([service], self.new)
            self.target.wait(1000)
        self.up([], self.new)
        self.list()
        self.drift()
        self.files()
        self.policy_files()
        self.end("switched")

    def remove_stopped(self):
        if EXECUTION in [one.service for one in self.target.containers if one.state != "running"]:
            self.act(f"remove {EXECUTION}")
            self.target.remove(EXECUTION)
            self.list()

    def release_to_verified(self, answer="yes"):
        """A release to version 2, up to the state `verified`."""
        self.prepare("release", "2", "a")
        self.switch()
        self.verify_release(answer)

    def fail_release(self, event="failed"):
        """A release to version 2 that fails in `verify_release`: the rollback comes next."""
        self.prepare("release", "2", "a")
        self.switch()
        self.begin("verify_release")
        self.end("rolling_back", event)

    def finish_release(self):
        self.switch()
        self.verify_release()
        if self.armed_before:
            self.arm()
        self.observe()
        self.finish()

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
        self.renew_guard()
        self.end("verified")

    def answer(self, outcome):
        kept, self.items = self.items, []
        self.command("answer", "outcome", self.fresh_key(), outcome)
        self.items = kept

    # Policy

    def deploy_policy(self):
        self.disarm()
        self.deploy_execution()
        self.verify_execution()
        self.deploy_brain()

    def finish_policy(self):
        self.verify_parity()
        self.arm()
        self.observe()
        self.finish()

    def disarm(self):
        self.confirm_change()
        self.begin("disarm")
        self.disarm_what_ran()
        self.end("disarmed")

    def disarm_what_ran(self):
        if EXECUTION in self.ran:
            self.publish(arm=False)
            self.look()
        else:
            self.list()

    def deploy_execution(self):
        self.begin("deploy_execution")
        self.last_look()
        self.begin_guard()
        self.remove_stopped()
        self.disarm_what_ran()
        self.up([EXECUTION], self.new)
        self.look()
        self.pause_guard()
        self.end("execution_deployed")

    def adopt_deploy(self):
        """The driver dies after the `up`; the next process finds it done, disarms and looks."""
        self.items = []
        self.target.wait(2000)
        self.git()
        self.list()
        self.reconcile("done", "continue")
        self.publish(arm=False)
        self.look()
        self.look()

    def verify_execution(self):
        self.begin("verify_execution")
        self.list()
        self.replies()
        self.log("execution")
        self.look()
        self.pause_guard()
        self.end("execution_verified")

    def deploy_brain(self):
        self.begin("deploy_brain")
        self.renew_guard()
        self.publish(arm=False)
        self.look()
        self.up([BRAIN], self.new)
        self.look()
        self.up([], self.new)
        self.services()
        self.list()
        self.drift()
        self.files()
        self.policy_files()
        self.look()
        self.pause_guard()
        self.end("brain_deployed")

    def verify_parity(self):
        self.begin("verify_parity")
        self.parity_is_verified()

    def parity_is_verified(self):
        self.target.wait(1000)
        self.list()
        self.replies()
        self.log("execution")
        self.log("brain")
        self.errors()
        self.item("script", "/srv/verify.sh", "fine\n")
        self.look()
        self.pause_guard()
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

    def reach_arm(self):
        """A policy change up to the intent of its ARM."""
        self.prepare("policy", "2", "b")
        self.deploy_policy()
        self.verify_parity()
        self.begin("arm")

    def arm(self, **intent):
        self.begin("arm", **intent)
        self.renew_guard()
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
            if number == 1:
                self.watch_guard()
            self.sample_evidence()
            self.sample(number)
            if number < first + count - 1:
                self.target.now = max(self.target.now, begun + interval * 1_000_000)

    def sample_of_another_policy(self, number):
        """One sample in which everybody names another policy hash; then all is as before."""
        kept, self.target.policy["2"] = self.target.policy["2"], digest("other")
        self.samples(1, first=number)
        self.target.policy["2"] = kept

    def finish_window(self):
        self.renew_guard()
        self.end("observed")
        self.finish()

    def resume_window(self, first, count):
        """Another process of the driver goes on with the window that the one before began."""
        self.reconcile("partial", "continue")
        self.samples(count, first)
        self.finish_window()

    def observe(self):
        self.begin("observe_window")
        self.samples()
        self.renew_guard()
        self.end("observed")

    def finish(self):
        self.begin("confirm")
        self.confirm_guard()
        self.sample_evidence()
        self.end("confirmed")
        self.begin("complete")
        self.tenancy()
        self.act("keep as good")
        self.act("release images")
        self.tenancy(free=True)
        self.end("completed")

    # Given up, and by hand

    def stale(self):
        """The last look finds the env file open to others, and the deployment is given up."""
        self.confirm_change()
        self.begin("switch_services")
        self.target.env_mode = "644 1000 1000"
        self.last_look()
        self.end("aborting", "stale")
        self.restore_code()

    def arm_by_hand(self):
        self.key = self.fresh_key()
        self.parity()
        self.look()
        self.command("arm", "intent", self.key)
        self.publish(arm=True)
        self.look()
        self.command("arm", "outcome", self.key, "observed")
        self.items = []

    def disarm_by_hand(self, signer=None):
        """`titan-fsm disarm`, also while the driver is in a step: that keeps its key and items."""
        kept, self.key, self.items = (self.key, self.items), self.fresh_key(), []
        self.command("disarm", "intent", self.key, signer=signer)
        self.publish(arm=False)
        self.look()
        self.command("disarm", "outcome", self.key, "observed", signer=signer)
        self.key, self.items = kept

    def disarm_first(self, signer=None):
        """The journal cannot be written: DISARM goes before its record."""
        kept, self.key, self.items = (self.key, self.items), self.fresh_key(), []
        self.publish(arm=False)
        self.look()
        self.command("disarm", "outcome", self.key, "observed", signer=signer, preceded=True)
        self.key, self.items = kept

    # Whole deployments

    def release(self, new, policy="a"):
        self.prepare("release", new, policy)
        self.finish_release()

    def unhealthy_release(self):
        """An endpoint fails in the window: everything goes back."""
        self.arm_by_hand()
        self.release_to_verified()
        self.arm()
        self.begin("observe_window")
        self.samples(2)
        self.target.sick.add("web")
        self.target.wait(500)
        self.samples(3, first=3)
        self.end("rolling_back", "unhealthy")
        self.target.sick.clear()
        self.roll_back()

    def policy_change(self, new, policy):
        self.prepare("policy", new, policy)
        self.deploy_policy()
        self.finish_policy()
