"""Images: which one runs, in which store, and what its name means after an abort."""

import edit
from case import Case
from cases_rules import drop_item, put_item
from target import WEB, digest

T = edit.transition


def of_web(action, **changes):
    def change(journal):
        edit.change_rows(journal, T(journal, action), "compose.images", WEB, **changes)

    return change


def other_content(journal):
    """What was pulled has another manifest than the container that was left alone."""
    for action in ("pull_images", "switch_services"):
        of_web(action, manifest="sha256:" + digest("another"))(journal)


def untold_content(journal):
    """Docker told no manifest of what was pulled: nobody knows whether it is what runs."""
    for action in ("pull_images", "switch_services"):
        of_web(action, manifest="")(journal)


def act_of(action, behind, subject):
    """An act that stands where none of its kind may."""

    def change(journal):
        entry = T(journal, action)
        made = edit.copy_behind(entry, edit.item(entry, behind), probe="act", subject=subject)
        edit.put(journal, made, "")

    return change


CASES = [
    Case("im_other_content", "P-21", "same_content", other_content),
    Case("im_untold_content", "P-21", "same_content", untold_content),
    Case("im_store", "P-31", "release", put_item("connect", "compose.store", "another\n")),
    Case("im_no_store", "P-12", "release", drop_item("connect", "compose.store")),
    Case("im_address", "P-31", "release", put_item("pull_images", "compose.registry", "web:1\n")),
    Case("im_no_registry", "P-12", "release", drop_item("pull_images", "compose.registry")),
    Case("im_not_held_again", "P-12", "release", drop_item("pull_images", "act")),
    Case("im_names_elsewhere", "P-16", "release", act_of("complete", "act", "give names back")),
    Case("im_name_moved", "R-10", "aborted", of_web("restore_code", id="sha256:" + digest("x"))),
    Case("im_names_unseen", "P-12", "aborted", drop_item("restore_code", "compose.images")),
]
