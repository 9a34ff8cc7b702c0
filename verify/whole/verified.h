/* verify/whole/verified: what an earlier run of this program has verified, as the auditor keeps it
 * in a file of his own (--verified). Of these entries the signatures are not checked again: the
 * chain shows that they are the same, to the byte.
 * Trust:     whoever can write the file can have signatures believed. It is kept like the trust
 *            file. One that another version wrote is not believed, and replaced.
 * Format:    four lines: the program with its version, journal id, number of entries, hash of the
 *            last of them. */
#ifndef VERIFY_VERIFIED_H
#define VERIFY_VERIFIED_H

#include "journal/format/bytes.h"
#include "journal/format/format.h"

struct verified {
    const char *path; /* NULL: there is none */
    char journal[FORMAT_JOURNAL_ID_HEX + 1], head[SHA256_HEX + 1];
    uint64_t size; /* 0: nothing was verified yet */
};

/* A file that is not there yet is empty. ERROR_USAGE where it is something else. */
enum error_code verified_read(const char *path, struct verified *ret_verified, struct error *error)
    CHECKED;
/* Durable, whole or not at all. */
enum error_code verified_write(const struct verified *verified, struct error *error) CHECKED;

#endif
