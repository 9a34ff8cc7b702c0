"""W-12, from which item on a failure could be seen: in each step that can fail, one item of each
kind shows it, ten and a half seconds before the rollback. Where that item counts, the rollback
begins too late; where it does not, the step's last item counts, and it does not."""

import json

from case import Case
from forgery import stranger_arms
from steps import Driver
from target import BRAIN, EXECUTION, SUBJECT_DISARM, SUBJECT_HASH, WEB, digest

BEHIND_MS = 10_500  # of the 10,000 that the limit is
POLICY = (
    ("deploy_execution", ("disarm",)),
    ("verify_execution", ("disarm", "deploy_execution")),
    ("deploy_brain", ("disarm", "deploy_execution", "verify_execution")),
    ("verify_parity", ("deploy_policy",)),
    ("arm", ("deploy_policy", "verify_parity")),
    ("confirm", ("deploy_policy", "verify_parity", "arm", "observe")),
)
RELEASE = (
    ("switch_services", ("confirm_change",)),
    ("verify_release", ("switch",)),
    ("confirm", ("switch", "verify_release", "observe")),
)


def armed(driver):
    stranger_arms(driver)
    driver.look()


def other_reply(driver):
    driver.replies(1)
    text = json.dumps({"policy_hash": digest("another"), "timestamp": 1})
    driver.item("bus.policy_hash", SUBJECT_HASH, text, ms=20, on_target=False)


def line_of(service, role, line):
    def said(driver):
        driver.target.running(service).say(driver.target.now, line)
        driver.list()
        driver.log(role)

    return said


def sick_endpoint(driver):
    driver.target.sick.add("web")
    driver.health()
    driver.target.sick.clear()


def sick_service(driver):
    web, healthy = driver.target.running(WEB), driver.target.running(WEB).row
    web.row = lambda: dict(healthy(), health="unhealthy")
    driver.list()
    web.row = healthy


def failed(probe, subject, on_target=True):
    return lambda driver: driver.item(probe, subject, "", 1, on_target=on_target)


def failed_publish(driver):
    payload = f"{driver.key} titan-fsm"
    driver.item("bus.publish", SUBJECT_DISARM, payload, 1, on_target=False)


DISARMED = tuple(action for action, _ in POLICY[:5])
EVERY = DISARMED + ("confirm", "switch_services", "verify_release")
# Of a run that began before the deployment the last line is the only one that counts.
NEW_RUN = EVERY[1:6] + ("verify_release",)
LOOKS_AT_HEALTH = ("verify_release", "confirm")
OTHER = "Risk Policy Loaded. Hash: " + digest("another")
REFUSED = "CRITICAL: Policy hash handshake FAILED. other"
KINDS = {
    "armed": (armed, DISARMED),
    "reply": (other_reply, EVERY),
    "execution": (line_of(EXECUTION, "execution", OTHER), NEW_RUN),
    "brain": (line_of(BRAIN, "brain", REFUSED), EVERY),
    "endpoint": (sick_endpoint, LOOKS_AT_HEALTH),
    "service": (sick_service, LOOKS_AT_HEALTH),
    "script": (failed("script", "/srv/verify.sh"), EVERY),
    "act": (failed("act", "remove titan-web"), EVERY),
    "publish": (failed_publish, EVERY),
    "up": (failed("compose.up", ""), EVERY),
}


def story(procedure, action, steps, kind):
    def told():
        driver = Driver()
        driver.prepare(procedure, "2", "b" if procedure == "policy" else "a")
        for step in steps:
            getattr(driver, step)()
        driver.begin(action)
        kind(driver)
        driver.target.wait(BEHIND_MS)
        driver.git()
        driver.end("rolling_back", "failed")
        driver.roll_back()
        return driver

    return told


def each():
    for procedure, rows in (("policy", POLICY), ("release", RELEASE)):
        for action, steps in rows:
            for name, (kind, counts) in KINDS.items():
                yield Case(
                    f"cs_{procedure}_{action}_{name}",
                    "W-12",
                    story(procedure, action, steps, kind),
                    exit_status=(0, 1),
                    finds=("W-12",) if action in counts else ("N-01",),
                )


CASES = list(each())
