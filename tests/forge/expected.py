"""What a change should come to. The default: the journal is not proven any more.

TOLD are changes that leave it proven because FORMAT.md allows what they show, and demands that it
is told: then that claim's sentence, or what the report names, is another one. EXCEPTIONS are
changes that nobody can tell from an honest journal, or that change nothing a rule speaks of; each
with its reason. None is of ARM, DISARM, a sample or verify_restored, and they are at most one kind
in twenty."""

NAMED, WINDOW = ("named",), ("window",)

# (action, probe, mutation): where it must be told
TOLD = {
    # Between the deployments: the commands are counted, and what others changed is named (N-05)
    ("command", "-", "dropped"): ("interlock", "parity"),
    ("command disarm", "compose.containers", "exchanged"): NAMED,
    ("command disarm", "compose.containers", "extended"): NAMED,
    ("command disarm", "compose.containers", "shortened"): NAMED,
    ("command disarm", "logs.execution", "other hash behind"): NAMED,
    ("connect", "git.branch", "exchanged"): NAMED,
    ("connect", "health", "failed"): NAMED,  # not asked of a rollback (N-06)
    ("connect", "health", "sick"): NAMED,
    ("update_code", "git.head", "exchanged"): NAMED,
    ("update_code", "git.branch", "exchanged"): NAMED,
    # N-09
    ("make_safe", "compose.containers", "extended"): NAMED,
    ("make_safe", "compose.containers", "exchanged"): NAMED,
    ("make_safe", "compose.containers", "shortened"): NAMED,
    ("redeploy", "compose.containers", "exchanged"): NAMED,
    ("redeploy", "compose.containers", "extended"): NAMED,
    ("redeploy", "compose.containers", "shortened"): NAMED,
    ("redeploy", "compose.up", "failed"): NAMED,
    ("reconciliation redeploy", "compose.containers", "exchanged"): NAMED,
    ("reconciliation redeploy", "compose.containers", "extended"): NAMED,
    ("reconciliation redeploy", "compose.containers", "shortened"): NAMED,
    ("revert", "act", "failed"): NAMED,
}
# (probe, mutation) in a sample: a window may have failed samples, and they are counted (W-08)
FAILED_SAMPLE = {
    ("health", "failed"),
    ("health", "emptied"),
    ("health", "sick"),
    ("bus.policy_hash", "failed"),
    ("compose.containers", "failed"),
    ("logs.execution", "failed"),
    ("logs.brain", "failed"),
    ("interlock.marker", "failed"),
}
# The same in the sample by which a window failed, where what is contrary is counted too (W-08)
LAST_SAMPLE = {
    ("bus.policy_hash", "emptied"),
    ("bus.policy_hash", "other hash"),
    ("compose.containers", "extended"),
    ("interlock.marker", "flipped"),
    ("logs.brain", "emptied"),
    ("logs.brain", "handshake failed before"),
    ("logs.brain", "handshake failed behind"),
    ("logs.brain", "handshake lost behind"),
    ("logs.brain", "other hash before"),
    ("logs.brain", "other hash behind"),
    ("logs.execution", "emptied"),
}
# Of a deployment that was given up by `stale` the report says what was not as it had to be (N-10)
STALE = ("failed switch_services", "stale")

BEFORE = "what was there before is recorded, and judged only where something has to be as before"
PRINTED = "a service may print nothing"
REPLACED = "this container is replaced next, and nobody asks for its policy hash any more (H-09)"
UNTOUCHED = "no service was touched: what the look shows besides decides nothing any more"
AT_WORK = "the guard may still have been at work when it was first looked at (P-44)"
WENT_BACK = "the step failed for another reason as well, and the way back has looks of its own"

