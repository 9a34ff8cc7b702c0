/* Goal: titan-fsm disarm needs nothing but the way to the target. Whatever else is damaged (the
 * key, its agent, the journal, its disk, the configuration where it speaks of something else),
 * Execution is disarmed, looked at, and the last sentence says whether that is on record, and if
 * not, why. */
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

#define CONFIG_PATH "/home/alice/titan.yml"

enum {
    CONFIG_WRONG = 3,
    STEP_FAILED = 21,
    KEY_REFUSED = 17,
    JOURNAL_DAMAGED = 18,
    JOURNAL_WRITE = 19,
    NO_MEMORY = 1
};
enum { MAX_BYTES = 1 << 16 };
static const struct person_choice choice = {.window_ms = 30000};

static enum error_code nobody_answers(void *context, const char *path,
                                      const struct world_stream **ret_stream, void **ret_handle,
                                      struct error *error)
{
    (void)context;
    (void)ret_stream;
    (void)ret_handle;
    return error_set(error, ERROR_SYSTEM, 111, path, "", "connection refused");
}

static void lose_agent(struct scripted *world)
{
    world->local.connect = nobody_answers;
}

/* It takes what it is sent, and answers nothing as long as anybody waits. */
static ssize_t swallow(void *stream, const void *data, size_t size, int64_t wait_ms)
{
    (void)stream;
    (void)data;
    (void)wait_ms;
    return (ssize_t)size;
}

static ssize_t answer_nothing(void *stream, void *data, size_t size, int64_t wait_ms)
{
    struct scripted *world = stream;
    (void)data;
    (void)size;
    timeline_move(&world->timeline, world->timeline.now_ns + wait_ms * 1000000);
    return -1;
}

static void leave(void *stream)
{
    (void)stream;
}

static enum error_code hang(void *context, const char *path, const struct world_stream **ret_stream,
                            void **ret_handle, struct error *error)
{
    static const struct world_stream silent = {.send = swallow,
                                               .receive = answer_nothing,
                                               .close = leave};
    (void)path;
    (void)error;
    *ret_stream = &silent;
    *ret_handle = context;
    return ERROR_OK;
}

static void silence_agent(struct scripted *world)
{
    world->local.connect = hang;
}

/* In the text of the configuration, `old` becomes `new`. */
static void rewrite(struct scripted *world, const char *old, const char *new)
{
    struct file *file = files_find(&world->disk, CONFIG_PATH);
    static char text[MAX_BYTES];
    const char *all = file->content.data, *at = strstr(all, old);
    assert_non_null(at);
    int size = snprintf(text, sizeof text, "%.*s%s%s", (int)(at - all), all, new, at + strlen(old));
    assert_in_range(size, 1, sizeof text - 1);
    (void)files_put(&world->disk, CONFIG_PATH, 0600, text, (size_t)size);
}

static void name_key(struct scripted *world)
{
    char agent[200];
    const struct file *file = files_find(&world->disk, CONFIG_PATH);
    const char *at = strstr(file->content.data, "agent: \"");
    assert_non_null(at);
    (void)snprintf(agent, sizeof agent, "%.*s", (int)(strcspn(at + 8, "\"") + 9), at);
    rewrite(world, agent, "key: alice.key");
}

static void damage_key(struct scripted *world)
{
    name_key(world);
    (void)files_put(&world->disk, "/home/alice/alice.key", 0600, "titan-key-v1\ngarbage\n", 21);
}

static void show_key_to_all(struct scripted *world)
{
    name_key(world);
    (void)files_put(&world->disk, "/home/alice/alice.key", 0644, "titan-key-v1\n", 13);
}

static void lose_journal(struct scripted *world)
{
    world->stored.created = false;
}

static void damage_entry(struct scripted *world, size_t seq)
{
    struct bytes *value = &world->stored.entries[seq].value;
    value->data[value->size / 2] ^= 0x55;
}

static void damage_genesis(struct scripted *world)
{
    damage_entry(world, 0);
}

static void damage_last(struct scripted *world)
{
    damage_entry(world, world->stored.entry_count - 1);
}

static void empty_journal(struct scripted *world)
{
    world->stored.entry_count = 0;
}

static void hold_journal(struct scripted *world)
{
    world->stored.held = true;
}

static enum error_code refuse_entries(void *context, const struct scripted_call *call,
                                      struct error *error)
{
    (void)context;
    return call->kind == CALL_APPEND && !call->after
               ? error_set(error, ERROR_JOURNAL_WRITE, 28, "journal", "", "no space left on device")
               : ERROR_OK;
}

static void fill_disk(struct scripted *world)
{
    world->fault = refuse_entries;
}

static void misspell_checklist(struct scripted *world)
{
    rewrite(world, "probe: tree_clean", "probe: treecl");
}

static void break_checklist(struct scripted *world)
{
    rewrite(world, "preflight:\n", "preflight: [}\n\t\"\n");
}

static void break_limits(struct scripted *world)
{
    rewrite(world, "limits: {", "limits: {window_ms: soon, ");
}

