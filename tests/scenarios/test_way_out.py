#!/usr/bin/env python3
"""Goal: when one thing of the target is missing, Execution is disarmed, or the driver says that it
is not; what can be restored is restored; and the operator can go on.
usage: test_way_out.py standin|docker"""
import os
import pathlib
import signal
import subprocess
import sys
import time

import outage
import titan
from outage import begun, cut_link, ends, images_of, in_the_window, operator_of, orders
from titan import insist


def stopped_container_of_an_endpoint_rolls_back(stack):
    """It has no address any more. Containers of this stack share the host's loopback; a wrapper
    adds what Docker prints for a container in a network of its own."""
    port = stack.env["WEB_PORT"]
    asked = outage.wrap_docker(
        stack,
        f"""case "$*" in *NetworkSettings.Networks*)
    for id; do :; done
    [ "$({stack.env['DOCKER']} inspect --format '{{{{.State.Status}}}}' "$id")" = running ] \\
        && echo '127.0.0.1 ' || echo ' '
    exit ;; esac""",
    )
    operator = operator_of(
        stack,
        change=lambda text: asked(text).replace(
            f"http://127.0.0.1:{port}", f"http://service:titan-web:{port}"
        ),
    )
    images = images_of(stack)
    driver = in_the_window(stack, operator)
    stack.docker("stop", "-t", "1", stack.containers()["titan-web"][0])
    ends(driver, operator, titan.ROLLED_BACK)
    insist(images_of(stack) == images, "restored")
    insist(orders(stack)[-1] == "DISARM", "and disarmed")
    insist(operator.claims()["restoration"] == "proven", operator.verify().out)


def docker_away_for_two_seconds_is_a_failed_sample(stack):
    docker = outage.Docker(stack)
    operator = operator_of(stack, change=docker.change)
    driver = in_the_window(stack, operator)
    docker.leave()
    time.sleep(2)
    docker.return_()
    ends(driver, operator, titan.DONE)
    insist(orders(stack)[-1] == "ARM", "and Execution stays armed")
    operator.expect_proven()


def docker_away_for_good_is_disarmed_by_the_bus(stack):
    docker = outage.Docker(stack)
    operator = operator_of(stack, change=docker.change)
    images = images_of(stack)
    driver = in_the_window(stack, operator)
    docker.leave()
    ends(driver, operator, titan.ROLLBACK_FAILED)
    insist(orders(stack)[-1] == "DISARM", "the bus needs no Docker")
    said = outage.reason_of_the_end(operator)
    insist("NOT seen disarmed" in said, said)
    docker.return_()
    operator.expect(titan.ROLLED_BACK, "resume")
    insist(images_of(stack) == images, "restored")


def one_failing_list_is_one_failed_sample(stack):
    """The list of containers fails once, in the middle of the window."""
    once = outage.wrap_docker(
        stack,
        'case " $* " in *" ps "*) if [ -e "${0%/*}/fail" ]; then rm "${0%/*}/fail"; '
        "echo 'Error response from daemon: i/o timeout' >&2; exit 1; fi ;; esac",
    )
    operator = operator_of(stack, change=once)
    driver = in_the_window(stack, operator)
    fail = outage.here(stack) / "fail"
    fail.touch()
    titan.wait_until("the failure", lambda: not fail.exists())
    ends(driver, operator, titan.DONE)
    operator.expect_proven()


def link_lost_in_the_switch_is_taken_up_again(stack):
    """The link is back after two seconds; the images run meanwhile, and are watched again."""
    wait = outage.wrap_compose(
        stack,
        'case " $* " in *" up "*) : > "$here/up"; n=0; while [ ! -e "$here/go" ] && '
        "[ $n -lt 500 ]; do sleep 0.02; n=$((n + 1)); done ;; esac",
    )
    operator = operator_of(stack, change=wait)
    place = outage.here(stack)
    driver = begun(stack, operator)
    titan.wait_until("the switch", lambda: (place / "up").exists())
    server = outage.server_pid(stack, "sshd")
    os.kill(server, signal.SIGSTOP)
    try:
        cut_link(stack)
        (place / "go").touch()
        time.sleep(2)
    finally:
        os.kill(server, signal.SIGCONT)
    ends(driver, operator, titan.DONE)
    insist(orders(stack)[-1] == "ARM", "it was armed again, by the person who was asked")
    operator.expect_proven()


