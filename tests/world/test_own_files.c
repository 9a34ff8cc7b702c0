/* Goal: whatever becomes of this tool's own files on the target, no command hangs, a person is told
 * in one sentence what is wrong and what to do, and that leads to an end: a rollback under way ends
 * by itself, anything else after a takeover. Every file x every damage x every moment. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/world/ending.h"
#include "tests/world/moment.h"
#include "tests/world/person.h"
#include "tests/world/verdict.h"

#define CONFIRM " --rearm yes --confirm " PERSON_TARGET

enum { EXIT_IS_ROLLED_BACK = 10, EXIT_IS_ROLLBACK_FAILED = 12, EXIT_IS_ABORTED = 11 };

static const struct person_choice choice = {.window_ms = 1000, .interval_ms = 500};
static unsigned cases, damaged;

static const char *const names[] = {"deployment.json",
                                    "deploy.lock",
                                    "tenancy.lock",
                                    "command.pgid",
                                    "command.out",
                                    "rollback",
                                    ""};

enum damage { MISSING = 0, EMPTY, GARBAGE, TRUNCATED, A_DIRECTORY, LINK, PIPE, UNREADABLE, OLDER };
static const char *const damages[] = {"missing", "empty",  "garbage",    "truncated", "a directory",
                                      "a link",  "a pipe", "unreadable", "older"};

static struct {
    const char *name;
    enum damage damage;
} now;

/* The state directory itself: only what a directory may become. */
static void damage_directory(struct files *files)
{
    size_t size = strlen(PERSON_STATE);
    if (now.damage != MISSING && now.damage != GARBAGE)
        return;
    for (struct file *file = files->first, *next; file != NULL; file = next) {
        next = file->next;
        if (file->path != NULL && strncmp(file->path, PERSON_STATE, size) == 0)
            files_remove(files, file->path);
    }
    if (now.damage == GARBAGE)
        (void)files_put(files, PERSON_STATE, 0644, "x", 1);
}

static const char *path_of(struct scripted *world, struct arena *arena)
{
    if (strcmp(now.name, "rollback") != 0)
        return arena_text(arena, PERSON_STATE "/%s", now.name);
    for (const struct file *file = world->titan.files.first; file != NULL; file = file->next)
        if (file->path != NULL && strstr(file->path, "/rollback-") != NULL)
            return file->path;
    return PERSON_STATE "/rollback-1.yml";
}

/* What a backup puts back: the same journal's, before its epoch. */
static void put_older(struct files *files, struct arena *arena, const char *path, const char *text)
{
    const char *at = strstr(text, "\"epoch\":1");
    const char *older = at != NULL ? arena_text(arena, "%.*s\"epoch\":0%s", (int)(at - text), text,
                                                at + strlen("\"epoch\":1"))
                                   : text;
    (void)files_put(files, path, 0640, older, strlen(older));
}

static void damage_now(struct scripted *world)
{
    struct files *files = &world->titan.files;
    struct arena arena = {0};
    damaged++;
    if (now.name[0] == '\0') {
        damage_directory(files);
        return;
    }
    const char *path = path_of(world, &arena);
    struct file *old = files_find(files, path);
    const char *text = arena_text(&arena, "%s",
                                  old != NULL && !old->directory ? grow_string(&old->content) : "");
    if (now.damage == MISSING)
        files_remove(files, path);
    else if (now.damage == TRUNCATED)
        (void)files_put(files, path, 0640, text, strlen(text) / 2);
    else if (now.damage == OLDER)
        put_older(files, &arena, path, text);
    else if (now.damage != UNREADABLE)
        (void)files_put(files, path, 0640, "garbage", now.damage == EMPTY ? 0 : 7);
    struct file *file = files_find(files, path);
    if (file != NULL) {
        file->directory = now.damage == A_DIRECTORY;
        file->link = now.damage == LINK;
        file->pipe = now.damage == PIPE;
        file->mode = now.damage == UNREADABLE ? 0 : file->mode;
        /* what stands in a lock is no holder */
        if (strstr(path, ".lock") != NULL)
            file->content.size = 0;
    }
    arena_free(&arena);
}

static struct scripted *world_of(bool fails)
{
    return person_begins_release(61, &choice, fails);
}

static void complain(const char *what, int status)
{
    const char *said = person_said();
    size_t size = strlen(said);
    fail_msg("%s %s %s: %d\n%s", now.name[0] != '\0' ? now.name : "the directory",
             damages[now.damage], what, status, said + (size > 700 ? size - 700 : 0));
}

static bool has_ended(struct scripted *world)
{
    const char *state = person_state(world);
    return strcmp(state, "completed") == 0 || strcmp(state, "aborted") == 0
           || strcmp(state, "rolled_back") == 0;
}

static bool is_key_lost(void)
{
    return now.name[0] == '\0' && (now.damage == MISSING || now.damage == GARBAGE);
}

