#include "tests/world/moment.h"

#include <string.h>

static enum error_code ask(void *context, const struct scripted_call *call, struct error *error)
{
    struct moment *moment = context;
    struct scripted *world = moment->world;
    if (call->kind != CALL_APPEND || !call->after || moment->happened)
        return ERROR_OK;
    const struct bytes *last = &world->stored.entries[world->stored.entry_count - 1].value;
    if (memmem(last->data, last->size, moment->word, strlen(moment->word)) == NULL
        || moment->seen++ < moment->nth)
        return ERROR_OK;
    moment->happened = true;
    if (moment->act != NULL) {
        moment->act(world);
        return ERROR_OK;
    }
    world->dead = true;
    return error_set(error, ERROR_JOURNAL_WRITE, 0, "journal", "", "the driver has died");
}

void moment_set(struct scripted *scripted, struct moment *moment)
{
    moment->world = scripted;
    scripted->fault = ask;
    scripted->fault_context = moment;
}

void moment_clear(struct scripted *scripted)
{
    scripted->fault = NULL;
    scripted->dead = false;
}

struct journal_mark moment_mark(const struct scripted *scripted)
{
    return (struct journal_mark){.entry_count = scripted->stored.entry_count};
}

/* Values derived from entries that are gone would be wrong: they are made again. */
void moment_rewind(struct scripted *scripted, struct journal_mark mark)
{
    struct scripted_store *stored = &scripted->stored;
    while (stored->entry_count > mark.entry_count)
        bytes_free(&stored->entries[--stored->entry_count].value);
    while (stored->state_count > 0)
        bytes_free(&stored->states[--stored->state_count].value);
}
