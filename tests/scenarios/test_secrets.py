#!/usr/bin/env python3
"""Goal: no secret of the env file, and no credential of the tool, is found anywhere afterwards, in
any form, although everything that the driver asks prints them: services in their logs, health
bodies and replies, compose on its standard error, the checklist's own command, the verification
script.

Searched are the journal's file, the bundle with its blobs, every file beside it, what all
commands printed, temporary files, the state directory on the target, and command lines and
environments of all processes meanwhile. First the search itself is tried on what the services
were given to print."""
import base64
import json
import os
import pathlib
import signal
import sys
import threading
import time
import urllib.parse

if (
    "TITAN_PLAIN_BUILD" in os.environ
):  # the sanitizer makes mlock do nothing, and that is looked for
    os.environ["TITAN_BUILD"] = os.environ["TITAN_PLAIN_BUILD"]

import titan  # noqa: E402
from titan import insist  # noqa: E402

PLANTED = {
    "URL_PASSWORD": ("'p@ss/w0rd?&=%+#x y'", "p@ss/w0rd?&=%+#x y"),
    "PHRASE_SECRET": ("\"correct horse 'battery' staple\"", "correct horse 'battery' staple"),
    "JSON_TOKEN": ("'quo\"te <b>\\z& 7'", 'quo"te <b>\\z& 7'),
    "SIGNING_KEY": ("MHcCAQEEIBKT+abc/def0123456789==", "MHcCAQEEIBKT+abc/def0123456789=="),
    "SHORT_TOKEN": ("k!v9z", "k!v9z"),
    "PARTNER_ACCOUNT": (
        "acct-9f8e7d6c5b4a",
        "acct-9f8e7d6c5b4a",
    ),  # no secret by its key, but of 12 bytes and more
    "DATABASE_URL": ("postgres://titan:s3cr%40t-w0rd@db.invalid/titan", "s3cr@t-w0rd"),
}
OWN_KEYS = (
    "NATS_EXECUTION_PASSWORD",
    "NATS_BRAIN_PASSWORD",
    "NATS_OPERATOR_PASSWORD",
    "TITAN_MASTER_PASSWORD",
    "HMAC_SECRET",
)


def forms(value):
    """Every form of a value, by its name; of base64 the digits that the value alone decides, at
    each of the three alignments."""
    raw = value.encode()
    made = {
        "raw": raw,
        "hex": raw.hex().encode(),
        "HEX": raw.hex().upper().encode(),
        "url": urllib.parse.quote(value, safe="").encode(),
        "form": urllib.parse.quote_plus(value).encode(),
        "json": json.dumps(value)[1:-1].encode(),
        "twice": json.dumps(json.dumps(value)[1:-1])[1:-1].encode(),
    }
    for before in range(3):
        first, last = (before * 8 + 5) // 6, (before + len(raw)) * 8 // 6
        for name, encode in (("base64", base64.b64encode), ("base64url", base64.urlsafe_b64encode)):
            made[f"{name}+{before}"] = encode(b"x" * before + raw)[first:last]
    return made


def needles(secrets):
    found = {}
    for key, value in secrets.items():
        for name, needle in forms(value).items():
            found.setdefault(needle, f"{key} as {name}")
    return found


def search(wanted, data, where):
    """As it stands, and with blanks and line ends taken out, as whoever joins wrapped lines reads
    it."""
    joined = data.translate(None, b" \r\n")
    return [
        f"{where}: {name}" for needle, name in wanted.items() if needle in data or needle in joined
    ]


def leak_lines(secrets):
    """What a careless service prints: each value in each form, in words, in a login, in a
    request."""
    lines = []
    for key, value in secrets.items():
        raw = value.encode()
        lines += [
            f"{key}={value}",
            f"Authorization: Basic {base64.b64encode(b'u:' + raw).decode()}",
            f"x {base64.b64encode(raw).decode()} y",
            f"jwt {base64.urlsafe_b64encode(b'us' + raw).decode().rstrip('=')}",
            f"0x{raw.hex()} {raw.hex().upper()}",
            f"http://h/?p={urllib.parse.quote(value, safe='')}&q",
            f"p={urllib.parse.quote_plus(value)}",
            json.dumps({"p": value}),
            json.dumps({"m": json.dumps({"p": value})}),
            (
                f"t {base64.b64encode(b'y' + raw).decode()}"
                f" {base64.b64encode(b'yy' + raw).decode()}"
                f" {base64.urlsafe_b64encode(b'y' + raw).decode()}"
                f" {base64.urlsafe_b64encode(raw).decode()}"
            ),
        ]
    return "\n".join(lines) + "\n"


