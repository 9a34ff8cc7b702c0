#!/usr/bin/env python3
"""Goal: the target has one holder. Its hold is renewed with each step and ends by itself; another
operator follows only then, with a signed word; whoever was followed does nothing any more; a copy
of a journal drives only if no other copy went on; a lost journal is succeeded, not forgotten."""
import concurrent.futures
import json
import re
import shutil

import titan
from team import (
    advance_to,
    alice_of,
    as_it_is,
    beside,
    holder,
    key_of,
    kill,
    machine,
    refused,
    samples,
    signer_line,
    state_file,
    uptime_ms,
    wait_for_expiry,
)
from titan import insist

FAST = {"window_ms": 3000, "sample_interval_ms": 200, "sample_gap_ms": 10000}


def hold_is_renewed_at_each_edge_and_kept_between_two(stack):
    alice = alice_of(stack, tenancy_ms=1000)
    stack.commit("release-2")
    alice.begin("release")
    advance_to(alice, "connected")
    first = before = holder(stack)
    for state in ("updated", "pulled", "guarded"):
        wait_for_expiry(stack)  # over, and nobody followed: it goes on
        alice.expect(titan.DONE, "advance")
        now = holder(stack)
        insist(alice.status()["deployment"]["state"] == state, state)
        insist(
            now["head_seq"] > before["head_seq"] and now["expires_ms"] > before["expires_ms"],
            f"head and expiry move: {before} {now}",
        )
        insist(
            now["epoch"] == first["epoch"] and now["deployment"] == first["deployment"],
            "epoch and deployment stay",
        )
        insist(
            alice.entries()[now["head_seq"]]["type"] == "intent",
            "the head is that of this step's intent",
        )
        before = now
    alice.expect(titan.ABORTED, "abort", "--reason", "enough")
    insist(
        holder(stack)["deployment"] == 0 and holder(stack)["epoch"] == first["epoch"],
        str(holder(stack)),
    )


def window_longer_than_the_hold_renews_it(stack):
    alice = alice_of(stack, tenancy_ms=1000, limits=FAST)
    stack.commit("release-2")
    alice.begin("release")
    driver = alice.start("run", "--rearm", "yes")
    titan.wait_until("samples", lambda: len(samples(alice)) >= 2)
    first = holder(stack)
    now = first
    while now["expires_ms"] < first["expires_ms"] + 1000:
        now = holder(stack)
        insist(
            alice.status()["deployment"]["state"] == "armed",
            f"not renewed in the window: {first} {now}",
        )  # its end comes, and ends this
    insist(now["expires_ms"] > uptime_ms() - 1000 and now["epoch"] == first["epoch"], str(now))
    insist(driver.wait(timeout=60) == titan.DONE, alice.fsm("log").out)
    insist(
        all(
            item["probe"] != "tenancy"
            for entry in samples(alice)
            for item in entry["body"]["evidence"]
        ),
        "a sample's evidence has nothing of it",
    )
    alice.expect_proven()


