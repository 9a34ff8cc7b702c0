/* actions/compose/compose_secrets: what the services of a compose file hold that must not be
 * recorded, besides the env file of the setup.
 * Knows:     where a rendered file has secrets (any value under a key that looks so, words of a
 *            command, passwords in addresses, secrets and configs that are files), and the
 *            `env_file:` of services in the file that it was rendered from. What counts as secret
 *            is secrets.h's.
 * Untrusted: both texts.
 * Secrets:   both texts are the caller's, in locked memory. */
#ifndef ACTIONS_COMPOSE_SECRETS_H
#define ACTIONS_COMPOSE_SECRETS_H

#include "actions/secrets/secrets.h"

/* Teaches what a rendered configuration holds, and settles. One that cannot be read teaches
 * nothing. */
enum error_code compose_secrets_learn(struct secrets *secrets, const char *rendered, size_t size,
                                      struct error *error) CHECKED;
/* The paths, each ended by a NUL and at most COMPOSE_PATHS_MAX of them, of the services' own env
 * files as they stand in the source, and of the secrets that are files in the rendered
 * configuration. */
enum { COMPOSE_PATHS_MAX = 16 };
enum error_code compose_secrets_env_files(const char *source, size_t size, struct bytes *ret_paths,
                                          struct error *error) CHECKED;
enum error_code compose_secrets_files(const char *rendered, size_t size, struct bytes *ret_paths,
                                      struct error *error) CHECKED;

#endif
