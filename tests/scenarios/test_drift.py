#!/usr/bin/env python3
"""Goal: each kind of drift is found, by its line, and none on a fresh stack; nothing plain about a
configuration leaves the target; a switch whose drift remains is rolled back. usage: test_drift.py
standin|docker [all | CASE]"""
import hashlib
import hmac
import json
import os
import pathlib
import re
import sys

import titan
from titan import insist


def operator_of(stack, journal=True, change=lambda text: text):
    operator = titan.Operator(stack, ssh=stack.mode == "docker", agent=True)
    operator.config.write_text(change(operator.config.read_text()))
    if journal:
        operator.expect(titan.DONE, "init")
    return operator


def differences(operator):
    result = operator.fsm("drift", "--json")
    insist(result.returncode in (titan.DONE, titan.DRIFT), f"{result.returncode} {result.err}")
    report = json.loads(result.out)
    insist(
        (result.returncode == titan.DONE)
        == (report["result"] == "none")
        == (not report["differences"]),
        result.out,
    )
    return report["differences"]


def finds(operator, *expected):
    """Exactly these lines: (kind, part of where, part of what)."""
    found = differences(operator)
    for kind, where, what in expected:
        insist(
            any(
                line["kind"] == kind and where in line["where"] and what in line["what"]
                for line in found
            ),
            f"{kind} {where} {what} is not in {found}",
        )
    insist(len(found) == len(expected), f"{len(expected)} lines are expected: {found}")
    for line in found:
        insist(line["next"] and not line["unknown"], str(line))


def tree(stack):
    return pathlib.Path(stack.env["TITAN_DIR"])


def git(stack, *words, where=None):
    """Over ssh the repositories belong to the user `deploy`: git asks a file of one's own whether
    that is well, at the other end of a push too."""
    own = stack.home / "gitconfig"
    own.write_text("[safe]\n\tdirectory = *\n[user]\n\tname = A\n\temail = a@titan.invalid\n")
    titan.run(
        "git",
        "-C",
        where or tree(stack),
        *words,
        check=True,
        env=dict(os.environ, GIT_CONFIG_GLOBAL=str(own)),
    )


def edit(path, old, new):
    text = path.read_text()
    insist(old in text, f"{path} has {old}")
    path.write_text(text.replace(old, new))  # in place: owner and mode stay


def make_orphan(stack, name, *labels):
    words = [
        word
        for label in ("project=titan", *labels)
        for word in ("--label", "com.docker.compose." + label)
    ]
    made = stack.docker(
        "create", "--name", name, *words, stack.containers()["titan-brain"][1], "sleep"
    )
    insist(made.returncode == 0, made.err)


def fresh_stack_has_none_and_nothing_is_written(stack):
    operator = operator_of(stack, journal=False)
    finds(operator)
    insist(not list((tree(stack) / "state").iterdir()), "drift made no file on the target")
    insist("no drift" in operator.expect(titan.DONE, "drift").out, "said")
    operator.expect(titan.DONE, "init")
    entries = len(operator.entries())
    operator.passphrase.unlink()
    finds(operator)
    insist(len(operator.entries()) == entries, "nothing was recorded")


def configuration_of_a_service(stack):
    operator = operator_of(stack)
    env = tree(stack) / ".env.prod"
    edit(env, "WEB_PORT=", "STACK_UNUSED=1\nWEB_PORT=")
    finds(operator)  # no service takes it, and no deployment has recorded another
    edit(
        tree(stack) / "docker-compose.prod.yml",
        'HTTP_PORT: "${WEB_PORT:?WEB_PORT required}"',
        'HTTP_PORT: "${WEB_PORT:?WEB_PORT required}"\n      EXTRA: "1"',
    )
    finds(
        operator,
        ("configuration", "docker-compose.prod.yml", "titan-web"),
        ("tree", "docker-compose.prod.yml", "tracked file"),
    )
    git(stack, "checkout", "docker-compose.prod.yml")
    finds(operator)
    env.write_text(re.sub("HMAC_SECRET=.*", "HMAC_SECRET=" + "f" * 48, env.read_text()))
    finds(
        operator,
        *(
            ("configuration", "docker-compose.prod.yml", "titan-" + name)
            for name in ("execution", "brain", "web")
        ),
    )


