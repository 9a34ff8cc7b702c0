/* Goal: a DISARM does not wait for a journal that cannot be written, and where it can be written
 * afterwards the record says that it was preceded (journal/FORMAT.md, P-36). What was sent is said,
 * and whether it is on record; the verifier judges both journals. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/world/moment.h"
#include "tests/world/person.h"
#include "tests/world/story.h"
#include "tests/world/verdict.h"

#define GO "run --rearm yes --confirm " PERSON_TARGET
#define RESUME "resume --rearm yes --confirm " PERSON_TARGET

enum { IS_ROLLED_BACK = 10, IS_JOURNAL_WRITE = 19 };
static const struct person_choice choice = {.window_ms = 30000};

/* No entry is written from the `left`th on, until Execution received a DISARM: for ever, where
 * that does not help. */
struct waits {
    struct scripted *world;
    unsigned left;
    size_t disarms;
    bool for_ever;
};

static size_t disarms_of(const struct scripted *world)
{
    size_t count = 0;
    for (size_t i = 0; i < world->titan.seen.received_count; i++)
        count += strncmp(world->titan.seen.received[i], "DISARM ", 7) == 0;
    return count;
}

static enum error_code refuse_until_disarmed(void *context, const struct scripted_call *call,
                                             struct error *error)
{
    struct waits *waits = context;
    if (call->kind != CALL_APPEND || call->after || (waits->left > 0 && waits->left-- > 0)
        || (!waits->for_ever && disarms_of(waits->world) > waits->disarms))
        return ERROR_OK;
    return error_set(error, ERROR_JOURNAL_WRITE, 0, "journal", "", "the journal cannot be written");
}

static void fill(struct scripted *world, struct waits *waits)
{
    *waits = (struct waits){.world = world,
                            .left = waits->left,
                            .disarms = disarms_of(world),
                            .for_ever = waits->for_ever};
    world->fault = refuse_until_disarmed;
    world->fault_context = waits;
}

static struct scripted *begun(void)
{
    struct scripted *world = person_begins(62, &choice);
    titan_publish(&world->titan, &(struct titan_release){.subject = "two"});
    assert_int_equal(person_runs(world, "begin release --reason test"), 0);
    return world;
}

static void insist(bool held, const char *what)
{
    if (!held)
        fail_msg("%s\n%s", what, person_said());
}

static unsigned late_records(const struct scripted *world)
{
    unsigned count = 0;
    static const char word[] = "\"preceded\":true";
    for (size_t i = 0; i < world->stored.entry_count; i++) {
        const struct bytes *value = &world->stored.entries[i].value;
        count += memmem(value->data, value->size, word, strlen(word)) != NULL;
    }
    return count;
}

static void is_verified_as(struct scripted *world, int wanted)
{
    char *report = NULL;
    if (verdict_of(world, &choice, &report) != wanted)
        fail_msg("%s\n%s", report, person_said());
    free(report);
}

static bool is_armed_now(struct scripted *world)
{
    return titan_running(&world->titan, "titan-execution")->armed;
}

static void by_hand(void **state)
{
    (void)state;
    for (unsigned for_ever = 0; for_ever < 2; for_ever++) {
        struct scripted *world = begun();
        struct waits waits = {.for_ever = for_ever == 1};
        assert_int_equal(person_runs(world, GO), 0);
        insist(is_armed_now(world), "armed by the person who was asked");
        fill(world, &waits);
        int status = person_runs(world, "disarm --reason smells");
        world->fault = NULL;
        insist(status == (for_ever ? IS_JOURNAL_WRITE : 0), "its record is what may fail");
        insist(!is_armed_now(world), "disarmed");
        insist(strstr(person_said(), "DISARM was sent; Execution is seen disarmed") != NULL,
               "both facts are said");
        insist(late_records(world) == !for_ever, "the record says that it was preceded");
        is_verified_as(world, 0);
        scripted_close(world);
    }
}

/* The driver's own: nobody watches any more, because its journal cannot be written. */
static void of_a_driver(void **state)
{
    unsigned late = 0, without = 0;
    (void)state;
    for (unsigned entry = 16; entry < 26; entry++) {
        struct scripted *world = begun();
        struct waits waits = {.left = entry, .for_ever = entry % 3 == 0};
        fill(world, &waits);
        int status = person_runs(world, GO);
        world->fault = NULL;
        bool sent = strstr(person_said(), "DISARM was sent") != NULL;
        if (status == IS_JOURNAL_WRITE && sent) {
            insist(!is_armed_now(world), "disarmed");
            insist(strstr(person_said(), waits.for_ever ? ", without a record; Execution is"
                                                        : ", and recorded after it; Execution is")
                       != NULL,
                   "what is on record is said");
            insist(late_records(world) == !waits.for_ever, "the record is there");
            late += !waits.for_ever;
            without += waits.for_ever;
            status = person_runs(world, RESUME);
            insist(status == 0 || status == IS_ROLLED_BACK, "there is a way on");
            is_verified_as(world, 0);
        }
        scripted_close(world);
    }
    assert_true(late >= 4 && without >= 1);
}

/* A process that stands still takes the journal for itself, before the `left`th entry. */
struct holder {
    struct scripted *world;
    unsigned left;
};

static enum error_code hold_soon(void *context, const struct scripted_call *call,
                                 struct error *error)
{
    struct holder *holder = context;
    (void)error;
    if (call->kind == CALL_APPEND && call->after && holder->left > 0 && --holder->left == 0)
        holder->world->stored.held = true;
    return ERROR_OK;
}

/* Nobody watched, and so a rollback may be late; nothing else may be wrong. */
static void is_late_at_most(struct scripted *world)
{
    char *report = NULL;
    bool good = verdict_of(world, &choice, &report) <= 1;
    for (char *at = report; good && (at = strstr(at, "  VIOLATED")) != NULL; at++)
        good = memmem(at, strcspn(at, "\n"), ": W-12: ", 8) != NULL;
    if (!good)
        fail_msg("%s\n%s", report, person_said());
    free(report);
}

static void judge_held(struct scripted *world, int status, bool hot)
{
    world->fault = NULL;
    world->stored.held = false;
    insist(status == IS_JOURNAL_WRITE, "the end says that it is the journal");
    insist(strstr(person_said(), "did not answer within") != NULL, "and why");
    insist(!hot || strstr(person_said(), "DISARM was sent, without a record; Execution is") != NULL,
           "what was sent, and that it is not on record");
    insist(!hot || !is_armed_now(world), "disarmed");
    status = person_runs(world, RESUME);
    insist(status == 0 || status == IS_ROLLED_BACK, "there is a way on");
    is_late_at_most(world);
}

/* Neither the driver nor its own DISARM waits for it, wherever it comes. */
static void of_a_driver_whose_journal_is_held(void **state)
{
    unsigned hot = 0, calm = 0;
    (void)state;
    for (unsigned entry = 1;; entry++) {
        struct scripted *world = begun();
        struct holder holder = {.world = world, .left = entry};
        world->fault = hold_soon;
        world->fault_context = &holder;
        int status = person_runs(world, GO);
        bool held = world->stored.held;
        if (held && status != 0) {
            bool changed = world->titan.seen.start_count > 3;
            judge_held(world, status, changed);
            hot += changed;
            calm += !changed;
        }
        scripted_close(world);
        if (!held)
            break;
    }
    assert_true(hot >= 10 && calm >= 10);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {cmocka_unit_test(by_hand),
                                              cmocka_unit_test(of_a_driver),
                                              cmocka_unit_test(of_a_driver_whose_journal_is_held)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
