"""The last look, right before the first change: cases of P-32, P-33, F-03, L-18, H-15; and the env
file that is put back, and the plain `up` behind it: R-08, R-09."""

import copy

import edit
from case import Case
from cases_rules import drop_item, put_item
from target import BRAIN, EXECUTION, WEB, digest

T = edit.transition
SWITCH, DEPLOY = "switch_services", "deploy_execution"


def rows_of(action, service, nth=0, **changes):
    """The list in front of the first act has other values in the rows of a service."""

    def work(journal):
        one = edit.item(T(journal, action), "compose.containers", nth)
        made = [
            dict(row, **changes) if row["service"] == service else row
            for row in edit.rows(journal, one)
        ]
        edit.put_rows(journal, one, made)

    return work


def one_more(journal):
    one = edit.item(T(journal, SWITCH), "compose.containers")
    made = edit.rows(journal, one)
    more = dict(made[-1], id=digest("one more"), name="one more")
    edit.put_rows(journal, one, made + [more])


def older_than_its_intent(journal):
    entry = T(journal, SWITCH)
    intent = edit.intent(journal, SWITCH)
    for one in entry["body"]["evidence"][:3]:
        one["sent_ns"] = one["received_ns"] = intent["boottime_ns"] - 1_000_000


def behind_the_act(journal):
    """The whole look stands behind the first act."""
    items = T(journal, SWITCH)["body"]["evidence"]
    act = next(place for place, one in enumerate(items) if one["probe"] == "compose.up")
    first = items.pop(act)
    first["sent_ns"] = first["received_ns"] = items[0]["sent_ns"]
    items.insert(0, first)


def act_in_stale(journal):
    entry = edit.transition(journal, "stale")
    made = copy.deepcopy(entry["body"]["evidence"][-1])
    made.update(probe="compose.up", subject="web")
    made["sent_ns"] = made["received_ns"]
    entry["body"]["evidence"].append(made)


def later_change(journal):
    edit.later(journal, edit.intent(journal, SWITCH), 40 * 60_000)


def disarmed_look(journal):
    entry = T(journal, SWITCH)
    for nth in (0, 1):
        one = edit.item(entry, "logs.execution", nth)
        edit.add_line(journal, one, "\U0001f6d1 EXECUTION DISARMED: a stranger")
    edit.put(journal, edit.item(entry, "interlock.marker"), "absent\n")


def told_to_disarm(journal):
    """Behind the voices; the container is replaced before it says that it is disarmed."""
    one = edit.item(T(journal, SWITCH), "logs.execution", 1)
    edit.add_line(journal, one, "Received DISARM command: a stranger")


def other_line(action):
    def work(journal):
        one = edit.item(T(journal, action), "logs.brain")
        hash_ = digest("another policy")
        edit.add_line(
            journal, one, f"Policy hash handshake OK. Enabling signal processing. Hash: {hash_}"
        )

    return work


def found_instead_of_good(journal):
    """What was found is left, though the containers ran with another."""
    text = journal.text(edit.item(T(journal, "connect"), "env.hmac"))
    edit.put(journal, edit.item(T(journal, "verify_restored"), "env.hmac"), text)


def other_name(journal):
    """The declared name means another image than the one that runs."""
    entry = T(journal, "verify_restored")
    edit.change_rows(journal, entry, "compose.images", WEB, id="sha256:" + digest("another"))


def put(action, probe, text):
    return put_item(action, probe, text + "\n")


OTHER = "0" * 64


def other_key_and_env(journal):
    """What cannot be compared is not proven, whatever it says."""
    for probe in "hmac.key", "env.hmac":
        put("verify_restored", probe, OTHER)(journal)


