#include "fsm/terminal/display_read.h"
#include "fsm/past/recorded.h"
#include "journal/format/names.h"

#include <stdio.h>
#include <string.h>

static bool is_type(const struct journal_entry *entry, const char *type)
{
    return strcmp(entry->type, type) == 0;
}

/* The entry with this sequence number, or NULL. */
static const struct journal_entry *entry_by_seq(const struct deployment *deployment, uint64_t seq)
{
    for (size_t i = 0; i < deployment->count; i++)
        if (deployment->entries[i].seq == seq)
            return &deployment->entries[i];
    return NULL;
}

static void push(struct display_model *model, const struct display_row *row)
{
    if (model->row_count == DISPLAY_ROWS_MAX) {
        memmove(&model->rows[0], &model->rows[1], (DISPLAY_ROWS_MAX - 1) * sizeof model->rows[0]);
        model->row_count--;
        model->rows_before++;
    }
    model->rows[model->row_count++] = *row;
}

/* A good outcome is a finished step; any other one failed, and its reason is shown. */
static void take_transition(const struct deployment *deployment, const struct journal_entry *entry,
                            struct display_model *model)
{
    const json_t *body = entry->body;
    const struct journal_entry *intent =
        entry_by_seq(deployment, (uint64_t)json_integer_value(json_object_get(body, "intent")));
    enum event event = machine_event_by_name(recorded_text(body, "event"));
    enum state from = machine_state_by_name(recorded_text(body, "from")),
               to = machine_state_by_name(recorded_text(body, "to"));
    bool good = event == EVENT_DONE || event == EVENT_REARMED;
    bool guard = strcmp(recorded_text(json_object_get(body, "facts"), FACT_GUARD), "absent") != 0;
    bool answers = intent != NULL && is_type(intent, ENTRY_INTENT);
    struct display_row row = {.mark = !good   ? DISPLAY_FAILED
                                      : guard ? DISPLAY_DONE
                                              : DISPLAY_WITHOUT,
                              .state = to,
                              .action = ACTION_NONE,
                              .took_ns = -1};
    if (answers && strcmp(intent->boot, entry->boot) == 0)
        row.took_ns = entry->boottime_ns - intent->boottime_ns;
    if (answers)
        row.action = machine_action_by_name(recorded_text(intent->body, "action"));
    if (good && from != to)
        model->last[0] = machine_phase(to) == PHASE_REVERTING || machine_phase(to) == PHASE_ENDED
                             ? model->last[0]
                             : '\0';
    else
        (void)snprintf(model->last, sizeof model->last, "%s by %s: %s", recorded_text(body, "from"),
                       recorded_text(body, "event"), recorded_text(body, "reason"));
    if (from != to && to != STATE_INVALID && row.action != ACTION_INVALID)
        push(model, &row);
}

/* From the present state along the table to its end: the step that runs or comes next, then the
 * later ones. */
static void add_way_ahead(const struct deployment *deployment, const struct clock_reading *now,
                          struct display_model *model)
{
    bool rearm = deployment_facts(deployment, STATE_VERIFIED).rearm
                 || deployment->intent.action == ACTION_ARM;
    const struct journal_entry *intent = deployment->intent.seq != 0
                                             ? entry_by_seq(deployment, deployment->intent.seq)
                                             : NULL;
    enum display_mark mark = DISPLAY_NOW;
    enum state state = deployment->state;
    for (unsigned i = 0; i < STATE_COUNT; i++) { /* no path is longer */
        const struct transition *edge = machine_step(deployment->procedure, state, rearm);
        if (edge == NULL)
            return;
        struct display_row row = {.mark = mark,
                                  .state = edge->to,
                                  .action = edge->action,
                                  .took_ns = -1};
        if (mark == DISPLAY_NOW && intent != NULL && strcmp(intent->boot, now->boot) == 0)
            row.began_ns = intent->boottime_ns;
        push(model, &row);
        mark = DISPLAY_TO_COME;
        state = edge->to;
    }
}

static struct display_watched *watched_of(struct display_window *window, const char *name)
{
    for (size_t i = 0; i < window->watched_count; i++)
        if (strcmp(window->watched[i].name, name) == 0)
            return &window->watched[i];
    if (window->watched_count == DISPLAY_WATCHED_MAX)
        return NULL;
    struct display_watched *watched = &window->watched[window->watched_count++];
    *watched = (struct display_watched){.name = ""};
    (void)snprintf(watched->name, sizeof watched->name, "%s", name);
    return watched;
}

