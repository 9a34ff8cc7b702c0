/* verify/finding: what a claim comes to, in one sentence with the entry that it rests on.
 * Rule:      a finding begins at "not proven". finding_conclude() is the one place that sets it to proven, and only when nothing was
 *            said against it. The first violation stays; whatever is undecidable gives way to a violation. */
#ifndef VERIFY_FINDING_H
#define VERIFY_FINDING_H

#include <stdbool.h>
#include <stdint.h>

#include "verify/entry.h"

enum verdict { VERDICT_INVALID = 0, VERDICT_NOT_PROVEN, VERDICT_PROVEN, VERDICT_VIOLATED, VERDICT_UNDECIDABLE, VERDICT_NOT_APPLICABLE };

struct finding {
    enum verdict verdict;
    bool has_entry;
    uint64_t entry;
    char sentence[480];
};

void finding_init(struct finding *finding);
/* entry may be NULL where none is to be named. */
void finding_violated(struct finding *finding, const struct entry *entry, const char *format, ...) __attribute__((format(printf, 3, 4)));
void finding_undecidable(struct finding *finding, const struct entry *entry, const char *format, ...) __attribute__((format(printf, 3, 4)));
void finding_not_applicable(struct finding *finding, const char *format, ...) __attribute__((format(printf, 2, 3)));
void finding_conclude(struct finding *finding, const struct entry *entry, const char *format, ...) __attribute__((format(printf, 3, 4)));
const char *verdict_name(enum verdict verdict);

#endif
