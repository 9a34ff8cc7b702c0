"""A target as an honest driver meets it: two services that share a policy hash, one that does not.

Written from journal/FORMAT.md. Clocks: `now` are the driver's nanoseconds since boot; the target's
uptime and wall clock run along with it."""

import datetime
import hashlib
import json

EXECUTION, BRAIN, WEB = "titan-execution", "titan-brain", "titan-web"
SERVICES = (BRAIN, EXECUTION, WEB)  # in the order of their bytes, as rows are
SUBJECT_HASH = "titan.req.exec.policy_hash.v1"
SUBJECT_ARM = "titan.cmd.operator.arm.v1"
SUBJECT_DISARM = "titan.cmd.operator.disarm.v1"
NEVER = "0001-01-01T00:00:00Z"
MS = 1_000_000
WALL_START = datetime.datetime(2026, 11, 28, 7, 20, 0, tzinfo=datetime.timezone.utc)


def digest(*words):
    return hashlib.sha256(" ".join(str(word) for word in words).encode()).hexdigest()


def image_id(service, version):
    return "sha256:" + digest("image", service, version)


def rfc3339(ns):
    """The wall clock that belongs to the driver's boot clock."""
    whole = WALL_START + datetime.timedelta(seconds=ns // 1_000_000_000)
    return whole.strftime("%Y-%m-%dT%H:%M:%S.") + f"{ns % 1_000_000_000:09d}Z"


class Container:
    def __init__(self, target, service, image, number):
        self.service, self.image = service, image
        self.id = digest("container", service, number)
        self.target = target
        self.created, self.finished = target.now, None
        self.started = target.now + 300 * MS  # its first line is stamped before that
        self.restarts, self.state, self.armed = 0, "running", False
        self.log = []

    def row(self):
        return {
            "service": self.service,
            "id": self.id,
            "image": self.image,
            "state": self.state,
            "health": "starting" if self.target.starts(self.service) else "healthy",
            "started_at": rfc3339(self.started),
            "restarts": self.restarts,
            "name": f"/titan_{self.service}_1",
            "created_at": rfc3339(self.created),
            "finished_at": NEVER if self.finished is None else rfc3339(self.finished),
            "exit_code": 0,
            "manifest": self.target.descriptor(self.service, self.version),
        }

    def say(self, ns, message):
        time = rfc3339(ns)
        inner = {"timestamp": time, "level": "INFO", "fields": {"message": message}}
        self.log.append(f"{time} " + json.dumps(inner, ensure_ascii=False, separators=(",", ":")))

    def lines(self, now):
        return "".join(line + "\n" for line in self.log if line[:30] <= rfc3339(now))


class Target:
    def __init__(self, policy="a", version="1"):
        self.now = 100_000 * MS
        self.boot, self.booted = "194d7391-2caa-4975-bccd-150dc000e375", 0
        self.policy = {version: digest("policy", policy)}
        self.commit, self.version, self.status = digest("commit", version)[:40], version, ""
        self.numbers = 0
        self.containers, self.sick = [], set()
        self.key = "1"  # of the fingerprints
        self.slow = {}  # until when the container of a service is still starting
        self.words = {}  # what an endpoint says of itself instead of "ok"
        self.env = "env"
        self.env_mode, self.env_good = "600 1000 1000", "none\n"
        self.tenancy = {"deployment": 0, "epoch": 0, "holder": ""}
        self.version_of_content = version
        self.silent = False
        self.kept = {}  # services whose image is still that of this version
        self.store = "classic"
        self.same = set()  # services that are built anew with the same content
        for service in (EXECUTION, BRAIN, WEB):
            self.create(service, version)
            self.wait(1000)
        self.wait(5000)

    def wait(self, ms):
        self.now += ms * MS

    def uptime(self, ns):
        """In milliseconds, as exact as the kernel tells it."""
        return (ns - self.booted) // MS // 10 * 10

    def reboot(self, boot):
        """Everything that ran runs anew."""
        self.boot, self.booted = boot, self.now
        self.wait(20000)
        for container in self.containers:
            container.finished, container.started = self.booted, self.now

    def running(self, service):
        for container in self.containers:
            if container.service == service and container.state == "running":
                return container
        return None

    def create(self, service, version):
        """Re-created from the image of a version. Execution comes up disarmed."""
        self.containers = [one for one in self.containers if one.service != service]
        self.numbers += 1
        version = self.kept.get(service, version)
        made = Container(self, service, image_id(service, version), self.numbers)
        made.version = version
        self.containers.append(made)
        policy = self.policy.get(version)
        if service == EXECUTION:
            made.say(self.now + 100 * MS, f"\u2705 Risk Policy Loaded. Hash: {policy}")
            made.say(self.now + 101 * MS, "\U0001f512 Execution initialized DISARMED")
        elif service == BRAIN:
            made.say(self.now + 100 * MS, "Brain starting")
            ok = "\u2705 Policy hash handshake OK. Enabling signal processing. Hash: "
            made.say(self.now + 700 * MS, ok + policy)
        else:
            made.say(self.now + 100 * MS, "listening on 8080")
        self.wait(400)
        return made

    def stop(self, service):
        """It dies, and its container stays with what it kept."""
        container = self.running(service)
        container.state, container.finished = "exited", self.now

    def remove(self, service):
        self.containers = [one for one in self.containers if one.service != service]

    def receive(self, subject, payload):
        """ARM or DISARM reaches Execution, which says so and says each change."""
        execution = self.running(EXECUTION)
        if execution is None:
            return
        arm = subject == SUBJECT_ARM
        word = "ARM" if arm else "DISARM"
        execution.say(self.now, f"Received {word} command: {payload}")
        if execution.armed != arm:
            execution.armed = arm
            execution.say(self.now + 1000, f"\U0001f512 EXECUTION {word}ED: {payload}")

    def starts(self, service):
        return self.now < self.slow.get(service, 0)

    def health(self, endpoint):
        version = self.version
        if endpoint in self.sick or self.starts(f"titan-{endpoint}"):
            return 503, json.dumps({"status": "error", "version": version})
        return 200, json.dumps({"status": self.words.get(endpoint, "ok"), "version": version})

    def reply(self):
        version = self.running(EXECUTION).version
        stamp = self.now // MS
        return json.dumps({"policy_hash": self.policy[version], "timestamp": stamp})

    def descriptor(self, service, version):
        if self.store == "classic":
            return None
        content = self.version_of_content if service in self.same else version
        return {"digest": "sha256:" + digest("manifest", service, content)}

    def addresses(self, service, version):
        return [f"registry/{service}@sha256:" + digest("address", service, version)]

    def registry(self, version):
        return "".join(self.addresses(service, version)[0] + "\n" for service in SERVICES)

    def images(self, version):
        rows = [{"service": service, "name": f"registry/{service}:latest"} for service in SERVICES]
        for row in rows:
            service = row["service"]
            named = self.kept.get(service, version)
            told = self.descriptor(service, named)
            row["manifest"] = told["digest"] if told else ""
            row["id"] = image_id(service, named)
            row["descriptor"] = {"digest": row["id"]} if told else None
            row["digests"] = self.addresses(service, version)
        return "".join(json.dumps(row, separators=(",", ":")) + "\n" for row in rows)

    def configuration(self, service, override=False):
        running = self.running(service)
        if running is None:
            return ""
        return digest("configuration", service, running.version, override)

    def list(self):
        rows = [json.dumps(one.row(), separators=(",", ":")) for one in self.containers]
        return "".join(row + "\n" for row in sorted(rows))
