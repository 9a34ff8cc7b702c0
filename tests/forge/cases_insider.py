"""Combined forgeries of whose containers, images and files those are: two or three consistent
changes each, under the right keys."""

import edit
import forgery
from case import Case
from cases_rules import T, body
from target import BRAIN, EXECUTION, WEB, digest, image_id


def second_in_one_look(action, service, nth=-1):
    """One more container of a service in one list, and in no other."""

    def work(journal):
        one = edit.item(T(journal, action), "compose.containers", nth)
        forgery.add_container(journal, one, service)

    return work


def second_in_a_sample(service, nth):
    def work(journal):
        one = edit.item(edit.sample(journal, 4), "compose.containers", nth)
        forgery.add_container(journal, one, service)

    return work


def renamed_from(action, service, item=0):
    """Another container of the service from this list on, everywhere, from the same image."""

    def work(journal):
        first = T(journal, action)
        old = next(
            row["id"]
            for row in edit.rows(journal, edit.item(first, "compose.containers"))
            if row["service"] == service
        )
        entries = forgery.behind(journal, first)
        forgery.reword(journal, entries, ("compose.containers",), old, digest("exchanged"))

    return work


def swapped_in_window(journal):
    entries = forgery.behind(journal, edit.sample(journal, 4))
    forgery.rerow(journal, entries, WEB, id=digest("exchanged"))


def swapped_and_back(journal):
    """Brain is another container in one sample only, with its own log."""
    entry = edit.sample(journal, 4)
    forgery.rerow(journal, [entry], BRAIN, id=digest("exchanged"))


def restarted_in_window(journal):
    entries = forgery.behind(journal, edit.sample(journal, 4))
    forgery.rerow(journal, entries, WEB, restarts=1)


def restarted_at_confirm(journal):
    forgery.rerow(journal, [T(journal, "confirm")], WEB, restarts=1)


def sick_at_the_end(journal):
    forgery.rerow(journal, [T(journal, "confirm")], WEB, health="unhealthy")


def old_image_kept(service):
    """A service that was pulled anew still runs from its old image, in every list."""

    def work(journal):
        old = image_id(service, "1")
        forgery.rerow(
            journal, forgery.behind(journal, edit.of_type(journal, "intent", 4)), service, image=old
        )

    return work


def pulled_another(journal):
    """Images, containers and last look agree on images that nobody approved."""
    new, other = image_id(WEB, "2"), "sha256:" + digest("another image")
    entries = forgery.behind(journal, T(journal, "pull_images"))
    forgery.reword(journal, entries, ("compose.images", "compose.containers"), new, other)


def config_another(journal):
    entries = forgery.behind(journal, T(journal, "pull_images"))
    forgery.reword(journal, entries, ("config.hmac",), digest("file", "2"), digest("file", "x"))


def env_another(journal):
    entries = forgery.behind(journal, T(journal, "connect"))
    forgery.reword(journal, entries, ("env.hmac",), digest("env", "env"), digest("env", "x"))


def snapshot_rewritten(journal):
    """The snapshot, its last look, and what came back: all from images that never ran before."""
    other = "sha256:" + digest("another image")
    old = image_id(WEB, "1")
    entries = [T(journal, "connect")] + forgery.behind(journal, T(journal, "revert"))
    forgery.reword(journal, entries, ("compose.images", "compose.containers"), old, other)


def restored_from_the_new(journal):
    """Pins, lists and images name the image that failed."""
    old, new = image_id(WEB, "1"), image_id(WEB, "2")
    entries = forgery.behind(journal, T(journal, "revert"))
    forgery.reword(journal, entries, ("compose.images", "compose.containers"), old, new)
    for one in forgery.items(entries, "act"):
        one["subject"] = one["subject"].replace(old, new)


def never_recreated(journal):
    """Execution of after the rollback is the one of before, with the start of before."""
    before = edit.item(T(journal, "connect"), "compose.containers")
    old = next(row for row in edit.rows(journal, before) if row["service"] == EXECUTION)
    entries = forgery.behind(journal, T(journal, "redeploy"))
    last = edit.item(T(journal, "verify_restored"), "compose.containers")
    new = next(row for row in edit.rows(journal, last) if row["service"] == EXECUTION)
    forgery.reword(journal, entries, ("compose.containers",), new["id"], old["id"])


def other_commit(journal):
    """The tree is at another commit than was asked for, in every look behind the update."""
    opened = body(journal, "open")
    opened["commit"] = digest("commit", "2")[:40]
    entries = forgery.behind(journal, T(journal, "update_code"))
    forgery.reword(journal, entries, ("git.head",), digest("commit", "2")[:40], "c" * 40)
    for one in forgery.items(entries, "git.changed", "git.subject"):
        one["subject"] = one["subject"].replace(digest("commit", "2")[:40], "c" * 40)


