/* Goal: one holder at a time, whoever comes together; the epoch rises with each new holder; an
 * older copy of the journal is refused, and so is one that went another way; whoever was followed
 * is told at the next renewal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "actions/tenancy.h"
#include "tests/actions/local_target.h"

enum { RACES = 100, RACERS = 4 };
static const char FORK[] = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";
static const char HASH[] = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
static const char ONE[] = "00112233445566778899aabbccddeeff",
                  OTHER[] = "ffeeddccbbaa99887766554433221100";

static int open_local(void **state)
{
    struct local_target *local = calloc(1, sizeof *local);
    *state = local;
    return local != NULL ? local_target_open(local) : -1;
}

static int close_local(void **state)
{
    local_target_close(*state);
    free(*state);
    return 0;
}

static struct tenancy_terms terms_of(const char *journal, int64_t deployment, int64_t head)
{
    return (struct tenancy_terms){.journal = journal,
                                  .deployment = deployment,
                                  .head_seq = head,
                                  .head_hash = HASH,
                                  .holder = "alice on laptop",
                                  .tenancy_ms = 3600000};
}

static enum error_code take(struct local_target *local, struct tenancy_terms terms,
                            struct tenancy *tenancy)
{
    struct evidence evidence = {.count = 0};
    struct error error;
    enum error_code code = tenancy_take(local->target, &terms, &evidence, tenancy, &error);
    evidence_clear(&evidence);
    return code;
}

static enum error_code let_go(struct local_target *local, struct tenancy_terms terms)
{
    struct evidence evidence = {.count = 0};
    struct error error;
    enum error_code code = tenancy_free(local->target, &terms, &evidence, &error);
    evidence_clear(&evidence);
    return code;
}

static void tenancy_take_renews_frees_and_counts_epochs(void **state)
{
    struct local_target *local = *state;
    struct tenancy tenancy;
    assert_int_equal(take(local, terms_of(ONE, 1, 3), &tenancy), ERROR_OK);
    assert_int_equal(tenancy.epoch, 1);
    assert_int_equal(take(local, terms_of(ONE, 1, 4), &tenancy), ERROR_OK);
    assert_int_equal(tenancy.epoch, 1);
    assert_int_equal(let_go(local, terms_of(ONE, 1, 5)), ERROR_OK);
    assert_int_equal(let_go(local, terms_of(ONE, 1, 5)), ERROR_OK);
    assert_int_equal(take(local, terms_of(ONE, 9, 9), &tenancy), ERROR_OK);
    assert_int_equal(tenancy.epoch, 2);
}

static void tenancy_take_refuses_others_and_older_copies(void **state)
{
    struct local_target *local = *state;
    struct tenancy tenancy;
    assert_int_equal(take(local, terms_of(ONE, 5, 7), &tenancy), ERROR_OK);
    assert_int_equal(take(local, terms_of(OTHER, 1, 99), &tenancy), ERROR_HELD);
    assert_int_equal(take(local, terms_of(ONE, 6, 8), &tenancy), ERROR_HELD);
    assert_int_equal(take(local, terms_of(ONE, 5, 6), &tenancy), ERROR_HELD);
    assert_int_equal(let_go(local, terms_of(ONE, 5, 8)), ERROR_OK);
    assert_int_equal(take(local, terms_of(OTHER, 1, 99), &tenancy),
                     ERROR_HELD); /* the target belongs to the journal that it knows */
}

static void tenancy_take_expired_holder_of_the_same_journal_is_followed(void **state)
{
    struct local_target *local = *state;
    struct tenancy tenancy;
    struct tenancy_terms gone = terms_of(ONE, 5, 7);
    gone.tenancy_ms = 0;
    assert_int_equal(take(local, gone, &tenancy), ERROR_OK);
    assert_int_equal(take(local, terms_of(ONE, 8, 8), &tenancy), ERROR_OK);
    assert_int_equal(tenancy.epoch, 2);
}

static void tenancy_read_damaged_file_is_an_error(void **state)
{
    struct local_target *local = *state;
    struct tenancy tenancy;
    assert_int_equal(local_target_write(local, "state/deployment.json", 0644, "{\"journal\":5}\n"),
                     0);
    assert_int_equal(take(local, terms_of(ONE, 1, 1), &tenancy), ERROR_PROTOCOL);
}

/* Whether a journal has an entry: `context` is the hash of all its entries. */
static bool has_entry(void *context, int64_t seq, const char *hash)
{
    (void)seq;
    return strcmp(context, hash) == 0;
}

static struct tenancy_terms copy_of(const char *hash, int64_t head)
{
    struct tenancy_terms terms = terms_of(ONE, 1, head);
    terms.head_hash = hash;
    terms.has_entry = has_entry;
    terms.context = (void *)(uintptr_t)hash;
    return terms;
}

static struct tenancy look(struct local_target *local)
{
    struct evidence evidence = {.count = 0};
    struct tenancy tenancy = {.deployment = -1};
    struct error error;
    assert_int_equal(tenancy_read(local->target, &evidence, &tenancy, &error), ERROR_OK);
    evidence_clear(&evidence);
    return tenancy;
}

