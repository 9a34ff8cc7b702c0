/* Goal: entries are numbered without a hole, stored whole with their blobs or not at all, by any
 * number of processes; anything else on the disk is refused. The only test that writes with LMDB
 * itself, to make what the store never would. */
#include "support.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <lmdb.h>
#include <sodium.h>

#include "journal/store.h"

enum { MEBIBYTE = 1 << 20 };

struct place {
    char directory[SUPPORT_PATH_MAX], path[SUPPORT_PATH_MAX + 16];
    struct store *store;
};

static int set_up(void **state)
{
    struct place *place = calloc(1, sizeof *place);
    struct error error;
    support_directory(place->directory);
    (void)snprintf(place->path, sizeof place->path, "%s/store", place->directory);
    support_ok(store_create(place->path, &error), &error);
    support_ok(store_open(place->path, false, &place->store, &error), &error);
    *state = place;
    return 0;
}

static int tear_down(void **state)
{
    struct place *place = *state;
    store_close(place->store);
    support_remove(place->directory);
    free(place);
    return 0;
}

/* 64 bytes for a signature, then the number of the entry, then the first bytes of the last value:
 * shows what the store gave. */
static enum error_code make(void *context, uint64_t size, const void *last, size_t last_bytes,
                            struct bytes *ret_value, struct error *error)
{
    char text[256] = {0};
    size_t extra = context != NULL ? *(size_t *)context : 0;
    int length = snprintf(text + SIGNATURE_BYTES, 128, "%llu after %.*s", (unsigned long long)size,
                          last_bytes > 64 ? 8 : 4,
                          last_bytes > 64 ? (const char *)last + SIGNATURE_BYTES : "none");
    enum error_code code = bytes_append(ret_value, text, SIGNATURE_BYTES + (size_t)length, error);
    uint8_t *rest = calloc(1, extra + 1);
    if (code == ERROR_OK)
        code = bytes_append(ret_value, rest, extra, error);
    free(rest);
    return code;
}

static enum error_code make_nothing(void *context, uint64_t size, const void *last,
                                    size_t last_bytes, struct bytes *ret_value, struct error *error)
{
    (void)context;
    (void)size;
    (void)last;
    (void)last_bytes;
    (void)ret_value;
    return error_set(error, ERROR_KEY_REFUSED, 0, "key", "", "refused");
}

static void append(struct store *store, uint64_t wanted_seq)
{
    uint64_t seq = 0;
    struct error error;
    support_ok(store_append(store, make, NULL, NULL, 0, &seq, &error), &error);
    assert_true(seq == wanted_seq);
}

static uint64_t size_of(struct store *store)
{
    uint64_t size = 0;
    struct error error;
    support_ok(store_size(store, &size, &error), &error);
    return size;
}

static void store_create_existing_path_refused(void **state)
{
    struct place *place = *state;
    struct error error;
    struct stat status;
    support_code(store_create(place->path, &error), ERROR_REFUSED, &error);
    support_code(store_create(support_path(place->directory, "none/store"), &error),
                 ERROR_JOURNAL_WRITE, &error);
    assert_int_equal(stat(place->path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0700);
    static const char *const files[] = {"data.mdb", "lock.mdb"};
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(stat(support_path(place->path, files[i]), &status), 0);
        assert_int_equal(status.st_mode & 07777, 0600);
    }
}

