#include "fsm/steps/disarm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fsm/past/recorded.h"
#include "fsm/steps/await.h"
#include "actions/compose/compose.h"
#include "actions/target/bus.h"
#include "journal/format/names.h"

static const int64_t SEEN_WITHIN_NS = 5000000000, LOOK_PAUSE_NS = 200000000,
                     LEARN_WITHIN_NS = 1000000000;

/* One way after the other. */
struct attempt {
    struct driver *driver;
    const struct disarm_draft *draft;
    struct disarm_seen *seen;
    struct target *target;
    struct containers *list; /* of one look, while it is looked for */
    bool tried_to_learn;
    int64_t until_ns; /* of a look's commands: a little longer than one is looked for */
};

static void note_why(struct attempt *attempt, const struct error *error)
{
    (void)snprintf(attempt->seen->why, sizeof attempt->seen->why, "%s", error->what);
    if (error->code != ERROR_UNREACHABLE)
        return;
    driver_disconnect(attempt->driver);
    attempt->target = NULL;
}

static bool reach_target(struct attempt *attempt)
{
    struct error error;
    if (attempt->target != NULL)
        return true;
    if (driver_target_at_once(attempt->driver, &attempt->target, &error) == ERROR_OK)
        return true;
    attempt->target = NULL;
    note_why(attempt, &error);
    return false;
}

/* A look is recorded, and what must not be is learned before it: but only for a moment, because
 * compose may be what is broken. */
static bool reach_to_look(struct attempt *attempt)
{
    struct driver *driver = attempt->driver;
    struct error ignored;
    if (!reach_target(attempt))
        return false;
    if (!driver->has_learned && !attempt->tried_to_learn) {
        attempt->tried_to_learn = true;
        int64_t until_ns = clock_boottime_ns(driver->clock) + LEARN_WITHIN_NS;
        target_limit(attempt->target, until_ns);
        bool learned = driver_learn(driver, &ignored) == ERROR_OK;
        driver->has_learned = learned && clock_boottime_ns(driver->clock) < until_ns;
        target_limit(attempt->target, 0);
    }
    target_limit(attempt->target, attempt->until_ns);
    return true;
}

static void send_by_bus(struct attempt *attempt)
{
    struct error error;
    bool sent = false;
    if (!reach_target(attempt))
        return;
    enum error_code code = interlock_send(attempt->target, false, attempt->draft->key,
                                          attempt->draft->reason, attempt->draft->evidence, &sent,
                                          &error);
    if (code == ERROR_OK) {
        attempt->seen->bus = sent ? DISARM_SENT : DISARM_NOT_SENT;
        if (!sent)
            (void)snprintf(attempt->seen->why, sizeof attempt->seen->why,
                           "the bus refuses DISARM to user %.64s",
                           attempt->driver->config.setup.bus.user);
        return;
    }
    const struct evidence_item *item = evidence_last(attempt->draft->evidence, PROBE_BUS_PUBLISH,
                                                     NULL);
    if (item != NULL && item->status == BUS_PUBLISH_LOST)
        attempt->seen->bus = DISARM_PERHAPS;
    note_why(attempt, &error);
}

static enum error_code look_once(void *context, struct error *error)
{
    struct attempt *attempt = context;
    struct disarm_seen *seen = attempt->seen;
    struct interlock_view view;
    seen->looked = seen->observed = seen->gone = false;
    if (!reach_to_look(attempt))
        return ERROR_OK;
    enum error_code code =
        interlock_look(attempt->target, &(struct interlock_question){.nonce = attempt->draft->key},
                       attempt->draft->evidence, &view, error);
    if (code != ERROR_OK) {
        note_why(attempt, error);
        return ERROR_OK;
    }
    seen->looked = view.running == 1 || view.gone;
    seen->shown = view.interlock;
    seen->observed = view.interlock == INTERLOCK_DISARMED && view.received;
    seen->gone = view.gone;
    seen->running = view.running;
    memcpy(seen->container, view.container, sizeof seen->container);
    memcpy(seen->names, view.names, sizeof seen->names);
    return ERROR_OK;
}

static bool is_disarm_over(const void *context)
{
    const struct disarm_seen *seen = ((const struct attempt *)context)->seen;
    return seen->observed || (seen->looked && seen->running == 0);
}

