/* tests/verify/forge: validly signed journals of whatever a test wants to have happened.
 * Knows:     the format, keys from fixed seeds, a small world (two containers, a commit, a policy
 *            hash, an interlock) from which evidence is made; the driver's table, to walk its
 *            edges. It judges nothing.
 * Tampering: a test changes the world before a step, evidence through the `tamper` hook, or stored
 *            values afterwards; what is signed is signed.
 * Ownership: forge_free() releases all. Everything asserts: a forge that cannot work is a broken
 *            test. */
#ifndef TESTS_VERIFY_FORGE_H
#define TESTS_VERIFY_FORGE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "journal/format/bytes.h"
#include "journal/format/merkle.h"
#include "verify/verify.h"

#define FORGE_TARGET "titan-test"
#define FORGE_ARM "titan.cmd.operator.arm.v1"
#define FORGE_DISARM "titan.cmd.operator.disarm.v1"

enum {
    FORGE_SESSION = 0,
    FORGE_OPERATOR = 1,
    FORGE_APPROVER = 2,
    FORGE_STRANGER = 3,
    FORGE_SECOND = 4,
    FORGE_FIRST_SESSION = 100
};

struct forge_container {
    char id[65], image[80], started_at[40], state[16];
    struct bytes log;
};

struct forge_edge {
    const char *procedure; /* "release", "policy" */
    char from[24], event[24], action[24], to[24];
};

struct forge {
    char journal[33];
    struct bytes *values;
    size_t count;
    struct {
        uint8_t hash[32];
        struct bytes data;
    } * blobs;
    size_t blob_count;

    int64_t now_ns, wall_offset_ns;
    int64_t target_ahead_ns; /* the target's uptime less the driver's */
    char boot[37];
    /* one entry is signed by this seed instead of by whom it should; 0 = nobody else */
    uint8_t sign_as;
    uint8_t session, sessions; /* seeds */
    int64_t deployment;
    const char *procedure;
    char state[24], key[33];
    int64_t intent; /* the last */
    unsigned keys;

    /* the world */
    struct forge_container execution, brain;
    char hash_before[65], hash_new[65], commit_before[41], commit_after[41], image_before[80],
        image_after[80];
    const char *expect, *reason, *operator; /* of `open`; NULL = none, "a test", "alice" */
    bool armed, recreate, marker, no_policy, no_checklist;
    char code[41]; /* commit checked out */
    bool pulls;    /* pull_images was begun */
    bool guard;    /* a dead-man guard is laid */
    bool guard_begun;
    int64_t guard_deadline_ms; /* as it was last laid */
    char guard_record[600];    /* what it did, once it had */
    int64_t up_ms, sample_ms;
    unsigned samples;   /* in a window */
    unsigned sick_from; /* endpoint brain answers 503 from this sample on; 0 = never */
    int64_t genesis_window_ms;
    int64_t approvals, epoch; /* epoch: of the target's own deployment.json */
    /* of genesis, taken over by it; NULL = alice and bob operate, carol approves, alice administers
     */
    json_t *roster;
    json_t *succeeds; /* of genesis, taken over by it; NULL = it succeeds no journal */
    void (*tamper)(struct forge *forge, const char *what, unsigned n, json_t *evidence);
};

void forge_init(struct forge *forge);
void forge_free(struct forge *forge);
#define CLEANUP_FORGE __attribute__((cleanup(forge_free)))
void forge_public_key(uint8_t seed, uint8_t ret_key[KEY_BYTES]);
char *forge_signer_line(uint8_t seed, const char *principal); /* allowed_signers line; free() */

/* Entries. `body` is taken over. The session's key signs within a deployment what it must; the
 * operator's the rest. */
uint64_t forge_append(struct forge *forge, const char *type, int64_t deployment, json_t *body);
void forge_genesis(struct forge *forge);
void forge_open(struct forge *forge, const char *procedure);
uint64_t forge_intent(struct forge *forge, const char *action, int64_t repeats, bool same_key);
void forge_transition(struct forge *forge, int64_t intent, const char *event, const char *to,
                      json_t *evidence);
json_t *forge_found(struct forge *forge); /* what a reconciliation looks at first */
void forge_reconcile(struct forge *forge, const char *found, const char *then, json_t *evidence);
void forge_answer(struct forge *forge, const char *outcome);
void forge_note(struct forge *forge, const char *kind);

/* Steps along the driver's table. */
const struct forge_edge *forge_edges(size_t *ret_count);
const struct forge_edge *forge_edge(const struct forge *forge, const char *event);
const char *forge_action_of(const char *procedure, const char *state);
void forge_take(struct forge *forge,
                const char *event); /* intent, act and transition; samples for a window */
void forge_until(struct forge *forge, const char *state);     /* by `done` */
void forge_rollback(struct forge *forge);                     /* from rolling_back to rolled_back */
void forge_whole(struct forge *forge, const char *procedure); /* genesis to completed */

/* forge_world.c, forge_items.c, forge_steps.c */
void forge_world_init(struct forge *forge);
json_t *forge_fired(struct forge *forge); /* forge_guard.c: the evidence of guard_fired */
json_t *forge_evidence(struct forge *forge, const char *action);
void forge_item(struct forge *forge, json_t *evidence, const char *probe, const char *subject,
                int status, const char *output);
void forge_look(struct forge *forge, json_t *evidence);
void forge_send(struct forge *forge, json_t *evidence, bool arm);
void forge_sample(struct forge *forge, unsigned n);
void forge_wait(struct forge *forge, int64_t ms);
const char *forge_time(const struct forge *forge, char ret_time[40]);
void forge_log(struct forge *forge, struct forge_container *container, const char *message);
void forge_start(struct forge *forge, struct forge_container *container, bool execution,
                 const char *image, const char *hash);
/* Changes evidence that was made: the last item of a probe. */
json_t *forge_find(json_t *evidence, const char *probe, const char *subject);
void forge_replace(struct forge *forge, json_t *item, const char *output);
void forge_drop(json_t *evidence, const char *probe, const char *subject);
void forge_store(struct forge *forge, const void *data, size_t size, char ret_hex[65]);

/* Out of the forge. */
void forge_record(const struct forge *forge, struct record *ret_record);
void forge_checkpoint(const struct forge *forge, size_t size, uint8_t seed, struct bytes *ret_note);
/* The same over a tree that the caller has: of a journal whose values are gone. */
void forge_sign_checkpoint(const struct forge *forge, const struct merkle *merkle, uint8_t seed,
                           struct bytes *ret_note);
void forge_bundle(const struct forge *forge, struct bytes *ret_text);
void forge_write(const char *path, const struct bytes *data);
void forge_trust(struct allowed_signers *ret_trust);
/* Verifies with the standard's limits (or those given). */
void forge_verify(const struct forge *forge, const struct limits *limits,
                  struct report *ret_report);
struct finding forge_judge(const struct forge *forge, const struct limits *limits,
                           enum claim claim);

#endif
