/* What the guard on the target left, by its own record. */
#include "verify/rules/restoration.h"

#include <stdio.h>
#include <string.h>

#include "verify/judge/guard.h"
#include "verify/judge/reading.h"

/* "found SERVICE IMAGE" */
static bool read_found(const struct guard_line *line, struct slice *ret_service,
                       struct slice *ret_image)
{
    if (!slice_is(slice_word(line->act), "found"))
        return false;
    struct slice rest = slice_from(line->act, strlen("found "));
    *ret_service = slice_word(rest);
    *ret_image = rest.length > ret_service->length ? slice_from(rest, ret_service->length + 1)
                                                   : slice_of("");
    return true;
}

static bool ran_from(const struct listing *was, struct slice service, struct slice image)
{
    for (size_t i = 0; i < was->count; i++)
        if (slice_is(service, was->list[i].service) && reading_is_running(&was->list[i])
            && slice_is(image, was->list[i].image))
            return true;
    return false;
}

/* Of a service that is to run again; *ret_found: it is there, and from whatever image. */
static bool is_found_well(const struct restored *restored, const struct guard_record *record,
                          const char *name, bool *ret_found)
{
    bool good = true;
    *ret_found = false;
    for (size_t i = 0; i < record->count; i++) {
        struct slice service, image;
        if (!read_found(&record->lines[i], &service, &image) || !slice_is(service, name))
            continue;
        *ret_found = true;
        good = good && ran_from(restored->was, service, image);
    }
    return good;
}

static void check_found(const struct restored *restored, const struct guard_record *record,
                        const struct entry *entry, struct finding *finding)
{
    for (size_t i = 0; i < restored->was->count; i++) {
        const char *service = restored->was->list[i].service;
        bool found;
        if (!restoration_is_expected(restored, service))
            continue;
        if (!is_found_well(restored, record, service, &found))
            finding_violated(finding, "R-12", entry,
                             "the guard says that everything succeeded, and left %s on an image "
                             "that did not run before",
                             service);
        else if (!found && !slice_is(restored->audit->genesis.execution, service))
            finding_violated(finding, "R-12", entry,
                             "the guard says that everything succeeded, and %s did not run behind "
                             "it",
                             service);
    }
    const struct guard_line *head = guard_record_line(record, "head");
    struct slice commit = reading_line(restored->before, PROBE_GIT_HEAD);
    if (head == NULL || !slice_equal(slice_from(head->act, strlen("head ")), commit))
        finding_violated(finding, "R-12", entry,
                         "the guard says that everything succeeded, and left another commit than "
                         "that of before");
}

void restoration_check_guard(const struct restored *restored, char *ret_words, size_t room,
                             struct finding *finding)
{
    CLEANUP_GUARD_RECORD struct guard_record record = {.count = 0};
    const struct entry *entry;
    ret_words[0] = '\0';
    if (!guard_fired(&restored->audit->deployment, &record, &entry))
        return;
    const struct guard_line *end = guard_record_line(&record, "end");
    bool whole = end != NULL && end->status == 0;
    finding_rests_on(finding, entry);
    if (whole)
        check_found(restored, &record, entry, finding);
    (void)snprintf(ret_words, room,
                   whole
                       ? "; so was what the guard left (entry %lld)"
                       : "; the guard did not succeed in all of it (entry %lld), and what it left "
                         "was put right",
                   (long long)entry->seq);
}
