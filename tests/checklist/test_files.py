#!/usr/bin/env python3
"""Goal: the items of the checklist that are decided from files on the target (env file, repository,
backups) pass on a good host and fail on each host that is wrong in one way, with the file and line
to change. Real git, cron and files; /etc/cron.d and the crontabs are the test's own, in a mount
namespace. `systemctl` is a declared stand-in (tests/checklist/systemctl), since no systemd runs
here."""
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
BUILD = pathlib.Path(os.environ.get("TITAN_BUILD", HERE.parent.parent / "build"))
ENV = """# the host's own
TITAN_MASTER_PASSWORD="correct horse battery staple, 48 characters long."
export HMAC_SECRET=0123456789abcdef0123456789abcdef  # shared
NATS_PORT=4222
NATS_BRAIN_PASSWORD=b1234567890
NATS_OPERATOR_TOKEN='t 12 34'
"""
PREFLIGHT = """
  master_password: {probe: env_key_length, key: TITAN_MASTER_PASSWORD, minimum: 32, advice: set it}
  env_file_mode: {probe: env_file_mode, advice: chmod}
  env_committed: {probe: env_committed, advice: purge it}
  nats_passwords: {probe: password_text, advice: begin with a letter}
  tree_clean: {probe: tree_clean, advice: commit}
  backups:
    {probe: backups, path: DIRECTORY, schedule: titan_brain, hours: 26, advice: look at the timer}
"""