def services_missing_stopped_extra(stack):
    operator = operator_of(stack)
    stack.docker("stop", "-t", "0", stack.containers()["titan-web"][0])
    finds(operator, ("stopped", "docker-compose.prod.yml", "titan-web"))
    stack.docker("rm", "-f", stack.containers()["titan-web"][0])
    finds(operator, ("missing", "docker-compose.prod.yml", "titan-web"))
    make_orphan(stack, "by-hand")
    finds(
        operator,
        ("missing", "docker-compose.prod.yml", "titan-web"),
        ("extra", "by-hand", "not created by compose"),
    )
    stack.docker("rm", "-f", "by-hand")
    make_orphan(stack, "orphan", "oneoff=False", "service=titan-old")
    finds(
        operator,
        ("missing", "docker-compose.prod.yml", "titan-web"),
        ("extra", "orphan", "titan-old"),
    )
    text = operator.expect(titan.DRIFT, "drift").out
    insist(len(text.splitlines()) == 2 and "; " in text, text)


def image_moved_under_its_tag(stack):
    operator = operator_of(stack)
    registry = stack.env["REGISTRY"]
    stack.docker("tag", f"{registry}/titan-brain:latest", f"{registry}/titan-web:latest")
    found = differences(operator)
    insist(
        [line["where"] for line in found if line["kind"] == "image" and "titan-web" in line["what"]]
        == ["docker-compose.prod.yml"],
        str(found),
    )


def all_at_once(stack):
    operator = operator_of(stack)
    finds(operator)
    env, registry, file = (
        tree(stack) / ".env.prod",
        stack.env["REGISTRY"],
        "docker-compose.prod.yml",
    )
    make_orphan(stack, "by-hand")
    make_orphan(stack, "orphan", "oneoff=False", "service=titan-old")
    stack.docker("tag", f"{registry}/titan-brain:latest", f"{registry}/titan-web:latest")
    stack.docker("stop", "-t", "0", stack.containers()["titan-brain"][0])
    edit(env, "EXECUTION_PORT=", "EXECUTION_PORT=1")
    edit(tree(stack) / "VERSION", "v3", "by hand")
    finds(
        operator,
        ("extra", "by-hand", "not created by compose"),
        ("extra", "orphan", "titan-old"),
        ("image", file, "titan-web"),
        ("stopped", file, "titan-brain"),
        ("configuration", file, "titan-execution"),
        ("configuration", file, "titan-web"),
        ("tree", "VERSION", "tracked file"),
    )
    if stack.mode == "docker":  # over ssh: nobody there is not "no drift"
        operator.config.write_text(
            operator.config.read_text().replace(f"port: {stack.env['SSH_PORT']}", "port: 1")
        )
        operator.expect(titan.UNREACHABLE, "drift")


def tree_and_commit(stack):
    operator = operator_of(stack)
    edit(tree(stack) / "VERSION", "v3", "by hand")
    (tree(stack) / "docker-compose.override.yml").write_text("services: {}\n")
    finds(
        operator,
        ("tree", "VERSION", "tracked file"),
        ("tree", "docker-compose.override.yml", "no commit holds"),
    )
    (tree(stack) / "docker-compose.override.yml").unlink()
    git(stack, "commit", "-q", "-a", "-m", "by hand")
    finds(operator, ("commit", "origin/main", "1 commit that the branch"))
    git(stack, "reset", "-q", "--hard", "HEAD~2")
    finds(operator, ("commit", "origin/main", "1 commit behind"))
    git(stack, "checkout", "-q", "--detach", "origin/main")
    finds(operator, ("commit", "detached", "not on branch main"))


def source_that_cannot_be_rendered_is_unknown_and_not_none(stack):
    operator = operator_of(stack)
    compose = tree(stack) / "docker-compose.prod.yml"
    compose.write_text(compose.read_text() + "  bad: [yaml\n")
    result = operator.expect(titan.DRIFT, "drift", "--json")
    found = [line for line in json.loads(result.out)["differences"] if line["kind"] == "rendered"]
    insist(
        found and found[0]["unknown"] and "docker-compose.prod.yml" in found[0]["where"], result.out
    )


def open_deployment_says_what_is_its_own_doing(stack):
    operator = operator_of(stack)
    stack.commit("release-2")
    operator.begin("release")
    for _ in range(4):
        operator.expect(titan.DONE, "advance")
    said = operator.expect(titan.DRIFT, "drift").out
    insist("is open, in pulled" in said.splitlines()[0], said)


