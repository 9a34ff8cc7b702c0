#!/usr/bin/env python3
"""Goal: `DESTDIR=... meson install` leaves exactly what an operator and an auditor need; the manual
pages render without a warning and name every command, option and exit status; bash completes every
command and option. What there is to be named is read from the sources of the command lines, not
from the help that the pages are made of."""
import os
import pathlib
import re
import subprocess
import sys
import tempfile

BUILD, SOURCE = (pathlib.Path(word) for word in sys.argv[1:3])
WANTED = """
bin/titan-fsm
bin/titan-verify
share/bash-completion/completions/titan-fsm
share/bash-completion/completions/titan-verify
share/doc/titan-fsm/FORMAT.md
share/doc/titan-fsm/events.md
share/doc/titan-fsm/ATTESTATION.md
share/doc/titan-fsm/machine.svg
share/doc/titan-fsm/titan.example.yml
share/doc/titan-fsm/examples/README.md
share/doc/titan-fsm/examples/certificate-lasts
share/doc/titan-fsm/examples/own-checks.yml
share/doc/titan-fsm/examples/smoke
share/doc/titan-fsm/examples/titan-metrics
share/man/man1/titan-fsm.1
share/man/man1/titan-verify.1
share/man/man5/titan-journal.5
share/man/man5/titan.yml.5
""".split()
# Where the libraries have no archive, and in a sanitized build, there is none.
if (BUILD / "verify/titan-verify-static").exists():
    WANTED.append("bin/titan-verify-static")


