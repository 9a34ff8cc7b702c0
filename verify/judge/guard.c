#include "verify/judge/guard.h"

#include <stdlib.h>
#include <string.h>

#include "verify/read/memory.h"

static const char *const state_words[GUARD_STATES] = {NULL,        "absent", "laid",
                                                      "withdrawn", "fired",  "lost"};

const char *guard_state_name(enum guard_state state)
{
    return state > GUARD_INVALID && state < GUARD_STATES ? state_words[state] : "not shown";
}

static enum guard_state guard_state_by_name(struct slice name)
{
    for (unsigned i = GUARD_LAID; i < GUARD_STATES; i++)
        if (slice_is(name, state_words[i]))
            return (enum guard_state)i;
    return GUARD_INVALID;
}

/* These members, each of its kind, in this order, and no other; a boolean is NODE_TRUE here. */
struct member {
    const char *key;
    enum node_kind kind;
};

static bool guard_has_members(const struct node *object, const struct member *members, size_t count)
{
    if (object == NULL || object->count != count)
        return false;
    const struct node *node = object->first;
    for (size_t i = 0; i < count; i++, node = node->next)
        if (!slice_is(node->key, members[i].key)
            || !(node_is(node, members[i].kind)
                 || (members[i].kind == NODE_TRUE && node_is(node, NODE_FALSE))))
            return false;
    return true;
}

static bool guard_take(const struct node *object, struct guard *guard)
{
    static const struct member members[] = {
        {"deployment", NODE_INTEGER}, {"epoch", NODE_INTEGER},      {"plan", NODE_STRING},
        {"start", NODE_STRING},       {"state", NODE_STRING},       {"begun", NODE_TRUE},
        {"boot", NODE_STRING},        {"deadline_ms", NODE_INTEGER}};
    if (!guard_has_members(object, members, sizeof members / sizeof members[0]))
        return false;
    struct slice start = node_text(object, "start");
    guard->deployment = node_number(object, "deployment", -1);
    guard->epoch = node_number(object, "epoch", -1);
    guard->deadline_ms = node_number(object, "deadline_ms", -1);
    guard->state = guard_state_by_name(node_text(object, "state"));
    guard->begun = node_is(node_member(object, "begun"), NODE_TRUE);
    guard->process = slice_is(start, "process");
    return guard->state != GUARD_INVALID
           && slice_copy(node_text(object, "plan"), guard->plan, sizeof guard->plan)
           && bytes_is_hex(guard->plan, SHA256_HEX)
           && slice_copy(node_text(object, "boot"), guard->boot, sizeof guard->boot)
           && guard->boot[0] != '\0'
           && (guard->process || slice_is(start, "systemd") || slice_is(start, "cron"))
           && (guard->begun ? guard->deadline_ms > 0 : guard->deadline_ms == 0);
}

bool guard_read(const struct item *item, struct guard *ret_guard)
{
    CLEANUP_TREE struct tree tree = {0};
    struct slice rest = item->output, line;
    *ret_guard = (struct guard){.state = GUARD_INVALID};
    if (item->status != 0 || !slice_line(&rest, &line) || rest.length > 0
        || line.length + 1 != item->output.length)
        return false;
    if (slice_is(line, "absent")) {
        ret_guard->state = GUARD_ABSENT;
        return true;
    }
    bool good = guard_take(tree_object(line, &tree), ret_guard);
    if (!good)
        *ret_guard = (struct guard){.state = GUARD_INVALID};
    return good;
}

const struct item *guard_of_entry(const struct entry *entry, size_t to, struct guard *ret_guard)
{
    for (size_t i = to; i-- > 0;)
        if (entry->items[i].probe == PROBE_GUARD && guard_read(&entry->items[i], ret_guard))
            return &entry->items[i];
    *ret_guard = (struct guard){.state = GUARD_INVALID};
    return NULL;
}

bool guard_is_laid(const struct deployment *deployment)
{
    const struct entry *entry = deployment_good_entry(deployment, ACTION_LAY_GUARD);
    struct guard guard;
    return entry != NULL && guard_of_entry(entry, entry->item_count, &guard) != NULL
           && guard.state != GUARD_ABSENT;
}

bool guard_is_shown(const struct deployment *deployment)
{
    struct guard guard;
    for (size_t i = 0; i < deployment->count; i++)
        for (size_t k = 0; k < deployment->entries[i]->item_count; k++) {
            const struct item *item = &deployment->entries[i]->items[k];
            if (item->probe == PROBE_GUARD && guard_read(item, &guard)
                && guard.state != GUARD_ABSENT)
                return true;
        }
    return false;
}

bool guard_last(const struct deployment *deployment, const struct entry *entry,
                enum guard_state state, struct guard *ret_guard)
{
    bool found = false;
    *ret_guard = (struct guard){.state = GUARD_INVALID};
    for (size_t i = 0; i < deployment->count; i++)
        for (size_t k = 0; k < deployment->entries[i]->item_count; k++) {
            const struct item *item = &deployment->entries[i]->items[k];
            struct guard guard;
            if ((entry != NULL && deployment->entries[i]->seq >= entry->seq)
                || item->probe != PROBE_GUARD || !guard_read(item, &guard) || guard.state != state)
                continue;
            *ret_guard = guard;
            found = true;
        }
    return found;
}

