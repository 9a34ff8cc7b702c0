"""What the acceptance tests share: a stack of tests/stack, a configuration for it, and the two
programs.

Nothing is mocked: the stack runs a real nats-server, git, ssh server and Docker daemon (or the
stand-in for compose, which runs the same services as processes). Every wait is for an observed
condition and bounded."""
import json
import os
import pathlib
import shlex
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BUILD = pathlib.Path(os.environ.get("TITAN_BUILD", ROOT / "build"))
STACK = ROOT / "tests" / "stack" / "stack"
FSM = str(BUILD / "fsm" / "titan-fsm")
VERIFY = os.environ.get("TITAN_VERIFY", str(BUILD / "verify" / "titan-verify"))

# Exit statuses of titan-fsm (README.md).
DONE, USAGE, CONFIG = 0, 2, 3
ROLLED_BACK, ABORTED, ROLLBACK_FAILED, NEEDS_PERSON = 10, 11, 12, 13
(
    HELD,
    UNREACHABLE,
    HOST_REFUSED,
    KEY_REFUSED,
    DAMAGED,
    JOURNAL_WRITE,
    REFUSED,
    STEP_FAILED,
    DRIFT,
) = range(14, 23)

LIMITS = {
    "window_ms": 1200,
    "sample_interval_ms": 300,
    "sample_gap_ms": 10000,
    "window_start_ms": 120000,
    "window_start_armed_ms": 10000,
    "failures": 3,
    "rollback_start_ms": 10000,
    "rollback_ms": 300000,
    "disarm_fresh_ms": 10000,
    "answer_ms": 1000,
}


class Skipped(Exception):
    """One case cannot be tried here; the others can."""


def skip(reason):
    print("skipped: " + reason)
    sys.exit(77)


