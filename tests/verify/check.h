/* tests/verify/check: what a test of the verifier says about a forged journal. */
#ifndef TESTS_VERIFY_CHECK_H
#define TESTS_VERIFY_CHECK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/verify/forge.h"

/* Whether the finding broke this rule ("L-03"), or its sentence says it. */
static inline bool check_says(const struct finding *finding, const char *part)
{
    for (unsigned i = 0; i < finding->rules_count; i++)
        if (strcmp(finding->rules[i], part) == 0)
            return true;
    return strstr(finding->sentence, part) != NULL;
}

/* The claim comes to this verdict, by this rule or with this part of its sentence. */
static inline void check_claim(const struct forge *forge, enum claim claim, enum verdict verdict,
                               const char *part)
{
    struct finding finding = forge_judge(forge, NULL, claim);
    if (finding.verdict != verdict || !check_says(&finding, part))
        print_error("%s is %s at entry %llu by %s, not `%s`: %s\n", claim_name(claim),
                    verdict_name(finding.verdict), (unsigned long long)finding.entry, finding.rule,
                    part, finding.sentence);
    assert_int_equal(finding.verdict, verdict);
    assert_true(check_says(&finding, part));
}

static inline void check_violated(const struct forge *forge, enum claim claim, const char *part)
{
    check_claim(forge, claim, VERDICT_VIOLATED, part);
}

/* Every claim proven or not applicable. */
static inline void check_all_proven(const struct forge *forge)
{
    CLEANUP_REPORT struct report report = {0};
    forge_verify(forge, NULL, &report);
    if (report.status != VERIFY_PROVEN)
        report_text(&report, stderr);
    assert_int_equal(report.status, VERIFY_PROVEN);
}

#endif
