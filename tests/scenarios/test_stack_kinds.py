#!/usr/bin/env python3
"""Goal: what differs from target to target: the version 2 plugin (through the declared shim) found
by itself, containers' own checks, commands in containers, the user's verification script, error
patterns in the logs, a target without any policy hash. usage: test_stack_kinds.py standin|docker"""
import pathlib
import sys

import titan
from titan import insist


def operator_of(stack, extra="", change=lambda text: text):
    operator = titan.Operator(stack, agent=True, extra=extra, ssh=stack.mode == "docker")
    operator.config.write_text(change(operator.config.read_text()))
    operator.expect(titan.DONE, "init")
    return operator


def plugin_and_project_are_found_by_themselves(stack):
    """Of the project compose knows by a variable of the env file only."""
    with (pathlib.Path(stack.env["TITAN_DIR"]) / ".env.prod").open("a") as env_file:
        env_file.write("export COMPOSE_PROJECT_NAME='titan'\n")
    operator = operator_of(
        stack,
        change=lambda text: text.replace(
            f"command: {stack.env['COMPOSE']}, project: titan", "command: auto"
        ),
    )
    stack.commit("policy-2", "--policy", "second")
    operator.begin("policy")
    operator.expect(titan.DONE, "run")
    operator.expect_proven()
    stack.commit("release-2", "--policy", "second", "--fault", "web:unhealthy")
    operator.begin("release")
    operator.expect(titan.ROLLED_BACK, "run", "--rearm", "yes")
    operator.expect_proven()


def kinds_of_endpoints_are_all_asked(stack):
    web = f"/app/titan-service health {stack.env['WEB_PORT']}"
    operator = operator_of(
        stack,
        change=lambda text: text.replace(
            "endpoints:\n",
            (
                "endpoints:\n  own: {service: titan-web}\n  inside: {service: titan-web, exec:"
                f" {web}}}\n"
            ),
        ),
    )
    stack.commit("release-2")
    operator.begin("release")
    operator.expect(titan.DONE, "run", "--rearm", "no")
    operator.expect_proven()
    for entry in operator.entries():
        if entry["type"] == "sample":
            asked = {
                item["subject"]: item["status"]
                for item in entry["body"]["evidence"]
                if item["probe"] == "health"
            }
            insist(
                asked == {"own": 1, "inside": 1, "execution": 200, "brain": 200, "web": 200},
                str(asked),
            )


def first_deployment_begins_at_nothing(stack):
    """A host on which nothing runs yet; the rollback removes what was not there."""
    operator = operator_of(stack)

    def clear():
        for service in ("titan-execution", "titan-brain", "titan-web"):
            found = stack.docker(
                "ps", "-aq", "--filter", f"label=com.docker.compose.service={service}"
            )
            for one in found.out.split():
                stack.docker("rm", "-f", one)
        insist(stack.containers() == {}, str(stack.containers()))

    clear()
    stack.commit("release-2")
    operator.begin("release")
    result = operator.expect(titan.DONE, "run", "--rearm", "no")
    insist("Execution (titan-execution) has no container" in result.out, result.out)
    insist(len(stack.containers()) == 3, str(stack.containers()))
    operator.expect_proven()
    clear()
    stack.commit("release-3", "--fault", "web:unhealthy")
    operator.begin("release")
    operator.expect(titan.ROLLED_BACK, "run", "--rearm", "no")
    insist(stack.containers() == {}, str(stack.containers()))
    operator.expect_proven()


def script_that_fails_rolls_back(stack):
    script = pathlib.Path(stack.env["TITAN_DIR"]) / "state" / "verify.sh"
    script.write_text("#!/bin/sh\necho looked; exit 0\n")
    script.chmod(0o755)
    operator = operator_of(stack, extra="verify: {script: state/verify.sh}\n")
    stack.commit("release-2")
    operator.begin("release")
    operator.expect(titan.DONE, "run", "--rearm", "no")
    operator.expect_proven()
    script.write_text("#!/bin/sh\necho 'two of three'; exit 4\n")
    stack.commit("release-3")
    operator.begin("release")
    result = operator.expect(titan.ROLLED_BACK, "run")
    insist("verification script ended with 4" in result.out, result.out)
    operator.expect_proven()


def error_pattern_in_this_starts_log_rolls_back(stack):
    operator = operator_of(
        stack,
        change=lambda text: text.replace(
            "  settle_ms:", '  patterns: {errors: ["ledger is corrupt"]}\n  settle_ms:'
        ),
    )
    stack.commit("release-2", "--fault", "web:error_line=ledger_is_corrupt")
    operator.begin("release")
    result = operator.expect(titan.ROLLED_BACK, "run")
    insist("ledger is corrupt" in result.out, result.out)
    operator.expect_proven()


def target_without_a_policy_hash_is_released_and_rolled_back(stack):
    def plain(text):
        lines, keep = [], True
        for line in text.splitlines():
            if line[:1] not in (" ", ""):
                keep = not line.startswith(("services:", "bus:"))
            if keep:
                lines.append(line)
        return "\n".join(lines) + "\n"

    operator = operator_of(stack, change=plain)
    stack.commit("release-2")
    operator.begin("release")
    operator.expect(titan.DONE, "run")
    operator.expect_proven()
    insist(operator.claims()["parity"] == "not applicable", str(operator.claims()))
    stack.commit("release-3", "--fault", "web:unhealthy")
    operator.begin("release")
    operator.expect(titan.ROLLED_BACK, "run")
    operator.expect_proven()
    operator.expect(titan.CONFIG, "begin", "policy", "--reason", "there is none")


MODE = sys.argv.pop(1)
CASES = [
    plugin_and_project_are_found_by_themselves,
    kinds_of_endpoints_are_all_asked,
    first_deployment_begins_at_nothing,
]
if MODE == "docker":
    titan.run_cases(titan.only(CASES), "--armed", "--ssh", "--v2", mode="docker")
titan.run_cases(
    titan.only(
        CASES
        + [
            script_that_fails_rolls_back,
            error_pattern_in_this_starts_log_rolls_back,
            target_without_a_policy_hash_is_released_and_rolled_back,
        ]
    ),
    "--armed",
    "--v2",
)
