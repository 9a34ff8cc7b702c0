"""What an honest driver records of a target, entry by entry. Written from journal/FORMAT.md."""

import json

import bundle
from target import BRAIN, EXECUTION, MS, SERVICES, SUBJECT_ARM, SUBJECT_DISARM, SUBJECT_HASH
from target import Target, digest, rfc3339

DRIVER_BOOT = "5b0cf1f0-1111-4222-8333-444455556666"
ENDPOINTS = ["execution", "brain", "web"]
CHECKLIST = ["env_file_mode", "tree_clean"]
LIMITS = {
    "window_ms": 6000,
    "sample_interval_ms": 1000,
    "sample_gap_ms": 3000,
    "window_start_ms": 120000,
    "window_start_armed_ms": 10000,
    "failures": 3,
    "rollback_start_ms": 10000,
    "rollback_ms": 300000,
    "disarm_fresh_ms": 10000,
    "answer_ms": 60000,
    "preflight_ms": 1800000,
}
PATTERNS = {
    "policy_loaded": ["Risk Policy Loaded. Hash: %H", "Loaded RiskPolicy (hash: %H"],
    "handshake_ok": [
        "Policy hash handshake OK. Enabling signal processing. Hash: %H",
        "Policy hash handshake OK",
    ],
    "handshake_failed": [
        "CRITICAL: Policy hash handshake FAILED",
        "Policy hash handshake FAILED",
    ],
    "handshake_lost": ["Brain demoted to FOLLOWER"],
    "handshake_none": ["Leader Election DISABLED"],
    "disarm_received": ["Received DISARM command: %N"],
    "arm_received": ["Received ARM command: %N"],
    "disarmed": ["EXECUTION DISARMED: ", "Execution initialized DISARMED"],
    "armed": ["EXECUTION ARMED: ", "Execution initialized in ARMED state"],
    "errors": ["FATAL"],
}


