"""For each rule of FORMAT.md that has no case in cases_named.py one that breaks it: who may do
what, and in which order."""

import copy

import bundle
import edit
import mutate
import resign
from case import Case
from target import BRAIN, WEB, digest

T = edit.transition


def body(journal, type_, nth=0):
    return edit.of_type(journal, type_, nth)["body"]


def flip_signature(journal):
    last = journal.stored[-1]
    journal.stored[-1] = bytes([last[0] ^ 1]) + last[1:]


def long_name(journal):
    for entry in journal.entries:
        edit.change_rows(journal, entry, "compose.containers", WEB, service="w" * 70)


def second_genesis(journal):
    edit.insert_entry(journal, len(journal.entries), later_copy(journal, journal.entries[0]))


def later_copy(journal, entry):
    """A copy of an entry for the end of the journal."""
    last, made = journal.entries[-1], copy.deepcopy(entry)
    made["boottime_ns"] = last["boottime_ns"] + 1_000_000
    made["utc"] = edit.shifted_utc(last["utc"], 1)
    return made


def behind(journal, entry, made):
    """Puts a copy of something right behind an entry, with its time."""
    made = copy.deepcopy(made)
    made["boottime_ns"], made["utc"] = entry["boottime_ns"], entry["utc"]
    edit.insert_entry(journal, journal.entries.index(entry) + 1, made)
    return made


def open_twice(journal):
    made = behind(journal, T(journal, "connect"), edit.of_type(journal, "open"))
    made["deployment"] = made["seq"]
    made["body"]["session"] = journal.keys.add(bundle.Key("another session")).hex


def session_of_operator(journal):
    opened = edit.of_type(journal, "open")
    old, own = opened["body"]["session"], opened["signer"]
    opened["body"]["session"] = own
    for entry in journal.entries:
        if entry["signer"] == old:
            entry["signer"] = own


def sign_as(name):
    def work(journal, entry):
        line = journal.entries[0]["body"]["roster"][name][-1]
        entry["signer"] = resign.public_of_line(line)

    return work


def driver_removed(journal):
    roster = copy.deepcopy(journal.entries[0]["body"]["roster"])
    del roster["operators"][0]
    made = copy.deepcopy(journal.entries[0])
    del made["body"]
    made.update({"type": "roster", "body": {"roster": roster, "reason": "removed"}})
    behind(journal, T(journal, "pull_images"), made)


def strange_approval(journal):
    approval = body(journal, "approval")
    key = journal.keys.add(bundle.Key("dave"))
    approval["principal"] = "dave@example"
    approval["signature"] = key.armored(bundle.APPROVAL, approval["statement"].encode())


def drop_type(type_, nth=0):
    return lambda journal: edit.remove_entry(journal, edit.of_type(journal, type_, nth))


def other_boot_from(journal):
    place = journal.entries.index(T(journal, "update_code"))
    for entry in journal.entries[place:]:
        entry["boot"] = mutate.OTHER_BOOT


def older_reconciliation(journal):
    for one in body(journal, "reconciliation")["evidence"]:
        mutate.shift(one, -5_000_000_000)


def behind_the_end(journal):
    end = T(journal, "complete")
    made = later_copy(journal, end)
    made.update({"type": "note", "body": {"text": "still there"}})
    edit.insert_entry(journal, len(journal.entries), made)


def no_policy(journal):
    journal.entries[0]["body"]["services"].update(execution="", brain="")


def reorder(journal):
    one = edit.item(T(journal, "switch_services"), "compose.drift")
    lines = journal.text(one).splitlines()
    edit.put(journal, one, "".join(line + "\n" for line in reversed(lines)))


def last_up_of_one(journal):
    edit.item(T(journal, "switch_services"), "compose.up", -1)["subject"] = WEB


def scaled(journal):
    """A second container of web, seen while Brain is deployed and not afterwards."""
    one = edit.item(T(journal, "verify_execution"), "compose.containers")
    made = edit.rows(journal, one)
    web = next(row for row in made if row["service"] == WEB)
    edit.put_rows(journal, one, made + [dict(web, id=digest("second"))])


def pulled_service(journal):
    one = edit.item(T(journal, "pull_images"), "compose.services")
    edit.put(journal, one, journal.text(one) + "zz-stranger\n")


def other_project(journal):
    """Two steps that found the project under two names."""
    for action, name in ("connect", "titan"), ("pull_images", "other"):
        entry = T(journal, action)
        one = edit.item(entry, "compose.services")
        made = edit.copy_behind(entry, one, probe="compose.project")
        edit.put(journal, made, name + "\n")


def other_image_of(action, service, **more):
    def work(journal):
        other = dict({"image": "sha256:" + digest("another image")}, **more)
        edit.change_rows(journal, T(journal, action), "compose.containers", service, **other)

    return work


def early_connect(journal):
    behind(journal, edit.of_type(journal, "open"), edit.intent(journal, "connect"))


def error_line(journal):
    one = edit.item(T(journal, "verify_release"), "logs.errors")
    edit.add_line(journal, one, "FATAL: out of memory")


def set_body(type_, nth=0, **values):
    return lambda journal: body(journal, type_, nth).update(values)


def set_transition(action, **values):
    return lambda journal: T(journal, action)["body"].update(values)


def set_item(action, probe, nth=0, **values):
    return lambda journal: edit.item(T(journal, action), probe, nth).update(values)


def put_item(action, probe, text, nth=0):
    return lambda journal: edit.put(journal, edit.item(T(journal, action), probe, nth), text)