static void break_endpoints(struct scripted *world)
{
    rewrite(world, "endpoints:\n", "endpoints: \n  \x80\xff: {nothing: [\n");
}

static void lose_operator(struct scripted *world)
{
    rewrite(world, "operator: {principal: alice@example, ", "operator: {");
}

static void lose_name_of_journal(struct scripted *world)
{
    rewrite(world, "journal: journal\n", "");
}

static void add_section(struct scripted *world)
{
    rewrite(world, "version: 1\n", "version: 2\nfuture: {of: the tool}\n");
}

static void name_another_target(struct scripted *world)
{
    rewrite(world, "name: " PERSON_TARGET, "name: other");
}

static const struct damage {
    const char *name;
    void (*harm)(struct scripted *world);
    int status;      /* with no deployment open */
    int status_open; /* in one whose session key signs */
} damages[] = {
    {"the agent is gone", lose_agent, KEY_REFUSED, 0},
    {"the agent is silent", silence_agent, KEY_REFUSED, 0},
    {"the key file is missing", name_key, KEY_REFUSED, 0},
    {"the key file is damaged", damage_key, KEY_REFUSED, 0},
    {"everybody may read the key file", show_key_to_all, KEY_REFUSED, 0},
    {"the journal is gone", lose_journal, NO_MEMORY, NO_MEMORY},
    {"the journal is empty", empty_journal, JOURNAL_DAMAGED, JOURNAL_DAMAGED},
    {"genesis is damaged", damage_genesis, JOURNAL_DAMAGED, JOURNAL_DAMAGED},
    {"the last entry is damaged", damage_last, JOURNAL_DAMAGED, JOURNAL_DAMAGED},
    {"the journal's disk is full", fill_disk, JOURNAL_WRITE, JOURNAL_WRITE},
    {"a stopped process holds the journal", hold_journal, JOURNAL_WRITE, JOURNAL_WRITE},
    {"a probe is misspelled", misspell_checklist, CONFIG_WRONG, CONFIG_WRONG},
    {"the checklist is no YAML", break_checklist, CONFIG_WRONG, CONFIG_WRONG},
    {"a limit is no number", break_limits, CONFIG_WRONG, CONFIG_WRONG},
    {"the endpoints are no text", break_endpoints, CONFIG_WRONG, CONFIG_WRONG},
    {"no operator is named", lose_operator, CONFIG_WRONG, CONFIG_WRONG},
    {"no journal is named", lose_name_of_journal, CONFIG_WRONG, CONFIG_WRONG},
    {"it is of a later version", add_section, CONFIG_WRONG, CONFIG_WRONG},
    {"it is the journal of another target", name_another_target, CONFIG_WRONG, CONFIG_WRONG},
};

static size_t disarms_of(const struct scripted *world)
{
    size_t count = 0;
    for (size_t i = 0; i < world->titan.seen.received_count; i++)
        count += strncmp(world->titan.seen.received[i], "DISARM ", 7) == 0;
    return count;
}

static bool is_armed(struct scripted *world)
{
    return titan_running(&world->titan, "titan-execution")->armed;
}

static void insist(bool held, const struct damage *damage, const char *what)
{
    if (!held)
        fail_msg("%s: %s\n%s", damage->name, what, person_said());
}

/* In a health window whose driver has died: nobody watches, and Execution is armed. */
static struct scripted *left_in_the_window(void)
{
    struct scripted *world = person_begins_release(71, &choice, false);
    struct moment moment = {.word = "\"type\":\"sample\"", .nth = 1};
    moment_set(world, &moment);
    (void)person_runs(world, "run --rearm yes --confirm " PERSON_TARGET);
    moment_clear(world);
    return world;
}

static void check(const struct damage *damage, bool open)
{
    struct scripted *world = open ? left_in_the_window() : person_begins(71, &choice);
    int wanted = open ? damage->status_open : damage->status;
    insist(is_armed(world), damage, "it begins armed");
    size_t entries = world->stored.entry_count, sent = disarms_of(world);
    damage->harm(world);
    int64_t began_ns = world->timeline.now_ns;
    int status = person_runs(world, "disarm --reason smells-wrong");
    bool recorded = world->stored.entry_count > entries;
    insist(!is_armed(world) && disarms_of(world) == sent + 1, damage,
           "it is disarmed by one DISARM");
    insist(strstr(person_said(), "DISARM was sent; Execution is seen disarmed") != NULL, damage,
           "both facts are said");
    insist(status == wanted, damage, "the exit status says what is not on record");
    insist((status == 0) == (strstr(person_said(), "not on record") == NULL)
               && (status != 0 || recorded),
           damage, "the sentence says whether it is on record");
    insist(world->timeline.now_ns - began_ns < INT64_C(135000000000), damage, "it ends");
    if (world->stored.entry_count < entries)
        world->stored.entry_count = entries; /* to be released */
    scripted_close(world);
}

static void whatever_is_damaged(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof damages / sizeof damages[0]; i++) {
        check(&damages[i], false);
        check(&damages[i], true);
    }
}

