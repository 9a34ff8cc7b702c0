#include "fsm/endure.h"

#include <stdlib.h>
#include <string.h>

#include "fsm/fate.h"
#include "fsm/past/recorded.h"
#include "fsm/steps/disarm.h"
#include "fsm/steps/window/settling.h"
#include "fsm/terminal/progress.h"
#include "journal/format/names.h"

static const int64_t PAUSE_NS = 2000000000;

bool endure_is_hot(const struct driver *driver)
{
    const struct deployment *deployment = &driver->deployment;
    return driver_is_open(driver)
           && (machine_is_hot(deployment->state)
               || (deployment->intent.seq != 0 && machine_act_is_hot(deployment->intent.action)));
}

/* What is being done: the open intent's action, or what this state would begin with. */
static const struct transition *edge_of(const struct deployment *deployment)
{
    bool arm = deployment->intent.seq != 0 && deployment->intent.action == ACTION_ARM;
    return machine_step(deployment->procedure, deployment->state, arm);
}

/* The rollback began with its last entry into `rolling_back`; in another boot of this machine
 * nobody knows how long ago that was. */
static int64_t way_back_ns(const struct driver *driver, int64_t first_ns)
{
    struct clock_reading now;
    struct error ignored;
    const struct journal_entry *entry = deployment_transition_to(&driver->deployment,
                                                                 STATE_ROLLING_BACK);
    bool known = entry != NULL
                 && driver->clock->read(driver->clock->context, &now, &ignored) == ERROR_OK
                 && strcmp(now.boot, entry->boot) == 0;
    return known ? entry->boottime_ns : first_ns;
}

/* The last list of `redeploy` has a container whose own check is still starting. */
static bool starts_slowly(const struct driver *driver)
{
    CLEANUP_BYTES struct bytes lines = {0};
    struct error ignored;
    const struct journal_entry *entry = deployment_transition_to(&driver->deployment,
                                                                 STATE_REDEPLOYED);
    struct containers *containers = calloc(1, sizeof *containers); /* too large for the stack */
    bool starts = driver->deployment.state == STATE_REDEPLOYED && entry != NULL
                  && containers != NULL
                  && entry_output(driver->journal, entry, PROBE_COMPOSE_CONTAINERS, &lines,
                                  &ignored)
                         == ERROR_OK
                  && lines.size > 0 && containers_read(&lines, containers, &ignored) == ERROR_OK
                  && settling_any_starts(containers);
    free(containers);
    return starts;
}

static int64_t over_ns(const struct driver *driver, const struct transition *edge, int64_t first_ns)
{
    const struct limits *limits = &driver->config.limits;
    if (edge->action == ACTION_RESTORE_CODE)
        return first_ns + limits->rollback_ms * 1000000;
    if (machine_phase(edge->from) == PHASE_REVERTING) /* W-13 */
        return way_back_ns(driver, first_ns)
               + (limits->rollback_ms + (starts_slowly(driver) ? limits->service_start_ms : 0))
                     * 1000000;
    int64_t own_ms = edge->action == ACTION_CONFIRM ? limits->sample_gap_ms : edge->deadline_ms;
    return first_ns + own_ms * 1000000;
}

static enum endured fate_ends_as(enum error_fate fate, const struct deployment *deployment)
{
    if (fate != ERROR_FATE_F)
        return ENDURED_END;
    if (deployment->intent.seq != 0)
        return ENDURED_FAIL;
    return machine_transition(deployment->procedure, deployment->state, EVENT_ROLLBACK) != NULL
               ? ENDURED_BACK
               : ENDURED_END;
}

enum endured endure(struct driver *driver, struct endurance *endurance, enum error_code code,
                    const struct error *error)
{
    struct error ignored;
    const struct deployment *deployment = &driver->deployment;
    if (code == ERROR_JOURNAL_WRITE || driver_reload(driver, &ignored) != ERROR_OK
        || !endure_is_hot(driver) || driver->session == NULL)
        return ENDURED_END;
    const struct transition *edge = edge_of(deployment);
    if (edge == NULL)
        return ENDURED_END;
    int64_t now_ns = driver_now_ns(driver);
    if (endurance->first_ns == 0 || endurance->state != deployment->state)
        *endurance = (struct endurance){deployment->state, now_ns};
    enum error_fate fate = fate_of(edge->action, code);
    if (fate != ERROR_FATE_R)
        return fate_ends_as(fate, deployment);
    if (now_ns + PAUSE_NS > over_ns(driver, edge, endurance->first_ns))
        return fate_ends_as(fate_when_over(edge->action), deployment);
    progress_word(driver, "%s; trying again", error->what);
    driver_disconnect(driver);
    /* A signal ends the wait, and nothing else. Where no time passes at all, none would ever be
     * over. */
    if (driver->clock->sleep_until(driver->clock->context, now_ns + PAUSE_NS, &ignored) != ERROR_OK
        && driver_now_ns(driver) == now_ns)
        return fate_ends_as(fate_when_over(edge->action), deployment);
    return ENDURED_AGAIN;
}

/* The journal may be what cannot be read: what this process did itself is what counts. */
static bool may_be_trading(const struct driver *driver)
{
    enum state state = driver->stands;
    return (state != STATE_INVALID && state != STATE_ABORTING
            && (machine_is_hot(state) || machine_phase(state) == PHASE_CHANGED))
           || machine_act_is_hot(driver->acting);
}

/* Between two steps of a policy change Execution is disarmed: a person may take their time, or use
 * the other program. */
static bool may_wait(const struct driver *driver, enum error_code code)
{
    return (code == ERROR_NEEDS_PERSON || code == ERROR_REFUSED) && !machine_is_hot(driver->stands)
           && driver->acting == ACTION_INVALID && driver->deployment.intent.seq == 0;
}

enum error_code endure_leave_safe(struct driver *driver, struct error *error)
{
    struct disarm_seen seen;
    bool followed = error->code != ERROR_JOURNAL_WRITE && driver->session == NULL;
    if (followed || !may_be_trading(driver) || may_wait(driver, error->code))
        return error->code; /* somebody else watches; or nobody has to */
    error->code = ERROR_JOURNAL_WRITE;
    if (driver->config.setup.services.execution[0] == '\0')
        return error->code;
    bool recorded = disarm_at_once(driver, "nobody watches any more", &seen);
    progress_word(driver, "%s, %s; Execution is %s", disarm_words_sent(&seen),
                  recorded ? "and recorded after it" : "without a record",
                  disarm_words_seen(&seen));
    return error->code;
}