def since_the_last_deployment(stack):
    operator = operator_of(stack)
    stack.commit("release-2")
    operator.begin("release")
    operator.expect(titan.DONE, "advance")
    finds(operator)  # while a deployment is open, too
    operator.expect(titan.DONE, "run", "--rearm", "no")
    finds(operator)
    edit(tree(stack) / ".env.prod", "WEB_PORT=", "STACK_UNUSED=1\nWEB_PORT=")
    finds(operator, ("env file", ".env.prod", "changed since deployment 1"))
    for name in ("drift.inner", "drift.outer"):
        (tree(stack) / "state" / name).unlink()
    found = differences(operator)
    insist([(line["kind"], line["unknown"]) for line in found] == [("env file", True)], str(found))
    # An undeclared change of the env file before a deployment fails none, and the next one has the
    # new one.
    stack.commit("policy-3", "--policy", "third")
    operator.begin("policy")
    operator.expect(titan.DONE, "run")
    finds(operator)
    git(stack, "reset", "-q", "--hard", "HEAD~1")
    insist(
        any(line["kind"] == "commit" and line["where"] == "HEAD" for line in differences(operator)),
        "HEAD is not what the deployment left",
    )
    operator.expect_proven()


def drift_before_is_recorded_and_said(stack):
    operator = operator_of(stack)
    make_orphan(stack, "orphan", "oneoff=False", "service=titan-old")
    edit(tree(stack) / ".env.prod", "STACK_SHARED=", "TITAN_HANDSHAKE_MS=301\nSTACK_SHARED=")
    stack.commit("release-2")
    operator.begin("release")
    result = operator.expect(titan.DONE, "run", "--rearm", "no")
    insist(
        "drift before this deployment" in result.out
        and "titan-old" in result.out
        and "titan-brain" in result.out,
        result.out,
    )
    fact = [
        entry["body"]["facts"]["drift"]
        for entry in operator.entries()
        if entry["type"] == "transition" and entry["body"]["to"] == "connected"
    ]
    insist("titan-old" in fact[0] and "titan-brain" in fact[0], str(fact))
    finds(operator)
    operator.expect_proven()
    plain_hashes_stay(stack, operator)
    fingerprint_is_the_hmac_of_the_rfc(stack, operator)


def plain_hashes_stay(stack, operator):
    """The labels' own hashes, and any hash of a value of the env file, are nowhere in the journal
    or the bundle."""
    operator.expect(titan.DONE, "export", operator.bundle)
    words = [
        stack.docker(
            "inspect", "--format", '{{index .Config.Labels "com.docker.compose.config-hash"}}', each
        ).out.strip()
        for each, _ in stack.containers().values()
    ]
    insist(len(words) == 3 and all(len(word) == 64 for word in words), str(words))
    words.append(hashlib.sha256((tree(stack) / ".env.prod").read_bytes()).hexdigest())
    for path in [operator.bundle, *operator.journal.iterdir()]:
        data = path.read_bytes()
        for word in words:
            insist(
                word.encode() not in data and bytes.fromhex(word) not in data,
                f"{word} is in {path}",
            )


def fingerprint_is_the_hmac_of_the_rfc(stack, operator):
    """The shell's arithmetic against another implementation, with the key that lies on the target
    only as its two pads."""
    key = bytes(byte ^ 0x36 for byte in (tree(stack) / "state" / "drift.inner").read_bytes())
    insist(
        key == bytes(byte ^ 0x5C for byte in (tree(stack) / "state" / "drift.outer").read_bytes())
        and len(key) == 64
        and any(key[:32]),
        "the pads are of one key",
    )
    made = hmac.new(key, (tree(stack) / ".env.prod").read_bytes(), "sha256").hexdigest() + "\n"
    items = [
        item
        for entry in operator.entries()
        if entry["type"] == "transition"
        for item in entry["body"]["evidence"]
        if item["probe"] == "env.hmac"
    ]
    insist(
        items and items[-1]["output"] == hashlib.sha256(made.encode()).hexdigest(),
        "the last env.hmac is another",
    )


def compose_that_keeps_containers(stack):
    """The operator's own wrapper of compose, which never re-creates: images and commit come out
    right, and a configuration does not."""
    path = tree(stack) / "state" / "compose"
    docker_host = (
        f"export DOCKER_HOST={stack.env['DOCKER_HOST']}\n" if stack.env.get("DOCKER_HOST") else ""
    )
    again = 'for w; do shift; set -- "$@" "$w"; [ "$w" != -d ] || set -- "$@" --no-recreate; done'
    path.write_text(
        f"#!/bin/sh\n{docker_host}case \" $* \" in *' --force-recreate '*) ;; *' up -d '*)"
        f" {again} ;; esac\nexec {stack.env['COMPOSE']} \"$@\"\n"
    )
    path.chmod(0o755)
    return lambda text: text.replace(f"command: {stack.env['COMPOSE']}", f"command: {path}")


def change_only_the_file(stack):
    author = pathlib.Path(stack.env["STACK"]) / "author"
    edit(
        author / "docker-compose.prod.yml",
        'HTTP_PORT: "${WEB_PORT:?WEB_PORT required}"',
        'HTTP_PORT: "${WEB_PORT:?WEB_PORT required}"\n      EXTRA: "2"',
    )
    git(stack, "commit", "-q", "-a", "-m", "another value for web", where=author)
    git(stack, "push", "-q", "origin", "main", where=author)


