/* Goal: one driver at a time holds the target. Whoever finds another holder, a newer or another
 * copy of its journal, or another script under the lock, does nothing and says so; what it had
 * begun can be gone on with afterwards. A tenancy is renewed while it lasts and given up at the
 * end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/world/beginning.h"
#include "tests/world/moment.h"
#include "tests/world/story.h"
#include "tests/world/verdict.h"

#define FILE_NAME PERSON_STATE "/deployment.json"
#define GO "run --rearm yes --confirm " PERSON_TARGET
#define RESUME "resume --rearm yes --confirm " PERSON_TARGET

enum { EXIT_IS_HELD = 14, EXIT_IS_JOURNAL_WRITE = 19 };
static const struct person_choice choice = {.window_ms = 10000};
static const char STRANGER[] = "00000000000000000000000000000001";

static struct scripted *begun(void)
{
    struct scripted *world = beginning_of(
        &(struct beginning){.seed = 51,
                            .choice = choice,
                            .release = {.subject = "two"},
                            .begin = "begin release --reason test"});
    files_make_directory(&world->titan.files, PERSON_STATE);
    return world;
}

static const char *file_text(const struct scripted *world)
{
    struct file *file = files_find(&world->titan.files, FILE_NAME);
    return file != NULL ? grow_string(&file->content) : "";
}

/* "epoch":7 of deployment.json. */
static long long number_in_file(const struct scripted *world, const char *key)
{
    char word[32];
    (void)snprintf(word, sizeof word, "\"%s\":", key);
    const char *found = strstr(file_text(world), word);
    assert_non_null(found);
    return strtoll(found + strlen(word), NULL, 10);
}

/* Another word for a part of deployment.json, of any length. */
static void edit_file(struct scripted *world, const char *old, const char *new)
{
    struct arena arena = {0};
    const char *text = file_text(world), *at = strstr(text, old);
    assert_non_null(at);
    const char *edited = arena_text(&arena, "%.*s%s%s", (int)(at - text), text, new,
                                    at + strlen(old));
    (void)files_put(&world->titan.files, FILE_NAME, 0640, edited, strlen(edited));
    arena_free(&arena);
}

static void completes(struct scripted *world, const char *command)
{
    char *report = NULL;
    if (person_runs(world, command) != 0)
        fail_msg("%s", person_said());
    assert_string_equal(person_state(world), "completed");
    if (verdict_of(world, &choice, &report) != 0)
        fail_msg("%s", report);
    free(report);
}

static void target_of_another_journal_is_left_alone(void **state)
{
    static const char text[] = "{\"journal\":\"%s\",\"deployment\":%d,\"epoch\":3,\"head_seq\":1,"
                               "\"head_hash\":\"%064d\",\"holder\":\"bob on vm\",\"boot\":\"x\","
                               "\"expires_ms\":0,\"guard\":\"absent\"}\n";
    (void)state;
    for (int deployment = 0; deployment <= 5; deployment += 5) {
        struct scripted *world = begun();
        struct arena arena = {0};
        const char *other = arena_text(&arena, text, STRANGER, deployment, 0);
        (void)files_put(&world->titan.files, FILE_NAME, 0640, other, strlen(other));
        unsigned merges = world->titan.seen.merges;
        size_t starts = world->titan.seen.start_count;
        assert_int_equal(person_runs(world, GO), EXIT_IS_HELD);
        assert_string_equal(person_state(world), "preflighted");
        assert_string_equal(file_text(world), other);
        assert_int_equal(world->titan.seen.merges, merges);
        assert_int_equal(world->titan.seen.start_count, starts);
        files_remove(&world->titan.files, FILE_NAME);
        arena_free(&arena);
        completes(world, RESUME);
    }
}

static void script_under_the_lock_is_waited_for(void **state)
{
    (void)state;
    struct scripted *world = begun();
    (void)files_put(&world->titan.files, TITAN_LOCK, 0640, "held", 4);
    assert_int_equal(person_runs(world, GO), EXIT_IS_HELD);
    assert_string_equal(person_state(world), "preflighted");
    files_find(&world->titan.files, TITAN_LOCK)->content.size = 0;
    completes(world, RESUME);
}

static void fill_the_disk(struct scripted *world)
{
    world->stored.full = true;
}