static void store_open_wrong_place_refused(void **state)
{
    struct place *place = *state;
    struct store *store = NULL;
    struct error error;
    support_code(store_open(support_path(place->directory, "none"), false, &store, &error),
                 ERROR_CONFIG, &error);
    assert_int_equal(error.library_code, ENOENT);
    support_write(support_path(place->directory, "file"), "x", 1, 0600);
    support_code(store_open(support_path(place->directory, "file"), true, &store, &error),
                 ERROR_SYSTEM, &error);
    store_close(place->store);
    place->store = NULL;
    for (unsigned bit = 1; bit <= 040; bit <<= 1) {
        assert_int_equal(chmod(place->path, 0700 | bit), 0);
        support_code(store_open(place->path, false, &store, &error), ERROR_SYSTEM, &error);
        assert_string_equal(error.next, "chmod 700");
    }
    assert_int_equal(chmod(place->path, 0700), 0);
    char text[20000];
    memset(text, 'x', sizeof text);
    support_write(support_path(place->path, "data.mdb"), text, sizeof text, 0600);
    support_code(store_open(place->path, false, &store, &error), ERROR_DAMAGED, &error);
    support_code(store_open(place->path, true, &store, &error), ERROR_DAMAGED, &error);
    assert_null(store);
}

/* A child could write to data.mdb by its number. */
static void store_open_files_are_closed_in_a_child(void **state)
{
    struct place *place = *state;
    char path[64], name[SUPPORT_PATH_MAX + 32];
    int own = 0;
    for (int descriptor = 0; descriptor < 64; descriptor++) {
        (void)snprintf(path, sizeof path, "/proc/self/fd/%d", descriptor);
        ssize_t size = readlink(path, name, sizeof name - 1);
        if (size <= 0)
            continue;
        name[size] = '\0';
        if (strncmp(name, place->path, strlen(place->path)) != 0)
            continue;
        own++;
        assert_true((fcntl(descriptor, F_GETFD) & FD_CLOEXEC) != 0);
    }
    assert_true(own >= 2);
}

static void store_append_values_come_back_in_order(void **state)
{
    struct place *place = *state;
    struct error error;
    assert_true(size_of(place->store) == 0);
    for (size_t i = 0; i < 300; i++) {
        uint64_t seq;
        size_t extra = i * 219; /* from a few bytes to many pages */
        support_ok(store_append(place->store, make, &extra, NULL, 0, &seq, &error), &error);
        assert_true(seq == i && size_of(place->store) == i + 1);
    }
    store_close(place->store);
    place->store = NULL;
    support_ok(store_open(place->path, true, &place->store, &error), &error);
    for (size_t i = 0; i < 300; i++) {
        CLEANUP_BYTES struct bytes value = {0};
        char before[64] = "none", wanted[64];
        if (i > 0)
            (void)snprintf(before, sizeof before, "%zu after ", i - 1);
        int length = snprintf(wanted, sizeof wanted, "%zu after %.8s", i, before);
        support_ok(store_entry(place->store, i, &value, &error), &error);
        assert_memory_equal(value.data + SIGNATURE_BYTES, wanted, (size_t)length);
        assert_true(value.size > i * 219 + SIGNATURE_BYTES
                    && value.size < i * 219 + SIGNATURE_BYTES + 32);
    }
    CLEANUP_BYTES struct bytes value = {0};
    support_code(store_entry(place->store, 300, &value, &error), ERROR_DAMAGED, &error);
    support_code(store_entry(place->store, UINT64_MAX, &value, &error), ERROR_DAMAGED, &error);
    assert_null(value.data);
}

static void store_append_refused_value_stores_nothing(void **state)
{
    struct place *place = *state;
    struct error error;
    const struct bytes blob = {.data = (uint8_t *)(uintptr_t) "blob", .size = 4};
    CLEANUP_BYTES struct bytes data = {0};
    uint8_t hash[SHA256_BYTES];
    uint64_t seq = 77;
    append(place->store, 0);
    support_code(store_append(place->store, make_nothing, NULL, &blob, 1, &seq, &error),
                 ERROR_KEY_REFUSED, &error);
    assert_true(seq == 77 && size_of(place->store) == 1);
    bytes_sha256("blob", 4, hash);
    support_code(store_blob(place->store, hash, &data, &error), ERROR_DAMAGED, &error);
    append(place->store, 1);
}

