/* verify/judge/reading: what raw evidence says. journal/FORMAT.md, "Reading it", read anew; nothing
 * of the driver's reading is used.
 * Knows:     one entry's items between two places; not what should be true.
 * Untrusted: every blob. What cannot be read clearly is unknown or missing, never good. */
#ifndef VERIFY_READING_H
#define VERIFY_READING_H

#include "verify/judge/audit.h"

enum { READING_CONTAINERS_MAX = 128 };

struct container {
    char service[64], id[80], image[80], state[16], health[16], started_at[40];
};

struct containers {
    size_t count;
    struct container list[READING_CONTAINERS_MAX];
};

/* False when the item failed or a line of it cannot be read. compose.images fills service and image
 * only. */
bool reading_containers(const struct item *item, struct containers *ret_containers);
bool reading_images(const struct item *item, struct containers *ret_images);
const struct container *reading_container(const struct containers *containers,
                                          struct slice service); /* a running one first; NULL */
bool reading_container_is_good(const struct container *container);

/* HMACs of what is declared and of what runs, of a service; "" = compose could not tell, none ran.
 */
struct configuration {
    char service[64], declared[SHA256_HEX + 1], running[SHA256_HEX + 1];
};

struct configurations {
    size_t count;
    struct configuration list[READING_CONTAINERS_MAX];
};
bool reading_configurations(const struct item *item, struct configurations *ret_configurations);
const struct configuration *reading_configuration(const struct configurations *configurations,
                                                  const char *service);

/* logs.c: messages of lines that are not older than started_at. */
struct log {
    struct slice rest;
    const char *started_at;
    struct tree tree; /* behind a message that was JSON */
};
bool reading_message(struct log *log, struct slice *ret_message);
void reading_log_close(struct log *log);
/* nonce may be NULL; ret_hash takes 65 characters, "" where the pattern names no hash, and may be
 * NULL. */
bool reading_matches(struct slice message, const struct node *patterns, const char *nonce,
                     char *ret_hash);
bool reading_time(struct slice time, char ret_seconds[20], int64_t *ret_ns);

enum interlock { INTERLOCK_INVALID = 0, INTERLOCK_UNKNOWN, INTERLOCK_DISARMED, INTERLOCK_ARMED };

struct interlock_reading {
    enum interlock interlock;
    bool looked;   /* there are containers and log lines to read */
    bool absent;   /* the last list of containers does not have Execution */
    bool stopped;  /* it has, and none of them runs */
    bool received; /* DISARM with the nonce stands behind everything that says armed */
    int64_t sent_ns, received_ns;
    char why[160];
};
/* The last look in [from, to) of the entry's items. */
void reading_interlock(const struct genesis *genesis, const struct entry *entry, size_t from,
                       size_t to, const char *nonce, struct interlock_reading *ret_reading);
const char *interlock_word(enum interlock interlock);

enum parity { PARITY_INVALID = 0, PARITY_EQUAL, PARITY_UNEQUAL, PARITY_MISSING };
enum {
    PARITY_RESPONDER = 1,
    PARITY_EXECUTION = 2,
    PARITY_BRAIN = 4
}; /* whose voices must be there */

struct parity_reading {
    enum parity parity;
    char hash[SHA256_HEX + 1]; /* where equal */
    bool silent;               /* asked, and nobody answered */
    int64_t sent_ns;           /* of the oldest item that it rests on */
    char why[240];
};
/* All voices present in [from, to) must agree; those of `voices` must be there. */
void reading_parity(const struct genesis *genesis, const struct entry *entry, size_t from,
                    size_t to, unsigned voices, struct parity_reading *ret_reading);

bool reading_health_is_good(const struct item *item);
/* The first endpoint of genesis that has no good answer in the entry; empty when all are good.
 * *ret_missing: it was not asked at all. */
struct slice reading_sick_endpoint(const struct genesis *genesis, const struct entry *entry,
                                   bool *ret_missing);
/* One line without its newline: git.head, git.branch, the HMACs. Empty when the item is missing or
 * failed. */
struct slice reading_line(const struct entry *entry, enum probe probe);

#endif
