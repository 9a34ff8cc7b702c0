/* verify/report/policy: by what this verifier judges, as one text whose hash can be named: its
 * machine and the figures in force.
 * Form:      the line `titan-policy-v1`, then one line a fact in the order of their bytes (LC_ALL=C
 *            sort), LF after each: edge PROCEDURE FROM EVENT TO      what a transition may be
 *            (journal/FORMAT.md, "Machine") act PROCEDURE FROM ACTION         what an intent may be
 *            claim NAME                        what is judged limit NAME NUMBER                 the
 *            standard's figures, or those of --limits approvals PROCEDURE NUMBER, checklist ITEM
 *            what the auditor requires besides the journal
 * Why:       an attestation that says "passed" has to say what; two auditors with the same figures
 *            have the same hash. */
#ifndef VERIFY_POLICY_H
#define VERIFY_POLICY_H

#include "journal/format/bytes.h"
#include "verify/judge/limits.h"

enum error_code policy_text(const struct limits *limits, struct bytes *ret_text,
                            struct error *error) CHECKED;

#endif
