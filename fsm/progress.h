/* fsm/progress: what the operator sees while a deployment moves. Plain lines on standard output, or one JSON object a line.
 * Untrusted text is escaped. Nothing is decided here. */
#ifndef FSM_PROGRESS_H
#define FSM_PROGRESS_H

#include "fsm/changes.h"
#include "fsm/driver.h"

void progress_step(const struct driver *driver, const struct transition *edge, bool adopted);
void progress_transition(const struct driver *driver, const struct transition *edge, const char *reason);
void progress_reconciliation(const struct driver *driver, const char *action, const char *found, const char *then, const char *reason);
void progress_sample(const struct driver *driver, int64_t number, int64_t elapsed_ms, int64_t window_ms, const char *summary);
void progress_word(const struct driver *driver, const char *format, ...) __attribute__((format(printf, 2, 3)));
void progress_changes(const struct driver *driver, const struct changes *changes);
/* Between the two the terminal belongs to a question. */
void progress_pause(const struct driver *driver);
void progress_resume(const struct driver *driver);

#endif
