/* What a signed, chained, durable entry costs over a bare durable LMDB commit of the same number of
 * bytes, in one run, turn by turn on the same disk. It prints and asserts nothing: the numbers are
 * this machine's. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <lmdb.h>
#include <sodium.h>

#include "tests/journal/support.h"

#include "journal/journal.h"

enum { ROUNDS = 1000, WARM_UP = 50 };

static int64_t now_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000000 + now.tv_nsec;
}

static int compare(const void *left, const void *right)
{
    int64_t a = *(const int64_t *)left, b = *(const int64_t *)right;
    return (a > b) - (a < b);
}

static bool commit_bare(MDB_env *environment, MDB_dbi database, uint64_t number,
                        const struct bytes *value)
{
    MDB_txn *transaction;
    uint8_t name[8];
    for (unsigned i = 0; i < 8; i++)
        name[i] = (uint8_t)(number >> (56 - 8 * i));
    MDB_val key = {.mv_data = name, .mv_size = sizeof name},
            data = {.mv_data = value->data, .mv_size = value->size};
    return mdb_txn_begin(environment, NULL, 0, &transaction) == 0
           && mdb_put(transaction, database, &key, &data, MDB_APPEND) == 0
           && mdb_txn_commit(transaction) == 0;
}

static bool open_bare(const char *path, MDB_env **ret_environment, MDB_dbi *ret_database)
{
    MDB_txn *transaction;
    return mkdir(path, 0700) == 0 && mdb_env_create(ret_environment) == 0
           && mdb_env_set_mapsize(*ret_environment, (size_t)64 << 20) == 0
           && mdb_env_set_maxdbs(*ret_environment, 1) == 0
           && mdb_env_open(*ret_environment, path, 0, 0600) == 0
           && mdb_txn_begin(*ret_environment, NULL, 0, &transaction) == 0
           && mdb_dbi_open(transaction, "entries", MDB_CREATE, ret_database) == 0
           && mdb_txn_commit(transaction) == 0;
}

static void report(int64_t *signed_ns, int64_t *bare_ns, size_t entry_bytes)
{
    qsort(signed_ns, ROUNDS, sizeof signed_ns[0], compare);
    qsort(bare_ns, ROUNDS, sizeof bare_ns[0], compare);
    static const struct {
        const char *name;
        int per_mille;
    } points[] = {{"p50", 500}, {"p90", 900}, {"p99", 990}};
    printf("%d entries of %zu bytes; signed append against bare commit\n", ROUNDS, entry_bytes);
    for (size_t i = 0; i < sizeof points / sizeof points[0]; i++) {
        int64_t ours = signed_ns[ROUNDS * points[i].per_mille / 1000],
                bare = bare_ns[ROUNDS * points[i].per_mille / 1000];
        printf("%s  %8.1f us  %8.1f us  ratio %.2f\n", points[i].name, (double)ours / 1e3,
               (double)bare / 1e3, (double)ours / (double)bare);
    }
}

int main(void)
{
    char directory[SUPPORT_PATH_MAX], ours[SUPPORT_PATH_MAX + 16], bare[SUPPORT_PATH_MAX + 16];
    static int64_t signed_ns[ROUNDS], bare_ns[ROUNDS];
    struct journal *journal = NULL;
    struct error error;
    MDB_env *environment = NULL;
    MDB_dbi database = 0;
    CLEANUP_BYTES struct bytes value = {0};
    if (sodium_init() < 0)
        return 1;
    support_directory(directory);
    (void)snprintf(ours, sizeof ours, "%s/journal", directory);
    (void)snprintf(bare, sizeof bare, "%s/bare", directory);
    CLEANUP_SIGNER struct signer *signer = support_signer(1);
    CLEANUP_JSON json_t *body =
        json_pack("{s:s, s:s}", "kind", "bench", "text",
                  "what one intent says to people, more or less, with its reasons");
    bool good = journal_create(ours, support_world(), &journal, &error) == ERROR_OK
                && open_bare(bare, &environment, &database);
    for (int i = -WARM_UP; good && i < ROUNDS; i++) {
        uint64_t seq = 0;
        int64_t begin_ns = now_ns();
        good = journal_append(journal,
                              &(struct entry_draft){.signer = signer,
                                                    .type = "note",
                                                    .deployment = JOURNAL_NO_DEPLOYMENT,
                                                    .body = body},
                              &seq, &error)
               == ERROR_OK;
        int64_t middle_ns = now_ns();
        good = good && journal_stored_value(journal, seq, &value, &error) == ERROR_OK;
        int64_t again_ns = now_ns();
        good = good && commit_bare(environment, database, seq, &value);
        int64_t end_ns = now_ns();
        if (i >= 0) {
            signed_ns[i] = middle_ns - begin_ns;
            bare_ns[i] = end_ns - again_ns;
        }
    }
    if (good)
        report(signed_ns, bare_ns, value.size);
    if (environment != NULL)
        mdb_env_close(environment);
    journal_close(journal);
    support_remove(directory);
    return good ? 0 : 1;
}
