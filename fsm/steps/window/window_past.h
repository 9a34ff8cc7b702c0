/* fsm/steps/window_past: what the journal already tells of the health window, and until when the
 * window may begin. */
#ifndef FSM_STEPS_WINDOW_PAST_H
#define FSM_STEPS_WINDOW_PAST_H

#include "fsm/step.h"

/* The samples that the open intent has in the journal already. */
struct window_past {
    /* sent_ns of their first evidence; first_ns is of the first one behind which nothing settles */
    int64_t count, first_ns, last_ns;
    bool same_boot, settling; /* something of the last one was still starting */
};
struct window_past window_past(const struct deployment *deployment, uint64_t intent,
                               const char *boot);
bool window_has_sample(const struct journal_entry *entry, uint64_t intent);
/* When the last answer of the last sample was received; 0 where there is none. */
int64_t window_watched_ns(const struct deployment *deployment);
/* The last sample was recorded in this boot of the driver's machine: in another one nobody can tell
 * how long nobody watched. True where there is no sample. */
bool window_watched_in(const struct deployment *deployment, const char *boot);
/* Before its first sample a window waits no longer than for its start, counted from its intent. */
bool window_begins_too_late(const struct deployment *deployment, uint64_t intent,
                            const struct clock_reading *now, int64_t limit_ms);
/* W-03: a limit after ARM was observed, where the step comes behind it, and of a release a limit
 * after the last switching command returned; 0, which is over, where one of these was in another
 * boot of the driver's machine. */
int64_t window_latest_start_ns(const struct step *step, const char *boot);
/* The step fails where the window cannot begin in time any more: nothing is armed then. */
enum error_code window_check_in_time(struct step *step, struct error *error);

#endif
