#!/usr/bin/env python3
"""Goal: whatever stands at a path that a person names, the programs end at once, say it in one
sentence, and change nothing else. Every input and every output of both programs is given a link, a
link to nothing, a FIFO, a directory, /dev/null, /dev/full, a socket, an empty file, one that cannot
be read, and one of 100 GB without content.

Standard output too: where it cannot be written the status is not 0."""
import hashlib
import os
import pathlib
import re
import resource
import shutil
import socket
import subprocess
import sys
import tempfile

SECONDS = 60  # a loaded machine; nothing here waits for anything
KINDS = ("link", "dangling", "fifo", "directory", "null", "full", "socket", "empty", "unreadable")
PHRASE = "correct horse battery staple"


def program(build, name):
    return str(build / name.split("-")[1] / name)


def run(words, home, **options):
    return subprocess.run(
        [str(word) for word in words],
        cwd=home,
        stdin=subprocess.DEVNULL,
        capture_output="stdout" not in options,
        text=True,
        timeout=SECONDS,
        **options,
    )


def begin(home, fsm):
    """A journal with one entry on this machine, its bundle, checkpoint and trust file."""
    (home / "phrase").write_text(PHRASE + "\n")
    (home / "phrase").chmod(0o600)
    made = run(
        [fsm, "keygen", "alice.key", "--comment", "alice@example.org"]
        + ["--passphrase-file", "phrase"],
        home,
        check=True,
    )
    line = made.stdout.strip()
    (home / "trust").write_text(line + "\n")
    (home / "target" / "state").mkdir(parents=True)
    (home / "target" / ".env.prod").write_text("A=b\n")
    (home / "target" / ".env.prod").chmod(0o600)
    (home / "titan.yml").write_text(
        "version: 1\njournal: journal\n"
        f"target: {{name: t, local: true, directory: {home / 'target'}}}\n"
        "operator: {principal: alice@example.org, key: alice.key}\n"
        f"roster:\n  operators: ['{line}']\n  approvers: []\n  administrators: ['{line}']\n"
        'approvals: {policy: 0, release: 0}\nendpoints:\n  web: {url: "http://127.0.0.1:1/"}\n'
        "checklist: own\npreflight:\n  tree_clean: {probe: tree_clean, advice: commit}\n"
    )
    (home / "limits").write_text("window_ms: 1200\n")
    phrase = ["--passphrase-file", "phrase"]
    run([fsm, "init", *phrase], home, check=True)
    run([fsm, "export", "bundle", "--checkpoint", "checkpoint", *phrase], home, check=True)


def inputs(fsm, verify):
    """(name, the file that is good there, words): PATH stands for it."""
    judged = ["--trust", "trust", "--target", "t"]
    return (
        ("--config", "titan.yml", [fsm, "status", "--config", "PATH"]),
        ("--passphrase-file", "phrase", [fsm, "export", "made", "--passphrase-file", "PATH"]),
        ("REQUEST", "limits", [fsm, "approve", "PATH"]),
        ("RECORD", "bundle", [verify, "PATH", *judged]),
        ("--trust", "trust", [verify, "bundle", "--trust", "PATH", "--target", "t"]),
        ("--checkpoint", "checkpoint", [verify, "bundle", *judged, "--checkpoint", "PATH"]),
        ("--limits", "limits", [verify, "bundle", *judged, "--limits", "PATH"]),
        ("policy --limits", "limits", [verify, "policy", "--limits", "PATH"]),
        ("extract RECORD", "bundle", [verify, "extract", "PATH", "0", "--out", "made"]),
        ("diff RECORD", "bundle", [verify, "diff", "bundle", "PATH"]),
    )


def outputs(fsm, verify):
    phrase = ["--passphrase-file", "phrase"]
    judged = ["--trust", "trust", "--target", "t"]
    return (
        ("keygen FILE", [fsm, "keygen", "PATH", "--comment", "x", *phrase]),
        ("export FILE", [fsm, "export", "PATH", *phrase]),
        ("export --checkpoint", [fsm, "export", "made", "--checkpoint", "PATH", *phrase]),
        ("--html", [verify, "bundle", *judged, "--html", "PATH"]),
        ("extract --out", [verify, "extract", "bundle", "0", "--out", "PATH"]),
    )


def place(home, kind, good):
    """Puts it there; the path to give."""
    path = home / "odd"
    if kind in ("null", "full"):
        return pathlib.Path("/dev") / kind
    if kind == "link":
        (home / "behind").write_bytes(good)
        path.symlink_to("behind")
    elif kind == "dangling":
        path.symlink_to("nowhere")
    elif kind == "fifo":
        os.mkfifo(path)
    elif kind == "directory":
        path.mkdir()
    elif kind == "socket":
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(str(path))
    elif kind == "sparse":
        with open(path, "wb") as made:
            made.truncate(100 << 30)
    else:
        path.write_bytes(b"" if kind == "empty" else good)
    if kind == "unreadable":
        path.chmod(0)
    return path


