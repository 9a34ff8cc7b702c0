/* Goal: several processes write one chain; one that is killed at any moment leaves a valid chain in
 * which everything that it had reported stands; a signer that asks a person is asked again when the
 * head has moved meanwhile. */
#include "support.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sodium.h>

#include "journal/journal.h"
#include "journal/store.h"
#include "journal/keys/signer_backend.h"
#include "journal/format/sshsig.h"

struct place {
    char directory[SUPPORT_PATH_MAX], path[SUPPORT_PATH_MAX + 16];
    pid_t children[4];
};

static enum error_code append(struct journal *journal, struct signer *signer, json_int_t who,
                              json_int_t number, uint64_t *ret_seq, struct error *error)
{
    CLEANUP_JSON json_t *body = json_pack("{s:I, s:I}", "who", who, "number", number);
    const struct bytes blob = {.data = (uint8_t *)&number, .size = sizeof number};
    return journal_append(journal,
                          &(struct entry_draft){.signer = signer,
                                                .type = "note",
                                                .deployment = JOURNAL_NO_DEPLOYMENT,
                                                .body = body,
                                                .blobs = &blob,
                                                .blob_count = 1},
                          ret_seq, error);
}

static int set_up(void **state)
{
    struct place *place = calloc(1, sizeof *place);
    struct journal *journal = NULL;
    struct error error;
    support_directory(place->directory);
    (void)snprintf(place->path, sizeof place->path, "%s/journal", place->directory);
    struct signer *signer = support_signer(9);
    support_ok(journal_create(place->path, support_world(), &journal, &error), &error);
    support_ok(append(journal, signer, 9, 0, NULL, &error), &error);
    journal_close(journal);
    signer_close(signer);
    *state = place;
    return 0;
}

static void stop(pid_t *child)
{
    if (*child > 0) {
        (void)kill(*child, SIGKILL);
        (void)waitpid(*child, NULL, 0);
    }
    *child = 0;
}

static int tear_down(void **state)
{
    struct place *place = *state;
    for (size_t i = 0; i < 4; i++)
        stop(&place->children[i]);
    support_remove(place->directory);
    free(place);
    return 0;
}

/* The whole chain by hand; for each writer its numbers are 0, 1, 2, ... in order. Returns how many
 * entries of each. */
static void check_chain(const struct place *place, uint64_t ret_count[10])
{
    struct journal *journal = NULL;
    struct journal_head head;
    struct error error;
    uint8_t hash[SHA256_BYTES] = {0};
    memset(ret_count, 0, 10 * sizeof ret_count[0]);
    support_ok(journal_open(place->path, support_world(), true, &journal, &error), &error);
    support_ok(journal_head(journal, &head, &error), &error);
    for (uint64_t seq = 0; seq < head.size; seq++) {
        CLEANUP_BYTES struct bytes value = {0}, blob = {0};
        CLEANUP_ENTRY struct journal_entry entry = {0};
        char prev[SHA256_HEX + 16], hex[SHA256_HEX + 1];
        uint8_t key[KEY_BYTES], blob_hash[SHA256_BYTES];
        support_ok(journal_read(journal, seq, &entry, &error), &error);
        support_ok(journal_stored_value(journal, seq, &value, &error), &error);
        bytes_hex(hash, sizeof hash, hex);
        (void)snprintf(prev, sizeof prev, "\"prev\":\"%s\"", hex);
        assert_non_null(strstr((const char *)value.data + SIGNATURE_BYTES, prev));
        assert_true(bytes_from_hex(entry.signer, SHA256_HEX, key, sizeof key));
        assert_true(sshsig_verify(SSHSIG_NAMESPACE_JOURNAL, value.data + SIGNATURE_BYTES,
                                  value.size - SIGNATURE_BYTES, value.data, key));
        json_int_t who = json_integer_value(json_object_get(entry.body, "who")),
                   number = json_integer_value(json_object_get(entry.body, "number"));
        assert_true(who >= 0 && who < 10 && (uint64_t)number == ret_count[who]++);
        bytes_sha256(&number, sizeof number, blob_hash);
        support_ok(journal_blob(journal, blob_hash, &blob, &error), &error);
        memcpy(hash, entry.hash, sizeof hash);
    }
    journal_close(journal);
}

