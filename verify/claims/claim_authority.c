/* authority: every signer entitled by the roster in force, session keys in their deployment only,
 * approvals where required. */
#include "verify/judge/audit.h"

void claim_authority(const struct audit *audit, struct finding *finding)
{
    *finding = audit->entitled;
    finding_conclude(finding, NULL,
                     "genesis is signed by a key of the trust file, and each of the %zu entries by "
                     "one that was entitled to its kind then",
                     audit->record->count);
}
