#include "fsm/guarded.h"

#include <string.h>

#include "actions/guard/guard_plan.h"
#include "fsm/past/recorded.h"
#include "fsm/terminal/progress.h"
#include "journal/format/names.h"

static const int64_t FIRED_WITHIN_NS = 20000000000, ENDED_WITHIN_NS = 600000000000,
                     LOOK_PAUSE_NS = 500000000, TURN_WITHIN_NS = 5000000000;

enum error_code guarded_find(struct driver *driver, struct guard_view *ret_laid,
                             struct error *error)
{
    CLEANUP_BYTES struct bytes line = {0};
    const struct journal_entry *guarded = deployment_transition_to(&driver->deployment,
                                                                   STATE_GUARDED);
    *ret_laid = (struct guard_view){.state = GUARD_INVALID};
    if (guarded == NULL)
        return ERROR_OK;
    enum error_code code = entry_output(driver->journal, guarded, PROBE_GUARD, &line, error);
    bool absent = line.size == 0 || line.data[0] != '{';
    return code == ERROR_OK && !absent ? guard_view_read(&line, ret_laid, error) : code;
}

static const json_t *last_guard_item(const struct journal_entry *entry)
{
    const json_t *items = json_object_get(entry->body, "evidence");
    for (size_t i = json_array_size(items); i-- > 0;)
        if (strcmp(recorded_text(json_array_get(items, i), "probe"), PROBE_GUARD) == 0)
            return json_array_get(items, i);
    return NULL;
}

/* As an entry showed it last, or `laid`. */
static void see_last(struct driver *driver, struct guard_view *laid)
{
    const struct deployment *deployment = &driver->deployment;
    struct guard_view view;
    struct error ignored;
    for (size_t i = deployment->count; i-- > 0;) {
        CLEANUP_BYTES struct bytes line = {0};
        const json_t *item = last_guard_item(&deployment->entries[i]);
        if (item == NULL || item_output(driver->journal, item, &line, &ignored) != ERROR_OK
            || line.size == 0 || line.data[0] != '{'
            || guard_view_read(&line, &view, &ignored) != ERROR_OK)
            continue;
        *laid = view;
        return;
    }
}

/* The terms borrow `laid`. */
static struct guard_terms terms_of(struct driver *driver, struct guard_view *laid)
{
    see_last(driver, laid);
    return (struct guard_terms){.tenancy = &driver->lease,
                                .plan = laid->plan,
                                .start = laid->start,
                                .last = laid};
}

static enum error_code write_plan(struct step *step, struct text *ret_text, struct error *error)
{
    struct driver *driver = step->driver;
    struct snapshot *before = &step->seen.before;
    size_t items = step->evidence.count;
    enum error_code code = snapshot_load(driver, before, error);
    if (code == ERROR_OK)
        code = compose_render(step->target, &step->evidence, &step->seen.model, error);
    evidence_cut(&step->evidence, items);
    if (code == ERROR_REMOTE) /* it rendered when it was pulled */
        return step_is(step, EVENT_MISMATCH,
                       "the env file, or the compose file, is not as it was pulled: %s: %s",
                       error->where, error->what);
    if (code != ERROR_OK)
        return code;
    const struct guard_plan plan = {.journal = journal_id(driver->journal),
                                    .deployment = (int64_t)driver->deployment.number,
                                    .before = before->commit,
                                    .branch = before->branch,
                                    .after =
                                        deployment_facts(&driver->deployment, STATE_UPDATED).commit,
                                    .env_good = before->env_good,
                                    .restore = &before->containers,
                                    .ran = &before->ran,
                                    .found = &before->found,
                                    .images = &before->images,
                                    .declared = &before->declared,
                                    .model = &step->seen.model};
    return guard_plan_write(step->target, &plan, ret_text, error);
}

static enum error_code lay(struct step *step, const char *start, struct evidence *evidence,
                           struct guard_view *ret_view, struct error *error)
{
    CLEANUP_TEXT struct text plan = {0};
    char hash[SHA256_HEX + 1];
    enum error_code code = write_plan(step, &plan, error);
    if (!step_goes_on(step, code))
        return code;
    bytes_sha256_hex(plan.bytes.data, plan.bytes.size, hash);
    const struct guard_terms terms = {.tenancy = step_lease(step), .plan = hash, .start = start};
    return guard_lay(step->target, &terms, &plan, evidence, ret_view, error);
}

