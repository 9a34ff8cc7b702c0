/* fsm/config/config_load: reads titan.yml into a struct config, and shows it as JSON.
 * Ownership: config_free() releases what config_load() filled.
 * Errors:    ERROR_CONFIG with file:line:column; ret_* is untouched. */
#ifndef FSM_CONFIG_LOAD_H
#define FSM_CONFIG_LOAD_H

#include <jansson.h>

#include "fsm/config/config.h"
#include "journal/format/world.h"

enum error_code config_load(const struct world *world, const char *path, struct config *ret_config,
                            struct error *error) CHECKED;
/* Only what a DISARM needs of it: how the target, its bus and its services are reached. The other
 * sections are not read, whatever stands there, and stay empty. */
enum error_code config_load_reach(const struct world *world, const char *path,
                                  struct config *ret_config, struct error *error) CHECKED;
/* The same file as one object, every key with the value in force, defaults included; keys that an
 * item's probe does not use are left out. The caller's. */
enum error_code config_show(const struct world *world, const char *path, json_t **ret_json,
                            struct error *error) CHECKED;
#endif
