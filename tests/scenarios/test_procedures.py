#!/usr/bin/env python3
"""Goal: both procedures run against real components and end as the standard says; what a release
may not change, ends it."""
import signal

import titan
from titan import insist


def operator_of(stack, **options):
    operator = titan.Operator(stack, agent=True, **options)
    operator.expect(titan.DONE, "init")
    return operator


def states(operator):
    return [entry["body"]["to"] for entry in operator.entries() if entry["type"] == "transition"]


def begin_release_advance_takes_one_step_and_goes_on_through_hot_states(stack):
    operator = operator_of(stack)
    stack.commit("release-2")
    operator.begin("release")
    for state in ("preflighted", "connected", "updated", "pulled", "guarded", "completed"):
        operator.expect(titan.DONE, "advance", "--rearm", "yes")
        insist(
            operator.status()["deployment"]["state"] == state,
            f"advance leads to {operator.status()['deployment']['state']}, not {state}",
        )
    insist(
        states(operator)[5:]
        == ["switched", "verified", "armed", "observed", "confirmed", "completed"],
        f"hot states: {states(operator)}",
    )
    operator.expect_proven()
    claims = operator.claims()
    insist(claims["restoration"] == "not applicable", str(claims))


def run_release_armed_before_without_an_answer_stays_disarmed(stack):
    operator = operator_of(stack)
    stack.commit("release-2")
    operator.begin("release")
    operator.expect(titan.DONE, "run")
    insist(
        len([line for line in stack.received() if line.startswith("ARM ")]) == 1,
        "only the baseline's ARM was received",
    )
    operator.expect_proven()


def run_release_disarmed_before_stays_disarmed(stack):
    operator = operator_of(stack)
    operator.expect(titan.DONE, "disarm", "--reason", "before the release")
    stack.commit("release-2")
    operator.begin("release")
    operator.expect(titan.DONE, "run", "--rearm", "yes")
    insist(not any(line.startswith("ARM ") for line in stack.received()[1:]), "no ARM was sent")
    operator.expect_proven()


def run_policy_completes_in_the_standards_order(stack):
    operator = operator_of(stack)
    stack.commit("policy-2", "--policy", "second")
    operator.begin("policy")
    operator.expect(titan.DONE, "run")
    insist(
        states(operator)
        == [
            "preflighted",
            "connected",
            "updated",
            "pulled",
            "guarded",
            "disarmed",
            "execution_deployed",
            "execution_verified",
            "brain_deployed",
            "parity_verified",
            "armed",
            "observed",
            "confirmed",
            "completed",
        ],
        str(states(operator)),
    )
    words = [line.split()[0] for line in stack.received()]
    insist(words == ["ARM", "DISARM", "DISARM", "DISARM", "ARM"], str(words))
    operator.expect_proven()


def run_policy_other_hash_than_expected_rolls_back(stack):
    operator = operator_of(stack)
    images = {service: image for service, (_, image) in stack.containers().items()}
    stack.commit("policy-2", "--policy", "second")
    operator.begin("policy", "--expect", "ab" * 32)
    operator.expect(titan.ROLLED_BACK, "run")
    insist(
        images == {service: image for service, (_, image) in stack.containers().items()},
        "the images are those from before",
    )
    operator.expect_proven()


def run_release_that_changes_the_policy_file_stops_before_any_change(stack):
    operator = operator_of(stack)
    before, head = stack.containers(), stack.head()
    stack.commit("policy-2", "--policy", "second")
    operator.begin("release")
    result = operator.expect(titan.ABORTED, "run")
    insist("titan-fsm begin policy" in result.out, result.out)
    insist(before == stack.containers() and head == stack.head(), "nothing changed")
    operator.expect_proven()


def run_release_whose_image_changes_the_hash_does_not_complete(stack):
    operator = operator_of(stack)
    images = {service: image for service, (_, image) in stack.containers().items()}
    stack.commit("release-2", "--image-policy", "smuggled")
    operator.begin("release")
    operator.expect(titan.ROLLED_BACK, "run", "--rearm", "yes")
    insist(
        images == {service: image for service, (_, image) in stack.containers().items()},
        "the images are those from before",
    )
    operator.expect_proven()


def run_release_whose_execution_comes_up_armed_does_not_complete(stack):
    operator = operator_of(stack)
    operator.expect(titan.DONE, "disarm", "--reason", "before the release")
    stack.commit("release-2", "--fault", "execution:armed_at_start")
    operator.begin("release")
    result = operator.expect(titan.ROLLED_BACK, "run")
    insist("it is armed now" in result.out, result.out)
    operator.expect_proven()


def run_commit_asked_for_is_deployed_and_not_the_head(stack):
    operator = operator_of(stack)
    wanted = dict(line.split("=") for line in stack.commit("release-2").splitlines())["COMMIT"]
    stack.commit("release-3")
    operator.begin("release", "--commit", wanted)
    operator.expect(titan.DONE, "run", "--rearm", "no")
    insist(stack.head() == wanted, "the commit asked for is checked out")
    operator.expect_proven()


def abort_before_a_change_restores_the_commit(stack):
    operator = operator_of(stack)
    head = stack.head()
    stack.commit("release-2")
    operator.begin("release")
    for _ in range(4):
        operator.expect(titan.DONE, "advance")
    insist(stack.head() != head, "the tree was updated")
    operator.expect(titan.REFUSED, "rollback", "--reason", "not yet possible")
    operator.expect(titan.ABORTED, "abort", "--reason", "second thoughts")
    insist(stack.head() == head, "the commit is restored")
    operator.begin("release")
    operator.expect(
        titan.DONE, "run", "--rearm", "no"
    )  # the target is free, and the next pull works
    operator.expect_proven()


def rollback_by_the_operator_in_the_window(stack):
    operator = operator_of(stack, limits={"window_ms": 60000, "sample_interval_ms": 500})
    images = {service: image for service, (_, image) in stack.containers().items()}
    stack.commit("release-2")
    operator.begin("release")
    driver = operator.start("run", "--rearm", "yes")
    titan.wait_until(
        "a sample", lambda: any(entry["type"] == "sample" for entry in operator.entries())
    )
    driver.terminate()
    driver.send_signal(signal.SIGINT)
    insist(driver.wait() < 0, "the second signal ends the window at once")
    operator.expect(titan.ROLLED_BACK, "rollback", "--reason", "the operator saw something")
    insist(
        images == {service: image for service, (_, image) in stack.containers().items()},
        "the images are those from before",
    )
    operator.expect_proven()


titan.run_cases(
    titan.only(
        [
            begin_release_advance_takes_one_step_and_goes_on_through_hot_states,
            run_release_armed_before_without_an_answer_stays_disarmed,
            run_release_disarmed_before_stays_disarmed,
            run_policy_completes_in_the_standards_order,
            run_policy_other_hash_than_expected_rolls_back,
            run_release_that_changes_the_policy_file_stops_before_any_change,
            run_release_whose_image_changes_the_hash_does_not_complete,
            run_release_whose_execution_comes_up_armed_does_not_complete,
            run_commit_asked_for_is_deployed_and_not_the_head,
            abort_before_a_change_restores_the_commit,
            rollback_by_the_operator_in_the_window,
        ]
    ),
    "--armed",
)
