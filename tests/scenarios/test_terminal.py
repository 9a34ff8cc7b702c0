#!/usr/bin/env python3
"""Goal: on a real (pseudo) terminal an operator sees where the deployment stands, live and redrawn
in place, in his own window and in a second one; nothing foreign reaches it raw; nothing that runs
is touched before he has given the target's name; and what is no terminal gets plain lines."""
import pathlib
import re
import signal

import titan
from team import advance_to, alice_of, kill
from terminal import Terminal
from titan import insist

EVIL = "\x1b]0;evil\x07"
PATH = [
    "preflighted",
    "connected",
    "updated",
    "pulled",
    "guarded",
    "switched",
    "verified",
    "observed",
    "confirmed",
    "completed",
]


def wrap_compose(stack, operator):
    """The stack's compose program; `pull` prints what a terminal must not get and a secret, `up`
    and `pull` wait while a file `hold-WORD` is there, for a bounded time."""
    script, home = operator.home / "wrapped-compose", operator.home
    env = (pathlib.Path(stack.env["TITAN_DIR"]) / ".env.prod").read_text()
    secret = re.search(r"TITAN_MASTER_PASSWORD=(\S+)", env).group(1)
    script.write_text(
        f"""#!/bin/sh
hold() {{
    : > {home}/in-$1; n=0
    while [ -e {home}/hold-$1 ] && [ $n -lt 1000 ]; do sleep 0.02; n=$((n + 1)); done
}}
case " $* " in
*" pull"*) printf ' web Pulling \\033]0;evil\\007 with {secret}\\n'; hold pull ;;
*" up "*) hold up ;;
esac
exec {stack.env['COMPOSE']} "$@"
"""
    )
    script.chmod(0o755)
    operator.config.write_text(
        operator.config.read_text().replace(
            f"command: {stack.env['COMPOSE']}", f"command: {script}"
        )
    )
    return secret


def operator_of(stack, **options):
    alice = alice_of(stack, **options)
    alice.confirms = False
    return alice


def on_terminal(operator, *words, **options):
    environment = dict(options.pop("environment", {}), SSH_AUTH_SOCK=operator.socket)
    return Terminal(operator.words(*words), environment=environment, **options)


def insist_it_is_clean(terminal, *planted):
    screen = terminal.screen()
    insist(
        screen.unknown == [] and "\x07" not in terminal.raw and "\x1b]" not in terminal.raw,
        f"a foreign byte came through: {screen.unknown}",
    )
    insist(not any(word in terminal.raw for word in planted), "a secret was shown")
    frame = [
        line for line in screen.lines if re.match(r"  \[|    \w|  window|  pull|release ", line)
    ]
    insist(
        all(len(line) < terminal.columns for line in frame),
        f"a line is wider than the terminal: {screen.text()}",
    )


def list_of(terminal):
    return re.findall(r"^  \[(.)\] (\w+)", terminal.screen().text(), re.MULTILINE)


def run_shows_where_it_is_and_a_second_terminal_the_same(stack):
    alice = operator_of(stack, limits={"window_ms": 2400})
    secret = wrap_compose(stack, alice)
    stack.commit("release-2")
    alice.expect(titan.DONE, "begin", "release", "--reason", "for " + EVIL)
    hold = alice.home / "hold-pull"
    hold.touch()
    with on_terminal(alice, "run", "--rearm", "no", columns=90) as mine, on_terminal(
        alice, "status", "--watch", columns=70, environment={"NO_COLOR": "1"}
    ) as other:
        mine.until("web Pulling \\x1b]0;evil\\x07 with [redacted]")
        insist(
            list_of(mine)[:5]
            == [
                ("x", "preflighted"),
                ("x", "connected"),
                ("x", "updated"),
                (">", "pulled"),
                (" ", "guarded"),
            ],
            mine.screen().text(),
        )
        other.until("[>] pulled")
        insist(not mine.echoes() and not other.echoes(), "what is typed would break the frame")
        mine.type("typed unseen\n")
        hold.unlink()
        mine.until("Type titan-test to go on")
        insist(
            mine.echoes() and "typed unseen" not in mine.raw,
            "a question shows what is typed, and only behind it",
        )
        shown = mine.screen().text()
        for part in (
            "What will change on titan-test",
            "Release release-2",
            "titan-web: re-created (another image)",
            "which a release must keep",
            "drift",
        ):
            insist(part in shown, f"'{part}' is not in: {shown}")
        before = stack.containers()
        mine.type("titan-test\n")
        mine.until("sample 3")
        insist(
            (">", "observed") in list_of(mine)
            and re.search(r"window \[[#.]+\] .* left of 2\.4 s, sample \d", mine.screen().text()),
            mine.screen().text(),
        )
        insist(
            re.search(r"^    web +\++  HTTP 200$", mine.screen().text(), re.MULTILINE)
            and re.search(r"^    parity +\++  equal", mine.screen().text(), re.MULTILINE),
            mine.screen().text(),
        )
        insist(not mine.echoes(), "it is silent again behind the question")
        insist(mine.end() == titan.DONE and other.end() == titan.DONE, "both end by themselves")
        for terminal in (mine, other):
            insist(
                [state for sign, state in list_of(terminal) if sign in "x-"] == PATH,
                terminal.screen().text(),
            )
            insist(terminal.screen().text().count("[x] observed") == 1, "it is redrawn in place")
            insist(
                re.search(r"unavailable +titan-\w+ at most \d+\.\d s", terminal.screen().text())
                is not None
                and "disarmed     Execution" in terminal.screen().text(),
                terminal.screen().text(),
            )
            insist_it_is_clean(terminal, secret)
        told = " ".join(mine.screen().text().split())
        insist(
            re.search(r"next: titan-fsm (arm --reason TEXT, and titan-fsm )?export FILE", told),
            "what to do next is said: " + told,
        )
        insist(
            "\x1b[32m" in mine.raw and not re.search(r"\x1b\[[0-9;]*m", other.raw),
            "NO_COLOR is respected",
        )
    insist(before != stack.containers(), "it was done")
    notes = [entry["body"] for entry in alice.entries() if entry["type"] == "note"]
    insist(
        notes
        == [{"text": "switch_services confirmed by name, on the terminal", "kind": "confirmed"}],
        str(notes),
    )
    alice.expect_proven()


