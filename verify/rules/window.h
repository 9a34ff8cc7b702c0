/* verify/rules/window: what a sample fails by, and when a failure could be seen.
 * journal/FORMAT.md, "Window". Ownership: tally_free() releases the counts and takes an empty one.
 */
#ifndef VERIFY_WINDOW_H
#define VERIFY_WINDOW_H

#include "verify/judge/audit.h"

struct sample_times {
    int64_t first_sent_ns, last_received_ns;
};
struct sample_times window_times(const struct entry *entry);

/* What is counted from sample to sample. */
struct tally {
    struct tally_row {
        struct slice name;
        bool endpoint;
        int64_t in_a_row, failed;
    } * rows;
    size_t count;
    int64_t failed;                         /* samples that have a failure */
    int64_t changed;                        /* samples that show other containers, or a boot */
    int64_t policy_in_a_row, lost_in_a_row; /* lost: Brain's leadership */
    int64_t items_in_a_row;                 /* with an item that failed */
    int64_t settling;                       /* samples in which something settles */
    bool settles;                           /* the last one is one of them */
    const struct entry *first; /* the first sample with a list: whose containers and boot are
                                * compared */
    char blame[200];           /* of what the last failed sample failed */
};
/* A probe of it failed, but of an endpoint and of the bus, whose status is an answer. */
bool window_has_failed_item(const struct entry *entry);
void tally_free(struct tally *tally);
/* "", or "; N of them had a failure (web 2, policy_hash 1)". */
void tally_describe(const struct tally *tally, char *ret_text, size_t room);
#define CLEANUP_TALLY __attribute__((cleanup(tally_free)))

/* What the next sample (or `confirm`) breaks, by its rule; NULL where the window goes on. */
struct window_fault {
    const char *rule;
    char why[240];
};
bool window_add_sample(const struct audit *audit, struct tally *tally, const struct entry *entry,
                       struct window_fault *ret_fault);

/* W-15: whether a window that failed went on, or was failed without a reason. NULL, or the entry
 * and why. */
const struct entry *window_unreasonable(const struct audit *audit, const struct step *failure,
                                        char *ret_why, size_t room);

/* W-08 of a window that failed: what of its samples failed, and how many show something contrary.
 */
void window_describe_failed(const struct audit *audit, const struct step *failure, char *ret_text,
                            size_t room);

/* W-12: the earliest moment at which recorded evidence shows the failure, and the entry that has
 * it. *ret_unwatched_ms: how long nobody watched before it; 0 = not at all. */
int64_t window_failure_seen_ns(const struct audit *audit, const struct step *failure,
                               const struct entry **ret_entry, int64_t *ret_unwatched_ms);

/* W-16. The first entry that has the record of the guard that acted, and that in words, with how
 * long after the failure it began; NULL, and "": it did nothing. */
const struct entry *window_check_guard(const struct audit *audit, const struct step *failure,
                                       char *ret_words, size_t room, struct finding *finding);

#endif
