/* tests/world/titan_service: what the services do by themselves and say in their logs. */
#include "tests/world/titan.h"

#include <stdio.h>
#include <string.h>

#include <jansson.h>

enum kind { KIND_OTHER = 1, KIND_EXECUTION, KIND_BRAIN, KIND_ONCE };
enum { LINE_MAX_BYTES = 1024 };

static enum kind kind_of(const struct titan_container *container)
{
    return strcmp(container->service, "titan-execution") == 0 ? KIND_EXECUTION
           : strcmp(container->service, "titan-brain") == 0   ? KIND_BRAIN
           : strcmp(container->service, "migrate") == 0       ? KIND_ONCE
                                                              : KIND_OTHER;
}

void titan_log(struct titan *titan, struct titan_container *container, const char *format, ...)
{
    char message[LINE_MAX_BYTES];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    struct titan_line *line = arena_take(&titan->arena, sizeof *line);
    timeline_utc(titan->timeline, titan->timeline->now_ns, line->utc);
    json_t *object = kind_of(container) == KIND_EXECUTION
                         ? json_pack("{s:s, s:s, s:{s:s}}", "timestamp", line->utc, "level", "INFO",
                                     "fields", "message", message)
                         : json_pack("{s:s, s:s, s:s, s:s}", "timestamp", line->utc, "level",
                                     "INFO", "message", message, "component", container->service);
    char *text = json_dumps(object, JSON_COMPACT);
    line->text = arena_copy(&titan->arena, text, strlen(text));
    json_decref(object);
    free(text);
    *container->log_end = line;
    container->log_end = &line->next;
}

void titan_start(struct titan *titan, struct titan_container *container)
{
    container->running = true;
    container->stage = 0;
    container->answers = container->healthy = false;
    container->started_ns = titan->timeline->now_ns;
    if (titan->seen.start_count < sizeof titan->seen.starts / sizeof titan->seen.starts[0])
        titan->seen.starts[titan->seen.start_count++] = container->service;
}

void titan_restart(struct titan *titan, struct titan_container *container)
{
    container->restarts++;
    container->finished_ns = titan->timeline->now_ns;
    titan_start(titan, container);
}

/* From the start: milliseconds to the first and to the second act; 0 = there is none. */
static int64_t due_ms(const struct titan *titan, const struct titan_container *container)
{
    static const int64_t execution[] = {50, 60, 300, 0}, once[] = {20, 900, 0};
    const int64_t brain[] = {20, 500, titan->handshake_ms, 0}, other[] = {20, titan->start_ms, 0};
    switch (kind_of(container)) {
    case KIND_EXECUTION:
        return execution[container->stage];
    case KIND_BRAIN:
        return brain[container->stage];
    case KIND_ONCE:
        return once[container->stage];
    case KIND_OTHER:
        return other[container->stage];
    }
    return 0;
}

int64_t titan_next_ns(const struct titan *titan, const struct titan_container *container)
{
    int64_t ms = container->running ? due_ms(titan, container) : 0;
    return ms > 0 ? container->started_ns + ms * 1000000 : INT64_MAX;
}

static void act_execution(struct titan *titan, struct titan_container *container, int stage)
{
    unsigned faults = container->image->faults;
    if (stage == 1) {
        if ((faults & FAULT_MUTE) == 0)
            titan_log(titan, container, "\xE2\x9C\x85 Risk Policy Loaded. Hash: %s",
                      container->image->policy);
    } else if (stage == 2) {
        container->armed = container->marker || (faults & FAULT_STARTS_ARMED) != 0;
        if ((faults & FAULT_MUTE) == 0)
            titan_log(titan, container,
                      container->armed ? "Execution initialized in ARMED state"
                                       : "Execution initialized DISARMED");
    } else {
        container->answers = (faults & FAULT_NO_RESPONDER) == 0;
        container->healthy = true;
    }
}

