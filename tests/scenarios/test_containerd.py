#!/usr/bin/env python3
"""Goal: with the newest Docker that tests/other-versions fetched, its containerd image store and
compose 2, a service that compose builds is released, rolled back to the image that ran, and given
back its name by an abort. usage: test_containerd.py"""
import os
import pathlib
import subprocess

import titan
from titan import insist


def operator_of(stack):
    operator = titan.Operator(stack, agent=True)
    operator.expect(titan.DONE, "init")
    return operator


def name_of_brain(stack):
    """What the name of the built image means now."""
    return stack.docker("image", "inspect", "--format", "{{.Id}}", "titan-titan-brain").out.strip()


def built_service_is_released_and_rolled_back(stack):
    operator = operator_of(stack)
    print("with", stack.docker("version", "--format", "{{.Server.Version}}").out.strip())
    stack.commit("release-2", "--build-only")
    operator.begin("release")
    operator.expect(titan.DONE, "run", "--rearm", "no")
    operator.expect_proven()
    ran = stack.containers()["titan-brain"]
    insist(name_of_brain(stack) == ran[1], f"{name_of_brain(stack)} runs as {ran}")
    stack.commit("release-3", "--build-only", "--fault", "brain:unhealthy")
    operator.begin("release")
    operator.expect(titan.ROLLED_BACK, "run", "--rearm", "no")
    operator.expect_proven()
    back = stack.containers()["titan-brain"]
    insist(back[0] != ran[0] and back[1] == ran[1], f"{ran} became {back}")


def abort_behind_the_build_gives_the_name_back(stack):
    operator = operator_of(stack)
    stack.commit("release-2", "--build-only")
    operator.begin("release")
    operator.expect(titan.DONE, "run", "--rearm", "no")
    before = name_of_brain(stack)
    stack.commit("release-3", "--build-only")
    operator.begin("release")
    for _ in range(4):
        operator.expect(titan.DONE, "advance")
    insist(name_of_brain(stack) != before, "nothing was built")
    operator.expect(titan.ABORTED, "abort", "--reason", "test")
    operator.expect_proven()
    insist(name_of_brain(stack) == before, "the name means what was built")
    stack.commit("release-4", "--build-only")
    operator.begin("release")
    operator.expect(titan.DONE, "run", "--rearm", "no")
    operator.expect_proven()


NEWER = pathlib.Path(os.environ.get("TITAN_VERSIONS", titan.ROOT / "build" / "versions"))
PACKAGES = ("docker.io", "docker-cli", "containerd", "docker-compose", "docker-buildx")
subprocess.run([titan.ROOT / "tests" / "other-versions", *PACKAGES], check=False)
for package in PACKAGES:
    if not list(NEWER.glob(package + "_*")):
        titan.skip(f"no {package} in {NEWER}: tests/other-versions {package} fetches it")
CASES = [built_service_is_released_and_rolled_back, abort_behind_the_build_gives_the_name_back]
titan.run_cases(titan.only(CASES), "--armed", mode="containerd")
