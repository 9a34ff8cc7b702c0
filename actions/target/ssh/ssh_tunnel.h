/* actions/target/ssh/ssh_tunnel: one connection of this machine to a port that the target can
 * reach. Knows:     a session that is open and logged in, and a loopback port that accepts once.
 * Threads:   the session belongs to the tunnel's thread until the forward is closed: one at a time.
 * Ownership: the session is borrowed; the forward releases everything else when it is closed. */
#ifndef ACTIONS_SSH_TUNNEL_H
#define ACTIONS_SSH_TUNNEL_H

#include "actions/target/target_backend.h"

#include <libssh/libssh.h>

/* *used is true while the forward is open. */
enum error_code ssh_tunnel_open(ssh_session session, bool *used, const char *host, int port,
                                struct target_forward **ret_forward, struct error *error) CHECKED;

#endif
