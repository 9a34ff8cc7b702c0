/* tests/world/scripted: a whole struct world in memory: no process, no socket, no sleep. The same
 * seed and the same words give the same bytes.
 * Knows:     the tables of journal/format/world.h and what stands behind each: a timeline, files, a
 *            store, a Titan (titan.h), an ssh-agent with one key, a person at a terminal.
 * Faults:    before and after each call that leaves a trace `fault` is asked; what it answers is
 *            the call's outcome. A driver that has died (`dead`) gets an error from everything.
 * Ownership: scripted_close() releases all; the world is borrowed until then. */
#ifndef WORLD_SCRIPTED_H
#define WORLD_SCRIPTED_H

#include "journal/format/world.h"
#include "tests/world/titan.h"

enum scripted_kind {
    CALL_INVALID = 0,
    CALL_APPEND,  /* an entry of the journal */
    CALL_CHANGE,  /* a command on the target that runs under a lock */
    CALL_LOOK,    /* any other command there */
    CALL_PUBLISH, /* a message on the bus */
    CALL_REQUEST, /* a subscription, or a request on the bus */
    CALL_HTTP,
    CALL_WRITE /* a file of the operator's machine */
};

struct scripted_call {
    enum scripted_kind kind;
    bool after;         /* it has happened; an error means that its outcome is not known */
    const char *detail; /* the line, the subject, the path */
};
typedef enum error_code scripted_fault(void *context, const struct scripted_call *call,
                                       struct error *error);

enum { SCRIPTED_ANSWERS_MAX = 8 };

struct scripted_entry {
    struct bytes value;
};

struct scripted_blob {
    uint8_t hash[SHA256_BYTES];
    struct bytes data;
};

/* The operator's journal: entries, blobs by their hash, a few values. */
struct scripted_store {
    bool created;
    bool full; /* its disk: nothing can be reserved, though what is written still fits */
    bool held; /* by a process that stands still: whoever wants to write now never returns */
    struct scripted_entry *entries;
    struct scripted_blob *blobs;
    size_t entry_count, entry_capacity, blob_count, blob_capacity;
    struct {
        char key[64];
        struct bytes value;
    } states[16];
    size_t state_count;
};

struct scripted {
    struct timeline timeline;
    struct titan titan;
    struct arena arena;   /* of the disk */
    struct arena scratch; /* of one command on the target */
    struct files disk;
    struct scripted_store stored;
    uint64_t random_state;
    uint8_t agent_key[KEY_BYTES + SEED_BYTES], agent_public[KEY_BYTES]; /* the operator's */
    uint8_t approver_public[KEY_BYTES];        /* of somebody else, for the roster */
    const char *answers[SCRIPTED_ANSWERS_MAX]; /* what the person types, line by line */
    size_t answer_count, answer_next;
    bool interrupted, dead;
    scripted_fault *fault;
    void *fault_context;
    unsigned commands; /* how many were run on the target */
    int64_t cost_ns;   /* of one of them, there and back */
    const char *hangs; /* a command in whose line this stands never ends; NULL = none */

    struct world world;
    struct world_random random;
    struct world_host host;
    struct world_disk disk_table;
    struct world_store store;
    struct world_local local;
    struct world_target target;
    struct world_bus bus;
    struct world_http http;
    struct world_reach reach;
    struct world_terminal terminal;
    struct world_signals signals;
};

struct scripted *scripted_open(uint64_t seed);
void scripted_close(struct scripted *scripted);
enum error_code scripted_ask(struct scripted *scripted, enum scripted_kind kind, bool after,
                             const char *detail, struct error *error);

/* Each in the file of its name fills its table. */
void scripted_fill_store(struct scripted *scripted);
void scripted_store_clear(struct scripted_store *stored);
/* The first string under this key in the text of an entry. */
bool scripted_word(const struct scripted_entry *entry, const char *key, char ret_word[64]);
void scripted_fill_disk(struct scripted *scripted);
void scripted_fill_target(struct scripted *scripted);
void scripted_fill_bus(struct scripted *scripted);
void scripted_fill_http(struct scripted *scripted);
void scripted_fill_person(struct scripted *scripted); /* terminal, signals, host, random */
void scripted_fill_agent(struct scripted *scripted);

#endif
