/* Release: switch the services, and verify what runs then. */
#include "fsm/step.h"

#include <stdio.h>
#include <string.h>

#include "actions/compose/compose.h"
#include "actions/health.h"
#include "actions/interlock.h"
#include "actions/parity.h"
#include "actions/script.h"
#include "fsm/terminal/question.h"
#include "fsm/steps/remaining.h"
#include "fsm/snapshot.h"
#include "journal/format/names.h"

static const int64_t LOOK_PAUSE_NS = 500000000;

/* Execution and its responder before Brain, which asks once and never again. What the answer says
 * is judged by verify_release. */
static enum error_code await_responder(struct step *step, struct target *target,
                                       struct error *error)
{
    struct containers containers;
    struct parity_view view;
    size_t before = step->evidence.count;
    enum error_code code = compose_containers(target, &step->evidence, &containers, error);
    if (code == ERROR_OK)
        code = parity_await(target, &containers, PARITY_EXECUTION, "", step_settle_ns(step),
                            &step->evidence, &view, error);
    evidence_cut(&step->evidence, before);
    return code;
}

static enum error_code up(struct step *step, struct target *target, struct compose_up *up,
                          struct error *error)
{
    int status = 0;
    up->deadline_ms = step_remaining_ms(step);
    enum error_code code = compose_up(target, &step->driver->lease, up, &step->evidence, &status,
                                      error);
    if (code == ERROR_OK && status != 0)
        return error_set(
            error, ERROR_REMOTE, status, "compose up",
            "look at the containers and their logs on the target",
            "services cannot be brought up: %.300s",
            (const char *)evidence_last(&step->evidence, PROBE_COMPOSE_UP, NULL)->output.data);
    return code;
}

enum error_code step_switch_services(struct step *step, struct error *error)
{
    const struct setup *setup = &step->driver->config.setup;
    struct target *target;
    struct compose_model model;
    enum error_code code = step_target(step, &target, error);
    if (code == ERROR_OK)
        code = compose_render(target, &step->evidence, &model, error);
    for (size_t i = 0; code == ERROR_OK && i < setup->compose.order.count; i++) {
        code = up(step, target,
                  &(struct compose_up){.services = {setup->compose.order.items[i]},
                                       .service_count = 1,
                                       .no_deps = true},
                  error);
        if (code == ERROR_OK
            && strcmp(setup->compose.order.items[i], setup->services.execution) == 0)
            code = await_responder(step, target, error);
    }
    if (code == ERROR_OK)
        code = up(step, target, &(struct compose_up){.remove_orphans = true}, error);
    return code == ERROR_OK ? remaining_judge(step, target, &model, error) : code;
}

/* Until every service is good and every endpoint healthy, or the time is over; evidence of the last
 * look only. */
static enum error_code await_health(struct step *step, struct target *target,
                                    struct containers *containers, struct health_view *health,
                                    struct error *error)
{
    const struct clock *clock = step->driver->clock;
    size_t before = step->evidence.count;
    int64_t until_ns = step_settle_ns(step);
    for (;;) {
        enum error_code code = compose_containers(target, &step->evidence, containers, error);
        if (code == ERROR_OK)
            code = health_look(target, containers, &step->evidence, health, error);
        if (code != ERROR_OK)
            return code;
        bool good = health->all_good;
        for (size_t i = 0; i < containers->count; i++)
            good = good && container_is_good(&containers->list[i]);
        int64_t now = driver_now_ns(step->driver);
        if (good || now + LOOK_PAUSE_NS >= until_ns)
            return ERROR_OK;
        evidence_cut(&step->evidence, before);
        code = clock->sleep_until(clock->context, now + LOOK_PAUSE_NS, error);
        if (code != ERROR_OK)
            return code;
    }
}

/* Until Execution shows either state. */
static enum error_code await_interlock(struct step *step, struct target *target,
                                       struct interlock_view *view, struct error *error)
{
    const struct clock *clock = step->driver->clock;
    size_t before = step->evidence.count;
    int64_t until_ns = step_settle_ns(step);
    for (;;) {
        enum error_code code = interlock_look(target, NULL, &step->evidence, view, error);
        int64_t now = driver_now_ns(step->driver);
        if (code != ERROR_OK || view->interlock != INTERLOCK_UNKNOWN
            || now + LOOK_PAUSE_NS >= until_ns)
            return code;
        evidence_cut(&step->evidence, before);
        code = clock->sleep_until(clock->context, now + LOOK_PAUSE_NS, error);
        if (code != ERROR_OK)
            return code;
    }
}

