#!/usr/bin/env python3
"""Goal: README is true. Every command of its indented blocks is run, in their order, as a newcomer
would give it: by a shell, with a terminal at which the passphrase is typed, on a small Titan. Where
a block shows output behind a `$ command`, that output is what came (figures that differ from run to
run are not compared). Every command, option and file that the text names exists.

What README leaves to its reader is declared in this file and nowhere else: edit() (the lines of
titan.yml that are the reader's own), BEFORE and BEHIND (the state in which a command makes sense,
and what ends it), answered() (what a person types at the question before the first change), STATUS
(those that are meant to end otherwise than with 0), NOT_HERE (what ./check has done already, or
cannot do within itself)."""
import fcntl
import os
import pathlib
import pty
import re
import select
import subprocess
import sys
import tempfile
import termios

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "scenarios"))
import titan  # noqa: E402
from titan import insist  # noqa: E402

README = (titan.ROOT / "README.md").read_text()
PASSPHRASE = "correct horse battery staple"
NOT_HERE = ("meson setup", "./rehearse", "./check", "meson install", "scp ", "ssh ")
# A driver in front of a changed release goes on by itself: it is rolled back when it was killed.
KILLED = (
    "titan-fsm run --json --confirm titan-prod >events & driver=$!; "
    'until grep -q \'"to":"switched"\' events; do kill -0 $driver || exit 1; sleep 0.05; done; '
    "kill -KILL $driver; wait $driver || true"
)
BEFORE = {
    "titan-fsm advance": ["titan-fsm begin release --reason again"],
    "titan-fsm rollback": ["titan-fsm begin release --reason again", KILLED],
    "titan-fsm abort": ["titan-fsm begin release --reason again"],
    "titan-fsm request": ["titan-fsm begin policy --reason again"] + 4 * ["titan-fsm advance"],
}
BEHIND = {"titan-fsm accept": [("titan-fsm abort --reason enough", titan.ABORTED)]}
STATUS = {"titan-fsm rollback": titan.ROLLED_BACK, "titan-fsm abort": titan.ABORTED}


def answered(command):
    """Where the program asks for the target's name before it touches a running service, it is given
    beforehand, as --help says that it can be."""
    word = re.match(r"titan-fsm (advance|run|resume)\b", command)
    asks = (
        word
        and "--confirm" not in command
        and "--confirm NAME" in titan.run(titan.FSM, word.group(1), "--help").out
    )
    return command + " --confirm titan-prod" if asks else command


def blocks():
    """(line number, lines) of each indented block and of each fenced one."""
    lines, found, fenced, first = README.splitlines() + [""], [], False, 0
    current = []
    for number, line in enumerate(lines, 1):
        fence = line.startswith("```")
        inside = fenced and not fence or not fenced and line.startswith("    ")
        if inside:
            first = first if current else number
            current.append(line if fenced else line[4:])
        elif current:
            found.append((first, current))
            current = []
        fenced = fenced != fence
    return found


def commands():
    """(line number, command, printed output or None): one command a line, as a shell takes it. A
    choice that is printed as a pipe would be one: it would run both."""
    for first, block in blocks():
        shows = any(line.startswith("$ ") for line in block)
        for number, line in enumerate(block, first):
            text = re.sub(r"\s{2,}#.*|\s+#\s.*", "", line[2:] if shows else line).strip()
            if (
                shows
                and not line.startswith("$ ")
                or not re.match(
                    r"(titan-fsm|titan-verify|meson|ssh-keygen|cp|\./)\b", text.split(" && ")[0]
                )
            ):
                continue
            insist(
                not re.search(r"[a-z.\]A-Z] *\|[^|]", text),
                f"README.md:{number}: pasted into a shell, this is a pipe: {text}",
            )
            printed = []
            for following in block[number - first + 1 :]:
                if following.startswith("$ "):
                    break
                printed.append(following)
            yield number, text, printed if shows and any(printed) else None


def plain(line):
    """Without what differs from run to run."""
    line = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", line)
    line = re.sub(r"\d{4}-\d\d-\d\dT[0-9:.]+Z", "TIME", line)
    line = re.sub(r"\b[0-9a-f]{7,64}\b", "HASH", line)
    line = re.sub(r"(/[\w.-]+){2,}", "PATH", line)
    return re.sub(r"\d+(\.\d+)?", "N", line).strip()


def is_printed(wanted, came):
    """`...` in README stands for any number of lines."""
    want, have = [plain(line) for line in wanted if line.strip()], [
        plain(line) for line in came.splitlines() if line.strip()
    ]
    at = 0
    skipping = False
    for line in want:
        if line == "...":
            skipping = True
            continue
        rest = have[at:] if skipping else have[at : at + 1]
        if line not in rest:
            return line
        at += rest.index(line) + 1
        skipping = False
    return None if skipping or at == len(have) else have[at]