enum error_code guarded_lay(struct step *step, struct error *error)
{
    const char *wanted = step->driver->config.setup.guard_start;
    struct guard_view view;
    char start[16] = "";
    if (strcmp(wanted, "none") == 0) {
        enum error_code absent = step_note_guard_absent(step, error);
        return absent == ERROR_OK ? step_fact(step, FACT_GUARD, "absent", error) : absent;
    }
    enum error_code code = step_connect_target(step, error);
    if (step_goes_on(step, code))
        code = guard_find_start(step->target, wanted, start, error);
    if (step_goes_on(step, code) && start[0] == '\0')
        return step_is(step, EVENT_UNKNOWN,
                       "no guard can be started on the target (guard.start: %s); set it to another "
                       "of systemd, cron, process, or to none: then nothing rolls back by itself "
                       "if this driver dies",
                       wanted);
    if (step_goes_on(step, code))
        code = lay(step, start, &step->evidence, &view, error);
    return step_goes_on(step, code) ? step_fact(step, FACT_GUARD, start, error) : code;
}

static bool has_collected(const struct driver *driver)
{
    const struct deployment *deployment = &driver->deployment;
    for (size_t i = 0; i < deployment->count; i++) {
        const char *event = json_string_value(
            json_object_get(deployment->entries[i].body, "event"));
        if (event != NULL && strcmp(event, machine_event_name(EVENT_GUARD_FIRED)) == 0)
            return true;
    }
    return false;
}

/* What is due acts within a few seconds, if it lives, and what acts comes to an end. */
static enum error_code await_fired(struct driver *driver, struct target *target,
                                   const struct guard_terms *terms, bool is_due,
                                   struct evidence *evidence, struct guard_view *view,
                                   struct error *error)
{
    size_t items = evidence->count;
    int64_t began_ns = driver_now_ns(driver);
    for (;;) {
        evidence_cut(evidence, items);
        enum error_code code = guard_look(target, terms, evidence, view, error);
        int64_t now_ns = driver_now_ns(driver), passed_ns = now_ns - began_ns;
        bool waits = (view->state == GUARD_ACTING && passed_ns < ENDED_WITHIN_NS)
                     || (view->state == GUARD_LAID && is_due && passed_ns < FIRED_WITHIN_NS);
        if (code != ERROR_OK || !waits)
            return code;
        code = driver->clock->sleep_until(driver->clock->context, now_ns + LOOK_PAUSE_NS, error);
        if (code != ERROR_OK)
            return code;
    }
}

/* The renewal came too late. */
static enum error_code say_fired(struct step *step, const struct guard_terms *terms,
                                 struct error *error)
{
    struct guard_view view;
    evidence_clear(&step->evidence);
    enum error_code code = await_fired(step->driver, step->target, terms, true, &step->evidence,
                                       &view, error);
    if (code != ERROR_OK || view.state == GUARD_FIRED)
        return code != ERROR_OK ? code
                                : step_is(step, EVENT_GUARD_FIRED,
                                          "the guard on the target brings back what ran before");
    evidence_clear(&step->evidence);
    return step_is(step, EVENT_FAILED,
                   "the guard on the target was due, and does not act: this driver goes back");
}

/* Nothing was changed yet, or it can be laid again, or the deployment goes back. */
static enum error_code answer_lost(struct step *step, const struct guard_view *laid,
                                   const struct guard_terms *terms, int64_t ms)
{
    struct evidence aside = {.count = 0};
    struct guard_view view;
    struct error refusal;
    bool first = step->edge->from == STATE_GUARDED || step->edge->from == STATE_DISARMED;
    if (first && !step->repeated && !step->adopted)
        return step_is(step, EVENT_STALE,
                       "the guard is gone from the target, or its plan is not "
                       "whole; nothing was changed");
    enum error_code code = lay(step, laid->start, &aside, &view, &refusal);
    evidence_clear(&aside);
    if (code == ERROR_OK && strcmp(view.plan, laid->plan) == 0)
        code = guard_renew(step->target, terms, ms, &step->evidence, &view, &refusal);
    if (code == ERROR_OK && view.state == GUARD_LAID && strcmp(view.plan, laid->plan) == 0) {
        progress_word(step->driver, "the guard was gone from the target, and was laid again");
        return ERROR_OK;
    }
    return step_is(step, EVENT_FAILED,
                   "the guard is gone from the target and cannot be laid again");
}