def dead_holder_blocks_at_most_the_configured_time(stack):
    alice = alice_of(stack, tenancy_ms=4000, limits=dict(FAST, sample_gap_ms=20000))
    stack.commit("release-2")
    alice.begin("release")
    driver = alice.start("run", "--rearm", "yes")
    titan.wait_until("samples", lambda: len(samples(alice)) >= 2)
    kill(driver)
    bob = machine(alice, "bob")
    refused(stack, bob, titan.KEY_REFUSED, ["resume"], "driven by alice@example", "takeover")
    refused(
        stack,
        bob,
        titan.HELD,
        ["takeover", "--reason", "alice's laptop died"],
        r"held by alice@example on .* expires in \d s",
        "disarm",
    )
    before = holder(stack)
    wait_for_expiry(stack)
    bob.expect(titan.DONE, "takeover", "--reason", "alice's laptop died")
    now, entry = holder(stack), bob.entries()[-1]
    insist(
        entry["type"] == "takeover"
        and entry["body"]["operator"] == "bob@example"
        and entry["body"]["previous"] == before["holder"],
        str(entry),
    )
    insist(
        entry["body"]["reason"] == "alice's laptop died"
        and entry["body"]["epoch"] == now["epoch"] == before["epoch"] + 1,
        str(entry),
    )
    insist(now["holder"].startswith("bob@example") and now["head_seq"] == entry["seq"], str(now))
    insist(
        [path.name for path in bob.journal.glob("session-*.key")]
        == [f"session-{entry['seq']}.key"],
        "one session key, the new one",
    )
    old = machine(alice)
    refused(stack, old, titan.HELD, ["resume"], "taken over by bob@example")
    insist(
        not list(old.journal.glob("session-*.key")),
        "once told that somebody followed, it keeps no session key",
    )
    bob.expect(titan.DONE, "resume")
    insist(
        [each for each in bob.entries() if each["type"] == "reconciliation"],
        "the open window was looked at before it went on",
    )
    bob.expect_proven()
    insist(not list(bob.journal.glob("session-*.key")), "no session key is left")


def whoever_was_followed_stops_at_the_next_edge(stack):
    alice = alice_of(stack, tenancy_ms=1000)
    stack.commit("release-2")
    alice.begin("release")
    advance_to(alice, "updated")
    bob = machine(alice, "bob")
    wait_for_expiry(stack)
    bob.expect(titan.DONE, "takeover", "--reason", "my turn")
    refused(stack, alice, titan.HELD, ["advance"], "taken over by bob@example")
    insist(not list(alice.journal.glob("session-*.key")), "the session key is wiped with that")
    refused(stack, alice, titan.KEY_REFUSED, ["abort", "--reason", "x"], "session key")
    bob.expect(titan.ABORTED, "abort", "--reason", "enough")
    refused(stack, alice, titan.KEY_REFUSED, ["advance"], "session key")
    insist(
        bob.claims()["authority"] == "proven" and bob.claims()["procedure"] == "proven",
        bob.verify().out,
    )


def copy_with_the_session_key_drives_for_its_holder_only(stack):
    alice = alice_of(stack)
    alice.begin("release")
    advance_to(alice, "connected")
    copy = beside(machine(alice), "bob")  # cp -r: the key goes along
    entries = len(copy.entries())
    insist(list(copy.journal.glob("session-*.key")), "the session key is there")
    for words in (
        ["run"],
        ["advance"],
        ["resume"],
        ["rollback", "--reason", "x"],
        ["abort", "--reason", "x"],
    ):
        refused(
            stack,
            copy,
            titan.KEY_REFUSED,
            words,
            "driven by alice@example, not by bob@example",
            "titan-fsm takeover",
        )
    insist(len(copy.entries()) == entries, "a refusal leaves no entry")
    copy.expect(titan.DONE, "disarm", "--reason", "an emergency waits for nobody")
    alice.expect(titan.ABORTED, "abort", "--reason", "enough")


def takeover_in_the_same_directory_ends_what_the_holder_before_may(stack):
    alice = alice_of(stack, tenancy_ms=1000)
    alice.begin("release")
    advance_to(alice, "connected")
    bob = beside(alice, "bob")
    wait_for_expiry(stack)
    bob.expect(titan.DONE, "takeover", "--reason", "my turn")
    for words in (["run"], ["advance"], ["resume"], ["abort", "--reason", "x"]):
        refused(
            stack,
            alice,
            titan.KEY_REFUSED,
            words,
            "driven by bob@example, not by alice@example",
            "titan-fsm takeover",
        )
    bob.expect(titan.ABORTED, "abort", "--reason", "enough")
    insist(
        bob.claims()["authority"] == "proven" and bob.claims()["procedure"] == "proven",
        bob.verify().out,
    )


