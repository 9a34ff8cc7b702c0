/* actions/tenancy_rules: what a driver may do with the tenancy that stands on the target, and what
 * is written then: taken, freed, renewed, followed, succeeded.
 *
 * Knows:     the rules that tenancy.h states; nothing is read or written here. */
#ifndef ACTIONS_TENANCY_RULES_H
#define ACTIONS_TENANCY_RULES_H

#include "actions/target/target.h"

struct tenancy {
    char journal[33]; /* "" = the target never had a tenancy */
    int64_t deployment, epoch, head_seq, expires_ms;
    char head_hash[SHA256_HEX + 1];
    char holder[128];
    char boot[BOOT_ID_LENGTH + 1];
    char guard[16];
};

struct tenancy_terms {
    const char *journal;
    int64_t deployment, head_seq;
    const char *head_hash, *holder;
    int64_t tenancy_ms;
    const char *guard; /* how it stands: absent, laid; NULL = absent */
    /* renew, watch: the one that we hold; follow: the one that the takeover names; take: at least
     * this one */
    int64_t epoch;
    bool (*has_entry)(void *context, int64_t seq,
                      const char *hash); /* whether our journal has it; NULL = not asked */
    void *context;
    /* On the way back the journal is the truth: a file that is missing, or older than it, is made
     * again. */
    bool restore;
    bool retake; /* one that this deployment had freed is taken again */
};

/* The head of a lost journal as the target knew it, for the one that succeeds it. */
struct tenancy_lost {
    const char *journal, *head_hash;
    int64_t head_seq;
};

enum tenancy_act {
    TENANCY_INVALID = 0,
    TENANCY_TAKE,
    TENANCY_FREE,
    TENANCY_RENEW,
    TENANCY_FOLLOW,
    TENANCY_SUCCEED
};

/* One change of the file: who asks for what, and what the answer is. */
struct tenancy_request {
    enum tenancy_act act;
    const struct tenancy_terms *terms;
    const struct tenancy_lost *lost; /* SUCCEED */
};

struct tenancy_answer {
    bool write; /* false: it stands as it must already */
    int64_t deployment, epoch;
};

/* Until the tenancy expires; 0 when it has. */
int64_t tenancy_left_ms(const struct tenancy *tenancy, const struct target_span *now);

/* Another driver took the deployment over: our tenancy has ended for good, because epochs only
 * rise.
 */
bool tenancy_is_followed(const struct tenancy *tenancy, const struct tenancy_terms *terms);

/* What must be written, ERROR_HELD where somebody else has it. */
enum error_code tenancy_decide(const struct tenancy_request *request, const struct tenancy *now,
                               const struct target_span *span, struct tenancy_answer *answer,
                               struct error *error) CHECKED;
/* ERROR_HELD where somebody took over, or another copy of the journal went on. */
enum error_code tenancy_check_behind(const struct tenancy *now, const struct tenancy_terms *terms,
                                     struct error *error) CHECKED;
/* Whether the open deployment of this journal may be taken over now. ERROR_HELD names the holder
 * and the expiry. */
enum error_code tenancy_may_follow(const struct tenancy *now, const struct target_span *span,
                                   const struct tenancy_terms *terms, struct error *error) CHECKED;
/* Whether terms->journal may succeed the lost one now. */
enum error_code tenancy_may_succeed(const struct tenancy *now, const struct target_span *span,
                                    const struct tenancy_terms *terms,
                                    const struct tenancy_lost *lost, struct error *error) CHECKED;
/* ERROR_HELD with these words. */
enum error_code tenancy_held(struct error *error, const char *next, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
