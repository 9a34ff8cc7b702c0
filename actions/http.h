/* actions/http: one GET on a connection of its own. The only file that includes curl.h is http.c.
 * Knows:     status and body, time and size caps; follows no redirect, reuses no connection, keeps no cookie.
 * Secrets:   the body comes redacted. */
#ifndef ACTIONS_HTTP_H
#define ACTIONS_HTTP_H

#include "actions/target.h"

enum { HTTP_BODY_BYTES_MAX = 65536 };

/* url as seen from the target. *ret_status is the HTTP status, 0 where none came back (refused, timeout, too large: that is an answer too). */
enum error_code http_get(struct target *target, const char *url, int64_t timeout_ms, int *ret_status, struct bytes *ret_body, struct error *error) CHECKED;

#endif