def takeover_cut_short_is_finished_by_the_same_command(stack):
    """At each place in the order of writes: a key without an entry; an entry that did not reach the
    target; a key before it that was not wiped."""
    alice = alice_of(stack, tenancy_ms=1000)
    alice.begin("release")
    advance_to(alice, "connected")
    bob = machine(alice, "bob")
    for key in alice.journal.glob("session-*.key"):
        shutil.copy(key, bob.journal)  # the same directory, as it were
    wait_for_expiry(stack)
    entries = len(bob.entries())
    (bob.journal / f"session-{entries}.key").write_text("half a k")
    (bob.journal / f"session-{entries}.key").chmod(0o600)
    state_file(stack, "deployment.json.new").mkdir()  # the target cannot be written
    result = bob.fsm("takeover", "--reason", "cut short")
    insist(result.returncode != 0 and "deployment.json cannot be written" in result.err, result.err)
    insist(
        len(bob.entries()) == entries + 1 and holder(stack)["epoch"] == 1,
        "the entry is there, the target is as it was",
    )
    before = as_it_is(stack)
    result = bob.expect(titan.HELD, "advance")
    insist("titan-fsm takeover" in result.err and before == as_it_is(stack), result.err)
    state_file(stack, "deployment.json.new").rmdir()
    bob.expect(titan.DONE, "takeover", "--reason", "once more")
    takeovers = [entry for entry in bob.entries() if entry["type"] == "takeover"]
    insist(
        len(takeovers) == 1 and holder(stack)["epoch"] == takeovers[0]["body"]["epoch"] == 2,
        "carried to the target, not made twice",
    )
    names = [f"session-{takeovers[0]['seq']}.key"]
    insist(
        [path.name for path in bob.journal.glob("session-*.key")] == names,
        "the key before it is wiped",
    )
    shutil.copy(next(alice.journal.glob("session-*.key")), bob.journal)
    bob.expect(titan.DONE, "takeover", "--reason", "and again")
    insist(
        [path.name for path in bob.journal.glob("session-*.key")] == names
        and len(bob.entries()) == entries + 2,
        "finished, and no new entry",
    )
    bob.expect(titan.ABORTED, "abort", "--reason", "enough")
    insist(
        bob.claims()["authority"] == "proven" and bob.claims()["procedure"] == "proven",
        bob.verify().out,
    )


def takeover_is_refused_to_whom_it_is_not_due(stack):
    alice = alice_of(stack, tenancy_ms=1000)
    bob = machine(alice, "bob")
    refused(stack, bob, titan.REFUSED, ["takeover", "--reason", "x"], "no deployment is open")
    alice.begin("release")
    advance_to(alice, "connected")
    carol, older = machine(alice, "carol"), machine(alice, "bob")
    alice.expect(titan.DONE, "advance")
    wait_for_expiry(stack)
    refused(
        stack, carol, titan.KEY_REFUSED, ["takeover", "--reason", "x"], "no operator of the roster"
    )
    refused(stack, older, titan.HELD, ["takeover", "--reason", "x"], "newest copy")
    alice.expect(titan.ABORTED, "abort", "--reason", "enough")


def approver_who_takes_over_counts_as_one_person(stack):
    alice = alice_of(stack, tenancy_ms=1000, approvals=(0, 1), approvers=["bob"])
    alice.begin("release")
    advance_to(alice, "pulled")
    alice.expect(titan.DONE, "request", alice.home / "request")
    bob = machine(alice, "bob")
    answer = bob.home / "approval"
    bob.fsm(
        "approve",
        bob.home / "request",
        "--agent",
        key_of(stack, "bob"),
        "--principal",
        "bob@example",
        "--out",
        answer,
        config=False,
        check=True,
    )
    alice.expect(titan.DONE, "accept", answer)
    bob = machine(alice, "bob")
    wait_for_expiry(stack)
    bob.expect(titan.DONE, "takeover", "--reason", "my turn")
    result = bob.expect(titan.NEEDS_PERSON, "advance")
    insist("0 of 1" in result.out, result.out)
    bob.expect(titan.ABORTED, "abort", "--reason", "enough")
    insist(bob.claims()["authority"] == "proven", bob.verify().out)