def other_branch(journal):
    body(journal, "open")["branch"] = "stable"


def dirty_throughout(journal):
    for entry in forgery.behind(journal, T(journal, "connect")):
        for one in forgery.items([entry], "git.status"):
            edit.put(journal, one, " M docker-compose.prod.yml\n")


def env_behind_the_switch(journal):
    edit.put(journal, edit.item(T(journal, "switch_services"), "env.hmac", -1), "f" * 64 + "\n")


def config_behind_the_switch(journal):
    edit.put(journal, edit.item(T(journal, "deploy_brain"), "config.hmac", -1), "f" * 64 + "\n")


def reverted_dirty(journal):
    edit.put(journal, edit.item(T(journal, "revert"), "git.status"), " M docker-compose.yml\n")


def stale_and_more(journal):
    """Honest: more than one thing differs where it was given up; all of it is named."""
    edit.put(journal, edit.item(T(journal, "stale"), "git.head"), "f" * 40 + "\n")


def moved_before_the_update(journal):
    """Honest: somebody moved the tree between the snapshot and the update; it is named."""
    edit.put(journal, edit.item(T(journal, "update_code"), "git.head"), "f" * 40 + "\n")


def hidden_service(journal):
    """A service is declared from the pull on, and has no image and no container."""
    for entry in forgery.behind(journal, T(journal, "pull_images")):
        for one in forgery.items([entry], "compose.services"):
            edit.put(journal, one, journal.text(one) + "zz-hidden\n")


def drift_hidden(journal):
    """Both sides of the drift of a service are empty where it did not agree."""
    for entry in forgery.behind(journal, T(journal, "switch_services")):
        edit.change_rows(journal, entry, "compose.drift", WEB, declared="", running="")


CASES = [
    Case("cf_one_look_execution", "P-30", "policy", second_in_one_look("verify_parity", EXECUTION)),
    Case("cf_one_look_brain", "P-30", "policy", second_in_one_look("verify_parity", BRAIN, 0)),
    Case("cf_one_look_arm", "L-12", "policy", second_in_one_look("arm", EXECUTION, 1)),
    Case("cf_one_look_web", "P-30", "policy", second_in_one_look("arm", WEB)),
    Case(
        "cf_one_sample_execution",
        "L-12",
        "policy",
        second_in_a_sample(EXECUTION, 0),
        finds=("L-11", "L-12"),
    ),
    Case(
        "cf_one_sample_brain",
        "L-12",
        "policy",
        second_in_a_sample(BRAIN, -1),
        finds=("L-11", "L-12"),
    ),
    Case("cf_one_sample_web", "W-09", "policy", second_in_a_sample(WEB, -1)),
    Case("cf_swapped_verified", "P-30", "policy", renamed_from("verify_parity", BRAIN)),
    Case("cf_swapped_arm", "P-30", "policy", renamed_from("arm", BRAIN)),
    Case("cf_swapped_confirm", "W-09", "policy", renamed_from("confirm", WEB)),
    Case("cf_swapped_window", "W-09", "policy", swapped_in_window),
    Case("cf_swapped_back", "P-19", "policy", swapped_and_back),
    Case("cf_restarted", "W-09", "release", restarted_in_window),
    Case("cf_restarted_last", "W-09", "release", restarted_at_confirm),
    Case("cf_sick_last", "P-23", "release", sick_at_the_end),
    Case("cf_old_image", "P-21", "release", old_image_kept(WEB)),
    Case("cf_old_execution", "P-21", "policy", old_image_kept(EXECUTION)),
    Case("cf_pulled_another", "A-14", "policy", pulled_another),
    Case("cf_config_another", "A-14", "policy", config_another),
    Case("cf_env_another", "A-14", "policy", env_another),
    Case("cf_snapshot", "P-32", "release_unhealthy", snapshot_rewritten),
    Case("cf_restored_new_image", "R-02", "release_unhealthy", restored_from_the_new),
    Case("cf_not_recreated", "R-04", "release_unhealthy", never_recreated),
    Case("cf_commit", "P-20", "release", other_commit),
    Case("cf_branch", "P-20", "release", other_branch),
    Case("cf_files_behind", "P-35", "release", env_behind_the_switch),
    Case("cf_config_behind", "P-35", "policy", config_behind_the_switch),
    Case("cf_revert_dirty", "R-01", "release_unhealthy", reverted_dirty),
    Case("cf_stale_more", "N-10", "stale", stale_and_more, exit_status=0),
    Case("cf_moved", "N-05", "release", moved_before_the_update, exit_status=0),
    Case("cf_dirty", "P-20", "release", dirty_throughout),
    Case("cf_hidden_service", "P-29", "release", hidden_service),
    Case("cf_drift_hidden", "P-22", "release", drift_hidden, exit_status=(1, 3)),
]