def clear(home):
    for name in ("odd", "behind", "made", "odd.sig", "made.sig"):
        path = home / name
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        elif path.is_symlink() or path.exists():
            path.unlink()


def seen(home, without=()):
    """Every name with its kind, and the content of what is small; not the journal, which export
    notes in."""
    found = {}
    for path in sorted(home.rglob("*")):
        name = path.relative_to(home).as_posix()
        if name.startswith("journal/") or name in without:
            continue
        status = path.lstat()
        small = path.is_file() and not path.is_symlink() and status.st_size < 1 << 20
        found[name] = (
            status.st_mode,
            status.st_size,
            hashlib.sha256(path.read_bytes()).hexdigest() if small else "",
        )
    return found


def one_sentence(said, words):
    """The error, and before it at most what is printed of a passphrase."""
    lines = [line for line in said.splitlines() if line.startswith(pathlib.Path(words[0]).name)]
    return len(lines) == 1 and len(said) < 2000


def look_at_paths(home, fsm, verify, problems):
    tried = 0
    kinds = [kind for kind in KINDS if kind != "unreadable" or os.geteuid() != 0]
    for name, file, words in inputs(fsm, verify):
        for kind in [*kinds, "sparse"]:
            if name.startswith("diff") and kind == "link":
                continue  # equal records: what diff says of them is not the question
            if name.endswith("--limits") and kind == "empty":
                continue  # limits that say nothing are the standard's
            good = (home / file).read_bytes()
            # What a good link lets be written.
            made = ("made", "made.sig") if kind == "link" else ()
            clear(home)
            path = place(home, kind, good)
            before = seen(home)
            given = [str(path) if word == "PATH" else word for word in words]
            try:
                came = run(given, home)
            except subprocess.TimeoutExpired:
                problems.append(f"{name}: {kind}: it hangs")
                continue
            tried += 1
            after = seen(home, made)
            if before != after:
                odd = sorted(set(before.items()) ^ set(after.items()))
                problems.append(f"{name}: {kind}: something else changed: {odd[:3]}")
            judge(name, kind, kind == "link", words, came, problems)
    for name, words in outputs(fsm, verify):
        for kind in kinds:
            clear(home)
            path = place(home, kind, b"of a person\n")
            for own in ("odd.new", "odd.tmp"):
                (home / own).write_text("of a person\n")
            before = seen(home)
            given = [str(path) if word == "PATH" else word for word in words]
            try:
                came = run(given, home)
            except subprocess.TimeoutExpired:
                problems.append(f"{name}: {kind}: it hangs")
                continue
            tried += 1
            may = {"made"} | ({"odd", "odd.sig"} if kind in ("empty", "unreadable") else set())
            after = seen(home)
            odd = {
                item
                for item in set(before) | set(after)
                if item not in may and before.get(item) != after.get(item)
            }
            if kind in ("null", "full") and not path.is_char_device():
                problems.append(f"{name}: {path} is no device any more")
            if odd:
                problems.append(f"{name}: {kind}: something else changed: {sorted(odd)}")
            judge(name, kind, kind in ("empty", "unreadable"), words, came, problems)
    return tried


def look_at_named(home, fsm, verify, problems):
    """What no option names: the files of the journal, and those that titan.yml names."""
    judged = [verify, "journal", "--trust", "trust", "--target", "t"]
    reads = ([fsm, "status"], [fsm, "roster"], judged)
    text = (home / "titan.yml").read_text()
    remote = text.replace(
        "local: true, directory:", "host: 127.0.0.1, port: 1, %s: odd, directory:"
    )
    tried = 0
    for name in ("journal/data.mdb", "journal/lock.mdb", "journal/driver.lock"):
        for kind in ("dangling", "fifo", "directory", "socket"):
            kept = home / "kept"
            shutil.copytree(home / "journal", kept)
            clear(home)
            (home / name).unlink(missing_ok=True)
            os.rename(place(home, kind, b""), home / name)
            for words in reads:
                tried += judge_named(f"{name}: {kind}", words, home, problems)
            if (home / "journal" / "nowhere").exists():
                problems.append(f"{name}: {kind}: something was written through the link")
            shutil.rmtree(home / "journal")
            kept.rename(home / "journal")
    for name in ("ssh_config", "identity", "known_hosts"):
        for kind in ("dangling", "fifo", "directory", "socket", "null"):
            clear(home)
            place(home, kind, b"")
            (home / "titan.yml").write_text(remote % name)
            for words in ([fsm, "drift"], [fsm, "preflight"]):
                tried += judge_named(f"{name}: {kind}", words, home, problems)
    (home / "titan.yml").write_text(text)
    return tried


