/* tests/world/person: the operator of a scripted world: a configuration, a key in the agent, and
 * the commands of titan-fsm, run in this process as main() runs them. */
#ifndef WORLD_PERSON_H
#define WORLD_PERSON_H

#include "tests/world/scripted.h"

#define PERSON_TARGET "titan-test"
#define PERSON_STATE TITAN_DIRECTORY "/state" /* on the target */

/* What a test may want otherwise; zero is what stands at the right. */
struct person_choice {
    int window_ms;            /* 10000 */
    int interval_ms;          /* 5000 */
    int rollback_ms;          /* 300000 */
    int approvals;            /* 0 of a policy change */
    bool unarmed;             /* Execution is found disarmed */
    bool unnamed;             /* the configuration names no project of compose */
    const char *policy_files; /* TITAN_POLICY_FILE, as the list of the configuration has it */
    const char *order;        /* of compose; NULL = its default */
    const char *files;        /* of compose; NULL = one, which is not named */
    enum titan_store store;   /* of Docker */
    bool by_manifest;         /* compose compares manifests */
    bool builds_web;          /* by compose, under a name of its own */
    bool unguarded;           /* guard.start: none */
    bool container;           /* web is asked by its container's own check, brain by exec */
};

/* A world with its Titan up, and the journal begun. */
struct scripted *person_begins(uint64_t seed, const struct person_choice *choice);
/* The same, with PERSON_STATE made and a release begun; `sick`: the release's web is unhealthy. */
struct scripted *person_begins_release(uint64_t seed, const struct person_choice *choice,
                                       bool sick);
/* One command line without the program's name; its exit status. */
int person_runs(struct scripted *scripted, const char *line);
const char *person_said(void); /* by the last command: both outputs */
/* The state of the open deployment, or of the last one. "" = there is none. */
const char *person_state(struct scripted *scripted);

/* The figures of the configuration, for whoever verifies. */
int person_window_ms(const struct person_choice *choice);
int person_interval_ms(const struct person_choice *choice);
int person_rollback_ms(const struct person_choice *choice);

#endif