/* A re-created Execution comes up disarmed. Any other difference from before was nobody's command.
 */
static enum error_code judge_interlock(struct step *step, const struct snapshot *before,
                                       const struct interlock_view *now, struct error *error)
{
    const char *execution = step->driver->config.setup.services.execution;
    const struct container *old = containers_find(&before->containers, execution);
    bool recreated = old == NULL || strcmp(old->id, now->container) != 0
                     || strcmp(old->started_at, now->started_at) != 0;
    enum error_code code = step_fact(step, "interlock", interlock_name(now->interlock), error);
    if (code != ERROR_OK)
        return code;
    if (now->interlock == before->interlock)
        return step_is(step, EVENT_DONE, "%s", "");
    if (before->interlock != INTERLOCK_ARMED || now->interlock != INTERLOCK_DISARMED || !recreated)
        return step_is(
            step, EVENT_MISMATCH,
            "Execution was %s before and is %s now, and no command of this deployment made it so",
            interlock_name(before->interlock), interlock_name(now->interlock));
    enum answer answer;
    code = question_rearm(step->driver, &answer, error);
    if (code == ERROR_OK)
        code = step_fact(step, "rearm", answer == ANSWER_YES ? "yes" : "no", error);
    return code == ERROR_OK
               ? step_is(step, EVENT_DONE,
                         answer == ANSWER_YES
                             ? "Execution was re-created disarmed and will be armed again"
                             : "Execution was re-created and stays disarmed")
               : code;
}

static enum error_code judge_policy(struct step *step, struct target *target,
                                    const struct containers *containers, struct error *error)
{
    struct snapshot before;
    struct parity_view parity;
    struct interlock_view interlock;
    enum error_code code = snapshot_load(step->driver, &before, error);
    if (code == ERROR_OK)
        code = parity_await(target, containers, PARITY_BRAIN, before.policy_hash,
                            step_settle_ns(step), &step->evidence, &parity, error);
    if (code == ERROR_OK)
        code = step_fact(step, "policy_hash", parity.hash, error);
    if (code != ERROR_OK)
        return code;
    if (parity.parity != PARITY_EQUAL)
        return step_is(step, EVENT_MISMATCH, "a release must keep the policy hash: %s",
                       parity.text);
    code = await_interlock(step, target, &interlock, error);
    return code == ERROR_OK ? judge_interlock(step, &before, &interlock, error) : code;
}

enum error_code step_verify_release(struct step *step, struct error *error)
{
    struct target *target;
    struct containers containers;
    struct health_view health = {.all_good = false};
    char found_text[400];
    int status = 0;
    bool found = false;
    enum error_code code = step_target(step, &target, error);
    if (code == ERROR_OK)
        code = await_health(step, target, &containers, &health, error);
    if (code == ERROR_OK)
        code = script_search_errors(target, &containers, &step->evidence, &found, found_text,
                                    sizeof found_text, error);
    if (code == ERROR_OK)
        code = script_run(target, step_remaining_ms(step), &step->evidence, &status, error);
    if (code != ERROR_OK)
        return code;
    for (size_t i = 0; i < containers.count; i++)
        if (!container_is_good(&containers.list[i]))
            return step_is(step, EVENT_UNHEALTHY, "service %s is %s %s", containers.list[i].service,
                           containers.list[i].state, containers.list[i].health);
    if (!health.all_good)
        return step_is(step, EVENT_UNHEALTHY, "%s", health.text);
    if (found)
        return step_is(step, EVENT_FAILED, "%s", found_text);
    if (status != 0)
        return step_is(step, EVENT_FAILED, "the verification script ended with %d", status);
    return step_has_policy(step) ? judge_policy(step, target, &containers, error)
                                 : step_is(step, EVENT_DONE, "%s", "");
}