static void store_append_blobs_under_their_hash(void **state)
{
    struct place *place = *state;
    struct error error;
    uint8_t *large = malloc(MEBIBYTE);
    randombytes_buf(large, MEBIBYTE);
    const struct bytes blobs[] = {{.data = NULL, .size = 0},
                                  {.data = (uint8_t *)(uintptr_t) "a", .size = 1},
                                  {.data = large, .size = MEBIBYTE},
                                  {.data = (uint8_t *)(uintptr_t) "a", .size = 1}};
    uint64_t seq;
    for (unsigned i = 0; i < 2; i++) /* the second time each is there already */
        support_ok(store_append(place->store, make, NULL, blobs, 4, &seq, &error), &error);
    for (size_t i = 0; i < 4; i++) {
        CLEANUP_BYTES struct bytes data = {0};
        uint8_t hash[SHA256_BYTES];
        bytes_sha256(blobs[i].data, blobs[i].size, hash);
        support_ok(store_blob(place->store, hash, &data, &error), &error);
        assert_int_equal(data.size, blobs[i].size);
        if (data.size > 0)
            assert_memory_equal(data.data, blobs[i].data, data.size);
    }
    free(large);
}

/* More than the first map holds, while another process has the store open since before: both go on.
 */
static void store_append_grown_map_is_followed_by_others(void **state)
{
    struct place *place = *state;
    struct error error;
    int ready[2], go[2], status;
    char mark;
    store_close(place->store);
    place->store = NULL;
    assert_int_equal(pipe(ready) + pipe(go), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct store *store = NULL;
        uint64_t size, seq;
        struct error child_error;
        bool good = prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && close(go[1]) == 0
                    && store_open(place->path, false, &store, &child_error) == ERROR_OK
                    && store_size(store, &size, &child_error) == ERROR_OK && size == 0
                    && write(ready[1], "r", 1) == 1 && read(go[0], &mark, 1) == 1
                    && store_size(store, &size, &child_error) == ERROR_OK && size == 80
                    && store_append(store, make, NULL, NULL, 0, &seq, &child_error) == ERROR_OK
                    && seq == 80;
        store_close(store);
        _exit(good ? 0 : 1);
    }
    assert_int_equal(read(ready[0], &mark, 1), 1);
    support_ok(store_open(place->path, false, &place->store, &error), &error);
    uint8_t *large = calloc(1, MEBIBYTE);
    for (unsigned i = 0; i < 80; i++) {
        uint64_t seq;
        memcpy(large, &i, sizeof i);
        const struct bytes blob = {.data = large, .size = MEBIBYTE};
        support_ok(store_append(place->store, make, NULL, &blob, 1, &seq, &error), &error);
    }
    free(large);
    assert_int_equal(write(go[1], "g", 1), 1);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    append(place->store, 81);
    support_ok(store_reserve(place->store, 200 * MEBIBYTE, &error), &error);
    append(place->store, 82);
    for (size_t end = 0; end < 2; end++)
        assert_int_equal(close(ready[end]) + close(go[end]), 0);
}

static void store_state_put_replaced_and_kept(void **state)
{
    struct place *place = *state;
    CLEANUP_BYTES struct bytes value = {0};
    struct error error;
    support_ok(store_state_get(place->store, "key", &value, &error), &error);
    assert_int_equal(value.size, 0);
    support_ok(store_state_put(place->store, "key", "one", 3, &error), &error);
    support_ok(store_state_put(place->store, "key", "second", 6, &error), &error);
    store_close(place->store);
    place->store = NULL;
    support_ok(store_open(place->path, false, &place->store, &error), &error);
    support_ok(store_state_get(place->store, "key", &value, &error), &error);
    assert_string_equal((const char *)value.data, "second");
    assert_true(size_of(place->store) == 0);
    uint8_t *large = calloc(1, 100 * MEBIBYTE); /* more than the first map */
    support_ok(store_state_put(place->store, "key", large, 100 * MEBIBYTE, &error), &error);
    support_ok(store_state_get(place->store, "key", &value, &error), &error);
    assert_int_equal(value.size, 100 * MEBIBYTE);
    free(large);
}

