#!/usr/bin/env python3
"""Goal: every file that a command line names may be something else: a FIFO, a directory, a socket,
a device, a link to each of them or to itself, larger than any memory, without an end. No command of
the two programs waits for it, dies of it or writes through it; it ends with one sentence.
usage: test_odd_files.py TITAN_FSM TITAN_VERIFY"""
import os
import pathlib
import socket
import stat
import subprocess
import sys
import tempfile

FSM, VERIFY = (str(pathlib.Path(word).resolve()) for word in sys.argv[1:])
UNLOCK = ["--passphrase-file", "pass"]
TRUST = ["--trust", "trust", "--target", "titan-test"]

# "@" is the odd file.
INPUTS = {
    "journal": [VERIFY, "@", *TRUST],
    "trust": [VERIFY, "b.bundle", "--trust", "@", "--target", "titan-test"],
    "checkpoint": [VERIFY, "b.bundle", *TRUST, "--checkpoint", "@"],
    "limits": [VERIFY, "b.bundle", *TRUST, "--limits", "@"],
    "extract": [VERIFY, "extract", "@", "0", "--out", "part"],
    "diff": [VERIFY, "diff", "b.bundle", "@"],
    "policy": [VERIFY, "policy", "--limits", "@"],
    "attest key": [VERIFY, "b.bundle", *TRUST, "--attest", "statement", "--key", "@"],
    "config": [FSM, "config", "check", "--config", "@"],
    "config of status": [FSM, "status", "--config", "@"],
    "config of disarm": [FSM, "disarm", "--reason", "x", "--config", "@"],
    "passphrase": [FSM, "begin", "release", "--reason", "x", "--passphrase-file", "@"],
    "accept": [FSM, "accept", "@", *UNLOCK],
    "approve": [FSM, "approve", "@", "--key", "alice.key", "--principal", "a@b", *UNLOCK],
    "approver's key": [FSM, "approve", "trust", "--key", "@", "--principal", "a@b", *UNLOCK],
}
OUTPUTS = {
    "export": [FSM, "export", "@", *UNLOCK],
    "export checkpoint": [FSM, "export", "fine.bundle", "--checkpoint", "@", *UNLOCK],
    "keygen": [FSM, "keygen", "@", "--comment", "x@y", *UNLOCK],
    "graph": [FSM, "graph", "@"],
    "html": [VERIFY, "b.bundle", *TRUST, "--html", "@"],
    "attest": [VERIFY, "b.bundle", *TRUST, "--attest", "@", "--key", "trust"],
    "extract": [VERIFY, "extract", "b.bundle", "0", "--out", "@"],
}
SENTINEL = "what somebody else wrote\n"
problems, cases = [], 0


def make(place, name):
    """One odd file in the directory; its path."""
    path = place / "odd"
    if name.startswith("link to "):
        aim = make(place, name.removeprefix("link to "))
        aim = aim.rename(place / "aim") if aim.exists() or aim.is_symlink() else aim
        path.symlink_to(aim)
    elif name == "fifo":
        os.mkfifo(path, 0o600)
    elif name == "directory":
        path.mkdir()
    elif name == "socket":
        socket.socket(socket.AF_UNIX).bind(os.path.relpath(path))
    elif name == "a loop":
        path.symlink_to(path)
    elif name == "nothing":
        path.symlink_to(place / "not-there")
    elif name == "huge":
        with open(path, "wb") as file:
            file.truncate(1 << 40)
        path.chmod(0o600)
    elif name == "brackets":
        path.write_bytes(b"[" * (8 << 20))
        path.chmod(0o600)
    elif name == "a file":
        path.write_text(SENTINEL)
        path.chmod(0o600)
    elif name == "zeros":
        path.write_bytes(bytes(100000))
        path.chmod(0o600)
    elif name == "empty":
        path.touch(0o600)
    else:
        return pathlib.Path("/dev") / name
    return path


