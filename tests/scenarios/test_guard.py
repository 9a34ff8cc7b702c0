#!/usr/bin/env python3
"""Goal: a driver that dies, anywhere behind the first change, leaves a target that brings back by
itself what ran before, in time and once; and one that lives is never disturbed."""
import functools
import json
import os
import pathlib
import random
import signal
import subprocess
import sys
import time

import titan
from titan import insist

SOON = "start: process, step_ms: 5000, margin_ms: 3000, pause_ms: 9000"
LIMITS = {"window_ms": 5000, "sample_interval_ms": 500, "sample_gap_ms": 3000}
# Docker over ssh, on a machine that does more than this.
SLOW = {"window_ms": 15000, "sample_interval_ms": 1000, "sample_gap_ms": 10000}
BOOT = "/proc/sys/kernel/random/boot_id"


def operator_of(stack, **options):
    options.setdefault("guard", SOON)
    options.setdefault("limits", SLOW if stack.mode == "docker" else LIMITS)
    options.setdefault("ssh", stack.mode == "docker")
    operator = titan.Operator(stack, agent=True, **options)
    operator.expect(titan.DONE, "init")
    return operator


def commit(stack, procedure):
    if procedure == "policy":
        stack.commit("policy-2", "--policy", "second")
    else:
        stack.commit("release-2")


class Guard:
    """The files of one guard on the target."""

    def __init__(self, stack):
        self.directory = pathlib.Path(stack.env["TITAN_DIR"]) / "state" / "guard"

    def text(self, name):
        try:
            return (self.directory / name).read_text(encoding="utf-8")
        except FileNotFoundError:
            return ""

    def record(self):
        return [json.loads(line) for line in self.text("record").splitlines()]

    def acts(self):
        return [line["act"].split()[0] for line in self.record()]

    def has_ended(self):
        return "end" in self.acts()

    def lies(self):
        return (self.directory / "due").exists()

    def reboot(self):
        """All of its processes die with the target, and it starts again in another boot."""
        process = int(self.text("alive").split()[0])
        os.kill(process, signal.SIGKILL)
        other = self.directory.parent / "other-boot"
        other.write_text("00000000-1111-4222-8333-444444444444\n", encoding="ascii")
        return subprocess.run(
            [
                *("unshare", "-m", "sh", "-c"),
                f"mount --bind {other} {BOOT} && cd {self.directory} && timeout 60 sh ./start",
            ],
            check=False,
        )


class Before:
    """What ran, to be compared with what runs."""

    def __init__(self, stack):
        self.stack, self.head = stack, stack.head()
        self.images = {name: image for name, (_, image) in stack.containers().items()}

    def insist_restored(self, what):
        now = {name: image for name, (_, image) in self.stack.containers().items()}
        insist(now == self.images, f"{what}: {now} runs, and before {self.images}")
        insist(self.stack.head() == self.head, f"{what}: the tree is as before")


def says(operator, word):
    return any(word in json.dumps(entry) for entry in operator.entries())


def kill_at(operator, word):
    driver = operator.start("run", "--rearm", "yes")
    titan.wait_until(word, lambda: says(operator, word))
    driver.send_signal(signal.SIGKILL)
    driver.wait()


def finish(stack, operator, before, what):
    """Somebody comes back, collects what the guard did, and everybody believes it."""
    guard = Guard(stack)
    before.insist_restored(what)
    insist(guard.acts().count("begin") == 1, f"{what}: one actor, once: {guard.acts()}")
    operator.expect(titan.ROLLED_BACK, "resume")
    before.insist_restored(what)
    insist(not guard.lies(), f"{what}: the guard is withdrawn")
    operator.expect_proven()


def dies(stack, procedure, word):
    operator, before, guard = operator_of(stack), Before(stack), Guard(stack)
    commit(stack, procedure)
    operator.begin(procedure)
    kill_at(operator, word)
    titan.wait_until("the guard to end", guard.has_ended)
    finish(stack, operator, before, f"{procedure}, dead at {word}")


def driver_dies_while_it_verifies(stack):
    dies(stack, "release", '"action": "verify_release"')


