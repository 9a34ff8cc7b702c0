/* fsm/terminal/progress: what the operator sees while a deployment moves. Nothing is decided here,
 * and untrusted text is escaped.
 * Forms:     one JSON object a line with --json (fsm/terminal/events.md is its schema); else, where
 *            standard output is a terminal that can (screen.h), a frame drawn from the journal
 *            (display_read.h), redrawn in place, with whatever is worth keeping as a line above it;
 *            else plain lines with the time of day in front (of the entry, where driver->told_utc
 *            is set: whoever reads it later did not see it happen then).
 * --quiet:   plain lines of what did not succeed, of questions and of the end only, and no frame.
 */
#ifndef FSM_PROGRESS_H
#define FSM_PROGRESS_H

#include "fsm/terminal/changes.h"
#include "fsm/driver.h"

/* Takes the terminal where there is one; driver->screen is NULL else. Without memory it goes on in
 * plain lines. */
void progress_open(struct driver *driver);
/* Leaves the last frame standing; what is said behind it are plain lines. */
void progress_close(struct driver *driver);
/* Draws the deployment as the journal has it now. Nothing without a terminal. */
void progress_look(const struct driver *driver);

void progress_step(const struct driver *driver, const struct transition *edge, bool adopted);
void progress_transition(const struct driver *driver, const struct transition *edge,
                         const char *reason);
void progress_reconciliation(const struct driver *driver, const char *action, const char *found,
                             const char *then, const char *reason);
void progress_sample(const struct driver *driver, int64_t number, int64_t elapsed_ms,
                     int64_t window_ms, const char *summary);
void progress_word(const struct driver *driver, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void progress_changes(const struct driver *driver, const struct changes *changes);
/* At the end: how long services were unavailable and Execution disarmed. Nothing where no service
 *             was touched. */
void progress_outage(struct driver *driver);
/* What a pull printed last. On the terminal only. */
void progress_pull(const struct driver *driver, const char *line);

/* Between the two the terminal belongs to a question. */
void progress_pause(const struct driver *driver);
void progress_resume(const struct driver *driver);

#endif
