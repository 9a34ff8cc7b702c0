"""What the tests of the checklist share: one run of `titan-fsm preflight`, and a host of their own
in namespaces of its own, so that neither the ports nor the Docker socket of the machine they run on
count."""
import atexit
import json
import os
import pathlib
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
BUILD = pathlib.Path(os.environ.get("TITAN_BUILD", HERE.parent.parent / "build"))
PASSED, FAILED, FOR_A_PERSON = 0, 21, 13


def skip(reason):
    print("skipped: " + reason)
    sys.exit(77)


def wait_until(what, condition, seconds=180):
    until = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > until:
            raise AssertionError("waited in vain: " + what)
        time.sleep(0.02)


def preflight(config, *inside, environment=None):
    """(exit status, items by id, everything printed). `inside`: words in front of the program's
    own."""
    result = subprocess.run(
        [*inside, BUILD / "fsm" / "titan-fsm", "preflight", "--json", "--config", config],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        timeout=120,
        env=environment,
    )
    printed = result.stdout.decode() + result.stderr.decode()
    if not result.stdout:
        raise AssertionError("no report: " + printed)
    return (
        result.returncode,
        {item["id"]: item for item in json.loads(result.stdout)["items"]},
        printed,
    )


class Namespace:
    """A host within this one: network, processes, mounts and /run of its own. Whatever runs in it
    ends with it."""

    def __init__(self):
        if os.geteuid() != 0:
            skip("namespaces can be made by root only")
        self.holder = subprocess.Popen(
            [
                "unshare",
                "--net",
                "--mount",
                "--pid",
                "--fork",
                "--kill-child",
                "--mount-proc",
                "sh",
                "-c",
                (
                    "mount -t tmpfs none /run && mount -t tmpfs none /srv && ip link set lo up &&"
                    " echo up && exec sleep 600"
                ),
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        atexit.register(self.close)
        if self.holder.stdout.readline() != b"up\n":
            skip("namespaces cannot be made here: " + self.holder.stderr.read().decode())
        children = (
            pathlib.Path(f"/proc/{self.holder.pid}/task/{self.holder.pid}/children")
            .read_text()
            .split()
        )
        self.words = ["nsenter", "-t", children[0], "-n", "-m", "-p"]

    def run(self, *words, check=True):
        result = subprocess.run(
            [*self.words, *(str(word) for word in words)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=120,
        )
        if check and result.returncode != 0:
            raise AssertionError(f"{words}: {result.stdout.decode()}")
        return result.stdout.decode()

    def start(self, *words, log=None):
        """In the background, what it says to a file or a pipe; the caller ends it, or close()
        does."""
        said = open(log, "wb") if log else subprocess.PIPE
        return subprocess.Popen(
            [*self.words, *(str(word) for word in words)],
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=subprocess.STDOUT,
        )

    def close(self):
        self.holder.kill()
        self.holder.wait()
