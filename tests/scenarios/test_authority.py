#!/usr/bin/env python3
"""Goal: who may do what is decided by the roster in force, from each of its entries on, by driver
and verifier alike; and what somebody else must approve waits for somebody else, who approves
exactly that, on a machine of his own, with a key file, an ssh-agent or OpenSSH alone."""
import json
import os
import signal
import subprocess

import extend
import titan
from titan import insist

LONG = {"window_ms": 60000, "sample_interval_ms": 300}


def operator_of(stack, **options):
    operator = titan.Operator(stack, agent=True, **options)
    operator.expect(titan.DONE, "init")
    return operator


def with_administrator(stack, **options):
    """alice operates and administers; erin administers only, with a configuration of her own for
    the same journal."""
    erin = titan.Person(stack, "erin@example")
    operator = operator_of(
        stack, roster={"administrators": [erin.line], **options.pop("roster", {})}, **options
    )
    return operator, erin


def as_person(operator, person, *words):
    config = operator.home / (person.principal + ".yml")
    lines = [
        (
            f"operator: {{principal: {person.principal}, key: {person.key}}}"
            if line.startswith("operator:")
            else line
        )
        for line in operator.config.read_text().splitlines()
    ]
    config.write_text("\n".join(lines) + "\n")
    return titan.run(titan.FSM, *words, "--config", config, "--passphrase-file", person.passphrase)


def remove_alice(operator, erin):
    result = as_person(
        operator,
        erin,
        "roster",
        "remove",
        "operator",
        "alice@example",
        "--reason",
        "she left the company",
    )
    insist(result.returncode == titan.DONE, f"an administrator removes: {result.out}{result.err}")


def refused(operator, status, words, part):
    result = operator.fsm(*words)
    insist(
        result.returncode == status,
        f"{words}: {result.returncode} and not {status}: {result.out}{result.err}",
    )
    insist(part in result.err and "next: " in result.err, f"'{part}' is not in: {result.err}")


def refusals(operator):
    return [entry["body"]["reason"] for entry in operator.entries() if entry["type"] == "refusal"]


def authority(operator, **options):
    report = json.loads(operator.verify("--json", **options).out)
    return next(
        (claim["verdict"], claim["sentence"])
        for claim in report["deployments"][-1]["claims"]
        if claim["claim"] == "authority"
    )


def to_pulled(stack, operator, *words):
    stack.commit("release-2")
    operator.begin("release", *words)
    for state in ("preflighted", "connected", "updated", "pulled"):
        operator.expect(titan.DONE, "advance")
    insist(operator.status()["deployment"]["state"] == "pulled", "pulled")


