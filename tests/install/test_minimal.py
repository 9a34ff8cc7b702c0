#!/usr/bin/env python3
"""Goal: the project's commands need nothing but what they install themselves. A fresh, minimal
Debian in a directory, in which ./rehearse runs as root, and as a user with sudo from a path with a
blank, who interrupts it and begins again. With `check` as its argument ./check runs there too (half
an hour; no Docker daemon can run in a root without a mount of its own, so that its tests skip).

Soak: it fetches some hundred MB from the mirror that debootstrap knows."""
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

SOURCE = pathlib.Path(__file__).resolve().parents[2]
ENTER = """
mount --rbind /dev "$1/dev"
mount -t proc proc "$1/proc"
mount -t sysfs sys "$1/sys"
root=$1
shift
exec chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root "$@"
"""
USER = ["su", "-", "op", "-c"]


def skip(why):
    print(f"skipped: {why}")
    sys.exit(77)


def entered(root, *words):
    """In namespaces of its own: whatever is left running or mounted ends with the command."""
    return [
        "unshare",
        "--mount",
        "--pid",
        "--fork",
        "sh",
        "-ec",
        ENTER,
        "enter",
    ] + [
        str(root),
        *words,
    ]


def run(what, root, *words, expect=0):
    print(f"{what}: {' '.join(words)}", flush=True)
    done = subprocess.run(
        entered(root, *words),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )
    tail = "".join("    " + line + "\n" for line in done.stdout.splitlines()[-12:])
    print(tail, flush=True)
    assert done.returncode == expect, f"{what}: exit {done.returncode}"
    return done.stdout


def copy_tree(to):
    names = subprocess.run(
        ["git", "-C", SOURCE, "ls-files", "-z"], check=True, capture_output=True
    ).stdout.split(b"\0")
    for name in filter(None, names):
        source, target = os.path.join(os.fsencode(SOURCE), name), os.path.join(
            os.fsencode(to), name
        )
        os.makedirs(os.path.dirname(target), exist_ok=True)
        shutil.copy2(source, target, follow_symlinks=False)


def left_in_tmp(root):
    return sorted(path.name for path in (root / "tmp").iterdir())


def as_root(root):
    copy_tree(root / "src")
    said = run("as root", root, "sh", "-c", "cd /src && ./rehearse")
    assert "packages are missing" in said, "the root was not minimal"
    assert left_in_tmp(root) == [], left_in_tmp(root)


REHEARSE = {b"./rehearse", b"tests/scenarios/rehearsal.py"}  # the one becomes the other


def group_of_rehearse(root):
    """The process group of the command that runs in this root."""
    for place in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            words = set((place / "cmdline").read_bytes().split(b"\0"))
            if words & REHEARSE and os.readlink(place / "root") == str(root):
                return os.getpgid(int(place.name))
        except OSError:
            continue  # it is gone
    sys.exit("nothing runs that could be interrupted")


def interrupt(root, command, word):
    """Ctrl-C on a terminal goes to the whole group, once `word` was printed."""
    process = subprocess.Popen(
        entered(root, *USER, command),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    for line in process.stdout:
        if word in line:
            break
    time.sleep(1)
    os.killpg(group_of_rehearse(root), signal.SIGINT)
    process.stdout.read()
    assert process.wait() != 0, f"interrupted at '{word}', and it did as if nothing had happened"
    assert left_in_tmp(root) == [], (word, left_in_tmp(root))
    print(f"interrupted at '{word}': nothing is left", flush=True)


def as_user(root):
    run("a user", root, "apt-get", "-q", "-y", "install", "--no-install-recommends", "sudo")
    run("a user", root, "useradd", "-m", "-s", "/bin/bash", "op")
    (root / "etc/sudoers.d/op").write_text("op ALL=(ALL) NOPASSWD: ALL\n")
    home = root / "home/op/a tree"
    copy_tree(home)
    run("a user", root, "chown", "-R", "op:op", "/home/op")
    command = "cd '/home/op/a tree' && ./rehearse"
    interrupt(root, command, "building")
    interrupt(root, command, "deployment")
    run("as a user with sudo", root, *USER, command)
    assert left_in_tmp(root) == [], left_in_tmp(root)


def main():
    if os.geteuid() != 0:
        skip("a root of its own needs root")
    if not shutil.which("debootstrap"):
        skip("debootstrap is not installed")
    root = pathlib.Path(tempfile.mkdtemp(prefix="titan-minimal-"))
    try:
        print("fetching a minimal Debian", flush=True)
        subprocess.run(
            ["debootstrap", "--variant=minbase", "bookworm", root], check=True, capture_output=True
        )
        root.chmod(0o755)  # it is / of the others
        as_root(root)
        as_user(root)
        if sys.argv[1:] == ["check"]:
            run("check", root, "sh", "-c", "cd /src && ./check")
    finally:
        shutil.rmtree(root)


main()