enum guard_state guard_fate(const struct deployment *deployment)
{
    enum guard_state fate = GUARD_INVALID;
    for (size_t i = 0; i < deployment->count; i++) {
        const struct entry *entry = deployment->entries[i];
        for (size_t k = 0; k < entry->item_count; k++) {
            struct guard guard;
            if (entry->items[k].probe == PROBE_GUARD && guard_read(&entry->items[k], &guard)
                && fate != GUARD_FIRED)
                fate = guard.state;
        }
    }
    for (size_t i = 0; i < deployment->step_count; i++)
        if (deployment->steps[i].event == EVENT_GUARD_FIRED)
            fate = GUARD_FIRED;
    return fate;
}

/* What the guard lets through of what was printed. */
static bool guard_is_said(struct slice said)
{
    for (size_t i = 0; i < said.length; i++) {
        char byte = said.at[i];
        bool word = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z')
                    || (byte >= '0' && byte <= '9');
        if (!word && (byte == '\0' || strchr(" ._:/@,=+-", byte) == NULL))
            return false;
    }
    return true;
}

static bool guard_line_read(struct slice text, struct guard_line *line)
{
    static const struct member members[] = {{"act", NODE_STRING},        {"boot", NODE_STRING},
                                            {"before_ms", NODE_INTEGER}, {"after_ms", NODE_INTEGER},
                                            {"status", NODE_INTEGER},    {"said", NODE_STRING}};
    const struct node *object = tree_object(text, &line->tree);
    int64_t deadline_ms;
    if (!guard_has_members(object, members, sizeof members / sizeof members[0]))
        return false;
    line->act = node_text(object, "act");
    line->said = node_text(object, "said");
    line->before_ms = node_number(object, "before_ms", -1);
    line->after_ms = node_number(object, "after_ms", -1);
    line->status = node_number(object, "status", -1);
    return slice_copy(node_text(object, "boot"), line->boot, sizeof line->boot)
           && line->boot[0] != '\0' && line->before_ms >= 0 && line->after_ms >= 0
           && guard_is_said(line->said)
           && (!slice_is(line->act, "begin")
               || guard_cause_of(line, &deadline_ms) != GUARD_CAUSE_INVALID);
}

bool guard_record_read(const struct item *item, struct guard_record *ret_record)
{
    struct slice rest = item->output, text;
    *ret_record = (struct guard_record){.count = 0};
    if (item->status != 0)
        return false;
    while (rest.length > 0 && memchr(rest.at, '\n', rest.length) != NULL) {
        (void)slice_line(&rest, &text);
        ret_record->lines = memory_grown(ret_record->lines, ret_record->count + 1,
                                         sizeof *ret_record->lines);
        struct guard_line *line = &ret_record->lines[ret_record->count++];
        *line = (struct guard_line){.status = -1};
        if (!guard_line_read(text, line)) {
            guard_record_free(ret_record);
            return false;
        }
    }
    return true;
}

void guard_record_free(struct guard_record *record)
{
    for (size_t i = 0; i < record->count; i++)
        tree_free(&record->lines[i].tree);
    free(record->lines);
    *record = (struct guard_record){.count = 0};
}

bool guard_record_has_begun(const struct guard_record *record)
{
    return guard_record_line(record, "begin") != NULL;
}

const struct guard_line *guard_record_line(const struct guard_record *record, const char *word)
{
    for (size_t i = 0; i < record->count; i++)
        if (slice_is(slice_word(record->lines[i].act), word))
            return &record->lines[i];
    return NULL;
}

enum guard_cause guard_cause_of(const struct guard_line *begin, int64_t *ret_deadline_ms)
{
    static const char *const words[] = {NULL, "deadline ", "reboot ", "turn "};
    *ret_deadline_ms = 0;
    for (unsigned cause = GUARD_DEADLINE; cause <= GUARD_TURN; cause++) {
        if (!slice_begins(begin->said, words[cause]))
            continue;
        struct slice digits = slice_from(begin->said, strlen(words[cause]));
        bool good = digits.length > 0 && digits.length <= 15;
        for (size_t i = 0; good && i < digits.length; i++) {
            good = digits.at[i] >= '0' && digits.at[i] <= '9';
            *ret_deadline_ms = *ret_deadline_ms * 10 + (digits.at[i] - '0');
        }
        return good ? (enum guard_cause)cause : GUARD_CAUSE_INVALID;
    }
    return GUARD_CAUSE_INVALID;
}

bool guard_fired(const struct deployment *deployment, struct guard_record *ret_record,
                 const struct entry **ret_entry)
{
    *ret_record = (struct guard_record){.count = 0};
    *ret_entry = NULL;
    for (size_t i = 0; i < deployment->count; i++) {
        const struct entry *entry = deployment->entries[i];
        for (size_t k = 0; k < entry->item_count; k++) {
            struct guard_record record;
            if (entry->items[k].probe != PROBE_GUARD_RECORD
                || !guard_record_read(&entry->items[k], &record))
                continue;
            if (!guard_record_has_begun(&record)) {
                guard_record_free(&record);
                continue;
            }
            guard_record_free(ret_record);
            *ret_record = record;
            *ret_entry = *ret_entry != NULL ? *ret_entry : entry;
        }
    }
    return *ret_entry != NULL;
}
