#!/usr/bin/env python3
"""Goal: once a deployment has ended, nobody extends it with the files on disk: at least 100
attempts, each with another key, kind of entry, copy of the journal or command, and each fails:
refused by the driver or its library, or, where an entry was forced into the environment, found by
titan-verify."""
import concurrent.futures
import itertools
import json
import os
import pathlib
import shutil
import tempfile

import titan
from team import advance_to, alice_of, as_it_is, key_of, kill, machine, samples
from titan import insist

APPEND = str(titan.BUILD / "tests" / "scenarios" / "append_entry")
HASH, ZEROS = "ab" * 32, "00" * 32
ROSTER = '{"operators":[],"approvers":[],"administrators":[]}'
BODIES = {
    "genesis": "",  # this journal's own
    "roster": f'{{"roster":{ROSTER},"reason":""}}',
    "open": (
        f'{{"procedure":"release","operator":"alice@example","reason":"x","session":"{HASH}",'
        f'"table":"{ZEROS}","program":"x","branch":"main","commit":"","expect":"",'
        f'"checklist":[],"approvals":0,"config":"{ZEROS}"}}'
    ),
    "intent": (
        f'{{"from":"confirmed","action":"complete","key":"{HASH[:32]}","deadline_ms":1,"what":"x"}}'
    ),
    "transition": (
        '{"from":"confirmed","event":"rollback","to":"rolling_back","reason":"","evidence":[],'
        '"facts":{}}'
    ),
    "refusal": '{"from":"confirmed","event":"abort","reason":""}',
    "sample": '{"intent":3,"n":1,"evidence":[],"facts":{}}',
    "attestation": (
        '{"item":"rollback_failed","answer":"accepted","reason":"","operator":"alice@example"}'
    ),
    "approval": '{"principal":"bob@example","statement":"","signature":""}',
    "reconciliation": '{"intent":3,"found":"done","then":"continue","reason":"","evidence":[]}',
    "takeover": (
        f'{{"operator":"alice@example","session":"{HASH}","epoch":99,"previous":"","reason":"x"}}'
    ),
    "command": (
        f'{{"command":"disarm","phase":"intent","key":"{HASH[:32]}","outcome":"","reason":"",'
        '"evidence":[]}'
    ),
    "anchor": '{"checkpoint":"x","to":""}',
    "note": '{"text":"it went on"}',
}
SESSION_TYPES = (
    "intent",
    "transition",
    "sample",
    "reconciliation",
    "refusal",
    "note",
    "approval",
    "anchor",
    "command",
)
WORDS = (
    ["advance"],
    ["run"],
    ["resume"],
    ["abort", "--reason", "x"],
    ["rollback", "--reason", "x"],
    ["takeover", "--reason", "x"],
    ["attest", "rollback_failed", "--reason", "x"],
    ["attest", "tree_clean", "--reason", "x"],
)


