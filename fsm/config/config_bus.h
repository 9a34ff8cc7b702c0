/* fsm/config/config_bus: whether the keys of `bus` go together, and which login they come to.
 * Private to fsm/config. */
#ifndef FSM_CONFIG_BUS_H
#define FSM_CONFIG_BUS_H

#include "fsm/config/config_field.h"

/* Fills login and credential. ERROR_CONFIG at the key that does not fit. */
enum error_code bus_settle(const struct field_file *file, struct setup_bus *bus,
                           struct error *error) CHECKED;

#endif