# (action, probe, mutation): reason
EXCEPTIONS = {
    ("approval", "-", "doubled"): "of several by one principal one counts (A-13)",
    ("command", "-", "doubled"): "an answer said twice is said",
    ("note confirmed", "-", "doubled"): "as after an interruption between it and the intent (A-16)",
    ("connect", "bus.policy_hash", "emptied"): BEFORE,
    ("connect", "bus.policy_hash", "failed"): BEFORE,
    ("connect", "bus.policy_hash", "other hash"): BEFORE,
    ("connect", "compose.drift", "exchanged"): BEFORE,
    ("connect", "compose.images", "exchanged"): BEFORE,
    ("connect", "health", "emptied"): BEFORE,
    ("connect", "interlock.marker", "flipped"): BEFORE,
    ("connect", "logs.brain", "emptied"): BEFORE,
    ("connect", "logs.brain", "handshake failed before"): BEFORE,
    ("connect", "logs.brain", "handshake failed behind"): BEFORE,
    ("connect", "logs.brain", "handshake lost behind"): BEFORE,
    ("connect", "logs.brain", "other hash before"): BEFORE,
    ("connect", "logs.brain", "other hash behind"): BEFORE,
    ("connect", "logs.execution", "armed before"): BEFORE,
    ("connect", "logs.execution", "armed behind"): BEFORE,
    ("connect", "logs.execution", "disarmed before"): BEFORE,
    ("connect", "logs.execution", "disarmed behind"): BEFORE,
    ("connect", "logs.execution", "emptied"): BEFORE,
    ("connect", "logs.execution", "other hash before"): BEFORE,
    ("connect", "logs.execution", "other hash behind"): BEFORE,
    ("connect", "logs.execution", "stranger's disarm behind"): BEFORE,
    ("connect", "git.status", "exchanged"): BEFORE,
    ("connect", "hmac.key", "exchanged"): BEFORE,
    ("connect", "config.hmac", "exchanged"): BEFORE,
    ("connect", "env.good", "exchanged"): BEFORE,
    ("deploy_execution", "logs.execution", "other hash behind"): REPLACED,
    ("redeploy", "logs.execution", "other hash behind"): REPLACED,
    ("switch_services", "compose.up", "dropped"): "the order of the services is not pinned",
    ("restore_code", "tenancy", "dropped"): "the driver asks once more than the row names",
    ("restore_code", "git.status", "exchanged"): "a tree that was found so is left so",
    ("deploy_execution", "guard", "dropped"): "that of the pause: it had begun before (P-40)",
    ("deploy_brain", "guard", "dropped"): "one of two: a step may set its deadline once (P-41)",
    ("reconciliation observe_window", "guard.record", "shortened"): AT_WORK,
    ("pull_images", "compose.registry", "emptied"): "no registry need give it: it is not attested",
    ("update_code", "git.changed", "emptied"): "a commit may change no file",
    ("revert", "compose.images", "exchanged"): "what names mean then is judged at the end (R-09)",
    ("verify_release", "logs.errors", "emptied"): PRINTED,
    ("verify_parity", "logs.errors", "emptied"): PRINTED,
}
EXCEPTIONS.update(
    (("reconciliation connect", probe, mutation), "the snapshot is taken later, and counts")
    for probe, mutations in {
        "compose.containers": ("emptied", "exchanged", "extended", "shortened"),
        "git.head": ("exchanged",),
        "git.branch": ("exchanged",),
        "git.status": ("exchanged",),
    }.items()
    for mutation in mutations
)
# Of a step that failed: {action: {probe: mutations}}
_FILE = ("dropped", "failed", "exchanged")
OF_FAILED = {
    "failed pull_images": {
        "compose.services": ("dropped", "emptied", "extended", "failed", "shortened"),
        "config.hmac": _FILE,
        "env.hmac": _FILE,
        "env.mode": _FILE,
        "hmac.key": _FILE,
        "policy.hmac": (*_FILE, "emptied"),
    },
    "failed switch_services": {
        "env.mode": ("exchanged",),
        "interlock.marker": ("dropped",),
        "logs.brain": ("emptied",),
        "logs.execution": ("emptied",),
    },
    "failed verify_parity": {
        "bus.policy_hash": ("dropped", "emptied", "failed", "other hash"),
        "compose.containers": ("dropped", "extended", "failed"),
        "interlock.marker": ("dropped", "emptied", "failed", "flipped"),
        "logs.brain": (
            "dropped",
            "emptied",
            "failed",
            "handshake failed before",
            "handshake failed behind",
            "handshake lost behind",
            "other hash before",
            "other hash behind",
        ),
        "logs.execution": ("dropped", "emptied", "failed"),
    },
    "failed verify_release": {
        "compose.containers": ("dropped", "extended", "failed"),
        "health": ("dropped", "emptied", "failed", "sick"),
        "logs.errors": ("dropped", "emptied", "failed", "error before", "error behind"),
        "script": ("dropped", "failed"),
    },
}
for _action, _probes in OF_FAILED.items():
    _why = UNTOUCHED if _action in (STALE[0], "failed pull_images") else WENT_BACK
    EXCEPTIONS.update(
        ((_action, probe, mutation), _why)
        for probe, mutations in _probes.items()
        for mutation in mutations
    )