class World:
    """A deployment that has ended, what is left of it on disk, and what others may have kept."""

    def __init__(self, stack):
        self.stack = stack
        alice = alice_of(
            stack,
            limits={"window_ms": 6000, "sample_interval_ms": 500, "sample_gap_ms": 10000},
        )
        stack.commit("release-2")
        alice.begin("release")
        self.number = alice.status()["deployment"]["number"]
        BODIES["genesis"] = json.dumps(alice.entries()[0]["body"])
        advance_to(alice, "connected")
        self.early = machine(alice)
        advance_to(alice, "guarded")
        driver = alice.start("run", "--rearm", "no")
        titan.wait_until("a sample", lambda: samples(alice))
        kill(driver)
        self.late = machine(alice)  # out of the window: no later state waits for another command
        alice.expect(titan.DONE, "resume")
        insist(alice.status()["deployment"]["state"] == "completed", str(alice.status()))
        insist(
            [path.name for path in alice.journal.glob("*.key")] == [],
            "no key is left beside the journal",
        )
        self.checkpoint = alice.home / "checkpoint"
        alice.expect(titan.DONE, "export", alice.bundle, "--checkpoint", self.checkpoint)
        alice.expect_proven("--checkpoint", self.checkpoint)
        self.alice = alice
        self.session = next(self.late.journal.glob("session-*.key"))
        self.next = machine(alice)
        self.next.begin("release")
        self.other = next(self.next.journal.glob("session-*.key"))
        self.wiped = alice.home / "wiped.key"
        self.wiped.write_bytes(bytes(65))
        self.wiped.chmod(0o600)
        self.environment = dict(os.environ, SSH_AUTH_SOCK=alice.socket)

    def copy(self, operator):
        directory = pathlib.Path(tempfile.mkdtemp(prefix="attempt-", dir=self.stack.home))
        shutil.copytree(operator.journal, directory / "journal")
        return directory / "journal"

    def judge(self, operator, journal, *words):
        result = titan.run(
            titan.VERIFY,
            journal,
            "--trust",
            operator.trust,
            "--target",
            operator.name,
            "--limits",
            operator.limits_file,
            "--deployment",
            self.number,
            *words,
        )
        shutil.rmtree(journal.parent)
        return result.returncode

    def force(self, operator, entries, checkpoint=False):
        """Entries (key, type) at the end of a copy: None when it was refused or found, else what
        went wrong."""
        journal = self.copy(operator)
        for key, kind in entries:
            result = titan.run(
                APPEND, journal, key, kind, self.number, BODIES[kind], env=self.environment
            )
            if result.returncode == 1:
                shutil.rmtree(journal.parent)
                return None
            insist(result.returncode == 0, result.err)
        status = self.judge(
            operator, journal, *(["--checkpoint", self.checkpoint] if checkpoint else [])
        )
        return None if status == 1 else f"{entries}: titan-verify says {status}"


def forced(world):
    """By hand, with every key that can be had."""
    keys = [
        f"session:{world.session}",
        f"session:{world.other}",
        f"session:{world.wiped}",
        f"seed:{ZEROS}",
        f"agent:{key_of(world.stack, 'bob')}",
        f"agent:{world.stack.agent()[1]}",
    ]
    ended = [(world.alice, [each]) for each in itertools.product(keys, BODIES)]
    after_takeover = [
        (world.alice, [(keys[-1], "takeover"), (f"seed:{HASH}", kind)]) for kind in SESSION_TYPES
    ]
    forks = [
        (copy, [(keys[0], kind)]) for copy in (world.early, world.late) for kind in SESSION_TYPES
    ]
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for problem in pool.map(lambda each: world.force(*each), ended + after_takeover):
            yield problem
        for problem in pool.map(lambda each: world.force(*each, checkpoint=True), forks):
            yield problem


def driven(world):
    """With the driver: the session key's file laid back beside the ended journal; and old copies of
    the directory, with all that they had."""
    shutil.copy(world.session, world.alice.journal)
    for operator, words in itertools.product((world.alice, world.early, world.late), WORDS):
        before = as_it_is(world.stack)
        mine = machine(operator)
        result = mine.fsm(*words)
        entries = [entry for entry in mine.entries() if entry.get("deployment") == world.number]
        verdict = mine.verify("--checkpoint", world.checkpoint, "--deployment", world.number)
        good = result.returncode not in (
            0,
            titan.ABORTED,
            titan.ROLLED_BACK,
        ) and before == as_it_is(world.stack)
        if operator is world.alice:  # not even an entry
            good = (
                good
                and result.returncode == titan.REFUSED
                and entries
                == [
                    entry for entry in operator.entries() if entry.get("deployment") == world.number
                ]
            )
        else:
            good = (good or words[0] == "attest") and verdict.returncode == 1
        yield (
            None
            if good
            else f"{words} of {operator.home.name}: {result.returncode} {result.out}{result.err}"
        )


def ended_deployment_is_never_extended(stack):
    world = World(stack)
    outcomes = list(forced(world)) + list(driven(world))
    problems = [problem for problem in outcomes if problem is not None]
    print(f"{len(outcomes)} attempts, {len(outcomes) - len(problems)} failed as they must")
    insist(len(outcomes) >= 100 and not problems, "\n".join(problems))


titan.run_cases([ended_deployment_is_never_extended], "--armed")
