/* actions/script: the user's own verification, and the search of this start's logs for error
 * patterns.
 * Evidence:  script, logs.errors (journal/FORMAT.md). */
#ifndef ACTIONS_SCRIPT_H
#define ACTIONS_SCRIPT_H

#include "actions/compose/declared.h"
#include "actions/target/target.h"

/* Runs setup.verify.script where there is one. *ret_status is its exit status, 0 where there is
 * none. */
enum error_code script_run(struct target *target, int64_t deadline_ms, struct evidence *evidence,
                           int *ret_status, struct error *error) CHECKED;

/* Fetches the last setup.verify.log_lines lines of every container that is ours since its start and
 * looks for the configured error patterns. *ret_found: one was found; ret_text names service and
 * line. */
enum error_code script_search_errors(struct target *target, const struct declared *declared,
                                     const struct containers *containers, struct evidence *evidence,
                                     bool *ret_found, char *ret_text, size_t capacity,
                                     struct error *error) CHECKED;

#endif
