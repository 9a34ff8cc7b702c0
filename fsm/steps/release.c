/* Release: switch the services, and verify what runs then. */
#include "fsm/steps/steps.h"

#include <string.h>

#include "actions/compose/compose.h"
#include "actions/health.h"
#include "actions/interlock.h"
#include "fsm/steps/await.h"
#include "fsm/steps/first_change.h"
#include "fsm/steps/own_checks.h"
#include "fsm/steps/remaining.h"
#include "fsm/steps/window/settling.h"
#include "fsm/steps/up.h"
#include "fsm/steps/window/window_identity.h"
#include "fsm/steps/window/window_past.h"
#include "fsm/steps/withdrawn.h"
#include "fsm/terminal/question.h"
#include "journal/format/names.h"

static const int64_t HEALTH_PAUSE_NS = 500000000;

static enum error_code switch_one(struct step *step, const char *service, struct error *error)
{
    enum error_code code = up_one(step, service, error);
    if (step_goes_on(step, code)
        && strcmp(service, step->driver->config.setup.services.execution) == 0)
        code = step_await_responder(step, error);
    return code;
}

enum error_code step_switch_services(struct step *step, struct error *error)
{
    const struct setup_compose *compose = &step->driver->config.setup.compose;
    bool untold;
    enum error_code code = first_change(step, error);
    if (step_goes_on(step, code))
        code = first_change_remove_stopped(step, error);
    if (step_goes_on(step, code))
        code = up_others(step, error);
    for (size_t i = 0; step_goes_on(step, code) && i < compose->order.count; i++)
        code = switch_one(step, compose->order.items[i], error);
    if (step_goes_on(step, code))
        code = up_untold(step, &untold, error);
    if (step_goes_on(step, code))
        code = up_all(step, error);
    if (step_goes_on(step, code))
        code = remaining_check(step, error);
    return step_goes_on(step, code) ? step_is(step, EVENT_DONE, "%s", step->remark) : code;
}

static enum error_code look_at_health(void *context, struct error *error)
{
    struct step *step = context;
    struct step_seen *seen = &step->seen;
    enum error_code code = compose_containers(step->target, &step->evidence, &seen->containers,
                                              error);
    return code == ERROR_OK
               ? health_look(step->target, &seen->containers, &step->evidence, &seen->health, error)
               : code;
}

static bool is_all_healthy(const void *context)
{
    const struct step *step = context;
    return step->seen.health.all_good && step_first_sick(step) == NULL;
}

/* A re-created Execution comes up disarmed. No command explains any other difference. */
static enum error_code judge_interlock(struct step *step, struct error *error)
{
    const struct interlock_view *now = &step->seen.interlock;
    const struct snapshot *before = &step->seen.before;
    const char *execution = step->driver->config.setup.services.execution;
    const struct container *old = containers_find(&before->containers, execution);
    bool recreated = old == NULL || strcmp(old->id, now->container) != 0
                     || strcmp(old->started_at, now->started_at) != 0;
    enum error_code code = step_fact(step, FACT_INTERLOCK, interlock_name(now->interlock), error);
    if (code != ERROR_OK)
        return code;
    if (recreated && now->armed_lines > 0)
        return step_is(step, EVENT_MISMATCH,
                       "somebody else armed Execution after it was re-created; it is %s now",
                       interlock_name(now->interlock));
    if (containers_running(&before->found, execution) == 0 && now->interlock == INTERLOCK_DISARMED)
        return step_is(step, EVENT_DONE,
                       "Execution did not run before; it came up disarmed and stays so");
    if (now->interlock == before->interlock)
        return step_is(step, EVENT_DONE, "%s", "");
    if (before->interlock != INTERLOCK_ARMED || now->interlock != INTERLOCK_DISARMED || !recreated)
        return step_is(
            step, EVENT_MISMATCH,
            "Execution was %s before and is %s now, and no command of this deployment made it so",
            interlock_name(before->interlock), interlock_name(now->interlock));
    enum answer answer = ANSWER_NO;
    char who[240] = "";
    code = withdrawn_note(step, error);
    if (code == ERROR_OK)
        code = json_object_get(step->facts, FACT_DISARMED_BY) != NULL
                       || withdrawn_by(&step->driver->deployment, who, sizeof who)
                   ? question_take_back(step->driver, who[0] != '\0' ? who : "a DISARM on the bus",
                                        error)
                   : question_rearm(step->driver, &answer, error);
    if (code == ERROR_OK)
        code = step_fact(step, FACT_REARM, answer == ANSWER_YES ? "yes" : "no", error);
    return code == ERROR_OK
               ? step_is(step, EVENT_DONE,
                         answer == ANSWER_YES
                             ? "Execution was re-created disarmed and will be armed again"
                             : "Execution was re-created and stays disarmed")
               : code;
}

