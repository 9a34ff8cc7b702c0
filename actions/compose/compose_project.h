/* actions/compose/compose_project: the name under which compose keeps the containers of the
 * target's directory.
 * Source:    the configured name; else compose's own default: what its rendered file is called
 *            (version 2), else, as either version finds it, COMPOSE_PROJECT_NAME of the environment
 *            or of the env file, `name:` of the file, the directory of the file.
 * Once:      a name that was found stays with the target (target_project()): what a deployment
 *            brings may not move it to another stack.
 * Errors:    ERROR_REMOTE where nothing gives a name that compose would take. */
#ifndef ACTIONS_COMPOSE_PROJECT_H
#define ACTIONS_COMPOSE_PROJECT_H

#include "actions/target/target.h"

/* Asks compose again, whatever is known. Evidence: compose.project. */
enum error_code compose_find_project(struct target *target, struct evidence *evidence,
                                     char ret_name[PROJECT_NAME_MAX], struct error *error) CHECKED;
/* So that target_project() is known from here on. Reads files and waits for no program, because a
 * DISARM may wait for it: ERROR_REMOTE where only compose could tell. */
enum error_code compose_learn_project(struct target *target, struct error *error) CHECKED;
/* The same from a configuration that was rendered for something else; it ends in NUL. */
enum error_code compose_learn_project_from(struct target *target, const char *rendered, size_t size,
                                           struct error *error) CHECKED;
/* From here on; and no password that is part of it is redacted from the names of containers. */
enum error_code compose_know_project(struct target *target, const char *name, struct error *error)
    CHECKED;

/* As far as it is known; else the name of the target's directory, for who cannot wait for compose.
 */
void compose_name_project(struct text *name, const struct target *target);
/* The same, quoted for a script. */
void compose_add_project(struct text *script, const struct target *target);

#endif