def judge_named(name, words, home, problems):
    try:
        came = run(words, home)
    except subprocess.TimeoutExpired:
        problems.append(f"{words[1]}, {name}: it hangs")
        return 1
    if came.returncode < 0 or came.returncode > 22:
        problems.append(f"{words[1]}, {name}: it ended with {came.returncode}")
    return 1


def judge(name, kind, may_be_taken, words, came, problems):
    if came.returncode < 0 or came.returncode > 22:
        problems.append(f"{name}: {kind}: it ended with {came.returncode}")
    elif came.returncode == 0 and not may_be_taken:
        problems.append(f"{name}: {kind}: it was taken, status 0")
    elif came.returncode in (1, 3) and came.stdout.endswith(("VIOLATED\n", "UNDECIDABLE\n")):
        return  # a whole verdict: an empty trust file is one that names nobody
    elif not may_be_taken and not one_sentence(came.stderr, words):
        problems.append(f"{name}: {kind}: not one sentence: {came.stderr[:300]!r}")


def look_at_output(home, fsm, verify, problems):
    """Whatever prints prints into /dev/full."""
    commands = (
        [fsm, "--help"],
        [fsm, "--version"],
        [fsm, "status", "--help"],
        [fsm, "status"],
        [fsm, "status", "--json"],
        [fsm, "status", "--prometheus"],
        [fsm, "log"],
        [fsm, "log", "--json"],
        [fsm, "explain"],
        [fsm, "explain", "armed"],
        [fsm, "graph", "svg"],
        [fsm, "graph", "dot"],
        [fsm, "config", "check"],
        [fsm, "config", "check", "--json"],
        [fsm, "roster"],
        [fsm, "settings"],
        [verify, "--help"],
        [verify, "--version"],
        [verify, "bundle", "--trust", "trust", "--target", "t"],
        [verify, "bundle", "--trust", "trust", "--target", "t", "--json"],
        [verify, "policy"],
        [verify, "diff", "bundle", "bundle"],
    )
    names = re.findall(r"^  ([a-z]\w+) +\w", run([fsm, "--help"], home).stdout, re.M)
    if len(names) < 24:
        problems.append(f"only the commands {names} are named by --help")
    helps = tuple([fsm, name, "--help"] for name in names)
    # What changes something comes last; the bundle is not written a second time.
    acts = (
        [fsm, "roster", "--json"],
        [fsm, "settings", "--json"],
        [verify, "policy", "--json"],
        [fsm, "keygen", "bob.key", "--comment", "bob", "--passphrase-file", "phrase"],
    )
    for words in (*commands, *helps, *acts):
        with open("/dev/full", "w") as full:
            came = run(words, home, stdout=full, stderr=subprocess.PIPE)
        said = " ".join(words[1:])
        if came.returncode == 0:
            problems.append(f"{said}: standard output is lost, and the status is 0")
        elif "standard output cannot be written" not in came.stderr:
            problems.append(
                f"{said}: it is not said that the output is lost: {came.stderr[:200]!r}"
            )
    return len(commands) + len(helps) + len(acts)


def look_at_memory(home, fsm, problems):
    """An address space into which the journal cannot be mapped is no damage of the journal."""
    if b"__asan_init" in pathlib.Path(fsm).read_bytes():
        return 0  # which takes all of it for itself
    for words in ([fsm, "status"], [fsm, "log"], [fsm, "explain"]):
        bound = (64 << 20, 64 << 20)
        came = run(words, home, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, bound))
        if came.returncode != 1 or "out of memory" not in came.stderr:
            problems.append(f"{words[1]} without memory: {came.returncode}: {came.stderr[:200]!r}")
    return 3


def main(build):
    problems = []
    fsm, verify = program(build, "titan-fsm"), program(build, "titan-verify")
    with tempfile.TemporaryDirectory(prefix="paths-") as place_of_it:
        home = pathlib.Path(place_of_it)
        begin(home, fsm)
        tried = look_at_paths(home, fsm, verify, problems)
        tried += look_at_named(home, fsm, verify, problems)
        tried += look_at_output(home, fsm, verify, problems)
        tried += look_at_memory(home, fsm, problems)
    if tried < 140:
        problems.append(f"only {tried} were tried")
    print(
        "\n".join(problems) if problems else f"{tried} paths, each refused or taken as it must be"
    )
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