class Story:
    """One journal. Evidence is collected into `items` until an entry takes it."""

    def __init__(self, limits=None):
        self.target = Target()
        self.keys = bundle.Keys()
        self.alice, self.bob, self.carol = (
            self.keys.add(bundle.Key(name)) for name in ("alice", "bob", "carol")
        )
        self.journal = bundle.Journal(self.keys)
        self.id = digest("journal")[:32]
        self.boot = DRIVER_BOOT
        self.items, self.number, self.session, self.sessions = [], None, None, 0
        self.state, self.intent, self.key, self.keys_made = None, None, None, 0
        self.starter = None  # of the dead-man guard; None: there is none
        self.pulls = False  # names were moved in this deployment
        self.endpoints = list(ENDPOINTS)
        self.limits = dict(LIMITS, **(limits or {}))
        self.genesis()

    # Entries

    def write(self, type_, body, signer=None, inside=True):
        self.target.wait(1)
        entry = {
            "v": 1,
            "journal": self.id,
            "seq": len(self.journal.entries),
            "prev": "",
            "utc": rfc3339(self.target.now),
            "boot": self.boot,
            "boottime_ns": self.target.now,
            "signer": (signer or self.session).hex,
            "type": type_,
            "deployment": self.number,
            "body": body,
        }
        if not inside or self.number is None:
            del entry["deployment"]
        self.journal.entries.append(entry)
        self.journal.sign_next()
        return entry["seq"]

    def settings(self):
        return {
            "services": {"execution": EXECUTION, "brain": BRAIN, "restarts_allowed": []},
            "subjects": {
                "policy_hash": SUBJECT_HASH,
                "arm": SUBJECT_ARM,
                "disarm": SUBJECT_DISARM,
            },
            "script": "/srv/verify.sh",
            "endpoints": list(self.endpoints),
            "marker": True,
            "patterns": json.loads(json.dumps(PATTERNS)),
            "limits": dict(self.limits),
        }

    def genesis(self):
        body = {"target": {"name": "titan-forge", "address": "local", "host_key": ""}}
        body.update(self.settings())
        body["roster"] = {
            "operators": [self.alice.line("alice@example"), self.carol.line("carol@example")],
            "approvers": [self.bob.line("bob@example")],
            "administrators": [self.alice.line("alice@example")],
        }
        body["checklist"] = list(CHECKLIST)
        body["approvals"] = {"policy": 1, "release": 0}
        self.write("genesis", body, self.alice, inside=False)

    def fresh_session(self):
        self.sessions += 1
        self.session = self.keys.add(bundle.Key(f"session {self.sessions}"))
        return self.session.hex

    def fresh_key(self):
        self.keys_made += 1
        return digest("key", self.keys_made)[:32]

    def open(self, procedure, expect=""):
        self.number, self.state, self.procedure = len(self.journal.entries), "opened", procedure
        body = {
            "procedure": procedure,
            "operator": "alice@example",
            "reason": "a test",
            "session": self.fresh_session(),
            "table": digest("table"),
            "program": "tests/forge",
            "branch": "main",
            "commit": "",
            "expect": expect,
            "checklist": [],
            "approvals": 0,
            "config": digest("config"),
        }
        self.opener = "alice@example"
        self.write("open", body, self.alice)

    def begin(self, action, key=None, repeats=None):
        self.key = key or self.fresh_key()
        body = {"from": self.state, "action": action, "key": self.key, "deadline_ms": 60000}
        if repeats is not None:
            body["repeats"] = repeats
        body["what"] = action
        self.action = action
        self.intent = self.write("intent", body)
        self.pulls = action == "pull_images" or (self.pulls and action != "connect")

    def end(self, to, event="done"):
        body = {"intent": self.intent, "from": self.state, "event": event, "to": to}
        if self.intent is None:
            del body["intent"]
        body.update({"reason": "", "evidence": self.items, "facts": {}})
        self.items, self.intent, self.state = [], None, to
        self.write("transition", body)
        if to in ("completed", "rolled_back", "aborted"):
            self.number = None

    def reconcile(self, found, then):
        body = {"intent": self.intent, "found": found, "then": then, "reason": ""}
        body["evidence"], self.items = self.items, []
        self.write("reconciliation", body)

    def command(self, command, phase, key, outcome="", signer=None, preceded=False):
        body = {"command": command, "phase": phase, "key": key, "outcome": outcome, "reason": ""}
        body["evidence"] = list(self.items)
        if preceded:
            body["preceded"] = True
        self.write("command", body, signer or (None if self.number is not None else self.alice))

    def sample(self, number):
        body = {"intent": self.intent, "n": number, "evidence": self.items, "facts": {}}
        self.items = []
        self.write("sample", body)

    def takeover(self):
        self.target.tenancy["epoch"] += 1
        body = {"operator": "carol@example", "session": self.fresh_session()}
        body.update({"epoch": self.target.tenancy["epoch"], "previous": "alice", "reason": "gone"})
        self.opener = "carol@example"
        self.write("takeover", body, self.carol)

    def attest(self, item, answer, reason):
        body = {"item": item, "answer": answer, "reason": reason, "operator": "alice@example"}
        self.write("attestation", body, self.alice)

    def let_bob_drive(self):
        """A roster in which the approver is an operator too."""
        roster = json.loads(json.dumps(self.journal.entries[0]["body"]["roster"]))
        roster["operators"].append(self.bob.line("bob@example"))
        self.write("roster", {"roster": roster, "reason": "bob drives too"}, self.alice)

    def approve(self):
        opened = self.journal.head(self.number)
        images = [json.loads(line) for line in self.target.images(self.new).splitlines()]
        statement = {
            "journal": self.id,
            "open": opened,
            "commit": self.target.commit,
            "images": [{"service": one["service"], "id": one["id"]} for one in images],
            "expect": self.journal.entries[self.number]["body"]["expect"],
            "config": digest("file", self.target.version),
            "env": digest("env", self.target.env),
            "guard": "laid" if self.starter else "absent",
            "partial": [],
        }
        text = bundle.canonical(statement).decode()
        signature = self.bob.armored(bundle.APPROVAL, text.encode())
        body = {"principal": "bob@example", "statement": text, "signature": signature}
        self.write("approval", body)

    # Evidence

    def item(self, probe, subject, output, status=0, ms=5, on_target=True):
        """One request, `ms` long, beginning 1 ms from now."""
        self.target.wait(1)
        sent = self.target.now
        data = output.encode() if isinstance(output, str) else output
        item = {
            "probe": probe,
            "subject": subject,
            "status": status,
            "output": self.journal.blob(data),
            "size": len(data),
            "sent_ns": sent,
        }
        self.target.wait(ms)
        item["received_ns"] = self.target.now
        if on_target:
            wall = 1_795_850_400_000 + sent // MS
            up = (self.target.uptime(sent), self.target.uptime(self.target.now))
            item["target"] = {
                "boot": self.target.boot,
                "before_ms": up[0],
                "after_ms": up[1],
                "wall_ms": wall - wall % 10,
            }
        self.items.append(item)
        return item

    def list(self):
        self.item("compose.containers", "", self.target.list(), ms=40)

    def log(self, role):
        service = EXECUTION if role == "execution" else BRAIN
        container = self.target.running(service)
        self.item(f"logs.{role}", service, container.lines(self.target.now + MS))

    def marker(self):
        execution = self.target.running(EXECUTION)
        text = "present\n" if execution.armed else "absent\n"
        self.item("interlock.marker", execution.row()["name"], text)

    def look(self):
        self.list()
        if self.target.running(EXECUTION) is not None:
            self.log("execution")
            self.marker()

    def replies(self, count=3):
        for _ in range(count):
            if self.target.silent or self.target.running(EXECUTION) is None:
                self.item("bus.policy_hash", SUBJECT_HASH, "", 2, ms=20, on_target=False)
            else:
                text = self.target.reply()
                self.item("bus.policy_hash", SUBJECT_HASH, text, ms=20, on_target=False)

    def voices(self):
        """Of those who are there."""
        self.replies()
        for role, service in (("execution", EXECUTION), ("brain", BRAIN)):
            if self.target.running(service) is not None:
                self.log(role)

    def health(self):
        for endpoint in self.endpoints:
            status, body = self.target.health(endpoint)
            self.item("health", endpoint, body, status, on_target=False)

    def git(self):
        self.item("git.head", "", self.target.commit + "\n")
        self.item("git.branch", "", "main\n")
        self.item("git.status", "", self.target.status)

    def files(self):
        self.git()
        self.fingerprints()

    def fingerprints(self):
        self.item("hmac.key", "", digest("key", self.target.key) + "\n")
        self.item("config.hmac", "", digest("file", self.target.version) + "\n")
        self.item("env.hmac", "", digest("env", self.target.env) + "\n")
        self.item("env.mode", "", self.target.env_mode + "\n")

    def policy_files(self):
        self.item("policy.hmac", "", self.target.policy[self.target.version] + "\n")

    def services(self):
        self.item("compose.services", "", "".join(name + "\n" for name in SERVICES))

    def drift(self, override=False):
        rows = []
        for service in SERVICES:
            value = self.target.configuration(service, override)
            declared = value or digest("configuration", service, self.target.version)
            rows.append({"service": service, "declared": declared, "running": value})
        text = "".join(json.dumps(row, separators=(",", ":")) + "\n" for row in rows)
        self.item("compose.drift", "override" if override else "", text, ms=200)

    def tenancy(self, free=False):
        held = self.target.tenancy
        held["deployment"] = 0 if free else self.number
        held["holder"] = "" if free else self.opener + " on vm"
        head = len(self.journal.entries) - 1
        row = {"journal": self.id, "deployment": held["deployment"], "epoch": held["epoch"]}
        row.update({"head_seq": head, "head_hash": self.journal.head(head)})
        row.update({"holder": held["holder"], "boot": self.target.boot})
        row.update({"expires_ms": self.target.now // MS + 60000, "guard": "absent"})
        self.item("tenancy", "", json.dumps(row, separators=(",", ":")) + "\n")

    def release_target(self):
        self.tenancy()
        self.act("release images")
        self.tenancy(free=True)

    def act(self, subject, output="", status=0):
        self.item("act", subject, output, status, ms=30)

    def publish(self, arm):
        subject = SUBJECT_ARM if arm else SUBJECT_DISARM
        payload = f"{self.key} titan-fsm"
        self.item("bus.publish", subject, payload, ms=1, on_target=False)
        self.target.receive(subject, payload)
        self.target.wait(10)

    def up(self, services, version):
        self.item("compose.up", " ".join(services), "done\n", ms=300)
        for service in services or SERVICES:
            running = self.target.running(service)
            if running is not None and service in self.target.same:
                continue
            if running is None or running.version != self.target.kept.get(service, version):
                self.target.create(service, version)

    def errors(self):
        for container in list(self.target.containers):
            lines = container.lines(self.target.now + MS)
            self.item("logs.errors", container.service, lines)
