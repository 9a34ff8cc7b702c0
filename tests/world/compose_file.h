/* tests/world/compose_file: compose files of mappings only, as docker-compose reads and prints
 * them: later ones over the first, variables from the env file, an unset one blanked with a
 * warning. */
#ifndef WORLD_COMPOSE_FILE_H
#define WORLD_COMPOSE_FILE_H

#include <jansson.h>

#include "tests/world/sh.h"

/* NULL, with a word on standard error, where it does not render. */
json_t *compose_file_load(struct sh *shell, const char *const *files, size_t count,
                          const char *env_file);
/* A key of the env file, NULL = none. */
const char *compose_file_value(struct sh *shell, const char *env_file, const char *key);
void compose_file_print(struct sh *shell, const json_t *model);

#endif