class Watch:
    """Looks at every process of this machine while an operator's command runs. Environments of the
    services and of compose hold secrets by their nature."""

    def __init__(self, wanted):
        self.wanted, self.found, self.locked_kb, self.core, self.seen = wanted, set(), 0, set(), 0
        self.on = self.over = False
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        while not self.over:
            if self.on:
                for process in os.listdir("/proc"):
                    if process.isdigit() and int(process) != os.getpid():
                        self.look(pathlib.Path("/proc") / process)
            time.sleep(0.01)

    def look(self, process):
        try:
            line, program = (process / "cmdline").read_bytes(), os.readlink(process / "exe")
            self.seen += 1
            self.found.update(search(self.wanted, line, "command line of " + program))
            if os.path.basename(program) not in (
                "titan-service",
                "standin",
                "docker",
                "docker-compose",
            ):
                self.found.update(
                    search(
                        self.wanted, (process / "environ").read_bytes(), "environment of " + program
                    )
                )
            if program == titan.FSM:
                status = dict(
                    row.split(":", 1) for row in (process / "status").read_text().splitlines()
                )
                self.locked_kb = max(self.locked_kb, int(status["VmLck"].split()[0]))
                self.core.update(
                    row.split()[4]
                    for row in (process / "limits").read_text().splitlines()
                    if row.startswith("Max core")
                )
        except (OSError, ValueError, KeyError):
            pass  # it ended

    def close(self):
        self.over = True
        self.thread.join()


class Careful(titan.Operator):
    """An operator whose every command is watched, and keeps what it printed."""

    def __init__(self, stack, watch, **options):
        self.watch, self.printed, self.temporary = watch, b"", None
        super().__init__(stack, ssh=True, agent=True, **options)
        self.temporary = self.home / "temporary"
        self.temporary.mkdir()

    def fsm(self, command, *words, **options):
        if self.temporary is not None:
            options["env"] = dict(os.environ, TMPDIR=str(self.temporary))
        self.watch.on = True
        result = super().fsm(command, *words, **options)
        self.watch.on = False
        self.printed += result.stdout + result.stderr
        return result

    def verify(self, *words, **options):
        result = super().verify(*words, **options)
        self.printed += result.stdout + result.stderr
        return result


def write_program(path, text):
    path.write_text(text)
    path.chmod(0o755)


def prepare(stack):
    """Plants the secrets, and makes everything leak them. The secrets by key."""
    directory = pathlib.Path(stack.env["TITAN_DIR"])
    env_file = directory / ".env.prod"
    with env_file.open("a") as file:
        file.write(
            "".join(f"{key}={written}\n" for key, (written, _) in PLANTED.items())
            + "PIN_SECRET=a1!\n"
        )
    rows = dict(line.split("=", 1) for line in env_file.read_text().splitlines() if "=" in line)
    secrets = {key: rows[key] for key in OWN_KEYS} | {
        key: value for key, (_, value) in PLANTED.items()
    }
    (pathlib.Path(stack.env["SHARED"]) / "leak").write_text(leak_lines(secrets))
    # Compose tells everything on its standard error, and so does a script; either fails when it is
    # told to.
    spill = (
        f"cat {env_file}; base64 {env_file}; base64 -w0 {env_file}; od -An -v -tx1 {env_file}; cat"
        f" {stack.env['SHARED']}/leak"
    )
    write_program(
        directory / "state" / "compose",
        (
            f"#!/bin/sh\n{{ {spill}; }} >&2\n[ ! -e {directory}/state/broken ] || exit 3\nexec"
            f" {stack.env['COMPOSE']} \"$@\"\n"
        ),
    )
    write_program(directory / "state" / "verify.sh", f"#!/bin/sh\n{spill}\n")
    write_program(
        directory / "state" / "check.sh",
        f"#!/bin/sh\n{spill}\n[ ! -e {directory}/state/refused ]\n",
    )
    for service in ("execution", "brain", "web"):
        stack.fault(service, "leak")
    return secrets


