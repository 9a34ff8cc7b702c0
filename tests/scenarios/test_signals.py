#!/usr/bin/env python3
"""Goal: SIGINT and SIGTERM leave a clear state whenever they come: the driver stops where nobody
has to watch, names the state and the next command, keeps the target, and says by its exit status
that it is not done; what it has begun to change it watches to the end of its window, and completes.
The second one ends it at once; `resume` settles that too."""
import os
import pty
import re
import signal
import subprocess

import titan
from team import alice_of, holder, samples
from titan import insist

WINDOW = {"window_ms": 1500, "sample_interval_ms": 200, "sample_gap_ms": 10000}


def start(operator, *words, **options):
    options.setdefault("stdin", subprocess.DEVNULL)
    environment = dict(os.environ, SSH_AUTH_SOCK=operator.socket)
    return subprocess.Popen(
        [str(word) for word in operator.words(*words)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
        text=True,
        **options,
    )


def end(driver, status, *parts):
    out, err = driver.communicate(timeout=60)
    insist(driver.returncode == status, f"{driver.returncode} and not {status}: {out}{err}")
    for part in parts:
        insist(part in out + err, f"'{part}' is not in: {out}{err}")
    return out + err


def hear(driver, part):
    line = ""
    while part not in line:
        line = driver.stdout.readline()
        insist(line, f"'{part}' was not said")


def slow(stack, operator, command):
    """The stack's compose program, one command of which waits for a word: a long command on the
    target. It gives up by itself."""
    script, directory = operator.home / "slow-compose", operator.home
    script.write_text(
        f"""#!/bin/sh
case " $* " in *" {command} "*)
    : > {directory}/waiting; n=0
    while [ ! -e {directory}/go ] && [ $n -lt 1000 ]; do sleep 0.02; n=$((n + 1)); done ;;
esac
exec {stack.env['COMPOSE']} "$@"
"""
    )
    script.chmod(0o755)
    operator.config.write_text(
        operator.config.read_text().replace(
            f"command: {stack.env['COMPOSE']}", f"command: {script}"
        )
    )


def in_the_pull(stack):
    alice = alice_of(stack)
    slow(stack, alice, "pull")
    stack.commit("release-2")
    alice.begin("release")
    driver = start(alice, "run", "--rearm", "no")
    titan.wait_until("the pull", lambda: (alice.home / "waiting").exists())
    return alice, driver


def long_command_is_ended_then_the_driver_stops(stack):
    for number in (signal.SIGINT, signal.SIGTERM):
        alice, driver = in_the_pull(stack)
        before = stack.containers()
        driver.send_signal(number)
        insist(
            "stopping" in driver.stderr.readline() + driver.stderr.readline(),
            "it says at once that it has heard",
        )
        insist(alice.status()["deployment"]["intent"] == "pull_images", "the pull goes on")
        (alice.home / "go").touch()
        end(
            driver,
            titan.NEEDS_PERSON,
            "interrupted in pulled",
            "stays held",
            "next: titan-fsm resume",
        )
        insist(
            holder(stack)["deployment"] == alice.status()["deployment"]["number"],
            "the target is kept",
        )
        insist(
            alice.status()["deployment"]["state"] == "pulled"
            and alice.status()["deployment"]["intent"] == "",
            str(alice.status()),
        )
        insist(before == stack.containers(), "nothing that runs has changed")
        if number == signal.SIGINT:
            alice.expect(titan.DONE, "resume", "--rearm", "no")
            alice.expect_proven()
            stack.reset()


def second_signal_ends_it_at_once(stack):
    alice, driver = in_the_pull(stack)
    driver.send_signal(signal.SIGINT)
    driver.stderr.readline()
    driver.stderr.readline()
    driver.send_signal(signal.SIGINT)
    end(driver, -signal.SIGINT)
    insist(
        alice.status()["deployment"]["intent"] == "pull_images",
        "the intent stays open, to be settled by looking",
    )
    insist(
        holder(stack)["deployment"] == alice.status()["deployment"]["number"], "the target is kept"
    )
    (alice.home / "go").touch()
    alice.expect(titan.DONE, "resume", "--rearm", "no")
    alice.expect_proven()


def window_is_watched_to_its_end(stack):
    alice = alice_of(stack, limits=dict(WINDOW, window_ms=2500))
    stack.commit("release-2")
    alice.begin("release")
    driver = start(alice, "run", "--rearm", "yes")
    titan.wait_until("a sample", lambda: samples(alice))
    driver.send_signal(signal.SIGTERM)
    text = end(driver, titan.DONE, "Press Ctrl-C again to quit now", "is completed")
    insist(
        re.search(r"after the health window \([123] s left\)", text)
        and text.count("after the health window (") == 1,
        text,
    )
    sent = [entry["body"]["evidence"][0]["sent_ns"] for entry in samples(alice)]
    insist(sent[-1] - sent[0] >= 2500 * 1000000, f"the window was sampled to its end: {sent}")
    alice.expect_proven()


def switch_under_way_goes_on_through_its_window(stack):
    alice = alice_of(stack, limits=WINDOW)
    slow(stack, alice, "up")
    stack.commit("release-2")
    alice.begin("release")
    driver = start(alice, "run", "--rearm", "no")
    titan.wait_until("the switch", lambda: (alice.home / "waiting").exists())
    driver.send_signal(signal.SIGTERM)
    insist(
        "stopping" in driver.stderr.readline() + driver.stderr.readline(),
        "it says at once that it has heard",
    )
    insist(alice.status()["deployment"]["intent"] == "switch_services", "the switch goes on")
    (alice.home / "go").touch()
    end(driver, titan.DONE, "after the health window (", "is completed")
    alice.expect_proven()


def window_that_fails_behind_a_signal_is_rolled_back(stack):
    alice = alice_of(stack, limits=dict(WINDOW, window_ms=60000))
    stack.commit("release-2")
    alice.begin("release")
    driver = start(alice, "run", "--rearm", "no")
    titan.wait_until("samples", lambda: len(samples(alice)) >= 2)
    driver.send_signal(signal.SIGINT)
    hear(driver, "after the health window (")
    stack.docker("rm", "-f", stack.containers()["titan-web"][0])
    end(driver, titan.ROLLED_BACK, "is rolled_back")
    claims = alice.claims()
    insist(claims["restoration"] == "proven" and claims["window"] == "proven", alice.verify().out)


def second_signal_ends_the_window_at_once(stack):
    alice = alice_of(stack, limits=dict(WINDOW, window_ms=30000, sample_interval_ms=100))
    alice.config.write_text(
        alice.config.read_text().replace("reply_ms: 40", "reply_ms: 200")
    )  # a sample takes longer than the interval
    stack.commit("release-2")
    alice.begin("release")
    driver = start(alice, "run", "--rearm", "no")
    titan.wait_until("samples", lambda: len(samples(alice)) >= 2)
    driver.send_signal(signal.SIGINT)
    hear(driver, "after the health window (")
    insist(driver.poll() is None, "the first signal did not end it")
    driver.send_signal(signal.SIGINT)
    end(driver, -signal.SIGINT, "nothing is watched any more", "titan-fsm rollback")
    alice.expect(titan.ROLLED_BACK, "rollback", "--reason", "enough")
    insist(alice.claims()["restoration"] == "proven", alice.verify().out)


def question_is_silence_and_stays_disarmed(stack):
    alice = alice_of(stack, limits=dict(WINDOW, answer_ms=60000))
    stack.commit("release-2")
    alice.begin("release")
    armed = sum(line.startswith("ARM ") for line in stack.received())
    ours, theirs = pty.openpty()
    driver = start(alice, "run", stdin=theirs)
    os.close(theirs)
    hear(driver, "Type yes")
    driver.send_signal(signal.SIGINT)
    end(driver, titan.DONE, "after the health window (", "is completed")
    os.close(ours)
    answers = [
        entry["body"]["outcome"]
        for entry in alice.entries()
        if entry["type"] == "command" and entry["body"]["command"] == "answer"
    ]
    insist(answers == ["unanswered"], str(answers))
    insist(sum(line.startswith("ARM ") for line in stack.received()) == armed, "nothing was armed")
    alice.expect_proven()


titan.run_cases(
    titan.only(
        [
            long_command_is_ended_then_the_driver_stops,
            second_signal_ends_it_at_once,
            window_is_watched_to_its_end,
            switch_under_way_goes_on_through_its_window,
            window_that_fails_behind_a_signal_is_rolled_back,
            second_signal_ends_the_window_at_once,
            question_is_silence_and_stays_disarmed,
        ]
    ),
    "--armed",
)
