/* The interlock in the window (L-11): each look, and each line that is new in it. */
#include "verify/rules/interlock.h"
#include "verify/rules/window.h"

#include <stdio.h>

#include "verify/judge/reading.h"

/* A line that the looks before had not, and that says otherwise: whoever recorded it, and even
 * where a later one takes it back. While it is armed somebody else's DISARM is one too. */
static bool line_says_otherwise(const struct deployment *deployment, size_t from, size_t to,
                                enum showing expected)
{
    const struct hearing *hearing = &deployment->hearing;
    for (size_t i = from; i < to; i++) {
        const struct heard *heard = &hearing->heard[i];
        bool disarms = (heard->matches & HEARD_BIT(PATTERN_DISARM_RECEIVED)) != 0
                       && !deployment_is_own(deployment, slice_of(heard->nonce));
        if (expected == SHOWING_ARMED
                ? disarms || (heard->matches & HEARD_BIT(PATTERN_DISARMED)) != 0
                : (heard->matches & HEARD_BIT(PATTERN_ARMED)) != 0)
            return true;
    }
    return false;
}

static bool runs_twice(const struct audit *audit, const struct entry *entry)
{
    for (size_t i = 0; i < entry->item_count; i++) {
        const struct listing *containers = entry->items[i].probe == PROBE_COMPOSE_CONTAINERS
                                               ? reading_list(&entry->items[i])
                                               : NULL;
        if (containers != NULL
            && (reading_running(containers, audit->genesis.execution) > 1
                || reading_running(containers, audit->genesis.brain) > 1))
            return true;
    }
    return false;
}

bool interlock_look_failed(const struct look *look)
{
    for (size_t i = look->list; i < look->end; i++)
        if (look->entry->items[i].status != 0
            && (look->entry->items[i].probe == PROBE_LOGS_EXECUTION
                || look->entry->items[i].probe == PROBE_INTERLOCK_MARKER))
            return true;
    return false;
}

/* A look that failed, or that shows Execution still, is a failure of the sample only. */
static const struct look *other_look(const struct audit *audit, const struct entry *entry,
                                     enum showing expected)
{
    const struct hearing *hearing = &audit->deployment.hearing;
    for (size_t i = 0; i < hearing->look_count; i++) {
        const struct look *look = &hearing->looks[i];
        if (look->entry == entry && look->showing != expected && look->showing != SHOWING_STILL
            && (entry->type != ENTRY_SAMPLE || !interlock_look_failed(look)))
            return look;
    }
    return NULL;
}

bool interlock_sample_fault(const struct audit *audit, const struct entry *entry, size_t *before,
                            enum showing expected, char *ret_why, size_t room)
{
    const struct deployment *deployment = &audit->deployment;
    const struct look *look = other_look(audit, entry, expected);
    size_t from = *before, end = hearing_end(&deployment->hearing, entry);
    *before = end > from ? end : from;
    if (runs_twice(audit, entry))
        (void)snprintf(ret_why, room, "two containers of Execution, or of Brain, run");
    else if (look != NULL)
        (void)snprintf(ret_why, room, "Execution is %s where it must be %s%s%s",
                       showing_word(look->showing), showing_word(expected),
                       look->showing == SHOWING_UNKNOWN ? ": " : "",
                       look->showing == SHOWING_UNKNOWN ? look->why : "");
    else if (line_says_otherwise(deployment, from, *before, expected))
        (void)snprintf(ret_why, room, "a line of Execution says that it was not %s all the time",
                       showing_word(expected));
    else if (hearing_look(&deployment->hearing, entry, 0, entry->item_count) == NULL
             && (entry->type != ENTRY_SAMPLE || !window_has_failed_item(entry)))
        (void)snprintf(ret_why, room, "nobody looked whether Execution is %s",
                       showing_word(expected));
    else
        return false;
    return true;
}

size_t interlock_heard_before_window(const struct deployment *deployment)
{
    const enum action actions[] = {ACTION_ARM, ACTION_VERIFY_RELEASE};
    for (unsigned i = 0; i < 2; i++) {
        const struct entry *entry = deployment_good_entry(deployment, actions[i]);
        if (entry != NULL)
            return hearing_end(&deployment->hearing, entry);
    }
    return 0;
}

const struct entry *interlock_window_fault(const struct audit *audit, enum showing expected,
                                           char *ret_why, size_t room)
{
    const struct deployment *deployment = &audit->deployment;
    const struct entry *confirmed = deployment_good_entry(deployment, ACTION_CONFIRM);
    size_t before = interlock_heard_before_window(deployment);
    for (size_t i = 0; i < deployment->count; i++) {
        struct entry *entry = deployment->entries[i];
        if ((deployment_is_sample(deployment, entry) || entry == confirmed)
            && interlock_sample_fault(audit, entry, &before, expected, ret_why, room))
            return entry;
    }
    return NULL;
}
