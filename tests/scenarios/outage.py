"""What a test takes away during a deployment on the real stack, and gives back: the docker and
compose programs of the target, the link, the bus."""
import os
import pathlib
import shutil
import signal

import titan
from titan import insist

WINDOW = {
    "window_ms": 6000,
    "sample_interval_ms": 1500,
    "failures_total": 3,
    "rollback_ms": 12000,
}


def operator_of(stack, *, change=lambda text: text, limits=None):
    """Over ssh, where the stack has it."""
    operator = titan.Operator(
        stack,
        agent=True,
        ssh="--ssh" in stack.options,
        limits=dict(WINDOW, **(limits or {})),
        settle=3000,
    )
    operator.config.write_text(change(operator.config.read_text()))
    operator.expect(titan.DONE, "init")
    return operator


def write_program(path, lines):
    path.write_text("#!/bin/sh\n" + lines)
    path.chmod(0o755)
    return path


def here(stack):
    """Where wrappers lie, and what they leave."""
    return pathlib.Path(stack.env["SHARED"]) / "outage"


def place_of(stack):
    """That directory, empty; the target's user may write to it."""
    place = here(stack)
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()
    place.chmod(0o777)
    return place


def wrap_docker(stack, lines):
    """Puts shell lines before the docker program of the target; returns a change of titan.yml."""
    docker = stack.env["DOCKER"]
    program = write_program(place_of(stack) / "docker", lines + f'\nexec {docker} "$@"\n')
    return lambda text: text.replace(f"docker: {docker}", f"docker: {program}", 1)


def wrap_compose(stack, lines):
    """The same for compose. The lines may call $COMPOSE and exit; else it is called after them."""
    host = stack.env.get("DOCKER_HOST")
    host = f"export DOCKER_HOST={host}\n" if host else ""
    compose = stack.env["COMPOSE"]
    program = write_program(
        place_of(stack) / "compose",
        f'{host}COMPOSE="{compose}" here=${{0%/*}}\n{lines}\nexec $COMPOSE "$@"\n',
    )
    return lambda text: text.replace(f"command: {compose}", f"command: {program}")


class Docker:
    """The target's Docker, which can be away: its socket, or the stand-in's program."""

    CANNOT = "Cannot connect to the Docker daemon. Is the docker daemon running?"

    def __init__(self, stack):
        host = stack.env.get("DOCKER_HOST", "")
        self.socket = pathlib.Path(host.removeprefix("unix://")) if host else None
        if self.socket is not None:
            self.change = lambda text: text
            return
        self.change = wrap_docker(
            stack, f'[ ! -e "${{0%/*}}/away" ] || {{ echo "{self.CANNOT}" >&2; exit 1; }}'
        )
        self.away = here(stack) / "away"

    def leave(self):
        if self.socket is not None:
            self.socket.rename(self.socket.with_suffix(".away"))
        else:
            self.away.touch()

    def return_(self):
        if self.socket is not None:
            self.socket.with_suffix(".away").rename(self.socket)
        else:
            self.away.unlink()


def images_of(stack):
    return {service: image for service, (_, image) in stack.containers().items()}


def samples(operator):
    """Of the journal, as another process reads it."""
    return sum(entry["type"] == "sample" for entry in operator.entries())


def begun(stack, operator, name="release-2"):
    """A release that is being driven."""
    stack.commit(name)
    operator.begin("release")
    return operator.start("run", "--rearm", "yes")


def in_the_window(stack, operator, name="release-2"):
    before = samples(operator)
    driver = begun(stack, operator, name)
    titan.wait_until(
        "samples", lambda: samples(operator) >= before + 2 or driver.poll() is not None, 180
    )
    insist(driver.poll() is None, f"it ended before\n{operator.fsm('log').out}")
    return driver


def ends(driver, operator, status, seconds=120):
    came = driver.wait(timeout=seconds)
    insist(came == status, f"{came} and not {status}\n{operator.fsm('log').out}")


def orders(stack):
    """The first words of what Execution received."""
    return [line.split()[0] for line in stack.received()]


def reason_of_the_end(operator):
    return [each for each in operator.entries() if each["type"] == "transition"][-1]["body"][
        "reason"
    ]


def server_pid(stack, name):
    for line in (pathlib.Path(stack.env["STACK"]) / "pids").read_text().splitlines():
        if line.split()[0] == name:
            return int(line.split()[1])
    raise AssertionError(f"no {name} runs")


def reload_server(stack, name, word):
    """Has a server read its configuration again; returns when its log says `word` once more."""
    log = pathlib.Path(stack.env["STACK"]) / "log" / name
    before = log.read_bytes().count(word)
    os.kill(server_pid(stack, name), signal.SIGHUP)
    titan.wait_until(f"{name} reads it", lambda: log.read_bytes().count(word) > before)


def children_of(pid):
    found = []
    for path in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        if fields[1] == str(pid):
            found.append(int(path.parent.name))
    return found


def cut_link(stack):
    """Ends every session of the target's ssh server, which still listens."""
    cut = children_of(server_pid(stack, "sshd"))
    insist(cut, "nobody is connected")
    for pid in cut:
        os.kill(pid, signal.SIGKILL)
