/* journal/format/world: everything that the programs reach and do not decide themselves.
 * Knows:     the interface only. main() fills one `struct world` with the real implementations
 *            (actions/target/, fsm/terminal/, journal/store.c) and lends it to everything; a test
 *            or a simulation fills it with its own.
 * Replaced:  the bytes of each command, reply and file, never their meaning, so that every parser
 *            runs against a simulated world too.
 * Ownership: the world outlives whatever borrows it. Each table carries its own `context`, which is
 *            the first argument of its functions. Handles (`void *`) belong to the caller until the
 *            table's closing function.
 * Errors:    ret_* is untouched on error.
 * Waits:     every wait takes a deadline or a duration on the boot clock of `clock`. */
#ifndef JOURNAL_FORMAT_WORLD_H
#define JOURNAL_FORMAT_WORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "journal/format/bytes.h"
#include "journal/format/clock.h"

struct world_random {
    void *context;
    void (*fill)(void *context, void *data, size_t size);
};

/* Process environment and identity of this machine. */
struct world_host {
    void *context;
    const char *(*environment)(void *context, const char *name); /* NULL = unset; borrowed */
    /* NUL-terminated, truncated to `size`; "" where it is unknown. */
    void (*host_name)(void *context, char *ret_name, size_t size);
    int64_t (*process_id)(void *context);
};

/* What is known of a file without reading it. */
struct world_file {
    bool exists, regular, directory;
    bool link;     /* the name is a symbolic link; all else is of the file that it leads to */
    unsigned mode; /* permission bits */
    bool own;      /* its owner is this process's user */
    uint64_t size;
};

enum { WORLD_LOCK_NOTE_BYTES = 320 };
struct world_lock_holder {
    int64_t process; /* 0 = nobody has it, -1 = one whose number is not known */
    char note[WORLD_LOCK_NOTE_BYTES];
};

enum world_write {
    WRITE_CREATE = 1, /* fails with ERROR_REFUSED where the name exists */
    WRITE_REPLACE     /* over what is there, atomically: a temporary file of its own, then rename */
};

/* Files of this machine: keys, session keys, configuration, what is exported. Inputs are opened
 * non-blocking and refused unless they are regular. Nothing is written through a link: a name that
 * is a link, a device or a FIFO is ERROR_REFUSED. */
struct world_disk {
    void *context;
    /* Success with `exists` false where nothing is there. */
    enum error_code (*examine)(void *context, const char *path, struct world_file *ret_file,
                               struct error *error);
    /* Whole, at most size_max bytes (more is ERROR_LIMIT); ERROR_SYSTEM with ENOENT when absent. */
    enum error_code (*read)(void *context, const char *path, size_t size_max,
                            struct bytes *ret_data, struct error *error);
    /* The first `size` bytes into the caller's locked memory, and nowhere else; ERROR_KEY_REFUSED
     * unless only the owner may read the file. ret_data is overwritten on error, too. */
    enum error_code (*read_secret)(void *context, const char *path, void *ret_data, size_t size,
                                   size_t *ret_size, struct error *error);
    /* Durable when it returns: the bytes, and the name in its directory. */
    enum error_code (*write)(void *context, const char *path, enum world_write how, unsigned mode,
                             const void *data, size_t size, struct error *error);
    /* The same in parts, for what may be too large for memory. finish() releases the file, also
     * when it fails; `keep` false: nothing remains of it. */
    enum error_code (*begin)(void *context, const char *path, enum world_write how, unsigned mode,
                             void **ret_file, struct error *error);
    enum error_code (*add)(void *file, const void *data, size_t size, struct error *error);
    enum error_code (*finish)(void *file, bool keep, struct error *error);
    /* Overwritten with zeros, synced, removed; success when it is already gone. */
    enum error_code (*wipe)(void *context, const char *path, struct error *error);
    /* Durable; ERROR_REFUSED where the name exists. */
    enum error_code (*make_directory)(void *context, const char *path, unsigned mode,
                                      struct error *error);
    /* An exclusive lock that ends with the process; ERROR_HELD when another has it. */
    enum error_code (*lock)(void *context, const char *path, void **ret_lock, struct error *error);
    void (*unlock)(void *context, void *lock);
    /* Who has that lock now, without touching it. */
    enum error_code (*lock_holder)(void *context, const char *path,
                                   struct world_lock_holder *ret_holder, struct error *error);
    /* What its holder lets others read there; at most WORLD_LOCK_NOTE_BYTES - 1 bytes, "" = no
     * longer anything. Nothing depends on it: it may be lost. */
    void (*lock_note)(void *context, void *lock, const char *note);
};

