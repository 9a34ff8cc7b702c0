"""What a change should come to. The default: the journal is not proven any more.

COUNTED are the changes that a window may survive, because a sample may fail: then the claim says
so in its sentence. EXCEPTIONS are changes that nobody can tell from an honest journal, or that
change nothing a rule speaks of; each with its reason. None is of ARM, DISARM, a sample or
verify_restored, and they are at most one kind in twenty."""

# What the report must name, in a claim or besides: (action, probe, mutation)
NAMED = {
    ("command", "-", "dropped"),  # what came of a DISARM by hand: the commands are counted
    ("command disarm", "compose.containers", "exchanged"),  # of other services (N-05)
    ("command disarm", "compose.containers", "extended"),
    ("command disarm", "compose.containers", "shortened"),
    ("command disarm", "logs.execution", "other hash behind"),
    ("connect", "health", "failed"),  # what was sick before is not asked of a rollback (N-06)
}
# (probe, mutation) of samples
COUNTED = {
    ("health", "failed"),
    ("health", "emptied"),
    ("bus.policy_hash", "failed"),
    ("compose.containers", "failed"),
    ("logs.execution", "failed"),
    ("logs.brain", "failed"),
    ("interlock.marker", "failed"),
}

BEFORE = "what was there before is recorded, and judged only where something has to be as before"
PRINTED = "a service may print nothing"
REPLACED = "this container is replaced next, and nobody asks for its policy hash any more (H-09)"

# (action, probe, mutation): reason
EXCEPTIONS = {
    ("approval", "-", "doubled"): "of several by one principal one counts (A-13)",
    ("command", "-", "doubled"): "an answer said twice is said",
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
    ("deploy_execution", "logs.execution", "other hash behind"): REPLACED,
    ("redeploy", "logs.execution", "other hash behind"): REPLACED,
    ("switch_services", "compose.up", "dropped"): "the order of the services is not pinned",
    ("update_code", "git.changed", "emptied"): "a commit may change no file",
    ("verify_release", "logs.errors", "emptied"): PRINTED,
    ("verify_parity", "logs.errors", "emptied"): PRINTED,
}
# The same where only one honest journal gives the reason
OF_ONE_JOURNAL = {
    ("pull_images", "compose.images", "exchanged", "aborted"): "nothing was deployed",
    ("pull_images", "compose.images", "exchanged", "stale"): "nothing was deployed",
    ("run_preflight", "preflight", "dropped", "settings_changed"): "not mandatory any more",
    ("run_preflight", "preflight", "failed", "settings_changed"): "not mandatory any more",
    ("run_preflight", "preflight", "subject", "settings_changed"): "not mandatory any more",
    ("deploy_execution", "logs.execution", "emptied", "resumed"): "the act was adopted",
    ("deploy_execution", "bus.publish", "dropped", "resumed"): "the act was adopted",
    ("attestation", "-", "doubled", "attested"): "said twice is said",
}
# Of a window that failed, how many samples failed, and of what, and how many are contrary, is named
WINDOW_FAILED = ("release_unhealthy",)
# Nothing is accepted on the evidence of a step that failed: these mutations of it change nothing
OF_FAILED = (
    "dropped",
    "emptied",
    "exchanged",
    "extended",
    "failed",
    "flipped",
    "other hash",
    "shortened",
)

# and contrary lines
LINES = ("armed", "disarmed", "stranger", "handshake", "error")

NEVER = ("arm", "disarm", "sample", "verify_restored")


def explains(change, journal, told):
    if change.action == "sample" and (change.probe, change.mutation) in COUNTED:
        return told
    if change.action == "sample" and journal in WINDOW_FAILED or change.kind() in NAMED:
        return told
    if change.action.startswith("failed ") and change.mutation.startswith(OF_FAILED + LINES):
        return True
    return change.kind() in EXCEPTIONS or (*change.kind(), journal) in OF_ONE_JOURNAL


def too_many(kinds):
    """The exceptions are few, of other actions than those four, and each is still made."""
    wrong = [kind for kind in EXCEPTIONS if kind[0] in NEVER]
    for kind in wrong:
        print("no exception may be of", *kind)
    known = list(EXCEPTIONS) + list(OF_ONE_JOURNAL)
    known += [kind for kind in kinds if kind[0].startswith("failed ")]
    few = len(known) * 20 <= len(kinds) or len(kinds) < 500
    if not few:
        print(f"{len(known)} exceptions of {len(kinds)} kinds are more than one in twenty")
    return bool(wrong) or not few