static int64_t wait_ms(const struct driver *driver, enum guarded_wait wait)
{
    const struct limits *limits = &driver->config.limits;
    if (wait == GUARDED_PAUSE)
        return limits->guard_pause_ms;
    return limits->guard_margin_ms
           + (wait == GUARDED_WINDOW || limits->window_ms > limits->guard_step_ms
                  ? limits->window_ms
                  : limits->guard_step_ms);
}

enum error_code guarded_renew(struct step *step, enum guarded_wait wait, struct error *error)
{
    struct driver *driver = step->driver;
    struct guard_view laid, view;
    int64_t ms = wait_ms(driver, wait);
    enum error_code code = guarded_find(driver, &laid, error);
    if (code != ERROR_OK || laid.state == GUARD_INVALID)
        return code;
    code = step_connect_target(step, error);
    if (code != ERROR_OK)
        return code;
    const struct guard_terms terms = terms_of(driver, &laid);
    size_t items = step->evidence.count;
    int64_t sent_ns = driver_now_ns(driver);
    code = guard_renew(step->target, &terms, ms, &step->evidence, &view, error);
    if (code != ERROR_OK)
        return code;
    driver->guard_due_ns = sent_ns + ms * 1000000;
    if (view.state == GUARD_LAID)
        return ERROR_OK;
    evidence_cut(&step->evidence, items);
    return view.state == GUARD_LOST ? answer_lost(step, &laid, &terms, ms)
                                    : say_fired(step, &terms, error);
}

/* The first change renews it by itself, behind its last look, and the window with its samples. */
enum error_code guarded_begin_step(struct step *step, struct error *error)
{
    enum state from = step->edge->from;
    bool renews = machine_phase(from) == PHASE_CHANGED && from != STATE_GUARDED
                  && from != STATE_DISARMED && from != STATE_OBSERVED && from != STATE_CONFIRMED
                  && step->edge->action != ACTION_OBSERVE_WINDOW;
    return renews ? guarded_renew(step, GUARDED_STEP, error) : ERROR_OK;
}

enum error_code guarded_end_step(struct step *step, struct error *error)
{
    enum state to = step->edge->to;
    return machine_phase(to) == PHASE_CHANGED && !machine_is_hot(to) && to != STATE_GUARDED
                   && to != STATE_DISARMED
               ? guarded_renew(step, GUARDED_PAUSE, error)
               : ERROR_OK;
}

enum error_code guarded_keep_turn(struct step *step, struct error *error)
{
    CLEANUP_RESULT struct target_result result = {0};
    struct guard_view laid;
    enum error_code code = guarded_find(step->driver, &laid, error);
    if (code != ERROR_OK || laid.state == GUARD_INVALID)
        return code;
    code = target_run(step->target,
                      &(struct target_command){.script = ":", .tenancy = step_lease(step)}, &result,
                      error);
    return code == ERROR_HELD ? ERROR_OK : code; /* it was freed before an interruption */
}

enum error_code guarded_withdraw(struct step *step, bool past_due, struct error *error)
{
    struct guard_view laid, view;
    enum error_code code = guarded_find(step->driver, &laid, error);
    if (code != ERROR_OK || laid.state == GUARD_INVALID)
        return code;
    const struct guard_terms terms = terms_of(step->driver, &laid);
    code = guard_withdraw(step->target, &terms, past_due, &step->evidence, &view, error);
    if (code != ERROR_OK || view.state == GUARD_WITHDRAWN)
        return code;
    if (view.state != GUARD_LOST)
        return say_fired(step, &terms, error);
    return error_set(error, ERROR_REMOTE, 0, step->driver->config.setup.target.name,
                     "end the process that its file `alive` names, then titan-fsm resume",
                     "the guard was withdrawn and still runs");
}

enum error_code guarded_leave(struct step *step, bool ours, struct error *error)
{
    struct guard_view laid, view;
    enum error_code code = ours ? ERROR_OK : guarded_find(step->driver, &laid, error);
    if (ours)
        return guarded_withdraw(step, true, error);
    if (code != ERROR_OK || laid.state == GUARD_INVALID)
        return code;
    const struct guard_terms terms = terms_of(step->driver, &laid);
    code = guard_look_for_gone(step->target, &terms, &step->evidence, &view, error);
    return code == ERROR_OK && view.state != GUARD_WITHDRAWN
               ? error_set(error, ERROR_REMOTE, 0, step->driver->config.setup.target.name,
                           "remove the directory `guard` of the state directory",
                           "the target is free, and the guard still lies there")
               : code;
}

