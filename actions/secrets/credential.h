/* actions/secrets/credential: a credential of the tool's own (that of the bus, a bearer token),
 * read from a file of this machine for one use.
 * Knows:     that nobody else may read such a file, and that its line end is no part of it; not
 *            what the credential is for. That it never comes back from anywhere is secrets.h.
 * Ownership: the bytes are the caller's; bytes_free() wipes them. */
#ifndef ACTIONS_CREDENTIAL_H
#define ACTIONS_CREDENTIAL_H

#include "journal/format/world.h"

enum { CREDENTIAL_BYTES_MAX = 16384 }; /* a .creds file has more than one KiB */

/* `what` names it in the error: "the bus password file". ERROR_KEY_REFUSED unless it is a file that
 * only its owner may read. */
enum error_code credential_read_file(const struct world_disk *disk, const char *path,
                                     const char *what, struct bytes *ret_credential,
                                     struct error *error) CHECKED;

#endif
