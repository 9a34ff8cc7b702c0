"""What a change should come to. The default: the journal is not proven any more.

COUNTED are the changes that a window may survive, because a sample may fail: then the claim says
so in its sentence. EXCEPTIONS are changes that nobody can tell from an honest journal, or that
change nothing a rule speaks of; each with its reason. None is of ARM, DISARM, a sample or
verify_restored, and they are at most one kind in twenty."""

# (probe, mutation) of samples
COUNTED = {
    ("health", "failed"),
    ("health", "emptied"),
    ("bus.policy_hash", "failed"),
}

# (action, probe, mutation): reason
EXCEPTIONS = {}

NEVER = ("arm", "disarm", "sample", "verify_restored")


def explains(change, _journal, told):
    if change.action == "sample" and (change.probe, change.mutation) in COUNTED:
        return told
    return change.kind() in EXCEPTIONS


def too_many(kinds):
    """The exceptions are few, of other actions than those four, and each is still made."""
    wrong = [kind for kind in EXCEPTIONS if kind[0] in NEVER]
    for kind in wrong:
        print("no exception may be of", *kind)
    few = len(EXCEPTIONS) * 20 <= len(kinds) or len(kinds) < 500
    if not few:
        print(f"{len(EXCEPTIONS)} exceptions of {len(kinds)} kinds are more than one in twenty")
    return bool(wrong) or not few
