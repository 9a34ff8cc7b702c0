#!/usr/bin/env python3
"""Goal: a rollback restores the identities recorded before, whatever the compose file says of tags
and builds; Execution never comes back armed. usage: test_rollback.py standin|docker [all]"""
import os
import pathlib
import sys

import titan
from titan import insist


def operator_of(stack, **options):
    operator = titan.Operator(stack, ssh=stack.mode == "docker", agent=True, **options)
    operator.expect(titan.DONE, "init")
    return operator


def images_of(stack):
    return {service: image for service, (_, image) in stack.containers().items()}


def compose(stack, *words):
    """As a person would, without an override."""
    env = stack.env
    docker = {"DOCKER_HOST": env["DOCKER_HOST"]} if env.get("DOCKER_HOST") else {}
    command = [*env["COMPOSE"].split(), "-p", "titan", "-f", "docker-compose.prod.yml"]
    titan.run(
        *command,
        "--env-file",
        ".env.prod",
        *words,
        check=True,
        cwd=env["TITAN_DIR"],
        env=dict(os.environ, **docker),
    )


def plain_up_changes_nothing(stack, operator):
    left = stack.containers()
    compose(stack, "up", "-d")
    insist(stack.containers() == left, "a plain up re-creates nothing")
    said = operator.fsm("drift").out
    insist("the services run what that brought back" in said, said)
    insist("config" not in said.replace("config/", "") and "image" not in said, said)


def is_restored(stack, operator, images, head):
    insist(images_of(stack) == images, f"the images are {images_of(stack)} and were {images}")
    insist(stack.head() == head, "the commit is the one from before")
    insist(
        titan.run(
            "git",
            "-c",
            "safe.directory=*",
            "-C",
            stack.env["TITAN_DIR"],
            "symbolic-ref",
            "--short",
            "HEAD",
        ).out.strip()
        == "main",
        "the tree is on its branch",
    )
    executions = [line for line in stack.received() if line.startswith("ARM ")]
    marker = stack.docker(
        "cp", stack.containers()["titan-execution"][0] + ":/app/execution.armed", "-"
    )
    insist(marker.returncode != 0, "Execution's armed marker is not there")
    insist(len(executions) <= 2, "no ARM after the rollback")
    operator.expect_proven()
    insist(operator.claims()["restoration"] == "proven", "the verifier compared the identities")


def moving_tag_is_pinned_to_what_ran(stack):
    operator, images, head = operator_of(stack), images_of(stack), stack.head()
    stack.commit("release-2", "--fault", "web:unhealthy")
    operator.begin("release")
    operator.expect(titan.ROLLED_BACK, "run", "--rearm", "yes")
    is_restored(stack, operator, images, head)
    plain_up_changes_nothing(stack, operator)
    stack.commit("release-3")  # and the next one goes through, from the same tree
    operator.begin("release")
    operator.expect(titan.DONE, "run")
    operator.expect_proven()


def file_with_build_is_not_built_again(stack):
    operator = operator_of(stack)
    stack.commit("release-2", "--build")
    operator.begin("release")
    operator.expect(titan.DONE, "run", "--rearm", "no")
    images, head = images_of(stack), stack.head()
    stack.commit("release-3", "--build", "--fault", "execution:unhealthy")
    operator.begin("release")
    operator.expect(titan.ROLLED_BACK, "run")
    is_restored(stack, operator, images, head)


def env_file_of_before_is_back(stack):
    """Edited before `begin`, which is the usual bad release, and edited in the window."""
    operator = operator_of(stack)
    stack.commit("release-2")
    operator.begin("release")
    operator.expect(titan.DONE, "run", "--rearm", "no")
    path = pathlib.Path(stack.env["TITAN_DIR"]) / ".env.prod"
    good, images, head = path.read_text(), images_of(stack), stack.head()
    path.write_text("TITAN_HANDSHAKE_MS=301\n" + good)
    stack.commit("release-3", "--fault", "web:unhealthy")
    operator.begin("release")
    said = operator.expect(titan.ROLLED_BACK, "run", "--rearm", "no").out
    insist("was edited since the last good deployment" in said, said)
    insist(path.read_text() == good, "the env file of the last good deployment is back")
    insist(path.stat().st_mode & 0o777 == 0o600, "and closed")
    is_restored(stack, operator, images, head)
    plain_up_changes_nothing(stack, operator)


