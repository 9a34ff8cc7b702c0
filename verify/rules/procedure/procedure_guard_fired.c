/* The dead-man guard that acted: where its record stands (P-43), what it looks like (P-44), and
 * that nobody else acted meanwhile (P-45). */
#include "verify/rules/procedure/procedure.h"

#include <stdio.h>
#include <string.h>

#include "verify/judge/guard.h"

/* What of an entry shows that the guard acted. */
struct shown {
    bool fired, recorded; /* a `guard`; a `guard.record` */
};

static struct shown shows_it(const struct entry *entry)
{
    struct shown shown = {.fired = false};
    for (size_t i = 0; i < entry->item_count; i++) {
        const struct item *item = &entry->items[i];
        CLEANUP_GUARD_RECORD struct guard_record record = {.count = 0};
        struct guard guard;
        if (item->probe == PROBE_GUARD && guard_read(item, &guard))
            shown.fired = shown.fired || guard.state == GUARD_FIRED;
        if (item->probe == PROBE_GUARD_RECORD && guard_record_read(item, &record))
            shown.recorded = shown.recorded || guard_record_has_begun(&record);
    }
    return shown;
}

/* Where it may stand: the transition itself, a reconciliation right before it, or behind one. */
static bool may_show_it(const struct deployment *deployment, struct entry *entry)
{
    for (size_t i = 0; i < deployment->step_count; i++) {
        const struct step *step = &deployment->steps[i];
        if (step->transition->seq < entry->seq && step->event == EVENT_GUARD_FIRED)
            return true;
        if (step->transition->seq >= entry->seq)
            return step->event == EVENT_GUARD_FIRED
                   && (step->transition == entry
                       || (entry->type == ENTRY_RECONCILIATION
                           && slice_is(node_text(entry_body(entry), "then"), "fail")));
    }
    return false;
}

/* P-43 */
static void check_fired(const struct entry *entry, struct finding *finding)
{
    struct guard guard;
    const struct item *item = entry_item(entry, 0, entry->item_count, PROBE_GUARD_RECORD, NULL);
    CLEANUP_GUARD_RECORD struct guard_record record = {.count = 0};
    (void)guard_of_entry(entry, entry->item_count, &guard);
    if (guard.state != GUARD_FIRED)
        finding_violated(finding, "P-43", entry,
                         "the guard is said to have acted, and it is not shown to have fired: %s",
                         guard_state_name(guard.state));
    else if (!guard.begun)
        finding_violated(finding, "P-43", entry,
                         "the guard is said to have acted on a plan that was never begun");
    if (item == NULL || !guard_record_read(item, &record) || !guard_record_has_begun(&record))
        finding_violated(finding, "P-43", entry,
                         "the guard is said to have acted, and there is no record of what it did");
}

/* The place of an act among the lines of a record; 0: it is none of them. */
static unsigned rank_of(struct slice act)
{
    static const char *const alone[] = {"begin", "safe", "restore", "restore env"};
    static const char *const with[] = {"pin", "write", "up", "remove", "found", "head"};
    for (unsigned i = 0; i < sizeof alone / sizeof alone[0]; i++)
        if (slice_is(act, alone[i]))
            return i + 1;
    if (slice_is(act, "restore env good"))
        return 4;
    struct slice word = slice_word(act);
    for (unsigned i = 0; i < sizeof with / sizeof with[0]; i++)
        if (slice_is(word, with[i]) && act.length > word.length + 1)
            return 5 + i;
    return slice_is(act, "end") ? 11 : 0;
}

static bool is_repeated(unsigned rank)
{
    return rank == 2 || (rank >= 5 && rank <= 9 && rank != 6);
}

/* P-44 of one record: NULL, or what is wrong with it. */
static const char *record_fault(const struct guard_record *record, const struct item *item)
{
    bool failed = false;
    for (size_t i = 0; i < record->count; i++) {
        const struct guard_line *line = &record->lines[i], *last = i > 0 ? line - 1 : NULL;
        unsigned rank = rank_of(line->act), before = last != NULL ? rank_of(last->act) : 0;
        if (rank == 0 || (i == 0) != (rank == 1) || rank < before
            || (rank == before && !is_repeated(rank)))
            return "its lines do not stand in their order";
        if (line->after_ms < line->before_ms || (last != NULL && line->before_ms < last->after_ms))
            return "its times fall";
        if (last != NULL && strcmp(last->boot, line->boot) != 0)
            return "its lines are of more than one boot";
        if (slice_is(line->act, "end") && line->status == 0 && failed)
            return "it ends as if everything had succeeded, and something had not";
        failed = failed || line->status != 0;
    }
    const struct guard_line *end = record->count > 0 ? &record->lines[record->count - 1] : NULL;
    if (end != NULL && item->has_target && strcmp(end->boot, item->target_boot) == 0
        && end->after_ms > item->target_after_ms)
        return "it tells what had not happened yet";
    return NULL;
}

/* One line, that it refused. */
static bool has_refused(const struct guard_record *record)
{
    return record->count == 1 && slice_is(record->lines[0].act, "refused");
}

