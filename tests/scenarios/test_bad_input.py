#!/usr/bin/env python3
"""Goal: whatever is wrong is said in one clear sentence with its place and the next step, by an
exit status of its own; nothing is lost and nothing is done to the target."""
import fcntl
import os
import pathlib
import pwd
import re
import shutil
import subprocess

import titan
from titan import insist


def operator_of(stack, ssh=True, **options):
    operator = titan.Operator(stack, ssh=ssh, **options)
    operator.expect(titan.DONE, "init")
    return operator


def refused(stack, operator, status, words, *parts):
    """The exit status, one line that names `parts` and a next step, and a target that is as it
    was."""
    before, head, received = stack.containers(), stack.head(), stack.received()
    result = operator.fsm(*words)
    insist(
        result.returncode == status,
        f"{words}: {result.returncode} and not {status}: {result.out}{result.err}",
    )
    lines = [line for line in result.err.splitlines() if line]
    insist(
        len(lines) == 1 and lines[0].startswith("titan-fsm: "),
        f"one sentence: {result.err}",
    )
    insist("next: " in lines[0], f"no next step: {lines[0]}")
    for part in parts:
        insist(re.search(part, lines[0]) is not None, f"'{part}' is not in: {lines[0]}")
    insist(
        (before, head, received) == (stack.containers(), stack.head(), stack.received()),
        "something was done to the target",
    )


def configuration_errors_have_line_and_column(stack):
    operator = operator_of(stack)
    text = operator.config.read_text()
    for change, parts in (
        (text + "colour: red\n", (r"titan\.yml:\d+:1", "colour")),
        (text + "journal: again\n", (r"titan\.yml:\d+:", "uplicate")),
        (text.replace("port: ", "port: x"), (r"titan\.yml:\d+:\d+", "number")),
        (text.replace("version: 1", "version: 9"), (r"titan\.yml:1:10", "version")),
    ):
        operator.config.write_text(change)
        refused(stack, operator, titan.CONFIG, ["status"], *parts)
    operator.config.unlink()
    refused(stack, operator, titan.CONFIG, ["status"], "titan.yml")


def unreachable_host_is_said(stack):
    operator = operator_of(stack)
    operator.begin("release")
    operator.config.write_text(
        operator.config.read_text().replace(f"port: {stack.env['SSH_PORT']}", "port: 9")
    )
    refused(
        stack,
        operator,
        titan.UNREACHABLE,
        ["advance"],
        "127.0.0.1:9",
        "cannot be reached",
    )
    insist(
        operator.status()["deployment"]["intent"] == "run_preflight",
        "the intent stays open, to be settled by looking",
    )


def changed_host_key_is_refused(stack):
    operator = operator_of(stack)
    operator.begin("release")
    other = operator.home / "known_hosts"
    titan.run(
        "ssh-keygen",
        "-q",
        "-t",
        "ed25519",
        "-N",
        "",
        "-f",
        operator.home / "other",
        check=True,
    )
    key = (operator.home / "other.pub").read_text().split()
    other.write_text(f"[127.0.0.1]:{stack.env['SSH_PORT']} {key[0]} {key[1]}\n")
    text = operator.config.read_text()
    operator.config.write_text(text.replace(stack.env["KNOWN_HOSTS"], str(other)))
    refused(stack, operator, titan.HOST_REFUSED, ["advance"], "host key", "another machine")
    other.write_text("")
    refused(stack, operator, titan.HOST_REFUSED, ["advance"], "unknown")


def revoked_host_key_is_refused(stack):
    """As OpenSSH means it: in the file that is configured, and in the user's own."""
    operator = operator_of(stack)
    operator.begin("release")
    known = pathlib.Path(stack.env["KNOWN_HOSTS"]).read_text()
    name, *key = known.split()
    other = operator.home / "known_hosts"
    text = operator.config.read_text()
    for lines, words in (
        (f"@revoked * {key[0]} {key[1]}\n", "@revoked"),
        (f"  @revoked {name} {key[0]}  {key[1]} stolen\n", "@revoked"),
        (f"@revoked [127.0.0.*]:*,!other {key[0]} {key[1]}\n", "@revoked"),
        (f"@revoked 127.0.0.1 {key[0]} {key[1]}\n", None),
        (f"@revoked *,!{name} {key[0]} {key[1]}\n", None),
        (f"@cert-authority * {key[0]} {key[1]}\n", None),
    ):
        other.write_text(known + lines)
        operator.config.write_text(text.replace(stack.env["KNOWN_HOSTS"], str(other)))
        if words is None:
            operator.expect(titan.DONE, "preflight")
        else:
            refused(stack, operator, titan.HOST_REFUSED, ["advance"], words)
    other.write_text(f"@cert-authority {name} {key[0]} {key[1]}\n")
    refused(
        stack,
        operator,
        titan.HOST_REFUSED,
        ["advance"],
        "@cert-authority",
        "not supported",
    )
    operator.config.write_text(text.replace(f" known_hosts: {stack.env['KNOWN_HOSTS']},", ""))
    home = pwd.getpwuid(os.getuid()).pw_dir
    for lines, status in (
        (known, titan.DONE),
        (known + f" @revoked * {key[0]} {key[1]}\n", None),
    ):
        other.write_text(lines)
        put = f"mount -t tmpfs none {home} && mkdir {home}/.ssh && cp {other} {home}/.ssh/"
        words = map(str, operator.words("preflight"))
        result = titan.run("unshare", "-m", "sh", "-c", f'{put} && exec "$@"', "sh", *words)
        if status is None:
            insist(result.returncode == titan.HOST_REFUSED, result.out + result.err)
            insist("@revoked" in result.err, result.err)
        else:
            insist(result.returncode == titan.DONE, result.out + result.err)


