/* actions/target/ssh/ssh_config: values of an ssh_config(5) that libssh does not read, or does not
 * tell.
 * Knows:     `Host` with its patterns, `Match all`, and that the first value wins; not `Include`,
 *            and no other `Match`: what stands in those is libssh's alone. */
#ifndef ACTIONS_SSH_CONFIG_H
#define ACTIONS_SSH_CONFIG_H

#include "journal/format/bytes.h"

/* The value of `keyword` (in lower case) for `host` as the operator names it; "" where there is
 * none. ERROR_LIMIT where it does not fit. */
enum error_code ssh_config_find(const struct bytes *text, const char *host, const char *keyword,
                                char *ret_value, size_t size, struct error *error) CHECKED;

#endif