def approvals_of_three_persons_by_file_agent_and_ssh_keygen(stack):
    bob, carol, dave = (titan.Person(stack, name + "@example") for name in ("bob", "carol", "dave"))
    titan.run(
        "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "x", "-f", dave.home / "id", check=True
    )
    openssh = f"dave@example {(dave.home / 'id.pub').read_text().strip()}"
    titan.run(
        "ssh-keygen",
        "-q",
        "-t",
        "ed25519",
        "-N",
        "",
        "-C",
        "x",
        "-f",
        carol.home / "id",
        check=True,
    )
    by_agent = (carol.home / "id.pub").read_text().strip()
    operator = operator_of(
        stack,
        approvals=(1, 2),
        roster={"approvers": [bob.line, f"carol@example {by_agent}", openssh]},
    )
    refused(
        operator,
        titan.REFUSED,
        ["begin", "release", "--reason", "x", "--approvals", "1"],
        "can only add",
    )
    refused(
        operator,
        titan.REFUSED,
        ["begin", "release", "--reason", "x", "--approvals", "4"],
        "3 approvers besides you",
    )
    to_pulled(stack, operator, "--approvals", "3")
    result = operator.expect(titan.NEEDS_PERSON, "run")
    insist("0 of 3 approvals" in result.out and "titan-fsm request FILE" in result.out, result.out)
    request = operator.home / "request"
    operator.expect(titan.DONE, "request", request)

    shown = bob.fsm("approve", request, check=True)
    head = [entry for entry in operator.entries() if entry["type"] == "transition"][2]["body"][
        "facts"
    ]
    for part in (
        "alice@example",
        "a test",
        head["commit"],
        head["subject"],
        "titan-web",
        "Nothing was signed",
    ):
        insist(part in shown.out, f"'{part}' is not shown: {shown.out}")
    operator.expect(titan.DONE, "accept", bob.approve(request))
    insist(
        operator.status()["deployment"]["approvals"]["given"][0]["principal"] == "bob@example",
        "status names who has approved",
    )
    operator.expect(
        titan.DONE, "accept", bob.approve(request)
    )  # a second one by him changes nothing

    socket = carol.home / "agent"
    agent = subprocess.Popen(["ssh-agent", "-D", "-a", socket], stdout=subprocess.DEVNULL)
    try:
        environment = dict(os.environ, SSH_AUTH_SOCK=str(socket))
        titan.wait_until(
            "the agent", lambda: titan.run("ssh-add", "-l", env=environment).returncode == 1
        )
        titan.run("ssh-add", "-q", carol.home / "id", check=True, env=environment)
        carol.fsm(
            "approve",
            request,
            "--agent",
            by_agent,
            "--principal",
            "carol@example",
            "--out",
            carol.home / "approval",
            "--reason",
            "looked at",
            check=True,
            env=environment,
        )
    finally:
        agent.terminate()
        agent.wait()
    operator.expect(titan.DONE, "accept", carol.home / "approval")
    insist(operator.status()["next"].startswith("titan-fsm request"), operator.status()["next"])
    operator.expect(titan.NEEDS_PERSON, "advance")

    dave.fsm("approve", request, "--statement", dave.home / "statement", check=True)
    titan.run(
        "ssh-keygen",
        "-Y",
        "sign",
        "-f",
        dave.home / "id",
        "-n",
        "titan-approval-v1",
        dave.home / "statement",
        check=True,
    )
    result = operator.expect(titan.DONE, "accept", dave.home / "statement.sig")
    insist("3 of 3 approvals" in result.out and "dave@example" in result.out, result.out)
    operator.expect(titan.DONE, "run", "--rearm", "no")
    operator.expect_proven()
    insist(
        [entry["body"]["principal"] for entry in operator.entries() if entry["type"] == "approval"]
        == ["bob@example", "carol@example", "dave@example"],
        "the same approval twice is one entry",
    )


