/* actions/target/ssh/ssh_pattern: the patterns of ssh_config(5) and known_hosts: `*` and `?`. */
#ifndef ACTIONS_SSH_PATTERN_H
#define ACTIONS_SSH_PATTERN_H

#include <stdbool.h>
#include <stddef.h>

/* `host` in lower case; the `length` bytes of `pattern` in any. */
bool ssh_pattern_matches(const char *host, const char *pattern, size_t length);

#endif
