/* actions/target/ssh/ssh_connection: one session with the target: its host checked, logged in.
 * Config:    an ssh_config decides about port, HostName, ProxyJump and the like; what titan.yml
 *            says comes after it, and how strictly the host is checked is decided by neither.
 *            target.port 22 is the default of both, so that the Port of ssh_config counts there. */
#ifndef ACTIONS_SSH_CONNECTION_H
#define ACTIONS_SSH_CONNECTION_H

#include <libssh/libssh.h>

#include "actions/target/setup.h"
#include "journal/format/error.h"

/* ret_fingerprint: "SHA256:..." of the host key. ERROR_HOST_REFUSED, ERROR_KEY_REFUSED,
 * ERROR_UNREACHABLE, ERROR_CONFIG. *ret_session is released by ssh_connection_close(). */
enum error_code ssh_connection_open(const struct setup_target *setup, char ret_fingerprint[64],
                                    ssh_session *ret_session, struct error *error) CHECKED;
void ssh_connection_close(ssh_session session); /* takes NULL */

/* ERROR_UNREACHABLE, with what the library says of `session` (NULL: nothing). */
enum error_code ssh_connection_lost(const struct setup_target *setup, ssh_session session,
                                    const char *what, struct error *error);

#endif