def driver_dies_in_the_window(stack):
    dies(stack, "release", '"n": 2')


def driver_dies_behind_arm(stack):
    dies(stack, "policy", '"to": "armed"')


def driver_dies_between_execution_and_brain(stack):
    dies(stack, "policy", '"action": "deploy_brain"')


def person_thinks_too_long_in_a_pause(stack):
    operator, before, guard = operator_of(stack), Before(stack), Guard(stack)
    commit(stack, "policy")
    operator.begin("policy")
    while operator.status()["deployment"]["state"] != "execution_deployed":
        result = operator.expect(titan.DONE, "advance")
    insist("then the guard rolls back" in result.out, result.out)
    insist("guard       rolls back in" in operator.fsm("status").out, operator.fsm("status").out)
    titan.wait_until("the guard to end", guard.has_ended)
    finish(stack, operator, before, "a pause that was too long")


def person_thinks_before_the_first_change(stack):
    """Nothing has changed: nobody waits, and a reboot changes nothing either."""
    operator, guard = operator_of(stack), Guard(stack)
    commit(stack, "release")
    operator.begin("release")
    while operator.status()["deployment"]["state"] != "guarded":
        operator.expect(titan.DONE, "advance")
    containers = stack.containers()
    time.sleep(10)
    insist(guard.record() == [] and stack.containers() == containers, "nothing happened")
    insist(guard.reboot().returncode == 124, "it waits in the other boot too")
    insist(guard.record() == [] and stack.containers() == containers, "a reboot changed nothing")
    result = operator.fsm("advance", "--rearm", "yes")
    insist(result.returncode == titan.ABORTED, result.out)
    insist("guard is gone" in result.out, result.out)
    insist(stack.containers() == containers, "no service was touched")
    operator.expect_proven()


def reboot_makes_it_act_at_once(stack):
    operator, before, guard = operator_of(stack), Before(stack), Guard(stack)
    commit(stack, "release")
    operator.begin("release")
    kill_at(operator, '"n": 2')
    guard.reboot()
    insist(guard.record()[0]["said"].startswith("reboot "), guard.record()[0])
    finish(stack, operator, before, "a reboot")


def reboot_after_the_end_changes_nothing(stack):
    operator, guard = operator_of(stack), Guard(stack)
    commit(stack, "release")
    operator.begin("release")
    operator.expect(titan.DONE, "run", "--rearm", "yes")
    insist(not guard.lies() and not (guard.directory / "start").exists(), "it is withdrawn")
    operator.expect_proven()


def driver_that_slept_finds_what_was_done(stack):
    operator, before, guard = operator_of(stack), Before(stack), Guard(stack)
    commit(stack, "release")
    operator.begin("release")
    driver = operator.start("run", "--rearm", "yes")
    titan.wait_until("samples", lambda: says(operator, '"n": 2'))
    driver.send_signal(signal.SIGSTOP)
    titan.wait_until("the guard to end", guard.has_ended)
    driver.send_signal(signal.SIGCONT)
    insist(driver.wait() == titan.ROLLED_BACK, "the driver follows the guard")
    before.insist_restored("a driver that slept")
    operator.expect_proven()


def torn_plan_is_not_run(stack):
    operator, guard = operator_of(stack), Guard(stack)
    commit(stack, "release")
    operator.begin("release")
    kill_at(operator, '"n": 2')
    running = stack.containers()
    plan = guard.directory / "plan"
    plan.write_bytes(plan.read_bytes()[:-40])
    guard.reboot()
    insist(guard.acts() == ["refused"], guard.record())
    insist(stack.containers() == running, "nothing was touched")


def torn_plan_is_laid_again(stack):
    operator, guard = operator_of(stack, limits=dict(LIMITS, window_ms=2000)), Guard(stack)
    commit(stack, "policy")
    operator.begin("policy")
    while operator.status()["deployment"]["state"] != "execution_deployed":
        operator.expect(titan.DONE, "advance")
    (guard.directory / "plan").write_text("exit 0\n", encoding="ascii")
    result = operator.expect(titan.DONE, "run")
    insist("was laid again" in result.out, result.out)
    operator.expect_proven()


