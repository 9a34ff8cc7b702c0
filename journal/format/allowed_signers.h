/* journal/format/allowed_signers: lines of an OpenSSH allowed_signers file (ssh-keygen(1), ALLOWED
 * SIGNERS), Ed25519 keys.
 * Knows:     the form of a line; not who may do what.
 * Errors:    a line with an unsupported option (cert-authority is one), a wildcard or negated
 *            principal, or a key of another type is an error that names the line; no line is
 *            skipped. valid-after and valid-before are read and kept, but nothing here compares
 * them with a clock: the caller does. */
#ifndef JOURNAL_ALLOWED_SIGNERS_H
#define JOURNAL_ALLOWED_SIGNERS_H

#include <stdbool.h>
#include <stddef.h>

#include "journal/format/bytes.h"

enum { PRINCIPAL_MAX = 128 };

struct allowed_signer {
    char principals[8][PRINCIPAL_MAX];
    unsigned principal_count;
    char namespaces[256];                   /* comma list, "" = any */
    char valid_after[32], valid_before[32]; /* as written, "" = none */
    uint8_t key[KEY_BYTES];
};

struct allowed_signers {
    struct allowed_signer *signers;
    size_t count;
};

void allowed_signers_free(struct allowed_signers *signers);
#define CLEANUP_ALLOWED_SIGNERS __attribute__((cleanup(allowed_signers_free)))

enum error_code allowed_signers_read_line(const char *line, size_t length,
                                          struct allowed_signer *ret_signer, struct error *error)
    CHECKED;
/* A whole file: comments and empty lines skipped; `where` of an error is "name:line". */
enum error_code allowed_signers_read(const char *name, const void *text, size_t size,
                                     struct allowed_signers *ret_signers, struct error *error)
    CHECKED;
bool allowed_signer_has_namespace(const struct allowed_signer *signer, const char *name_space);
bool allowed_signer_has_principal(const struct allowed_signer *signer, const char *principal);

#endif