def operator_of(stack, watch):
    directory = pathlib.Path(stack.env["TITAN_DIR"])
    operator = Careful(
        stack,
        watch,
        extra="verify: {script: state/verify.sh, log_lines: 5000}\n",
        limits={"window_ms": 1500},
    )
    text = operator.config.read_text()
    text = text.replace(f"command: {stack.env['COMPOSE']}", f"command: {directory}/state/compose")
    operator.config.write_text(
        text.replace(
            "limits:",
            "  spill: {probe: command, command: state/check.sh, advice: be silent}\nlimits:",
            1,
        )
    )
    operator.expect(titan.DONE, "init")
    return operator


def refused(operator, stack):
    """Mode, checklist and rendering: each failure says what to do, and none says a value."""
    directory = pathlib.Path(stack.env["TITAN_DIR"])
    operator.begin("release")
    (directory / ".env.prod").chmod(0o644)
    result = operator.expect(titan.NEEDS_PERSON, "run")
    insist("chmod 600" in result.out, result.out)
    insist(
        "not redacted from the record" in result.out and "PIN_SECRET" in result.out,
        "a value too short to be redacted is named by its key: " + result.out,
    )
    (directory / ".env.prod").chmod(0o600)
    for flag in ("refused", "broken"):
        (directory / "state" / flag).touch()
        operator.expect(titan.NEEDS_PERSON, "run", *(["--json"] if flag == "broken" else []))
        (directory / "state" / flag).unlink()
    operator.expect(titan.DONE, "advance")  # preflighted
    (directory / ".env.prod").chmod(0o640)
    result = operator.expect(titan.REFUSED, "advance")
    insist("chmod 600 .env.prod" in result.err, result.err)
    (directory / ".env.prod").chmod(0o600)
    operator.expect(titan.ABORTED, "abort", "--reason", "only to see it refused")


def killed_and_resumed(operator, stack):
    stack.commit("release-2")
    operator.begin("release")
    operator.watch.on = True
    with (operator.home / "driver.log").open("wb") as log:
        driver = titan.subprocess.Popen(
            [str(word) for word in operator.words("run", "--rearm", "yes", "--json")],
            stdin=titan.subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=dict(os.environ, SSH_AUTH_SOCK=operator.socket, TMPDIR=str(operator.temporary)),
        )
    titan.wait_until(
        "a sample",
        lambda: b'"event":"sample"' in (operator.home / "driver.log").read_bytes()
        or driver.poll() is not None,
    )
    driver.send_signal(signal.SIGKILL)
    driver.wait()
    insist(driver.returncode == -signal.SIGKILL, (operator.home / "driver.log").read_text())
    operator.expect(titan.DONE, "resume", "--rearm", "yes")
    operator.expect_proven()


def procedures(operator, stack):
    stack.commit("policy-2", "--policy", "second")
    operator.begin("policy")
    operator.expect(titan.DONE, "run", "--json")
    operator.expect_proven()
    stack.commit("release-3", "--fault", "web:unhealthy")
    operator.begin("release")
    operator.expect(titan.ROLLED_BACK, "run")
    operator.expect_proven()
    stack.commit("policy-4", "--policy", "third", "--brain-policy", "another")
    operator.begin("policy")
    operator.expect(titan.ROLLED_BACK, "run")
    operator.expect_proven()
    operator.expect(titan.DONE, "arm", "--reason", "after the rollback")
    operator.expect(titan.DONE, "disarm", "--reason", "by hand")
    env_file = pathlib.Path(stack.env["TITAN_DIR"]) / ".env.prod"
    env_file.rename(
        env_file.with_name("elsewhere")
    )  # its values are unknown now: only what makes safe goes on
    operator.expect(titan.DONE, "disarm", "--reason", "without an env file")
    operator.expect(titan.REFUSED, "arm", "--reason", "without an env file")


