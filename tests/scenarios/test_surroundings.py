#!/usr/bin/env python3
"""Goal: what a process is given by whoever starts it may be missing or odd (no HOME, a closed
standard output, few descriptors, little memory, ignored or blocked signals, no /dev, a read-only
disk, a directory that is gone, an agent that hangs): Execution is disarmed all the same and that is
said, and status tells where it stands."""
import os
import resource
import signal
import socket
import subprocess
import tempfile

# Limits of memory mean nothing under the sanitizers.
if "TITAN_PLAIN_BUILD" in os.environ:
    os.environ["TITAN_BUILD"] = os.environ["TITAN_PLAIN_BUILD"]

import titan
from outage import operator_of, orders
from titan import insist

KILOBYTE, MEGABYTE = 1 << 10, 1 << 20


def limit(kind, size):
    return lambda: resource.setrlimit(kind, (size, size))


def closed(*descriptors):
    def close():
        for descriptor in descriptors:
            os.close(descriptor)

    return close


def blocked():
    signal.pthread_sigmask(signal.SIG_BLOCK, set(signal.Signals) - {signal.SIGKILL})


def ignored():
    for number in (signal.SIGCHLD, signal.SIGALRM, signal.SIGPIPE, signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)


def nowhere():
    place = tempfile.mkdtemp()
    os.chdir(place)
    os.rmdir(place)


def without(*names):
    return lambda environment: {
        name: value for name, value in environment.items() if name not in names
    }


def with_value(name, value):
    return lambda environment: {**environment, name: value}


class Around:
    """What is odd for one command: the environment, what happens in front of exec, words of a
    program that runs it."""

    def __init__(self, name, environment=None, before=None, through=(), but=""):
        self.name, self.before, self.through = name, before, list(through)
        self.environment = environment or (lambda values: values)
        self.unwritten = but == "unwritten"  # the journal cannot be written
        self.narrow = but == "narrow"  # what is there does not suffice to reach the target
        self.mute = but == "mute"  # nobody hears what is said

    def run(self, operator, command, *words):
        environment = self.environment({**os.environ, "SSH_AUTH_SOCK": operator.socket})
        if self.through:
            environment["J"] = str(operator.journal)
        given = [str(word) for word in operator.words(command, *words)]
        process = subprocess.run(
            [*self.through, *given],
            env=environment,
            preexec_fn=self.before,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            timeout=180,
        )
        return process.returncode, (process.stdout + process.stderr).decode("utf-8", "replace")


def in_namespace(script):
    return ["unshare", "--mount", "sh", "-c", script + '; exec "$@"', "sh"]


def surroundings(silent):
    return [
        Around("HOME is unset", without("HOME")),
        Around("HOME is empty", with_value("HOME", "")),
        Around("HOME is missing", with_value("HOME", "/nowhere/at/all")),
        Around("TMPDIR is missing", with_value("TMPDIR", "/nowhere/at/all")),
        Around("TERM is unset", without("TERM", "LANG", "LC_ALL")),
        Around("odd locale and zone", lambda e: {**e, "LC_ALL": "xx_YY", "TZ": "../../etc"}),
        Around("PATH is unset", without("PATH")),
        Around("PATH is empty", with_value("PATH", "")),
        Around("nothing in the environment", lambda e: {}),
        Around("a huge environment", with_value("HUGE", "x" * 100000)),
        Around("an agent that hangs", with_value("SSH_AUTH_SOCK", silent)),
        Around("no agent", with_value("SSH_AUTH_SOCK", "/nowhere")),
        Around("stdin closed", before=closed(0)),
        Around("stdout closed", before=closed(1), but="mute"),
        Around("stderr closed", before=closed(2), but="mute"),
        Around("all three closed", before=closed(0, 1, 2), but="mute"),
        Around("umask 0777", before=lambda: os.umask(0o777)),
        Around("16 descriptors", before=limit(resource.RLIMIT_NOFILE, 16)),
        Around("400 MB", before=limit(resource.RLIMIT_AS, 400 * MEGABYTE)),
        Around("a small stack", before=limit(resource.RLIMIT_STACK, 512 * KILOBYTE)),
        Around("200 MB", before=limit(resource.RLIMIT_AS, 200 * MEGABYTE)),
        Around("100 MB", before=limit(resource.RLIMIT_AS, 100 * MEGABYTE), but="narrow"),
        Around("10 descriptors", before=limit(resource.RLIMIT_NOFILE, 10), but="narrow"),
        Around(
            "the journal's disk is read-only",
            through=in_namespace('mount --bind "$J" "$J" && mount -o remount,bind,ro "$J" "$J"'),
            but="unwritten",
        ),
        Around("no locked memory", before=limit(resource.RLIMIT_MEMLOCK, 0)),
        Around("no file may grow", before=limit(resource.RLIMIT_FSIZE, 0), but="unwritten"),
        Around("signals are ignored", before=ignored),
        Around("signals are blocked", before=blocked),
        Around("the directory is gone", before=nowhere),
        Around("/dev is empty", through=in_namespace("mount -t tmpfs none /dev")),
    ]


def names_of(stack):
    silent = tempfile.mkdtemp(dir=stack.home) + "/silent"
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(silent)
    listener.listen(50)
    return listener, surroundings(silent)


def shown(around, status, new, said):
    return f"{around.name}: {status}, {new}\n{said}"


def disarm_does_what_it_says(stack):
    """Sent, and seen; or it says that it was not."""
    listener, arounds = names_of(stack)
    operator = operator_of(stack)
    bad = []
    for around in arounds:
        operator.fsm("arm", "--reason", "test")  # it may be armed
        before = len(orders(stack))
        status, said = around.run(operator, "disarm", "--reason", "smells")
        new = orders(stack)[before:]
        sent = new == ["DISARM"] and (around.mute or "DISARM was sent; Execution is seen" in said)
        refused = around.narrow and not new and "DISARM could NOT be sent" in said
        if not sent and not refused:
            bad.append(shown(around, status, new, said))
        if around.unwritten and "not on record" not in said:
            bad.append(shown(around, status, new, said))
        status, said = around.run(operator, "status")
        if not around.mute and "Execution" not in said and "target      titan-test" not in said:
            bad.append(shown(around, status, [], said))
        operator.fsm("disarm", "--reason", "clear")
    listener.close()
    insist(not bad, "\n".join(bad))


CASES = [disarm_does_what_it_says]
titan.run_cases(titan.only(CASES), "--armed", mode="standin")
