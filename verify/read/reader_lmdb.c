/* The LMDB environment, read by a child that can do nothing but stream what it finds. The only file
 * of verify/ that includes lmdb.h.
 *
 * A damaged file makes liblmdb crash, hang or return altered bytes: so a forked child opens it
 * read-only and without locks, under limits, and writes frames into a pipe; the parent believes
 * none of them. A child that dies, stalls or talks nonsense means: damaged. Frame: kind (1 byte),
 * key length and value length (u32 each, of this machine), key, value. Kinds: E entry, B blob, Z
 * the end. */
#include "verify/read/reader_lmdb.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <lmdb.h>

#include "verify/read/memory.h"

enum {
    STALL_MS = 60000,
    CPU_SECONDS_MAX = 600,
    KEY_BYTES_MAX = 64,
    VALUE_BYTES_MAX = FORMAT_BLOB_BYTES_MAX,
    TRANSFER_BYTES = 1 << 18
};

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0 /* a sanitizer maps terabytes: a limit would stop it, not the file */
#endif

struct frame {
    char kind;
    uint32_t key_bytes, value_bytes;
};

/* Frames on their way to the parent: many in one system call. */
struct sending {
    int to;
    size_t used;
    uint8_t buffer[TRANSFER_BYTES];
};

static void send_all(struct sending *sending)
{
    for (size_t at = 0; at < sending->used;) {
        ssize_t written = write(sending->to, sending->buffer + at, sending->used - at);
        if (written <= 0)
            _exit(1);
        at += (size_t)written;
    }
    sending->used = 0;
}

static void send_part(struct sending *sending, const void *data, size_t size)
{
    for (const uint8_t *at = data; size > 0;) {
        size_t room = sizeof sending->buffer - sending->used, part = size < room ? size : room;
        memcpy(sending->buffer + sending->used, at, part);
        sending->used += part;
        at += part;
        size -= part;
        if (sending->used == sizeof sending->buffer)
            send_all(sending);
    }
}

static void send_frame(struct sending *sending, char kind, const MDB_val *key, const MDB_val *value)
{
    if (key->mv_size > KEY_BYTES_MAX || value->mv_size > VALUE_BYTES_MAX)
        _exit(1);
    uint32_t sizes[2] = {(uint32_t)key->mv_size, (uint32_t)value->mv_size};
    send_part(sending, &kind, 1);
    send_part(sending, sizes, sizeof sizes);
    send_part(sending, key->mv_data, key->mv_size);
    send_part(sending, value->mv_data, value->mv_size);
}

static void stream_database(struct sending *sending, MDB_txn *transaction, const char *name,
                            char kind)
{
    MDB_dbi database;
    MDB_cursor *cursor;
    MDB_val key, value;
    if (mdb_dbi_open(transaction, name, 0, &database) != 0
        || mdb_cursor_open(transaction, database, &cursor) != 0)
        _exit(1);
    int code = mdb_cursor_get(cursor, &key, &value, MDB_FIRST);
    for (; code == 0; code = mdb_cursor_get(cursor, &key, &value, MDB_NEXT))
        send_frame(sending, kind, &key, &value);
    if (code != MDB_NOTFOUND)
        _exit(1);
}

static void limit_child(void)
{
    /* Of memory of its own: what the file claims to map may be as large as a good journal's. */
    const struct rlimit none = {0, 0}, memory = {(rlim_t)16 << 30, (rlim_t)16 << 30},
                        seconds = {CPU_SECONDS_MAX, CPU_SECONDS_MAX};
    bool good = prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && setrlimit(RLIMIT_CORE, &none) == 0
                && setrlimit(RLIMIT_FSIZE, &none) == 0 && setrlimit(RLIMIT_CPU, &seconds) == 0
                && (SANITIZED || setrlimit(RLIMIT_DATA, &memory) == 0);
    if (!good)
        _exit(1);
}

static _Noreturn void child(const char *path, int to)
{
    MDB_env *environment;
    MDB_txn *transaction;
    MDB_val nothing = {0, NULL};
    static struct sending sending;
    limit_child();
    /* A system call filter and a file system ruleset have their place here, before the first
     * hostile byte. */
    if (mdb_env_create(&environment) != 0 || mdb_env_set_maxdbs(environment, 4) != 0
        || mdb_env_open(environment, path, MDB_RDONLY | MDB_NOLOCK, 0) != 0
        || mdb_txn_begin(environment, NULL, MDB_RDONLY, &transaction) != 0)
        _exit(1);
    sending.to = to;
    stream_database(&sending, transaction, FORMAT_DATABASE_ENTRIES, 'E');
    stream_database(&sending, transaction, FORMAT_DATABASE_BLOBS, 'B');
    send_frame(&sending, 'Z', &nothing, &nothing);
    send_all(&sending);
    _exit(0);
}

/* What the child sent, and was not taken yet: [begin, end). */
struct receiving {
    int from;
    size_t begin, end;
    uint8_t buffer[TRANSFER_BYTES];
};

