#include "tests/world/story.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fsm/driver.h"
#include "fsm/engine.h"
#include "journal/format/names.h"

enum { EDGES_MAX = 256, RESUMPTIONS_MAX = 96 };

static bool taken[EDGES_MAX];
static const char *resumptions[RESUMPTIONS_MAX];
static size_t resumption_count;
static struct arena kept; /* lives as long as the program */

static void open_driver(struct scripted *scripted, unsigned needs, struct driver *ret_driver)
{
    struct driver_options options = {.config_path = "/home/alice/titan.yml",
                                     .world = &scripted->world,
                                     .confirm = PERSON_TARGET,
                                     .rearm = ANSWER_YES};
    struct error error = {0};
    if (driver_open(ret_driver, &options, needs, &error) != ERROR_OK) {
        (void)fprintf(stderr, "the driver cannot be opened: %s\n", error.what);
        abort();
    }
}

static const char *string_of(const struct journal_entry *entry, const char *key)
{
    const char *text = json_string_value(json_object_get(entry->body, key));
    return text != NULL ? text : "";
}

static void count_edge(enum procedure procedure, enum state from, enum event event)
{
    size_t count;
    const struct transition *edges = machine_transitions(&count);
    for (size_t i = 0; i < count && i < EDGES_MAX; i++)
        if (edges[i].procedure == procedure && edges[i].from == from && edges[i].event == event)
            taken[i] = true;
}

static void count_resumption(const char *action, const char *found, const char *then)
{
    const char *text = arena_text(&kept, "%s %s %s", action, found, then);
    for (size_t i = 0; i < resumption_count; i++)
        if (strcmp(resumptions[i], text) == 0)
            return;
    if (resumption_count == RESUMPTIONS_MAX)
        abort();
    resumptions[resumption_count++] = text;
}

static const char *action_of_intent(const struct deployment *deployment, uint64_t intent)
{
    for (size_t i = 0; i < deployment->count; i++)
        if (deployment->entries[i].seq == intent)
            return string_of(&deployment->entries[i], "action");
    return "";
}

static void read_entry(const struct deployment *deployment, const struct journal_entry *entry,
                       struct story *story)
{
    if (strcmp(entry->type, ENTRY_TRANSITION) == 0) {
        enum state from = machine_state_by_name(string_of(entry, "from"));
        enum event event = machine_event_by_name(string_of(entry, "event"));
        story->edges[from][event] = machine_state_by_name(string_of(entry, "to"));
        count_edge(story->procedure, from, event);
    } else if (strcmp(entry->type, ENTRY_RECONCILIATION) == 0) {
        uint64_t intent = (uint64_t)json_integer_value(json_object_get(entry->body, "intent"));
        count_resumption(action_of_intent(deployment, intent), string_of(entry, "found"),
                         string_of(entry, "then"));
    } else if (strcmp(entry->type, ENTRY_SAMPLE) == 0) {
        story->samples++;
    }
}

struct story story_read(struct scripted *scripted)
{
    struct driver driver = {.found = false};
    open_driver(scripted, DRIVER_READS, &driver);
    struct story story = {.procedure = driver.deployment.procedure,
                          .state = driver.deployment.state,
                          .ended = driver.deployment.ended};
    for (size_t i = 0; i < driver.deployment.count; i++)
        read_entry(&driver.deployment, &driver.deployment.entries[i], &story);
    driver_close(&driver);
    return story;
}

bool story_ends_with(const struct scripted *scripted, const struct transition *edge)
{
    const struct scripted_store *stored = &scripted->stored;
    const struct bytes *last = &stored->entries[stored->entry_count - 1].value;
    char from[64], event[64], to[64];
    (void)snprintf(from, sizeof from, "\"from\":\"%s\"", machine_state_name(edge->from));
    (void)snprintf(event, sizeof event, "\"event\":\"%s\"", machine_event_name(edge->event));
    (void)snprintf(to, sizeof to, "\"to\":\"%s\"", machine_state_name(edge->to));
    bool same = memmem(last->data, last->size, from, strlen(from)) != NULL
                && memmem(last->data, last->size, event, strlen(event)) != NULL
                && memmem(last->data, last->size, to, strlen(to)) != NULL;
    if (same)
        count_edge(edge->procedure, edge->from, edge->event);
    return same;
}

int story_event(struct scripted *scripted, enum event event)
{
    struct driver driver = {.found = false};
    enum exit_status status = EXIT_INTERNAL;
    struct error error = {0};
    FILE *out = stdout, *hidden = fopen("/dev/null", "we");
    if (hidden == NULL)
        abort();
    open_driver(scripted, DRIVER_WRITES | DRIVER_DRIVES | DRIVER_SESSION, &driver);
    stdout = hidden;
    enum error_code code = engine_command(&driver, event, "a test says so", &status, &error);
    stdout = out;
    (void)fclose(hidden);
    driver_close(&driver);
    return code == ERROR_OK ? (int)status : (int)exit_status_of(code);
}

bool story_was_taken(const struct transition *edge)
{
    size_t count;
    const struct transition *edges = machine_transitions(&count);
    return edge >= edges && edge < edges + count && taken[edge - edges];
}

const char *const *story_resumptions(size_t *ret_count)
{
    *ret_count = resumption_count;
    return resumptions;
}
