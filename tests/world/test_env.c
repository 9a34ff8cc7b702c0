/* Goal: the env file is a part of what a rollback restores: the copy with which the containers ran
 * comes back, with its mode, or it is said before the switch that there is none; copies are closed
 * to others and no byte of them is in the journal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/world/ending.h"
#include "tests/world/verdict.h"

#define CONFIRM " --confirm " PERSON_TARGET
#define GO "run --rearm yes" CONFIRM
static const char ENV_PATH[] = TITAN_DIRECTORY "/" TITAN_ENV_FILE;
static const char SECRET[] = "0123456789abcdef0123456789abcdef";
static const struct person_choice choice = {.window_ms = 1000, .interval_ms = 500};

static void begin_and_run(struct scripted *world, const struct titan_release *release, int wanted)
{
    titan_publish(&world->titan, release);
    assert_int_equal(person_runs(world, "begin release --reason test"), 0);
    int status = person_runs(world, GO);
    if (status != wanted)
        fail_msg("%d\n%s", status, person_said());
}

static void put_env(struct scripted *world, unsigned mode, const char *text)
{
    (void)files_put(&world->titan.files, ENV_PATH, mode, text, strlen(text));
}

static void assert_env(struct scripted *world, unsigned mode, const char *text)
{
    const struct file *file = files_find(&world->titan.files, ENV_PATH);
    assert_int_equal(file->mode, mode);
    assert_int_equal(file->content.size, strlen(text));
    assert_memory_equal(file->content.data, text, file->content.size);
}

/* The env file, and `lines` after it; the caller frees it. */
static char *env_with(struct scripted *world, const char *lines)
{
    const struct file *file = files_find(&world->titan.files, ENV_PATH);
    char *text = NULL;
    assert_true(
        asprintf(&text, "%.*s%s", (int)file->content.size, (const char *)file->content.data, lines)
        >= 0);
    return text;
}

static char *env_of(struct scripted *world)
{
    return env_with(world, "");
}

static void assert_proven(struct scripted *world, const char *words)
{
    char *report = NULL;
    int verdict = verdict_of(world, &choice, &report);
    if (verdict != 0 || (words != NULL && strstr(report, words) == NULL))
        fail_msg("%d: %s", verdict, report);
    free(report);
}

/* Copies are closed to others, and nothing of the file is in the journal. */
static void assert_kept_closed(struct scripted *world)
{
    unsigned copies = 0;
    for (const struct file *file = world->titan.files.first; file != NULL; file = file->next)
        if (file->path != NULL && !file->directory && strstr(file->path, "/kept/") != NULL) {
            copies++;
            assert_int_equal(file->mode & 077, 0);
        }
    assert_true(copies >= 3);
    for (size_t i = 0; i < world->stored.blob_count; i++)
        assert_null(memmem(world->stored.blobs[i].data.data, world->stored.blobs[i].data.size,
                           SECRET, strlen(SECRET)));
}

static const struct titan_release good = {.subject = "two"},
                                  sick = {.subject = "bad", .web_faults = FAULT_UNHEALTHY};

/* The usual bad release: the file was edited before `begin`, and what runs was made with the one
 * that the last good deployment kept. */
static void env_edited_before_begin_is_put_back(void **state)
{
    (void)state;
    struct scripted *world = person_begins(61, &choice);
    begin_and_run(world, &good, 0);
    char *text = env_of(world), *edited = env_of(world);
    memcpy(strstr(edited, "production"), "prodaction", 10);
    put_env(world, 0600, edited);
    begin_and_run(world, &sick, 10);
    assert_non_null(strstr(person_said(), "was edited since the last good deployment"));
    assert_env(world, 0600, text);
    assert_proven(world, "the env file of the last good deployment, with which they ran, is back");
    assert_kept_closed(world);
    free(text);
    free(edited);
    scripted_close(world);
}

static void edits_and_opens(struct scripted *world)
{
    char *text = env_with(world, "STRANGE=1\n");
    put_env(world, 0644, text);
    free(text);
}

/* Edited behind the switch: what `connect` found comes back, with its mode. */
static void env_edited_in_a_failing_release_is_put_back(void **state)
{
    (void)state;
    struct scripted *world = person_begins(63, &choice);
    char *text = env_of(world);
    struct moment moment = {.word = "\"to\":\"switched\"", .act = edits_and_opens};
    titan_publish(&world->titan, &sick);
    assert_int_equal(person_runs(world, "begin release --reason test"), 0);
    moment_set(world, &moment);
    int status = person_runs(world, GO);
    moment_clear(world);
    assert_true(moment.happened);
    if (status != 10)
        fail_msg("%d\n%s", status, person_said());
    assert_env(world, 0600, text);
    assert_proven(world, "the env file is the one that was found");
    free(text);
    scripted_close(world);
}

/* Nothing was kept yet, and a service does not run as it is declared. */
static void env_without_a_copy_is_said_before_the_switch(void **state)
{
    (void)state;
    struct scripted *world = person_begins(64, &choice);
    char *edited = env_of(world);
    memcpy(strstr(edited, "production"), "prodaction", 10);
    put_env(world, 0600, edited);
    begin_and_run(world, &sick, 10);
    const char *said = strstr(person_said(), "no copy of the env file");
    assert_non_null(said);
    assert_true(said < strstr(person_said(), "-> switched"));
    assert_env(world, 0600, edited);
    assert_proven(world, "whether they ran with it is not known");
    free(edited);
    scripted_close(world);
}

/* A deployment that completes keeps what it was approved with, not what was edited since. */
static void env_of_a_good_deployment_is_the_one_it_was_made_with(void **state)
{
    (void)state;
    struct scripted *world = person_begins(65, &choice);
    char *text = env_of(world);
    struct moment moment = {.word = "\"to\":\"observed\"", .act = edits_and_opens};
    titan_publish(&world->titan, &good);
    assert_int_equal(person_runs(world, "begin release --reason test"), 0);
    moment_set(world, &moment);
    assert_int_equal(person_runs(world, GO), 0);
    moment_clear(world);
    assert_true(moment.happened);
    put_env(world, 0600, files_find(&world->titan.files, ENV_PATH)->content.data);
    begin_and_run(world, &sick, 10);
    assert_env(world, 0600, text);
    assert_proven(world, "the env file of the last good deployment");
    free(text);
    scripted_close(world);
}

/* POSTGRES_PASSWORD=postgres: without the word no name of an image could be read. */
static void password_that_is_part_of_a_name_is_no_secret(void **state)
{
    (void)state;
    struct scripted *world = person_begins(77, &choice);
    char *text = env_with(world, "WEB_PASSWORD=registry\nCACHE_SECRET=brain:latest\n");
    put_env(world, 0600, text);
    begin_and_run(world, &(struct titan_release){.subject = "two"}, 0);
    assert_proven(world, NULL);
    free(text);
    scripted_close(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(password_that_is_part_of_a_name_is_no_secret),
        cmocka_unit_test(env_edited_before_begin_is_put_back),
        cmocka_unit_test(env_edited_in_a_failing_release_is_put_back),
        cmocka_unit_test(env_without_a_copy_is_said_before_the_switch),
        cmocka_unit_test(env_of_a_good_deployment_is_the_one_it_was_made_with),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
