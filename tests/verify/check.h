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

/* The claim comes to this verdict, and its sentence says `part`. */
static inline void check_claim(const struct forge *forge, enum claim claim, enum verdict verdict,
                               const char *part)
{
    struct finding finding = forge_judge(forge, NULL, claim);
    if (finding.verdict != verdict || strstr(finding.sentence, part) == NULL)
        print_error("%s is %s at entry %llu: %s\n", claim_name(claim),
                    verdict_name(finding.verdict), (unsigned long long)finding.entry,
                    finding.sentence);
    assert_int_equal(finding.verdict, verdict);
    assert_non_null(strstr(finding.sentence, part));
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