def drop_item(action, probe, nth=0):
    return lambda journal: edit.drop(T(journal, action), probe, nth)


def reused_key(journal):
    first = edit.intent(journal, "connect")["body"]["key"]
    edit.intent(journal, "pull_images")["body"]["key"] = first


def double_item(journal):
    entry = T(journal, "connect")
    one = edit.item(entry, "git.head")
    edit.add_behind(entry, one, copy.deepcopy(one))


def set_roster(journal, role, lines):
    body(journal, "roster")["roster"][role] = lines


def dated_line(journal):
    lines = body(journal, "roster")["roster"]["approvers"]
    lines[0] = lines[0].replace(" ssh-", ',valid-before="20300101" ssh-')


def extra_blob(journal):
    journal.unreferred["nobody refers to this"] = b"nobody refers to this"


def stranger_signs_note(journal):
    journal.note_key = journal.keys.add(bundle.Key("stranger"))


def anchor_too_far(journal):
    anchor = body(journal, "anchor")
    anchor["checkpoint"] = anchor["checkpoint"].replace("\n2\n", "\n9\n")


CASES = [
    Case("i_no_number", "I-01", "release", lambda j: edit.sample(j, 3)["body"].pop("n")),
    Case("i_place", "I-02", "release", lambda j: edit.sample(j, 3).update(seq=99)),
    Case("i_signature", "I-03", "release", after=flip_signature),
    Case("i_size", "I-04", "release", set_item("connect", "git.head", size=3)),
    Case("i_blob", "I-05", "release", after=extra_blob),
    Case("i_note", "I-06", "release", after=stranger_signs_note),
    Case("i_anchor", "I-07", "anchored", anchor_too_far),
    Case("i_unanchored", "I-08", "release", exit_status=3, arguments=["--require-anchor"]),
    Case("i_bound", "I-09", "release", long_name, exit_status=(3, 5)),
    Case("a_second_genesis", "A-01", "release", second_genesis),
    Case("a_no_administrator", "A-02", "anchored", lambda j: set_roster(j, "administrators", [])),
    Case("a_dated_line", "A-03", "anchored", dated_line),
    Case(
        "a_settings",
        "A-04",
        "settings_changed",
        lambda j: sign_as("operators")(j, edit.of_type(j, "settings")),
    ),
    Case("a_open_twice", "A-05", "release", open_twice),
    Case("a_session_of_operator", "A-06", "release", session_of_operator),
    Case("a_epoch", "A-07", "taken_over", set_body("takeover", epoch=1)),
    Case(
        "a_own_key",
        "A-08",
        "release",
        lambda j: sign_as("operators")(j, edit.sample(j, 3)),
    ),
    Case(
        "a_approver_commands",
        "A-10",
        "by_hand",
        lambda j: sign_as("approvers")(j, edit.of_type(j, "command")),
    ),
    Case("a_attestation", "A-11", "attested", set_body("attestation", operator="bob@example")),
    Case("a_removed", "A-12", "release", driver_removed),
    Case("a_no_approval", "A-13", "policy", drop_type("approval")),
    Case("a_strange_approval", "A-14", "policy", strange_approval),
    Case("p_edge", "P-01", "release", set_transition("lay_guard", to="switched")),
    Case("p_other_intent", "P-02", "release", set_transition("lay_guard", intent=2)),
    Case(
        "p_other_action",
        "P-03",
        "release",
        lambda j: edit.intent(j, "pull_images")["body"].update(action="arm"),
    ),
    Case("p_key", "P-04", "release", reused_key),
    Case("p_interrupted", "P-05", "release", other_boot_from),
    Case("p_must_fail", "P-06", "resumed", set_body("reconciliation", then="fail")),
    Case("p_older", "P-07", "resumed", older_reconciliation),
    Case("p_sample", "P-08", "release", lambda j: edit.sample(j, 3)["body"].update(intent=2)),
    Case("p_after_end", "P-09", "release", behind_the_end, finds=("P-09", "A-08")),
    Case("p_no_policy", "P-10", "policy", no_policy),
    Case("p_outcome", "P-11", "by_hand", drop_type("command")),
    Case("p_missing", "P-12", "release", drop_item("switch_services", "compose.drift")),
    Case("p_subject", "P-14", "release", set_item("connect", "git.head", subject="x")),
    Case("p_twice", "P-15", "release", double_item),
    Case("p_last_up", "P-17", "release", last_up_of_one),
    Case("p_no_id", "P-18", "release", other_image_of("verify_release", WEB, id="")),
    Case("p_identity", "P-19", "policy", other_image_of("disarm", WEB)),
    Case(
        "p_commit", "P-20", "release", put_item("switch_services", "git.head", "f" * 40 + "\n", 1)
    ),
    Case(
        "p_image",
        "P-21",
        "release",
        other_image_of("verify_release", BRAIN, id=digest("another container")),
        finds=("P-21", "P-19"),
    ),
    Case("p_sick", "P-23", "release", set_item("verify_release", "health", status=503)),
    Case("p_error", "P-24", "release", error_line),
    Case("p_form", "P-31", "release", put_item("connect", "config.hmac", "none\n")),
    Case("p_scaled", "P-30", "policy", scaled),
    Case("p_order", "P-28", "release", reorder),
    Case("p_services", "P-29", "release", pulled_service),
    Case("p_project", "P-34", "release", other_project),
    Case("f_failed", "F-01", "release", set_item("run_preflight", "preflight", status=1)),
    Case("f_early", "F-02", "release", early_connect),
]
