/* fsm/roster/genesis: the body of a journal's first entry, as the configuration has it now: what
 * `init` pins and `begin` compares with.
 * Format:    journal/FORMAT.md, "Bodies", genesis. */
#ifndef FSM_GENESIS_H
#define FSM_GENESIS_H

#include "fsm/driver.h"

/* NULL when memory is short. */
json_t *genesis_json(const struct config *config, const char *host_key);
/* The body of a `settings` entry: what genesis pins beside target and roster, and the reason. */
json_t *genesis_settings_json(const struct config *config, const char *reason);
json_t *genesis_list_json(const char *const *items, size_t count);
/* The operator who begins the journal is in the roster that it pins, and there are enough approvers
 * for the approvals that it requires. */
enum error_code genesis_check_roster(const struct driver *driver, const json_t *lines,
                                     struct error *error) CHECKED;

#endif
