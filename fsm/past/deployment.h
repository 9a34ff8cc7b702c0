/* fsm/past/deployment: one deployment as its entries tell it, from `open` to the last one.
 * Knows:     how entries fold into a present state, an open intent, an end; it only reads.
 * Cost:      the entries of this one deployment, found from the head backwards: independent of the
 *            journal's length. Following it: the entries since the last time.
 * Ownership: deployment_clear() releases the entries; it leaves an empty deployment. */
#ifndef FSM_DEPLOYMENT_H
#define FSM_DEPLOYMENT_H

#include "actions/interlock.h"
#include "fsm/machine.h"
#include "journal/journal.h"

struct intent {
    uint64_t seq; /* 0 = none is open (0 is always genesis) */
    enum action action;
    char key[33];
    uint64_t repeats; /* the first intent with this key, or 0 */
    /* a reconciliation that leaves it open follows it: its act is adopted or awaits a person
     */
    bool interrupted;
};

struct deployment {
    uint64_t number; /* sequence number of its `open` */
    enum procedure procedure;
    enum state state;
    bool ended; /* completed, aborted, rolled_back, or a failed rollback that a person accepted */
    struct intent intent;
    uint64_t repeat_of; /* a reconciliation said `repeat`: the first intent with that key, else 0 */
    char repeat_key[33];
    struct journal_entry *entries;
    size_t count, capacity;
    uint64_t next; /* the first entry of the journal that is not folded in yet; 0 = load it whole */
};

void deployment_clear(struct deployment *deployment);

/* The latest deployment. *ret_found is false in a journal without one. */
enum error_code deployment_load(struct journal *journal, struct deployment *ret_deployment,
                                bool *ret_found, struct error *error) CHECKED;
/* The same, by folding in only the entries since the last time; whole the first time, after an
 * error, and when another deployment has begun. Entries borrowed before are invalid afterwards. */
enum error_code deployment_follow(struct journal *journal, struct deployment *deployment,
                                  bool *ret_found, struct error *error) CHECKED;

/* The last transition into `to` from another state, or NULL; borrowed. One that stays where it is
 * (a step tried in vain) brings no evidence of that state. */
const struct journal_entry *deployment_transition_to(const struct deployment *deployment,
                                                     enum state to);
const struct journal_entry *deployment_last_of_type(const struct deployment *deployment,
                                                    const char *type);
/* The entry that names the session key in force: the last takeover, else the open. Borrowed. */
const struct journal_entry *deployment_session(const struct deployment *deployment);
bool deployment_names_session(const struct journal_entry *entry);
/* An intent to connect exists, or a takeover: the target may have been taken, even where
 * `connected` was never reached. */
bool deployment_has_touched(const struct deployment *deployment);
/* An intent of this action exists: it may have been done in part. */
bool deployment_has_intent(const struct deployment *deployment, enum action action);
/* Of our tenancy of the target: as the last takeover says, or as it was taken; 0 before that. */
int64_t deployment_epoch(const struct deployment *deployment);
/* What the last transition into `to` says for later steps (the writer is step_fact()). Texts are ""
 * and the rest false or UNKNOWN where it says nothing. Borrowed. */
struct deployment_facts {
    const char *commit, *subject, *policy_hash, *drift, *health;
    const char *missing; /* of `connected`: of Execution, Brain and the responder; "" = nothing */
    const char *env;     /* what a rollback does to the env file, in words; "" = nothing special */
    const char *execution; /* id of Execution's container when it was made safe */
    bool policy_changed, rearm;
    bool down; /* of `connected`: no Execution ran; then interlock is UNKNOWN */
    enum interlock interlock;
    int64_t epoch;
};
struct deployment_facts deployment_facts(const struct deployment *deployment, enum state to);
/* The nonce of the DISARM since which Execution must have been disarmed: the one that this policy
 * change observed before anything else, or the one that answered a dangling ARM of its own since;
 * NULL = none was observed yet. Borrowed. */
const char *deployment_disarmed_by(const struct deployment *deployment);
/* What the last run of the checklist in this deployment found of an item: its evidence
 * (`preflight`), NULL where it never ran or did not know the item. *ret_entry is the transition
 * that holds it. Borrowed. */
const json_t *deployment_check(const struct deployment *deployment, const char *item,
                               const struct journal_entry **ret_entry);
/* Execution was armed before, and by what was recorded since it is not: re-created and left so, or
 * made safe on the way back. */
bool deployment_left_disarmed(const struct deployment *deployment);
const char *deployment_open_string(const struct deployment *deployment, const char *key);

#endif
