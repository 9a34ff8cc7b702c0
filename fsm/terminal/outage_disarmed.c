/* How long Execution was disarmed: what outage.h says of it. */
#include "fsm/terminal/outage.h"
#include "fsm/past/recorded.h"

#include <string.h>

#include "actions/interlock.h"
#include "journal/format/names.h"

struct disarmed {
    int64_t since_ns; /* of the first act that may have disarmed it; 0 = none since it was armed */
    int64_t seen_ns;  /* at the last look while it was armed */
    int64_t total_ns; /* of the times that ended */
    bool observed;    /* it was seen disarmed behind since_ns */
    bool ever, switching; /* switching: since_ns is of a switch whose `up` is not on record yet */
};

/* When the first `compose.up` in this entry's evidence was sent; 0 for none. */
static int64_t up_sent_ns(const struct journal_entry *entry)
{
    const json_t *items = json_object_get(entry->body, "evidence");
    for (size_t i = 0; i < json_array_size(items); i++)
        if (strcmp(recorded_text(json_array_get(items, i), "probe"), PROBE_COMPOSE_UP) == 0)
            return item_sent_ns(json_array_get(items, i));
    return 0;
}

/* Of an entry without evidence: when it was recorded. */
static int64_t last_received_ns(const struct journal_entry *entry)
{
    int64_t received_ns = entry_received_ns(entry, NULL);
    return received_ns != 0 ? received_ns : entry->boottime_ns;
}

static int64_t first_sent_ns(const struct journal_entry *entry)
{
    int64_t sent_ns = entry_sent_ns(entry);
    return sent_ns != 0 ? sent_ns : entry->boottime_ns;
}

static bool is_transition(const struct journal_entry *entry)
{
    return strcmp(entry->type, ENTRY_TRANSITION) == 0;
}

static enum state state_after(const struct journal_entry *entry)
{
    return machine_state_by_name(recorded_text(entry->body, "to"));
}

static bool is_guard_fired(const struct journal_entry *entry)
{
    return is_transition(entry)
           && machine_event_by_name(recorded_text(entry->body, "event")) == EVENT_GUARD_FIRED;
}

/* An act that may disarm Execution, whether or not it was seen to: what was sent before an
 * interruption is not in evidence, but its intent is. A switch counts unless Execution was seen
 * armed after it, because one that failed half way may have re-created it. */
static bool may_disarm(const struct deployment *deployment, const struct journal_entry *entry)
{
    if (strcmp(entry->type, ENTRY_COMMAND) == 0)
        return strcmp(recorded_text(entry->body, "command"), "disarm") == 0
               && (strcmp(recorded_text(entry->body, "phase"), "intent") == 0
                   || json_is_true(json_object_get(entry->body, "preceded")));
    enum action action = strcmp(entry->type, ENTRY_INTENT) == 0
                             ? machine_action_by_name(recorded_text(entry->body, "action"))
                             : ACTION_NONE;
    return action == ACTION_DISARM || action == ACTION_MAKE_SAFE
           || (action == ACTION_SWITCH_SERVICES
               && deployment_facts(deployment, STATE_VERIFIED).interlock != INTERLOCK_ARMED);
}

/* What the entry says that Execution was seen to be: by the step that it ends, else by the last log
 * of Execution in its evidence. */
static enum error_code look_of(struct driver *driver, const struct journal_entry *entry,
                               enum interlock *ret_shown, struct error *error)
{
    CLEANUP_BYTES struct bytes lines = {0};
    const char *fact = recorded_text(json_object_get(entry->body, "facts"), FACT_INTERLOCK);
    enum state to = is_transition(entry) ? state_after(entry) : STATE_INVALID;
    bool moved = is_transition(entry)
                 && machine_state_by_name(recorded_text(entry->body, "from")) != to;
    *ret_shown = INTERLOCK_UNKNOWN;
    if (to == STATE_DISARMED || to == STATE_SAFE || to == STATE_ROLLED_BACK
        || strcmp(fact, interlock_name(INTERLOCK_DISARMED)) == 0)
        *ret_shown = INTERLOCK_DISARMED;
    else if ((moved && to == STATE_ARMED) || strcmp(fact, interlock_name(INTERLOCK_ARMED)) == 0)
        *ret_shown = INTERLOCK_ARMED;
    if (*ret_shown != INTERLOCK_UNKNOWN)
        return ERROR_OK;
    enum error_code code = entry_output(driver->journal, entry, PROBE_LOGS_EXECUTION, &lines,
                                        error);
    if (code != ERROR_OK || lines.size == 0)
        return code;
    struct interlock_view view = {.interlock = INTERLOCK_UNKNOWN};
    interlock_read(&driver->config.setup.services, &lines, "", &(struct interlock_question){0}, "",
                   &view);
    *ret_shown = view.interlock;
    return ERROR_OK;
}

