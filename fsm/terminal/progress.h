/* fsm/terminal/progress: what the operator sees while a deployment advances. Decides nothing;
 * escapes untrusted text.
 * Forms:     one JSON object a line with --json (fsm/terminal/events.md is its schema); else,
 *            where standard output is a terminal that can (screen.h), a frame drawn from the
 *            journal (display_read.h), redrawn in place, with lines to keep above it; else plain
 *            lines that begin with the time of day (of the entry being replayed, where
 *            driver->told_utc is set).
 * --quiet:   plain lines of failures, questions and the end only; no frame. */
#ifndef FSM_PROGRESS_H
#define FSM_PROGRESS_H

#include "fsm/terminal/changes.h"
#include "fsm/driver.h"

/* Opens the screen if there is a terminal; otherwise, or without memory, driver->screen stays NULL
 * and lines are plain. */
void progress_open(struct driver *driver);
/* Leaves the last frame on the terminal; later output is plain lines. */
void progress_close(struct driver *driver);
/* Draws the deployment from the journal. Does nothing without a screen. */
void progress_look(const struct driver *driver);

void progress_step(const struct driver *driver, const struct transition *edge, bool adopted);
void progress_transition(const struct driver *driver, const struct transition *edge,
                         const char *reason);
void progress_reconciliation(const struct driver *driver, const char *action, const char *found,
                             const char *then, const char *reason);
#define PROGRESS_SETTLING "something is still starting; the window counts from its end"
void progress_sample(const struct driver *driver, int64_t number, int64_t elapsed_ms,
                     int64_t window_ms, const char *summary);
void progress_word(const struct driver *driver, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void progress_changes(const struct driver *driver, const struct changes *changes);
/* At the end: how long services were unavailable and Execution disarmed. Prints nothing if no
 * service was changed. */
void progress_outage(struct driver *driver);
/* The last line that a pull printed. On a screen only. */
void progress_pull(const struct driver *driver, const char *line);

/* Between these two there is no frame, for a question. */
void progress_pause(const struct driver *driver);
void progress_resume(const struct driver *driver);

#endif
