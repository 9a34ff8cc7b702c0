#!/usr/bin/env python3
"""The rehearsal: the whole of the main job on an embedded stack, shown as it runs."""
import os
import pathlib
import pwd
import shutil
import signal
import subprocess
import sys
import time

import titan

HOME = titan.ROOT / "build" / "rehearsal"
LIMITS = {"window_ms": 6000, "sample_interval_ms": 1000, "sample_gap_ms": 6000}


def say(text=""):
    print(text, flush=True)


def title(text):
    say()
    say("== " + text)


def show(operator, command, *words, status=0):
    """Runs titan-fsm with its output on this terminal, and insists on its exit status. Nobody is
    there to type the target's name."""
    if command in ("run", "resume"):
        words = [*words, "--confirm", operator.name]
    say("$ titan-fsm " + " ".join([command, *map(str, words)]))
    result = subprocess.run(
        [str(word) for word in operator.words(command, *words)],
        stdin=subprocess.DEVNULL,
        check=False,
    )
    say(f"  (exit status {result.returncode})")
    if result.returncode != status:
        sys.exit(
            f"rehearse: titan-fsm {command} ended with {result.returncode} and should have ended"
            f" with {status}"
        )


def number(operator):
    return operator.status()["deployment"]["number"]


def insist(what, truth):
    say(("  yes: " if truth else "  NO: ") + what)
    if not truth:
        sys.exit("rehearse: this is not as it must be")


def release(operator, stack):
    title("(a) a release that completes")
    stack.commit("release-2")
    show(operator, "begin", "release", "--reason", "a new web image")
    show(operator, "run", "--rearm", "yes")
    return number(operator)


def approve(operator, bob):
    """A policy change waits for a second person: what he is to see goes to him as a small file, and
    his answer comes back as another."""
    request, answer = operator.home / "request", bob.home / "approval"
    show(operator, "run", status=titan.NEEDS_PERSON)
    show(operator, "request", request)
    say(f"bob$ titan-fsm approve request --key bob.key --principal {bob.principal} --out approval")
    result = bob.fsm(
        "approve",
        request,
        "--key",
        bob.key,
        "--principal",
        bob.principal,
        "--out",
        answer,
        check=True,
    )
    for line in result.out.rstrip().splitlines():
        say("  " + line)
    show(operator, "accept", answer)


def policy(operator, stack, bob, name):
    before = stack.containers()
    stack.commit(name, "--policy", name)
    show(operator, "begin", "policy", "--reason", "a new risk policy")
    approve(operator, bob)
    show(operator, "run")
    now = stack.containers()
    insist(
        "Execution and Brain are new containers",
        all(before[each][0] != now[each][0] for each in ("titan-execution", "titan-brain")),
    )
    return number(operator)


def mismatch(operator, stack, bob):
    title("(c) a policy change whose hashes differ: DISARM, both reverted")
    images, commit = {
        service: image for service, (_, image) in stack.containers().items()
    }, stack.head()
    stack.commit("policy-broken", "--policy", "broken", "--brain-policy", "another")
    show(operator, "begin", "policy", "--reason", "a policy that Brain was not built with")
    approve(operator, bob)
    show(operator, "run", status=titan.ROLLED_BACK)
    insist(
        "images and commit are those from before",
        images == {service: image for service, (_, image) in stack.containers().items()}
        and commit == stack.head(),
    )
    failed = number(operator)
    say()
    say(
        "Execution stays disarmed after a rollback. Arming it again is a person's word, on fresh"
        " parity:"
    )
    show(operator, "arm", "--reason", "the old policy runs again in both")
    return failed


def unhealthy(operator, stack):
    title("(d) a release that turns unhealthy inside the window: rollback")
    images = {service: image for service, (_, image) in stack.containers().items()}
    stack.commit(
        "release-sick", "--policy", "policy-2", "--fault", "web:unhealthy_after=4"
    )  # the policy that runs, not the broken one
    show(operator, "begin", "release", "--reason", "a release that falls ill")
    show(operator, "run", "--rearm", "yes", status=titan.ROLLED_BACK)
    insist(
        "images are those from before",
        images == {service: image for service, (_, image) in stack.containers().items()},
    )
    return number(operator)


def killed(operator, stack, bob):
    title("(e) a driver killed with SIGKILL between an act and its record")
    stack.commit("policy-3", "--policy", "policy-3")
    show(operator, "begin", "policy", "--reason", "a policy change whose driver dies")
    approve(operator, bob)
    before = stack.containers()["titan-execution"][0]
    say(f"$ titan-fsm run --confirm {operator.name} &")
    driver = subprocess.Popen(
        [str(word) for word in operator.words("run")], stdin=subprocess.DEVNULL
    )
    titan.wait_until(
        "a new Execution container",
        lambda: stack.containers().get("titan-execution", (before,))[0] != before,
        60,
    )
    driver.send_signal(signal.SIGKILL)
    driver.wait()
    new = stack.containers()["titan-execution"][0]
    say(f"$ kill -KILL {driver.pid}        # Execution is a new container, and no entry says so")
    show(operator, "status")
    insist(
        "the intent to deploy Execution is open",
        operator.status()["deployment"]["intent"] == "deploy_execution",
    )
    show(operator, "resume")
    insist(
        "Execution was not re-created a second time",
        stack.containers()["titan-execution"][0] == new,
    )
    received = [line.split()[1] for line in stack.received() if line.startswith("ARM ")]
    insist("no ARM was received twice", len(received) == len(set(received)))
    return number(operator)


