/* verify/report/named: what a report must name even where it breaks no rule. journal/FORMAT.md,
 * "Named in the report" (N-01 to N-17).
 * Knows: one deployment and the one before it; judges nothing. */
#ifndef VERIFY_NAMED_H
#define VERIFY_NAMED_H

#include "verify/judge/audit.h"
#include "verify/report/report.h"

/* Of the deployment in `audit`. */
void named_collect(const struct audit *audit, struct deployment_report *report);
/* Of the commands between the deployments: N-05. */
void named_collect_commands(const struct audit *audit, struct deployment_report *report);

#endif
