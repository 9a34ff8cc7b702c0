#include "tests/world/titan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void titan_open(struct titan *titan, struct timeline *timeline, uint64_t seed)
{
    *titan =
        (struct titan){.timeline = timeline, .seed = seed, .handshake_ms = 700, .start_ms = 400};
    titan->files = (struct files){.arena = &titan->arena};
}

void titan_close(struct titan *titan)
{
    arena_free(&titan->arena);
    *titan = (struct titan){.timeline = NULL};
}

bool titan_is_broken(const struct titan *titan, const char *program, const char *word)
{
    size_t length = strlen(program);
    return titan->broken != NULL && strncmp(titan->broken, program, length) == 0
           && titan->broken[length] == ' ' && strcmp(titan->broken + length + 1, word) == 0;
}

char *titan_id(struct titan *titan)
{
    char text[64], hex[SHA256_HEX + 1];
    (void)snprintf(text, sizeof text, "%llu %u", (unsigned long long)titan->seed, titan->count++);
    bytes_sha256_hex(text, strlen(text), hex);
    return arena_copy(&titan->arena, hex, SHA256_HEX);
}

void titan_at(struct titan *titan, int64_t at_ns, void (*act)(struct titan *, void *),
              void *context)
{
    if (titan->event_count == TITAN_EVENTS_MAX)
        abort();
    titan->events[titan->event_count++] = (struct titan_event){.at_ns = at_ns,
                                                               .act = act,
                                                               .context = context};
}

static struct titan_container *first_due(struct titan *titan, int64_t *ret_at_ns)
{
    struct titan_container *first = NULL;
    for (size_t i = 0; i < titan->container_count; i++) {
        int64_t at_ns = titan_next_ns(titan, &titan->containers[i]);
        if (at_ns <= *ret_at_ns) {
            *ret_at_ns = at_ns;
            first = &titan->containers[i];
        }
    }
    return first;
}

/* One thing at a time, in the order of their moments; each happens at its own. */
static bool pass_one(struct titan *titan, int64_t until_ns)
{
    int64_t at_ns = until_ns;
    struct titan_container *container = first_due(titan, &at_ns);
    size_t found = titan->event_count;
    for (size_t i = 0; i < titan->event_count; i++)
        if (titan->events[i].at_ns <= at_ns) {
            at_ns = titan->events[i].at_ns;
            found = i;
        }
    int64_t now_ns = titan->timeline->now_ns, guard_ns = titan_guard_next_ns(titan);
    bool guard = guard_ns <= at_ns;
    at_ns = guard ? guard_ns : at_ns;
    titan->timeline->now_ns = at_ns < now_ns ? at_ns : now_ns;
    bool happened = guard || found < titan->event_count || container != NULL;
    if (guard) {
        titan->timeline->now_ns = at_ns > titan->passed_ns ? at_ns : titan->passed_ns;
        titan_guard_round(titan);
    } else if (found < titan->event_count) {
        struct titan_event event = titan->events[found];
        titan->events[found] = titan->events[--titan->event_count];
        event.act(titan, event.context);
    } else if (container != NULL) {
        titan_act(titan, container);
    }
    if (titan->timeline->now_ns < now_ns)
        titan->timeline->now_ns = now_ns;
    return happened;
}

void titan_pass(struct titan *titan)
{
    while (pass_one(titan, titan->timeline->now_ns))
        continue;
    titan->passed_ns = titan->timeline->now_ns;
}

struct titan_container *titan_create(struct titan *titan, const char *project, const char *service,
                                     const char *name, const struct titan_image *image,
                                     const char *hash)
{
    if (titan->container_count == TITAN_CONTAINERS_MAX)
        abort();
    struct titan_container *container = &titan->containers[titan->container_count++];
    struct arena *arena = &titan->arena;
    *container = (struct titan_container){.id = titan_id(titan),
                                          .name = arena_copy(arena, name, strlen(name)),
                                          .service = arena_copy(arena, service, strlen(service)),
                                          .project = arena_copy(arena, project, strlen(project)),
                                          .hash = arena_copy(arena, hash, strlen(hash)),
                                          .address = arena_text(arena, "172.18.0.%zu",
                                                                titan->container_count + 1),
                                          .image = image,
                                          .there = true,
                                          .exit_code = 1,
                                          .created_ns = titan->timeline->now_ns};
    container->log_end = &container->log;
    return container;
}

struct titan_container *titan_running(struct titan *titan, const char *service)
{
    for (size_t i = titan->container_count; i-- > 0;) {
        struct titan_container *container = &titan->containers[i];
        if (container->there && container->running && strcmp(container->service, service) == 0)
            return container;
    }
    return NULL;
}