def verify(operator, deployments):
    title("(f) what titan-verify says")
    bundle = operator.home / "evidence.bundle"
    show(operator, "export", bundle, "--checkpoint", operator.home / "checkpoint")
    words = ["--trust", operator.trust, "--target", operator.name]
    for what, deployment, _ in deployments:
        result = operator.verify(
            "--checkpoint", operator.home / "checkpoint", "--deployment", deployment, journal=bundle
        )
        say(
            "$ titan-verify evidence.bundle --trust allowed_signers --target"
            f" {operator.name} --limits limits.yml --checkpoint checkpoint --deployment"
            f" {deployment}"
        )
        for line in result.out.rstrip().splitlines():
            say("  " + line)
        insist(f"{what}: all proven (exit status {result.returncode})", result.returncode == 0)
    say()
    say(
        "With the verifier's own window of 300 s instead of the rehearsal's, every completed"
        " deployment is VIOLATED:"
    )
    for what, deployment, completed in deployments:
        result = titan.run(titan.VERIFY, bundle, *words, "--deployment", deployment)
        if completed:
            insist(f"{what}: exit status {result.returncode}", result.returncode == 1)
    flipped = bytearray(bundle.read_bytes())
    flipped[len(flipped) // 2] ^= 1
    copy = operator.home / "flipped.bundle"
    copy.write_bytes(flipped)
    result = operator.verify(journal=copy)
    say()
    say("A copy with one bit flipped:")
    for line in (result.out + result.err).rstrip().splitlines()[:4]:
        say("  " + line)
    insist(f"it is refused (exit status {result.returncode})", result.returncode in (1, 4))


def rehearse(stack):
    bob = titan.Person(stack, "bob@example")
    operator = titan.Operator(
        stack,
        ssh=True,
        limits=LIMITS,
        name="titan-rehearsal",
        home=HOME,
        approvals=(1, 0),
        roster={"approvers": [bob.line]},
        guard="start: process",  # nothing outside its own directory is touched
    )
    title("a key, a configuration, a journal")
    say(f"configuration: {operator.config}")
    show(operator, "init")
    deployments = [("(a) release", release(operator, stack), True)]
    title("(b) a policy change: a second person, DISARM, Execution, Brain, parity, ARM")
    deployments.append(("(b) policy", policy(operator, stack, bob, "policy-2"), True))
    deployments.append(("(c) mismatch", mismatch(operator, stack, bob), False))
    deployments.append(("(d) unhealthy", unhealthy(operator, stack), False))
    say()
    say("Execution is armed again by hand before the next one:")
    show(operator, "arm", "--reason", "what ran before runs again")
    deployments.append(("(e) killed", killed(operator, stack, bob), True))
    verify(operator, deployments)
    return deployments


def end_by_signal(_number, _frame):
    """What was started is stopped on the way out, as after Ctrl-C."""
    raise KeyboardInterrupt


def has_user(name):
    try:
        return bool(pwd.getpwnam(name))
    except KeyError:
        return False


def begin_stack(mode):
    stack = titan.Stack(mode, "--ssh", "--armed")
    try:
        return stack.__enter__()
    except BaseException:
        stack.__exit__()
        raise


def main():
    started = time.monotonic()
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, end_by_signal)
    shutil.rmtree(HOME, ignore_errors=True)
    HOME.mkdir(parents=True)
    docker = os.geteuid() == 0 and os.environ.get("TITAN_REHEARSE") != "standin"
    if os.geteuid() == 0 and not has_user("deploy"):
        say("makes the user `deploy`, as whom the stack is reached over ssh; it stays")
    try:
        stack = begin_stack("docker") if docker else None
    except (SystemExit, AssertionError) as failure:
        say(f"no Docker daemon can be used here: {failure}")
        stack = None
    if stack is None:
        say(
            "The services run as processes under the stand-in for compose; on a machine with a"
            " Docker daemon they run in containers."
        )
        stack = begin_stack("standin")
    try:
        deployments = rehearse(stack)
    finally:
        stack.__exit__()
    title(f"rehearsed in {time.monotonic() - started:.0f} s, each proven by titan-verify")
    for what, deployment, completed in deployments:
        say(f"{what:14} deployment {deployment}: {'completed' if completed else 'rolled back'}")
    title("how to look further")
    short = pathlib.Path(os.path.relpath(HOME))
    say(f"build/fsm/titan-fsm log --config {short}/titan.yml")
    say(
        f"build/verify/titan-verify {short}/evidence.bundle --trust {short}/allowed_signers"
        f" --target titan-rehearsal --limits {short}/limits.yml"
    )
    say(
        f"build/verify/titan-verify extract {short}/evidence.bundle 1 --out {short}/entry &&"
        f" ssh-keygen -Y verify -f {short}/allowed_signers -I alice@example -n titan-journal-v1 -s"
        f" {short}/entry.sig < {short}/entry"
    )


try:
    main()
except KeyboardInterrupt:
    sys.exit("rehearse: interrupted; nothing of it runs any more, and it can be begun again")
