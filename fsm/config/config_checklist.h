/* fsm/config/config_checklist: the part of titan.yml that says what must hold before a deployment:
 * `checklist` and `preflight`.
 * Knows:     the probes by their words, which fields each needs, and the standard's own items; not
 *            how a probe is carried out.
 * Rule:      `checklist: standard` (the default) begins with the standard's items, and `preflight`
 *            changes them by id or adds others; `checklist: own` is `preflight` alone. Private to
 *            fsm/config*.c. */
#ifndef FSM_CONFIG_CHECKLIST_H
#define FSM_CONFIG_CHECKLIST_H

#include "fsm/config/config_field.h"

struct checklist_words {
    struct setup_check check;
    const char *probe; /* "" = the probe that the standard's item of this id has */
};

struct checklist_draft {
    const char *begins_with; /* standard or own */
    bool begun;              /* the standard's items are in */
    struct checklist_words items[SETUP_CHECKS_MAX];
    size_t count;
};

extern const struct field checklist_fields[];
/* The item that entry `name` fills: the standard's, to be changed, or a new one; NULL when there is
 * no room. `base` is a checklist_draft. */
void *checklist_add(void *base, const char *name);
/* Item `index` with the keys that its probe uses, for config_show(); NULL after the last. */
const void *checklist_at(const void *base, size_t index, const char **ret_name,
                         const char **ret_keys);
enum error_code checklist_settle(const struct field_file *file, struct checklist_draft *draft,
                                 struct setup *setup, struct error *error) CHECKED;

#endif