def wrong_name_or_none_changes_nothing(stack):
    alice = operator_of(stack)
    wrap_compose(stack, alice)
    stack.commit("release-2")
    alice.begin("release")
    entries = len(alice.entries())
    for result in (alice.fsm("run", "--confirm", "titan-prod"),):
        insist(
            result.returncode == titan.NEEDS_PERSON
            and "--confirm names another target" in result.err
            and len(alice.entries()) == entries,
            result.out + result.err,
        )
    alice.confirms = True
    advance_to(alice, "guarded")
    alice.confirms = False
    before, entries = stack.containers(), len(alice.entries())
    for words in (["run"], ["advance"], ["resume"], ["run", "--json"]):
        result = alice.fsm(*words)
        insist(
            result.returncode == titan.NEEDS_PERSON
            and "next: titan-fsm run --confirm titan-test" in result.err
            and len(result.err.splitlines()) == 1,
            result.out + result.err,
        )
        insist(
            (
                '"event":"change"' in result.out
                if "--json" in words
                else "What will change on titan-test" in result.out
            ),
            result.out,
        )
    for typed in ("yes\n", "titan-tes\n", "\n", "\x04"):
        with on_terminal(alice, "run") as terminal:
            terminal.until("Type titan-test to go on")
            terminal.type(typed)
            insist(
                terminal.end() == titan.NEEDS_PERSON and "--confirm" in terminal.raw,
                terminal.screen().text(),
            )
    with on_terminal(alice, "run") as terminal:
        terminal.until("Type titan-test to go on")
        terminal.process.send_signal(signal.SIGINT)
        insist(terminal.end() == titan.NEEDS_PERSON, terminal.screen().text())
    insist(
        before == stack.containers() and entries == len(alice.entries()),
        "nothing was done, and nothing recorded as if it had been",
    )
    alice.expect(titan.ABORTED, "abort", "--reason", "the way back asks nobody")


def interrupted_switch_is_resumed_without_asking_again(stack):
    alice = operator_of(stack)
    wrap_compose(stack, alice)
    stack.commit("release-2")
    alice.begin("release")
    hold = alice.home / "hold-up"
    hold.touch()
    driver = alice.start("run", "--rearm", "no", "--confirm", "titan-test")
    titan.wait_until("the switch", lambda: (alice.home / "in-up").exists())
    kill(driver)
    hold.unlink()
    alice.expect(titan.DONE, "resume", "--rearm", "no")
    alice.expect_proven()


def what_is_no_terminal_gets_plain_lines(stack):
    alice = operator_of(stack)
    stack.commit("release-2")
    alice.begin("release")
    watch = titan.subprocess.Popen(
        [str(word) for word in alice.words("status", "--watch", "--json")],
        stdin=titan.subprocess.DEVNULL,
        stdout=titan.subprocess.PIPE,
        text=True,
    )
    first = [titan.json.loads(watch.stdout.readline())]  # where it stands
    try:
        with on_terminal(alice, "advance", environment={"TERM": "dumb"}) as terminal:
            insist(
                terminal.end() == titan.DONE
                and "\x1b" not in terminal.raw
                and "-> preflighted (done)" in terminal.raw,
                terminal.raw,
            )
        with on_terminal(alice, "advance", "--quiet") as terminal:
            insist(
                terminal.end() == titan.DONE
                and "\x1b" not in terminal.raw
                and "[x]" not in terminal.raw,
                terminal.raw,
            )
        alice.expect(titan.ABORTED, "abort", "--reason", "enough")
        out = watch.communicate(timeout=30)[0]
    finally:
        watch.kill()
        watch.wait()
    events = first + [titan.json.loads(line) for line in out.splitlines()]
    insist(
        [event["to"] for event in events if event["event"] == "transition"]
        == ["preflighted", "connected", "aborting", "aborted"],
        str(events),
    )
    insist(
        events[-1]
        == {
            "event": "word",
            "text": f"deployment {alice.status()['deployment']['number']} is aborted",
        },
        str(events[-1]),
    )
    stack.commit("release-3")
    alice.begin("release")
    with on_terminal(alice, "status", "--watch") as terminal:
        terminal.until("[>] preflighted")
        terminal.process.send_signal(signal.SIGINT)
        insist(
            terminal.end() == titan.DONE and "is open, in opened" in terminal.raw,
            terminal.screen().text(),
        )


titan.run_cases(
    titan.only(
        [
            run_shows_where_it_is_and_a_second_terminal_the_same,
            wrong_name_or_none_changes_nothing,
            interrupted_switch_is_resumed_without_asking_again,
            what_is_no_terminal_gets_plain_lines,
        ]
    ),
    "--armed",
)