def wrong_approvals_are_refused_and_the_refusal_recorded(stack):
    bob, second, mallory, zoe = (
        titan.Person(stack, name)
        for name in ("bob@example", "alice@example", "mallory@example", "zoe@example")
    )
    operator, erin = with_administrator(
        stack, approvals=(0, 1), roster={"approvers": [bob.line, second.line]}
    )
    to_pulled(stack, operator)
    request = operator.home / "request"
    operator.expect(titan.DONE, "request", request)
    for change, part in (
        (('"target":"', '"target":5,"x":"'), "no request"),
        (('"reason":"a test"', '"reason":"another"'), "its open entry says"),
        (('"procedure":"release"', '"procedure":"policy"'), "its open entry says"),
        (('\\"expect\\"', '\\"expected\\"'), "statement"),
        (('"open":"', '"open":"AAAA'), "open entry"),
        (("{", "["), "JSON"),
    ):
        bad = operator.home / "bad"
        bad.write_text(request.read_text().replace(*change, 1))
        result = bob.fsm(
            "approve",
            bad,
            "--key",
            bob.key,
            "--principal",
            "bob@example",
            "--out",
            bob.home / "never",
        )
        insist(
            result.returncode == titan.REFUSED
            and part in result.err
            and not (bob.home / "never").exists(),
            f"{part}: {result.returncode} {result.err}",
        )
    result = second.fsm(
        "approve",
        request,
        "--key",
        second.key,
        "--principal",
        "alice@example",
        "--out",
        second.home / "never",
    )
    insist(result.returncode == titan.REFUSED, "who opened approves by no key")

    operator.expect(
        titan.DONE,
        "roster",
        "add",
        "approver",
        zoe.line,
        "--reason",
        "in the middle, by the opener himself",
    )
    own = json.loads(second.approve(request, principal="somebody").read_text()) | {
        "principal": "alice@example"
    }
    (second.home / "own").write_text(json.dumps(own))
    good = json.loads(bob.approve(request).read_text())
    other = good["statement"].replace(stack.head(), "0" * 40)
    cases = [
        (second.home / "own", "nobody approves his own"),
        (mallory.approve(request), "no approver of the roster"),
        (zoe.approve(request), "added to the roster after"),
        (bob.approve(request, "renamed", principal="erin@example"), "no approver of the roster"),
    ]
    for name, body, part in (
        (
            "signature",
            good | {"signature": json.loads((second.home / "own").read_text())["signature"]},
            "no approver",
        ),
        ("statement", good | {"statement": other}, "statement is not that"),
        ("spaced", good | {"statement": good["statement"] + " "}, "statement is not that"),
    ):
        (bob.home / name).write_text(json.dumps(body))
        cases.append((bob.home / name, part))
    for number, (answer, part) in enumerate(cases, 1):
        refused(operator, titan.REFUSED, ["accept", answer], part)
        insist(
            len(refusals(operator)) == number and part in refusals(operator)[-1],
            f"the refusal is recorded: {refusals(operator)}",
        )
    stranger = stack.home / "stranger"
    titan.run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "x", "-f", stranger, check=True)
    bob.fsm("approve", request, "--statement", bob.home / "unnamed", check=True)
    titan.run(
        "ssh-keygen",
        "-Y",
        "sign",
        "-f",
        stranger,
        "-n",
        "titan-approval-v1",
        bob.home / "unnamed",
        check=True,
    )
    refused(
        operator,
        titan.REFUSED,
        ["accept", bob.home / "unnamed.sig"],
        "an approval without a principal is refused",
    )
    (bob.home / "nonsense").write_text("nothing of the kind\n")
    refused(operator, titan.REFUSED, ["accept", bob.home / "nonsense"], "JSON")
    operator.expect(titan.NEEDS_PERSON, "run")

    late = bob.approve(request)
    result = as_person(
        operator, erin, "roster", "remove", "approver", "bob@example", "--reason", "moved on"
    )
    insist(result.returncode == titan.DONE, result.err)
    refused(operator, titan.REFUSED, ["accept", late], "was removed from the roster")
    operator.expect(titan.NEEDS_PERSON, "run")
    operator.expect(titan.ABORTED, "abort", "--reason", "nobody may approve it")
    insist(authority(operator)[0] == "proven", str(authority(operator)))


def roster_is_shown_and_changed_by_administrators_only(stack):
    bob, mallory = titan.Person(stack, "bob@example"), titan.Person(stack, "mallory@example")
    operator, erin = with_administrator(stack, roster={"operators": [bob.line]})
    count = len(operator.entries())
    for person in (bob, mallory):
        result = as_person(
            operator, person, "roster", "add", "administrator", person.line, "--reason", "me too"
        )
        insist(
            result.returncode == titan.KEY_REFUSED and "no administrator" in result.err, result.err
        )
    refused(
        operator,
        titan.REFUSED,
        [
            "roster",
            "add",
            "operator",
            mallory.line.replace("namespaces", 'valid-before="20990101",namespaces'),
            "--reason",
            "x",
        ],
        "not by a date",
    )
    refused(
        operator,
        titan.REFUSED,
        ["roster", "remove", "operator", "nobody", "--reason", "x"],
        "no operator of this principal",
    )
    refused(operator, titan.USAGE, ["roster", "remove", "operator", "bob@example"], "reason")
    refused(
        operator,
        titan.USAGE,
        ["roster", "remove", "king", "bob@example", "--reason", "x"],
        "not a change",
    )
    insist(len(operator.entries()) == count, "none of that made an entry")
    operator.expect(
        titan.DONE,
        "roster",
        "remove",
        "administrator",
        "alice@example",
        "--reason",
        "erin does it now",
    )
    result = as_person(
        operator, erin, "roster", "remove", "administrator", "erin@example", "--reason", "nobody"
    )
    insist(result.returncode == titan.REFUSED and "last administrator" in result.err, result.err)
    refused(
        operator,
        titan.KEY_REFUSED,
        ["roster", "add", "administrator", bob.line, "--reason", "x"],
        "no administrator",
    )
    shown = json.loads(operator.expect(titan.DONE, "roster", "--json").out)
    insist(
        shown["entry"] == count
        and shown["roster"]["administrators"] == [erin.line]
        and len(shown["roster"]["operators"]) == 2,
        str(shown),
    )
    insist(
        f"made by entry {count}" in operator.expect(titan.DONE, "roster").out,
        "the entry that made it is named",
    )
    dated = titan.Operator(
        stack,
        agent=True,
        roster={
            "operators": [mallory.line.replace("namespaces", 'valid-after="20200101",namespaces')]
        },
    )
    refused(dated, titan.REFUSED, ["init"], "not by a date")
    nobody = titan.Operator(stack, agent=True, approvals=(1, 0))
    refused(nobody, titan.CONFIG, ["init"], "approvers")


