#!/usr/bin/env python3
"""Goal: the commands that only look tell the truth of a real journal. `status --prometheus` and the
example script are good by promtool's own check, tell the state that `status --json` tells, and are
put in place whole; `explain` speaks of the state that there is, and works without a journal; every
error names the next step; `config check` names every key with the value that holds, or the line
that is wrong; titan-verify as one static file judges where there is nothing else."""
import json
import os
import pathlib
import re
import shutil
import subprocess
import xml.etree.ElementTree

import titan
from titan import insist

STATIC = (
    pathlib.Path(os.environ.get("TITAN_PLAIN_BUILD", titan.BUILD))
    / "verify"
    / "titan-verify-static"
)  # a sanitized build has none
SCRIPT = titan.ROOT / "fsm" / "examples" / "titan-metrics"


def checked(text):
    """promtool as judge: status 0 and not one remark of its linter. Returns {series: value}."""
    result = subprocess.run(
        ["promtool", "check", "metrics"],
        input=text.encode(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=60,
    )
    insist(
        result.returncode == 0 and result.stdout == b"",
        f"promtool: {result.returncode} {result.stdout.decode()}\n{text}",
    )
    return dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))


def metrics(operator):
    return checked(operator.expect(titan.DONE, "status", "--prometheus").out)


def state_of(series):
    states = [
        name.split('state="')[1].rstrip('"}')
        for name, value in series.items()
        if name.startswith("titan_fsm_state{") and value == "1"
    ]
    insist(len(states) <= 1, f"more states than one: {states}")
    return states[0] if states else None


def status_prometheus_tells_what_status_tells(stack):
    operator = titan.Operator(stack, agent=True)
    operator.expect(titan.DONE, "init")
    series = metrics(operator)
    insist(
        state_of(series) is None
        and series['titan_fsm_deployment_open{target="titan-test"}'] == "0",
        f"no deployment yet: {series}",
    )
    stack.commit("release-2")
    operator.begin("release")
    operator.expect(titan.DONE, "advance")
    series = metrics(operator)
    transition = [entry for entry in operator.entries() if entry["type"] == "transition"][-1]
    since = float(series['titan_fsm_state_since_timestamp_seconds{target="titan-test"}'])
    insist(
        state_of(series) == "preflighted"
        and series['titan_fsm_deployment_open{target="titan-test"}'] == "1",
        str(series),
    )
    written = (
        subprocess.run(["date", "-d", transition["utc"], "+%s"], stdout=subprocess.PIPE, check=True)
        .stdout.decode()
        .strip()
    )
    insist(int(since) == int(written), f"since {since}, and the entry says {transition['utc']}")
    insist(
        series['titan_fsm_journal_entries{target="titan-test"}'] == str(len(operator.entries())),
        str(series),
    )
    insist(
        series['titan_fsm_journal_size_bytes{target="titan-test"}']
        == str((operator.journal / "data.mdb").stat().st_size),
        str(series),
    )
    operator.expect(titan.ABORTED, "abort", "--reason", "enough seen")
    insist(state_of(metrics(operator)) == "aborted", "the end is told")


def titan_metrics_adds_the_verdict_and_replaces_the_file_as_a_whole(stack):
    operator = titan.Operator(stack, agent=True)
    operator.expect(titan.DONE, "init")
    operator.begin("release")
    operator.expect(titan.ABORTED, "abort", "--reason", "enough seen")
    folder = operator.home / "textfile"
    folder.mkdir()
    output = folder / "titan.prom"
    environment = dict(os.environ, TITAN_FSM=titan.FSM, TITAN_VERIFY=titan.VERIFY)
    judge = (
        operator.journal,
        "--trust",
        operator.trust,
        "--target",
        "titan-test",
        "--limits",
        operator.limits_file,
    )
    titan.run(SCRIPT, operator.config, output, *judge, env=environment, check=True)
    series = checked(output.read_text())
    insist(
        state_of(series) == "aborted"
        and series['titan_verify_exit_status{target="titan-test"}'] == "0",
        str(series),
    )
    inode = output.stat().st_ino
    titan.run(
        SCRIPT,
        operator.config,
        output,
        *judge[:3],
        "--target",
        "another",
        env=environment,
        check=True,
    )
    insist(
        checked(output.read_text())['titan_verify_exit_status{target="another"}'] == "1",
        "another target's journal is no proof",
    )
    insist(
        output.stat().st_ino != inode and output.stat().st_mode & 0o777 == 0o644,
        "it is replaced, not written over, and the collector may read it",
    )
    before = output.read_bytes()
    for words in ((operator.home / "nowhere.yml", output), (operator.config, output, *judge[:1])):
        insist(titan.run(SCRIPT, *words, env=environment).returncode != 0, f"{words} succeeds")
    insist(
        output.read_bytes() == before and list(folder.iterdir()) == [output],
        f"a run that fails leaves something: {list(folder.iterdir())}",
    )


