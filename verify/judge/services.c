#include "verify/judge/services.h"

#include <stdlib.h>
#include <string.h>

#include "verify/judge/reading.h"

struct slice services_name(struct slice line)
{
    return slice_word(line);
}

/* " xN": the number; -1 = it is none. */
static int64_t replicas_in(struct slice word)
{
    int64_t number = 0;
    if (word.length < 2 || word.length > 8 || word.at[0] != 'x')
        return -1;
    for (size_t i = 1; i < word.length; i++) {
        if (word.at[i] < '0' || word.at[i] > '9')
            return -1;
        number = number * 10 + (word.at[i] - '0');
    }
    return number;
}

static bool services_parse(struct slice line, struct service_row *row)
{
    struct slice rest = slice_from(line, services_name(line).length);
    *row = (struct service_row){.declared = true, .replicas = 1};
    while (rest.length > 0) {
        rest = slice_from(rest, 1);
        struct slice word = services_name(rest);
        int64_t number = replicas_in(word);
        if (slice_is(word, "off"))
            row->off = true;
        else if (slice_is(word, "once"))
            row->once = row->one_shot = true;
        else if (slice_is(word, "ends"))
            row->one_shot = true;
        else if (number >= 0)
            row->replicas = number;
        else
            return false;
        rest = slice_from(rest, word.length);
    }
    row->declared = !row->off;
    return services_name(line).length > 0;
}

bool services_is_row(struct slice line)
{
    struct service_row ignored;
    return services_parse(line, &ignored);
}

bool services_is_off(struct slice line)
{
    struct service_row row;
    return services_parse(line, &row) && row.off;
}

bool services_is_one_shot(const struct genesis *genesis, struct slice line)
{
    struct service_row row;
    struct slice name = services_name(line);
    return services_parse(line, &row) && row.one_shot && !slice_equal(name, genesis->execution)
           && !slice_equal(name, genesis->brain);
}

static bool is_way_back(enum action action)
{
    return action == ACTION_REVERT || action == ACTION_REDEPLOY || action == ACTION_VERIFY_RESTORED;
}

static struct slice rows_for(const struct audit *audit, enum action action)
{
    const struct entry *pulled = deployment_good_entry(&audit->deployment, ACTION_PULL_IMAGES),
                       *snapshot = deployment_good_entry(&audit->deployment, ACTION_CONNECT);
    const struct entry *entry = pulled == NULL || is_way_back(action) ? snapshot : pulled;
    const struct item *item = entry != NULL ? entry_item(entry, 0, entry->item_count,
                                                         PROBE_COMPOSE_SERVICES, NULL)
                                            : NULL;
    return item != NULL && item->status == 0 ? item->output : slice_of("");
}

struct service_row services_row(const struct audit *audit, enum action action, const char *service)
{
    struct slice rows = rows_for(audit, action), line;
    struct service_row row = {.replicas = 1};
    bool found = false;
    while (!found && slice_line(&rows, &line))
        found = slice_is(services_name(line), service) && services_parse(line, &row);
    if (!found)
        row = (struct service_row){.replicas = 1};
    if (slice_is(audit->genesis.execution, service) || slice_is(audit->genesis.brain, service))
        row.once = row.one_shot = false;
    return row;
}

static bool ended_well(const struct listed *container)
{
    return strcmp(container->state, "exited") == 0 && container->exit_code == 0;
}

bool services_is_good(const struct audit *audit, enum action action, const struct listed *container)
{
    struct service_row row = services_row(audit, action, container->service);
    return row.one_shot && ended_well(container) ? true : !row.once && reading_is_good(container);
}

bool services_is_present(const struct audit *audit, enum action action,
                         const struct listed *container)
{
    return reading_is_running(container)
           || (ended_well(container) && services_row(audit, action, container->service).one_shot);
}

size_t services_present(const struct audit *audit, enum action action,
                        const struct listing *containers, const char *service)
{
    size_t present = 0;
    for (size_t i = 0; i < containers->count; i++)
        present += strcmp(containers->list[i].service, service) == 0
                   && services_is_present(audit, action, &containers->list[i]);
    return present;
}

bool services_may_change(const struct audit *audit, const char *service)
{
    return genesis_may_restart(&audit->genesis, service)
           || services_row(audit, ACTION_PULL_IMAGES, service).off;
}

bool services_is_new_run(const struct audit *audit, const struct listed *container)
{
    const struct listing *before = deployment_list_before(&audit->deployment);
    for (size_t i = 0; before != NULL && i < before->count; i++)
        if (strcmp(before->list[i].id, container->id) == 0
            && strcmp(before->list[i].started_at, container->started_at) == 0)
            return false;
    return before != NULL;
}
