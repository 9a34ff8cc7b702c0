#!/usr/bin/env python3
"""Goal: proven means proven. Seven ways in which a deployment once went on, or a record was once
believed, over evidence that said the opposite; each with the unmodified programs."""
import json
import lzma
import os
import pathlib
import signal
import time

import titan
from titan import insist

OK = "Policy_hash_handshake_OK"


def operator_of(stack, **options):
    operator = titan.Operator(stack, agent=True, **options)
    operator.expect(titan.DONE, "init")
    return operator


def orders(stack):
    """The first words of what Execution received: ARM, DISARM."""
    return [line.split()[0] for line in stack.received()]


def logs_of(stack, container):
    return stack.docker("logs", container).out


def runs_disarmed(stack):
    """Execution itself says so: its last word, and no marker."""
    container = stack.containers()["titan-execution"][0]
    said = [
        line
        for line in logs_of(stack, container).splitlines()
        if "EXECUTION " in line or "Execution initialized" in line
    ]
    marker = stack.docker("cp", container + ":/app/execution.armed", "-")
    return bool(said) and "DISARMED" in said[-1] and marker.returncode != 0


def insist_disarmed(stack, operator, what, log="", arms=0):
    insist(runs_disarmed(stack), f"{what}: Execution is disarmed\n{log}")
    insist(orders(stack).count("ARM") == arms, f"{what}: {stack.received()}")
    operator.expect_proven()


def the_standards_own_lines_agree_and_are_proven(stack):
    """A line without a hash, in upper case, shortened: the other voices name the hash."""
    operator = operator_of(stack)
    forms = (OK, OK + "._Enabling_signal_processing._Hash:_%U", OK + "_(hash:_%S...)")
    for number, form in enumerate(forms):
        stack.commit(
            f"policy-{number}", "--policy", form, "--fault", "brain:handshake_line=" + form
        )
        operator.begin("policy")
        operator.expect(titan.DONE, "run")
        insist(orders(stack).count("ARM") == number + 1, f"{form}: {stack.received()}")
        operator.expect_proven()
        shown = operator.entries()[-1]["deployment"]
        facts = [
            entry["body"]["facts"]["policy_hash"]
            for entry in operator.entries()
            if entry["type"] == "transition"
            and entry["deployment"] == shown
            and entry["body"]["to"] == "parity_verified"
        ]
        insist(len(facts) == 1 and len(facts[0]) == 64, f"{form}: armed on {facts}")
    said = operator.expect_proven().out
    insist("named no whole hash" in said, said)


def a_contrary_line_is_rolled_back_and_never_armed(stack):
    operator = operator_of(stack)
    forms = (
        OK + "_(Hash:_%O)",
        OK + "._Enabling_signal_processing._Hash:_%P",
        OK + "_(hash:_0123abcd...)",
        OK + "AY?_no:_refused",
    )
    for number, form in enumerate(forms):
        stack.commit(
            f"policy-{number}", "--policy", form, "--fault", "brain:handshake_line=" + form
        )
        operator.begin("policy")
        operator.expect(titan.ROLLED_BACK, "run")
        insist_disarmed(stack, operator, form)


def a_release_that_changes_the_hash_is_not_armed(stack):
    operator = operator_of(stack)
    operator.expect(titan.DONE, "arm", "--reason", "as in production")
    stack.commit("release-2", "--image-policy", "another", "--fault", "brain:handshake_line=" + OK)
    operator.begin("release")
    said = operator.expect(titan.ROLLED_BACK, "run", "--rearm", "yes").out
    insist("a release must keep the policy hash" in said, said)
    insist_disarmed(stack, operator, "another hash", said, arms=1)


def somebody_elses_arm_is_answered_with_disarm(stack):
    """Between the observed DISARM and the driver's own ARM: once on the bus, once by a restart with
    the marker of it."""
    operator = operator_of(stack)
    for number, restarts in enumerate((False, True)):
        stack.commit(f"policy-{number}", "--policy", f"policy {number}")
        operator.begin("policy")
        while operator.status()["deployment"]["state"] != "execution_deployed":
            operator.expect(titan.DONE, "advance")
        container = stack.containers()["titan-execution"][0]
        titan.run(titan.STACK, "arm", stack.env["STACK"], "a stranger", check=True)
        titan.wait_until(
            "the stranger's ARM", lambda: "EXECUTION ARMED" in logs_of(stack, container)
        )
        if restarts:
            stack.docker("restart", container)
        said = operator.expect(titan.ROLLED_BACK, "run").out
        insist("armed" in said, said)
        insist(orders(stack)[-1] == "DISARM", str(stack.received()))
        insist_disarmed(stack, operator, f"restarts {restarts}", said, arms=number + 1)