/* In a child: appends `count` entries as `who`, and says after each that it is durable. */
static void write_entries(const struct place *place, json_int_t who, json_int_t first,
                          json_int_t count, int said)
{
    struct journal *journal = NULL;
    struct error error;
    struct signer *signer = support_signer((uint8_t)who);
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0
        || journal_open(place->path, support_world(), false, &journal, &error) != ERROR_OK)
        _exit(1);
    for (json_int_t i = first; i < first + count; i++)
        if (append(journal, signer, who, i, NULL, &error) != ERROR_OK || write(said, "+", 1) != 1)
            _exit(2);
    journal_close(journal);
    _exit(0);
}

static void journal_append_many_processes_keep_one_chain(void **state)
{
    enum { EACH = 150 };
    struct place *place = *state;
    uint64_t count[10];
    int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    for (json_int_t who = 0; who < 4; who++) {
        place->children[who] = fork();
        assert_true(place->children[who] >= 0);
        if (place->children[who] == 0)
            write_entries(place, who, 0, EACH, null);
    }
    for (size_t i = 0; i < 4; i++) {
        int status;
        assert_int_equal(waitpid(place->children[i], &status, 0), place->children[i]);
        place->children[i] = 0;
        assert_int_equal(status, 0);
    }
    assert_int_equal(close(null), 0);
    check_chain(place, count);
    for (size_t who = 0; who < 4; who++)
        assert_true(count[who] == EACH);
    assert_true(count[9] == 1);
}

/* Each round kills the writer after another number of entries, while it writes the next; what it
 * said is there, and at most one more. */
static void journal_append_killed_writer_leaves_a_valid_chain(void **state)
{
    struct place *place = *state;
    uint64_t count[10], said_all = 0;
    for (unsigned round = 0; round < 60; round++) {
        int said[2];
        char mark;
        check_chain(place, count);
        assert_true(count[1] >= said_all);
        assert_int_equal(pipe2(said, O_CLOEXEC), 0);
        said_all = count[1];
        place->children[0] = fork();
        assert_true(place->children[0] >= 0);
        if (place->children[0] == 0)
            write_entries(place, 1, (json_int_t)count[1], 1000000, said[1]);
        assert_int_equal(close(said[1]), 0);
        for (unsigned i = 0; i <= round % 7; i++, said_all++)
            assert_int_equal(read(said[0], &mark, 1), 1);
        for (volatile unsigned i = 0; i < round * 3000; i++) /* another moment in each round */
            continue;
        stop(&place->children[0]);
        while (read(said[0], &mark, 1) == 1)
            said_all++;
        assert_int_equal(close(said[0]), 0);
        uint64_t after[10];
        check_chain(place, after);
        assert_true(after[1] == said_all || after[1] == said_all + 1);
    }
}

/* A writer that dies with the write lock in its hands does not stop the others. */
static void journal_append_lock_of_the_dead_is_taken_over(void **state)
{
    struct place *place = *state;
    struct error error;
    uint64_t count[10];
    int said[2], null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    char mark;
    place->children[0] = fork();
    if (place->children[0] == 0)
        write_entries(place, 2, 0, 1000000, null);
    struct journal *journal = NULL;
    CLEANUP_SIGNER struct signer *signer = support_signer(3);
    support_ok(journal_open(place->path, support_world(), false, &journal, &error), &error);
    for (unsigned round = 0; round < 20; round++) {
        assert_int_equal(pipe2(said, O_CLOEXEC), 0);
        place->children[1] = fork();
        if (place->children[1] == 0)
            write_entries(place, 1, round, 1000000, said[1]);
        assert_int_equal(read(said[0], &mark, 1), 1);
        stop(&place->children[1]);
        support_ok(append(journal, signer, 3, round, NULL, &error), &error);
        assert_int_equal(close(said[0]) + close(said[1]), 0);
    }
    stop(&place->children[0]);
    journal_close(journal);
    assert_int_equal(close(null), 0);
    support_ok(journal_open(place->path, support_world(), true, &journal, &error), &error);
    struct journal_head head;
    support_ok(journal_head(journal, &head, &error), &error);
    memset(count, 0, sizeof count);
    for (uint64_t seq = 0; seq < head.size; seq++) {
        CLEANUP_ENTRY struct journal_entry entry = {0};
        support_ok(journal_read(journal, seq, &entry, &error), &error);
        count[json_integer_value(json_object_get(entry.body, "who"))]++;
    }
    assert_true(count[3] == 20 && count[1] >= 20);
    journal_close(journal);
}

