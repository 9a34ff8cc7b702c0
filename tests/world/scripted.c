#include "tests/world/scripted.h"

#include <stdlib.h>

static void pass(void *context)
{
    titan_pass(context);
}

enum error_code scripted_ask(struct scripted *scripted, enum scripted_kind kind, bool after,
                             const char *detail, struct error *error)
{
    struct scripted_call call = {.kind = kind, .after = after, .detail = detail};
    if (scripted->dead)
        return error_set(error, kind == CALL_APPEND ? ERROR_JOURNAL_WRITE : ERROR_UNREACHABLE, 0,
                         detail, "", "the driver has died");
    return scripted->fault != NULL ? scripted->fault(scripted->fault_context, &call, error)
                                   : ERROR_OK;
}

struct scripted *scripted_open(uint64_t seed)
{
    struct scripted *scripted = calloc(1, sizeof *scripted);
    if (scripted == NULL)
        abort();
    scripted->random_state = seed;
    scripted->cost_ns = 12000000;
    timeline_begin(&scripted->timeline);
    titan_open(&scripted->titan, &scripted->timeline, seed);
    scripted->timeline.passed = pass;
    scripted->timeline.context = &scripted->titan;
    scripted->timeline.is_dead = &scripted->dead;
    scripted->disk = (struct files){.arena = &scripted->arena};
    scripted_fill_store(scripted);
    scripted_fill_disk(scripted);
    scripted_fill_target(scripted);
    scripted_fill_bus(scripted);
    scripted_fill_http(scripted);
    scripted_fill_person(scripted);
    scripted_fill_agent(scripted);
    scripted->world = (struct world){.clock = &scripted->timeline.clock,
                                     .random = &scripted->random,
                                     .host = &scripted->host,
                                     .disk = &scripted->disk_table,
                                     .store = &scripted->store,
                                     .local = &scripted->local,
                                     .target = &scripted->target,
                                     .bus = &scripted->bus,
                                     .http = &scripted->http,
                                     .reach = &scripted->reach,
                                     .terminal = &scripted->terminal,
                                     .signals = &scripted->signals};
    return scripted;
}

void scripted_close(struct scripted *scripted)
{
    if (scripted == NULL)
        return;
    scripted_store_clear(&scripted->stored);
    titan_close(&scripted->titan);
    arena_free(&scripted->arena);
    arena_free(&scripted->scratch);
    free(scripted);
}