def run(*words, **options):
    result = subprocess.run(
        [str(word) for word in words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        timeout=60,
        **options,
    )
    result.out, result.err = result.stdout.decode(), result.stderr.decode()
    return result


def insist(truth, what):
    if not truth:
        raise AssertionError(what)


def getopt_words(path):
    """{"reason", required_argument, ...: name -> takes a value."""
    found = re.findall(r'\{"([a-z-]+)", (required|no)_argument', (SOURCE / path).read_text())
    insist(len(found) > 5, f"{path} names hardly an option")
    return {"--" + name: kind == "required" for name, kind in found}


def commands():
    found = re.findall(r'^    \{"([a-z]+)",', (SOURCE / "fsm/commands/command.c").read_text(), re.M)
    insist(len(found) > 15, "fsm/commands/command.c names hardly a command")
    return found


def statuses(path):
    return re.findall(r"STATUS\(\s*[A-Z_]+,\s*(\d+),", (SOURCE / path).read_text())


def install_leaves_exactly_what_is_needed(root):
    found = sorted(
        path.relative_to(root).as_posix() for path in root.rglob("*") if not path.is_dir()
    )
    insist(
        found == sorted(WANTED),
        (
            f"missing: {sorted(set(WANTED) - set(found))}; too much:"
            f" {sorted(set(found) - set(WANTED))}"
        ),
    )
    for program in ("titan-fsm", "titan-verify"):
        result = run(root / "bin" / program, "--version")
        insist(
            result.returncode == 0 and result.out.startswith(program + " "), result.out + result.err
        )
    for path in ("share/doc/titan-fsm/examples/titan-metrics", "bin/titan-fsm"):
        insist(os.access(root / path, os.X_OK), path + " is not executable")


def page(root, name):
    result = run(
        "man",
        "--warnings",
        "-l",
        root / "share/man" / f"man{name[-1]}" / name,
        env=dict(os.environ, MANWIDTH="250", MAN_KEEP_FORMATTING="", LC_ALL="C.UTF-8"),
    )
    insist(result.returncode == 0 and result.err == "", f"{name}: {result.err}")
    return result.out.replace("\u2010", "-").replace("\u2212", "-")


def pages_name_every_command_option_and_status(root):
    text = page(root, "titan-fsm.1")
    for command in commands():
        insist(
            re.search(rf"^ +{command}( |$)", text, re.M), f"titan-fsm(1) does not name {command}"
        )
    for option in getopt_words("fsm/commands/command_line.c"):
        insist(re.search(option + r"\b", text), f"titan-fsm(1) does not name {option}")
    for number in statuses("fsm/exit_status.h"):
        insist(
            re.search(rf"^ +{number}$", text, re.M), f"titan-fsm(1) does not name status {number}"
        )
    insist(len(statuses("fsm/exit_status.h")) > 10, "hardly a status")
    text = page(root, "titan-verify.1")
    for option in getopt_words("verify/main.c"):
        insist(re.search(option + r"\b", text), f"titan-verify(1) does not name {option}")
    for number in range(6):
        insist(
            re.search(rf"^ +{number}$", text, re.M),
            f"titan-verify(1) does not name status {number}",
        )


def titan_journal_names_every_type_of_entry(root):
    text, table = page(root, "titan-journal.5"), (SOURCE / "journal/FORMAT.md").read_text()
    rows = re.search(r"^\| types \| signer \|\n\|[-|]+\n((?:\|.*\n)+)", table, re.M).group(1)
    types = {
        name for row in rows.splitlines() for name in re.findall(r"`([a-z]+)`", row.split("|")[1])
    }
    insist(len(types) > 10, f"FORMAT.md's table was not read: {types}")
    for name in types:
        insist(re.search(rf"^ +{name}$", text, re.M), f"titan-journal(5) does not name {name}")


def titan_yml_has_the_example_and_a_paragraph_for_every_section(root):
    text, example = page(root, "titan.yml.5"), (SOURCE / "fsm/config/titan.example.yml").read_text()
    insist(
        all(line.rstrip() in text for line in example.splitlines()),
        "the example is not in it as it is",
    )
    described = text.split("EVERY KEY WITH ITS DEFAULT")[0]
    for key in re.findall(r"^([a-z_]+):", example, re.M):
        insist(
            re.search(rf"^ +([a-z_]+, )?{key}(,|$)", described, re.M),
            f"titan.yml(5) does not describe {key}",
        )


def complete(root, program, *words):
    """What bash offers for the last of the words, by the installed file and the installed
    program."""
    script = (
        'source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); "$FUNCTION" "$1"'
        ' "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"; printf "%s\\n"'
        ' "${COMPREPLY[@]}"'
    )
    function = re.search(
        r"complete .*-F (\w+) " + program,
        (root / "share/bash-completion/completions" / program).read_text(),
    ).group(1)
    environment = dict(os.environ, PATH=f"{root / 'bin'}:{os.environ['PATH']}", FUNCTION=function)
    result = run(
        "bash",
        "--norc",
        "-c",
        script,
        "bash",
        root / "share/bash-completion/completions" / program,
        program,
        *words,
        env=environment,
        cwd=root / "share/doc/titan-fsm",
    )
    insist(result.err == "", f"{program} {words}: {result.err}")
    return result.out.split()


def bash_completes_every_command_and_option(root):
    insist(
        set(commands()) <= set(complete(root, "titan-fsm", "")),
        f"commands: {complete(root, 'titan-fsm', '')}",
    )
    insist(complete(root, "titan-fsm", "pref") == ["preflight"], "a command that was begun")
    offered = {command: set(complete(root, "titan-fsm", command, "--")) for command in commands()}
    for option in getopt_words("fsm/commands/command_line.c"):
        insist(any(option in each for each in offered.values()), f"{option} is never offered")
    insist(
        all({"--config", "--passphrase-file", "--help"} <= each for each in offered.values()),
        "what every command takes is not offered everywhere",
    )
    insist(
        "--rearm" in offered["run"] and "--rearm" not in offered["status"],
        "an option belongs to its command",
    )
    insist(
        getopt_words("verify/main.c").keys() <= set(complete(root, "titan-verify", "--")),
        f"titan-verify: {complete(root, 'titan-verify', '--')}",
    )


def bash_completes_words_and_values(root):
    for words, wanted in (
        (("begin", "p"), "policy"),
        (("config", ""), "check"),
        (("graph", "s"), "svg"),
        (("roster", "a"), "add"),
        (("run", "--rearm", "y"), "yes"),
        (("explain", "rollback_f"), "rollback_failed"),
        (("--config", "titan.ex"), "titan.example.yml"),
        (("export", "FOR"), "FORMAT.md"),
        (("status", "--config", "titan.ex"), "titan.example.yml"),
    ):
        found = complete(root, "titan-fsm", *words)
        if words[0] != "--config":
            insist(found == [wanted], f"{words}: {found}")
    insist(
        complete(root, "titan-fsm", "begin", "release", "--reason", "") == [],
        "nobody else has a reason for it",
    )
    insist("extract" in complete(root, "titan-verify", ""), "titan-verify extract")
    offered = complete(root, "titan-verify", "--")
    insist(len(offered) == len(set(offered)), f"offered twice: {offered}")
    insist(
        complete(root, "titan-verify", "x", "--deployment", "a") == ["all"],
        "a value that is a word",
    )
    insist(
        complete(root, "titan-verify", "x", "--trust", "FOR") == ["FORMAT.md"],
        "a value that is a file",
    )


def main():
    with tempfile.TemporaryDirectory(prefix="titan-install-") as home:
        result = run(
            "meson",
            "install",
            "--no-rebuild",
            "--quiet",
            "-C",
            BUILD,
            env=dict(os.environ, DESTDIR=home),
        )
        if result.returncode != 0:
            sys.exit("meson install: " + result.out + result.err)
        root = next(pathlib.Path(home).rglob("bin")).parent
        failed = 0
        for case in (
            install_leaves_exactly_what_is_needed,
            pages_name_every_command_option_and_status,
            titan_journal_names_every_type_of_entry,
            titan_yml_has_the_example_and_a_paragraph_for_every_section,
            bash_completes_every_command_and_option,
            bash_completes_words_and_values,
        ):
            try:
                case(root)
                print("ok   " + case.__name__)
            except AssertionError as failure:
                failed += 1
                print(f"FAIL {case.__name__}: {failure}")
    sys.exit(1 if failed else 0)


main()
