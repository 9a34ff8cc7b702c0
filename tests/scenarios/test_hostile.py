#!/usr/bin/env python3
"""Goal: what the target prints, names or hands on harms neither the driver nor its journal: open
descriptors, names of services, answers without an end, files that change after the look."""
import os
import pathlib
import signal
import socket
import threading

import outage
import titan
from outage import operator_of
from titan import insist

SHORT = {"window_ms": 1500, "sample_interval_ms": 500}
SECONDS, KILOBYTES = (
    20,
    300 << 10,
)  # of CPU and memory: limits for a driver that gets too much input
PLAIN = pathlib.Path(os.environ.get("TITAN_PLAIN_BUILD", titan.BUILD)) / "fsm" / "titan-fsm"
HASH = "titan.req.exec.policy_hash.v1"


def children_inherit_no_descriptor(stack):
    """Each program that is started for the target writes to each descriptor above 2, where those of
    the journal, of a socket or of a terminal would be. Pipes belong to the calling shell line."""
    write = (
        ': > "${0%/*}/ran"; '
        "for n in 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do "
        'l=$(readlink "/proc/$$/fd/$n"); case $l in ""|pipe:*) continue ;; esac; '
        '( eval "echo destroyed >&$n" ) 2>/dev/null && echo "$n $l" >> "${0%/*}/written"; done'
    )
    operator = operator_of(stack, change=outage.wrap_docker(stack, write), limits=SHORT)
    stack.commit("release-2")
    operator.begin("release")
    operator.expect(titan.DONE, "run", "--rearm", "yes")
    insist((outage.here(stack) / "ran").exists(), "the wrapper was called")
    written = outage.here(stack) / "written"
    insist(not written.exists(), written.exists() and written.read_text())
    operator.expect_proven()


def name_of_a_service_is_never_a_command(stack):
    """In the rendered configuration the name of a service contains a shell command."""
    mark = pathlib.Path(stack.env["TITAN_DIR"]) / "state" / "owned"
    lie = outage.wrap_compose(
        stack,
        """case "$* " in *"config "*)
    $COMPOSE "$@" | sed "s#titan-web#titan-web';touch state/owned;'#"; exit ;; esac""",
    )
    operator = operator_of(stack, change=lie, limits=SHORT)
    stack.commit("release-2")
    before = stack.containers()
    operator.begin("release")
    came = operator.fsm("run", "--rearm", "no")
    insist(not mark.exists(), "it was run as a command")
    insist(came.returncode not in (titan.DONE, 1), f"{came.returncode} {came.out}{came.err}")
    insist(stack.containers() == before, "nothing was changed")
    if operator.status()["open"]:
        operator.expect(titan.ABORTED, "abort", "--reason", "it lies")


def measured(operator, *words):
    """(exit status, seconds of CPU, the most kilobytes of memory) of a command without
    sanitizers, which take as much again as they watch."""
    process = operator.start(*words, program=PLAIN)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return process.returncode, usage.ru_utime + usage.ru_stime, usage.ru_maxrss


def deep_configuration_is_refused_at_once(stack):
    for deep in ("[", "{a: ", "- ", "? ", "!!map {a: "):
        lie = outage.wrap_compose(
            stack,
            f"""case "$* " in *"config ")
    yes '{deep}' | head -c 900000 | tr -d '\\n'; exit ;; esac""",
        )
        operator = operator_of(stack, change=lie, limits=SHORT)
        operator.begin("release")
        status, seconds, most = measured(operator, "run", "--rearm", "no")
        insist(status not in (titan.DONE, 1) and status > 0, f"{deep}: {status}")
        insist(seconds < SECONDS and most < KILOBYTES, f"{deep}: {seconds} s, {most} kB")
        operator.expect(titan.ABORTED, "abort", "--reason", "it cannot be read")


class Answerer:
    """A second responder for the policy hash, whose answer has 60 MB; plain NATS, by hand."""

    def __init__(self, stack):
        password = (pathlib.Path(stack.env["STACK"]) / "bus.admin").read_text().strip()
        self.socket = socket.create_connection(("127.0.0.1", int(stack.env["NATS_PORT"])))
        self.socket.sendall(
            f'CONNECT {{"verbose":false,"user":"admin","pass":"{password}"}}\r\n'
            f"SUB {HASH} 1\r\n".encode()
        )
        self.answered = 0
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        body = b"x" * 60000000
        try:
            for line in self.socket.makefile("rb"):
                if line.startswith(b"PING"):
                    self.socket.sendall(b"PONG\r\n")
                elif line.startswith(b"MSG"):
                    self.socket.sendall(
                        b"PUB %s %d\r\n" % (line.split()[3], len(body)) + body + b"\r\n"
                    )
                    self.answered += 1
        except OSError:
            pass


def answer_without_an_end_is_no_answer(stack):
    """Execution itself is silent, and a second responder sends an answer without an end."""
    operator = operator_of(stack, limits={"rollback_ms": 60000})
    config = pathlib.Path(stack.env["STACK"]) / "nats" / "nats.conf"
    text, server = config.read_text(), outage.server_pid(stack, "nats")
    config.write_text(text + "max_payload: 67108864\n")
    try:
        outage.reload_server(stack, "nats", b"Reloaded server configuration")
        answerer = Answerer(stack)
        stack.commit("release-2", "--fault", "execution:no_responder")
        operator.begin("release")
        status, seconds, most = measured(operator, "run", "--rearm", "yes")
        insist(answerer.answered > 0, "it was asked")
        answerer.socket.close()
        insist(status in (titan.ROLLED_BACK, titan.ROLLBACK_FAILED), f"{status}")
        insist(seconds < SECONDS and most < KILOBYTES, f"{seconds} s, {most} kB")
        insist(outage.orders(stack)[-1] == "DISARM", "and disarmed")
    finally:
        config.write_text(text)
        os.kill(server, signal.SIGHUP)


def env_file_changed_after_the_pull_stops_the_first_change(stack):
    path = pathlib.Path(stack.env["TITAN_DIR"]) / ".env.prod"
    operator = operator_of(stack, limits=SHORT)
    stack.commit("release-2")
    operator.begin("release")
    for _ in range(4):
        operator.expect(titan.DONE, "advance")
    before, good = stack.containers(), path.read_text()
    path.write_text("TITAN_HANDSHAKE_MS=302\n" + good)
    said = operator.expect(titan.REFUSED, "run", "--rearm", "yes").out
    insist("the env file (its fingerprint) was " in said, said)
    path.write_text(good)
    path.chmod(0o644)
    said = operator.expect(titan.REFUSED, "run", "--rearm", "yes").out
    insist("mode, owner and group of the env file was 600" in said, said)
    insist(stack.containers() == before, "nothing was touched")
    path.chmod(0o600)
    operator.expect(titan.DONE, "run", "--rearm", "yes")
    operator.expect_proven()


titan.run_cases(
    titan.only(
        [
            children_inherit_no_descriptor,
            name_of_a_service_is_never_a_command,
            deep_configuration_is_refused_at_once,
            env_file_changed_after_the_pull_stops_the_first_change,
            answer_without_an_end_is_no_answer,
        ]
    ),
    "--armed",
)
