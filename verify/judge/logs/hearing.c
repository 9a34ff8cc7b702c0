#include "verify/judge/logs/hearing.h"

#include <stdlib.h>

void hearing_free(struct hearing *hearing)
{
    free(hearing->heard);
    free(hearing->runs);
    free(hearing->logs);
    free(hearing->looks);
    *hearing = (struct hearing){0};
}

size_t hearing_end(const struct hearing *hearing, const struct entry *entry)
{
    size_t end = 0;
    for (size_t i = 0; i < hearing->log_count; i++)
        if (hearing->logs[i].entry == entry && hearing->logs[i].probe == PROBE_LOGS_EXECUTION
            && hearing->logs[i].heard_end > end)
            end = hearing->logs[i].heard_end;
    return end;
}

const char *showing_word(enum showing showing)
{
    switch (showing) {
    case SHOWING_INVALID:
        return "not looked at";
    case SHOWING_UNKNOWN:
        return "unknown";
    case SHOWING_GONE:
        return "gone";
    case SHOWING_STILL:
        return "not running";
    case SHOWING_ARMED:
        return "armed";
    case SHOWING_DISARMED:
        return "disarmed";
    }
    return "invalid";
}

const struct heard *hearing_last(const struct hearing *hearing, int64_t run, size_t end,
                                 unsigned patterns)
{
    for (size_t i = end < hearing->heard_count ? end : hearing->heard_count; i-- > 0;)
        if (hearing->heard[i].run == run && (hearing->heard[i].matches & patterns) != 0)
            return &hearing->heard[i];
    return NULL;
}

bool hearing_told_to_disarm(const struct hearing *hearing, const struct look *look)
{
    const struct heard *last = hearing_last(hearing, look->run, look->heard_end,
                                            HEARD_BIT(PATTERN_ARMED)
                                                | HEARD_BIT(PATTERN_DISARM_RECEIVED));
    return look->showing == SHOWING_ARMED && last != NULL
           && (last->matches & HEARD_BIT(PATTERN_ARMED)) == 0;
}

const struct look *hearing_look(const struct hearing *hearing, const struct entry *entry,
                                size_t from, size_t to)
{
    for (size_t i = hearing->look_count; i-- > 0;) {
        const struct look *look = &hearing->looks[i];
        if (look->entry == entry && look->list >= from && look->end <= to)
            return look;
    }
    return NULL;
}

const struct log_item *hearing_log(const struct hearing *hearing, const struct entry *entry,
                                   size_t item)
{
    for (size_t i = 0; i < hearing->log_count; i++)
        if (hearing->logs[i].entry == entry && hearing->logs[i].item == item)
            return &hearing->logs[i];
    return NULL;
}
