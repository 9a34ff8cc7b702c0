/* verify/judge/earned: whether a step that says `done` (or `rearmed`) carries what it must, good in
 * itself. The tables of journal/FORMAT.md, "Evidence".
 * Knows:     one step, and the steps before it; parity, interlock and times are other claims. */
#ifndef VERIFY_EARNED_H
#define VERIFY_EARNED_H

#include "verify/judge/audit.h"

/* Services whose configuration compose could not tell after the switch: no violation, and to be
 * said. */
size_t earned_untold(const struct audit *audit);
bool step_is_earned(const struct audit *audit, const struct step *step, char *ret_why, size_t room);

#endif
