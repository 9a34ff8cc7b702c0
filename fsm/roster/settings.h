/* fsm/roster/settings: what a verdict depends on beside the roster (services, endpoints, patterns,
 * limits, checklist, approvals): pinned by genesis, replaced by `settings` entries of an
 * administrator.
 * Format: journal/FORMAT.md, "Bodies", settings; A-04.
 * Cost:   the entries since the last call; the rest is a cache in the journal's derived state. */
#ifndef FSM_ROSTER_SETTINGS_H
#define FSM_ROSTER_SETTINGS_H

#include "fsm/driver.h"

/* The body that is in force, owned by the caller, and the entry that holds it (0 = genesis). */
enum error_code settings_load(struct journal *journal, json_t **ret_body, uint64_t *ret_entry,
                              struct error *error) CHECKED;
/* The first key of which the configuration differs from `body`; NULL = none. `now` is a genesis or
 * settings body of the configuration. */
const char *settings_difference(const json_t *body, const json_t *now);

#endif
