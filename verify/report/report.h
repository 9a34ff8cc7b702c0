/* verify/report/report: what a verification came to. Text, JSON, and whatever else is ever written
 * (a page, an attestation) come out of this one struct.
 * JSON:      one object. titan_verify (1), program, verdict (proven violated undecidable),
 *            exit_status, journal, target, entries, head (hash of the last stored value), anchored
 *            (entries covered by a checkpoint from outside), limits {name: number}, deployments:
 *            [{number, procedure, state, ended, claims: [{claim, verdict (proven violated
 *            undecidable "not applicable"), entry (number or null), rule (of FORMAT.md, or null),
 * rules (all that were broken), sentence, rests_on (entries it is decided from: [[first, last]], at
 * most 24 of these)}]}], not_proven: [sentence], named:
 *            [{rule, sentence}] (those of them that FORMAT.md demands),
 *            and where genesis names one, succeeds {journal, seq, hash}. A file that cannot be read
 *            gives {titan_verify, program, verdict: "damaged", exit_status, sentence}.
 * Ownership: report_free() releases its lists. */
#ifndef VERIFY_REPORT_H
#define VERIFY_REPORT_H

#include <stdio.h>

#include "verify/judge/deployed.h"
#include "verify/judge/finding.h"
#include "verify/judge/limits.h"

enum claim {
    CLAIM_INVALID = 0,
    CLAIM_INTEGRITY,
    CLAIM_AUTHORITY,
    CLAIM_PROCEDURE,
    CLAIM_PREFLIGHT,
    CLAIM_INTERLOCK,
    CLAIM_PARITY,
    CLAIM_WINDOW,
    CLAIM_RESTORATION,
    CLAIM_CLOCKS,
    CLAIMS,
};

enum verify_status {
    VERIFY_PROVEN = 0,
    VERIFY_VIOLATED = 1,
    VERIFY_USAGE = 2,
    VERIFY_UNDECIDABLE = 3,
    VERIFY_DAMAGED = 4,
    VERIFY_BOUND = 5,
};

struct deployment_report {
    bool exists;           /* false: the record has none, or was not good enough to look for one */
    bool commands;         /* it is those between the deployments */
    uint64_t number, last; /* the sequence numbers of its first and last entry */
    bool ended, guard_process; /* guard_process: it was of a kind that a reboot ends */
    char guard[16];            /* how it stands in the end: absent, laid, ... */
    char guard_failed[240];    /* what it did not do (N-17) */
    /* What the report names (N-01 to N-17); "" where there is nothing of it. */
    char looser[LIMITS_LOOSER_BYTES], patterns[160], restarts[160], words[160], degraded[160],
        missing[160], changed[480], stepped[96], back[480], given_up[480], driver[80],
        restarted[240], bad[240], taken_away[480], approver[160];
    bool no_endpoints, no_checklist, by_word, untold, voice_absent, again, known_bad, unpinned;
    char procedure[16], state[32];
    struct deployed deployed; /* empty unless it is completed */
    struct finding claims[CLAIMS];
};

/* What was read, by the hash of the very bytes that were judged. "" where there was no such file:
 * of an LMDB directory there is no bundle. */
struct report_inputs {
    char bundle[SHA256_HEX + 1], trust[SHA256_HEX + 1];
    struct report_checkpoint {
        char hash[SHA256_HEX + 1];
        uint64_t size;
    } * checkpoints; /* from outside */
    size_t checkpoint_count;
};

struct report {
    char journal[FORMAT_JOURNAL_ID_HEX + 1], head[SHA256_HEX + 1];
    char target[128], asked[128]; /* as genesis names it, "" = it does not; as was asked for */
    uint64_t entries, anchored, verified; /* verified: by an earlier run, whose signatures count */
    struct {
        char journal[FORMAT_JOURNAL_ID_HEX + 1], hash[SHA256_HEX + 1]; /* "": it succeeds none */
        int64_t seq;
    } succeeds;
    struct limits limits;
    struct report_inputs inputs;
    struct deployment_report *deployments;
    size_t count;
    enum verify_status status;
};

void report_free(struct report *report);
#define CLEANUP_REPORT __attribute__((cleanup(report_free)))
void report_text(const struct report *report, FILE *stream);
void report_json(const struct report *report, FILE *stream);
void report_json_error(enum verify_status status, const struct error *error, FILE *stream);
const char *claim_name(enum claim claim);
const char *report_status_word(enum verify_status status);

enum { REMARK_BYTES = 1200 };
struct remark {
    const char *rule; /* NULL: of none */
    char text[REMARK_BYTES];
};
/* What even a proven record does not show, in so many words. Returns how many;
 * the caller frees them. */
size_t report_remarks(const struct report *report, struct remark **ret_remarks);
void report_free_remarks(struct remark **remarks);
#define CLEANUP_REMARKS __attribute__((cleanup(report_free_remarks)))

#endif