/* P-44. A later record tells at least as much: that of before is how it begins. */
static void check_record(const struct entry *entry, const struct item *item, struct slice *told,
                         struct finding *finding)
{
    CLEANUP_GUARD_RECORD struct guard_record record = {.count = 0};
    if (!guard_record_read(item, &record))
        return;
    const char *fault = has_refused(&record) ? NULL : record_fault(&record, item);
    if (fault != NULL)
        finding_violated(finding, "P-44", entry, "the record of what the guard did: %s", fault);
    struct slice whole = item->output;
    while (whole.length > 0 && whole.at[whole.length - 1] != '\n')
        whole.length--;
    if (whole.length < told->length
        || (told->length > 0 && memcmp(whole.at, told->at, told->length) != 0))
        finding_violated(finding, "P-44", entry,
                         "the guard is told to have done something else than before");
    *told = whole;
}

/* P-44: nobody saw it fired before it began. */
static void check_seen(const struct entry *entry, const struct guard_record *record,
                       struct finding *finding)
{
    for (size_t i = 0; i < entry->item_count; i++) {
        const struct item *item = &entry->items[i];
        struct guard guard;
        if (item->probe == PROBE_GUARD && guard_read(item, &guard) && guard.state == GUARD_FIRED
            && item->has_target && strcmp(item->target_boot, record->lines[0].boot) == 0
            && item->target_after_ms < record->lines[0].before_ms)
            finding_violated(finding, "P-44", entry,
                             "the guard was seen to have fired before it began");
    }
}

/* P-45 */
static void guard_check_alone(const struct audit *audit, struct entry *entry,
                              const struct guard_record *record, struct finding *finding)
{
    const struct guard_line *begin = &record->lines[0], *end = &record->lines[record->count - 1];
    if (procedure_action_of(audit, entry) == ACTION_LAY_GUARD)
        return;
    for (size_t i = 0; i < entry->item_count; i++) {
        const struct item *item = &entry->items[i];
        if (procedure_is_act(&audit->genesis, item) && item->has_target
            && strcmp(item->target_boot, begin->boot) == 0 && item->target_before_ms < end->after_ms
            && item->target_after_ms > begin->before_ms)
            finding_violated(finding, "P-45", entry,
                             "the driver acted (`%.*s` of '%.*s') while the guard did",
                             SLICE_ARGUMENTS(item->probe_name),
                             SLICE_ARGUMENTS(slice_head(item->subject, 64)));
    }
}

void procedure_check_guard_fired(const struct audit *audit, struct finding *finding)
{
    const struct deployment *deployment = &audit->deployment;
    CLEANUP_GUARD_RECORD struct guard_record record = {.count = 0};
    const struct entry *first;
    struct slice told = {"", 0};
    bool fired = guard_fired(deployment, &record, &first);
    for (size_t i = 0; i < deployment->count; i++) {
        struct entry *entry = deployment->entries[i];
        struct shown shown = shows_it(entry);
        if ((shown.fired || shown.recorded) && !may_show_it(deployment, entry))
            finding_violated(
                finding, "P-43", entry,
                "the guard is shown to have acted, and the deployment does not say so");
        if (entry->type == ENTRY_RECONCILIATION && shown.fired != shown.recorded)
            finding_violated(finding, "P-43", entry,
                             "that the guard fired and what it did are not shown together");
        for (size_t k = 0; k < entry->item_count; k++)
            if (entry->items[k].probe == PROBE_GUARD_RECORD)
                check_record(entry, &entry->items[k], &told, finding);
        if (!fired)
            continue;
        check_seen(entry, &record, finding);
        guard_check_alone(audit, entry, &record, finding);
    }
    for (size_t i = 0; i < deployment->step_count; i++)
        if (deployment->steps[i].event == EVENT_GUARD_FIRED)
            check_fired(deployment->steps[i].transition, finding);
}

/* N-17. Once each, with its own words behind it. */
static void name_failed(const struct guard_line *line, bool refused, char *words, size_t size)
{
    char word[160];
    size_t used = strlen(words);
    struct slice act = slice_head(line->act, 60), said = slice_head(line->said, 60);
    int length = refused ? snprintf(word, sizeof word, "it did nothing")
                         : snprintf(word, sizeof word, "`%.*s` failed", SLICE_ARGUMENTS(act));
    if (said.length > 0)
        (void)snprintf(word + length, sizeof word - (size_t)length, ": %.*s",
                       SLICE_ARGUMENTS(said));
    if (strstr(words, word) == NULL && used + 2 < size)
        (void)snprintf(words + used, size - used, "%s%s", used > 0 ? ", " : "", word);
}

static void name_record(const struct item *item, char *words, size_t size)
{
    CLEANUP_GUARD_RECORD struct guard_record record = {.count = 0};
    if (!guard_record_read(item, &record))
        return;
    for (size_t i = 0; i < record.count; i++) {
        bool refused = slice_is(record.lines[i].act, "refused");
        if (refused || (record.lines[i].status != 0 && !slice_is(record.lines[i].act, "end")))
            name_failed(&record.lines[i], refused, words, size);
    }
}

void procedure_name_guard(const struct audit *audit, char *ret_words, size_t room)
{
    const struct deployment *deployment = &audit->deployment;
    for (size_t i = 0; i < deployment->count; i++)
        for (size_t k = 0; k < deployment->entries[i]->item_count; k++)
            if (deployment->entries[i]->items[k].probe == PROBE_GUARD_RECORD)
                name_record(&deployment->entries[i]->items[k], ret_words, room);
}
