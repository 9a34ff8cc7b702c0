#!/usr/bin/env python3
"""Goal: a driver that dies by SIGKILL at any boundary is resumed to the same end, nothing happens
twice that its intent does not allow, and the journal proves it.

usage: crash.py release|policy|release-fails|policy-fails standin|docker [POINTS]

Boundaries are those of killpoint.c: before and after each journal commit, each mutating command,
each publish. Without POINTS every boundary is tried, else that many, evenly spread; where it is 1,
the one at which compose has begun to switch the services and goes on without the driver. What
happened is counted on the other side: nonces that Execution received, starts of the services,
commits checked out; compared with a run that nobody killed."""
import concurrent.futures
import os
import pathlib
import queue
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "scenarios"))
import titan  # noqa: E402

LIMITS = {"window_ms": 1000, "sample_interval_ms": 500, "failures": 2}
SHIM = os.environ.get("TITAN_KILLPOINT", str(titan.BUILD / "tests" / "crash" / "libkillpoint.so"))
WORKERS = int(os.environ.get("TITAN_CRASH_WORKERS", "4"))
SCENARIOS = {
    "release": (["release", "--rearm", "yes"], ["release-2"], "completed"),
    "policy": (["policy"], ["policy-2", "--policy", "second"], "completed"),
    "release-fails": (
        ["release", "--rearm", "yes"],
        ["release-bad", "--fault", "web:unhealthy"],
        "rolled_back",
    ),
    "policy-fails": (
        ["policy"],
        ["policy-bad", "--policy", "third", "--brain-policy", "another"],
        "rolled_back",
    ),
}


def counts(stack):
    received = stack.received()
    merges = titan.run(
        "git", "-c", "safe.directory=*", "-C", stack.env["TITAN_DIR"], "reflog", check=True
    ).out.count(" merge ")
    return {
        "arm": [line.split()[1] for line in received if line.startswith("ARM ")],
        "disarm": [line.split()[1] for line in received if line.startswith("DISARM ")],
        "starts": {service: stack.starts(service) for service in ("execution", "brain", "web")},
        "merges": merges,
    }


def prepare(stack, commit):
    stack.reset()
    stack.commit(*commit)
    operator = titan.Operator(
        stack, ssh=stack.mode == "docker", limits=LIMITS, agent=True, settle=1500
    )
    operator.expect(titan.DONE, "init")
    return operator


def drive(operator, procedure, point, log=None):
    environment = dict(os.environ, LD_PRELOAD=SHIM, TITAN_KILL_AT=str(point))
    if log is not None:
        environment["TITAN_KILL_LOG"] = str(log)
    return operator.fsm("run", *procedure[1:], env=environment)


def measure(stack, scenario):
    """The run that nobody kills: how many boundaries there are, and what it does on the other
    side."""
    procedure, commit, end = SCENARIOS[scenario]
    operator = prepare(stack, commit)
    before = counts(stack)
    operator.begin(procedure[0])
    log = operator.home / "boundaries"
    result = drive(operator, procedure, 0, log)
    state = operator.status()["deployment"]["state"]
    if state != end:
        raise AssertionError(f"undisturbed, {scenario} ends in {state}\n{result.out}\n{result.err}")
    operator.expect_proven()
    return log.read_text().splitlines(), before, counts(stack)


def problems_of(now, before, calm):
    arm, disarm = now["arm"][len(before["arm"]) :], now["disarm"][len(before["disarm"]) :]
    if len(set(arm)) != len(arm):
        yield f"an ARM was received twice: {arm}"
    if len(arm) > len(calm["arm"]) - len(before["arm"]) + 1:
        yield f"{len(arm)} ARM were received"
    if any(disarm.count(nonce) > 2 for nonce in disarm):
        yield "a DISARM was received more than twice"
    for service, count in now["starts"].items():
        if (
            count - before["starts"][service]
            != calm["starts"][service] - calm["base"]["starts"][service]
        ):
            yield f"{service} was started {count - before['starts'][service]} times"
    if now["merges"] - before["merges"] != calm["merges"] - calm["base"]["merges"]:
        yield f"{now['merges'] - before['merges']} commits were checked out"


def try_point(stack, scenario, point, calm):
    procedure, commit, end = SCENARIOS[scenario]
    operator = prepare(stack, commit)
    before = counts(stack)
    operator.begin(procedure[0])
    first = drive(operator, procedure, point)
    told = [first.out, first.err]
    for _ in range(4):
        status = operator.status()
        if not status["open"]:
            break
        again = operator.fsm("resume", *procedure[1:])
        told += [again.out, again.err]
    status = operator.status()
    problems = list(problems_of(counts(stack), before, calm))
    if first.returncode != -9 and not (first.returncode in (0, titan.ROLLED_BACK)):
        problems.append(f"the first run ended with {first.returncode}")
    if status["open"] or status["deployment"]["state"] != end:
        problems.append(f"it ends in {status['deployment']['state']}")
    verdict = operator.verify()
    if verdict.returncode != 0:
        problems.append("titan-verify says:\n" + verdict.out + verdict.err)
    if problems:
        problems += told + [operator.fsm("log").out, "\n".join(stack.received())]
    return problems


def main():
    scenario, mode = sys.argv[1], sys.argv[2]
    wanted = int(sys.argv[3]) if len(sys.argv) > 3 else 0
    options = ["--armed", "--ssh"] if mode == "docker" else ["--armed"]
    workers = 1 if mode == "docker" else WORKERS
    stacks = queue.Queue()
    opened = [titan.Stack(mode, *options).__enter__() for _ in range(workers)]
    try:
        boundaries, base, calm = measure(opened[0], scenario)
        calm["base"] = base
        points = list(range(1, len(boundaries) + 1))
        if wanted == 1:
            points = [point for point in points if "after compose up" in boundaries[point - 1]][:1]
        elif wanted and wanted < len(points):
            points = sorted(
                {round(i * (len(points) - 1) / (wanted - 1)) + 1 for i in range(wanted)}
            )
        for stack in opened:
            stacks.put(stack)

        def work(point):
            stack = stacks.get()
            try:
                return point, try_point(stack, scenario, point, calm)
            except Exception as failure:  # one broken point must not hide the others
                return point, [repr(failure)]
            finally:
                stacks.put(stack)

        failed = 0
        with concurrent.futures.ThreadPoolExecutor(workers) as pool:
            for point, problems in pool.map(work, points):
                if problems:
                    failed += 1
                    print(f"--- killed at {boundaries[point - 1]}")
                    print("\n".join(problems))
        print(
            f"{scenario} on {mode}: killed at {len(points)} of {len(boundaries)} boundaries,"
            f" {failed} not resumed as they must be"
        )
        return 1 if failed else 0
    finally:
        for stack in opened:
            stack.__exit__()


sys.exit(main())
