/* verify/report/named_open: what a report names of the beginning of a deployment.
 * journal/FORMAT.md, "Named in the report", N-11, N-12 and N-16. Knows: the deployments before;
 * judges nothing. */
#ifndef VERIFY_NAMED_OPEN_H
#define VERIFY_NAMED_OPEN_H

#include "verify/judge/audit.h"
#include "verify/report/report.h"

void named_collect_open(const struct audit *audit, struct deployment_report *report);

#endif