def in_the_window(stack, operator, act, name="policy-2"):
    """A policy change; `act` when its first sample was taken. The driver's exit status."""
    stack.commit(name, "--policy", name)
    operator.begin("policy")
    deployment = operator.status()["deployment"]["number"]
    driver = operator.start("run")

    def sampled():
        return any(
            entry["type"] == "sample" and entry["deployment"] == deployment
            for entry in operator.entries()
        )

    titan.wait_until("a sample", sampled)
    act(driver)
    return driver.wait(timeout=60)


def last_failure(operator):
    return [
        entry["body"]
        for entry in operator.entries()
        if entry["type"] == "transition" and entry["body"]["to"] == "rolling_back"
    ][-1]


def brain_says(stack, word, *faults):
    """Brain, as it runs, prints it; one that is started later does not."""
    container = stack.containers()["titan-brain"][0]
    before = logs_of(stack, container).count(word)
    stack.fault("brain", *faults)
    titan.wait_until(word, lambda: logs_of(stack, container).count(word) > before)
    stack.fault("brain", "none")


def a_handshake_that_fails_in_the_window_is_a_mismatch(stack):
    operator = operator_of(stack, limits={"window_ms": 6000})
    status = in_the_window(
        stack, operator, lambda _: brain_says(stack, "handshake FAILED", "handshake_fails=0")
    )
    failure = last_failure(operator)
    log = operator.fsm("log").out
    insist(status == titan.ROLLED_BACK and failure["event"] == "mismatch", log)
    insist("handshake FAILED" in failure["reason"], failure["reason"])
    insist_disarmed(stack, operator, "a failed handshake", log, arms=1)


def a_lost_leadership_is_a_mismatch_unless_it_is_regained(stack):
    operator = operator_of(stack, limits={"window_ms": 3500, "sample_interval_ms": 800})

    def regains(_):
        brain_says(stack, "handshake OK", "leadership_lost=0", "leadership_regained=400")

    status = in_the_window(stack, operator, regains)
    insist(status == titan.DONE, f"{status}: {operator.fsm('log').out}")
    operator.expect_proven()
    status = in_the_window(
        stack, operator, lambda _: brain_says(stack, "demoted", "leadership_lost=0"), "policy-3"
    )
    failure = last_failure(operator)
    log = operator.fsm("log").out
    insist(status == titan.ROLLED_BACK and failure["event"] == "mismatch", log)
    insist("leadership" in failure["reason"], failure["reason"])
    insist_disarmed(stack, operator, "a lost leadership", log, arms=2)


def a_service_that_crash_loops_does_not_pass(stack):
    """It is never bad three times in a row."""
    operator = operator_of(stack, limits={"window_ms": 8000})
    stack.commit("release-2", "--fault", "web:crash_after=4000")
    operator.begin("release")
    said = operator.expect(titan.ROLLED_BACK, "run").out
    insist("titan-web was restarted" in said, said)
    operator.expect_proven()
    shared = titan.ROOT.parent / "shared" / "cases" / "stacks" / "restart-loop"
    if not shared.exists():
        return
    bundle = operator.home / "restart-loop.bundle"
    bundle.write_bytes(lzma.decompress((shared / "evidence.bundle.xz").read_bytes()))
    verdict = titan.run(
        titan.VERIFY,
        bundle,
        "--trust",
        shared / "allowed_signers",
        "--target",
        operator.name,
        "--json",
    )
    window = [
        claim
        for claim in json.loads(verdict.out)["deployments"][-1]["claims"]
        if claim["claim"] == "window"
    ]
    insist(verdict.returncode != 0 and window[0]["verdict"] == "violated", str(window))


def a_window_that_nobody_watched_is_rolled_back_and_late(stack):
    operator = operator_of(
        stack,
        limits={"window_ms": 20000, "sample_gap_ms": 1500, "rollback_start_ms": 1000},
    )

    def leaves(driver):
        driver.send_signal(signal.SIGKILL)
        driver.wait()
        stack.fault("web", "unhealthy")

    in_the_window(stack, operator, leaves)
    last = operator.entries()[-1]["boottime_ns"]
    titan.wait_until(
        "4 s without a watcher",
        lambda: time.clock_gettime_ns(time.CLOCK_BOOTTIME) - last > 4_000_000_000,
    )
    stack.fault("web", "none")
    said = operator.expect(titan.ROLLED_BACK, "resume").out
    insist("nobody watched" in said or "unwatched" in said, said)
    insist(runs_disarmed(stack), "Execution is disarmed")
    verdict = operator.verify()
    insist(verdict.returncode == 1, verdict.out)
    line = [line for line in verdict.out.splitlines() if "window" in line]
    insist(any("VIOLATED" in each for each in line), verdict.out)
    insist("nobody watched for" in verdict.out, verdict.out)