def idle_session_answers_the_server(stack):
    """Three seconds of a silent pull, with a server that closes what is silent for two."""
    slow = outage.wrap_compose(stack, 'case " $* " in *" pull "*) sleep 4 ;; esac')
    operator = operator_of(stack, change=slow)
    server = outage.server_pid(stack, "sshd")
    config = pathlib.Path(stack.env["STACK"]) / "ssh" / "sshd_config"
    text = config.read_text()
    config.write_text(text + "ClientAliveInterval 1\nClientAliveCountMax 2\n")
    try:
        outage.reload_server(stack, "sshd", b"Server listening")
        ends(begun(stack, operator), operator, titan.DONE)
    finally:
        config.write_text(text)
        os.kill(server, signal.SIGHUP)
    insist(
        not [entry for entry in operator.entries() if entry["type"] == "reconciliation"],
        "no link was lost",
    )
    operator.expect_proven()


def bus_gone_for_good_restores_the_services(stack):
    operator = operator_of(stack)
    images = images_of(stack)
    driver = in_the_window(stack, operator)
    os.kill(outage.server_pid(stack, "nats"), signal.SIGKILL)
    ends(driver, operator, titan.ROLLBACK_FAILED)
    insist(images_of(stack) == images, "the images of before run")
    said = outage.reason_of_the_end(operator)
    insist("restored: " in said and "Execution is" in said, said)


def own_files_are_mended_on_the_way_back(stack):
    """deployment.json is overwritten, the tree has a hook that fails and the lock of a git that
    died."""
    operator = operator_of(stack)
    images, head = images_of(stack), stack.head()
    tree = pathlib.Path(stack.env["TITAN_DIR"])
    hook = tree / ".git" / "hooks" / "post-checkout"

    driver = in_the_window(stack, operator)
    (tree / "state" / "deployment.json").write_text("not what it was\n")
    hook.parent.mkdir(exist_ok=True)
    outage.write_program(hook, "echo 'git-lfs was not found' >&2; exit 2\n")
    (tree / ".git" / "index.lock").touch()
    os.utime(tree / ".git" / "index.lock", (0, 0))
    stack.docker("rm", "-f", stack.containers()["titan-web"][0])
    ends(driver, operator, titan.ROLLED_BACK)
    insist(images_of(stack) == images and stack.head() == head, "restored")
    insist(orders(stack)[-1] == "DISARM", "and disarmed")


def lock_held_for_good_is_named_and_passed_by_disarm(stack):
    """Another script holds deploy.lock and does not end: DISARM does not wait for it, what changes
    files does, and the end names who has it."""
    operator = operator_of(
        stack,
        change=lambda text: text.replace("checklist: own", f"checklist: own\ncommand_ms: {TIME}"),
    )
    images = images_of(stack)
    lock = pathlib.Path(stack.env["TITAN_DIR"]) / "state" / "deploy.lock"
    driver = in_the_window(stack, operator)
    with subprocess.Popen(
        ["flock", lock, "sh", "-c", "echo held; exec sleep 300"],
        start_new_session=True,
        stdout=subprocess.PIPE,
    ) as holder:
        try:
            holder.stdout.readline()  # once it has the lock
            stack.docker("rm", "-f", stack.containers()["titan-web"][0])
            ends(driver, operator, titan.ROLLBACK_FAILED)
        finally:
            os.killpg(holder.pid, signal.SIGKILL)
    insist(orders(stack)[-1] == "DISARM", "DISARM waits for no lock")
    said = outage.reason_of_the_end(operator)
    insist("sleep 300" in said and "deploy.lock" in said, said)
    operator.expect(titan.ROLLED_BACK, "resume")
    insist(images_of(stack) == images, "restored")


