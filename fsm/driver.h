/* fsm/driver: everything one run of titan-fsm holds open: configuration, journal, keys, target, the
 * deployment as it stands.
 * Knows:     how these are opened, in which order, and released; not what is done with them.
 * Ownership: driver_close() releases all of it and wipes keys; it takes an empty driver.
 * One driver: a process that drives holds an exclusive lock on <journal>/driver.lock, which the
 *             kernel frees with the process. `status`, `log`,
 *            `export` and the emergency `disarm` do not need it. */
#ifndef FSM_DRIVER_H
#define FSM_DRIVER_H

#include <stdbool.h>

#include "actions/target/target.h"
#include "fsm/config/config.h"
#include "fsm/past/deployment.h"
#include "fsm/record.h"
#include "fsm/past/remembered.h"
#include "journal/format/world.h"

struct screen;

enum answer { ANSWER_INVALID = 0, ANSWER_ASK, ANSWER_YES, ANSWER_NO };

struct driver_options {
    const struct world *world; /* made by main(), borrowed */
    const char *config_path;
    struct passphrase_source passphrase;
    enum answer rearm; /* release: arm again a re-created Execution that had been armed */
    /* the target's name, given beforehand as leave to change it; NULL = to be asked for */
    const char *confirm;
    bool quiet;
    bool json;
    /* An operator's key that has to be unlocked is refused, wherever its passphrase is: for an
     * emergency. An agent has a moment to answer. */
    bool at_once;
};

enum driver_need {
    DRIVER_READS = 0,         /* the journal, read only */
    DRIVER_WRITES = 1 << 0,   /* appends to the journal */
    DRIVER_DRIVES = 1 << 1,   /* alone: takes driver.lock */
    DRIVER_OPERATOR = 1 << 2, /* the operator's own key is unlocked */
    DRIVER_SESSION = 1 << 3,  /* the open deployment's session key, where one is open */
    DRIVER_SOON = 1 << 4,     /* for an emergency: a journal has a moment to answer */
};

/* What the last look at Execution showed, to be compared with the next one. */
struct interlock_memory {
    enum interlock shown;
    char container[80], started_at[40];                /* "" = nothing is remembered */
    unsigned armed_lines, disarmed_lines, heard_count; /* heard_count: DISARM commands */
};

struct driver {
    struct interlock_memory interlock;
    char execution[80]; /* id of Execution's container, as it was seen last; "" = not known */
    uint64_t acted;     /* the intent whose act this process ran; 0 = none */
    /* What this process knows where the journal cannot be read any more: the state that it recorded
     * last, and the act that it began there; INVALID = none. */
    enum state stands;
    enum action acting;
    struct remembered remembered; /* driver_remember() */
    struct driver_options options;
    struct config config;
    const struct world *world; /* borrowed */
    const struct clock *clock; /* the world's */
    struct journal *journal;
    struct journal_entry genesis; /* its first entry; empty before it is opened */
    void *lock;                   /* of driver.lock, NULL = not held */
    struct signer *operator_signer, *session;
    struct target *target; /* opened when first needed */
    bool has_learned;      /* compose_learn() */
    struct deployment deployment;
    bool found; /* a deployment exists */
    struct recorder recorder;
    struct target_tenancy lease; /* of the open deployment, once `connected` */
    struct deployment *shown;    /* as the screen shows it; owned while there is a screen */
    struct screen *screen; /* the terminal, borrowed; NULL = plain lines, or JSON (progress.h) */
    /* timestamp of the entry being replayed, borrowed; NULL when reporting live (progress.h) */
    const char *told_utc;
    bool mended; /* own files on the target were, in this run */
    /* until when the guard on the target waits at least, on the boot clock of this machine, as this
     * process renewed it; 0 = it did not (guarded.h) */
    int64_t guard_due_ns;
    int64_t renewed_ns; /* when the tenancy of the target was last renewed; boot clock
                           (keep_tenancy.h) */
};

enum error_code driver_open(struct driver *driver, const struct driver_options *options,
                            unsigned needs, struct error *error) CHECKED;
/* For `init` and `keygen`'s kin: the configuration and the operator's key, no journal yet. */
enum error_code driver_open_config(struct driver *driver, const struct driver_options *options,
                                   bool operator_key, struct error *error) CHECKED;
/* The same without key, from a configuration that is good in the sections that a DISARM needs. */
enum error_code driver_open_reach(struct driver *driver, const struct driver_options *options,
                                  struct error *error) CHECKED;
/* Unlocks the operator's own key, where it is needed after all. */
enum error_code driver_unlock(struct driver *driver, struct error *error) CHECKED;
/* The session key of the open deployment: what DRIVER_SESSION does, for a caller that asks
 * something else first. */
enum error_code driver_open_session(struct driver *driver, struct error *error) CHECKED;
/* Whether the directory that the configuration names exists; for those who open the configuration
 * only. */
bool driver_has_journal(const struct driver *driver);
void driver_close(struct driver *driver);

/* Of the lock that whoever drives holds. */
enum error_code driver_lock_path(const struct driver *driver, struct bytes *ret_path,
                                 struct error *error) CHECKED;
/* Reads what is new of the deployment; called after each entry that moves it. */
enum error_code driver_reload(struct driver *driver, struct error *error) CHECKED;
/* An open deployment exists and has not ended. */
bool driver_is_open(const struct driver *driver);

/* The target, connected, its host key compared with the one genesis pins, and what must not be
 * recorded learned from its compose file. */
enum error_code driver_target(struct driver *driver, struct target **ret_target,
                              struct error *error) CHECKED;
/* The same before anything was learned: for DISARM, which waits for nothing. */
enum error_code driver_target_at_once(struct driver *driver, struct target **ret_target,
                                      struct error *error) CHECKED;
/* Learns what must not be recorded, once a connection: the target is connected. */
enum error_code driver_learn(struct driver *driver, struct error *error) CHECKED;
/* What the deployment's entries recorded so far, lent to the target: up to the last one. */
enum error_code driver_remember(struct driver *driver, struct error *error) CHECKED;
/* Drops the connection, so that the next driver_target() makes a new one. */
void driver_disconnect(struct driver *driver);

/* The file of the session key that entry `named_by` (an open, a takeover) names: so a takeover
 * leaves the file before it alone until it is done. */
enum error_code driver_session_path(const struct driver *driver, uint64_t named_by,
                                    struct bytes *ret_path, struct error *error) CHECKED;
/* A fresh session key on disk for the entry that is written next, over the *ret_size entries that
 * the journal has: its file is there before the entry that names it, so that a crash between leaves
 * a key without an entry, never the other way round. */
enum error_code driver_create_session(const struct driver *driver, char ret_key[SHA256_HEX + 1],
                                      uint64_t *ret_size, struct error *error) CHECKED;
/* Wipes the files of the deployment's session keys; `keep` is the entry whose key stays, 0 = none.
 */
enum error_code driver_wipe_sessions(const struct driver *driver, uint64_t keep,
                                     struct error *error) CHECKED;
/* All of them wiped and gone, once the deployment has ended. */
enum error_code driver_forget_session(struct driver *driver, struct error *error) CHECKED;

/* A fresh idempotency key: 32 hex digits. */
void driver_key(const struct driver *driver, char ret_key[33]);
int64_t driver_now_ns(const struct driver *driver);

/* SIGINT or SIGTERM arrived: the engine stops at the next state that is not hot. A window is hot:
 * once begun it is watched to its end. The second signal ends the process at once. */
void driver_watch_signals(const struct world *world);
bool driver_is_interrupted(const struct driver *driver);

#endif