CASES = [
    Case("ll_env", "P-32", "release", put(SWITCH, "env.hmac", OTHER)),
    Case("ll_env_mode", "P-32", "release", put(SWITCH, "env.mode", "644 1000 1000")),
    Case("ll_env_pulled", "P-32", "release", put("pull_images", "env.hmac", OTHER)),
    Case("ll_env_policy", "P-32", "policy", put(DEPLOY, "env.hmac", OTHER)),
    Case("ll_config", "P-32", "release", put(SWITCH, "config.hmac", OTHER)),
    Case("ll_policy_files", "P-32", "release", put(SWITCH, "policy.hmac", OTHER)),
    Case("ll_commit", "P-32", "release", put(SWITCH, "git.head", "f" * 40)),
    Case("ll_branch", "P-32", "release", put(SWITCH, "git.branch", "other")),
    Case("ll_tree", "P-32", "release", put(SWITCH, "git.status", " M VERSION")),
    Case(
        "ll_image",
        "P-32",
        "release",
        lambda j: edit.put(
            j,
            edit.item(T(j, SWITCH), "compose.images"),
            j.text(edit.item(T(j, "connect"), "compose.images")),
        ),
    ),
    Case("ll_recreated", "P-32", "release", rows_of(SWITCH, WEB, id=digest("re-created"))),
    Case(
        "ll_restarted", "P-32", "release", rows_of(SWITCH, WEB, started_at="2026-01-01T00:00:00Z")
    ),
    Case("ll_brain_died", "P-32", "release", rows_of(SWITCH, BRAIN, restarts=1)),
    Case("ll_stopped", "P-32", "release", rows_of(SWITCH, WEB, state="exited")),
    Case("ll_one_more", "P-32", "release", one_more),
    Case("ll_execution_policy", "P-32", "policy", rows_of(DEPLOY, EXECUTION, restarts=1)),
    Case("ll_dropped", "P-12", "release", drop_item(SWITCH, "policy.hmac")),
    Case("ll_dropped_replies", "P-12", "policy", drop_item(DEPLOY, "bus.policy_hash")),
    Case("ll_behind", "P-12", "release", behind_the_act, finds=("P-12", "C-03")),
    Case("ll_older", "C-02", "release", older_than_its_intent),
    Case("ll_touched", "P-33", "stale", act_in_stale),
    Case("ll_checklist_old", "F-03", "release", later_change),
    Case(
        "ll_checklist_failed",
        "F-03",
        "waited",
        lambda j: edit.item(T(j, SWITCH), "preflight").update(status=1),
    ),
    Case("ll_interlock", "L-18", "release_rearmed", disarmed_look),
    Case("ll_told", "L-18", "release_rearmed", told_to_disarm),
    Case("ll_told_failing", "L-18", "release_unhealthy", told_to_disarm),
    Case("ll_marker", "L-18", "release", put(SWITCH, "interlock.marker", "present")),
    Case("ll_hash", "H-15", "release", other_line(SWITCH)),
    Case("r_env_other", "R-08", "env_put_back", put("verify_restored", "env.hmac", OTHER)),
    Case("r_env_mode", "R-08", "release_unhealthy", put("verify_restored", "env.mode", "644 0 0")),
    Case("r_env_found", "R-08", "env_put_back", found_instead_of_good),
    Case(
        "r_env_no_act",
        "R-08",
        "env_put_back",
        lambda j: edit.item(T(j, "revert"), "act", subject="restore env good").update(
            subject="restore env"
        ),
    ),
    Case("r_plain", "R-09", "release_unhealthy", other_name),
    Case(
        "r_plain_drift",
        "R-09",
        "release_unhealthy",
        lambda j: edit.item(T(j, "verify_restored"), "compose.drift").update(subject="override"),
    ),
    Case("ll_key", "P-32", "release", put(SWITCH, "hmac.key", OTHER)),
    Case("r_key", "R-08", "release_unhealthy", put("verify_restored", "hmac.key", OTHER), 3),
    Case("r_key_env", "R-08", "release_unhealthy", other_key_and_env, 3),
    Case("r_config", "R-08", "release_unhealthy", put("verify_restored", "config.hmac", OTHER)),
    Case("ll_hash_policy", "H-15", "policy", other_line(DEPLOY)),
]