class Host:
    def __init__(self):
        self.home = pathlib.Path(tempfile.mkdtemp(prefix="titan-host-"))
        self.tree, self.backups, self.cron, self.crontabs, self.units = (
            self.home / name for name in ("titan", "backups", "cron.d", "crontabs", "units")
        )
        for directory in (self.tree, self.backups, self.cron, self.crontabs, self.units):
            directory.mkdir()
        self.git("init", "-q", "-b", "main")
        self.write("docker-compose.prod.yml", "services: {}\n")
        self.write(".env.example", "TITAN_MASTER_PASSWORD=\n")
        self.write(".gitignore", ".env.prod\nstate/\n")
        self.commit("first")
        self.write(".env.prod", ENV)
        (self.tree / ".env.prod").chmod(0o600)
        self.backup("titan_brain-1.dump", b"PGDMP", hours=2)
        self.cron_file(
            "titan", "30 3 * * * postgres pg_dump -Fc titan_brain -f /var/backups/titan/x\n"
        )
        (self.home / "titan.yml").write_text(
            f"""version: 1
journal: journal
target: {{name: host, local: true, directory: {self.tree}}}
operator: {{principal: alice, key: alice.key}}
endpoints: {{web: {{url: "http://127.0.0.1:1/health"}}}}
checklist: own
preflight:{PREFLIGHT.replace('DIRECTORY', str(self.backups))}"""
        )

    def write(self, name, text):
        path = self.tree / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def git(self, *words):
        subprocess.run(
            [
                "git",
                "-C",
                self.tree,
                "-c",
                "user.name=A",
                "-c",
                "user.email=a@titan.invalid",
                "-c",
                "commit.gpgSign=false",
                *words,
            ],
            check=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def commit(self, message):
        self.git("add", "-A")
        self.git("commit", "-q", "-m", message)

    def backup(self, name, content, hours):
        path = self.backups / name
        path.write_bytes(content)
        then = path.stat().st_mtime - hours * 3600
        os.utime(path, (then, then))

    def cron_file(self, name, text):
        (self.cron / name).write_text(text)

    def unit(self, name, text):
        (self.units / name).write_text(text)

    def env(self, text):
        self.write(".env.prod", text)

    def preflight(self, *options):
        """The program, with /etc/cron.d and the crontabs of this host and no others."""
        script = (
            f"mount --bind {self.cron} /etc/cron.d; mount --bind"
            f" {self.crontabs} /var/spool/cron/crontabs; mount -t tmpfs none /etc/cron.daily; exec"
            ' "$@"'
        )
        environment = dict(
            os.environ,
            PATH=f"{HERE / 'shim'}:{os.environ['PATH']}",
            TITAN_TEST_UNITS=str(self.units),
        )
        result = subprocess.run(
            [
                "unshare",
                "-m",
                "sh",
                "-c",
                script,
                "sh",
                BUILD / "fsm" / "titan-fsm",
                "preflight",
                *(options or ["--json"]),
                "--config",
                self.home / "titan.yml",
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            timeout=120,
            env=environment,
        )
        if not result.stdout:
            raise AssertionError(result.stderr.decode())
        if options:
            return result.returncode, result.stdout.decode()
        return result.returncode, {item["id"]: item for item in json.loads(result.stdout)["items"]}

    def close(self):
        shutil.rmtree(self.home)


def line(number, old, new):
    """Replaces a line of the env file; the answer must name its number."""

    def change(host):
        lines = ENV.splitlines()
        assert old in lines[number - 1], f"{old} is not in line {number}"
        lines[number - 1] = new
        host.env("\n".join(lines) + "\n")

    return change


def remove_from_history(host):
    host.write("deploy/.env.staging", "SECRET=x\n")
    host.commit("oops")
    host.git("rm", "-q", "deploy/.env.staging")
    host.commit("gone again")


def on_another_branch(host):
    host.git("checkout", "-q", "-b", "side")
    host.write("prod.env", "SECRET=x\n")
    host.commit("oops")
    host.git("checkout", "-q", "main")


def staged_only(host):
    host.write(".env", "SECRET=x\n")
    host.git("add", "-f", ".env")


def shallow(host):
    host.write("more", "x")
    host.commit("second")
    clone = host.home / "clone"
    subprocess.run(["git", "clone", "-q", "--depth", "1", f"file://{host.tree}", clone], check=True)
    shutil.copy2(host.tree / ".env.prod", clone / ".env.prod")
    shutil.rmtree(host.tree)
    clone.rename(host.tree)


def linked(host):
    (host.tree / ".env.prod").rename(host.home / "elsewhere")
    (host.tree / ".env.prod").symlink_to(host.home / "elsewhere")


def only(host, **files):
    shutil.rmtree(host.cron)
    host.cron.mkdir()
    for name, text in files.items():
        host.cron_file(name.replace("_dot_", "."), text)


def timer(host, listed, text):
    only(host)
    host.unit("titan-backup.timer", "[Timer]\nOnCalendar=daily\n")
    host.unit("titan-backup.service", text)
    if listed:
        host.unit("listed", "titan-backup.timer titan-backup.service\n")


CRON = "0 3 * * * root pg_dump titan_brain\n"


def words_of_ours(*words):
    """Secrets that are words of the tool's own sentences and scripts: what is said of anything
    stays the same."""
    return lambda host: host.env(
        ENV + "".join(f"WORD_{number}_SECRET={word}\n" for number, word in enumerate(words))
    )


FAILS = [
    # item, how the host is wrong, what the answer must say
    (
        "master_password",
        line(2, "TITAN_MASTER", "TITAN_MASTER_PASSWORD=short"),
        r"\.env\.prod:2: TITAN_MASTER_PASSWORD is shorter than 32",
    ),
    *[
        (
            "master_password",
            line(2, "TITAN_MASTER", f"TITAN_MASTER_PASSWORD={word}"),
            r"^\.env\.prod:2: TITAN_MASTER_PASSWORD is shorter than 32 characters$",
        )
        for word in ("short", "TITAN", "characters", ".env.prod", "PASSWORD")
    ],  # a value that is a word of ours is not to be read off the sentence
    (
        "master_password",
        line(2, "TITAN_MASTER", "#TITAN_MASTER_PASSWORD=0123456789012345678901234567890123456789"),
        "is not set",
    ),
    (
        "master_password",
        line(
            2,
            "TITAN_MASTER",
            'TITAN_MASTER_PASSWORD="short" # and a comment that is long enough, were it counted',
        ),
        r":2: .*shorter",
    ),
    (
        "master_password",
        line(2, "TITAN_MASTER", "TITAN_MASTER_PASSWORD=" + "ä" * 31),
        r":2: .*shorter",
    ),
    (
        "master_password",
        lambda host: host.env(ENV + "TITAN_MASTER_PASSWORD=again\n"),
        r":7: .*shorter",
    ),
    (
        "master_password",
        lambda host: host.env(
            ENV + "FIVE=short\nTITAN_MASTER_PASSWORD=${FIVE:-" + "x" * 40 + "}\n"
        ),
        r":8: .*shorter",
    ),
    (
        "master_password",
        lambda host: (host.tree / ".env.prod").unlink(),
        r"^\.env\.prod cannot be read: see env_file_mode$",
    ),
    ("env_file_mode", lambda host: (host.tree / ".env.prod").chmod(0o640), "mode 640 and not 600"),
    ("env_file_mode", lambda host: (host.tree / ".env.prod").chmod(0o604), "mode 604"),
    (
        "env_file_mode",
        lambda host: os.chown(host.tree / ".env.prod", 65534, 0),
        "belongs to user id 65534 and not to the one who deploys: chown 0 ",
    ),
    ("env_file_mode", linked, "symbolic link"),
    ("env_file_mode", lambda host: (host.tree / ".env.prod").unlink(), "not there"),
    ("env_committed", remove_from_history, r"deploy/\.env\.staging is in git \([0-9a-f]{7}"),
    ("env_committed", on_another_branch, r"prod\.env is in git"),
    ("env_committed", staged_only, r"\.env is in git \(index only\)"),
    ("env_committed", shallow, "shallow"),
    (
        "nats_passwords",
        line(5, "BRAIN", "NATS_BRAIN_PASSWORD=1234567890"),
        r"\.env\.prod:5: this password \(NATS\*PASS\*\) would be taken for a number",
    ),
    ("nats_passwords", line(5, "BRAIN", "NATS_BRAIN_PASSWORD=12e10"), ":5: .*number"),
    ("nats_passwords", line(5, "BRAIN", "NATS_BRAIN_PASSWORD='10mb'"), ":5: .*number"),
    ("nats_passwords", line(6, "TOKEN", "NATS_OPERATOR_TOKEN=true"), ":6: .*true or false"),
    ("nats_passwords", line(6, "TOKEN", "NATS_OPERATOR_TOKEN="), ":6: .*empty"),
    (
        "nats_passwords",
        line(5, "BRAIN", "NATS_BRAIN_PASSWORD=1e999"),
        r"^\.env\.prod:5: this password \(NATS\*PASS\*\) would be taken for a number$",
    ),
    ("nats_passwords", line(6, "TOKEN", "NATS_OPERATOR_TOKEN=$OTHER"), ":6: .*variable"),
    (
        "tree_clean",
        lambda host: host.write("docker-compose.prod.yml", "services: {a: {}}\n"),
        "M docker-compose.prod.yml",
    ),
    ("tree_clean", lambda host: (host.tree / ".gitignore").unlink(), r"D \.gitignore"),
    ("tree_clean", staged_only, r"A +\.env"),
    ("backups", lambda host: only(host), "no crontab.*titan_brain"),
    (
        "backups",
        lambda host: (words_of_ours("crontab", "unscheduled", "timer", "active")(host), only(host)),
        "^no crontab, cron.d file or active systemd timer has a line with titan_brain$",
    ),
    (
        "env_committed",
        lambda host: (words_of_ours("index", "only", "purge", "history")(host), staged_only(host)),
        r"^\.env is in git \(index only\): git rm --cached, purge it from the history$",
    ),
    (
        "env_file_mode",
        lambda host: (
            words_of_ours("mode", "chmod", "owner")(host),
            (host.tree / ".env.prod").chmod(0o640),
        ),
        r"^\.env\.prod has mode 640 and not 600: chmod 600 \.env\.prod$",
    ),
    ("backups", lambda host: only(host, titan="# " + CRON), "no crontab"),
    (
        "backups",
        lambda host: only(host, titan_dot_bak=CRON),
        "no crontab",
    ),  # cron does not read a name with a dot
    ("backups", lambda host: timer(host, False, "ExecStart=pg_dump titan_brain\n"), "no crontab"),
    (
        "backups",
        lambda host: os.utime(host.backups / "titan_brain-1.dump", (1, 1)),
        "hours old and not younger than 26.*titan_brain-1",
    ),
    (
        "backups",
        lambda host: host.backup("titan_brain-2.dump", b"", hours=1),
        "empty: .*titan_brain-2",
    ),
    ("backups", lambda host: (host.backups / "titan_brain-1.dump").unlink(), "holds no backup"),
    ("backups", lambda host: host.backup("titan_brain-2.dump", b"x", hours=-30), "in the future"),
]
PASSES = [
    ("master_password", line(2, "TITAN_MASTER", "TITAN_MASTER_PASSWORD=" + "ä" * 32)),
    (
        "env_committed",
        lambda host: (host.write("sub/.env.example", "A=\n"), host.commit("an example")),
    ),
    ("nats_passwords", line(5, "BRAIN", "NATS_BRAIN_PASSWORD=12345x67890")),
    (
        "backups",
        lambda host: (
            only(host),
            (host.crontabs / "root").write_text("0 3 * * * pg_dump titan_brain\n"),
        ),
    ),
    ("backups", lambda host: timer(host, True, "ExecStart=pg_dump titan_brain\n")),
]


def check(item, change, passes, pattern):
    host = Host()
    try:
        change(host)
        status, items = host.preflight()
        found = items[item]
        if found["status"] != ("passed" if passes else "failed"):
            raise AssertionError(f"{item} is {found['status']}: {found['found']}")
        if not passes and (status != 21 or re.search(pattern, found["found"]) is None):
            raise AssertionError(
                f"{item}, exit status {status}: '{pattern}' is not in: {found['found']}"
            )
    finally:
        host.close()


def check_sum():
    """Each item is counted once; one without advice has a next step."""
    host = Host()
    try:
        path = host.home / "titan.yml"
        path.write_text(
            path.read_text().replace(", advice: commit}", "}")
            + "  logs: {probe: logs, mandatory: false}\n  seen: {probe: attest}\n"
        )
        host.write("docker-compose.prod.yml", "services: {a: {}}\n")
        status, said = host.preflight("--quiet")
        for words in (
            "of 8 items 5 passed, 1 failed, 1 for a person, 1 optional and not passed",
            "next: commit or remove the changes",
        ):
            if status != 21 or words not in said:
                raise AssertionError(f"{status}: '{words}' is not in: {said}")
    finally:
        host.close()


def main():
    if os.geteuid() != 0:
        print("skipped: a mount namespace can be made by root only")
        sys.exit(77)
    failed = 0
    host = Host()
    status, items = host.preflight()
    host.close()
    bad = {name: item["found"] for name, item in items.items() if item["status"] != "passed"}
    print("FAIL the good host: " + str(bad) if bad or status != 0 else "ok   the good host passes")
    failed += bool(bad or status != 0)
    for item, change, pattern in FAILS + [(item, change, None) for item, change in PASSES]:
        try:
            check(item, change, pattern is None, pattern)
        except AssertionError as failure:
            failed += 1
            print(f"FAIL {failure}")
    try:
        check_sum()
    except AssertionError as failure:
        failed += 1
        print(f"FAIL {failure}")
    print(f"{len(FAILS)} ways to fail, {failed} not as they must be")
    sys.exit(1 if failed else 0)


main()
