/* actions/guard/guard: the dead-man guard on the target: laid down, renewed, withdrawn, looked at.
 * Knows:     its files under the state directory, how a process is started that outlives this
 *            session, and what may start it again; not what its plan does (guard_plan.h), nor when
 *            it is needed.
 * Format:    journal/FORMAT.md, "Guard". Evidence: guard; guard.record where it has acted.
 * One actor: each change of its files is made under the target's lock and epoch; what has become
 *            due there is neither renewed nor withdrawn.
 * Start:     systemd (a system unit, or one of a user who lingers), cron (`@reboot`, and a process
 *            now), process (nothing starts it behind a reboot). */
#ifndef ACTIONS_GUARD_H
#define ACTIONS_GUARD_H

#include "actions/target/target.h"
#include "journal/format/text.h"

enum guard_state {
    GUARD_INVALID = 0,
    GUARD_LAID,
    GUARD_WITHDRAWN,
    GUARD_FIRED,
    GUARD_LOST, /* it does not run, or its plan is not whole */
    /* Not yet over, and never recorded: due, and not yet seen to act; at it. */
    GUARD_LATE,
    GUARD_ACTING,
};

struct guard_view {
    enum guard_state state;
    bool begun;
    char plan[SHA256_HEX + 1], start[16];
    char boot[BOOT_ID_LENGTH + 1];
    int64_t deadline_ms; /* uptime of the target on `boot`; 0 = not begun */
};

/* Of one deployment. Borrowed. */
struct guard_terms {
    const struct target_tenancy *tenancy;
    const char *plan;              /* SHA-256 of its text */
    const char *start;             /* how it was started; of guard_lay(): as configured */
    const struct guard_view *last; /* as it was seen last, where its files are gone; NULL = never */
};

/* systemd, cron, process: what would work here; `start` as configured. "" = none does. No evidence;
 * nothing is changed. */
enum error_code guard_find_start(struct target *target, const char *start, char ret_found[16],
                                 struct error *error) CHECKED;
/* Writes the plan and starts the guard. ERROR_REMOTE where it does not run then. */
enum error_code guard_lay(struct target *target, const struct guard_terms *terms,
                          const struct text *plan, struct evidence *evidence,
                          struct guard_view *ret_view, struct error *error) CHECKED;
/* From now on `ms` on the target's boot clock, and begun. Where it has fired, or is lost or late,
 * nothing is written and the view says so. */
enum error_code guard_renew(struct target *target, const struct guard_terms *terms, int64_t ms,
                            struct evidence *evidence, struct guard_view *ret_view,
                            struct error *error) CHECKED;
/* Seen gone. `past_due`: also one that is due, or has fired; a rollback of the driver's own, or an
 * abort, has taken its place. Idempotent. */
enum error_code guard_withdraw(struct target *target, const struct guard_terms *terms,
                               bool past_due, struct evidence *evidence,
                               struct guard_view *ret_view, struct error *error) CHECKED;
/* Says that a driver rolls back. Waits for no lock and reads no file, because DISARM went before
 * and the way back follows; no evidence. */
enum error_code guard_take_turn(struct target *target, struct error *error) CHECKED;
/* Where the target is free already, and may belong to another: it was withdrawn before that. */
enum error_code guard_look_for_gone(struct target *target, const struct guard_terms *terms,
                                    struct evidence *evidence, struct guard_view *ret_view,
                                    struct error *error) CHECKED;
/* How it stands; with its record where it has fired. */
enum error_code guard_look(struct target *target, const struct guard_terms *terms,
                           struct evidence *evidence, struct guard_view *ret_view,
                           struct error *error) CHECKED;
/* What an evidence item says. */
enum error_code guard_view_read(const struct bytes *line, struct guard_view *ret_view,
                                struct error *error) CHECKED;
/* A plan of another deployment lies there: ERROR_HELD, with how to remove it. */
enum error_code guard_check_none(struct target *target, int64_t deployment, struct error *error)
    CHECKED;

#endif