def what_was_kept(operator):
    """Every byte that an operator has afterwards, by where it lies."""
    operator.expect(
        titan.DONE, "export", operator.bundle, "--checkpoint", operator.home / "checkpoint"
    )
    operator.expect(titan.DONE, "log")
    operator.expect(titan.DONE, "log", "--json")
    operator.expect(titan.DONE, "status")
    operator.verify("--json")
    kept = {"terminal": operator.printed}
    for path in operator.home.rglob("*"):
        if path.is_file():
            kept[str(path)] = path.read_bytes()
    for path in pathlib.Path("/tmp").glob("*"):
        try:
            if (
                path.is_file()
                and path.stat().st_mtime > operator.began
                and path.stat().st_size < 1 << 20
            ):
                kept[str(path)] = path.read_bytes()
        except OSError:
            pass
    blobs = {}
    for line in operator.bundle.read_text().splitlines():
        row = json.loads(line)
        if "data" in row:
            blobs[row["sha256"]] = kept["blob " + row["sha256"]] = base64.b64decode(row["data"])
        elif "payload" in row:
            kept[f"entry {row['seq']}"] = base64.b64decode(row["payload"])
    return kept, blobs


def insist_that_all_leaked(operator, blobs):
    """Each of these printed secrets, and the mark in its evidence shows that it did."""
    marked = set()
    for entry in operator.entries():
        for item in entry["body"].get("evidence", []):
            if b"[redacted]" in blobs[item["output"]]:
                marked.add(item["probe"])
    insist(
        {
            "preflight",
            "logs.errors",
            "health",
            "bus.policy_hash",
            "script",
            "compose.up",
            "compose.pull",
        }
        <= marked,
        str(marked),
    )


def run(stack):
    began = time.time()
    secrets = prepare(stack)
    wanted = needles(secrets)
    leak = (pathlib.Path(stack.env["SHARED"]) / "leak").read_bytes()
    missing = [name for needle, name in wanted.items() if needle not in leak]
    insist(not missing, f"the search would find each form where it is: {missing}")
    titan.wait_until(
        "the services leak",
        lambda: secrets["HMAC_SECRET"]
        in stack.docker("logs", stack.containers()["titan-web"][0]).out,
    )
    watch = Watch(wanted)
    try:
        operator = operator_of(stack, watch)
        operator.began = began
        refused(operator, stack)
        killed_and_resumed(operator, stack)
        procedures(operator, stack)
        kept, blobs = what_was_kept(operator)
    finally:
        watch.close()
    state = pathlib.Path(stack.env["TITAN_DIR"]) / "state"
    copies = [path for path in (state / "kept").iterdir() if path.suffix in (".env", ".yml")]
    insist(copies, "the env file is copied, to be put back by a rollback")
    for path in copies:
        insist(path.stat().st_mode & 0o777 == 0o600, f"{path} is its owner's alone")
    kept |= {
        str(path): path.read_bytes()
        for path in state.rglob("*")
        if path.is_file() and path.suffix != ".tar" and path not in copies
    }
    kept |= {f"{path} (its name)": str(path).encode() for path in operator.temporary.rglob("*")}
    found = [each for where, data in kept.items() for each in search(wanted, data, where)] + sorted(
        watch.found
    )
    insist(not found, f"{len(found)} found, the first: {found[:8]}")
    insist_that_all_leaked(operator, blobs)
    insist(list(operator.temporary.iterdir()) == [], "no temporary file")
    insist(
        watch.seen > 100 and watch.core == {"0"},
        f"processes were seen, and titan-fsm dumps no core: {watch.seen} {watch.core}",
    )
    insist(watch.locked_kb > 0, "keys and values lie in locked memory")
    print(
        f"{len(wanted)} forms of {len(secrets)} secrets, {sum(map(len, kept.values()))} bytes in"
        f" {len(kept)} places, {watch.seen} looks at processes: 0 found"
    )


with titan.Stack("standin", "--armed", "--ssh") as stack:
    run(stack)
sys.exit(0)
