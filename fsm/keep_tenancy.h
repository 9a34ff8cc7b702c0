/* fsm/keep_tenancy: this journal's tenancy of the target, from `connected` to the end of the
 * deployment.
 * Knows:     how the terms are made of the journal's head, when the tenancy is renewed and when it
 * is given back; the rules are actions/tenancy's. When:      after each intent, so that the head in
 * the terms is one that no other copy of the journal has: of two copies one goes on. make_safe
 * waits for none of it: a driver asks once, before it begins. A window renews when a third of the
 * time has passed. Errors:    ERROR_HELD stops everywhere: somebody else drives; where they took
 * over, the session keys of this copy are wiped. Any other failed renewal is not fatal in hot
 * states, because each mutating command checks the epoch anyway. */
#ifndef FSM_KEEP_TENANCY_H
#define FSM_KEEP_TENANCY_H

#include "actions/tenancy.h"
#include "fsm/driver.h"

/* Terms and the text that they point to; not to be moved once they are made. */
struct kept_terms {
    struct tenancy_terms terms;
    char head_hash[SHA256_HEX + 1];
    char holder[128];
};

/* Of the journal's head as it is now; deployment and epoch are those of driver->lease. Borrows the
 * driver and *ret_kept itself. */
enum error_code keep_tenancy_terms(struct driver *driver, struct kept_terms *ret_kept,
                                   struct error *error) CHECKED;

/* Our own files on the target (state.h): looked at before a step, ERROR_REMOTE where one is
 * damaged; mended on the way back and by a takeover, and said. */
enum keep_care { KEEP_INVALID = 0, KEEP_LOOKS, KEEP_MENDS };
enum error_code keep_tenancy_look_after(struct driver *driver, struct target *target,
                                        enum keep_care care, const char *garbage,
                                        struct error *error) CHECKED;

/* On the way back, before anything under the lock: our own files are mended, and deployment.json is
 * written from the journal where it is missing, older, or cannot be read. */
enum error_code keep_tenancy_restore(struct driver *driver, struct error *error) CHECKED;

/* Before a driver's first act: ERROR_HELD where somebody took over, or another copy of the journal
 * went on. A target that does not answer within some seconds stops nobody. */
enum error_code keep_tenancy_ask(struct driver *driver, struct error *error) CHECKED;

/* Before the act of `edge`. Nothing to do before `connected`. */
enum error_code keep_tenancy_renew(struct driver *driver, const struct transition *edge,
                                   struct error *error) CHECKED;
/* Between two samples. */
enum error_code keep_tenancy_renew_when_due(struct driver *driver, struct error *error) CHECKED;

/* Whether the target's tenancy is this deployment's. Evidence: tenancy. */
enum error_code keep_tenancy_is_ours(struct driver *driver, struct target *target,
                                     struct evidence *evidence, struct tenancy *ret_tenancy,
                                     bool *ret_ours, struct error *error) CHECKED;
/* Lets the held images go and frees the target. Repeated after an interruption, it finds the target
 * free and leaves it so. Evidence: tenancy (act). */
enum error_code keep_tenancy_free(struct driver *driver, struct target *target,
                                  struct evidence *evidence, struct error *error) CHECKED;

#endif