def hung_command_of_a_dead_driver_is_ended(stack):
    """The driver is killed in the switch, and its `up` neither ends nor heeds TERM: a rollback
    ends the whole group of it, and goes on."""
    hang = outage.wrap_compose(
        stack,
        """case " $* " in *" up "*) if mkdir "$here/hung" 2>/dev/null; then trap '' TERM HUP
    echo $$ > "$here/pid.new"; mv "$here/pid.new" "$here/pid"; sleep 300; exit 1; fi ;; esac""",
    )
    operator = operator_of(
        stack,
        change=lambda text: hang(text).replace(
            "checklist: own", "checklist: own\ncommand_ms: 4000"
        ),
    )
    images = images_of(stack)
    place = outage.here(stack)
    driver = begun(stack, operator)
    titan.wait_until("the switch", lambda: (place / "pid").exists())
    hung = int((place / "pid").read_text())
    driver.kill()
    driver.wait()
    said = operator.expect(titan.ROLLED_BACK, "rollback", "--reason", "it hangs")
    insist("hung on the target under deploy.lock, and was ended" in said.out + said.err, said.err)
    insist(not pathlib.Path(f"/proc/{hung}").exists(), "the hung command is gone")
    insist(orders(stack)[-1] == "DISARM", "and Execution is disarmed")
    insist(images_of(stack) == images, "restored")


def full_disk_of_the_state_is_waited_for(stack):
    """The disk of the state directory is full when the way back begins, and is not later."""
    if os.geteuid() != 0:
        raise titan.Skipped("only root can mount a small disk")
    operator = operator_of(stack)
    images = images_of(stack)
    state = pathlib.Path(stack.env["TITAN_DIR"]) / "state"
    driver = in_the_window(stack, operator)
    kept = {path.name: path.read_bytes() for path in state.iterdir() if path.is_file()}
    owner = state.stat()
    options = f"size=1m,uid={owner.st_uid},gid={owner.st_gid},mode=750"
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", state], check=True)
    try:
        for name, content in kept.items():
            (state / name).write_bytes(content)
            os.chown(state / name, owner.st_uid, owner.st_gid)
        with open(state / "filler", "wb", buffering=0) as filler:
            try:
                while filler.write(bytes(4096)) == 4096:
                    pass
            except OSError:
                pass
        stack.docker("rm", "-f", stack.containers()["titan-web"][0])
        titan.wait_until("DISARM", lambda: orders(stack)[-1] == "DISARM")
        time.sleep(1)  # the disk stays full for a while, and the driver tries meanwhile
        (state / "filler").unlink()
        ends(driver, operator, titan.ROLLED_BACK)
    finally:
        subprocess.run(["umount", "-l", state], check=True)
    insist(images_of(stack) == images, "restored")


MODE = sys.argv.pop(1)
TIME = 2000 if MODE == "standin" else 15000  # of a command; the real compose takes seconds
CASES = [
    stopped_container_of_an_endpoint_rolls_back,
    docker_away_for_two_seconds_is_a_failed_sample,
    docker_away_for_good_is_disarmed_by_the_bus,
    one_failing_list_is_one_failed_sample,
    link_lost_in_the_switch_is_taken_up_again,
    idle_session_answers_the_server,
    own_files_are_mended_on_the_way_back,
    lock_held_for_good_is_named_and_passed_by_disarm,
    hung_command_of_a_dead_driver_is_ended,
    full_disk_of_the_state_is_waited_for,
    bus_gone_for_good_restores_the_services,
]
titan.run_cases(titan.only(CASES), "--armed", "--ssh", mode=MODE)