def compose(stack, *words):
    return titan.run(
        *stack.env["COMPOSE"].split(),
        "-p",
        "titan",
        "-f",
        "docker-compose.prod.yml",
        "--env-file",
        ".env.prod",
        *words,
        cwd=stack.env["TITAN_DIR"],
        check=True,
    )


def two_executions(stack):
    """Their names and ids; both are armed, and the second does not hear DISARM."""
    compose(
        stack,
        "up",
        "-d",
        "--no-deps",
        "--no-recreate",
        "--scale",
        "titan-execution=2",
        "titan-execution",
    )
    label = "label=com.docker.compose.service=titan-execution"
    ids = stack.docker("ps", "-q", "--no-trunc", "--filter", label).out.split()
    insist(len(ids) == 2, str(ids))
    faults = pathlib.Path(stack.env["STACK"], "standin/state/containers", ids[1], "root/app/faults")
    fresh = faults.with_suffix(".new")  # the image's own file is another link of this one
    fresh.write_text("deaf_disarm\n")
    os.rename(fresh, faults)
    for each in ids:
        titan.wait_until("the bus", lambda each=each: "Connected to NATS" in logs_of(stack, each))
    titan.run(titan.STACK, "arm", stack.env["STACK"], "both", check=True)
    for each in ids:
        titan.wait_until("ARM", lambda each=each: "EXECUTION ARMED" in logs_of(stack, each))
    names = [found["Name"][1:] for found in json.loads(stack.docker("inspect", *ids).out)]
    return names, ids


def a_second_execution_is_never_seen_disarmed(stack):
    operator = operator_of(stack, settle=1000)
    names, ids = two_executions(stack)
    said = operator.expect(titan.STEP_FAILED, "disarm", "--reason", "both of them").out
    insist("NOT seen disarmed" in said and all(name in said for name in names), said)
    insist("EXECUTION DISARMED" in logs_of(stack, ids[0]), "the first one heard it")
    insist("EXECUTION DISARMED" not in logs_of(stack, ids[1]), "the second one is armed")
    said = operator.expect(titan.DRIFT, "drift").out
    insist("two" in said or "2 " in said, said)
    insist(all(name in said for name in names), said)
    arms = orders(stack).count("ARM")
    said = operator.expect(titan.STEP_FAILED, "arm", "--reason", "one of them").out
    insist(all(name in said for name in names), said)
    stack.commit("policy-2", "--policy", "second")
    operator.begin("policy")
    said = operator.expect(titan.ABORTED, "run").out
    insist(orders(stack).count("ARM") == arms, "and no ARM was sent")
    operator.expect_proven()


def what_is_said_after_a_failed_policy_change_was_observed(stack):
    operator = operator_of(stack, settle=2000)
    before = stack.env["POLICY_HASH"]
    made = stack.commit("policy-2", "--policy", "second", "--fault", "brain:silent_handshake")
    after = [line.split("=")[1] for line in made.splitlines() if "EXECUTION_POLICY" in line][0]
    operator.begin("policy")
    operator.expect(titan.ROLLED_BACK, "run")
    said = operator.expect_proven().out
    parity = [line for line in said.splitlines() if "parity" in line and "PROVEN" in line]
    insist(before[:12] in said and after[:12] not in said, said)
    insist(parity and "not applicable" not in parity[0], said)
    operator.expect(titan.DONE, "arm", "--reason", "as in production")
    stack.fault("execution", "deaf_disarm")
    stack.commit("policy-3", "--policy", "third")
    operator.begin("policy")
    said = operator.expect(titan.ABORTED, "run").out
    insist("disarmed     Execution" not in said, said)


CASES = [
    the_standards_own_lines_agree_and_are_proven,
    a_contrary_line_is_rolled_back_and_never_armed,
    a_release_that_changes_the_hash_is_not_armed,
    somebody_elses_arm_is_answered_with_disarm,
    a_handshake_that_fails_in_the_window_is_a_mismatch,
    a_lost_leadership_is_a_mismatch_unless_it_is_regained,
    a_service_that_crash_loops_does_not_pass,
    a_window_that_nobody_watched_is_rolled_back_and_late,
    a_second_execution_is_never_seen_disarmed,
    what_is_said_after_a_failed_policy_change_was_observed,
]
titan.run_cases(titan.only(CASES))