def run(*words, check=False, **options):
    result = subprocess.run(
        [str(word) for word in words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        timeout=600,
        **options,
    )
    result.out = result.stdout.decode("utf-8", "replace")
    result.err = result.stderr.decode("utf-8", "replace")
    if check and result.returncode != 0:
        raise AssertionError(f"{words}: {result.returncode}\n{result.out}\n{result.err}")
    return result


def wait_until(what, condition, seconds=180):
    until = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > until:
            raise AssertionError("waited in vain: " + what)
        time.sleep(0.02)


class Stack:
    """A small Titan in a directory of its own. Used as `with Stack(...) as stack:`."""

    def __init__(self, mode="standin", *options):
        self.mode, self.options = mode, options
        self.directory = pathlib.Path(
            tempfile.mkdtemp(prefix="titan-stack-", dir=os.environ.get("TITAN_TEST_TMP"))
        )
        self.home = self.directory / "home"
        self.directory.chmod(
            0o755
        )  # the ssh user's way to the stack; what is the operator's own stays closed
        self.home.mkdir(mode=0o700)
        self.agent_process = None

    def __enter__(self):
        words = [STACK, "up", self.directory / "stack", "--" + self.mode, *self.options]
        result = run(*words)
        if result.returncode == 77:
            self.__exit__()
            skip(result.out.strip() or result.err.strip())
        if result.returncode != 0:
            self.__exit__()
            raise AssertionError("the stack does not come up\n" + result.out + result.err)
        self.read_env()
        return self

    def __exit__(self, *ignored):
        if self.agent_process is not None:
            self.agent_process.terminate()
            self.agent_process.wait()
        run(STACK, "down", self.directory / "stack")
        shutil.rmtree(self.directory, ignore_errors=True)

    def agent(self):
        """A real ssh-agent with one key, for operators that need no passphrase: (socket, public
        line)."""
        if self.agent_process is None:
            key, socket = self.home / "agent.key", self.home / "agent.sock"
            run(
                "ssh-keygen",
                "-q",
                "-t",
                "ed25519",
                "-N",
                "",
                "-C",
                "alice@example",
                "-f",
                key,
                check=True,
            )
            self.agent_process = subprocess.Popen(
                ["ssh-agent", "-D", "-a", socket], stdout=subprocess.DEVNULL
            )
            wait_until(
                "the agent",
                lambda: run(
                    "ssh-add", "-l", env=dict(os.environ, SSH_AUTH_SOCK=str(socket))
                ).returncode
                == 1,
            )  # it is empty: it answers
            self.agent_socket, self.agent_line = (
                str(socket),
                key.with_suffix(".key.pub").read_text().strip(),
            )
            run(
                "ssh-add",
                "-q",
                key,
                check=True,
                env=dict(os.environ, SSH_AUTH_SOCK=self.agent_socket),
            )
        return self.agent_socket, self.agent_line

    def read_env(self):
        text = run(STACK, "env", self.directory / "stack", check=True).out
        self.env = dict(word.split("=", 1) for word in shlex.split(text))

    def commit(self, name, *options):
        return run(
            STACK, "commit", self.directory / "stack", name, *options, check=True
        ).out.strip()

    def fault(self, service, *faults):
        run(STACK, "fault", self.directory / "stack", service, *faults, check=True)

    def reset(self):
        run(STACK, "reset", self.directory / "stack", check=True)
        self.read_env()

    def received(self):
        """Every DISARM and ARM payload that Execution received, in order."""
        path = pathlib.Path(self.env["RECEIVED_LOG"])
        lines = path.read_text("utf-8").splitlines() if path.exists() else []
        return [line.split(" ", 2)[2] for line in lines]  # "ARM <nonce> <reason>"

    def starts(self, service):
        lines = pathlib.Path(self.env["STARTS_LOG"]).read_text("utf-8").splitlines()
        return sum(1 for line in lines if line.split()[1] == "titan-" + service)

    def docker(self, *words):
        environment = dict(os.environ)
        if self.env.get("DOCKER_HOST"):
            environment["DOCKER_HOST"] = self.env["DOCKER_HOST"]
        return run(*self.env["DOCKER"].split(), *words, env=environment)

    def containers(self):
        ids = self.docker(
            "ps",
            "-a",
            "-q",
            "--no-trunc",
            "--filter",
            "label=com.docker.compose.project=titan",
            "--filter",
            "label=com.docker.compose.oneoff=False",
        ).out.split()
        template = (
            '{{json (index .Config.Labels "com.docker.compose.service")}} {{json .Id}} {{json'
            " .Image}}"
        )
        if self.mode == "standin":
            found = json.loads(self.docker("inspect", *ids).out) if ids else []
            return {
                each["Config"]["Labels"]["com.docker.compose.service"]: (each["Id"], each["Image"])
                for each in found
            }
        lines = self.docker("inspect", "--format", template, *ids).out.splitlines() if ids else []
        rows = [[json.loads(word) for word in line.split()] for line in lines]
        return {service: (identity, image) for service, identity, image in rows}

    def head(self):
        return run(
            "git",
            "-c",
            "safe.directory=*",
            "-C",
            self.env["TITAN_DIR"],
            "rev-parse",
            "HEAD",
            check=True,
        ).out.strip()


class Operator:
    """One operator's machine: key, configuration, journal, and the two programs."""

    def __init__(
        self,
        stack,
        ssh=False,
        limits=None,
        extra="",
        name="titan-test",
        home=None,
        agent=False,
        settle=4000,
        approvals=(0, 0),
        roster=None,
        guard="start: process",
    ):
        """approvals: (policy, release). roster: further lines by role, {"approvers": [...]}."""
        self.settle, self.approvals, self.roster = settle, approvals, roster or {}
        self.stack, self.name, self.guard = stack, name, guard
        self.confirms = (
            True  # what a person is asked before the first change is answered beforehand: --confirm
        )
        self.limits = dict(LIMITS, **(limits or {}))
        self.home = pathlib.Path(home or tempfile.mkdtemp(prefix="operator-", dir=stack.home))
        self.passphrase = self.home / "passphrase"
        self.passphrase.write_text("correct horse battery staple\n")
        self.passphrase.chmod(0o600)
        self.config = self.home / "titan.yml"
        self.journal = self.home / "journal"
        self.trust = self.home / "allowed_signers"
        self.limits_file = self.home / "limits.yml"
        self.bundle = self.home / "evidence.bundle"
        self.socket = None
        self.key_line = "key: alice.key"
        if agent:
            self.socket, line = stack.agent()
            self.key_line = f'agent: "{line}"'
            self.trust.write_text(
                f'alice@example namespaces="titan-journal-v1,titan-approval-v1" {line}\n'
            )
        else:
            self.make_key()
        self.limits_file.write_text(
            "".join(f"{key}: {value}\n" for key, value in self.limits.items())
        )
        self.write_config(ssh, extra)

    def make_key(self):
        self.trust.write_text(
            self.fsm(
                "keygen",
                self.home / "alice.key",
                "--comment",
                "alice@example",
                config=False,
                check=True,
            ).out
        )

    def write_config(self, ssh, extra):
        env, line = self.stack.env, self.trust.read_text().strip()
        target = (
            f"{{name: {self.name}, host: 127.0.0.1, port: {env['SSH_PORT']}, user:"
            f" {env['DEPLOY_USER']}, identity: {env['CLIENT_KEY']}, known_hosts:"
            f" {env['KNOWN_HOSTS']}"
            if ssh
            else f"{{name: {self.name}, local: true"
        )
        docker_host = f", docker_host: \"{env['DOCKER_HOST']}\"" if env.get("DOCKER_HOST") else ""
        roster = {"operators": [line], "approvers": [], "administrators": [line]}
        roster = "".join(
            f"  {role}: {json.dumps(lines + self.roster.get(role, []))}\n"
            for role, lines in roster.items()
        )
        limits = ", ".join(f"{key}: {value}" for key, value in self.limits.items())
        self.config.write_text(
            f"""version: 1
journal: journal
target: {target}, directory: {env['TITAN_DIR']}, docker: {env['DOCKER']}{docker_host}}}
operator: {{principal: alice@example, {self.key_line}}}
roster:
{roster}approvals: {{policy: {self.approvals[0]}, release: {self.approvals[1]}}}
compose: {{command: {env['COMPOSE']}, project: titan}}
repository: {{policy_files: [config/risk_policy.json]}}
bus:
  host: 127.0.0.1
  port: {env['NATS_PORT']}
  user: operator
  password_file: {env['BUS_PASSWORD_FILE']}
  reply_ms: 40
services:
  execution: titan-execution
  brain: titan-brain
  marker: /app/execution.armed
  settle_ms: {self.settle}
endpoints:
  execution: {{url: "http://127.0.0.1:{env['EXECUTION_PORT']}/health"}}
  brain: {{url: "http://127.0.0.1:{env['BRAIN_PORT']}/health"}}
  web: {{url: "http://127.0.0.1:{env['WEB_PORT']}/health"}}
checklist: own
preflight:
  env_file_mode: {{probe: env_file_mode, advice: chmod 600 the env file}}
  master_password:
    {{probe: env_key_length, key: TITAN_MASTER_PASSWORD, minimum: 32, advice: set it}}
  compose_renders: {{probe: compose_renders, advice: set every variable}}
  tree_clean: {{probe: tree_clean, advice: commit the changes}}
limits: {{{limits}}}
guard: {{{self.guard}}}
{extra}"""
        )

    def words(self, command, *words, config=True):
        unlock = ["--passphrase-file", self.passphrase]
        if command in ("run", "advance", "resume") and "--confirm" not in words and self.confirms:
            words = [*words, "--confirm", self.name]
        return [FSM, command, *words, *unlock, *(["--config", self.config] if config else [])]

    def fsm(self, command, *words, config=True, **options):
        if self.socket is not None:
            options["env"] = dict(options.get("env", os.environ), SSH_AUTH_SOCK=self.socket)
        return run(*self.words(command, *words, config=config), **options)

    def start(self, command, *words, program=FSM):
        """In the background; the caller waits for its end."""
        environment = dict(os.environ, SSH_AUTH_SOCK=self.socket) if self.socket else None
        return subprocess.Popen(
            [str(program), *map(str, self.words(command, *words)[1:])],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=environment,
        )

    def expect(self, status, command, *words, **options):
        result = self.fsm(command, *words, **options)
        if result.returncode != status:
            raise AssertionError(
                f"{command}: {result.returncode} and not {status}\n{result.out}\n{result.err}"
            )
        return result

    def begin(self, procedure, *words):
        self.expect(DONE, "begin", procedure, "--reason", "a test", *words)

    def status(self):
        return json.loads(self.expect(DONE, "status", "--json").out)

    def entries(self):
        return [json.loads(line) for line in self.expect(DONE, "log", "--json").out.splitlines()]

    def verify(self, *words, journal=None, limits=True):
        given = ["--limits", self.limits_file] if limits else []
        return run(
            VERIFY,
            journal or self.journal,
            "--trust",
            self.trust,
            "--target",
            self.name,
            *given,
            *words,
        )

    def expect_proven(self, *words, **options):
        result = self.verify(*words, **options)
        if result.returncode != 0:
            raise AssertionError(
                f"titan-verify: {result.returncode}\n{result.out}\n{result.err}\n"
                + self.fsm("log").out
            )
        return result

    def claims(self, *words, **options):
        result = self.verify("--json", *words, **options)
        return {
            claim["claim"]: claim["verdict"]
            for claim in json.loads(result.out)["deployments"][-1]["claims"]
        }


class Person:
    """Somebody else, on a machine of his own: a key in a file (or an OpenSSH key, with ssh-keygen),
    and titan-fsm without any journal."""

    def __init__(self, stack, principal):
        self.principal = principal
        self.home = pathlib.Path(tempfile.mkdtemp(prefix="person-", dir=stack.home))
        self.passphrase = self.home / "passphrase"
        self.passphrase.write_text("another horse, another battery\n")
        self.passphrase.chmod(0o600)
        self.key = self.home / "person.key"
        self.line = run(
            FSM,
            "keygen",
            self.key,
            "--comment",
            principal,
            "--passphrase-file",
            self.passphrase,
            check=True,
        ).out.strip()

    def fsm(self, *words, **options):
        return run(FSM, *words, "--passphrase-file", self.passphrase, cwd=self.home, **options)

    def approve(self, request, name="approval", principal=None):
        """The file that goes back to the driver."""
        answer = self.home / name
        self.fsm(
            "approve",
            request,
            "--key",
            self.key,
            "--principal",
            principal or self.principal,
            "--out",
            answer,
            check=True,
        )
        return answer


def run_cases(cases, *options, mode="standin"):
    """Runs each case on the same stack, reset before it; prints a line a case and ends with 1 if
    one failed."""
    failed = 0
    with Stack(mode, *options) as stack:
        for number, case in enumerate(cases):
            if number > 0:
                stack.reset()
            name = getattr(case, "__name__", repr(case))
            try:
                case(stack)
                print("ok   " + name)
            except Skipped as reason:
                print(f"skip {name}: {reason}")
            except Exception as failure:
                failed += 1
                print(f"FAIL {name}: {failure}")
                sys.stdout.flush()
    sys.exit(1 if failed else 0)


def insist(truth, what):
    if not truth:
        raise AssertionError(what)


def only(cases):
    """With a name on the command line, that case alone."""
    return [case for case in cases if len(sys.argv) < 2 or sys.argv[1] in case.__name__]