/* Where nobody has to watch, no step begins whose outcome may not fit; a window goes on. */
static void full_disk_begins_no_step_and_ends_no_window(void **state)
{
    struct moment moment = {.word = "\"to\":\"switched\"", .act = fill_the_disk};
    (void)state;
    struct scripted *world = begun();
    size_t entries = world->stored.entry_count;
    unsigned commands = world->commands;
    fill_the_disk(world);
    assert_int_equal(person_runs(world, GO), EXIT_IS_JOURNAL_WRITE);
    assert_int_equal(world->stored.entry_count, entries);
    assert_int_equal(world->commands, commands);
    world->stored.full = false;
    moment_set(world, &moment);
    completes(world, GO);
    assert_true(moment.happened);
}

static void tenancy_is_renewed_and_given_up(void **state)
{
    struct moment moment = {.word = "\"to\":\"updated\""};
    (void)state;
    struct scripted *world = begun();
    moment_set(world, &moment);
    (void)person_runs(world, GO);
    moment_clear(world);
    assert_true(number_in_file(world, "deployment") > 0);
    assert_int_equal(number_in_file(world, "epoch"), 1);
    long long expires = number_in_file(world, "expires_ms"),
              head = number_in_file(world, "head_seq");
    struct moment later = {.word = "\"to\":\"observed\""};
    timeline_move(&world->timeline, world->timeline.now_ns + 1000000000);
    moment_set(world, &later);
    (void)person_runs(world, RESUME);
    moment_clear(world);
    assert_true(number_in_file(world, "expires_ms") > expires);
    assert_true(number_in_file(world, "head_seq") > head);
    assert_int_equal(person_runs(world, RESUME), 0);
    assert_int_equal(number_in_file(world, "deployment"), 0);
    assert_int_equal(number_in_file(world, "epoch"), 1);
}

static void take_over(struct scripted *world)
{
    edit_file(world, "\"epoch\":1", "\"epoch\":2");
}

/* Somebody else's driver goes on with it: this one stops, and its session key is gone. */
static void whoever_was_followed_stops(void **state)
{
    struct moment moment = {.word = "\"to\":\"pulled\"", .act = take_over};
    (void)state;
    struct scripted *world = begun();
    size_t starts = world->titan.seen.start_count;
    moment_set(world, &moment);
    assert_int_equal(person_runs(world, GO), EXIT_IS_HELD);
    moment_clear(world);
    assert_int_equal(world->titan.seen.start_count, starts);
    for (const struct file *file = world->disk.first; file != NULL; file = file->next)
        if (file->path != NULL)
            assert_null(strstr(file->path, "session-"));
}

/* An entry further than this copy, or another entry at the same place. */
static void edit_head(struct scripted *world, bool further)
{
    static const char key[] = "\"head_hash\":\"";
    if (further) {
        edit_file(world, "\"head_seq\":", "\"head_seq\":9");
        return;
    }
    char digit = strstr(file_text(world), key)[sizeof key - 1], old[32], new[32];
    (void)snprintf(old, sizeof old, "%s%c", key, digit);
    (void)snprintf(new, sizeof new, "%s%c", key, digit == '0' ? '1' : '0');
    edit_file(world, old, new);
}

static void copy_that_is_not_the_newest_is_refused(void **state)
{
    (void)state;
    for (int further = 0; further <= 1; further++) {
        struct moment moment = {.word = "\"to\":\"updated\""};
        struct scripted *world = begun();
        struct arena arena = {0};
        moment_set(world, &moment);
        (void)person_runs(world, GO);
        moment_clear(world);
        const char *before = arena_text(&arena, "%s", file_text(world));
        edit_head(world, further != 0);
        size_t starts = world->titan.seen.start_count;
        assert_int_equal(person_runs(world, RESUME), EXIT_IS_HELD);
        assert_int_equal(world->titan.seen.start_count, starts);
        (void)files_put(&world->titan.files, FILE_NAME, 0640, before, strlen(before));
        arena_free(&arena);
        completes(world, RESUME);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(target_of_another_journal_is_left_alone),
                                       cmocka_unit_test(script_under_the_lock_is_waited_for),
                                       cmocka_unit_test(
                                           full_disk_begins_no_step_and_ends_no_window),
                                       cmocka_unit_test(tenancy_is_renewed_and_given_up),
                                       cmocka_unit_test(whoever_was_followed_stops),
                                       cmocka_unit_test(copy_that_is_not_the_newest_is_refused)};
    return cmocka_run_group_tests(tests, NULL, beginning_close_all);
}