static void refused(enum error_code code, const struct error *error, const char *what)
{
    assert_int_equal(code, ERROR_HELD);
    if (strstr(error->what, what) == NULL)
        fail_msg("`%s` does not say `%s`", error->what, what);
    assert_true(error->next[0] != '\0');
}

static void tenancy_renew_moves_head_and_expiry_and_keeps_the_epoch(void **state)
{
    struct local_target *local = *state;
    struct tenancy tenancy;
    struct error error;
    struct tenancy_terms terms = terms_of(ONE, 1, 3);
    terms.tenancy_ms = 0; /* over at once: nobody followed, so it goes on */
    assert_int_equal(take(local, terms, &tenancy), ERROR_OK);
    terms.epoch = tenancy.epoch;
    terms.head_seq = 9;
    terms.tenancy_ms = 60000;
    assert_int_equal(tenancy_renew(local->target, &terms, &error), ERROR_OK);
    struct tenancy now = look(local);
    assert_int_equal(now.epoch, tenancy.epoch);
    assert_int_equal(now.head_seq, 9);
    assert_int_equal(now.deployment, 1);
    assert_true(now.expires_ms >= tenancy.expires_ms + 60000);
    terms.head_seq = 8;
    refused(tenancy_renew(local->target, &terms, &error), &error, "this copy ends at entry 8");
    terms.head_seq = 10;
    assert_int_equal(let_go(local, terms), ERROR_OK);
    assert_int_equal(tenancy_renew(local->target, &terms, &error),
                     ERROR_OK); /* freed by ourselves before a crash: nothing to do */
    assert_int_equal(look(local).deployment, 0);
}

/* Two copies with the same session key: whoever renews first goes on, and the other one is told. */
static void tenancy_renew_of_a_copy_that_went_another_way_refused(void **state)
{
    struct local_target *local = *state;
    struct tenancy tenancy;
    struct error error;
    struct tenancy_terms first = copy_of(HASH, 5), second = copy_of(FORK, 5);
    assert_int_equal(take(local, first, &tenancy), ERROR_OK);
    assert_int_equal(take(local, second, &tenancy), ERROR_HELD);
    first.epoch = second.epoch = tenancy.epoch;
    refused(tenancy_renew(local->target, &second, &error), &error, "another entry 5");
    second.head_seq = 50;
    refused(tenancy_renew(local->target, &second, &error), &error, "another entry 5");
    assert_int_equal(tenancy_renew(local->target, &first, &error), ERROR_OK);
    assert_int_equal(let_go(local, first), ERROR_OK);
    refused(tenancy_renew(local->target, &second, &error), &error,
            "another entry 5"); /* freed, but not by this copy */
}

static void tenancy_follow_only_behind_the_expired(void **state)
{
    struct local_target *local = *state;
    struct tenancy tenancy;
    struct error error;
    struct tenancy_terms old = terms_of(ONE, 1, 5), next = terms_of(ONE, 1, 6);
    next.holder = "bob on another";
    assert_int_equal(take(local, old, &tenancy), ERROR_OK);
    old.epoch = tenancy.epoch;
    next.epoch = tenancy.epoch + 1;
    refused(tenancy_follow(local->target, &next, &error), &error,
            "is held by alice on laptop; its tenancy expires in 3600 s unless renewed");
    old.tenancy_ms = 0;
    assert_int_equal(tenancy_renew(local->target, &old, &error), ERROR_OK);
    refused(tenancy_follow(local->target,
                           &(struct tenancy_terms){.journal = OTHER,
                                                   .deployment = 1,
                                                   .head_seq = 9,
                                                   .head_hash = HASH,
                                                   .holder = "",
                                                   .epoch = 9},
                           &error),
            &error, "another journal");
    assert_int_equal(tenancy_follow(local->target, &next, &error), ERROR_OK);
    assert_int_equal(look(local).epoch, 2);
    assert_string_equal(look(local).holder, "bob on another");
    struct tenancy now = look(local);
    struct tenancy_terms later = terms_of(ONE, 2, 9), other = terms_of(OTHER, 1, 9);
    assert_true(tenancy_is_followed(&now, &old) && !tenancy_is_followed(&now, &next));
    assert_false(tenancy_is_followed(&now, &later) || tenancy_is_followed(&now, &other));
    refused(tenancy_follow(local->target, &next, &error), &error, "at the same moment");
    refused(tenancy_renew(local->target, &old, &error), &error, "was taken over by bob on another");
    next.epoch = 3; /* the entry of a takeover that did not get so far */
    refused(tenancy_renew(local->target, &next, &error), &error, "did not reach the target");
}