def removed_opener_may_only_disarm_abort_and_roll_back(stack):
    operator, erin = with_administrator(stack)
    to_pulled(stack, operator)
    seed = bytes.fromhex(next(operator.journal.glob("session-*.key")).read_text())
    remove_alice(operator, erin)
    for words, part in (
        (["advance"], "may only disarm"),
        (["run"], "may only disarm"),
        (["attest", "tree_clean", "--reason", "x"], "no operator"),
        (["accept", operator.config], "may only disarm"),
    ):
        refused(operator, titan.KEY_REFUSED if words[0] == "attest" else titan.REFUSED, words, part)
    insist(
        len(refusals(operator)) == 3
        and all("removed from the operators" in reason for reason in refusals(operator)),
        str(refusals(operator)),
    )
    insist(
        operator.status()["next"].startswith("titan-fsm abort")
        and "removed" in operator.expect(titan.DONE, "status").out,
        "status says so",
    )
    insist(authority(operator)[0] == "proven", str(authority(operator)))
    operator.expect(titan.DONE, "disarm", "--reason", "to be on the safe side")

    operator.expect(titan.DONE, "export", operator.bundle)
    number = operator.status()["deployment"]["number"]
    intent = {
        "from": "pulled",
        "action": "lay_guard",
        "key": "ab" * 16,
        "deadline_ms": 60000,
        "what": "reserve space",
    }
    by_hand = extend.Bundle(operator.bundle)
    by_hand.append(seed, "note", number, {"text": "a note"})
    by_hand.write(operator.home / "note", seed)
    insist(
        authority(operator, journal=operator.home / "note")[0] == "proven",
        "an entry made by hand is judged like any other",
    )
    by_hand.append(seed, "intent", number, intent)
    by_hand.write(operator.home / "forward", seed)
    verdict, sentence = authority(operator, journal=operator.home / "forward")
    insist(
        verdict == "violated" and "may only disarm and roll back" in sentence,
        f"{verdict}: {sentence}",
    )

    operator.expect(titan.ABORTED, "abort", "--reason", "she may do that")
    insist(authority(operator)[0] == "proven", str(authority(operator)))
    count = len(operator.entries())
    for words in (
        ["begin", "release", "--reason", "x"],
        ["arm", "--reason", "x"],
        ["disarm", "--reason", "x"],
        ["export", operator.bundle],
    ):
        refused(operator, titan.KEY_REFUSED, words, "no operator of the roster in force")
    insist(len(operator.entries()) == count, "a stranger is refused without an entry")


def opener_removed_in_the_window_is_rolled_back_by_his_own_driver(stack):
    operator, erin = with_administrator(stack, limits=LONG)
    images = {service: image for service, (_, image) in stack.containers().items()}
    stack.commit("release-2")
    operator.begin("release")
    driver = operator.start("run", "--rearm", "yes")
    titan.wait_until(
        "a sample", lambda: any(entry["type"] == "sample" for entry in operator.entries())
    )
    remove_alice(operator, erin)
    insist(driver.wait(timeout=120) == titan.ROLLED_BACK, f"exit status {driver.returncode}")
    failed = next(
        entry
        for entry in operator.entries()
        if entry["type"] == "transition" and entry["body"]["to"] == "rolling_back"
    )
    insist("removed from the operators" in failed["body"]["reason"], str(failed["body"]))
    insist(
        images == {service: image for service, (_, image) in stack.containers().items()},
        "the images are those from before",
    )
    claims = operator.claims()
    insist(
        claims["authority"] == "proven"
        and claims["restoration"] == "proven"
        and claims["procedure"] == "proven",
        str(claims),
    )


