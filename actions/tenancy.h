/* actions/tenancy: which driver may change the target. One file there, deployment.json, replaced
 * atomically under a short lock of its own.
 * Knows:     its fields and the rules by which a tenancy is taken, renewed and taken over; not the
 *            procedure.
 * Form:      one line of JSON, keys in this order: journal, deployment (0 = free), epoch, head_seq,
 *            head_hash, holder, boot, expires_ms, guard.
 * Expiry:    expires_ms is the target's uptime on the boot that `boot` names; on another boot the
 *            tenancy has expired. Only the tenancy expires, the open deployment does not.
 * Copies:    the head in the file only moves forward. A journal that lacks that entry is an older
 *            copy, or one that was continued differently, and is refused: of two copies of a
 * journal only one drives, even with the same session key. Evidence:  tenancy, with the file as it
 * stands after the step. */
#ifndef ACTIONS_TENANCY_H
#define ACTIONS_TENANCY_H

#include "actions/target/target.h"
#include "actions/tenancy_rules.h"

enum error_code tenancy_parse(const struct bytes *text, struct tenancy *ret_tenancy,
                              struct error *error) CHECKED;
enum error_code tenancy_read(struct target *target, struct evidence *evidence,
                             struct tenancy *ret_tenancy, struct error *error) CHECKED;
/* ERROR_HELD: another journal's open deployment, another unexpired tenancy, or a head that our
 * journal does not have. Taking it again for the same deployment renews it and keeps the epoch. */
enum error_code tenancy_take(struct target *target, const struct tenancy_terms *terms,
                             struct evidence *evidence, struct tenancy *ret_tenancy,
                             struct error *error) CHECKED;
/* Frees the target; it keeps the journal's id and the epoch. Idempotent. */
enum error_code tenancy_free(struct target *target, const struct tenancy_terms *terms,
                             struct evidence *evidence, struct error *error) CHECKED;

/* Head and expiry move forward, the epoch stays. ERROR_HELD when another driver took over, or when
 * another copy drives. An expired tenancy that was not taken over is renewed; a target that we
 * freed ourselves is left alone. Two short commands, no evidence. */
enum error_code tenancy_renew(struct target *target, const struct tenancy_terms *terms,
                              struct error *error) CHECKED;

/* ERROR_HELD where somebody took over, or another copy of the journal went on. What cannot be read
 * within `deadline_ms` says neither. */
enum error_code tenancy_ask(struct target *target, const struct tenancy_terms *terms,
                            int64_t deadline_ms, struct error *error) CHECKED;

/* Raises the file to terms->epoch, by the same rules. ERROR_HELD when another driver was quicker.
 */
enum error_code tenancy_follow(struct target *target, const struct tenancy_terms *terms,
                               struct error *error) CHECKED;

/* The target leaves the lost journal for terms->journal: free, epoch raised. ERROR_HELD before the
 * tenancy expires or when the head moved; ERROR_REFUSED where the target belongs to neither.
 * Idempotent. */
enum error_code tenancy_succeed(struct target *target, const struct tenancy_terms *terms,
                                const struct tenancy_lost *lost, struct evidence *evidence,
                                struct error *error) CHECKED;

#endif
