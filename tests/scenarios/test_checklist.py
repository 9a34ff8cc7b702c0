#!/usr/bin/env python3
"""Goal: the standard's whole checklist within a deployment: probes decide what they can, a person
attests the rest by signature, nothing goes on before, and titan-verify decides the claim
*preflight* from the evidence and says who attested what. The console is a real TLS server under a
private authority; Brain's heartbeats are real. What needs a host of its own (firewall, Docker
socket) is optional here: tests/checklist has it."""
import pathlib
import re
import sys

import titan
from titan import insist

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "checklist"))
import servers  # noqa: E402

PEOPLE = ("dashboard_connected", "export_evidence", "backups")


def operator_of(stack, console):
    operator = titan.Operator(stack, ssh=True)
    text = operator.config.read_text()
    begin, end = text.index("checklist: own"), text.index("limits: {")
    operator.config.write_text(
        text[:begin]
        + f"""checklist: standard
preflight:
  hmac_secret:
    variables: [titan-execution=HMAC_SECRET, titan-brain=HMAC_SECRET, titan-web=HMAC_SECRET]
  docker_socket: {{mandatory: false}}
  firewall: {{mandatory: false}}
  console_loads: {{url: "{console}/console", ca_file: "{stack.authority}"}}
"""
        + text[end:]
    )
    operator.expect(titan.DONE, "init")
    return operator


def preflight_sentence(operator):
    for line in operator.verify().out.splitlines():
        if " preflight " in line:
            return line
    raise AssertionError("no preflight claim")


def the_rest_is_attested_by_a_person_and_said_so(stack):
    operator = operator_of(stack, stack.console)
    stack.commit("release-2")
    operator.begin("release", "--check", "logs_drain")
    said = operator.expect(titan.NEEDS_PERSON, "advance").out
    for item in (*PEOPLE, "logs_drain"):
        insist(
            f"{item} needs `titan-fsm attest {item} --reason TEXT`" in said,
            f"{item} is not asked for: {said}",
        )
    insist(" failed:" not in said, f"a probe fails: {said}")
    for item in PEOPLE:
        said = operator.expect(
            titan.DONE, "attest", item, "--reason", "looked at it in the browser"
        ).out
        insist(
            f"{item} attested by alice@example" in said,
            f"an attestation says that it was taken: {said}",
        )
    operator.expect(titan.NEEDS_PERSON, "advance")  # what this deployment added is asked for too
    operator.expect(titan.DONE, "attest", "logs_drain", "--reason", "seen in Grafana")
    said = operator.expect(titan.DONE, "advance").out
    insist("backups attested by alice@example" in said, said)
    operator.expect(titan.DONE, "run", "--rearm", "no")
    operator.expect_proven()
    sentence = preflight_sentence(operator)
    insist(
        "PROVEN" in sentence
        and "4 of them by a person's word" in sentence
        and "export_evidence by alice@example" in sentence,
        sentence,
    )
    operator.limits_file.write_text(
        operator.limits_file.read_text() + "checklist: [a_thing_that_nobody_looked_at]\n"
    )
    insist(operator.claims()["preflight"] == "violated", "the auditor can require more")


def a_failing_item_stops_before_anything_and_no_word_overrules_it(stack):
    operator = operator_of(stack, stack.console)
    env = pathlib.Path(stack.env["TITAN_DIR"]) / ".env.prod"
    operator.begin("release")
    for item in PEOPLE:
        operator.expect(titan.DONE, "attest", item, "--reason", "looked")
    text = env.read_text()
    env.write_text(re.sub(r"TITAN_MASTER_PASSWORD=.*", "TITAN_MASTER_PASSWORD=k7w2q9", text))
    operator.expect(
        titan.DONE, "attest", "master_password", "--reason", "it is long enough, believe me"
    )  # nothing was asked yet
    said = operator.expect(titan.NEEDS_PERSON, "advance").out
    number = next(
        at
        for at, line in enumerate(text.splitlines(), 1)
        if line.startswith("TITAN_MASTER_PASSWORD=")
    )
    insist(f".env.prod:{number}: TITAN_MASTER_PASSWORD is shorter than 32 characters" in said, said)
    insist("opened" == operator.status()["deployment"]["state"], "it went on")
    size = len(operator.entries())
    said = operator.expect(titan.REFUSED, "attest", "master_password", "--reason", "believe me").err
    insist(
        "a probe decides this item, and it failed" in said
        and f".env.prod:{number}: TITAN_MASTER_PASSWORD is shorter than 32 characters" in said,
        said,
    )
    operator.expect(titan.REFUSED, "attest", "compose_renders", "--reason", "and that one passed")
    insist(size == len(operator.entries()), "a refused attestation leaves no entry")
    env.write_text(text)
    operator.expect(titan.DONE, "advance")
    operator.expect(titan.ABORTED, "abort", "--reason", "enough seen")
    operator.expect_proven()


def main():
    failed = 0
    with titan.Stack("standin", "--ssh") as stack:
        authority = servers.Authority(stack.home, "authority")
        stack.authority = authority.file
        console = servers.pages(authority.context("console"))
        stack.console = f"https://127.0.0.1:{console.port}"
        for number, case in enumerate(
            titan.only(
                [
                    the_rest_is_attested_by_a_person_and_said_so,
                    a_failing_item_stops_before_anything_and_no_word_overrules_it,
                ]
            )
        ):
            if number > 0:
                stack.reset()
            try:
                case(stack)
                print("ok   " + case.__name__)
            except Exception as failure:
                failed += 1
                print(f"FAIL {case.__name__}: {failure}")
        console.stop()
    sys.exit(1 if failed else 0)


main()