bool guarded_may_have_fired(const struct driver *driver)
{
    const struct deployment *deployment = &driver->deployment;
    return deployment_transition_to(deployment, STATE_GUARDED) != NULL && !has_collected(driver)
           && (machine_phase(deployment->state) == PHASE_REVERTING
               || driver_now_ns(driver) >= driver->guard_due_ns);
}

void guarded_take_turn(struct step *step)
{
    struct error ignored;
    struct target *target;
    struct guard_view laid;
    if (guarded_find(step->driver, &laid, &ignored) != ERROR_OK || laid.state == GUARD_INVALID
        || driver_target_at_once(step->driver, &target, &ignored) != ERROR_OK)
        return;
    target_limit(target, driver_now_ns(step->driver) + TURN_WITHIN_NS);
    if (guard_take_turn(target, &ignored) == ERROR_UNREACHABLE)
        driver_disconnect(step->driver);
    else
        target_limit(target, 0);
}

bool guarded_left(struct driver *driver, const struct clock_reading *now, int64_t *ret_ms)
{
    const struct deployment *deployment = &driver->deployment;
    struct guard_view view;
    struct error ignored;
    for (size_t i = deployment->count; i-- > 0;) {
        CLEANUP_BYTES struct bytes line = {0};
        const struct journal_entry *entry = &deployment->entries[i];
        const json_t *item = last_guard_item(entry);
        if (item == NULL)
            continue;
        int64_t after_ms = json_integer_value(
            json_object_get(json_object_get(item, "target"), "after_ms"));
        if (strcmp(entry->boot, now->boot) != 0
            || item_output(driver->journal, item, &line, &ignored) != ERROR_OK || line.size == 0
            || line.data[0] != '{' || guard_view_read(&line, &view, &ignored) != ERROR_OK
            || view.state != GUARD_LAID || !view.begun)
            return false;
        *ret_ms = view.deadline_ms - after_ms
                  - (now->boottime_ns - item_received_ns(item)) / 1000000;
        return true;
    }
    return false;
}

enum error_code guarded_has_fired(struct driver *driver, struct target *target,
                                  struct evidence *evidence, bool *ret_fired, struct error *error)
{
    struct guard_view laid, view;
    size_t items = evidence->count;
    enum error_code code = guarded_find(driver, &laid, error);
    *ret_fired = false;
    if (code != ERROR_OK || laid.state == GUARD_INVALID)
        return code;
    const struct guard_terms terms = terms_of(driver, &laid);
    code = await_fired(driver, target, &terms, false, evidence, &view, error);
    *ret_fired = code == ERROR_OK && view.state == GUARD_FIRED;
    if (!*ret_fired)
        evidence_cut(evidence, items);
    return code;
}

enum error_code guarded_collect(struct step *step, struct error *error)
{
    bool fired;
    enum error_code code = step_connect_target(step, error);
    return code == ERROR_OK
               ? guarded_has_fired(step->driver, step->target, &step->evidence, &fired, error)
               : code;
}

/* Whoever was away longer than the guard waits finds what it did, and not what the step expected.
 */
enum error_code guarded_answer(struct step *step, enum error_code code)
{
    struct error ignored;
    bool fired = false;
    bool good = code == ERROR_OK && (step->event == EVENT_DONE || step->event == EVENT_REARMED);
    if (good || code == ERROR_JOURNAL_WRITE || step->event == EVENT_GUARD_FIRED
        || step->edge->action == ACTION_MAKE_SAFE || !guarded_may_have_fired(step->driver)
        || machine_transition(step->driver->deployment.procedure, step->edge->from,
                              EVENT_GUARD_FIRED)
               == NULL
        || step_connect_target(step, &ignored) != ERROR_OK)
        return code;
    struct evidence evidence = {.count = 0};
    if (guarded_has_fired(step->driver, step->target, &evidence, &fired, &ignored) != ERROR_OK
        || !fired)
        return code;
    evidence_clear(&step->evidence);
    step->evidence = evidence;
    return step_is(step, EVENT_GUARD_FIRED,
                   "the guard on the target has brought back what ran before");
}
