/* actions/compose/compose_learn: what else of a target must not be recorded, learned when it is
 * connected.
 * Knows:     that the file is rendered and read once, and the files that it names; what is taken
 *            from them is compose_secrets.h's. Every later rendering teaches again.
 * Errors:    only that the target cannot be reached, or no memory. A file that does not render
 *            teaches nothing: whoever needs it says so. */
#ifndef ACTIONS_COMPOSE_LEARN_H
#define ACTIONS_COMPOSE_LEARN_H

#include "actions/compose/view/compose_view.h"
#include "actions/target/target.h"

/* What a key of the env file is worth to the compose that is there: the first variable of the first
 * service of the view. For keys that are written as a variable's name; ERROR_REMOTE otherwise, and
 * where compose refuses. */
enum error_code compose_ask(struct target *target, const char *key, struct compose_view **ret_view,
                            struct error *error) CHECKED;
enum error_code compose_learn(struct target *target, struct error *error) CHECKED;

#endif