/* The list is kept. */
static enum error_code list_once(void *context, struct error *error)
{
    struct attempt *attempt = context;
    const char *service = attempt->driver->config.setup.services.execution;
    attempt->seen->gone = false;
    if (!reach_to_look(attempt))
        return ERROR_OK;
    if (compose_containers(attempt->target, attempt->draft->evidence, attempt->list, error)
        != ERROR_OK) {
        note_why(attempt, error);
        return ERROR_OK;
    }
    attempt->seen->looked = true;
    attempt->seen->gone = containers_find(attempt->list, service) == NULL;
    return ERROR_OK;
}

static bool is_gone(const void *context)
{
    return ((const struct attempt *)context)->seen->gone;
}

/* No error ends it before its time: each is noted, and a lost way is opened again. */
static void look_until(struct attempt *attempt, await_look *look, await_enough *enough)
{
    const struct clock *clock = attempt->driver->clock;
    int64_t until_ns = clock_boottime_ns(clock) + SEEN_WITHIN_NS;
    struct error ignored;
    attempt->until_ns = until_ns + SEEN_WITHIN_NS;
    (void)!await(&(struct await){.clock = clock,
                                 .evidence = attempt->draft->evidence,
                                 .until_ns = until_ns,
                                 .pause_ns = LOOK_PAUSE_NS,
                                 .look = look,
                                 .enough = enough,
                                 .context = attempt},
                 &ignored);
    if (attempt->target != NULL)
        target_limit(attempt->target, 0);
}

static void look_for_gone(struct attempt *attempt)
{
    attempt->list = calloc(1, sizeof *attempt->list); /* too large for the stack */
    if (attempt->list != NULL)
        look_until(attempt, list_once, is_gone);
    free(attempt->list);
    attempt->list = NULL;
}

static void remove_container(struct attempt *attempt)
{
    struct error error;
    int status = 1;
    if (!reach_target(attempt))
        return;
    enum error_code code = compose_remove_at_once(attempt->target,
                                                  attempt->driver->config.setup.services.execution,
                                                  attempt->driver->execution,
                                                  attempt->draft->evidence, &status, &error);
    attempt->seen->removal = code == ERROR_OK && status == 0;
    if (code != ERROR_OK)
        note_why(attempt, &error);
    look_for_gone(attempt);
}

static void run_safe_command(struct attempt *attempt)
{
    struct error error;
    int status = 1;
    if (attempt->driver->config.setup.services.safe_command[0] == '\0' || !reach_target(attempt))
        return;
    enum error_code code = interlock_run_safe_command(attempt->target, attempt->draft->evidence,
                                                      &status, &error);
    attempt->seen->command = code == ERROR_OK && status == 0;
    if (code != ERROR_OK)
        note_why(attempt, &error);
    look_for_gone(attempt);
}

bool disarm_is_safe(const struct disarm_seen *seen)
{
    return seen->observed || (seen->gone && (seen->removal || seen->command));
}

void disarm_try(struct driver *driver, const struct disarm_draft *draft,
                struct disarm_seen *ret_seen)
{
    struct attempt attempt = {.driver = driver, .draft = draft, .seen = ret_seen};
    *ret_seen = (struct disarm_seen){.shown = INTERLOCK_UNKNOWN};
    send_by_bus(&attempt);
    if (ret_seen->bus != DISARM_NOT_SENT || draft->every_way)
        look_until(&attempt, look_once, is_disarm_over);
    if (!draft->every_way || ret_seen->observed)
        return;
    remove_container(&attempt);
    if (!disarm_is_safe(ret_seen))
        run_safe_command(&attempt);
}

const char *disarm_words_sent(const struct disarm_seen *seen)
{
    static char text[400];
    const char *bus = seen->bus == DISARM_SENT      ? "DISARM was sent"
                      : seen->bus == DISARM_PERHAPS ? "whether DISARM was sent is not known"
                                                    : "DISARM could NOT be sent";
    (void)snprintf(text, sizeof text, "%s%s%s", bus,
                   seen->removal ? ", its container was removed" : "",
                   seen->command ? ", the safe command was run" : "");
    return text;
}

const char *disarm_words_seen(const struct disarm_seen *seen)
{
    static char text[700];
    if (seen->observed)
        return "seen disarmed";
    if (seen->gone)
        return "gone: no container of it is there";
    if (seen->running > 1) {
        (void)snprintf(text, sizeof text,
                       "NOT seen disarmed: %u containers of it run (%s), and only one may: stop "
                       "them by hand, or remove them",
                       seen->running, seen->names);
        return text;
    }
    (void)snprintf(text, sizeof text,
                   "NOT seen disarmed (%s%s%s): stop it by hand, or remove its container",
                   !seen->looked ? "nobody could look" : interlock_name(seen->shown),
                   seen->why[0] != '\0' ? "; " : "", seen->why);
    return text;
}