/* A sample without a fault, in a window over which it was armed. */
static bool is_good_sample(const struct journal_entry *entry)
{
    const json_t *facts = json_object_get(entry->body, "facts");
    return strcmp(entry->type, ENTRY_SAMPLE) == 0 && recorded_text(facts, FACT_FAILING)[0] == '\0'
           && recorded_text(facts, FACT_MISMATCH)[0] == '\0';
}

static void note_look(struct disarmed *disarmed, const struct journal_entry *entry,
                      enum interlock shown)
{
    if (shown == INTERLOCK_DISARMED) {
        disarmed->since_ns = disarmed->since_ns != 0 ? disarmed->since_ns : disarmed->seen_ns;
        disarmed->observed = disarmed->ever = true;
    } else if (shown == INTERLOCK_ARMED && disarmed->since_ns != 0) {
        if (disarmed->observed)
            disarmed->total_ns += last_received_ns(entry) - disarmed->since_ns;
        disarmed->since_ns = 0;
        disarmed->observed = false;
    }
    if (disarmed->since_ns == 0 && (shown == INTERLOCK_ARMED || is_good_sample(entry)))
        disarmed->seen_ns = first_sent_ns(entry);
}

/* Later attempts do not restart what began. */
static void note_act(const struct deployment *deployment, const struct journal_entry *entry,
                     struct disarmed *disarmed)
{
    bool moves = is_transition(entry), fired = is_guard_fired(entry);
    if (disarmed->since_ns == 0 && (fired || may_disarm(deployment, entry))) {
        disarmed->since_ns = fired ? disarmed->seen_ns : entry->boottime_ns;
        disarmed->switching = machine_action_by_name(recorded_text(entry->body, "action"))
                              == ACTION_SWITCH_SERVICES;
    } else if (disarmed->switching && moves && up_sent_ns(entry) > disarmed->since_ns) {
        disarmed->since_ns = up_sent_ns(entry);
    }
    disarmed->switching = disarmed->switching && !moves
                          && strcmp(entry->type, ENTRY_RECONCILIATION) != 0
                          && strcmp(entry->type, ENTRY_COMMAND) != 0;
}

enum error_code outage_measure_disarmed(struct driver *driver, struct outage *outage,
                                        struct error *error)
{
    const struct deployment *deployment = &driver->deployment;
    const struct journal_entry *end = &deployment->entries[deployment->count - 1];
    struct disarmed disarmed = {.seen_ns = deployment->entries[0].boottime_ns};
    outage->disarmed_ns = -1;
    if (deployment_facts(deployment, STATE_CONNECTED).interlock != INTERLOCK_ARMED)
        return ERROR_OK;
    for (size_t i = 0; i < deployment->count; i++) {
        enum interlock shown;
        enum error_code code = look_of(driver, &deployment->entries[i], &shown, error);
        if (code != ERROR_OK)
            return code;
        note_act(deployment, &deployment->entries[i], &disarmed);
        note_look(&disarmed, &deployment->entries[i], shown);
    }
    outage->still_disarmed = disarmed.since_ns != 0 && disarmed.observed;
    if (disarmed.ever)
        outage->disarmed_ns = disarmed.total_ns
                              + (outage->still_disarmed ? end->boottime_ns - disarmed.since_ns : 0);
    return ERROR_OK;
}
