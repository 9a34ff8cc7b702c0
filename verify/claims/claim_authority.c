/* authority: every signer entitled by the roster in force, session keys in their deployment only,
 * approvals where required. */
#include "verify/judge/authority.h"

void claim_authority(const struct audit *audit, struct finding *finding)
{
    CLEANUP_AUTHORITY struct authority authority = {.audit = audit};
    struct refusal refusal;
    for (size_t i = 0; i < audit->record->count; i++) {
        struct entry *entry = &audit->record->entries[i];
        finding_rests_on(finding, entry);
        if (!authority_take(&authority, entry, &refusal)) {
            finding_violated(finding, refusal.rule, entry, "%s", refusal.why);
            return;
        }
    }
    if (authority.undecided != NULL)
        finding_undecidable(finding, "A-01", authority.undecided, "%s", authority.undecided_why);
    finding_conclude(finding, NULL,
                     "genesis is signed by a key of the trust file, and each of the %zu entries by "
                     "one that was entitled to its kind then",
                     audit->record->count);
}
