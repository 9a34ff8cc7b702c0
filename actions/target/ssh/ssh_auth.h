/* actions/target/ssh/ssh_auth: logs in with a key.
 * Keys:      target.identity alone, where it is given: a private key without a passphrase from its
 *            file; a sealed one, or a public one, through the ssh-agent, which is shown no other
 *            key. Without it the agent's keys, then those of ssh_config or of ~/.ssh. */
#ifndef ACTIONS_SSH_AUTH_H
#define ACTIONS_SSH_AUTH_H

#include <libssh/libssh.h>

#include "actions/target/setup.h"
#include "journal/format/error.h"

/* `session`: connected, its host checked. `agent`: path of the ssh-agent's socket, "" = none.
 * ERROR_KEY_REFUSED: no key, or not accepted; ERROR_UNREACHABLE: the connection was lost. */
enum error_code ssh_auth_login(ssh_session session, const struct setup_target *setup,
                               const char *agent, struct error *error) CHECKED;

#endif
