/* actions/compose/compose_render: the compose file of the target, rendered with its env file by
 * whichever program is there.
 * Knows:     how it is asked for, what a variable that is blanked and a file that does not render
 *            look like, and the line at which either stands; not what is done with it.
 * Errors:    ERROR_REMOTE where it does not render or leaves a variable unset: `where` is
 *            FILE:LINE, `what` names the variable. Nothing is quoted of the file.
 * Secrets:   the rendered text holds secrets: compose_config()'s caller wipes it; the others keep
 *            it in locked memory and wipe it. */
#ifndef ACTIONS_COMPOSE_RENDER_H
#define ACTIONS_COMPOSE_RENDER_H

#include "actions/compose/view/compose_view.h"
#include "actions/compose/declared.h"
#include "actions/target/target.h"

struct declared_service {
    char service[64], image[256];
    bool built, pulls_always; /* pull_policy: always */
};

/* What the rendered file declares: services with the name of their image ("" where it is only
 * built), in the order of their names. */
struct compose_model {
    struct declared_service services[SETUP_NAMES_MAX];
    size_t count;
    struct declared declared; /* what is recorded of them */
};

/* "C [-p P] -f F [-f O] [--env-file E] " appended to a script, the command detected where it is
 * "auto"; F is the configured file, or each of them, or
 * the one given. Without a name of the project as long as
 * none is known (compose_project.h). */
void compose_prefix_file(struct text *script, const struct target *target, const char *file,
                         const char *override);
void compose_prefix(struct text *script, const struct target *target, const char *override);
/* Without -p, whatever is known: compose finds the name by itself. */
void compose_prefix_unnamed(struct text *script, const struct target *target);

enum error_code compose_config(struct target *target, struct target_result *ret_result,
                               struct error *error) CHECKED;
/* With the lines of the compose file. */
enum error_code compose_view_open(struct target *target, struct compose_view **ret_view,
                                  struct error *error) CHECKED;
/* Renders the file and reads services and images. Evidence: compose.services. */
enum error_code compose_render(struct target *target, struct evidence *evidence,
                               struct compose_model *ret_model, struct error *error) CHECKED;

#endif