def explain_speaks_of_the_present_state_and_needs_no_journal_for_a_name(stack):
    operator = titan.Operator(stack, agent=True)
    operator.expect(titan.DONE, "init")
    insist(
        "no deployment yet; next: titan-fsm begin" in operator.expect(titan.DONE, "explain").out,
        "an empty journal",
    )
    operator.begin("policy")
    operator.expect(titan.DONE, "advance")
    said = operator.expect(titan.DONE, "explain").out
    insist(
        said.startswith("Deployment 1, policy, is in the state preflighted\n")
        and "Under policy, from here:" in said
        and "release" not in said,
        said,
    )
    operator.expect(titan.ABORTED, "abort", "--reason", "enough seen")
    insist(
        "titan-fsm begin release --reason TEXT" in operator.expect(titan.DONE, "explain").out,
        "what comes next is said",
    )
    alone = titan.run(
        titan.FSM, "explain", "guarded", cwd=operator.home.parent, env={"PATH": os.environ["PATH"]}
    )
    insist(
        alone.returncode == 0
        and "Under release, from here:" in alone.out
        and "-> disarmed" in alone.out,
        alone.out + alone.err,
    )
    wrong = titan.run(titan.FSM, "explain", "nirvana")
    insist(wrong.returncode == titan.USAGE and "rollback_failed" in wrong.err, wrong.err)


def every_error_names_the_next_step(stack):
    """Each command where nothing is there, where there is no journal, where no deployment was
    begun, and where one has ended."""
    operator = titan.Operator(stack, agent=True)
    source = (titan.ROOT / "fsm" / "commands" / "command.c").read_text()
    names = re.findall(r'^    \{"([a-z]+)",', source, re.M)
    insist(len(names) > 20, f"hardly a command: {names}")
    words = {
        "keygen": [operator.trust],
        "config": ["check"],
        "attest": ["nothing"],
        "request": [operator.home],
        "approve": [operator.trust],
        "accept": [operator.trust],
        "begin": ["hotfix"],
        "export": [operator.home],
        "graph": ["svg", "--path"],
        "explain": ["nirvana"],
        "init": ["--succeed", "nothing"],
        "roster": ["add", "operator", "no line"],
    }
    silent = {"keygen", "approve", "explain"}  # these do not look at the configuration

    def errors(config, least, without=()):
        said = 0
        for name in (name for name in names if name not in without):
            result = operator.fsm(
                name, *words.get(name, []), "--reason", "a test", "--config", config, config=False
            )
            for line in result.err.splitlines():
                said += 1
                insist("; next: " in line and not line.endswith("; next: "), f"{name}: {line}")
        insist(said >= least, f"only {said} errors were seen")

    errors(operator.home / "nowhere.yml", len(names) - len(silent))
    works = (
        "preflight",
        "drift",
        "arm",
        "disarm",
    )  # these need no deployment, and the target is there
    errors(operator.config, 15, works[:2])
    operator.expect(titan.DONE, "init")
    errors(operator.config, 9, works)
    operator.begin("release")
    operator.expect(titan.ABORTED, "abort", "--reason", "enough seen")
    errors(operator.config, 9, works)


