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

static void open_driver(struct scripted *scripted, struct driver *ret_driver)
{
    struct driver_options options = {.config_path = "/home/alice/titan.yml",
                                     .world = &scripted->world,
                                     .confirm = PERSON_TARGET,
                                     .rearm = ANSWER_YES};
    struct error error = {0};
    if (driver_open(ret_driver, &options, DRIVER_WRITES | DRIVER_DRIVES | DRIVER_SESSION, &error)
        != ERROR_OK) {
        (void)fprintf(stderr, "the driver cannot be opened: %s\n", error.what);
        abort();
    }
}

/* "" = it has none. */
static const char *word_of(const struct scripted_entry *entry, const char *key, char word[64])
{
    return scripted_word(entry, key, word) ? word : "";
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

static void read_transition(const struct scripted_entry *entry, struct story *story)
{
    char word[64];
    enum state from = machine_state_by_name(word_of(entry, "from", word));
    enum event event = machine_event_by_name(word_of(entry, "event", word));
    story->state = machine_state_by_name(word_of(entry, "to", word));
    story->edges[from][event] = story->state;
    count_edge(story->procedure, from, event);
}

struct story story_read(const struct scripted *scripted)
{
    struct story story = {.state = STATE_INVALID};
    char type[64], word[64], then[64], action[64] = "";
    for (size_t i = 0; i < scripted->stored.entry_count; i++) {
        const struct scripted_entry *entry = &scripted->stored.entries[i];
        (void)word_of(entry, "type", type);
        if (strcmp(type, ENTRY_OPEN) == 0)
            story = (struct story){.procedure = machine_procedure_by_name(
                                       word_of(entry, "procedure", word)),
                                   .state = STATE_OPENED};
        else if (strcmp(type, ENTRY_TRANSITION) == 0)
            read_transition(entry, &story);
        else if (strcmp(type, ENTRY_INTENT) == 0)
            (void)word_of(entry, "action", action);
        else if (strcmp(type, ENTRY_RECONCILIATION) == 0)
            count_resumption(action, word_of(entry, "found", word), word_of(entry, "then", then));
    }
    story.ended = machine_phase(story.state) == PHASE_ENDED;
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
    open_driver(scripted, &driver);
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
