#include "verify/report/diff.h"

#include <string.h>

#include "journal/format/allowed_signers.h"
#include "verify/judge/audit.h"
#include "verify/read/reader.h"

void diff_free(struct diff *diff)
{
    record_free(&diff->records[0]);
    record_free(&diff->records[1]);
}

/* Integrity asks for no trust file: whose keys those are is not its question. */
static enum error_code diff_read(const char *path, struct record *record, struct error *error)
{
    const struct allowed_signers nobody = {0};
    struct limits limits;
    struct audit audit = {.record = record, .limits = &limits, .trust = &nobody, .target = ""};
    limits_default(&limits);
    enum error_code code = reader_read(path, record, error);
    if (code != ERROR_OK)
        return code;
    integrity_check(&audit);
    const struct finding finding = audit.whole;
    if (finding.verdict != VERDICT_VIOLATED)
        return ERROR_OK;
    if (!finding.has_entry)
        return error_set(error, ERROR_DAMAGED, 0, path, "take another copy of it",
                         "it is not whole: %s", finding.sentence);
    return error_set(error, ERROR_DAMAGED, 0, path, "take another copy of it",
                     "it is not whole, at entry %llu: %s", (unsigned long long)finding.entry,
                     finding.sentence);
}

static enum diff_outcome diff_compare(const struct record *first, const struct record *second,
                                      size_t *ret_common)
{
    size_t common = 0, shorter = first->count < second->count ? first->count : second->count;
    while (common < shorter
           && memcmp(first->entries[common].hash, second->entries[common].hash, SHA256_BYTES) == 0)
        common++;
    *ret_common = common;
    if (strcmp(first->entries[0].journal, second->entries[0].journal) != 0)
        return DIFF_OTHER_JOURNAL;
    if (common < shorter)
        return DIFF_FORK;
    if (first->count == second->count)
        return DIFF_EQUAL;
    return first->count > second->count ? DIFF_FIRST_EXTENDS : DIFF_SECOND_EXTENDS;
}

enum error_code diff_run(const char *first, const char *second, struct diff *ret_diff,
                         struct error *error)
{
    CLEANUP_DIFF struct diff diff = {.paths = {first, second}};
    for (unsigned i = 0; i < 2; i++) {
        enum error_code code = diff_read(diff.paths[i], &diff.records[i], error);
        if (code != ERROR_OK)
            return code;
    }
    diff.outcome = diff_compare(&diff.records[0], &diff.records[1], &diff.common);
    *ret_diff = diff;
    diff = (struct diff){0};
    return ERROR_OK;
}

enum diff_status diff_status_of(enum diff_outcome outcome)
{
    switch (outcome) {
    case DIFF_EQUAL:
        return DIFF_STATUS_EQUAL;
    case DIFF_FIRST_EXTENDS:
    case DIFF_SECOND_EXTENDS:
        return DIFF_STATUS_EXTENDS;
    case DIFF_INVALID:
    case DIFF_FORK:
    case DIFF_OTHER_JOURNAL:
        break;
    }
    return DIFF_STATUS_CONTRADICTION;
}
