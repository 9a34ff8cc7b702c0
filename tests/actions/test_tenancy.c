/* Goal: one holder at a time, whoever comes together; the epoch rises with each new holder; an older copy of the journal is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "actions/tenancy.h"
#include "tests/actions/local_target.h"

enum { RACES = 20, RACERS = 4 };
static const char HASH[] = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
static const char ONE[] = "00112233445566778899aabbccddeeff", OTHER[] = "ffeeddccbbaa99887766554433221100";

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

static struct tenancy_claim claim_of(const char *journal, int64_t deployment, int64_t head)
{
    return (struct tenancy_claim){.journal = journal, .deployment = deployment, .head_seq = head, .head_hash = HASH, .holder = "alice on laptop", .tenancy_ms = 3600000};
}

static enum error_code take(struct local_target *local, struct tenancy_claim claim, struct tenancy *tenancy)
{
    struct evidence evidence = {.count = 0};
    struct error error;
    enum error_code code = tenancy_take(local->target, &claim, &evidence, tenancy, &error);
    evidence_clear(&evidence);
    return code;
}

static enum error_code let_go(struct local_target *local, struct tenancy_claim claim)
{
    struct evidence evidence = {.count = 0};
    struct error error;
    enum error_code code = tenancy_free(local->target, &claim, &evidence, &error);
    evidence_clear(&evidence);
    return code;
}

static void tenancy_take_renews_frees_and_counts_epochs(void **state)
{
    struct local_target *local = *state;
    struct tenancy tenancy;
    assert_int_equal(take(local, claim_of(ONE, 1, 3), &tenancy), ERROR_OK);
    assert_int_equal(tenancy.epoch, 1);
    assert_int_equal(take(local, claim_of(ONE, 1, 4), &tenancy), ERROR_OK);
    assert_int_equal(tenancy.epoch, 1);
    assert_int_equal(let_go(local, claim_of(ONE, 1, 5)), ERROR_OK);
    assert_int_equal(let_go(local, claim_of(ONE, 1, 5)), ERROR_OK);
    assert_int_equal(take(local, claim_of(ONE, 9, 9), &tenancy), ERROR_OK);
    assert_int_equal(tenancy.epoch, 2);
}

static void tenancy_take_refuses_others_and_older_copies(void **state)
{
    struct local_target *local = *state;
    struct tenancy tenancy;
    assert_int_equal(take(local, claim_of(ONE, 5, 7), &tenancy), ERROR_OK);
    assert_int_equal(take(local, claim_of(OTHER, 1, 99), &tenancy), ERROR_HELD);
    assert_int_equal(take(local, claim_of(ONE, 6, 8), &tenancy), ERROR_HELD);
    assert_int_equal(take(local, claim_of(ONE, 5, 6), &tenancy), ERROR_HELD);
    assert_int_equal(let_go(local, claim_of(ONE, 5, 8)), ERROR_OK);
    assert_int_equal(take(local, claim_of(OTHER, 1, 99), &tenancy), ERROR_HELD);       /* the target belongs to the journal that it knows */
}

static void tenancy_take_expired_holder_of_the_same_journal_is_followed(void **state)
{
    struct local_target *local = *state;
    struct tenancy tenancy;
    struct tenancy_claim gone = claim_of(ONE, 5, 7);
    gone.tenancy_ms = 0;
    assert_int_equal(take(local, gone, &tenancy), ERROR_OK);
    assert_int_equal(take(local, claim_of(ONE, 8, 8), &tenancy), ERROR_OK);
    assert_int_equal(tenancy.epoch, 2);
}

static void tenancy_read_damaged_file_is_an_error(void **state)
{
    struct local_target *local = *state;
    struct tenancy tenancy;
    char command[200];
    (void)snprintf(command, sizeof command, "echo '{\"journal\":5}' > %s/state/deployment.json", local->directory);
    assert_int_equal(system(command), 0);
    assert_int_equal(take(local, claim_of(ONE, 1, 1), &tenancy), ERROR_PROTOCOL);
}

/* Each racer is a process with a target of its own and another deployment: exactly one may win. */
static void tenancy_take_simultaneous_drivers_exactly_one_wins(void **state)
{
    struct local_target *local = *state;
    for (int race = 0; race < RACES; race++) {
        pid_t racers[RACERS];
        int winners = 0, winner = 0;
        for (int i = 0; i < RACERS; i++) {
            racers[i] = fork();
            if (racers[i] == 0) {
                struct tenancy tenancy;
                _exit(take(local, claim_of(ONE, 100 * race + i + 1, 1), &tenancy) == ERROR_OK ? 0 : 1);
            }
        }
        for (int i = 0; i < RACERS; i++) {
            int status;
            assert_int_equal(waitpid(racers[i], &status, 0), racers[i]);
            assert_true(WIFEXITED(status));
            if (WEXITSTATUS(status) == 0) {
                winners++;
                winner = i;
            }
        }
        assert_int_equal(winners, 1);       /* freed only now: a slow racer could win fairly behind a fast one */
        assert_int_equal(let_go(local, claim_of(ONE, 100 * race + winner + 1, 1)), ERROR_OK);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(tenancy_take_renews_frees_and_counts_epochs, open_local, close_local),
        cmocka_unit_test_setup_teardown(tenancy_take_refuses_others_and_older_copies, open_local, close_local),
        cmocka_unit_test_setup_teardown(tenancy_take_expired_holder_of_the_same_journal_is_followed, open_local, close_local),
        cmocka_unit_test_setup_teardown(tenancy_read_damaged_file_is_an_error, open_local, close_local),
        cmocka_unit_test_setup_teardown(tenancy_take_simultaneous_drivers_exactly_one_wins, open_local, close_local),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
