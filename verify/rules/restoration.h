/* verify/rules/restoration: parts of the claim `restoration`. journal/FORMAT.md, "Restoration". */
#ifndef VERIFY_RESTORATION_H
#define VERIFY_RESTORATION_H

#include "verify/judge/audit.h"

/* What ran before, and what the restored file still declares. */
struct restored {
    const struct audit *audit;
    const struct entry *before, *after, *revert; /* the last may be NULL */
    const struct listing *was, *is, *then, *now; /* containers, and drift */
};
/* The service is to run again as before. */
bool restoration_is_expected(const struct restored *restored, const char *service);
/* Those that are known to be as the restored file says, and not as before, in words; "". */
void restoration_check_configurations(const struct restored *restored, char *ret_words, size_t room,
                                      struct finding *finding);
/* The containers of the snapshot ran with the env file that `env.good` names. */
bool restoration_has_good_env(const struct entry *before);

/* Whether the fingerprints of both entries are under one key. */
bool restoration_has_same_key(const struct entry *before, const struct entry *after);
/* R-11, over verify_restored and revert (which may be NULL). */
void restoration_check_files(const struct entry *after, const struct entry *revert,
                             struct finding *finding);
/* R-08, over the snapshot, verify_restored and revert (which may be NULL). Which env file is back,
 * in words. */
const char *restoration_check_env(const struct entry *before, const struct entry *after,
                                  const struct entry *revert, struct finding *finding);
/* Whether the act (write override) of revert names the service. */
bool restoration_is_overridden(const struct entry *revert, const char *service);
/* R-09, over verify_restored and revert (which may be NULL). What a plain `up` would do, in words.
 */
void restoration_check_plain(const struct audit *audit, const struct entry *after,
                             const struct entry *revert, char *ret_words, size_t room,
                             struct finding *finding);
/* What became of it, in words; "" where the guard did nothing. */
void restoration_check_guard(const struct restored *restored, char *ret_words, size_t room,
                             struct finding *finding);

#endif