def several_commits_at_once_go_back_to_the_one_that_ran(stack):
    operator, images, head = operator_of(stack), images_of(stack), stack.head()
    for name in ("release-2", "release-3", "release-4"):
        stack.commit(name)
    stack.commit("release-5", "--fault", "brain:unhealthy")
    operator.begin("release")
    operator.expect(titan.ROLLED_BACK, "run", "--rearm", "yes")
    is_restored(stack, operator, images, head)


def pruned_images_are_still_there(stack):
    operator, images, head = operator_of(stack), images_of(stack), stack.head()
    stack.commit("release-2", "--fault", "web:unhealthy")
    operator.begin("release")
    for _ in range(5):
        operator.expect(titan.DONE, "advance")
    stack.docker("image", "prune", "-a", "-f")
    said = operator.expect(titan.REFUSED, "run", "--rearm", "yes")
    insist("and is gone" in said.out, "what was pulled is pruned, and that is seen")
    compose(stack, "pull", "-q")
    operator.expect(titan.ROLLED_BACK, "run", "--rearm", "yes")
    is_restored(stack, operator, images, head)
    plain_up_changes_nothing(stack, operator)


def rollback_that_cannot_succeed_says_so_and_can_be_tried_again(stack):
    operator, images, head = operator_of(stack, settle=1500), images_of(stack), stack.head()
    stack.commit("release-2", "--fault", "web:unhealthy")
    operator.begin("release")
    for _ in range(2):  # it was healthy when the deployment connected
        operator.expect(titan.DONE, "advance")
    stack.fault("web", "unhealthy")  # the old one is unhealthy now, too
    operator.expect(titan.ROLLBACK_FAILED, "run", "--rearm", "yes")
    insist(operator.status()["deployment"]["state"] == "rollback_failed", "it is said")
    insist(operator.verify().returncode in (1, 3), "it is not proven")
    operator.expect(titan.REFUSED, "begin", "release", "--reason", "a second one")
    stack.fault("web", "none")
    operator.expect(titan.ROLLED_BACK, "rollback", "--reason", "mended by hand")
    insist(images_of(stack) == images and stack.head() == head, "restored")


def rollback_failed_closes_by_a_signed_acceptance(stack):
    operator = operator_of(stack, settle=1500)
    stack.commit("release-2", "--fault", "web:unhealthy")
    operator.begin("release")
    for _ in range(2):  # it was healthy when the deployment connected
        operator.expect(titan.DONE, "advance")
    stack.fault("web", "unhealthy")
    operator.expect(titan.ROLLBACK_FAILED, "run", "--rearm", "yes")
    operator.expect(titan.DONE, "attest", "rollback_failed", "--reason", "I restored it by hand")
    insist(not operator.status()["open"], "the deployment is closed")


MODE = sys.argv.pop(1)
CASES = [
    env_file_of_before_is_back,
    several_commits_at_once_go_back_to_the_one_that_ran,
    rollback_that_cannot_succeed_says_so_and_can_be_tried_again,
    rollback_failed_closes_by_a_signed_acceptance,
]
# Of images, which Docker is asked about. A deployment takes half a minute of computing there, so
# that what one of the others shows as well is left to `all`.
OF_IMAGES = [
    moving_tag_is_pinned_to_what_ran,
    file_with_build_is_not_built_again,
    pruned_images_are_still_there,
]
if MODE == "docker":
    everything = sys.argv[1:] == ["all"]
    cases = OF_IMAGES + CASES[:2] if everything else titan.only(OF_IMAGES[1:])
    titan.run_cases(cases, "--armed", "--ssh", mode="docker")
titan.run_cases(titan.only(OF_IMAGES[:2] + CASES), "--armed")