def loose_ssh_config_does_not_loosen_the_host_key(stack):
    operator = operator_of(stack)
    operator.begin("release")
    titan.run(
        "ssh-keygen",
        "-q",
        "-t",
        "ed25519",
        "-N",
        "",
        "-f",
        operator.home / "other",
        check=True,
    )
    key = (operator.home / "other.pub").read_text().split()
    (operator.home / "known_hosts").write_text(
        f"[127.0.0.1]:{stack.env['SSH_PORT']} {key[0]} {key[1]}\n"
    )
    (operator.home / "ssh_config").write_text("Host *\n  StrictHostKeyChecking no\n")
    text = operator.config.read_text().replace(
        stack.env["KNOWN_HOSTS"],
        f"{operator.home}/known_hosts, ssh_config: {operator.home}/ssh_config",
    )
    operator.config.write_text(text)
    refused(stack, operator, titan.HOST_REFUSED, ["advance"], "host key")


def wrong_passphrase_is_refused(stack):
    operator = operator_of(stack)
    operator.passphrase.write_text("not it\n")
    refused(
        stack,
        operator,
        titan.KEY_REFUSED,
        ["begin", "release", "--reason", "x"],
        "passphrase",
    )
    operator.passphrase.chmod(0o644)
    refused(
        stack,
        operator,
        titan.KEY_REFUSED,
        ["begin", "release", "--reason", "x"],
        "passphrase|readable|mode",
    )
    insist(not operator.status()["open"], "no deployment was opened")


def stranger_is_refused_without_an_entry(stack):
    operator = operator_of(stack)
    entries = len(operator.entries())
    (operator.home / "alice.key").unlink()
    titan.run(*operator.words("keygen", operator.home / "alice.key", config=False), check=True)
    refused(
        stack,
        operator,
        titan.KEY_REFUSED,
        ["begin", "release", "--reason", "x"],
        "roster",
    )
    insist(len(operator.entries()) == entries, "no entry was made")


def second_driver_is_held_off(stack):
    operator = operator_of(stack)
    operator.begin("release")
    with open(operator.journal / "driver.lock", "r+b") as lock:
        fcntl.lockf(lock, fcntl.LOCK_EX)
        refused(stack, operator, titan.HELD, ["advance"], "another titan-fsm")
        operator.expect(titan.DONE, "status")


def other_script_under_the_flock_is_waited_for_and_named(stack):
    operator = operator_of(stack)
    stack.commit("release-2")
    operator.begin("release")
    operator.expect(titan.DONE, "advance")
    operator.expect(titan.DONE, "advance")
    text = operator.config.read_text()
    operator.config.write_text(text + "command_ms: 1000\n")
    with open(stack.env["TITAN_DIR"] + "/state/deploy.lock", "a+b") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        refused(stack, operator, titan.HELD, ["advance"], "deploy.lock")
    operator.config.write_text(text)
    operator.expect(titan.DONE, "run", "--rearm", "no")  # and it goes on when the lock is free


def target_held_by_another_journal_is_refused(stack):
    first, second = operator_of(stack), operator_of(stack)
    first.begin("release")
    first.expect(titan.DONE, "advance")
    first.expect(titan.DONE, "advance")
    second.begin("release")
    second.expect(titan.DONE, "advance")
    refused(stack, second, titan.HELD, ["advance"], "another journal")


def journal_of_another_target_is_refused(stack):
    operator = operator_of(stack)
    operator.config.write_text(
        operator.config.read_text().replace("name: titan-test", "name: titan-other")
    )
    refused(
        stack,
        operator,
        titan.CONFIG,
        ["begin", "release", "--reason", "x"],
        "titan-test",
        "titan-other",
    )


def pinned_configuration_cannot_change_silently(stack):
    operator = operator_of(stack)
    operator.config.write_text(
        operator.config.read_text().replace("window_ms: 1200", "window_ms: 1000")
    )
    refused(
        stack,
        operator,
        titan.CONFIG,
        ["begin", "release", "--reason", "x"],
        "'limits' is not what entry 0 of the journal pins",
        "titan-fsm settings",
    )