def status_names_arm_until_it_is_armed_and_keeps_the_reason(stack):
    operator = titan.Operator(stack, agent=True)
    operator.expect(titan.DONE, "init")
    operator.expect(titan.DONE, "arm", "--reason", "as in production")
    stack.commit("release-2")
    operator.begin("release")
    said = operator.expect(titan.DONE, "run", "--rearm", "no").out
    insist("next: titan-fsm arm --reason TEXT" in said, said)
    insist(
        operator.status()["next"] == "titan-fsm arm --reason TEXT", "armed before, and disarmed now"
    )
    operator.expect(titan.DONE, "arm", "--reason", "it was armed before")
    insist(operator.status()["next"].startswith("titan-fsm begin"), "it is armed again")
    operator.begin("release")
    operator.expect(titan.ABORTED, "abort", "--reason", "not tonight")
    insist(operator.status()["next"].startswith("titan-fsm begin"), "an abort disarmed nothing")
    insist(
        "reason      not tonight\n" in operator.expect(titan.DONE, "status").out,
        "why it was given up",
    )
    stack.commit("release-3", "--fault", "web:unhealthy")
    operator.begin("release")
    insist(
        "next: titan-fsm arm --reason TEXT" in operator.expect(titan.ROLLED_BACK, "run").out,
        "rolled back, and disarmed",
    )
    insist(
        operator.status()["next"] == "titan-fsm arm --reason TEXT", "a rollback leaves it disarmed"
    )


def keys_of(value):
    if isinstance(value, dict):
        for key, inner in value.items():
            yield key
            yield from keys_of(inner)


def config_check_shows_every_key_and_what_it_shows_is_the_same_configuration(stack):
    operator = titan.Operator(stack)
    lone = operator.home / "lone.yml"
    lone.write_text((titan.ROOT / "fsm" / "config" / "titan.example.yml").read_text())
    said, shown = (
        titan.run(titan.FSM, "config", "check", "--config", lone, *words)
        for words in ((), ("--json",))
    )
    insist(said.returncode == shown.returncode == titan.CONFIG, "nobody can begin with it")
    insist(said.out.startswith("unusable    "), said.out)
    for text in (said.err, shown.err):
        insist(
            len(
                [
                    line
                    for line in text.splitlines()
                    if "roster.operators is empty" in line
                    and "roster.administrators is empty" in line
                    and "nobody is listed in roster.approvers" in line
                ]
            )
            == 1,
            text,
        )
    (operator.home / "alice.key").unlink()  # neither a key nor a journal is needed
    insist(
        f"good        {operator.config}\n"
        in titan.run(titan.FSM, "config", "check", "--config", operator.config, check=True).out,
        "it is good",
    )
    for source in (operator.config, titan.ROOT / "fsm" / "config" / "titan.example.yml"):
        shown = titan.run(titan.FSM, "config", "check", "--json", "--config", source).out
        again = operator.home / "again.yml"
        again.write_text(shown)  # JSON is YAML: what is shown is itself a configuration
        insist(
            titan.run(titan.FSM, "config", "check", "--json", "--config", again).out == shown,
            "what is shown is another configuration",
        )
    text = re.sub(r'"[^"]*"|\'[^\']*\'| #.*|^#.*', "", source.read_text(), flags=re.M)
    named, read = set(re.findall(r"(?:^|[{,\s])([a-z_]+):(?=\s|$)", text, re.M)), set(
        keys_of(json.loads(shown))
    )
    insist(
        len(named) > 90 and named <= read,
        f"the example names keys that are not shown: {named - read}",
    )
    unnamed = (
        read - named - {"local", "agent", "password_key", "exec"}
    )  # these stand in comments, as the alternative
    insist(unnamed == set(), f"the example does not name {unnamed}")


def config_check_a_wrong_line_is_named_with_its_column(stack):
    operator = titan.Operator(stack, agent=True)
    for number, wrong, word in (
        (1, "version: 2", "version 1"),
        (2, "jurnal: journal", "no such key: jurnal"),
        (3, "target: [", "YAML"),
    ):
        lines = operator.config.read_text().splitlines()
        lines[number - 1] = wrong
        bad = operator.home / "bad.yml"
        bad.write_text("\n".join(lines) + "\n")
        said = titan.run(titan.FSM, "config", "check", "--config", bad)
        insist(
            said.returncode == titan.CONFIG
            and said.out == ""
            and re.search(rf"bad\.yml:{number if word != 'YAML' else '[0-9]+'}:[0-9]+: ", said.err)
            and word in said.err,
            said.err,
        )
        insist("; next: " in said.err, said.err)
    insist(
        titan.run(titan.FSM, "config", "chekc", "--config", operator.config).returncode
        == titan.USAGE,
        "a word that is none",
    )


