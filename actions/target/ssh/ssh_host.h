/* actions/target/ssh/ssh_host: which key a host may show.
 * Knows:     where known_hosts lies, and what follows from what it says: libssh and known_hosts.h
 *            must both find the key, and it must not be revoked.
 * Files:     target.known_hosts alone, else those that OpenSSH reads without a configuration. They
 *            are given to libssh by name, so that an ssh_config names no others. */
#ifndef ACTIONS_SSH_HOST_H
#define ACTIONS_SSH_HOST_H

#include "actions/target/setup.h"
#include "journal/format/bytes.h"

#include <stdbool.h>

#include <libssh/libssh.h>

enum { SSH_HOST_PATH_MAX = 4096 };

struct ssh_host {
    char own[SSH_HOST_PATH_MAX]; /* the user's file */
    const char *global;
    struct bytes texts; /* of all the files */
};
void ssh_host_clear(struct ssh_host *host);
#define CLEANUP_SSH_HOST __attribute__((cleanup(ssh_host_clear)))

/* ERROR_HOST_REFUSED where a file cannot be read; one that is missing is empty, but for the one
 * that is configured. */
enum error_code ssh_host_read_files(const struct setup_target *setup, struct ssh_host *host,
                                    struct error *error) CHECKED;
bool ssh_host_set_files(ssh_session session, const struct ssh_host *host);
/* Of a connected session. ret_fingerprint: "SHA256:..." of the key that it showed. */
enum error_code ssh_host_check(ssh_session session, const struct setup_target *setup,
                               const struct ssh_host *host, char ret_fingerprint[64],
                               struct error *error) CHECKED;
enum error_code ssh_host_refused(const struct setup_target *setup, const char *what,
                                 const char *next, struct error *error);

#endif
