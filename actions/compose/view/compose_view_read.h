/* actions/compose/view/compose_view_read: makes a view of a rendered configuration.
 * Knows:     the forms of either program (long and short, map and list). YAML is read only here, in
 *            compose_mounts.c, compose_reader.c, compose_secrets.c and compose_yaml.c.
 * Untrusted: both texts; aliases are followed by hand and in bounds. */
#ifndef ACTIONS_COMPOSE_VIEW_READ_H
#define ACTIONS_COMPOSE_VIEW_READ_H

#include "actions/compose/view/compose_view.h"

/* Reads a rendered configuration and the file that it was rendered from (`source` NULL: no lines
 * are wanted). Both stay the caller's. ERROR_PROTOCOL where the rendered text has no services that
 * can be read; a source that cannot be read has no lines. */
enum error_code compose_view_read(const char *rendered, size_t rendered_bytes, const char *source,
                                  size_t source_bytes, struct compose_view **ret_view,
                                  struct error *error) CHECKED;

#endif