/* Brain asks once. */
static void shake_hands(struct titan *titan, struct titan_container *brain)
{
    const struct titan_container *execution = titan_running(titan, "titan-execution");
    if ((brain->image->faults & FAULT_NO_HANDSHAKE) != 0)
        return;
    if (execution == NULL || !execution->answers) {
        titan_log(titan, brain,
                  "\xF0\x9F\x9A\xA8 CRITICAL: Policy hash handshake FAILED. 503 No Responders");
    } else if (strcmp(execution->image->policy, brain->image->policy) != 0) {
        titan_log(titan, brain,
                  "\xF0\x9F\x9A\xA8 CRITICAL: Policy hash handshake FAILED. Policy hash mismatch");
        titan_log(titan, brain, "Brain hash: %s, Execution hash: %s", brain->image->policy,
                  execution->image->policy);
    } else {
        titan_log(titan, brain,
                  "\xE2\x9C\x85 Policy hash handshake OK. Enabling signal processing. Hash: %s",
                  brain->image->policy);
    }
}

void titan_act(struct titan *titan, struct titan_container *container)
{
    enum kind kind = kind_of(container);
    int stage = ++container->stage;
    if (kind == KIND_ONCE ? stage == 2
                          : stage == 1 && (container->image->faults & FAULT_EXITS) != 0) {
        container->running = false;
        container->exit_code = (container->image->faults & FAULT_EXITS) != 0;
        container->finished_ns = titan->timeline->now_ns;
        return;
    }
    if (stage == 1 && (container->image->faults & FAULT_PANIC) != 0)
        titan_log(titan, container, "panic: the world is not as it should be");
    if (kind == KIND_EXECUTION)
        act_execution(titan, container, stage);
    else if (stage == 1)
        titan_log(titan, container, "%s starts", container->service);
    else if (stage == 2)
        container->healthy = true;
    else
        shake_hands(titan, container);
}

static bool hears(const struct titan_container *container, bool arm)
{
    return container->there && container->running && container->stage >= 2
           && kind_of(container) == KIND_EXECUTION
           && (container->image->faults & (arm ? FAULT_DEAF_ARM : FAULT_DEAF_DISARM)) == 0;
}

static void obey(struct titan *titan, struct titan_container *execution, bool arm,
                 const char *payload)
{
    titan_log(titan, execution, "Received %s command: %s", arm ? "ARM" : "DISARM", payload);
    if (execution->armed == arm)
        return;
    execution->armed = execution->marker = arm;
    execution->armed_by = arm ? payload : NULL;
    titan_log(titan, execution, "%s EXECUTION %s: %s",
              arm ? "\xF0\x9F\x94\x93" : "\xF0\x9F\x94\x92", arm ? "ARMED" : "DISARMED", payload);
}

/* What nobody hears is lost. */
void titan_receive(struct titan *titan, bool arm, const char *payload, size_t size)
{
    const char *text = arena_copy(&titan->arena, payload, size);
    bool heard = false;
    for (size_t i = 0; i < titan->container_count; i++)
        if (hears(&titan->containers[i], arm)) {
            obey(titan, &titan->containers[i], arm, text);
            heard = true;
        }
    if (heard && titan->seen.received_count < TITAN_RECEIVED_MAX)
        titan->seen.received[titan->seen.received_count++] = arena_text(&titan->arena, "%s %s",
                                                                        arm ? "ARM" : "DISARM",
                                                                        text);
}

bool titan_is_healthy(const struct titan_container *container)
{
    return container->running && container->healthy
           && (container->image->faults & FAULT_UNHEALTHY) == 0;
}

bool titan_policy_reply(struct titan *titan, char *ret_reply, size_t size)
{
    const struct titan_container *execution = titan_running(titan, "titan-execution");
    if (execution == NULL || !execution->answers)
        return false;
    if (titan->timeline->now_ns < execution->started_ns + titan->loading_ms * 1000000)
        (void)snprintf(ret_reply, size, "{\"error\":\"policy is being loaded\"}");
    else if ((execution->image->faults & FAULT_ODD_REPLY) != 0)
        (void)snprintf(ret_reply, size, "{\"stream\":\"TITAN_CMD\",\"seq\":7}");
    else
        (void)snprintf(ret_reply, size, "{\"policy_hash\":\"%s\",\"timestamp\":%lld}",
                       execution->image->policy, (long long)(titan->timeline->now_ns / 1000000));
    return true;
}
