/* verify/rules/procedure_table: what each kind of entry must carry, in order (FORMAT.md, P-12).
 * Ownership: rows are static, and end with a part whose probe is PROBE_INVALID. */
#ifndef VERIFY_RULES_PROCEDURE_TABLE_H
#define VERIFY_RULES_PROCEDURE_TABLE_H

#include "verify/judge/audit.h"

enum when {
    WHEN_ALWAYS = 0,
    WHEN_SHARED,    /* a policy hash is */
    WHEN_EXECUTION, /* and Execution runs in the list before */
    WHEN_BRAIN,     /* and Brain does */
    WHEN_MARKER,    /* and Execution runs, and a marker is configured */
    WHEN_ERRORS,    /* patterns of errors are pinned; of every running service */
    WHEN_SCRIPT,    /* a script is pinned */
    WHEN_PULLED,    /* pull_images was begun */
    WHEN_ENDPOINTS, /* one of every endpoint, in any order */
};

struct part {
    enum probe probe;
    const char *act; /* of PROBE_ACT, how its subject begins; of other acts "" */
    enum when when;
    unsigned times; /* 0 = once */
};

/* Of a step that succeeded; make_safe and redeploy have more than one way. */
const struct part *procedure_row_of_step(const struct audit *audit, const struct step *step);
/* Of the action as such: what a command that does the same carries. */
const struct part *procedure_row_of_action(enum action action);
/* Whether the row demands a last look in front of its first act. */
bool procedure_row_has_last_look(const struct part *row);
const struct part *procedure_row_of_sample(void);
/* Of the reconciliation of an action that was interrupted. */
const struct part *procedure_row_of_finding(enum action interrupted);

#endif