/* Changes the `entries` with LMDB itself: deletes one, or puts one, or both. */
static void change(struct place *place, const void *deleted, const void *put, size_t key_bytes,
                   size_t value_bytes)
{
    MDB_env *environment;
    MDB_txn *transaction;
    MDB_dbi entries;
    char value[200] = {0};
    MDB_val old = {.mv_data = (void *)(uintptr_t)deleted, .mv_size = 8},
            key = {.mv_data = (void *)(uintptr_t)put, .mv_size = key_bytes};
    MDB_val data = {.mv_data = value, .mv_size = value_bytes};
    store_close(place->store);
    place->store = NULL;
    assert_int_equal(mdb_env_create(&environment) + mdb_env_set_maxdbs(environment, 4)
                         + mdb_env_open(environment, place->path, 0, 0600),
                     0);
    assert_int_equal(mdb_txn_begin(environment, NULL, 0, &transaction)
                         + mdb_dbi_open(transaction, "entries", 0, &entries),
                     0);
    if (deleted != NULL)
        assert_int_equal(mdb_del(transaction, entries, &old, NULL), 0);
    if (put != NULL)
        assert_int_equal(mdb_put(transaction, entries, &key, &data, 0), 0);
    assert_int_equal(mdb_txn_commit(transaction), 0);
    mdb_env_close(environment);
    struct error error;
    support_ok(store_open(place->path, false, &place->store, &error), &error);
}

static void check_refused(struct place *place)
{
    uint64_t size = 77, seq = 77;
    struct error error;
    support_code(store_size(place->store, &size, &error), ERROR_DAMAGED, &error);
    assert_string_equal(error.where, place->path);
    support_code(store_append(place->store, make, NULL, NULL, 0, &seq, &error), ERROR_DAMAGED,
                 &error);
    assert_true(size == 77 && seq == 77);
}

static const uint8_t KEYS[][8] = {{0, 0, 0, 0, 0, 0, 0, 0},
                                  {0, 0, 0, 0, 0, 0, 0, 1},
                                  {0, 0, 0, 0, 0, 0, 0, 2},
                                  {0, 0, 0, 0, 0, 0, 0, 3},
                                  {0xff, 0, 0, 0, 0, 0, 0, 0}};

static void store_size_hole_refused(void **state)
{
    struct place *place = *state;
    for (uint64_t i = 0; i < 4; i++)
        append(place->store, i);
    change(place, KEYS[1], NULL, 0, 0);
    check_refused(place);
    change(place, NULL, KEYS[1], 8, 100);
    assert_true(size_of(place->store)
                == 4); /* whole again; what the value says is not the store's business */
    change(place, KEYS[0], NULL, 0, 0);
    check_refused(place);
    change(place, KEYS[3], KEYS[0], 8,
           100); /* cut at the end it is whole: every prefix of a journal is a journal */
    append(place->store, 3);
}

static void store_size_foreign_keys_refused(void **state)
{
    struct place *place = *state;
    append(place->store, 0);
    append(place->store, 1);
    change(place, NULL, KEYS[3], 8, 100); /* behind a gap */
    check_refused(place);
    change(place, KEYS[3], KEYS[2], 8, SIGNATURE_BYTES); /* nothing behind the signature */
    check_refused(place);
    change(place, KEYS[2], KEYS[4], 8, 100);
    check_refused(place);
    change(place, KEYS[4], "longkey 9", 9, 100);
    check_refused(place);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(store_create_existing_path_refused),
        CASE(store_open_wrong_place_refused),
        CASE(store_open_files_are_closed_in_a_child),
        CASE(store_append_values_come_back_in_order),
        CASE(store_append_refused_value_stores_nothing),
        CASE(store_append_blobs_under_their_hash),
        CASE(store_append_grown_map_is_followed_by_others),
        CASE(store_state_put_replaced_and_kept),
        CASE(store_size_hole_refused),
        CASE(store_size_foreign_keys_refused),
    };
    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
