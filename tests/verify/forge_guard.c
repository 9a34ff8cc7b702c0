/* The dead-man guard of the forger's world, where it has one: journal/FORMAT.md, "Guard". */
#include "tests/verify/forge_items.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

static const char target_boot[] = "99999999-2222-3333-4444-555555555555";

enum { AHEAD_MS = 300000 };

static int64_t uptime_ms(const struct forge *forge)
{
    return (forge->now_ns + forge->target_ahead_ns) / 1000000;
}

void forge_guard(struct forge *forge, json_t *evidence, const char *state, bool begun)
{
    char text[400];
    if (!forge->guard)
        return;
    if (!begun)
        forge->guard_deadline_ms = 0;
    else if (strcmp(state, "laid") == 0 || forge->guard_deadline_ms == 0)
        forge->guard_deadline_ms = uptime_ms(forge) + AHEAD_MS;
    forge->guard_begun = begun;
    (void)snprintf(text, sizeof text,
                   "{\"deployment\":%lld,\"epoch\":%lld,\"plan\":\"%064x\",\"start\":\"cron\","
                   "\"state\":\"%s\",\"begun\":%s,\"boot\":\"%s\",\"deadline_ms\":%lld}\n",
                   (long long)forge->deployment, (long long)forge->epoch, 7u, state,
                   begun ? "true" : "false", target_boot, (long long)forge->guard_deadline_ms);
    forge_item(forge, evidence, "guard", "", 0, text);
}

/* Nothing was needed but to look. The same each time that it is told. */
static void guard_acts(struct forge *forge)
{
    int length = 0;
    static const char *const acts[] = {"begin", "safe", "end"};
    forge->now_ns += 1000000000;
    for (unsigned i = 0; i < 3; i++)
        length += snprintf(forge->guard_record + length,
                           sizeof forge->guard_record - (size_t)length,
                           "{\"act\":\"%s\",\"boot\":\"%s\",\"before_ms\":%lld,\"after_ms\":%lld,"
                           "\"status\":0,\"said\":\"%s\"}\n",
                           acts[i], target_boot, (long long)uptime_ms(forge),
                           (long long)uptime_ms(forge), i == 0 ? "deadline 1" : "");
    assert((size_t)length < sizeof forge->guard_record);
    forge->now_ns += 1000000000;
}

json_t *forge_fired(struct forge *forge)
{
    json_t *evidence = json_array();
    if (forge->guard_record[0] == '\0')
        guard_acts(forge);
    forge_guard(forge, evidence, "fired", true);
    if (forge->guard)
        forge_item(forge, evidence, "guard.record", "", 0, forge->guard_record);
    return evidence;
}