/* Inside a write transaction, for good. */
static enum error_code stand_still(void *context, uint64_t size, const void *last,
                                   size_t last_bytes, struct bytes *ret_value, struct error *error)
{
    (void)context;
    (void)size;
    (void)last;
    (void)last_bytes;
    (void)ret_value;
    return error_set(error, ERROR_REFUSED, 0, "", "", "went on: %d", raise(SIGSTOP));
}

static _Noreturn void hold_lock(const struct place *place)
{
    struct store *store = NULL;
    struct error error;
    uint64_t seq;
    bool good = prctl(PR_SET_PDEATHSIG, SIGKILL) == 0
                && store_open(place->path, false, &store, &error) == ERROR_OK
                && store_append(store, stand_still, NULL, NULL, 0, &seq, &error) == ERROR_REFUSED;
    store_close(store);
    _exit(good ? 0 : 1);
}

static void wake(int signal_number)
{
    (void)signal_number;
}

/* What cannot wait for the lock of one that was stopped asks first, and hears so in time. */
static void store_answers_not_while_a_stopped_process_holds_it(void **state)
{
    struct place *place = *state;
    struct error error;
    int status;
    support_ok(store_answers(place->path, 60000, &error), &error);
    place->children[0] = fork();
    if (place->children[0] == 0)
        hold_lock(place);
    assert_int_equal(waitpid(place->children[0], &status, WUNTRACED), place->children[0]);
    assert_true(WIFSTOPPED(status));
    const struct itimerval soon = {.it_value = {.tv_usec = 20000}};
    assert_int_equal(sigaction(SIGALRM, &(struct sigaction){.sa_handler = wake}, NULL), 0);
    assert_int_equal(setitimer(ITIMER_REAL, &soon, NULL), 0); /* a signal is no answer */
    support_code(store_answers(place->path, 300, &error), ERROR_JOURNAL_WRITE, &error);
    assert_string_equal(error.where, place->path);
    assert_int_equal(kill(place->children[0], SIGCONT), 0);
    assert_int_equal(waitpid(place->children[0], &status, 0), place->children[0]);
    place->children[0] = 0;
    assert_int_equal(status, 0);
    support_ok(store_answers(place->path, 60000, &error), &error);
    support_ok(store_answers("/dev/null/nothing", 60000, &error), &error); /* it answers: no */
    uint64_t count[10];
    check_chain(place, count);
    assert_true(count[9] == 1);
}

/* A signer that asks, and while it asks somebody else appends. */
struct asking {
    struct journal *journal;
    struct signer *inner, *other;
    json_int_t moves, moved,
        asked; /* how often the head shall move, has moved; how often it was asked */
};

static enum error_code ask(void *context, const void *data, size_t size,
                           uint8_t ret_signature[SIGNATURE_BYTES], struct error *error)
{
    struct asking *asking = context;
    asking->asked++;
    if (asking->moved < asking->moves)
        support_ok(append(asking->journal, asking->other, 5, asking->moved++, NULL, error), error);
    return signer_sign(asking->inner, data, size, ret_signature, error);
}

static void close_nothing(void *context)
{
    (void)context;
}

static void journal_append_head_moved_while_asking_asks_again(void **state)
{
    struct place *place = *state;
    struct journal *journal = NULL;
    struct error error;
    uint64_t count[10], seq = 0;
    CLEANUP_SIGNER struct signer *inner = support_signer(4), *other = support_signer(5),
                                 *signer = NULL;
    support_ok(journal_open(place->path, support_world(), false, &journal, &error), &error);
    struct asking asking = {.journal = journal, .inner = inner, .other = other, .moves = 3};
    support_ok(signer_new(signer_public_key(inner), &asking, true, ask, close_nothing, &signer,
                          &error),
               &error);
    support_ok(append(journal, signer, 4, 0, &seq, &error), &error);
    assert_true(seq == 4 && asking.asked == 4);
    asking.moves = 1000;
    seq = 77;
    support_code(append(journal, signer, 4, 1, &seq, &error), ERROR_HELD, &error);
    assert_true(seq == 77 && asking.asked < 20);
    journal_close(journal);
    check_chain(place, count);
    assert_true(count[4] == 1 && count[5] == (uint64_t)asking.moved);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(journal_append_many_processes_keep_one_chain),
        CASE(journal_append_killed_writer_leaves_a_valid_chain),
        CASE(journal_append_lock_of_the_dead_is_taken_over),
        CASE(store_answers_not_while_a_stopped_process_holds_it),
        CASE(journal_append_head_moved_while_asking_asks_again),
    };
    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