def graph_path_is_a_picture_with_the_deployments_way_marked(stack):
    operator = titan.Operator(stack, agent=True)
    operator.expect(titan.DONE, "init")
    insist(
        operator.fsm("graph", "svg", "--path").returncode == titan.REFUSED, "there is no path yet"
    )
    operator.begin("release")
    operator.expect(titan.DONE, "advance")
    operator.expect(titan.ABORTED, "abort", "--reason", "enough seen")
    picture = xml.etree.ElementTree.fromstring(
        operator.expect(titan.DONE, "graph", "svg", "--path").out
    )
    reached = {
        "".join(group.itertext()).split(" +")[0]
        for group in picture.iter("{http://www.w3.org/2000/svg}g")
        if "reached" in group.get("class").split()
    }
    insist(reached == {"opened", "preflighted", "aborting", "aborted"}, str(reached))
    taken = [
        group.find("{http://www.w3.org/2000/svg}title").text.split(":")[0]
        for group in picture.iter("{http://www.w3.org/2000/svg}g")
        if "taken" in group.get("class").split()
    ]
    insist(
        sorted(taken)
        == ["aborting to aborted", "opened to preflighted", "preflighted to aborting"],
        str(taken),
    )


def titan_verify_static_judges_in_an_empty_root(stack):
    headers = titan.run("readelf", "-l", "-d", STATIC, check=True).out
    insist(
        "INTERP" not in headers and "NEEDED" not in headers,
        "it needs a loader or a library\n" + headers,
    )
    operator = titan.Operator(stack, agent=True)
    operator.expect(titan.DONE, "init")
    operator.begin("release")
    operator.expect(titan.ABORTED, "abort", "--reason", "enough seen")
    operator.expect(titan.DONE, "export", operator.bundle)
    root = operator.home / "root"
    root.mkdir()
    for path in (STATIC, operator.bundle, operator.trust):
        shutil.copy(path, root)
    shutil.copytree(operator.journal, root / "journal", ignore=lambda *_: ["driver.lock"])
    before = {path.name for path in root.iterdir()}
    enter = ["chroot"] if os.geteuid() == 0 else ["unshare", "-r", "chroot"]
    for record in ("/evidence.bundle", "/journal"):
        words = (record, "--trust", "/allowed_signers", "--target", "titan-test", "--json")
        alone, linked = titan.run(*enter, root, "/titan-verify-static", *words), operator.verify(
            "--json", journal=operator.bundle, limits=False
        )
        insist(
            alone.returncode == linked.returncode
            and alone.out == linked.out
            and '"verdict":"' in alone.out,
            f"{record}: {alone.returncode} {alone.out} {alone.err}\n{linked.out}",
        )
    flipped = bytearray((root / "evidence.bundle").read_bytes())
    flipped[len(flipped) // 2] ^= 1
    (root / "evidence.bundle").write_bytes(flipped)
    insist(
        titan.run(*enter, root, "/titan-verify-static", "/evidence.bundle", *words[1:]).returncode
        in (1, 4),
        "a flipped bit is good to it",
    )
    insist({path.name for path in root.iterdir()} == before, "it left something")


CASES = [
    every_error_names_the_next_step,
    explain_speaks_of_the_present_state_and_needs_no_journal_for_a_name,
    graph_path_is_a_picture_with_the_deployments_way_marked,
    config_check_shows_every_key_and_what_it_shows_is_the_same_configuration,
    config_check_a_wrong_line_is_named_with_its_column,
    status_prometheus_tells_what_status_tells,
    status_names_arm_until_it_is_armed_and_keeps_the_reason,
    titan_metrics_adds_the_verdict_and_replaces_the_file_as_a_whole,
    titan_verify_static_judges_in_an_empty_root,
]
titan.run_cases(titan.only(CASES))