/* Where nobody named one before there is none to keep, and the one that was asked for counts. */
static const char *policy_to_keep(const struct step *step)
{
    const struct snapshot *before = &step->seen.before;
    return before->policy_hash[0] != '\0'
               ? before->policy_hash
               : deployment_open_string(&step->driver->deployment, "expect");
}

/* With the list behind the voices, which is the last one: what was starting may have ended by then.
 */
static enum error_code judge_last(struct step *step, struct error *error)
{
    const struct evidence_item *list = evidence_last(&step->evidence, PROBE_COMPOSE_CONTAINERS,
                                                     NULL);
    enum error_code code = containers_read(&list->output, &step->seen.containers, error);
    const struct container *sick = code == ERROR_OK ? settling_first_sick(step) : NULL;
    return sick != NULL ? step_is(step, EVENT_UNHEALTHY, "service %s is %s %s", sick->service,
                                  sick->state, sick->health)
                        : code;
}

static enum error_code judge_policy(struct step *step, struct error *error)
{
    struct step_seen *seen = &step->seen;
    if (containers_running(&seen->containers, step->driver->config.setup.services.brain) > 1)
        return step_is(step, EVENT_MISMATCH, "%s", "more than one container of Brain runs");
    enum error_code code = snapshot_load(step->driver, &seen->before, error);
    if (code == ERROR_OK)
        code = await_parity(&(struct await_parity){.target = step->target,
                                                   .containers = &seen->containers,
                                                   .depth = PARITY_BRAIN,
                                                   .expect = policy_to_keep(step),
                                                   .until_ns = step_settle_ns(step)},
                            &step->evidence, &seen->parity, error);
    if (code == ERROR_OK)
        code = step_fact(step, FACT_POLICY_HASH, seen->parity.hash, error);
    if (code != ERROR_OK)
        return code;
    /* A line that was never printed, or is rotated away, leaves parity to the other voices. */
    if (!step_parity_holds(step))
        return step_is(step, EVENT_MISMATCH, "a release must keep the policy hash: %s",
                       seen->parity.text);
    const char *contrary = step_contrary_line(step);
    if (contrary[0] != '\0')
        return step_is(step, EVENT_MISMATCH, "a voice of this deployment differs: %s", contrary);
    code = await_interlock(&(struct await_interlock){.target = step->target,
                                                     .wanted = INTERLOCK_UNKNOWN,
                                                     .until_ns = step_settle_ns(step)},
                           &step->evidence, &seen->interlock, error);
    if (code != ERROR_OK)
        return code;
    window_interlock_note(step->driver, &seen->interlock);
    code = judge_last(step, error);
    return step_goes_on(step, code) ? judge_interlock(step, error) : code;
}

/* What is still starting is watched from here on. */
static enum error_code judge_health(struct step *step)
{
    const struct setup *setup = target_setup(step->target);
    const struct container *sick = settling_first_sick(step);
    if (sick != NULL)
        return step_is(step, EVENT_UNHEALTHY, "service %s is %s %s", sick->service, sick->state,
                       sick->health);
    for (size_t i = 0; i < setup->endpoint_count; i++)
        if (!step->seen.health.good[i] && !settling_has_endpoint(step, i))
            return step_is(step, EVENT_UNHEALTHY, "%s", step->seen.health.text);
    return ERROR_OK;
}

enum error_code step_verify_release(struct step *step, struct error *error)
{
    enum error_code code = step_connect_target(step, error);
    if (step_goes_on(step, code))
        code = window_check_in_time(step, error);
    if (step_goes_on(step, code))
        code = await(&(struct await){.clock = step->driver->clock,
                                     .evidence = &step->evidence,
                                     .until_ns = step_settle_ns(step),
                                     .pause_ns = HEALTH_PAUSE_NS,
                                     .look = look_at_health,
                                     .enough = is_all_healthy,
                                     .context = step},
                     error);
    if (step_goes_on(step, code))
        code = own_checks_look(step, error);
    if (step_goes_on(step, code))
        code = judge_health(step);
    if (step_goes_on(step, code))
        code = own_checks_judge(step);
    if (!step_goes_on(step, code))
        return code;
    return step_has_policy(step) ? judge_policy(step, error) : step_is(step, EVENT_DONE, "%s", "");
}
