#include "tests/world/checkpoint.h"

#include <stdlib.h>

enum {
    STATES_MAX = sizeof((struct scripted_store *)NULL)->states
                 / sizeof((struct scripted_store *)NULL)->states[0]
};

struct checkpoint {
    struct scripted *world;
    struct scripted kept; /* its own lists of entries, blobs and states are not used */
    struct arena_image disk, titan;
    struct bytes states[STATES_MAX];
};

static struct bytes copy_of(const struct bytes *bytes)
{
    struct bytes copy = {0};
    struct error error;
    if (bytes_append(&copy, bytes->data, bytes->size, &error) != ERROR_OK)
        abort();
    return copy;
}

struct checkpoint *checkpoint_take(struct scripted *world)
{
    struct checkpoint *checkpoint = malloc(sizeof *checkpoint);
    if (checkpoint == NULL)
        abort();
    *checkpoint = (struct checkpoint){.world = world,
                                      .kept = *world,
                                      .disk = arena_keep(&world->arena),
                                      .titan = arena_keep(&world->titan.arena)};
    for (size_t i = 0; i < world->stored.state_count; i++)
        checkpoint->states[i] = copy_of(&world->stored.states[i].value);
    return checkpoint;
}

/* Entries and blobs are only added: those of then are the first. */
static void shorten(struct scripted_store *stored, const struct scripted_store *then)
{
    if (stored->entry_count < then->entry_count || stored->blob_count < then->blob_count)
        abort();
    while (stored->entry_count > then->entry_count)
        bytes_free(&stored->entries[--stored->entry_count].value);
    while (stored->blob_count > then->blob_count)
        bytes_free(&stored->blobs[--stored->blob_count].data);
    while (stored->state_count > 0)
        bytes_free(&stored->states[--stored->state_count].value);
}

void checkpoint_return(const struct checkpoint *checkpoint)
{
    struct scripted *world = checkpoint->world;
    const struct scripted *then = &checkpoint->kept;
    shorten(&world->stored, &then->stored);
    arena_put_back(&world->arena, &checkpoint->disk);
    arena_put_back(&world->titan.arena, &checkpoint->titan);
    struct arena scratch = world->scratch; /* nothing lies in it between two commands */
    struct scripted_store stored = world->stored;
    *world = *then;
    world->scratch = scratch;
    for (size_t i = 0; i < then->stored.state_count; i++) {
        stored.states[i] = then->stored.states[i];
        stored.states[i].value = copy_of(&checkpoint->states[i]);
    }
    stored.state_count = then->stored.state_count;
    stored.full = then->stored.full;
    world->stored = stored;
}

void checkpoint_free(struct checkpoint *checkpoint)
{
    for (size_t i = 0; i < checkpoint->kept.stored.state_count; i++)
        bytes_free(&checkpoint->states[i]);
    free(checkpoint->disk.data);
    free(checkpoint->titan.data);
    free(checkpoint);
}