def takeover_before_the_target_was_taken_frees_it_too(stack):
    alice = alice_of(stack)
    alice.begin("release")
    bob = machine(alice, "bob")
    bob.expect(titan.DONE, "takeover", "--reason", "the laptop died after begin")
    insist(
        holder(stack)["epoch"] == 1 and holder(stack)["holder"].startswith("bob"),
        str(holder(stack)),
    )
    advance_to(bob, "connected")
    insist(holder(stack)["epoch"] == 1, "what was taken over is not taken anew")
    bob.expect(titan.ABORTED, "abort", "--reason", "enough")
    insist(holder(stack)["deployment"] == 0, str(holder(stack)))
    insist(bob.claims()["authority"] == "proven", bob.verify().out)


def session_key_of_elsewhere_is_not_tried(stack):
    alice = alice_of(stack)
    alice.begin("release")
    key = next(alice.journal.glob("session-*.key"))
    key.write_text("ab" * 32 + "\n")
    refused(stack, alice, titan.KEY_REFUSED, ["advance"], "not the session key", "takeover")


def lost_journal_is_succeeded(stack):
    alice = alice_of(stack, tenancy_ms=9000)
    stack.commit("release-2")
    alice.begin("release")
    advance_to(alice, "connected")
    old, before = holder(stack)["journal"], holder(stack)
    copy = machine(alice)
    shutil.rmtree(alice.journal)
    words = ["init", "--succeed", old, "--reason", "the disk died"]
    refused(stack, alice, titan.HELD, words, r"held by alice@example on .* expires in \d s")
    refused(
        stack,
        alice,
        titan.REFUSED,
        ["init", "--succeed", "ab" * 16, "--reason", "x"],
        "belongs to the journal " + old,
    )
    refused(stack, alice, titan.USAGE, ["init", "--succeed", "ab", "--reason", "x"], "id")
    refused(stack, alice, titan.USAGE, ["init", "--succeed", old], "reason")
    wait_for_expiry(stack)
    bob = machine(alice, "bob")
    refused(stack, bob, titan.KEY_REFUSED, words, "operator who is an administrator too")
    erin = machine(alice, "erin")  # an administrator who is no operator
    erin.config.write_text(
        re.sub(
            r"administrators: \[",
            "administrators: [" + json.dumps(signer_line(stack, "erin")) + ", ",
            erin.config.read_text(),
        )
    )
    refused(stack, erin, titan.KEY_REFUSED, words, "operator who is an administrator too")
    insist(not alice.journal.exists() and not bob.journal.exists(), "a refusal leaves no journal")
    state_file(stack, "deployment.json.new").mkdir()
    result = alice.fsm(*words)
    insist(
        result.returncode != 0 and holder(stack) == before,
        "cut short before the target was given over: " + result.err,
    )
    alice.expect(titan.DONE, "begin", "release", "--reason", "too early")
    alice.expect(titan.DONE, "advance")
    insist(
        alice.fsm("advance").returncode == titan.HELD,
        "the target refuses a journal that is not there yet",
    )
    shutil.rmtree(alice.journal)
    state_file(stack, "deployment.json.new").rmdir()
    alice.expect(titan.DONE, *words)
    now, entries = holder(stack), alice.entries()
    succeeds = entries[0]["body"]["succeeds"]
    insist(
        succeeds == {"journal": old, "seq": before["head_seq"], "hash": before["head_hash"]},
        str(succeeds),
    )
    insist(
        now["journal"] == entries[0]["journal"]
        and now["deployment"] == 0
        and now["epoch"] == before["epoch"] + 1,
        str(now),
    )
    disarmed = [
        entry["body"]
        for entry in entries
        if entry["type"] == "command" and entry["body"]["command"] == "disarm"
    ]
    insist(
        [body["phase"] for body in disarmed] == ["intent", "outcome"]
        and disarmed[1]["outcome"] == "observed",
        str(disarmed),
    )
    insist(any(disarmed[0]["key"] in line for line in stack.received()), "Execution received it")
    probes = {item["probe"] for item in entries[-1]["body"]["evidence"]}
    insist(
        probes
        >= {
            "git.head",
            "git.status",
            "config.hmac",
            "env.hmac",
            "compose.containers",
            "compose.images",
            "bus.policy_hash",
            "tenancy",
        },
        str(probes),
    )
    refused(stack, copy, titan.HELD, ["advance"], "no longer has the tenancy|another journal")
    alice.expect(titan.DONE, *words)  # once more: nothing is undone
    insist(holder(stack) == now, "idempotent")
    alice.begin("release")
    alice.expect(titan.DONE, "run", "--rearm", "no")
    insist(f"succeeds journal {old}" in alice.expect_proven().out, "the report says so")
    refused(stack, alice, titan.REFUSED, words, "already succeeded")