/* With the directory the key of the fingerprints is gone: whether the env file is that of before
 * cannot be told, and both programs say so. Any other damage is none to the evidence. */
static void check_verdict(struct scripted *world)
{
    bool lost = is_key_lost();
    char *report = NULL;
    int verdict = verdict_of(world, &choice, &report);
    if (verdict != (lost ? WANT_UNDECIDABLE : WANT_PROVEN)
        || (strstr(report, "the key of the fingerprints was lost") != NULL) != lost
        || (strstr(person_said(), "the key of the fingerprints was lost") != NULL) != lost)
        complain(report, verdict);
    free(report);
}

/* A rollback under way, and one that is given up: each goes to its end by itself. */
static void way_back_ends(const char *word)
{
    struct scripted *world = world_of(true);
    struct moment moment = {.word = word, .act = damage_now};
    moment_set(world, &moment);
    int status = person_runs(world, "run" CONFIRM);
    if (!moment.happened || status != EXIT_IS_ROLLED_BACK
        || titan_running(&world->titan, "titan-execution")->armed)
        complain(word, status);
    moment_clear(world);
    check_verdict(world);
    scripted_close(world);
}

static void forward_is_told(const char *from)
{
    static const char *const ways[] = {"takeover --reason mend", "abort --reason back"};
    for (size_t way = 0; way < sizeof ways / sizeof ways[0]; way++) {
        struct scripted *world = world_of(false);
        while (strcmp(person_state(world), from) != 0)
            assert_int_equal(person_runs(world, "advance --confirm " PERSON_TARGET), 0);
        damage_now(world);
        int status = person_runs(world, "run" CONFIRM);
        if (!has_ended(world)) {
            if (strstr(person_said(), "takeover") == NULL)
                complain("is not told", status);
            status = person_runs(world, ways[way]);
            if (way == 0 && now.damage == OLDER) /* it says that somebody holds the target */
                status = person_runs(world, ways[1]);
            else if (way == 0 && status != 0)
                complain(ways[way], status);
            else if (way == 0)
                status = person_runs(world, "resume" CONFIRM);
            /* Nothing is changed on fingerprints that cannot be compared. */
            if (way == 0 && is_key_lost() && strcmp(from, "preflighted") != 0)
                status = person_runs(world, ways[1]);
            if (!has_ended(world))
                complain(ways[way], status);
        }
        scripted_close(world);
    }
}

/* Where somebody must watch, damage to a file stops nothing. */
static void window_goes_on(const char *word)
{
    struct scripted *world = world_of(false);
    struct moment moment = {.word = word, .act = damage_now};
    moment_set(world, &moment);
    int status = person_runs(world, "run" CONFIRM);
    moment_clear(world);
    if (!has_ended(world)) {
        int then = person_runs(world, "takeover --reason mend");
        if (then == 0)
            then = person_runs(world, "resume" CONFIRM);
        if (!has_ended(world))
            complain(word, status * 100 + then);
    }
    scripted_close(world);
}

static void disarm_needs_none(void)
{
    struct scripted *world = world_of(false);
    while (strcmp(person_state(world), "pulled") != 0)
        assert_int_equal(person_runs(world, "advance --confirm " PERSON_TARGET), 0);
    damage_now(world);
    int status = person_runs(world, "disarm --reason now");
    if (status != 0 || titan_running(&world->titan, "titan-execution")->armed)
        complain("disarm", status);
    scripted_close(world);
}

static void try_moment(unsigned moment)
{
    static const char *const back[] = {"\"to\":\"rolling_back\"", "\"to\":\"safe\"",
                                       "\"to\":\"reverted\"", "\"to\":\"redeployed\""};
    static const char *const forward[] = {"preflighted", "connected", "pulled"};
    static const char *const watched[] = {"\"to\":\"switched\"", "\"to\":\"verified\""};
    cases++;
    if (moment < 4)
        way_back_ends(back[moment]);
    else if (moment < 7)
        forward_is_told(forward[moment - 4]);
    else if (moment < 9)
        window_goes_on(watched[moment - 7]);
    else
        disarm_needs_none();
}

static bool every_moment;

/* Without `all` each damage of each file meets three of the ten moments. */
static void every_damage_has_a_way_out(void **state)
{
    (void)state;
    for (unsigned file = 0; file < sizeof names / sizeof names[0]; file++)
        for (enum damage damage = MISSING; damage <= OLDER; damage++)
            for (unsigned moment = 0; moment < 10; moment++) {
                now.name = names[file];
                now.damage = damage;
                if (every_moment || (moment + file * 3 + (unsigned)damage * 7) % 10 < 3)
                    try_moment(moment);
            }
    assert_true(cases >= 180 && damaged >= cases);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_damage_has_a_way_out),
    };
    every_moment = argc > 1 && strcmp(argv[1], "all") == 0;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
