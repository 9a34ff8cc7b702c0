#!/usr/bin/env python3
"""Goal: SIGINT and SIGTERM leave a clear state whenever they come: the driver stops where nobody has to watch (a window: between two samples), names the state and
the next command, keeps the target, and says by its exit status that it is not done. The second one ends it at once; `resume` settles that too."""
import os
import pty
import signal
import subprocess

import titan
from team import alice_of, holder, samples
from titan import insist

WINDOW = {"window_ms": 1500, "sample_interval_ms": 200, "sample_gap_ms": 10000}


def start(operator, *words, **options):
    options.setdefault("stdin", subprocess.DEVNULL)
    environment = dict(os.environ, SSH_AUTH_SOCK=operator.socket)
    return subprocess.Popen([str(word) for word in operator.words(*words)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment, text=True, **options)


def end(driver, status, *parts):
    out, err = driver.communicate(timeout=60)
    insist(driver.returncode == status, f"{driver.returncode} and not {status}: {out}{err}")
    for part in parts:
        insist(part in out + err, f"'{part}' is not in: {out}{err}")
    return out + err


def slow_pull(stack, operator):
    """The stack's compose program, whose pull waits for a word: a long command on the target. It gives up by itself."""
    script, directory = operator.home / "slow-compose", operator.home
    script.write_text(f"""#!/bin/sh
case " $* " in *" pull"*)
    : > {directory}/pulling; n=0
    while [ ! -e {directory}/go ] && [ $n -lt 1000 ]; do sleep 0.02; n=$((n + 1)); done ;;
esac
exec {stack.env['COMPOSE']} "$@"
""")
    script.chmod(0o755)
    operator.config.write_text(operator.config.read_text().replace(f"command: {stack.env['COMPOSE']}", f"command: {script}"))


def in_the_pull(stack):
    alice = alice_of(stack)
    slow_pull(stack, alice)
    stack.commit("release-2")
    alice.begin("release")
    driver = start(alice, "run", "--rearm", "no")
    titan.wait_until("the pull", lambda: (alice.home / "pulling").exists())
    return alice, driver


def long_command_is_ended_then_the_driver_stops(stack):
    for number in (signal.SIGINT, signal.SIGTERM):
        alice, driver = in_the_pull(stack)
        before = stack.containers()
        driver.send_signal(number)
        insist("interrupted" in driver.stderr.readline() + driver.stderr.readline(), "it says at once that it has heard")
        insist(alice.status()["deployment"]["intent"] == "pull_images", "the pull goes on")
        (alice.home / "go").touch()
        end(driver, titan.NEEDS_PERSON, "interrupted in pulled", "stays held", "next: titan-fsm resume")
        insist(holder(stack)["deployment"] == alice.status()["deployment"]["number"], "the target is kept")
        insist(alice.status()["deployment"]["state"] == "pulled" and alice.status()["deployment"]["intent"] == "", str(alice.status()))
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
    insist(alice.status()["deployment"]["intent"] == "pull_images", "the intent stays open, to be settled by looking")
    insist(holder(stack)["deployment"] == alice.status()["deployment"]["number"], "the target is kept")
    (alice.home / "go").touch()
    alice.expect(titan.DONE, "resume", "--rearm", "no")
    alice.expect_proven()


def window_is_left_between_two_samples(stack):
    alice = alice_of(stack, limits=WINDOW)
    stack.commit("release-2")
    alice.begin("release")
    driver = start(alice, "run", "--rearm", "yes")
    titan.wait_until("samples", lambda: len(samples(alice)) >= 2)
    driver.send_signal(signal.SIGTERM)
    end(driver, titan.NEEDS_PERSON, "interrupted in armed, in the health window", "nobody watches now", "titan-fsm resume at once", "titan-fsm rollback")
    insist(alice.entries()[-1]["type"] == "sample", "the last sample is whole")
    alice.expect(titan.DONE, "resume")
    alice.expect_proven()


def window_with_samples_without_a_pause_is_left_too(stack):
    alice = alice_of(stack, limits=dict(WINDOW, window_ms=30000, sample_interval_ms=100))
    alice.config.write_text(alice.config.read_text().replace("reply_ms: 40", "reply_ms: 200"))        # a sample takes longer than the interval
    stack.commit("release-2")
    alice.begin("release")
    driver = start(alice, "run", "--rearm", "no")
    titan.wait_until("samples", lambda: len(samples(alice)) >= 2)
    driver.send_signal(signal.SIGINT)
    end(driver, titan.NEEDS_PERSON, "interrupted in verified, in the health window")
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
    line = ""
    while "Type yes" not in line:
        line = driver.stdout.readline()
        insist(line, "the question is asked")
    driver.send_signal(signal.SIGINT)
    end(driver, titan.NEEDS_PERSON, "interrupted in verified", "next: titan-fsm resume")
    os.close(ours)
    answers = [entry["body"]["outcome"] for entry in alice.entries() if entry["type"] == "command" and entry["body"]["command"] == "answer"]
    insist(answers == ["unanswered"], str(answers))
    insist(sum(line.startswith("ARM ") for line in stack.received()) == armed, "nothing was armed")
    alice.expect(titan.DONE, "resume")
    alice.expect_proven()


titan.run_cases(titan.only([
    long_command_is_ended_then_the_driver_stops,
    second_signal_ends_it_at_once,
    window_is_left_between_two_samples,
    window_with_samples_without_a_pause_is_left_too,
    question_is_silence_and_stays_disarmed,
]), "--armed")
