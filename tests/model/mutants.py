"""What the model must refute: one change of the table or of deployment.pml each.

(name, procedure, [(file, old, new)]): every `old` stands there exactly once."""

TABLE, MODEL = "table.pml", "deployment.pml"


def line(procedure, words):
    """A line of the exported table: FROM EVENT ACTION TO."""
    kind = "EDGE" if words.split()[2] == "NONE" else "STEP"
    return f"    {kind}({procedure}, {', '.join(words.split())}) \\\n"


def row(procedure, old, new):
    return (TABLE, line(procedure, old), line(procedure, new) if new else "")


def one_more(procedure, new):
    first = "#define TABLE \\\n"
    return (TABLE, first, first + line(procedure, new))


R, P = "RELEASE", "POLICY"
MUTANTS = [
    (
        "a failed switch is aborted",
        R,
        [row(R, "SWITCHED FAILED NONE ROLLING_BACK", "SWITCHED FAILED NONE ABORTING")],
    ),
    (
        "no DISARM before Execution changes",
        P,
        [
            row(
                P,
                "GUARDED DONE DISARM DISARMED",
                "GUARDED DONE DEPLOY_EXECUTION EXECUTION_DEPLOYED",
            )
        ],
    ),
    ("no way out of an unknown Brain", P, [row(P, "BRAIN_DEPLOYED UNKNOWN NONE ROLLING_BACK", "")]),
    (
        "armed first, parity second",
        P,
        [
            row(
                P,
                "BRAIN_DEPLOYED DONE VERIFY_PARITY PARITY_VERIFIED",
                "BRAIN_DEPLOYED DONE ARM PARITY_VERIFIED",
            ),
            row(P, "PARITY_VERIFIED DONE ARM ARMED", "PARITY_VERIFIED DONE VERIFY_PARITY ARMED"),
        ],
    ),
    (
        "no window",
        R,
        [row(R, "SWITCHED DONE VERIFY_RELEASE VERIFIED", "SWITCHED DONE VERIFY_RELEASE OBSERVED")],
    ),
    ("completed can be rolled back", R, [one_more(R, "COMPLETED ROLLBACK NONE ROLLING_BACK")]),
    ("aborted can fail", P, [one_more(P, "ABORTED FAILED NONE ABORTING")]),
    (
        "restored without a look",
        R,
        [row(R, "REVERTED DONE REDEPLOY REDEPLOYED", "REVERTED DONE REDEPLOY ROLLED_BACK")],
    ),
    ("a failed rollback is the end", R, [row(R, "ROLLBACK_FAILED ROLLBACK NONE ROLLING_BACK", "")]),
    ("the guard is not seen in guarded", R, [row(R, "GUARDED GUARD_FIRED NONE ROLLING_BACK", "")]),
    (
        "a failed Execution is aborted",
        P,
        [row(P, "DISARMED FAILED NONE ROLLING_BACK", "DISARMED FAILED NONE ABORTING")],
    ),
    (
        "completed first, confirmed second",
        R,
        [
            row(R, "OBSERVED DONE CONFIRM CONFIRMED", "OBSERVED DONE COMPLETE CONFIRMED"),
            row(R, "CONFIRMED DONE COMPLETE COMPLETED", "CONFIRMED DONE CONFIRM COMPLETED"),
        ],
    ),
    (
        "the guard acts without the turn",
        R,
        [(MODEL, "guard_step == 2 && turn == GUARD && LOCK_FREE", "guard_step == 2 && LOCK_FREE")],
    ),
    (
        "the guard stays behind a rollback",
        R,
        [
            (
                MODEL,
                ":: RESTORED && SAFE -> free_target();",
                ":: RESTORED && SAFE -> tenancy_open = 0;",
            )
        ],
    ),
    (
        "the plan is begun behind the act",
        R,
        [
            (MODEL, "meant = 1; begun = 1", "meant = 1"),
            (
                MODEL,
                "seen = seen || event == E_GUARD_FIRED;",
                "begun = begun || (laid && touched);",
            ),
        ],
    ),
    (
        "a reboot before the first change counts",
        R,
        [
            (MODEL, "guard_step == 0 && laid && begun && late", "guard_step == 0 && laid && late"),
            (MODEL, "late = begun;", "late = 1;"),
        ],
    ),
    ("nobody asks for the epoch", R, [(MODEL, "(MINE(who) && !late", "(!late")]),
    (
        "a confirmation may be late",
        R,
        [(MODEL, "MAY_CHANGE(who) && a == A_CONFIRM ->", "MINE(who) && a == A_CONFIRM ->")],
    ),
    (
        "the guard waits for a hung command",
        R,
        [
            (MODEL, "guard_step = 1;\n           end_command()", "guard_step = 1"),
            (
                MODEL,
                "guard_step == 2 && turn == GUARD && LOCK_FREE",
                "guard_step == 2 && turn == GUARD && flight == NOBODY",
            ),
        ],
    ),
    (
        "a driver goes back without the turn",
        P,
        [(MODEL, "GOES_BACK(a) ->\n           turn = who;", "GOES_BACK(a) ->")],
    ),
    (
        "an old parity is good enough",
        P,
        [
            (MODEL, "    :: MAY_CHANGE(who) && a == A_ARM && restarted\n", ""),
            (MODEL, "a == A_ARM && !restarted ->", "a == A_ARM ->"),
        ],
    ),
    (
        "the guard stays behind an abort",
        R,
        [
            (
                MODEL,
                "&& flight == NOBODY -> free_target();",
                "&& flight == NOBODY -> tenancy_open = 0;",
            )
        ],
    ),
]