def opener_removed_while_his_driver_was_dead_goes_back_on_resume(stack):
    operator, erin = with_administrator(stack)
    stack.commit("policy-2", "--policy", "second")
    before = stack.containers()["titan-execution"]
    operator.begin("policy")
    driver = operator.start("run")
    titan.wait_until(
        "the intent",
        lambda: any(
            entry["body"].get("action") == "deploy_execution" for entry in operator.entries()
        ),
        60,
    )
    driver.send_signal(signal.SIGKILL)
    driver.wait()
    insist(
        operator.status()["deployment"]["intent"] == "deploy_execution",
        "what became of its act is not recorded",
    )
    remove_alice(operator, erin)
    operator.expect(titan.ROLLED_BACK, "resume")
    reconciled = next(entry for entry in operator.entries() if entry["type"] == "reconciliation")[
        "body"
    ]
    insist(
        reconciled["then"] == "fail" and "removed from the operators" in reconciled["reason"],
        str(reconciled),
    )
    insist(stack.containers()["titan-execution"][1] == before[1], "the image is that from before")
    claims = operator.claims()
    insist(
        claims["authority"] == "proven"
        and claims["restoration"] == "proven"
        and claims["procedure"] == "proven",
        str(claims),
    )


def stranger_does_not_drive_in_the_openers_name(stack):
    """By key files, whose public part is read without the passphrase."""
    mallory, alice_again = titan.Person(stack, "mallory@example"), titan.Person(
        stack, "alice@example"
    )
    operator = operator_of(stack, limits=LONG)
    stack.commit("release-2")
    operator.begin("release")
    driver = operator.start("run", "--rearm", "no")
    titan.wait_until(
        "a sample", lambda: any(entry["type"] == "sample" for entry in operator.entries())
    )
    driver.send_signal(signal.SIGKILL)
    driver.wait()
    entries, services = len(operator.entries()), stack.containers()
    for person, part in (
        (mallory, "driven by alice@example, not by mallory@example"),
        (alice_again, "driven by alice@example with another key"),
    ):
        for words in (["run"], ["rollback", "--reason", "x"]):
            result = as_person(operator, person, *words)
            insist(
                result.returncode == titan.KEY_REFUSED
                and part in result.err
                and "titan-fsm takeover" in result.err,
                f"{result.returncode}: {result.out}{result.err}",
            )
    insist(
        len(operator.entries()) == entries and stack.containers() == services,
        "nothing was recorded, nothing done",
    )
    operator.expect(titan.ROLLED_BACK, "rollback", "--reason", "enough")


def checklist_item_added_by_begin_is_mandatory(stack):
    operator = titan.Operator(stack, agent=True)
    text = operator.config.read_text()
    operator.config.write_text(
        text.replace(
            "  tree_clean:",
            "  dashboard: {probe: attest, advice: look at it, mandatory: false}\n  tree_clean:",
        )
    )
    operator.expect(titan.DONE, "init")
    refused(
        operator,
        titan.REFUSED,
        ["begin", "release", "--reason", "x", "--check", "weather"],
        "no such item",
    )
    operator.begin("release", "--check", "dashboard")
    result = operator.expect(titan.NEEDS_PERSON, "advance")
    insist("dashboard" in result.out, result.out)
    operator.expect(titan.DONE, "attest", "dashboard", "--reason", "it says Connected")
    operator.expect(titan.DONE, "advance")
    insist(operator.status()["deployment"]["state"] == "preflighted", "preflighted")
    operator.expect(titan.ABORTED, "abort", "--reason", "shown")


titan.run_cases(
    titan.only(
        [
            approvals_of_three_persons_by_file_agent_and_ssh_keygen,
            wrong_approvals_are_refused_and_the_refusal_recorded,
            roster_is_shown_and_changed_by_administrators_only,
            removed_opener_may_only_disarm_abort_and_roll_back,
            opener_removed_in_the_window_is_rolled_back_by_his_own_driver,
            opener_removed_while_his_driver_was_dead_goes_back_on_resume,
            stranger_does_not_drive_in_the_openers_name,
            checklist_item_added_by_begin_is_mandatory,
        ]
    ),
    "--armed",
)
