"""Two operators with keys in one real ssh-agent: alice, who is administrator too, and bob. Each has
a machine of their own (a directory); the journal is copied between them. What the target says of
its holder is read from its own file."""
import json
import os
import pathlib
import re
import shutil
import tempfile
import time

import titan


def key_of(stack, name):
    """The public line of a key that the stack's agent holds."""
    socket, _ = stack.agent()
    path = stack.home / f"{name}.key"
    if not path.exists():
        titan.run(
            "ssh-keygen",
            "-q",
            "-t",
            "ed25519",
            "-N",
            "",
            "-C",
            f"{name}@example",
            "-f",
            path,
            check=True,
        )
        titan.run("ssh-add", "-q", path, check=True, env=dict(os.environ, SSH_AUTH_SOCK=socket))
    return path.with_suffix(".key.pub").read_text().strip()


def signer_line(stack, name):
    return f'{name}@example namespaces="titan-journal-v1,titan-approval-v1" {key_of(stack, name)}'


def alice_of(stack, tenancy_ms=3600000, init=True, approvers=(), **options):
    roster = {
        "operators": [signer_line(stack, "bob")],
        "approvers": [signer_line(stack, name) for name in approvers],
    }
    alice = titan.Operator(stack, agent=True, roster=roster, **options)
    alice.config.write_text(
        alice.config.read_text().replace("limits: {", f"limits: {{tenancy_ms: {tenancy_ms}, ")
    )
    if init:
        alice.expect(titan.DONE, "init")
    return alice


def machine(operator, principal=None):
    """Another machine: a copy of all that the first one has; with a principal, that one's own
    configuration and no session key."""
    other = titan.Operator.__new__(titan.Operator)
    other.__dict__.update(operator.__dict__)
    other.home = pathlib.Path(tempfile.mkdtemp(prefix="machine-", dir=operator.stack.home))
    shutil.copytree(operator.home, other.home, dirs_exist_ok=True)
    for name in ("passphrase", "config", "journal", "trust", "limits_file", "bundle"):
        setattr(other, name, other.home / getattr(operator, name).name)
    if principal is not None:
        text = re.sub(
            r"operator: .*",
            (
                f"operator: {{principal: {principal}@example, agent:"
                f' "{key_of(operator.stack, principal)}"}}'
            ),
            other.config.read_text(),
        )
        other.config.write_text(text)
        for key in other.journal.glob("session-*.key"):
            key.unlink()
    return other


def beside(operator, principal):
    """The same directory, session keys and all, under another one's configuration."""
    other = titan.Operator.__new__(titan.Operator)
    other.__dict__.update(operator.__dict__)
    other.config = operator.home / f"{principal}.yml"
    other.config.write_text(
        re.sub(
            r"operator: .*",
            (
                f"operator: {{principal: {principal}@example, agent:"
                f' "{key_of(operator.stack, principal)}"}}'
            ),
            operator.config.read_text(),
        )
    )
    return other


def state_file(stack, name="deployment.json"):
    return pathlib.Path(stack.env["TITAN_DIR"]) / "state" / name


def holder(stack):
    return json.loads(state_file(stack).read_text())


def uptime_ms():
    return int(float(open("/proc/uptime").read().split()[0]) * 1000)


def wait_for_expiry(stack):
    titan.wait_until(
        "the holder's time to be over", lambda: uptime_ms() > holder(stack)["expires_ms"] + 20
    )


def as_it_is(stack):
    """Everything that a driver could have changed."""
    return (
        stack.containers(),
        stack.head(),
        stack.received(),
        state_file(stack).read_text() if state_file(stack).exists() else "",
    )


def refused(stack, operator, status, words, *parts):
    before = as_it_is(stack)
    result = operator.fsm(*words)
    titan.insist(
        result.returncode == status,
        f"{words}: {result.returncode} and not {status}: {result.out}{result.err}",
    )
    lines = [line for line in result.err.splitlines() if line]
    titan.insist(
        len(lines) == 1 and "next: " in lines[0], f"one sentence with its next step: {result.err}"
    )
    for part in parts:
        titan.insist(re.search(part, lines[0]) is not None, f"'{part}' is not in: {lines[0]}")
    titan.insist(
        before == as_it_is(stack),
        f"{words}: something was done to the target: {before} {as_it_is(stack)}",
    )


def advance_to(operator, state):
    for _ in range(16):
        if operator.status()["deployment"]["state"] == state:
            return
        operator.expect(titan.DONE, "advance")
    raise AssertionError(f"{state} was not reached")


def samples(operator):
    return [entry for entry in operator.entries() if entry["type"] == "sample"]


def kill(driver):
    driver.kill()
    driver.wait()
    return time.monotonic()