/* Waits for some more bytes, as long as it may take; false when none will come. */
static bool receive_more(struct receiving *receiving)
{
    for (;;) {
        struct pollfd wait = {.fd = receiving->from, .events = POLLIN};
        int ready = poll(&wait, 1, STALL_MS);
        if (ready < 0 && errno == EINTR)
            continue;
        ssize_t got = ready > 0 ? read(receiving->from, receiving->buffer, sizeof receiving->buffer)
                                : 0;
        if (got < 0 && errno == EINTR)
            continue;
        receiving->begin = 0;
        receiving->end = got > 0 ? (size_t)got : 0;
        return got > 0;
    }
}

static bool receive(struct receiving *receiving, void *data, size_t size)
{
    for (uint8_t *at = data; size > 0;) {
        size_t there = receiving->end - receiving->begin, part = size < there ? size : there;
        if (there == 0 && !receive_more(receiving))
            return false;
        memcpy(at, receiving->buffer + receiving->begin, part);
        receiving->begin += part;
        at += part;
        size -= part;
    }
    return true;
}

static enum error_code lmdb_damaged(const char *path, const char *what, struct error *error)
{
    return error_set(error, ERROR_DAMAGED, 0, path, "take another copy of it, or a bundle", "%s",
                     what);
}

static bool read_frame(struct receiving *receiving, struct frame *frame, uint8_t *key,
                       struct bytes *value)
{
    uint32_t sizes[2];
    if (!receive(receiving, &frame->kind, 1) || !receive(receiving, sizes, sizeof sizes)
        || sizes[0] > KEY_BYTES_MAX || sizes[1] > VALUE_BYTES_MAX)
        return false;
    frame->key_bytes = sizes[0];
    frame->value_bytes = sizes[1];
    value->data = memory_zeroed((size_t)sizes[1] + 1, 1);
    value->size = sizes[1];
    return receive(receiving, key, sizes[0]) && receive(receiving, value->data, value->size);
}

static enum error_code take_frame(const char *path, const struct frame *frame, const uint8_t *key,
                                  struct bytes *value, struct record *record, struct error *error)
{
    if (frame->kind == 'B' && frame->key_bytes == SHA256_BYTES)
        return record_add_blob(record, key, value, error);
    if (frame->kind != 'E' || frame->key_bytes != 8)
        return lmdb_damaged(path, "its keys are not those of a journal", error);
    uint64_t seq = 0;
    for (unsigned i = 0; i < 8; i++)
        seq = seq << 8 | key[i];
    return record_add_entry(record, seq, value, error);
}

static enum error_code receive_frames(const char *path, struct receiving *receiving,
                                      struct record *record, struct error *error)
{
    for (;;) {
        CLEANUP_BYTES struct bytes value = {0};
        struct frame frame;
        uint8_t key[KEY_BYTES_MAX];
        if (!read_frame(receiving, &frame, key, &value))
            return lmdb_damaged(path,
                                "it cannot be read as an LMDB environment with a journal in it",
                                error);
        if (frame.kind == 'Z')
            return ERROR_OK;
        enum error_code code = take_frame(path, &frame, key, &value, record, error);
        if (code != ERROR_OK)
            return code;
    }
}

/* A FIFO would be waited for. */
static bool is_file_of_data(const char *path)
{
    struct stat status;
    int parent = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool file = parent >= 0 && fstatat(parent, "data.mdb", &status, 0) == 0
                && S_ISREG(status.st_mode);
    if (parent >= 0)
        (void)close(parent);
    return file;
}

enum error_code reader_lmdb(const char *path, struct record *record, struct error *error)
{
    int ends[2], status = 0;
    if (!is_file_of_data(path))
        return lmdb_damaged(path, "there is no file data.mdb with a journal in it", error);
    if (pipe(ends) != 0)
        return error_set(error, ERROR_SYSTEM, errno, path, "", "a pipe cannot be made: %s",
                         strerror(errno));
    (void)fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        (void)close(ends[0]);
        child(path, ends[1]);
    }
    int number = errno;
    (void)close(ends[1]);
    if (pid < 0) {
        (void)close(ends[0]);
        return error_set(error, ERROR_SYSTEM, number, path, "", "a process cannot be started: %s",
                         strerror(number));
    }
    (void)fcntl(ends[0], F_SETPIPE_SZ, TRANSFER_BYTES); /* the kernel's own size does as well */
    struct receiving *receiving = memory_zeroed(1, sizeof *receiving);
    receiving->from = ends[0];
    enum error_code code = receive_frames(path, receiving, record, error);
    free(receiving);
    (void)close(ends[0]);
    if (code != ERROR_OK)
        (void)kill(pid, SIGKILL);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    if (code == ERROR_OK && !(WIFEXITED(status) && WEXITSTATUS(status) == 0))
        return lmdb_damaged(path, "the process that read it died", error);
    return code;
}
