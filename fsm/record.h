/* fsm/record: every entry that the driver writes, in the shape that journal/FORMAT.md fixes
 * ("Bodies").
 * Knows:     JSON, blobs and who signs; not why something is recorded.
 * Durability: each function returns ERROR_OK only when its entry is on disk. Nothing may be done to
 *             the target after any other answer.
 * Wall clock: a step of it between two entries of one boot is recorded as a note of its own in
 *             front of the entry; nothing else follows from it. */
#ifndef FSM_RECORD_H
#define FSM_RECORD_H

#include "actions/target/evidence.h"
#include "fsm/machine.h"
#include "journal/journal.h"

struct recorder {
    struct journal *journal;
    const struct clock *clock;
    struct signer *operator_signer; /* borrowed; NULL until somebody unlocked it */
    struct signer *session;         /* borrowed; NULL outside a deployment */
    int64_t deployment;             /* JOURNAL_NO_DEPLOYMENT outside */
    char boot[BOOT_ID_LENGTH
              + 1]; /* of the entry before, with its distance of wall clock and boot clock */
    int64_t wall_offset_ns;
    /* the next entry was decided over so many entries: ERROR_HELD when another process wrote since;
     * 0 = no matter */
    uint64_t decided_at;
};

/* A body signed by the operator's own key (genesis, open, attestation, ...). `body` is borrowed. */
enum error_code record_own(struct recorder *recorder, const char *type, int64_t deployment,
                           const json_t *body, uint64_t *ret_seq, struct error *error) CHECKED;

enum error_code record_intent(struct recorder *recorder, const struct transition *edge,
                              const char *key, uint64_t repeats, const char *what,
                              uint64_t *ret_seq, struct error *error) CHECKED;
/* Everything in a draft is borrowed. */
struct transition_draft {
    uint64_t intent; /* 0: the event answers none */
    const struct transition *edge;
    const char *reason;
    const struct evidence *evidence; /* NULL = none */
    json_t *facts;                   /* NULL = none */
};
enum error_code record_transition(struct recorder *recorder, const struct transition_draft *draft,
                                  struct error *error) CHECKED;
enum error_code record_sample(struct recorder *recorder, uint64_t intent, int64_t number,
                              const struct evidence *evidence, json_t *facts, struct error *error)
    CHECKED;
struct reconciliation_draft {
    uint64_t intent;
    const char *found, *then; /* as in journal/FORMAT.md */
    const char *reason;
    const struct evidence *evidence;
};
enum error_code record_reconciliation(struct recorder *recorder,
                                      const struct reconciliation_draft *draft, struct error *error)
    CHECKED;
enum error_code record_refusal(struct recorder *recorder, const char *from, const char *event,
                               const char *reason, struct error *error) CHECKED;
struct command_draft {
    const char *command, *phase; /* "intent" or "outcome" */
    const char *key, *outcome, *reason;
    const struct evidence *evidence; /* NULL = none */
    bool preceded;                   /* it was done before anything of it could be recorded */
};
enum error_code record_command(struct recorder *recorder, const struct command_draft *draft,
                               struct error *error) CHECKED;
enum error_code record_approval(struct recorder *recorder, const char *principal,
                                const char *statement, const char *signature, const char *reason,
                                uint64_t *ret_seq, struct error *error) CHECKED;
enum error_code record_note(struct recorder *recorder, const char *kind, const char *text,
                            struct error *error) CHECKED;

/* The limits of an entry hold for what the world says too: at most `size` bytes, whole UTF-8
 * characters, never empty-handed. */
void record_text(const char *text, char *ret_text, size_t size);

#endif