static const char *disarm_outcome(const struct disarm_seen *seen)
{
    return seen->observed ? "observed" : seen->bus == DISARM_SENT ? "not_observed" : "failed";
}

enum error_code disarm_record_late(struct driver *driver, const struct disarm_draft *draft,
                                   const struct disarm_seen *seen, struct error *error)
{
    if (seen->bus == DISARM_NOT_SENT && !seen->removal && !seen->command)
        return error_set(error, ERROR_REFUSED, 0, "disarm", "", "nothing was sent");
    return record_command(&driver->recorder,
                          &(struct command_draft){.command = "disarm",
                                                  .phase = "outcome",
                                                  .key = draft->key,
                                                  .outcome = disarm_outcome(seen),
                                                  .reason = draft->reason,
                                                  .evidence = draft->evidence,
                                                  .preceded = true},
                          error);
}

enum error_code disarm_record_intent(struct driver *driver, const struct disarm_draft *draft,
                                     struct error *error)
{
    return record_command(&driver->recorder,
                          &(struct command_draft){.command = "disarm",
                                                  .phase = "intent",
                                                  .key = draft->key,
                                                  .outcome = "",
                                                  .reason = draft->reason},
                          error);
}

enum error_code disarm_record_outcome(struct driver *driver, const struct disarm_draft *draft,
                                      const struct disarm_seen *seen, struct error *error)
{
    return record_command(&driver->recorder,
                          &(struct command_draft){.command = "disarm",
                                                  .phase = "outcome",
                                                  .key = draft->key,
                                                  .outcome = disarm_outcome(seen),
                                                  .reason = seen->bus == DISARM_SENT ? draft->reason
                                                                                     : seen->why,
                                                  .evidence = draft->evidence},
                          error);
}

/* An entry that could not be written, as the disk said, may be there all the same. After the last
 * entry of a deployment its session key signs nothing more. */
static bool has_ended_unseen(struct driver *driver)
{
    struct error ignored;
    return driver_reload(driver, &ignored) == ERROR_OK && !driver_is_open(driver);
}

bool disarm_at_once(struct driver *driver, const char *reason, struct disarm_seen *ret_seen)
{
    char key[33];
    struct error ignored;
    struct evidence *evidence = calloc(1, sizeof *evidence);
    *ret_seen = (struct disarm_seen){.why = "out of memory"};
    if (evidence == NULL)
        return false;
    driver_key(driver, key);
    const struct disarm_draft draft = {.key = key,
                                       .reason = reason,
                                       .every_way = true,
                                       .evidence = evidence};
    disarm_try(driver, &draft, ret_seen);
    bool recorded = driver->journal != NULL && driver->recorder.session != NULL
                    && !has_ended_unseen(driver)
                    && disarm_record_late(driver, &draft, ret_seen, &ignored) == ERROR_OK;
    evidence_clear(evidence);
    free(evidence);
    return recorded;
}

static void remember_from(struct driver *driver, const struct journal_entry *entry,
                          struct containers *containers)
{
    CLEANUP_BYTES struct bytes lines = {0};
    struct error ignored;
    const char *service = driver->config.setup.services.execution;
    if (entry_output(driver->journal, entry, PROBE_COMPOSE_CONTAINERS, &lines, &ignored) != ERROR_OK
        || lines.size == 0 || containers_read(&lines, containers, &ignored) != ERROR_OK)
        return;
    const struct container *container = containers_find(containers, service);
    (void)snprintf(driver->execution, sizeof driver->execution, "%s",
                   container != NULL ? container->id : "");
}

void disarm_remember(struct driver *driver)
{
    const struct deployment *deployment = &driver->deployment;
    struct containers *containers = calloc(1, sizeof *containers); /* too large for the stack */
    for (size_t i = deployment->count;
         containers != NULL && i-- > 0 && driver->execution[0] == '\0';)
        remember_from(driver, &deployment->entries[i], containers);
    free(containers);
}

enum error_code disarm_check_possible(const struct driver *driver, struct error *error)
{
    if (driver->config.setup.services.execution[0] != '\0')
        return ERROR_OK;
    return error_set(error, ERROR_CONFIG, 0, driver->options.config_path,
                     "name services.execution and services.brain", "this target has no interlock");
}
