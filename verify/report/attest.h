/* verify/report/attest: writes the attestation of a deployment that is proven, and refuses every
 * other.
 * Refuses:   any verdict but proven; a deployment that is not completed (proven to have been rolled
 *            back, it deployed nothing); an LMDB directory, whose bytes nobody else could compare;
 *            more than one deployment.
 * Order:     the key is read last, when nothing untrusted is left to be read.
 * File:      it is there whole and on disk, or not at all. None that exists is replaced: it might
 *            be the bundle, the key, or what somebody relies on. */
#ifndef VERIFY_ATTEST_H
#define VERIFY_ATTEST_H

#include "verify/report/report.h"

struct attest_options {
    const char *file, *key;
    const char *verifier; /* a URI, or NULL for STATEMENT_VERIFIER */
};

/* ERROR_REFUSED: there is nothing that could be attested. */
enum error_code attest_write(const struct report *report, const struct attest_options *options,
                             struct error *error) CHECKED;
/* An absolute URI of printable ASCII, as far as its form goes. */
bool attest_is_uri(const char *text);

#endif
