#include "verify/judge/logs/hearing_looks.h"

#include <string.h>

#include "verify/judge/reading.h"
#include "verify/read/memory.h"

static void append_look(struct hearing *hearing, const struct look *look)
{
    hearing->looks = memory_grown(hearing->looks, hearing->look_count + 1, sizeof *look);
    hearing->looks[hearing->look_count++] = *look;
}

/* The marker behind a log, in front of the next list; NULL. */
static const struct item *marker_behind(const struct entry *entry, size_t from)
{
    for (size_t i = from; i < entry->item_count; i++) {
        if (entry->items[i].probe == PROBE_INTERLOCK_MARKER)
            return &entry->items[i];
        if (entry->items[i].probe == PROBE_COMPOSE_CONTAINERS)
            return NULL;
    }
    return NULL;
}

static void compare_marker(const struct item *marker, struct look *look)
{
    bool present = marker->status == 0 && slice_is(marker->output, "present\n"),
         absent = marker->status == 0 && slice_is(marker->output, "absent\n"),
         agrees = (look->showing == SHOWING_ARMED && present)
                  || (look->showing == SHOWING_DISARMED && absent);
    look->says_armed = look->says_armed || present;
    look->end = (size_t)(marker - look->entry->items) + 1;
    if (present && look->showing == SHOWING_UNKNOWN)
        look->why = "its marker is there, and no line of its run says that it is armed";
    if (agrees || look->showing == SHOWING_UNKNOWN)
        return;
    look->showing = SHOWING_UNKNOWN;
    look->contradicted = true;
    look->why = "its marker does not agree with its last line";
}

void hearing_look_at(struct hearing *hearing, const struct genesis *genesis, size_t list,
                     const struct log_item *log)
{
    struct look look = {.entry = log->entry,
                        .list = list,
                        .log = log->item,
                        .end = log->item + 1,
                        .showing = SHOWING_UNKNOWN,
                        .run = log->run,
                        .heard_end = log->heard_end,
                        .why = "no line of its run says whether it is armed"};
    const struct heard *last = hearing_last(hearing, log->run, log->heard_end,
                                            HEARD_BIT(PATTERN_ARMED) | HEARD_BIT(PATTERN_DISARMED));
    if (log->run == HEARING_NONE)
        look.why = log->entry->items[log->item].status != 0
                       ? "its log could not be read"
                       : "not exactly one container of it is running";
    else if (last != NULL && (last->matches & HEARD_BIT(PATTERN_ARMED)) != 0) {
        look.showing = SHOWING_ARMED;
        look.why = "the last line of its run says that it is armed";
    } else if (last != NULL) {
        look.showing = SHOWING_DISARMED;
        look.why = "the last line of its run says that it is disarmed";
    }
    look.says_armed = look.showing == SHOWING_ARMED;
    const struct item *marker = genesis->marker ? marker_behind(log->entry, log->item + 1) : NULL;
    if (marker != NULL)
        compare_marker(marker, &look);
    append_look(hearing, &look);
}

void hearing_look_at_list(struct hearing *hearing, const struct genesis *genesis,
                          const struct entry *entry, size_t list)
{
    const struct listing *containers = reading_list(&entry->items[list]);
    if (containers == NULL || reading_running(containers, genesis->execution) > 0)
        return;
    bool gone = reading_service(containers, genesis->execution) == NULL;
    append_look(hearing, &(struct look){.entry = entry,
                                        .list = list,
                                        .log = SIZE_MAX,
                                        .end = list + 1,
                                        .showing = gone ? SHOWING_GONE : SHOWING_STILL,
                                        .run = HEARING_NONE,
                                        .heard_end = hearing->heard_count,
                                        .why = ""});
}
