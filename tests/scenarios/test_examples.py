#!/usr/bin/env python3
"""Goal: a checklist item and a verification of one's own need neither engine nor verifier changed.
The files of fsm/examples are put onto the target as they are, the lines of own-checks.yml into
titan.yml; what they say stops, lets through and rolls back, and the auditor can require an item
that this project has never heard of."""
import pathlib
import shutil
import subprocess

import titan
from titan import insist

EXAMPLES = titan.ROOT / "fsm" / "examples"
NAMED = "/etc/letsencrypt/live/titan/fullchain.pem"


def certificate(path, days):
    subprocess.run(
        [
            "openssl",
            "req",
            "-x509",
            "-newkey",
            "ed25519",
            "-nodes",
            "-keyout",
            "/dev/null",
            "-subj",
            "/CN=titan",
            "-days",
            str(days),
            "-out",
            str(path),
        ],
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        timeout=60,
    )
    path.chmod(0o644)


def target_and_operator(stack, words):
    checks = pathlib.Path(stack.env["TITAN_DIR"]) / "state" / "checks"
    shutil.rmtree(checks, ignore_errors=True)
    checks.mkdir(parents=True)
    for name in ("certificate-lasts", "smoke"):
        shutil.copy(EXAMPLES / name, checks)
    stack.certificate = checks / "fullchain.pem"
    certificate(stack.certificate, 90)
    (checks / "smoke.list").write_text(
        f"# the web service\nhttp://127.0.0.1:{stack.env['WEB_PORT']}/health {words}\n"
    )
    operator = titan.Operator(stack, agent=True)
    items = [
        line
        for line in (EXAMPLES / "own-checks.yml").read_text().splitlines()
        if line.startswith("  ")
    ]
    verify = [
        line
        for line in (EXAMPLES / "own-checks.yml").read_text().splitlines()
        if line.startswith("verify:")
    ]
    insist(
        sum(not line.startswith("   ") for line in items) == 2
        and NAMED in "\n".join(items)
        and len(verify) == 1,
        "own-checks.yml has another form",
    )
    text = (
        operator.config.read_text().replace(
            "preflight:\n", "preflight:\n" + "\n".join(items) + "\n"
        )
        + verify[0]
        + "\n"
    )
    operator.config.write_text(text.replace(NAMED, str(stack.certificate)))
    operator.expect(titan.DONE, "init")
    return operator


def outputs(operator, probe):
    return [
        (item["subject"], item["status"])
        for entry in operator.entries()
        if entry["type"] == "transition"
        for item in entry["body"].get("evidence", [])
        if item["probe"] == probe
    ]


def own_checks_pass_and_the_auditor_can_require_them(stack):
    operator = target_and_operator(stack, "ok")
    insist("good until" in operator.expect(titan.DONE, "preflight").out, "what was found is said")
    stack.commit("release-2")
    operator.begin("release")
    operator.expect(titan.DONE, "run", "--rearm", "no")
    insist(
        ("certificate_lasts", 0) in outputs(operator, "preflight")
        and ("state/checks/smoke", 0) in outputs(operator, "script"),
        "both are evidence",
    )
    limits = operator.limits_file.read_text()
    operator.limits_file.write_text(limits + "checklist: [certificate_lasts]\n")
    operator.expect_proven()
    operator.limits_file.write_text(limits + "checklist: [certificate_lasts, on_call]\n")
    insist(operator.claims()["preflight"] == "violated", "nobody has said who is on call")


def own_item_that_fails_stops_before_a_change(stack):
    operator = target_and_operator(stack, "ok")
    certificate(stack.certificate, 7)
    operator.begin("release")
    said = operator.expect(titan.NEEDS_PERSON, "advance").out
    insist(
        "which is less than 14 days" in said
        and operator.status()["deployment"]["state"] == "opened",
        said,
    )
    certificate(stack.certificate, 90)
    operator.expect(titan.DONE, "advance")
    operator.expect(titan.ABORTED, "abort", "--reason", "enough seen")
    operator.expect_proven()


def own_verification_that_fails_rolls_back(stack):
    operator = target_and_operator(stack, "words that no answer has")
    stack.commit("release-2")
    operator.begin("release")
    said = operator.expect(titan.ROLLED_BACK, "run").out
    insist("verification script ended with 1" in said, said)
    operator.expect_proven()


titan.run_cases(
    titan.only(
        [
            own_checks_pass_and_the_auditor_can_require_them,
            own_item_that_fails_stops_before_a_change,
            own_verification_that_fails_rolls_back,
        ]
    )
)
