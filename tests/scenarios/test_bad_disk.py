#!/usr/bin/env python3
"""Goal: a journal that cannot be written in a health window ends the driver with 19. Execution is
disarmed first, and the driver says so only if Execution received the DISARM. Data page, sync and
meta page fail, each once; afterwards the deployment is rolled back.

Run with the plain build: the library that fails is preloaded."""
import os
import pathlib
import subprocess

import outage
import titan
from titan import insist

LIBRARY = pathlib.Path(os.environ["TITAN_STACK_BIN"]).parent / "crash" / "libbadpage.so"


def driven(operator, page):
    """`run` with the library in front."""
    return subprocess.Popen(
        [str(word) for word in operator.words("run", "--rearm", "yes")],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=dict(
            os.environ,
            SSH_AUTH_SOCK=operator.socket,
            LD_PRELOAD=str(LIBRARY),
            TITAN_BAD_PAGE=str(page),
        ),
    )


def ends_disarmed(stack, what):
    operator = outage.operator_of(stack, limits={"window_ms": 20000, "sample_interval_ms": 300})
    page = operator.home / "page"
    stack.commit("release-2")
    operator.begin("release")
    driver = driven(operator, page)
    titan.wait_until("samples", lambda: outage.samples(operator) >= 2)
    before = len(stack.received())
    page.write_text(what)
    said, _ = driver.communicate(timeout=60)
    insist(driver.returncode == titan.JOURNAL_WRITE, f"{driver.returncode}: {said}")
    heard = outage.orders(stack)[before:]
    insist(heard == ["DISARM"], f"Execution heard {heard}")
    insist("DISARM was sent, without a record; Execution is seen disarmed" in said, said)
    page.unlink()
    operator.expect(titan.ROLLED_BACK, "rollback", "--reason", "the disk is mended")
    insist(outage.orders(stack)[-1] == "DISARM", "and it stays so")


def data_page(stack):
    ends_disarmed(stack, "data")


def sync(stack):
    ends_disarmed(stack, "sync")


def meta_page(stack):
    ends_disarmed(stack, "meta")


titan.run_cases(titan.only([meta_page, data_page, sync]), "--armed")