/* The journal's environment (journal/store.h says what each function means and is the LMDB
 * implementation). The function makes the next stored value inside the write transaction: `size`
 * entries stand before it, `last` is the stored value of the last one. */
typedef enum error_code store_make_function(void *context, uint64_t size, const void *last,
                                            size_t last_bytes, struct bytes *ret_value,
                                            struct error *error);
struct world_store {
    void *context;
    enum error_code (*create)(void *context, const char *directory, struct error *error);
    enum error_code (*open)(void *context, const char *directory, bool read_only, void **ret_store,
                            struct error *error);
    enum error_code (*answers)(void *context, const char *directory, int64_t wait_ms,
                               struct error *error);
    void (*close)(void *store);
    enum error_code (*size)(void *store, uint64_t *ret_size, struct error *error);
    enum error_code (*entry)(void *store, uint64_t seq, struct bytes *ret_value,
                             struct error *error);
    enum error_code (*blob)(void *store, const uint8_t hash[SHA256_BYTES], struct bytes *ret_data,
                            struct error *error);
    enum error_code (*state_get)(void *store, const char *key, struct bytes *ret_value,
                                 struct error *error);
    enum error_code (*state_put)(void *store, const char *key, const void *value, size_t size,
                                 struct error *error);
    enum error_code (*append)(void *store, store_make_function *make, void *make_context,
                              const struct bytes *blobs, size_t blob_count, uint64_t *ret_seq,
                              struct error *error);
    enum error_code (*reserve)(void *store, size_t bytes, struct error *error);
    enum error_code (*file_bytes)(void *store, uint64_t *ret_bytes, struct error *error);
};

/* A connected stream of bytes: the ssh-agent's socket, a WebSocket's connection. */
struct world_stream {
    /* At most `size` bytes, waiting for at most wait_ms: how many; 0 = none yet, -1 = ended. */
    ssize_t (*send)(void *stream, const void *data, size_t size, int64_t wait_ms);
    ssize_t (*receive)(void *stream, void *data, size_t size, int64_t wait_ms);
    void (*close)(void *stream);
};

struct world_local {
    void *context;
    /* A unix socket of this machine. */
    enum error_code (*connect)(void *context, const char *path,
                               const struct world_stream **ret_stream, void **ret_handle,
                               struct error *error);
};

/* The way to a target: the backend of actions/target/target_backend.h for this setup. */
struct setup_target;
struct target_backend;
struct world_target {
    void *context;
    enum error_code (*open)(void *context, const struct setup_target *setup,
                            const struct clock *clock, const struct target_backend **ret_backend,
                            void **ret_handle, struct error *error);
};

/* NATS. `host` and `port` are where the target's forward listens; NULL = none, everywhere. Of the
 * logins at most one: user and password; token; nkey_seed, whose public key is `user`; jwt with
 * nkey_seed. PEM texts in certificate, certificate_key and authorities; server_name is what the
 * server's certificate must say; `tls` demands one. */
struct world_bus_address {
    const char *host;
    int port;
    const char *user, *password, *token, *nkey_seed, *jwt;
    bool tls;
    const char *server_name, *authorities, *certificate, *certificate_key;
    int64_t timeout_ms;
};
enum world_message { MESSAGE_NONE = 0, MESSAGE_DATA, MESSAGE_NO_RESPONDER };
struct world_bus {
    void *context;
    enum error_code (*open)(void *context, const struct world_bus_address *address,
                            void **ret_connection, struct error *error);
    void (*close)(void *connection);
    /* Sent and flushed. `reply` NULL = no answer is wanted. *ret_refused: the server's permissions
     * forbid it, so that nothing was sent. */
    enum error_code (*publish)(void *connection, const char *subject, const char *reply,
                               const void *data, size_t size, int64_t timeout_ms, bool *ret_refused,
                               struct error *error);
    /* messages_max 0 = no bound. */
    enum error_code (*subscribe)(void *connection, const char *subject, int messages_max,
                                 int64_t timeout_ms, void **ret_subscription, bool *ret_refused,
                                 struct error *error);
    void (*unsubscribe)(void *subscription);
    enum error_code (*next)(void *subscription, int64_t wait_ms, enum world_message *ret_kind,
                            struct bytes *ret_data, struct error *error);
};