def free_target_or_unknown_one_is_not_succeeded_by_mistake(stack):
    alice = alice_of(stack, init=False)
    refused(
        stack,
        alice,
        titan.REFUSED,
        ["init", "--succeed", "ab" * 16, "--reason", "x"],
        "belongs to no journal yet",
    )
    alice.expect(titan.DONE, "init")
    refused(
        stack,
        alice,
        titan.REFUSED,
        ["init", "--succeed", "ab" * 16, "--reason", "x"],
        "does not succeed",
    )


def drive_together(operators):
    with concurrent.futures.ThreadPoolExecutor(len(operators)) as pool:
        return [
            result.returncode
            for result in pool.map(lambda operator: operator.fsm("advance"), operators)
        ]


def check_race(stack, operators, before):
    statuses = drive_together(operators)
    insist(
        sorted(statuses) == [titan.DONE] + [titan.HELD] * (len(operators) - 1),
        f"exactly one wins: {statuses}",
    )
    winner = operators[statuses.index(titan.DONE)]
    insist(winner.status()["deployment"]["state"] == "connected", str(winner.status()))
    insist(holder(stack)["journal"] == winner.status()["journal"], "the target names the winner")
    insist(before == (stack.containers(), stack.head(), stack.received()), "the others did nothing")
    return winner


def simultaneous_drivers_of_different_journals_exactly_one_wins(stack):
    operators = [alice_of(stack) for _ in range(4)]
    for operator in operators:
        operator.begin("release")
        operator.expect(titan.DONE, "advance")
    before = stack.containers(), stack.head(), stack.received()
    for _ in range(5):
        winner = check_race(stack, operators, before)
        winner.expect(titan.ABORTED, "abort", "--reason", "the race is over")
        state_file(stack).unlink()  # a target that nobody has held
        winner.begin("release")
        winner.expect(titan.DONE, "advance")


def simultaneous_drivers_of_copies_exactly_one_wins(stack):
    alice = alice_of(stack)
    before = stack.containers(), stack.head(), stack.received()
    for _ in range(5):
        alice.begin("release")
        alice.expect(titan.DONE, "advance")
        alice = check_race(stack, [alice] + [machine(alice) for _ in range(3)], before)
        alice.expect(titan.ABORTED, "abort", "--reason", "the race is over")


titan.run_cases(
    titan.only(
        [
            hold_is_renewed_at_each_edge_and_kept_between_two,
            window_longer_than_the_hold_renews_it,
            dead_holder_blocks_at_most_the_configured_time,
            whoever_was_followed_stops_at_the_next_edge,
            copy_with_the_session_key_drives_for_its_holder_only,
            takeover_in_the_same_directory_ends_what_the_holder_before_may,
            takeover_cut_short_is_finished_by_the_same_command,
            takeover_is_refused_to_whom_it_is_not_due,
            approver_who_takes_over_counts_as_one_person,
            takeover_before_the_target_was_taken_frees_it_too,
            session_key_of_elsewhere_is_not_tried,
            lost_journal_is_succeeded,
            free_target_or_unknown_one_is_not_succeeded_by_mistake,
            simultaneous_drivers_of_different_journals_exactly_one_wins,
            simultaneous_drivers_of_copies_exactly_one_wins,
        ]
    ),
    "--armed",
)