static void tenancy_after_a_reboot_of_the_target_is_over(void **state)
{
    struct local_target *local = *state;
    struct tenancy tenancy;
    struct error error;
    struct target_span span = {.before_ms = 1, .after_ms = 1};
    struct tenancy_terms terms = terms_of(ONE, 1, 5);
    assert_int_equal(take(local, terms, &tenancy), ERROR_OK);
    memcpy(span.boot, tenancy.boot, sizeof span.boot);
    assert_true(tenancy_left_ms(&tenancy, &span) > 3600000);
    assert_int_equal(tenancy_may_follow(&tenancy, &span, &terms, &error), ERROR_HELD);
    span.boot[0] = span.boot[0] == 'f' ? 'e' : 'f';
    assert_int_equal(tenancy_left_ms(&tenancy, &span), 0);
    assert_int_equal(tenancy_may_follow(&tenancy, &span, &terms, &error), ERROR_OK);
}

static void tenancy_succeed_leaves_the_lost_journal_once(void **state)
{
    struct local_target *local = *state;
    struct evidence evidence = {.count = 0};
    struct tenancy tenancy;
    struct error error;
    struct tenancy_terms old = terms_of(ONE, 1, 5),
                         next = {.journal = OTHER, .head_seq = 3, .head_hash = FORK, .holder = ""};
    struct tenancy_lost lost = {.journal = ONE, .head_hash = HASH, .head_seq = 5},
                        wrong = {.journal = "0123456789abcdef0123456789abcdef",
                                 .head_hash = HASH,
                                 .head_seq = 5};
    assert_int_equal(tenancy_succeed(local->target, &next, &lost, &evidence, &error),
                     ERROR_REFUSED); /* it belongs to nobody yet */
    assert_int_equal(take(local, old, &tenancy), ERROR_OK);
    refused(tenancy_succeed(local->target, &next, &lost, &evidence, &error), &error,
            "is held by alice on laptop");
    old.tenancy_ms = 0;
    old.epoch = 1;
    assert_int_equal(tenancy_renew(local->target, &old, &error), ERROR_OK);
    assert_int_equal(tenancy_succeed(local->target, &next, &wrong, &evidence, &error),
                     ERROR_REFUSED);
    lost.head_seq = 4;
    refused(tenancy_succeed(local->target, &next, &lost, &evidence, &error), &error,
            "went on meanwhile");
    lost.head_seq = 5;
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(tenancy_succeed(local->target, &next, &lost, &evidence, &error), ERROR_OK);
        assert_string_equal(look(local).journal, OTHER);
        assert_int_equal(look(local).epoch, 2);
        assert_int_equal(look(local).deployment, 0);
    }
    refused(tenancy_renew(local->target, &old, &error), &error, "no longer has the tenancy");
    evidence_clear(&evidence);
}

/* Each racer is a process with a target of its own and another deployment: exactly one may win. */
static void tenancy_take_simultaneous_drivers_exactly_one_wins(void **state)
{
    struct local_target *local = *state;
    for (int race = 0; race < RACES; race++) {
        pid_t racers[RACERS];
        int winners = 0, winner = 0, gate[2];
        char nothing;
        assert_int_equal(pipe(gate), 0);
        for (int i = 0; i < RACERS; i++) {
            racers[i] = fork();
            if (racers[i] == 0) {
                struct tenancy tenancy;
                (void)close(gate[1]);
                (void)!read(gate[0], &nothing,
                            1); /* all at once: the end of the file opens the gate */
                _exit(take(local, terms_of(ONE, 100 * race + i + 1, 1), &tenancy) == ERROR_OK ? 0
                                                                                              : 1);
            }
        }
        assert_int_equal(close(gate[1]) + close(gate[0]), 0);
        for (int i = 0; i < RACERS; i++) {
            int status;
            assert_int_equal(waitpid(racers[i], &status, 0), racers[i]);
            assert_true(WIFEXITED(status));
            if (WEXITSTATUS(status) == 0) {
                winners++;
                winner = i;
            }
        }
        assert_int_equal(winners,
                         1); /* freed only now: a slow racer could win fairly behind a fast one */
        assert_int_equal(let_go(local, terms_of(ONE, 100 * race + winner + 1, 1)), ERROR_OK);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(tenancy_take_renews_frees_and_counts_epochs, open_local,
                                        close_local),
        cmocka_unit_test_setup_teardown(tenancy_take_refuses_others_and_older_copies, open_local,
                                        close_local),
        cmocka_unit_test_setup_teardown(tenancy_take_expired_holder_of_the_same_journal_is_followed,
                                        open_local, close_local),
        cmocka_unit_test_setup_teardown(tenancy_read_damaged_file_is_an_error, open_local,
                                        close_local),
        cmocka_unit_test_setup_teardown(tenancy_renew_moves_head_and_expiry_and_keeps_the_epoch,
                                        open_local, close_local),
        cmocka_unit_test_setup_teardown(tenancy_renew_of_a_copy_that_went_another_way_refused,
                                        open_local, close_local),
        cmocka_unit_test_setup_teardown(tenancy_follow_only_behind_the_expired, open_local,
                                        close_local),
        cmocka_unit_test_setup_teardown(tenancy_after_a_reboot_of_the_target_is_over, open_local,
                                        close_local),
        cmocka_unit_test_setup_teardown(tenancy_succeed_leaves_the_lost_journal_once, open_local,
                                        close_local),
        cmocka_unit_test_setup_teardown(tenancy_take_simultaneous_drivers_exactly_one_wins,
                                        open_local, close_local),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
