"""A real pseudo terminal with a program on it, and as much of a terminal as our programs use: what
stands on the screen, and every raw byte that reached it."""
import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time


class Screen:
    """Cursor up, carriage return, newline, erase to the end of line or screen, SGR. Anything else
    is kept as unknown, for a test to find."""

    def __init__(self, columns):
        self.columns, self.lines, self.row, self.column, self.unknown = columns, [""], 0, 0, []

    def feed(self, text):
        for token in re.findall(r"\x1b\[[0-9;]*[A-Za-z]|\r|\n|[^\x1b\r\n]+|.", text, re.DOTALL):
            self.take(token)

    def take(self, token):
        line = self.lines[self.row]
        if token == "\r":
            self.column = 0
        elif token == "\n":
            self.row, self.column = self.row + 1, 0
            if self.row == len(self.lines):
                self.lines.append("")
        elif re.fullmatch(r"\x1b\[\d+A", token):
            self.row = max(0, self.row - int(token[2:-1]))
        elif token == "\x1b[K":
            self.lines[self.row] = line[: self.column]
        elif token == "\x1b[J":
            self.lines[self.row] = line[: self.column]
            del self.lines[self.row + 1 :]
        elif not token.startswith("\x1b"):
            self.lines[self.row] = (
                line.ljust(self.column)[: self.column] + token + line[self.column + len(token) :]
            )
            self.column += len(token)
        elif not token.endswith("m"):
            self.unknown.append(token)

    def text(self):
        return "\n".join(self.lines)


class Terminal:
    """`with Terminal(words) as terminal:`; the program is ended at the end, whatever happened."""

    def __init__(self, words, columns=100, rows=50, environment=None):
        self.columns, self.raw = columns, ""
        self.ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        environment = {**os.environ, "TERM": "xterm", **(environment or {})}
        self.process = subprocess.Popen(
            [str(word) for word in words],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env=environment,
            start_new_session=True,
        )
        os.close(theirs)

    def __enter__(self):
        return self

    def __exit__(self, *ignored):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self.ours)

    def pump(self, seconds):
        """False once the program has gone and everything was read."""
        if not select.select([self.ours], [], [], seconds)[0]:
            return True
        try:
            piece = os.read(self.ours, 65536)
        except OSError:
            return False
        self.raw += piece.decode("utf-8", "replace")
        return bool(piece)

    def screen(self):
        screen = Screen(self.columns)
        screen.feed(self.raw)
        return screen

    def until(self, what, seconds=60):
        """Until `what` has been written once; all that was written."""
        end = time.monotonic() + seconds
        while what not in self.raw:
            if time.monotonic() > end or not self.pump(0.1) and what not in self.raw:
                raise AssertionError(
                    f"'{what}' never came to the terminal:\n{self.screen().text()}"
                )
        return self.raw

    def echoes(self):
        """Whether the terminal shows what is typed."""
        return bool(termios.tcgetattr(self.ours)[3] & termios.ECHO)

    def type(self, text):
        os.write(self.ours, text.encode())

    def end(self, seconds=120):
        """The exit status."""
        end = time.monotonic() + seconds
        while self.pump(0.1):
            if time.monotonic() > end:
                raise AssertionError("it does not end:\n" + self.screen().text())
        return self.process.wait(10)
