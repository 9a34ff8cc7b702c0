/* tests/world/verdict: titan-verify's library over the journal of a scripted world, in this
 * process. */
#ifndef WORLD_VERDICT_H
#define WORLD_VERDICT_H

#include "tests/world/person.h"

/* The exit status that titan-verify would have over the last deployment (0 all proven, 1 violated,
 * 3 undecidable), under the limits of `choice`; *ret_report (freed by the caller) is its text. */
int verdict_of(const struct scripted *scripted, const struct person_choice *choice,
               char **ret_report);

#endif
