#!/usr/bin/env python3
"""Goal: only what came back from the other side, fresh and attributable, is evidence. A storage
receipt, a flush, a line of an earlier start is none."""
import titan
from titan import insist


def operator_of(stack, **options):
    operator = titan.Operator(stack, agent=True, **options)
    operator.expect(titan.DONE, "init")
    return operator


def armed_words(stack):
    return [line.split()[0] for line in stack.received()]


def disarm_deaf_execution_is_not_seen_disarmed(stack):
    operator = operator_of(stack)
    stack.fault("execution", "deaf_disarm")
    result = operator.expect(titan.STEP_FAILED, "disarm", "--reason", "an emergency")
    insist("NOT seen disarmed" in result.out, result.out)
    outcome = [
        entry["body"]["outcome"] for entry in operator.entries() if entry["type"] == "command"
    ]
    insist(outcome == ["", "not_observed"], str(outcome))


def policy_deaf_execution_is_never_deployed(stack):
    operator = operator_of(stack)
    before = stack.containers()
    stack.fault("execution", "deaf_disarm")
    stack.commit("policy-2", "--policy", "second")
    operator.begin("policy")
    operator.expect(titan.ABORTED, "run")
    insist(before == stack.containers(), "no container was touched")
    operator.expect_proven()


def policy_execution_turns_deaf_after_disarm_is_rolled_back_safely(stack):
    operator = operator_of(stack)
    stack.commit("policy-2", "--policy", "second")
    operator.begin("policy")
    for _ in range(6):
        operator.expect(titan.DONE, "advance")
    stack.fault("execution", "deaf_disarm")
    operator.expect(titan.ROLLED_BACK, "run")
    safe = [
        entry
        for entry in operator.entries()
        if entry["type"] == "transition" and entry["body"]["to"] == "safe"
    ]
    insist("removed" in safe[-1]["body"]["reason"], safe[-1]["body"]["reason"])
    operator.expect_proven()


def disarm_without_permission_is_seen_refused(stack):
    operator = operator_of(stack)
    text = operator.config.read_text()
    operator.config.write_text(
        text.replace("user: operator", "user: viewer").replace(
            stack.env["BUS_PASSWORD_FILE"], stack.env["VIEWER_PASSWORD_FILE"]
        )
    )
    operator.expect(titan.STEP_FAILED, "disarm", "--reason", "by somebody who may not")
    insist(armed_words(stack) == ["ARM"], "nothing arrived")
    outcome = [
        entry["body"]["outcome"] for entry in operator.entries() if entry["type"] == "command"
    ]
    insist(outcome == ["", "failed"], str(outcome))


def policy_without_responder_does_not_arm(stack):
    operator = operator_of(stack)
    stack.commit("policy-2", "--policy", "second", "--fault", "execution:no_responder")
    operator.begin("policy")
    operator.expect(titan.ROLLED_BACK, "run")
    insist(armed_words(stack).count("ARM") == 1, "only the baseline's ARM")
    operator.expect_proven()


def policy_two_answers_that_differ_do_not_arm(stack):
    operator = operator_of(stack)
    stack.commit("policy-2", "--policy", "second", "--fault", "execution:two_responders")
    operator.begin("policy")
    operator.expect(titan.ROLLED_BACK, "run")
    insist(armed_words(stack).count("ARM") == 1, "only the baseline's ARM")
    operator.expect_proven()


def policy_silent_handshake_does_not_arm(stack):
    operator = operator_of(stack, settle=2000)
    stack.commit("policy-2", "--policy", "second", "--fault", "brain:silent_handshake")
    operator.begin("policy")
    operator.expect(titan.ROLLED_BACK, "run")
    insist(armed_words(stack).count("ARM") == 1, "only the baseline's ARM")
    operator.expect_proven()


def policy_deaf_to_arm_is_rolled_back(stack):
    operator = operator_of(stack, settle=2000)
    stack.commit("policy-2", "--policy", "second", "--fault", "execution:deaf_arm")
    operator.begin("policy")
    operator.expect(titan.ROLLED_BACK, "run")
    operator.expect_proven()


def release_interlock_changed_by_somebody_in_the_window_fails_at_once(stack):
    operator = operator_of(stack, limits={"window_ms": 60000, "sample_interval_ms": 500})
    stack.commit("release-2")
    operator.begin("release")
    driver = operator.start("run", "--rearm", "yes")
    titan.wait_until(
        "a sample", lambda: any(entry["type"] == "sample" for entry in operator.entries())
    )
    operator.expect(titan.DONE, "disarm", "--reason", "beside the running driver")
    insist(driver.wait(timeout=60) == titan.ROLLED_BACK, "the driver saw it and rolled back")
    operator.expect_proven()


def release_crash_in_the_window_rolls_back(stack):
    operator = operator_of(stack, limits={"window_ms": 6000, "sample_interval_ms": 300})
    stack.commit("release-2", "--fault", "web:crash_after=1500")
    operator.begin("release")
    operator.expect(titan.ROLLED_BACK, "run", "--rearm", "yes")
    operator.expect_proven()


def arm_without_parity_is_refused(stack):
    operator = operator_of(stack)
    operator.expect(titan.DONE, "disarm", "--reason", "first")
    stack.fault("execution", "no_responder")
    operator.expect(titan.STEP_FAILED, "arm", "--reason", "without parity")
    insist(armed_words(stack)[-1] == "DISARM", "no ARM was sent")
    insist(
        [entry["type"] for entry in operator.entries()][-1] == "refusal", "the refusal is recorded"
    )


CASES = [
    disarm_deaf_execution_is_not_seen_disarmed,
    policy_deaf_execution_is_never_deployed,
    policy_execution_turns_deaf_after_disarm_is_rolled_back_safely,
    disarm_without_permission_is_seen_refused,
    policy_without_responder_does_not_arm,
    policy_two_answers_that_differ_do_not_arm,
    policy_silent_handshake_does_not_arm,
    policy_deaf_to_arm_is_rolled_back,
    release_interlock_changed_by_somebody_in_the_window_fails_at_once,
    release_crash_in_the_window_rolls_back,
    arm_without_parity_is_refused,
]
# With JetStream every command is stored and answered by a receipt: none of these may come out
# otherwise.
titan.run_cases(titan.only(CASES), "--armed", "--jetstream")