def damaged_journal_is_refused(stack):
    operator = operator_of(stack)
    operator.begin("release")
    data = operator.journal / "data.mdb"
    whole = data.read_bytes()
    at = whole.rindex(b'"procedure":"release"')
    data.write_bytes(whole[: at + 14] + b"R" + whole[at + 15 :])
    refused(stack, operator, titan.DAMAGED, ["advance"], "entry|signature|chain")
    data.write_bytes(whole)
    operator.expect(titan.DONE, "advance")
    shutil.rmtree(operator.journal)
    result = operator.fsm("advance")
    insist(
        result.returncode not in (0, 1) and "titan-fsm init" in result.err,
        f"{result.returncode} {result.err}",
    )


def usage_errors_name_the_help(stack):
    operator = operator_of(stack)
    for words in (
        ["begin", "hotfix", "--reason", "x"],
        ["begin", "release"],
        ["advance", "--colour"],
        ["begin", "release", "--reason", "x", "--commit", "abc"],
        ["export"],
    ):
        result = operator.fsm(*words)
        insist(
            result.returncode == titan.USAGE and "next: " in result.err,
            f"{words}: {result.returncode} {result.err}",
        )
    insist(titan.run(titan.FSM).returncode == titan.USAGE, "no command")
    for words, named in (
        (
            ["dance"],
            "no such command: dance; next: did you mean titan-fsm advance? else titan-",
        ),
        (["nirvana"], "no such command: nirvana; next: titan-fsm help\n"),
        (["stauts"], "next: did you mean titan-fsm status? else titan-fsm help\n"),
        (["status", "--colour"], "no such option: --colour"),
        (["run", "--confirm"], "lacks its value: --confirm"),
        (["log", "-x"], "no such option: -x"),
        (["log", "--json=1"], "takes no value: --json=1"),
    ):
        result = titan.run(titan.FSM, *words)
        insist(
            result.returncode == titan.USAGE
            and named in result.err
            and result.err.count("\n") == 1,
            f"{words}: {result.err}",
        )
    for command in (
        "keygen",
        "init",
        "roster",
        "begin",
        "request",
        "approve",
        "accept",
        "advance",
        "run",
        "resume",
        "status",
        "attest",
        "rollback",
        "abort",
        "takeover",
        "preflight",
        "arm",
        "disarm",
        "log",
        "export",
    ):
        result = titan.run(titan.FSM, command, "--help")
        insist(
            result.returncode == 0 and result.out.startswith("titan-fsm " + command),
            f"{command} --help",
        )


def full_disk_stops_before_the_target_and_loses_nothing(stack):
    if os.geteuid() != 0:
        titan.skip("a small disk can be mounted by root only")
    operator = operator_of(stack)
    small = operator.home / "small"
    small.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", small], check=True)
    try:
        shutil.move(str(operator.journal), small / "journal")
        operator.config.write_text(
            operator.config.read_text().replace("journal: journal", f"journal: {small}/journal")
        )
        operator.journal = small / "journal"
        operator.begin("release")
        operator.expect(titan.DONE, "advance")
        entries = operator.entries()
        filler = os.open(small / "filler", os.O_WRONLY | os.O_CREAT)
        try:
            while True:
                os.write(filler, bytes(4096))
        except OSError:
            os.close(filler)
        refused(
            stack,
            operator,
            titan.JOURNAL_WRITE,
            ["advance"],
            "journal",
            "space|written|disk",
        )
        (small / "filler").unlink()
        now = operator.entries()
        insist(
            now == entries,
            f"what was written is all there, and nothing else: {now[len(entries) :]}",
        )
        subprocess.run(["mount", "-o", "remount,size=64m", small], check=True)
        stack.commit("release-2")
        operator.expect(titan.DONE, "run", "--rearm", "no")
        operator.expect_proven()
    finally:
        subprocess.run(["umount", small], check=True)


titan.run_cases(
    titan.only(
        [
            configuration_errors_have_line_and_column,
            unreachable_host_is_said,
            changed_host_key_is_refused,
            revoked_host_key_is_refused,
            loose_ssh_config_does_not_loosen_the_host_key,
            wrong_passphrase_is_refused,
            stranger_is_refused_without_an_entry,
            second_driver_is_held_off,
            other_script_under_the_flock_is_waited_for_and_named,
            target_held_by_another_journal_is_refused,
            journal_of_another_target_is_refused,
            pinned_configuration_cannot_change_silently,
            damaged_journal_is_refused,
            usage_errors_name_the_help,
            full_disk_stops_before_the_target_and_loses_nothing,
        ]
    ),
    "--armed",
    "--ssh",
)
