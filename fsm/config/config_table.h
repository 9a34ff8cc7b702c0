/* fsm/config/config_table: every key of titan.yml, with its kind, its place and its bounds, and the
 * values that hold where it is absent. Private to fsm/config. */
#ifndef FSM_CONFIG_TABLE_H
#define FSM_CONFIG_TABLE_H

#include "fsm/config/config.h"
#include "fsm/config/config_checklist.h"
#include "fsm/config/config_field.h"

/* What the file is read into. What is not in its final form is settled by config.c. */
struct draft {
    struct config config;
    const char *agent_key;
    int64_t output_bytes_max;
    struct checklist_draft checklist;
};

extern const struct field draft_fields[]; /* of the top level; fills a struct draft */
void draft_set_defaults(struct draft *draft);

#endif
