#!/usr/bin/env python3
"""Goal: memory that runs out is its own sentence and status, in both programs: no crash, no damage,
no violation and no fault of the configuration is made of it. One allocation after the other fails,
alone and with every one behind it."""
import os
import pathlib
import re
import sys
import tempfile

import test_paths

SPOTS = 40  # of each command and way; the first ones all
LIMITS = "window_ms: 300000\napprovals: {policy: 1}\nchecklist: [tree_clean, 'two words']\n"
COMPOSE = """services:
  web:
    image: "registry:5000/web\\x41"
    env_file: [.env.web, {path: .env.more}]
    environment: {DB_PASSWORD: "long enough\\tfor it", MODE: 'it''s'}
    ports: ["80:80"]
    volumes: [{type: bind, source: /srv/web, target: /data}]
secrets: {key: {file: ./key}}
"""


def spots(count):
    return sorted({*range(1, 9), *range(9, count + 1, max(1, count // SPOTS)), count})


class Memory:
    def __init__(self, home, library):
        self.home, self.library = home, library

    def run(self, words, fails):
        known = dict(os.environ, LD_PRELOAD=str(self.library), TITAN_NO_MEMORY=fails)
        return test_paths.run(words, self.home, env=known)


def look_at(memory, words, status, problems):
    """How many allocations were made to fail."""
    whole = memory.run(words, "0")
    counted = re.search(r"^allocations: (\d+)$", whole.stderr, re.M)
    if counted is None:
        sys.exit(f"the library was not loaded: {whole.stderr}")
    tried = 0
    for spot in spots(int(counted[1])):
        for fails in (f"{spot}", f"{spot}+"):
            came = memory.run(words, fails)
            tried += 1
            unharmed = (came.returncode, came.stdout) == (
                whole.returncode,
                whole.stdout,
            )
            told = came.returncode == status and re.search("(out of|locked) memory", came.stderr)
            if not unharmed and not told:
                name = " ".join(str(word) for word in words[1:3])
                problems.append(f"{name}, {fails}: {came.returncode}: {came.stderr[:200]!r}")
    return tried


def main(build, library):
    fsm, verify = (test_paths.program(build, name) for name in ("titan-fsm", "titan-verify"))
    if b"__asan_init" in pathlib.Path(fsm).read_bytes():
        sys.exit(77)
    problems, tried = [], 0
    judged = [verify, "bundle", "--trust", "trust", "--target", "t"]
    with tempfile.TemporaryDirectory(prefix="memory-") as place:
        memory = Memory(pathlib.Path(place), library)
        test_paths.begin(memory.home, fsm)
        for words in ([fsm, "status"], [fsm, "log"], [fsm, "config", "check"]):
            tried += look_at(memory, words, 1, problems)
        (memory.home / "limits.yml").write_text(LIMITS)
        for words in (judged, [*judged, "--json"], [*judged, "--limits", "limits.yml"]):
            tried += look_at(memory, words, 5, problems)
        (memory.home / "source.yml").write_text(COMPOSE)
        (memory.home / "rendered.yml").write_text(COMPOSE)
        reader = build / "tests" / "install" / "read_compose"
        tried += look_at(memory, [reader, "source.yml", "rendered.yml"], 1, problems)
    print("\n".join(problems) if problems else f"{tried} times memory ran out, and that was said")
    sys.exit(1 if problems or tried < 250 else 0)


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]))