static void mark(struct display_window *window, const char *name, char sign, const char *last)
{
    struct display_watched *watched = watched_of(window, name);
    if (watched == NULL)
        return;
    size_t used = strlen(watched->marks);
    if (used == DISPLAY_SAMPLES) {
        memmove(watched->marks, watched->marks + 1, used);
        used--;
    }
    watched->marks[used] = sign;
    watched->marks[used + 1] = '\0';
    (void)snprintf(watched->last, sizeof watched->last, "%s", last);
}

/* `failing` is "execution,web,". */
static bool names_action(const char *failing, const char *name)
{
    size_t length = strlen(name);
    for (const char *at = failing; *at != '\0';
         at += strcspn(at, ",") + (at[strcspn(at, ",")] == ',' ? 1 : 0))
        if (strcspn(at, ",") == length && memcmp(at, name, length) == 0)
            return true;
    return false;
}

static void write_answer(int64_t status, char *ret_text, size_t room)
{
    if (status == 0)
        (void)snprintf(ret_text, room, "no answer");
    else if (status <= 2)
        (void)snprintf(ret_text, room, "%s",
                       status == 1 ? "its own check passes" : "its own check fails");
    else
        (void)snprintf(ret_text, room, "HTTP %lld", (long long)status);
}

/* Services are shown only after they fail; until then their endpoints represent them. */
static void mark_services(struct display_window *window, const char *failing)
{
    for (const char *at = failing; *at != '\0';) {
        char name[64];
        size_t length = strcspn(at, ",");
        (void)snprintf(name, sizeof name, "%.*s", (int)length, at);
        at += length + (at[length] == ',' ? 1 : 0);
        bool known = strcmp(name, "policy_hash") == 0;
        for (size_t i = 0; i < window->watched_count; i++)
            known = known || strcmp(window->watched[i].name, name) == 0;
        if (!known)
            (void)watched_of(window, name);
    }
}

static void fold_sample(const struct journal_entry *entry, const struct config *config,
                        struct display_window *window)
{
    const json_t *items = json_object_get(entry->body, "evidence"),
                 *facts = json_object_get(entry->body, "facts");
    const char *failing = recorded_text(facts, "failing"),
               *mismatch = recorded_text(facts, "mismatch"),
               *settling = recorded_text(facts, FACT_SETTLING);
    size_t endpoints = 0;
    for (size_t i = 0; i < json_array_size(items); i++) {
        const json_t *item = json_array_get(items, i);
        char last[40];
        if (strcmp(recorded_text(item, "probe"), PROBE_HEALTH) != 0)
            continue;
        write_answer(json_integer_value(json_object_get(item, "status")), last, sizeof last);
        const char *name = recorded_text(item, "subject");
        mark(window, name,
             names_action(failing, name)    ? 'X'
             : names_action(settling, name) ? '~'
                                            : '+',
             last);
        endpoints++;
    }
    if (config->setup.services.execution[0] != '\0') {
        bool missing = names_action(failing, "policy_hash");
        mark(window, "parity",
             mismatch[0] != '\0' ? '!'
             : missing           ? 'X'
                                 : '+',
             mismatch[0] != '\0' ? "mismatch"
             : missing           ? "no answer"
                                 : "equal; interlock as required");
        endpoints++;
    }
    mark_services(window, failing);
    for (size_t i = endpoints; i < window->watched_count; i++) {
        bool ill = names_action(failing, window->watched[i].name);
        mark(window, window->watched[i].name, ill ? 'X' : '+', ill ? "not running well" : "runs");
    }
    window->last_ns = item_sent_ns(json_array_get(items, 0));
    if (window->count++ == 0 || window->settling || settling[0] != '\0')
        window->first_ns = window->last_ns;
    window->settling = settling[0] != '\0';
}

static bool is_window(const struct journal_entry *entry)
{
    return is_type(entry, ENTRY_INTENT)
           && strcmp(recorded_text(entry->body, "action"),
                     machine_action_name(ACTION_OBSERVE_WINDOW))
                  == 0;
}

