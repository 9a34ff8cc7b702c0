#!/usr/bin/env python3
"""Goal: on a terminal no report of titan-fsm is broken within a word: its lines end before the
terminal's edge, at a blank, and every word of what a file would get is there, in its order.
usage: test_wrap.py BUILD"""
import fcntl
import os
import pathlib
import pty
import re
import struct
import subprocess
import sys
import tempfile
import termios

import test_paths

WIDTHS = (40, 60, 80, 100)
EXPLAINED = ("opened", "guarded", "switched", "observed", "rolling_back", "rollback_failed")


def on_terminal(words, home, columns):
    """Standard output and error of a command on a terminal of so many columns."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    known = dict(os.environ, TERM="xterm")
    with subprocess.Popen(
        [str(word) for word in words],
        cwd=home,
        env=known,
        stdin=subprocess.DEVNULL,
        stdout=slave,
        stderr=slave,
    ) as process:
        os.close(slave)
        said = b""
        while True:
            try:
                part = os.read(master, 65536)
            except OSError:  # nobody has it open any more
                break
            if not part:
                break
            said += part
        process.wait(timeout=test_paths.SECONDS)
    os.close(master)
    return said.decode().replace("\r\n", "\n")


def steady(text):
    """Without what another run says otherwise."""
    return re.sub(r"\b\d+(\.\d+)?\b", "N", text).split()


def look_at(words, home, problems):
    name = " ".join(str(word) for word in words[1:])
    plain = test_paths.run(words, home)
    wanted = steady(plain.stdout + plain.stderr)
    longest = max(map(len, (plain.stdout + plain.stderr).splitlines()))
    for columns in WIDTHS:
        said = on_terminal(words, home, columns)
        for line in said.splitlines():
            if len(line) > columns and len(line.split()) > 1 and line.lstrip().count(" ") > 0:
                problems.append(f"{name}, {columns} columns: a line of {len(line)}: {line!r}")
        if steady(said) != wanted:
            problems.append(f"{name}, {columns} columns: {said!r}, for a file {plain.stdout!r}")
    return longest > WIDTHS[-1]


def main(build):
    fsm = test_paths.program(build, "titan-fsm")
    problems, long = [], 0
    with tempfile.TemporaryDirectory(prefix="wrap-") as place:
        home = pathlib.Path(place)
        test_paths.begin(home, fsm)
        reports = [["explain", state] for state in EXPLAINED]
        reports += [["explain"], ["status"], ["roster"], ["log"], ["drift"], ["preflight"]]
        reports += [["--help"], ["resume"], ["explain", "nowhere"], ["settings", "nothing"]]
        for words in reports:
            long += look_at([fsm, *words], home, problems)
    print("\n".join(problems) if problems else f"{len(reports)} reports, {long} with long lines")
    sys.exit(1 if problems or long < 5 else 0)


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
