/* verify/judge/finding: what a claim comes to, in one sentence with the entry that decided it, and
 * the entries that were looked at for it.
 * Rule:      a finding begins at "not proven". finding_conclude() is the one place that sets it to
 *            proven, and only when nothing was said against it. The first violation stays; whatever
 *            is undecidable gives way to a violation. */
#ifndef VERIFY_FINDING_H
#define VERIFY_FINDING_H

#include <stdbool.h>
#include <stdint.h>

#include "verify/read/entry.h"

enum verdict {
    VERDICT_INVALID = 0,
    VERDICT_NOT_PROVEN,
    VERDICT_PROVEN,
    VERDICT_VIOLATED,
    VERDICT_UNDECIDABLE,
    VERDICT_NOT_APPLICABLE
};

enum { FINDING_RANGES_MAX = 24, FINDING_RULES_MAX = 16, FINDING_RULE_BYTES = 6 };

/* Entries first to last, both counted. */
struct finding_range {
    uint64_t first, last;
};

struct finding {
    enum verdict verdict;
    bool has_entry;
    uint64_t entry;
    /* Ids of FORMAT.md ("L-03"): of what decided, and of everything that was said against it. */
    char rule[FINDING_RULE_BYTES], rules[FINDING_RULES_MAX][FINDING_RULE_BYTES];
    unsigned rules_count, rules_times[FINDING_RULES_MAX]; /* how often each */
    char sentence[480];
    struct finding_range rests[FINDING_RANGES_MAX]; /* ascending, none touching the next */
    unsigned rests_count;
    bool rests_more; /* there are more than fit */
};

void finding_init(struct finding *finding);
/* The claim is decided from this entry too, whatever it comes to. For the reader: it changes no
 * verdict. NULL is none. */
void finding_rests_on(struct finding *finding, const struct entry *entry);
void finding_rests_on_range(struct finding *finding, uint64_t first, uint64_t last);
/* entry may be NULL where none is to be named. */
void finding_violated(struct finding *finding, const char *rule, const struct entry *entry,
                      const char *format, ...) __attribute__((format(printf, 4, 5)));
void finding_undecidable(struct finding *finding, const char *rule, const struct entry *entry,
                         const char *format, ...) __attribute__((format(printf, 4, 5)));
void finding_not_applicable(struct finding *finding, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void finding_conclude(struct finding *finding, const struct entry *entry, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* What was said against another one counts here too. */
void finding_add(struct finding *finding, const struct finding *other);
const char *verdict_name(enum verdict verdict);

#endif