# The same where only one honest journal gives the reason
OF_ONE_JOURNAL = {
    ("run_preflight", "preflight", "dropped", "settings_changed"): "not mandatory any more",
    ("run_preflight", "preflight", "failed", "settings_changed"): "not mandatory any more",
    ("run_preflight", "preflight", "subject", "settings_changed"): "not mandatory any more",
    ("attestation", "-", "doubled", "attested"): "said twice is said",
    ("reconciliation", "-", "dropped", "fired_in_window"): "the transition has it",
}

# Only of a deployment that was given up: nothing was deployed
OF_ABORTED = {
    ("connect", "env.hmac", "exchanged"),
    ("connect", "env.mode", "exchanged"),
    ("pull_images", "hmac.key", "exchanged"),
    ("pull_images", "config.hmac", "exchanged"),
    ("pull_images", "policy.hmac", "exchanged"),
    ("pull_images", "compose.images", "exchanged"),
}
NEVER = ("arm", "disarm", "sample", "verify_restored")


def fails_its_window(journal, place):
    """Whether the sample is the one by which its window failed."""
    for entry in journal.entries[place + 1 :]:
        if entry["type"] in ("sample", "transition"):
            return entry["body"].get("event") in ("unhealthy", "mismatch")
    return False


def fires_behind(journal, place):
    """Whether the guard acted behind the sample, and no other sample came."""
    for entry in journal.entries[place + 1 :]:
        if entry["type"] in ("sample", "transition"):
            return entry["body"].get("event") == "guard_fired"
    return False


def must_be_told(change, honest):
    """Where the report must say it; empty: it must not be proven."""
    if change.action == "sample":
        lost = change.mutation == "handshake lost behind"  # the next sample decides (H-12)
        if fires_behind(honest.journal, change.place + lost):
            return WINDOW  # the last one before the guard acted: when it failed is told (W-12)
        counted = set(FAILED_SAMPLE)
        if fails_its_window(honest.journal, change.place):
            counted |= LAST_SAMPLE
        return WINDOW if (change.probe, change.mutation) in counted else ()
    if change.action.startswith("reconciliation ") and change.probe.startswith("git."):
        return NAMED  # how the tree was found (N-05)
    if change.action == STALE[0] and honest.name == STALE[1]:
        return NAMED
    return TOLD.get(change.kind(), ())


def is_early_answer(journal, place):
    """An answer that moves behind the transition beside it still stands in front of what needs it
    (L-10)."""
    entry, behind = journal.entries[place], journal.entries[place + 1]
    return entry["body"].get("command") == "answer" and behind["body"].get("to") == "verified"


def is_one_of_two_refusals(journal, place):
    """At one moment: their order says nothing."""
    entry, behind = journal.entries[place], journal.entries[place + 1]
    return behind["type"] == "refusal" and behind["boottime_ns"] == entry["boottime_ns"]


def is_preceded(journal, place):
    """A DISARM that came before its record has no lower bound in time (P-36)."""
    return journal.entries[place]["body"].get("preceded", False)


def is_given_up(journal, place):
    number = journal.entries[place]["deployment"]
    return any(
        entry["body"].get("to") == "aborted"
        for entry in journal.entries
        if entry.get("deployment") == number
    )


# (action, probe, mutation): what must be so of the entry
WHERE = {
    ("command", "-", "moved"): is_early_answer,
    ("command disarm", "bus.publish", "older"): is_preceded,
    ("refusal", "-", "moved"): is_one_of_two_refusals,
}


def explains(change, honest, told):
    if told & set(must_be_told(change, honest)):
        return True
    if change.kind() in OF_ABORTED and is_given_up(honest.journal, change.place):
        return True
    where = WHERE.get(change.kind())
    if where is not None and where(honest.journal, change.place):
        return True
    return change.kind() in EXCEPTIONS or (*change.kind(), honest.name) in OF_ONE_JOURNAL


def too_many(kinds):
    """The exceptions are few, and of other actions than those four."""
    wrong = [kind for kind in EXCEPTIONS if kind[0] in NEVER]
    for kind in wrong:
        print("no exception may be of", *kind)
    # Those that any of these journals could need
    one = [kind[:3] for kind in OF_ONE_JOURNAL]
    known = sum(kind in kinds for kind in [*EXCEPTIONS, *one, *OF_ABORTED, *WHERE])
    few = known * 20 <= len(kinds) or len(kinds) < 500
    if not few:
        print(f"{known} exceptions of {len(kinds)} kinds are more than one in twenty")
    return bool(wrong) or not few
