/* actions/target/ssh/ssh_agent: the way of libssh to the user's ssh-agent (draft-miller-ssh-agent).
 * Why own:   libssh offers the server every key that the agent holds, and a server that counts
 *            attempts refuses before the right one; and it waits for ever for an agent that is
 *            stopped, or whose forwarded connection is dead.
 * Knows:     which key is asked for, and how long an answer may take; not what is signed.
 * Ownership: ssh_agent_close() ends the thread and releases; it takes NULL. */
#ifndef ACTIONS_SSH_AGENT_H
#define ACTIONS_SSH_AGENT_H

#include <stdbool.h>

#include "journal/format/bytes.h"

struct ssh_agent;

/* `socket`: path of the agent's socket, borrowed. `only`: the public key that is shown, as it goes
 * over the wire, borrowed; empty = all. *ret_descriptor speaks for the agent and is the caller's,
 * who closes it. */
enum error_code ssh_agent_open(const char *socket, const struct bytes *only,
                               struct ssh_agent **ret_agent, int *ret_descriptor,
                               struct error *error) CHECKED;
/* What was seen until now is returned once the thread has ended. */
struct ssh_agent_seen {
    bool answered; /* it listed its keys */
    bool held;     /* `only` was among them */
};
struct ssh_agent_seen ssh_agent_close(struct ssh_agent *agent);

#endif
