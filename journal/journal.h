/* journal/journal: the append-only record of one target. Below it: the world's store, canonical.h,
 * sshsig.h.
 * Knows:     sequence, chain, signatures, time stamps; not what a state or an action is.
 * Format:    journal/FORMAT.md.
 * Durability: journal_append() returns ERROR_OK only when the entry and its blobs are on disk (one
 *            LMDB commit: one fdatasync and one O_DSYNC write). A commit whose outcome is unknown
 * is settled by opening and reading again, never by a blind retry. Threads:   one at a time for
 * each handle. Processes: several may append (an emergency disarm beside a running driver): head,
 * sequence and signature are settled inside the write transaction. */
#ifndef JOURNAL_JOURNAL_H
#define JOURNAL_JOURNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "journal/format/bytes.h"
#include "journal/format/note.h"
#include "journal/format/world.h"
#include "journal/journal_entry.h"
#include "journal/keys/signer.h"

struct journal;

/* How long a driver waits for other writers and for the disk: whoever has the lock may stand still,
 * and then nobody watches any more. Half of limits.rollback_start_ms of the standard: what was seen
 * to fail in front of it is still made safe in time. */
enum { JOURNAL_ANSWER_MS = 5000 };

struct journal_head {
    uint64_t size;              /* number of entries; 0 = empty */
    uint8_t hash[SHA256_BYTES]; /* of the last stored value */
};

/* Creates the directory (0700) and an empty environment with a fresh random id; refuses an existing
 * one. */
enum error_code journal_create(const char *directory, const struct world *world,
                               struct journal **ret_journal, struct error *error) CHECKED;
/* Checks version, id, and the last entries' chain and signatures (constant time, not the whole
 * chain: titan-verify does that). */
enum error_code journal_open(const char *directory, const struct world *world, bool read_only,
                             struct journal **ret_journal, struct error *error) CHECKED;
void journal_close(struct journal *journal);
static inline void journal_closep(struct journal **journal)
{
    journal_close(*journal);
}
#define CLEANUP_JOURNAL __attribute__((cleanup(journal_closep)))

const struct world *journal_world(const struct journal *journal); /* borrowed at opening */
const char *journal_id(const struct journal *journal);
const char *journal_directory(const struct journal *journal);
bool journal_is_read_only(const struct journal *journal);
enum error_code journal_head(struct journal *journal, struct journal_head *ret_head,
                             struct error *error) CHECKED;
/* The number of entries alone, without reading one. */
enum error_code journal_size(struct journal *journal, uint64_t *ret_size, struct error *error)
    CHECKED;
/* ERROR_JOURNAL_WRITE where nothing can be written within JOURNAL_ANSWER_MS; asked ahead of an
 * append, which would wait for ever. */
enum error_code journal_answers(const struct journal *journal, struct error *error) CHECKED;
/* Size of the file that holds the entries. */
enum error_code journal_file_bytes(const struct journal *journal, uint64_t *ret_bytes,
                                   struct error *error) CHECKED;

/* An entry before it has a number, a time and a signature. Everything is borrowed. */
struct entry_draft {
    struct signer *signer;
    const char *type;
    int64_t deployment; /* its number, JOURNAL_NO_DEPLOYMENT or JOURNAL_DEPLOYMENT_SELF; never 0 */
    const json_t *body;
    /* Stored under their SHA-256 in the same transaction; each at most FORMAT_BLOB_BYTES_MAX. */
    const struct bytes *blobs;
    size_t blob_count;
    /* Only while the journal has so many entries, so that a decision made from them is still valid
     * for this one: ERROR_HELD when another process wrote since, and nothing is stored. 0 =
     * whatever the journal has become. */
    uint64_t decided_at;
};

/* ret_seq may be NULL. */
enum error_code journal_append(struct journal *journal, const struct entry_draft *draft,
                               uint64_t *ret_seq, struct error *error) CHECKED;

/* Decides over the journal's `size` entries and appends with `decided_at` = size. */
typedef enum error_code journal_decide_function(void *context, uint64_t size, struct error *error);
/* Calls `decide` again each time another process wrote between decision and entry, a few times at
 * most. Any other answer of it is returned at once. */
enum error_code journal_append_moving(struct journal *journal, journal_decide_function *decide,
                                      void *context, struct error *error) CHECKED;
/* ERROR_DAMAGED when absent or not canonical. */
enum error_code journal_read(struct journal *journal, uint64_t seq, struct journal_entry *ret_entry,
                             struct error *error) CHECKED;
/* Whether the entry, as it is stored, is signed by the key that it names: not whose key that is. An
 * entry whose signature this handle found good is not verified again. */
enum error_code journal_is_signed(struct journal *journal, const struct journal_entry *entry,
                                  bool *ret_good, struct error *error) CHECKED;
enum error_code journal_stored_value(struct journal *journal, uint64_t seq, struct bytes *ret_value,
                                     struct error *error) CHECKED;
enum error_code journal_blob(struct journal *journal, const uint8_t hash[SHA256_BYTES],
                             struct bytes *ret_data, struct error *error) CHECKED;

/* Derived state: a cache beside the entries that its user can rebuild at any time; never evidence.
 * ret_value is empty where there is none. */
enum error_code journal_state_put(struct journal *journal, const char *key, const void *value,
                                  size_t size, struct error *error) CHECKED;
enum error_code journal_state_get(struct journal *journal, const char *key, struct bytes *ret_value,
                                  struct error *error) CHECKED;

/* Makes sure that `bytes` more can be stored (map size and free disk space), before anything
 * depends on it. */
enum error_code journal_reserve(struct journal *journal, size_t bytes, struct error *error) CHECKED;

enum error_code journal_checkpoint(struct journal *journal, struct checkpoint *ret_checkpoint,
                                   struct error *error) CHECKED;
/* The note over it, signed by the session key or by the operator who exports. */
enum error_code journal_signed_checkpoint(struct journal *journal, struct signer *signer,
                                          struct bytes *ret_note, struct error *error) CHECKED;
/* bundle.c: writes the bundle to `path` atomically, through the world's disk. */
enum error_code journal_export(struct journal *journal, struct signer *signer, const char *path,
                               struct error *error) CHECKED;

#endif