def run(what, words, path):
    """The exit status; a problem where it does not end well."""
    global cases
    cases += 1
    given = [str(path) if word == "@" else word for word in words]
    try:
        result = subprocess.run(
            given, stdin=subprocess.DEVNULL, capture_output=True, timeout=120, check=False
        )
    except subprocess.TimeoutExpired:
        problems.append(f"{what}: it waits")
        return -1
    said = (result.stdout + result.stderr).decode("utf-8", "replace")
    if result.returncode < 0 or "Sanitizer" in said:
        problems.append(f"{what}: {result.returncode}\n{said}")
    if result.returncode != 0 and not said.strip():
        problems.append(f"{what}: {result.returncode} without a word")
    return result.returncode


def clear(place):
    for path in place.iterdir():
        if path.is_dir() and not path.is_symlink():
            for inner in path.iterdir():
                inner.unlink()
            path.rmdir()
        else:
            path.unlink()


def try_inputs(place):
    plain = ["fifo", "directory", "socket", "a loop", "nothing", "huge", "brackets", "zeros"]
    devices = ["zero", "full", "null", "tty", "random"]
    links = ["link to fifo", "link to socket", "link to directory", "link to huge"]
    for kind in [*plain, *devices, *links, "empty"]:
        for name, words in INPUTS.items():
            clear(place)
            status = run(f"{name} is {kind}", words, make(place, kind))
            if status == 0:
                problems.append(f"{name} is {kind}: it is taken")


def try_outputs(place):
    kinds = ["fifo", "directory", "socket", "a loop", "nothing", "a file", "link to a file"]
    for kind in [*kinds, "link to fifo", "link to directory"]:
        for name, words in OUTPUTS.items():
            for beside in ("", ".new", ".sig"):
                clear(place)
                path = make(place, kind)
                kept = path.lstat().st_mode
                named = path
                if beside:
                    named = place / "named"
                    path.rename(place / ("named" + beside))
                run(f"{name} to {kind}{beside}", words, named)
                path = place / ("named" + beside) if beside else path
                check_output(f"{name} to {kind}{beside}", place, path, kept, bool(beside))


def check_output(what, place, path, kept, beside):
    if (place / "not-there").exists():
        problems.append(f"{what}: it made what a link names")
    aim = place / "aim"
    if aim.is_file() and aim.read_text() != SENTINEL:
        problems.append(f"{what}: it wrote through a link")
    if aim.is_dir() and any(aim.iterdir()):
        problems.append(f"{what}: it wrote into what a link names")
    if not path.is_symlink() and not path.exists():
        problems.append(f"{what}: it removed what was there")
    elif beside and stat.S_IFMT(path.lstat().st_mode) != stat.S_IFMT(kept):
        problems.append(f"{what}: it replaced what is somebody else's")
    elif beside and path.suffix != ".sig" and path.is_file() and path.read_text() != SENTINEL:
        problems.append(f"{what}: it wrote into what is somebody else's")


def prepare():
    pathlib.Path("pass").write_text("correct horse battery\n")
    pathlib.Path("pass").chmod(0o600)
    pathlib.Path("t").mkdir()
    keygen = [FSM, "keygen", "alice.key", "--comment", "alice@example", *UNLOCK]
    line = subprocess.run(keygen, capture_output=True, check=True).stdout.decode().strip()
    pathlib.Path("trust").write_text(line + "\n")
    pathlib.Path("titan.yml").write_text(
        f"""version: 1
journal: journal
target: {{name: titan-test, local: true, directory: {pathlib.Path("t").resolve()}}}
operator: {{principal: alice@example, key: alice.key}}
roster: {{operators: ['{line}'], approvers: [], administrators: ['{line}']}}
approvals: {{policy: 0, release: 0}}
compose: {{project: titan}}
endpoints: {{web: {{url: "http://127.0.0.1:1/health"}}}}
checklist: own
preflight: {{tree_clean: {{probe: tree_clean, advice: commit}}}}
"""
    )
    for words in (["init"], ["begin", "release", "--reason", "x"], ["export", "b.bundle"]):
        subprocess.run([FSM, *words, *UNLOCK], capture_output=True, check=True)


with tempfile.TemporaryDirectory() as directory:
    os.chdir(directory)
    prepare()
    odd = pathlib.Path("place").resolve()
    odd.mkdir()
    try_inputs(odd)
    try_outputs(odd)
for problem in problems:
    print(problem)
print(f"{cases} cases, {len(problems)} problems")
sys.exit(1 if problems or cases < 300 else 0)