def release_whose_configuration_does_not_arrive_is_rolled_back(stack):
    operator = operator_of(stack, change=compose_that_keeps_containers(stack))
    before, head = stack.containers(), stack.head()
    change_only_the_file(stack)
    operator.begin("release")
    result = operator.expect(titan.ROLLED_BACK, "run", "--rearm", "yes")
    insist(
        "drift remains after the switch: the container of service titan-web was created from"
        " another configuration" in result.out,
        result.out,
    )
    now = stack.containers()
    insist(
        stack.head() == head and now["titan-web"] == before["titan-web"], "what ran is left alone"
    )
    operator.expect_proven()
    insist(operator.claims()["restoration"] == "proven", "compared")


def policy_whose_configuration_does_not_arrive_is_rolled_back(stack):
    operator = operator_of(stack, change=compose_that_keeps_containers(stack))
    change_only_the_file(stack)
    operator.begin("policy")
    result = operator.expect(titan.ROLLED_BACK, "run")
    insist("titan-web was created from another configuration" in result.out, result.out)
    operator.expect_proven()


def compose_that_cannot_tell_is_said(stack):
    """Declared: docker compose before 2.23 is not in Debian. A wrapper gives its version, which is
    all that the look goes by."""
    path = tree(stack) / "state" / "compose"
    path.write_text(
        "#!/bin/sh\ncase \" $* \" in *' version --short '*) echo v2.19.1; exit ;; esac\nexec"
        f" {stack.env['COMPOSE']} \"$@\"\n"
    )
    path.chmod(0o755)
    operator = operator_of(
        stack,
        change=lambda text: text.replace(f"command: {stack.env['COMPOSE']}", f"command: {path}"),
    )
    found = differences(operator)
    insist(
        [(line["kind"], line["unknown"]) for line in found] == [("configuration", True)] * 3,
        str(found),
    )
    stack.commit("release-2")
    operator.begin("release")
    result = operator.expect(titan.DONE, "run", "--rearm", "no")
    insist(
        "compose cannot tell whether service titan-web runs as configured" in result.out, result.out
    )
    verdict = operator.verify()
    insist(
        verdict.returncode == 3
        and "P-22: whether 3 services run as they are declared, compose could not tell"
        in verdict.out,
        f"the verifier says it too: {verdict.out}",
    )
    undecided = [claim for claim, word in operator.claims().items() if word == "undecidable"]
    insist(undecided == ["procedure"], f"nothing else hangs on it: {undecided}")


def tree_changed_behind_the_update_stops_the_first_change(stack):
    operator = operator_of(stack)
    stack.commit("release-2")
    operator.begin("release")
    for _ in range(5):
        operator.expect(titan.DONE, "advance")
    (tree(stack) / "VERSION").write_text("by hand\n")
    before = stack.containers()
    result = operator.expect(titan.REFUSED, "run", "--rearm", "yes")
    insist("what the tree has besides its commit was nothing" in result.out, result.out)
    insist(stack.containers() == before, "nothing was touched")
    git(stack, "checkout", "VERSION")
    operator.expect(titan.DONE, "run", "--rearm", "yes")  # it was put back
    operator.expect_proven()


MODE = sys.argv.pop(1)
FOUND = [
    all_at_once,
    fresh_stack_has_none_and_nothing_is_written,
    configuration_of_a_service,
    services_missing_stopped_extra,
    image_moved_under_its_tag,
    tree_and_commit,
    source_that_cannot_be_rendered_is_unknown_and_not_none,
    open_deployment_says_what_is_its_own_doing,
]
LASTING = [
    since_the_last_deployment,
    drift_before_is_recorded_and_said,
    release_whose_configuration_does_not_arrive_is_rolled_back,
]
if MODE == "docker":
    # That compose and Docker say what each kind is found by; what a deployment makes of it is the
    # same on the stand-in, and takes a minute of computing here.
    everything = sys.argv[1:] == ["all"]
    cases = FOUND[:1] + LASTING[2:] if everything else titan.only(FOUND[:1])
    titan.run_cases(cases, "--ssh", "--armed", mode="docker")
titan.run_cases(
    titan.only(
        FOUND
        + LASTING
        + [
            policy_whose_configuration_does_not_arrive_is_rolled_back,
            compose_that_cannot_tell_is_said,
            tree_changed_behind_the_update_stops_the_first_change,
        ]
    ),
    "--armed",
)