/* One HTTP exchange, and connections with TLS for other protocols. http.h holds both structs. */
struct world_http_request {
    const char *url;
    /* through a forward: where it listens, or the path of a unix socket; NULL = the url's host */
    const char *connect_host;
    int connect_port;
    const char *ca_file;       /* NULL = the system's authorities */
    const char *authorization; /* value of the Authorization header; NULL = none */
    size_t body_bytes_max;
    bool truncate; /* keeps the first body_bytes_max bytes instead of failing */
    int64_t timeout_ms;
};
struct world_http_reply {
    int status; /* 0: none came back; `reason` says why */
    char reason[320];
    char location[2048]; /* "" = absent, as the next two */
    char type[200], disposition[200];
    struct bytes body;
};
struct world_http {
    void *context;
    enum error_code (*exchange)(void *context, const struct world_http_request *request,
                                struct world_http_reply *ret_reply, struct error *error);
    /* *ret_handle is NULL where no connection was made: ret_reason (320 bytes) says why. */
    enum error_code (*connect)(void *context, const struct world_http_request *request,
                               const struct world_stream **ret_stream, void **ret_handle,
                               char *ret_reason, struct error *error);
};

/* Which TCP ports of an address accept a connection from this machine (checklist/reach.h). */
struct reach;
struct world_reach {
    void *context;
    enum error_code (*attempt)(void *context, const char *address, struct reach *attempts,
                               size_t count, int64_t within_ms, const struct clock *clock,
                               struct error *error);
};

/* Whether the terminal shows what is typed. */
enum world_echo {
    ECHO_RESTORED = 0, /* as it was found */
    ECHO_SILENT,       /* until restored; also restored by whatever ends or stops the process */
    ECHO_ASKING        /* as found, and what was typed in silence is dropped: it answers nothing */
};

/* The operator's terminal. Standard output and error are stdio's. */
struct world_terminal {
    void *context;
    bool (*is_terminal)(void *context, int descriptor);
    /* Rows and columns of standard output; false where it has none. */
    bool (*size)(void *context, unsigned *ret_rows, unsigned *ret_columns);
    /* One line of standard input without its newline; waits until boottime_ns (0 = for ever).
     * ERROR_TIMEOUT when it passes or a watched signal arrived, ERROR_NEEDS_PERSON at the end of
     * the input. */
    enum error_code (*read_line)(void *context, int64_t until_ns, struct bytes *ret_line,
                                 struct error *error);
    /* A line from the controlling terminal, without echo: a passphrase. It goes into the caller's
     * locked memory, NUL-terminated, and nowhere else. ERROR_KEY_REFUSED where there is no
     * terminal, no line, an empty one, or one of `size` bytes or more. */
    enum error_code (*read_secret)(void *context, const char *prompt, char *ret_line, size_t size,
                                   struct error *error);
    /* The same from a descriptor that was open when the program began (--passphrase-fd). It does
     * not read past the newline. */
    enum error_code (*read_descriptor)(void *context, int descriptor, char *ret_line, size_t size,
                                       struct error *error);
    /* For a frame that is redrawn in place, which only a real terminal has. */
    void (*echo)(void *context, enum world_echo echo);
    /* Calls `tick` every interval_ns, from a thread that receives no signal, until stop_ticking()
     * returns. */
    enum error_code (*start_ticking)(void *context, int64_t interval_ns, void (*tick)(void *),
                                     void *tick_context, void **ret_ticker, struct error *error);
    void (*stop_ticking)(void *ticker);
};

/* SIGINT and SIGTERM: the first one is remembered, the second one ends the process. */
struct world_signals {
    void *context;
    /* `first` and `second` go to standard error when that signal arrives, from its handler: both
     * live as long as the process. NULL = nothing is said. SIGPIPE is ignored from then on. */
    void (*watch)(void *context, const char *first, const char *second);
    bool (*is_interrupted)(void *context);
    /* A peer that goes away is a failed write, and no longer the end of this process. */
    void (*ignore_broken_pipes)(void *context);
};

struct world {
    const struct clock *clock; /* reads it; every plain wait */
    const struct world_random *random;
    const struct world_host *host;
    const struct world_disk *disk;
    const struct world_store *store;
    const struct world_local *local;
    const struct world_target *target;
    const struct world_bus *bus;
    const struct world_http *http;
    const struct world_reach *reach;
    const struct world_terminal *terminal;
    const struct world_signals *signals;
};

/* The hex digits of `bytes` random bytes; ret_hex takes 2 * bytes + 1 characters. */
void world_random_hex(const struct world *world, size_t bytes, char *ret_hex);

/* world->disk's read and write. */
enum error_code world_read_file(const struct world *world, const char *path, size_t size_max,
                                struct bytes *ret_data, struct error *error) CHECKED;
enum error_code world_write_file(const struct world *world, const char *path, enum world_write how,
                                 unsigned mode, const void *data, size_t size, struct error *error)
    CHECKED;

#endif
