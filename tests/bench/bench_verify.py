#!/usr/bin/env python3
"""Goal: what verification and export cost beside the least that they could, in one run on the same
journal: processor time an entry, anonymous memory, and wall time on every processor and on one.

It prints and asserts nothing: the numbers are this machine's.

usage: bench_verify.py LONG_JOURNAL PEERS TITAN_VERIFY [ENTRIES ...]"""
import os
import pathlib
import re
import resource
import subprocess
import sys
import tempfile
import time

ROUNDS = 3


def anonymous_kb(pid):
    try:
        status = pathlib.Path(f"/proc/{pid}/status").read_text("ascii")
    except OSError:
        return 0
    found = re.search(r"RssAnon:\s+(\d+)", status)
    return int(found.group(1)) if found else 0


def verify(program, record, directory, processors):
    """Processor seconds, wall seconds, and the most anonymous memory, sampled."""
    words = [program, record, "--trust", f"{directory}/trust", "--target", "titan-test"]
    before, begin, most = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic(), 0
    with subprocess.Popen(
        words,
        stdout=subprocess.DEVNULL,
        preexec_fn=lambda: os.sched_setaffinity(0, processors),
    ) as running:
        while running.poll() is None:
            most = max(most, anonymous_kb(running.pid))
            time.sleep(0.01)
    wall, after = time.monotonic() - begin, resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, wall, most


def figures_of(peers, directory):
    lines = subprocess.run([peers, directory], check=True, stdout=subprocess.PIPE).stdout
    return {name: float(value) for name, value in map(str.split, lines.decode().splitlines())}


def measure(long_journal, peers, program, entries):
    everywhere = os.sched_getaffinity(0)
    with tempfile.TemporaryDirectory() as directory:
        subprocess.run([long_journal, str(entries), directory, "10"], check=True)
        figures = figures_of(peers, directory)
        ratio = figures["export"] / figures["read-and-base64"]
        print(f"{entries} entries")
        for name, value in [*figures.items(), ("export / read-and-base64", ratio)]:
            print(f"  {name:32} {value:10.2f}")
        for kind in ("journal", "bundle"):
            record = f"{directory}/{kind}"
            runs = [verify(program, record, directory, everywhere) for _ in range(ROUNDS)]
            alone = [verify(program, record, directory, {min(everywhere)}) for _ in range(ROUNDS)]
            us = min(run[0] for run in alone) * 1e6 / entries
            wall = min(run[1] for run in alone) / min(run[1] for run in runs)
            print(
                f"  verify {kind}: {us:.1f} us an entry, {us / figures['bare-signature']:.2f} x"
                f" bare, {us / figures['least-loop']:.2f} x loop;"
                f" {max(run[2] for run in runs) / 1024:.0f} MiB;"
                f" {wall:.2f} x on {len(everywhere)} processors"
            )


def main():
    for entries in sys.argv[4:] or ("10000", "100000"):
        measure(*sys.argv[1:4], int(entries))


if __name__ == "__main__":
    main()