class Reader:
    """The newcomer: a directory, a terminal, a passphrase."""

    def __init__(self, stack):
        self.stack, self.place = stack, pathlib.Path(
            tempfile.mkdtemp(prefix="reader-", dir=stack.home)
        )
        (self.place / "fsm").symlink_to(titan.ROOT / "fsm")
        for name in ("build", "tests"):
            (self.place / name).symlink_to(titan.BUILD if name == "build" else titan.ROOT / name)
        self.environment = dict(
            os.environ,
            PATH=":".join(
                [str(titan.BUILD / "fsm"), str(titan.BUILD / "verify"), os.environ["PATH"]]
            ),
            NO_COLOR="1",
        )

    def type_into(self, terminal, process):
        while process.poll() is None:
            if select.select([terminal], [], [], 0.05)[0]:
                try:
                    said = os.read(terminal, 4096)
                except OSError:
                    return
                for _ in range(said.count(b": ")):
                    os.write(terminal, PASSPHRASE.encode() + b"\n")

    def give(self, command):
        """Standard output is a file and not the terminal: what is compared is what a pipe would
        get."""
        ours, theirs = pty.openpty()
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            process = subprocess.Popen(
                ["bash", "-c", command],
                cwd=self.place,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                start_new_session=True,
                preexec_fn=lambda: fcntl.ioctl(theirs, termios.TIOCSCTTY, 0),
            )
            self.type_into(ours, process)
            status = process.wait(timeout=120)
            os.close(ours)
            os.close(theirs)
            return status, *[
                (file.seek(0), file.read().decode("utf-8", "replace"))[1] for file in (out, err)
            ]

    def expect(self, command, status=0):
        came = self.give(answered(command))
        insist(
            came[0] == status,
            f"`{command}` ends with {came[0]} and not {status}\n{came[1]}{came[2]}",
        )
        return came[1]

    def edit(self):
        """The example's own target, key and roster become those of the stack, as the reader would
        write his own."""
        bob = self.expect("titan-fsm keygen bob.key --comment bob@example.org").strip()
        trust = (self.place / "alice.line").read_text().strip()
        writer = titan.Operator.__new__(titan.Operator)
        writer.guard = "start: process"
        writer.stack, writer.name, writer.settle, writer.approvals, writer.limits = (
            self.stack,
            "titan-prod",
            4000,
            (1, 0),
            titan.LIMITS,
        )
        writer.trust, writer.config, writer.key_line, writer.roster = (
            self.place / "allowed_signers",
            self.place / "titan.yml",
            "key: alice.key",
            {"approvers": [bob]},
        )
        writer.trust.write_text(trust + "\n")
        writer.write_config(False, "")
        writer.config.write_text(
            writer.config.read_text().replace("alice@example,", "alice@example.org,")
        )
        (self.place / "limits.yml").write_text(
            "".join(f"{key}: {value}\n" for key, value in titan.LIMITS.items())
        )

    def follow(self, number, command, printed):
        head = " ".join(command.split()[:2])
        for before in BEFORE.get(head, []):
            self.expect(before)
        out = self.expect(command, STATUS.get(head, 0))
        if command.startswith("cp ") and command.endswith("titan.yml"):
            self.edit()
        for behind, status in BEHIND.get(head, []):
            self.expect(behind, status)
        odd = is_printed(printed, out) if printed is not None else None
        insist(odd is None, f"`{command}` does not print what README says; first at: {odd}\n{out}")


def every_command_of_the_blocks_is_as_it_says(stack):
    reader = Reader(stack)
    stack.commit("release-2")
    given = 0
    for number, command, printed in list(commands()):
        if command.startswith(NOT_HERE):
            continue
        try:
            reader.follow(number, command, printed)
        except AssertionError as failure:
            raise AssertionError(f"README.md:{number}: {failure}") from None
        given += 1
    insist(given >= 15, f"README has hardly a command: {given}")


def every_command_and_option_that_is_named_exists(stack):
    helps = {
        name: titan.run(titan.FSM, name, "--help").out
        for name in re.findall(
            r'^    \{"([a-z]+)",', (titan.ROOT / "fsm/commands/command.c").read_text(), re.M
        )
    }
    judge = titan.run(titan.VERIFY, "--help").out
    for name in re.findall(r"titan-fsm ([a-z]+)", README):
        insist(
            name in helps or name in ("and",),
            f"README names `titan-fsm {name}`, which is no command",
        )
    known = set(
        re.findall(
            r"--[a-z][a-z-]+", " ".join(helps.values()) + judge + titan.run(titan.FSM, "--help").out
        )
    )
    foreign = {
        "--build",
        "--remove-orphans",
        "--env-file",
        "--verify",
        "--suite",
        "--no-install-recommends",
    }  # of compose, journalctl, meson and apt-get
    ours = set(re.findall(r"--[a-z][a-z-]+", README))
    insist(
        ours - known - foreign == set(),
        f"README names options that no program has: {ours - known - foreign}",
    )


def every_file_that_is_named_is_there(stack):
    missing = []
    for token in set(
        re.findall(r"[`(]((?:[\w.-]+/)+[\w.-]+\.(?:py|c|h|md|def|yml|svg|json|scd))\b", README)
    ):
        homes = [titan.ROOT / token, titan.ROOT / "tests" / token]
        if not token.startswith("build/") and not any(home.exists() for home in homes):
            missing.append(token)
    insist(missing == [], f"README names files that are not there: {sorted(missing)}")


CASES = [
    every_file_that_is_named_is_there,
    every_command_and_option_that_is_named_exists,
    every_command_of_the_blocks_is_as_it_says,
]
titan.run_cases(titan.only(CASES), "--armed")