/* Rolling back, rolled back, or stuck in a failed rollback. */
static bool turned_back(const struct deployment *deployment)
{
    enum phase phase = machine_phase(deployment->state);
    return deployment->state == STATE_ROLLED_BACK || phase == PHASE_STUCK
           || (phase == PHASE_REVERTING && deployment->state != STATE_ABORTING);
}

/* The last window: shown while it runs, and after it failed. */
static void read_window(const struct deployment *deployment, const struct config *config,
                        const struct clock_reading *now, struct display_window *window)
{
    for (size_t i = 0; i < deployment->count; i++) {
        const struct journal_entry *entry = &deployment->entries[i];
        if (is_window(entry) && json_object_get(entry->body, "repeats") == NULL)
            *window = (struct display_window){.shown = true,
                                              .length_ms = config->limits.window_ms,
                                              .gap_ms = config->limits.sample_gap_ms};
        else if (is_type(entry, ENTRY_SAMPLE) && strcmp(entry->boot, now->boot) == 0)
            fold_sample(entry, config, window);
    }
    window->open = deployment->intent.action == ACTION_OBSERVE_WINDOW;
    window->broken = !window->open && turned_back(deployment);
}

/* limits.rollback_ms counts from the first intent to make Execution safe, as a verifier counts it.
 */
static void read_rollback(const struct deployment *deployment, const struct config *config,
                          const struct clock_reading *now, struct display_rollback *rollback)
{
    for (size_t i = 0;
         i < deployment->count && !rollback->shown && !deployment->ended && turned_back(deployment);
         i++) {
        const struct journal_entry *entry = &deployment->entries[i];
        if (is_type(entry, ENTRY_INTENT)
            && strcmp(recorded_text(entry->body, "action"), machine_action_name(ACTION_MAKE_SAFE))
                   == 0)
            *rollback = (struct display_rollback){.shown = true,
                                                  .limit_ms = config->limits.rollback_ms,
                                                  .since_ns = strcmp(entry->boot, now->boot) == 0
                                                                  ? entry->boottime_ns
                                                                  : 0};
    }
}

static void read_title(const struct deployment *deployment, struct display_model *model)
{
    (void)snprintf(model->title, sizeof model->title, "%s %llu, opened by %.100s: %.200s",
                   machine_procedure_name(deployment->procedure),
                   (unsigned long long)deployment->number,
                   deployment_open_string(deployment, "operator"),
                   deployment_open_string(deployment, "reason"));
}

static void read_watcher(const struct deployment *deployment, const struct watcher *asked,
                         const struct clock_reading *now, struct display_model *model)
{
    struct watcher watcher = *asked;
    watcher_read(deployment, now->boot, &watcher);
    model->watcher = (struct display_watcher){.gone = watcher.life == WATCHER_GONE,
                                              .missing = watcher_is_missing(&watcher, deployment),
                                              .since_ns = watcher.since_ns,
                                              .process = watcher.process,
                                              .asks_until_ns = watcher.asks_until_ns};
    memcpy(model->watcher.asks, watcher.asks, sizeof model->watcher.asks);
    memcpy(model->watcher.since, watcher.since, sizeof model->watcher.since);
    if (model->watcher.missing)
        (void)snprintf(model->next, sizeof model->next, "%s", "titan-fsm resume");
}

void display_read(const struct deployment *deployment, const struct config *config,
                  const struct watcher *watcher, const struct clock_reading *now,
                  struct display_model *ret_model)
{
    struct display_model model = {.now_ns = now->boottime_ns, .ended = deployment->ended};
    (void)snprintf(model.target, sizeof model.target, "%s", config->setup.target.name);
    read_title(deployment, &model);
    for (size_t i = 0; i < deployment->count; i++)
        if (is_type(&deployment->entries[i], ENTRY_TRANSITION))
            take_transition(deployment, &deployment->entries[i], &model);
    if (!deployment->ended)
        add_way_ahead(deployment, now, &model);
    read_window(deployment, config, now, &model.window);
    read_rollback(deployment, config, now, &model.rollback);
    read_watcher(deployment, watcher, now, &model);
    const struct journal_entry *open = &deployment->entries[0],
                               *last = &deployment->entries[deployment->count - 1];
    if (strcmp(open->boot, now->boot) == 0)
        model.began_ns = open->boottime_ns;
    if (model.ended)
        model.now_ns = last->boottime_ns;
    *ret_model = model;
}
