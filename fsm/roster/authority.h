/* fsm/roster/authority: what the roster in force lets this run of titan-fsm do.
 * Knows:     whose key is used and who drives the deployment; the roster itself is roster.h, the
 *            verifier's own rule is verify/judge/authority.c.
 * Rule:      an operator who was removed since they opened or took over may only disarm, abort and
 * roll back (journal/FORMAT.md, "Who signs what"). */
#ifndef FSM_AUTHORITY_H
#define FSM_AUTHORITY_H

#include "fsm/driver.h"
#include "fsm/roster/roster.h"

/* Who drives: the operator who opened, or took over last. Borrowed. */
struct holder {
    const char *principal;
    uint8_t key[KEY_BYTES];
};
enum error_code authority_holder(const struct deployment *deployment, struct holder *ret_holder,
                                 struct error *error) CHECKED;

/* Whoever moves a deployment is its holder: principal and public key of the configuration, no
 * passphrase, no target asked. Else ERROR_KEY_REFUSED, without an entry, which names him. A session
 * key lies beside the journal and goes along with a plain copy of it; this keeps anybody else from
 * driving in the holder's name with it, and the holder himself once somebody took over. It is no
 * lock against a forger, who would not use this program. */
enum error_code authority_check_holder(const struct driver *driver, struct error *error) CHECKED;

/* The unlocked own key, under the configured principal, is in the role now; else ERROR_KEY_REFUSED:
 * strangers are refused without an entry. */
enum error_code authority_check_own(struct driver *driver, enum roster_role role,
                                    struct error *error) CHECKED;

/* Only an operator of the roster in force goes forward with such an action. */
bool authority_goes_forward(const struct transition *edge);
/* *ret_why: one sentence when the driving operator was removed since, "" when they may go forward;
 * looked at over the *ret_size entries that the journal has. */
enum error_code authority_look(struct driver *driver, char *ret_why, size_t room,
                               uint64_t *ret_size, struct error *error) CHECKED;
/* For a command that belongs to going forward: refused, and the refusal recorded. The session key
 * is open. */
enum error_code authority_check_forward(struct driver *driver, const char *event,
                                        struct error *error) CHECKED;

/* Who signed an entry of this deployment, for people: a principal of the roster in force then, "the
 * session key of alice", or "an unknown key". */
void authority_name_signer(struct driver *driver, const struct journal_entry *entry, char *ret_name,
                           size_t size);

#endif
