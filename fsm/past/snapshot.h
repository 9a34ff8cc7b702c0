/* fsm/past/snapshot: what ran before this deployment, as the transition into `connected` recorded
 * it: what a rollback restores. Source:    the raw evidence of that entry, read again from the
 * journal, so that any machine with the journal can go on. Identity:  of a service is its image id;
 * a service counts when the compose file of that commit declared it. */
#ifndef FSM_SNAPSHOT_H
#define FSM_SNAPSHOT_H

#include "actions/compose/kept.h"
#include "actions/git.h"
#include "actions/interlock.h"
#include "fsm/driver.h"

struct snapshot {
    char commit[COMMIT_HEX + 1], branch[128];
    /* hmac_key: of the fingerprints; under another one they cannot be compared */
    char hmac_key[SHA256_HEX + 1], config_hmac[SHA256_HEX + 1], env_hmac[SHA256_HEX + 1],
        env_mode[40];
    /* Which env file the containers run with (kept.h): the good one, of HMAC and mode above, or
     * else the one that was found. */
    bool env_good;
    char policy_hash[SHA256_HEX + 1]; /* "" where it was not known, or there is none */
    enum interlock interlock;         /* UNKNOWN the same */
    bool missing; /* Execution or Brain did not run, or nobody replied for the hash */
    bool replied; /* somebody did */
    /* Endpoints that were not healthy, in the order of the configuration. */
    bool sick[SETUP_NAMES_MAX];
    struct declared declared;     /* as the file declared them then */
    struct containers found;      /* all, whatever their state */
    struct containers containers; /* one of each declared service that ran, to be restored */
    struct containers ran;        /* all that ran, of every service */
    struct images images;         /* addresses to fetch them again */
    struct configurations configurations; /* as declared and as running, then */
};

/* Filled in place, because it is too large for the stack: worthless after an error. ERROR_DAMAGED
 * where the deployment never reached `connected`. */
enum error_code snapshot_load(struct driver *driver, struct snapshot *snapshot, struct error *error)
    CHECKED;

#endif
