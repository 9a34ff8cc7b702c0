/* verify/report/statement: what an attestation says: an in-toto Statement v1 with a SLSA
 * Verification Summary v1, as one line of JSON.
 * Format:    verify/report/ATTESTATION.md, field by field.
 * Knows:     the report; it judges nothing. Precondition: one deployment, proven and deployed
 *            (attest.c sees to it). */
#ifndef VERIFY_STATEMENT_H
#define VERIFY_STATEMENT_H

#include "journal/format/bytes.h"
#include "verify/report/report.h"

#define STATEMENT_PAYLOAD_TYPE "application/vnd.in-toto+json"
#define STATEMENT_VERIFIER "titan:verifier"

/* verifier: the auditor's URI. time: YYYY-MM-DDThh:mm:ssZ. */
enum error_code statement_text(const struct report *report, const char *verifier, const char *time,
                               struct bytes *ret_text, struct error *error) CHECKED;

#endif
