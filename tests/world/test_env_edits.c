/* Goal: whatever is done to the env file between `pulled` and the first change stops the deployment
 * there: no service changes, the end is `aborted` and PROVEN, and it is said. Edits are generated:
 * bytes, lines, the whole file, every mode. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/world/moment.h"
#include "tests/world/story.h"
#include "tests/world/verdict.h"

#define CONFIRM " --confirm " PERSON_TARGET
enum { EDITS = 96, TEXT_MAX = 4096 };
static const char ENV_PATH[] = TITAN_DIRECTORY "/" TITAN_ENV_FILE;
static const struct person_choice choice = {.window_ms = 1000, .interval_ms = 500};

static uint32_t seed = 20261129;
static char done[200]; /* what the edit was */

static uint32_t draw(uint32_t below)
{
    seed = seed * 1664525 + 1013904223;
    return (seed >> 8) % below;
}

static size_t edit_text(char text[TEXT_MAX], size_t size)
{
    static const char *const lines[] = {"STRANGE=1\n",  "\n",
                                        "# a remark\n", " ",
                                        "\r\n",         "TITAN_MODE=live\n",
                                        "\xef\xbb\xbf", "export A=b\n"};
    const char *line = lines[draw(sizeof lines / sizeof lines[0])];
    size_t at = draw((uint32_t)size + 1), length = strlen(line);
    switch (draw(5)) {
    case 0: /* one byte is another */
        at = draw((uint32_t)size);
        text[at] = (char)(text[at] == 'x' ? 'y' : 'x');
        (void)snprintf(done, sizeof done, "byte %zu is another", at);
        return size;
    case 1: /* cut short */
        at = draw((uint32_t)size);
        (void)snprintf(done, sizeof done, "cut at %zu of %zu", at, size);
        return at;
    case 2: /* a line at the end */
        at = size;
        break;
    case 3: /* in front */
        at = 0;
        break;
    default: /* anywhere */
        break;
    }
    memmove(text + at + length, text + at, size - at);
    memcpy(text + at, line, length);
    (void)snprintf(done, sizeof done, "%zu bytes put in at %zu", length, at);
    return size + length;
}

static void edit(struct scripted *world)
{
    struct file *file = files_make(&world->titan.files, ENV_PATH, 0);
    char text[TEXT_MAX];
    size_t size = file->content.size;
    assert_in_range(size, 1, TEXT_MAX - 64);
    memcpy(text, file->content.data, size);
    if (draw(3) == 0) {
        unsigned mode = draw(01000);
        file->mode = mode != file->mode ? mode : 0644;
        (void)snprintf(done, sizeof done, "its mode is %o", file->mode);
    } else if (draw(16) == 0) {
        files_remove(&world->titan.files, ENV_PATH);
        (void)snprintf(done, sizeof done, "it is removed");
    } else {
        size = edit_text(text, size);
        (void)files_put(&world->titan.files, ENV_PATH, file->mode, text, size);
    }
}

static void insist(bool held, const char *what)
{
    if (!held)
        fail_msg("%s: %s\n%s", done, what, person_said());
}

static void judge(struct scripted *world, int status)
{
    char *report = NULL;
    insist(status != 0, "it is stopped");
    insist(world->titan.seen.start_count == 3, "no service was started");
    insist(strstr(person_said(), TITAN_ENV_FILE) != NULL
               || strstr(person_said(), "env file") != NULL,
           "it is said");
    if (strcmp(person_state(world), "aborted") != 0)
        (void)person_runs(world, "abort --reason edited");
    insist(strcmp(person_state(world), "aborted") == 0, "it can be given up");
    insist(world->titan.seen.start_count == 3, "no service was started by that");
    int verdict = verdict_of(world, &choice, &report);
    if (verdict != 0)
        fail_msg("%s: the verdict is %d\n%s", done, verdict, report);
    free(report);
}

static void try_edit(const char *procedure, struct moment moment)
{
    char begin[64];
    struct scripted *world = person_begins(52, &choice);
    bool policy = strcmp(procedure, "policy") == 0;
    titan_publish(&world->titan,
                  &(struct titan_release){.subject = "two", .policy = policy ? "p2" : NULL});
    (void)snprintf(begin, sizeof begin, "begin %s --reason test", procedure);
    assert_int_equal(person_runs(world, begin), 0);
    moment.act = edit;
    moment_set(world, &moment);
    int status = person_runs(world, "run --rearm yes" CONFIRM);
    assert_true(moment.happened);
    moment_clear(world);
    judge(world, status);
    scripted_close(world);
}

static void every_edit_stops(void **state)
{
    (void)state;
    for (unsigned i = 0; i < EDITS; i++)
        try_edit(i % 2 == 0 ? "release" : "policy",
                 (struct moment){.word = i % 4 < 2 ? "\"to\":\"pulled\"" : "\"to\":\"guarded\""});
}

int main(void)
{
    static const struct CMUnitTest tests[] = {cmocka_unit_test(every_edit_stops)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