/* By hand it goes over the bus only: what a person does where that fails is one line to paste. */
static void not_seen_disarmed_names_the_removal(void **state)
{
    struct scripted *world = person_begins(74, &choice);
    (void)state;
    for (size_t i = 0; i < world->titan.image_count; i++)
        world->titan.images[i].faults |= FAULT_DEAF_DISARM;
    assert_int_equal(person_runs(world, "disarm --reason now"), STEP_FAILED);
    assert_true(is_armed(world));
    assert_non_null(strstr(person_said(),
                           "next, on " PERSON_TARGET ": docker rm -f titan_titan-execution_1\n"));
    world->titan.docker_down = true; /* nobody sees what runs */
    assert_int_equal(person_runs(world, "disarm --reason now"), STEP_FAILED);
    assert_non_null(strstr(person_said(),
                           ": docker ps -aq --filter label=com.docker.compose.service="
                           "titan-execution --filter label=com.docker.compose.project=titan | "
                           "xargs -r docker rm -f\n"));
    scripted_close(world);
}

/* What is asked of a person comes behind the act. */
static int64_t published_ns;

static enum error_code note_publish(void *context, const struct scripted_call *call,
                                    struct error *error)
{
    const struct scripted *world = context;
    (void)error;
    if (call->kind == CALL_PUBLISH && !call->after)
        published_ns = world->timeline.now_ns;
    return ERROR_OK;
}

/* Its passphrase lies in a file that hangs as long as anybody reads it; the key takes its time. */
static enum error_code hang_on_secrets(void *context, const char *path, void *ret_data, size_t size,
                                       size_t *ret_size, struct error *error)
{
    struct scripted *world = context;
    (void)ret_data;
    (void)size;
    (void)ret_size;
    timeline_move(&world->timeline, world->timeline.now_ns + INT64_C(3600000000000));
    return error_set(error, ERROR_KEY_REFUSED, 5, path, "", "input/output error");
}

static void passphrase_in_a_file_comes_behind_it(void **state)
{
    static const char *const lines[] = {
        "disarm --reason now --passphrase-file /mnt/secret",
        "disarm --reason now --passphrase-fd 7",
        "disarm --reason now",
    };
    (void)state;
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        struct scripted *world = person_begins(75, &choice);
        name_key(world);
        world->disk_table.read_secret = hang_on_secrets;
        world->fault = note_publish;
        world->fault_context = world;
        int64_t began_ns = world->timeline.now_ns;
        assert_int_equal(person_runs(world, lines[i]), KEY_REFUSED);
        assert_in_range(published_ns - began_ns, 1, INT64_C(4000000000));
        assert_false(is_armed(world));
        assert_non_null(strstr(person_said(), "Execution is seen disarmed, and this is not on "
                                              "record"));
        scripted_close(world);
    }
}

static void silent_agent_delays_it_by_a_moment(void **state)
{
    struct scripted *world = person_begins(72, &choice);
    (void)state;
    silence_agent(world);
    world->fault = note_publish;
    world->fault_context = world;
    int64_t began_ns = world->timeline.now_ns;
    assert_int_equal(person_runs(world, "disarm --reason now"), KEY_REFUSED);
    assert_in_range(published_ns - began_ns, 1, INT64_C(4000000000));
    scripted_close(world);
}

/* An agent that answers only once Execution has received its DISARM. */
static struct {
    size_t disarms;
    enum error_code (*connect)(void *, const char *, const struct world_stream **, void **,
                               struct error *);
} late;

static enum error_code answer_late(void *context, const char *path,
                                   const struct world_stream **ret_stream, void **ret_handle,
                                   struct error *error)
{
    return disarms_of(context) > late.disarms
               ? late.connect(context, path, ret_stream, ret_handle, error)
               : nobody_answers(context, path, ret_stream, ret_handle, error);
}

static void key_that_comes_late_records_it(void **state)
{
    struct scripted *world = person_begins(73, &choice);
    char *report = NULL;
    (void)state;
    late.connect = world->local.connect;
    late.disarms = disarms_of(world);
    world->local.connect = answer_late;
    assert_int_equal(person_runs(world, "disarm --reason now"), 0);
    assert_non_null(strstr(person_said(), "it is recorded after it"));
    titan_publish(&world->titan, &(struct titan_release){.subject = "two"});
    assert_int_equal(person_runs(world, "begin release --reason test"), 0);
    assert_int_equal(person_runs(world, "run --rearm yes --confirm " PERSON_TARGET), 0);
    assert_int_equal(verdict_of(world, &choice, &report), 0);
    free(report);
    scripted_close(world);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {cmocka_unit_test(whatever_is_damaged),
                                              cmocka_unit_test(not_seen_disarmed_names_the_removal),
                                              cmocka_unit_test(silent_agent_delays_it_by_a_moment),
                                              cmocka_unit_test(
                                                  passphrase_in_a_file_comes_behind_it),
                                              cmocka_unit_test(key_that_comes_late_records_it)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