def somebody_holds_the_lock_for_ever(stack):
    """Execution is made safe without it; the rest follows as soon as the lock is free."""
    operator, before, guard = operator_of(stack), Before(stack), Guard(stack)
    commit(stack, "release")
    operator.begin("release")
    kill_at(operator, '"n": 2')
    lock = guard.directory.parent / "deploy.lock"
    with subprocess.Popen(["flock", str(lock), "sleep", "600"]) as holder:
        titan.wait_until("it to be safe", lambda: "safe" in guard.acts())
        insist("titan-execution" not in stack.containers(), "Execution is gone")
        insist(not guard.has_ended(), "and the rest waits")
        subprocess.run(["pkill", "-P", str(holder.pid)], check=False)
        holder.kill()
    titan.wait_until("the guard to end", guard.has_ended)
    finish(stack, operator, before, "a lock that was held")


def another_journal_is_refused_while_it_lies_there(stack):
    operator = operator_of(stack, guard=SOON.replace("9000", "600000"))
    commit(stack, "policy")
    operator.begin("policy")
    while operator.status()["deployment"]["state"] != "execution_deployed":
        operator.expect(titan.DONE, "advance")
    other = titan.Operator(stack, agent=True, guard=SOON, limits=LIMITS)
    other.expect(titan.DONE, "init")
    other.begin("release")
    insist(other.fsm("run").returncode != titan.DONE, "another journal does not get the target")
    operator.expect(titan.ROLLED_BACK, "rollback", "--reason", "enough")
    operator.expect_proven()


def races(stack, count):
    """Killed at any moment: a confirmation or a restoration, never neither."""
    seed = int(os.environ.get("TITAN_SEED", "1"))
    for number in range(seed, seed + count):
        chance = random.Random(number)
        stack.reset()
        operator, before, guard = operator_of(stack), Before(stack), Guard(stack)
        commit(stack, "release")
        operator.begin("release")
        driver = operator.start("run", "--rearm", "yes")
        titan.wait_until("the switch", lambda: says(operator, '"action": "switch_services"'))
        time.sleep(chance.uniform(0, 9))
        driver.send_signal(signal.SIGKILL)
        driver.wait()
        titan.wait_until(
            "an end", lambda: guard.has_ended() or not guard.lies() or "0 0" in guard.text("due")
        )
        code = operator.fsm("resume").returncode
        what = f"TITAN_SEED={number}: resume ended with {code}"
        if code == titan.ROLLED_BACK:
            before.insist_restored(what)
        insist(guard.acts().count("begin") <= 1, what)
        insist(not guard.lies(), what)
        operator.expect_proven()


# Most of their time is waiting: what the others show besides is for `all`.
CASES = [
    driver_dies_while_it_verifies,
    reboot_makes_it_act_at_once,
    torn_plan_is_not_run,
    torn_plan_is_laid_again,
    reboot_after_the_end_changes_nothing,
]
ALL = CASES + [
    driver_dies_in_the_window,
    driver_dies_behind_arm,
    driver_dies_between_execution_and_brain,
    person_thinks_too_long_in_a_pause,
    person_thinks_before_the_first_change,
    driver_that_slept_finds_what_was_done,
    somebody_holds_the_lock_for_ever,
    another_journal_is_refused_while_it_lies_there,
]
# With real containers, and from another machine.
ON_DOCKER = [driver_dies_in_the_window, driver_dies_between_execution_and_brain]


def chosen(mode, words):
    if "races" in words:
        count = 200 if "all" in words else 20
        return [functools.partial(races, count=count)]
    return ON_DOCKER if mode == "docker" else ALL if "all" in words else CASES


if __name__ == "__main__":
    MODE = sys.argv[1]
    OPTIONS = ["--armed", "--ssh"] if MODE == "docker" else ["--armed"]
    titan.run_cases(chosen(MODE, sys.argv[2:]), *OPTIONS, mode=MODE)
