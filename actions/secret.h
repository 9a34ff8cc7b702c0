/* actions/secret: a credential of the tool's own (the bus password, a bearer token), read from a file for one use and wiped behind it.
 * Knows:     that nobody else may read such a file, and that its line end is no part of it; not what the credential is for.
 * Ownership: declare CLEANUP_SECRET; what is read is wiped and freed at the end of the scope. */
#ifndef ACTIONS_SECRET_H
#define ACTIONS_SECRET_H

#include "journal/bytes.h"

enum { SECRET_BYTES_MAX = 512 };

void secret_wipe(struct bytes *secret);
#define CLEANUP_SECRET __attribute__((cleanup(secret_wipe)))

void secret_cut_line_end(struct bytes *secret);
/* `what` names it in the error: "the bus password file". ERROR_KEY_REFUSED unless it is a file that only its owner may read. */
enum error_code secret_read_file(const char *path, const char *what, struct bytes *ret_secret, struct error *error) CHECKED;

#endif
