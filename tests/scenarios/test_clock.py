#!/usr/bin/env python3
"""Goal: the wall clock stepped by an hour either way in the window changes nothing but a recorded
note."""
import os
import pathlib
import subprocess

import titan
from titan import insist

LIBRARY = next(iter(pathlib.Path("/usr/lib").glob("*/faketime/libfaketime.so.1")), None)


def step_in_the_window(stack, first, then):
    """The wall clock of the driver alone: the target is reached over ssh and keeps its own."""
    operator = titan.Operator(
        stack, ssh=True, agent=True, limits={"window_ms": 4000, "sample_interval_ms": 400}
    )
    operator.expect(titan.DONE, "init")
    stack.commit("release-2")
    operator.begin("release")
    offset = operator.home / "offset"
    offset.write_text(first)
    environment = dict(
        os.environ,
        SSH_AUTH_SOCK=operator.socket,
        LD_PRELOAD=str(LIBRARY),
        FAKETIME_DONT_FAKE_MONOTONIC="1",
        FAKETIME_NO_CACHE="1",
        FAKETIME_TIMESTAMP_FILE=str(offset),
    )
    words = [str(word) for word in operator.words("run", "--rearm", "no")]
    driver = subprocess.Popen(
        words,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=environment,
    )

    def count(kind):
        return sum(1 for entry in operator.entries() if entry["type"] == kind)

    titan.wait_until("two samples", lambda: count("sample") >= 2)
    offset.write_text(then)
    output = driver.communicate(timeout=120)[0].decode("utf-8", "replace")
    insist(driver.returncode == titan.DONE, f"{driver.returncode}: {output}")
    notes = [
        entry["body"]
        for entry in operator.entries()
        if entry["type"] == "note" and entry["body"].get("kind") != "confirmed"
    ]
    insist(
        len(notes) >= 1 and all(note["kind"] == "clock_step" for note in notes), f"notes: {notes}"
    )
    insist(operator.status()["deployment"]["state"] == "completed", "it completes")
    operator.expect_proven()


def forward_by_an_hour(stack):
    step_in_the_window(stack, "+0", "+3600")


def back_by_an_hour(stack):
    step_in_the_window(stack, "+0", "-3600")


if LIBRARY is None:
    titan.skip("libfaketime is not installed")
titan.run_cases(titan.only([forward_by_an_hour, back_by_an_hour]), "--armed", "--ssh")
