#include "fsm/steps/window.h"

#include <stdio.h>
#include <string.h>

#include "actions/compose/compose.h"
#include "actions/parity.h"
#include "fsm/roster/authority.h"
#include "fsm/hold.h"
#include "fsm/terminal/progress.h"
#include "fsm/snapshot.h"
#include "journal/canonical.h"
#include "journal/format/names.h"

/* Consecutive failures by name. */
struct tally {
    struct {
        char name[64];
        int64_t failures;
        bool seen;
    } rows[WATCHED_MAX];
    size_t count;
};

enum error_code window_expectation(struct driver *driver, struct expectation *ret_expectation,
                                   struct error *error)
{
    const struct deployment *deployment = &driver->deployment;
    struct expectation expected = {.interlock = INTERLOCK_INVALID};
    if (driver->config.setup.services.execution[0] != '\0') {
        bool release = deployment->procedure == PROCEDURE_RELEASE;
        bool armed = deployment_transition_to(deployment, STATE_ARMED) != NULL;
        const char *verified = deployment_fact(deployment, STATE_VERIFIED, "interlock");
        (void)snprintf(expected.policy_hash, sizeof expected.policy_hash, "%s",
                       deployment_fact(deployment, release ? STATE_VERIFIED : STATE_PARITY_VERIFIED,
                                       "policy_hash"));
        expected.interlock = armed || strcmp(verified, "armed") == 0 ? INTERLOCK_ARMED
                                                                     : INTERLOCK_DISARMED;
        if (expected.policy_hash[0] == '\0')
            return error_set(error, ERROR_DAMAGED, 0, journal_directory(driver->journal),
                             "run titan-verify on the journal",
                             "the deployment has no policy hash to watch");
    }
    *ret_expectation = expected;
    return ERROR_OK;
}

static void fail(struct look *look, const char *name, const char *text)
{
    size_t used = strlen(look->failing);
    (void)snprintf(look->failing + used, sizeof look->failing - used, "%s,", name);
    if (look->text[0] == '\0')
        (void)snprintf(look->text, sizeof look->text, "%s", text);
}

/* A container that was re-created meanwhile is another one: nobody of this deployment did that. */
static void judge_containers(struct look *look, const struct containers *previous)
{
    for (size_t i = 0; i < look->containers.count; i++) {
        const struct container *now = &look->containers.list[i];
        const struct container *old = previous != NULL ? containers_find(previous, now->service)
                                                       : NULL;
        if (previous != NULL && (old == NULL || strcmp(old->id, now->id) != 0))
            (void)snprintf(look->mismatch, sizeof look->mismatch,
                           "the container of %s is another one than in the sample before",
                           now->service);
        else if (!container_is_good(now)
                 || (old != NULL && strcmp(old->started_at, now->started_at) != 0))
            fail(look, now->service, "a service does not run well, or was restarted");
    }
    for (size_t i = 0; previous != NULL && i < previous->count; i++)
        if (containers_find(&look->containers, previous->list[i].service) == NULL)
            (void)snprintf(look->mismatch, sizeof look->mismatch, "the container of %s is gone",
                           previous->list[i].service);
}

static enum error_code look_at_policy(struct driver *driver, struct target *target,
                                      const struct expectation *expected, struct evidence *evidence,
                                      struct look *look, struct error *error)
{
    struct parity_view parity;
    struct interlock_view interlock;
    enum error_code code = parity_look(target, &look->containers, PARITY_RESPONDER,
                                       expected->policy_hash, evidence, &parity, error);
    if (code == ERROR_OK)
        code = interlock_look(target, NULL, evidence, &interlock, error);
    if (code != ERROR_OK)
        return code;
    if (parity.parity == PARITY_UNEQUAL)
        (void)snprintf(look->mismatch, sizeof look->mismatch, "%.290s", parity.text);
    else if (parity.parity == PARITY_MISSING)
        fail(look, "policy_hash", parity.text);
    const struct container *execution = containers_find(&look->containers,
                                                        driver->config.setup.services.execution);
    bool running = execution != NULL && strcmp(execution->state, "running") == 0;
    if (running && interlock.interlock != expected->interlock)
        (void)snprintf(look->mismatch, sizeof look->mismatch, "Execution is %s and must be %s",
                       interlock_name(interlock.interlock), interlock_name(expected->interlock));
    return ERROR_OK;
}

enum error_code window_look(struct driver *driver, struct target *target,
                            const struct expectation *expected, const struct containers *previous,
                            struct evidence *evidence, struct look *ret_look, struct error *error)
{
    const struct setup *setup = &driver->config.setup;
    struct look look = {.sent_ns = driver_now_ns(driver)};
    struct health_view health;
    enum error_code code = compose_containers(target, evidence, &look.containers, error);
    if (code == ERROR_OK)
        code = health_look(target, &look.containers, evidence, &health, error);
    if (code != ERROR_OK)
        return code;
    for (size_t i = 0; i < setup->endpoint_count; i++)
        if (!health.good[i])
            fail(&look, setup->endpoints[i].name, health.text);
    judge_containers(&look, previous);
    if (expected->interlock != INTERLOCK_INVALID)
        code = look_at_policy(driver, target, expected, evidence, &look, error);
    if (code == ERROR_OK)
        *ret_look = look;
    return code;
}

static bool names(const char *failing, const char *name)
{
    size_t length = strlen(name);
    for (const char *at = failing; *at != '\0'; at += strcspn(at, ",") + 1)
        if (strcspn(at, ",") == length && memcmp(at, name, length) == 0)
            return true;
    return false;
}

/* Adds one sample; the name of the first that failed `limit` times in a row, or NULL. */
static const char *count_failures(struct tally *tally, const char *failing, int64_t limit)
{
    for (const char *at = failing; *at != '\0'; at += strcspn(at, ",") + 1) {
        char name[64];
        bool known = false;
        (void)snprintf(name, sizeof name, "%.*s", (int)strcspn(at, ","), at);
        for (size_t i = 0; i < tally->count; i++)
            known = known || strcmp(tally->rows[i].name, name) == 0;
        if (!known && tally->count < WATCHED_MAX)
            memcpy(tally->rows[tally->count++].name, name, sizeof name);
    }
    const char *over = NULL;
    for (size_t i = 0; i < tally->count; i++) {
        tally->rows[i].failures = names(failing, tally->rows[i].name) ? tally->rows[i].failures + 1
                                                                      : 0;
        if (tally->rows[i].failures >= limit && over == NULL)
            over = tally->rows[i].name;
    }
    return over;
}

static bool is_sample_of(const struct journal_entry *entry, uint64_t intent)
{
    return strcmp(entry->type, ENTRY_SAMPLE) == 0
           && (uint64_t)json_integer_value(json_object_get(entry->body, "intent")) == intent;
}

static int64_t sent_ns_of(const struct journal_entry *entry)
{
    const json_t *first = json_array_get(json_object_get(entry->body, "evidence"), 0);
    return json_integer_value(json_object_get(first, "sent_ns"));
}

struct window_past window_past(const struct deployment *deployment, uint64_t intent,
                               const char *boot)
{
    struct window_past past = {.same_boot = true};
    for (size_t i = 0; i < deployment->count; i++) {
        const struct journal_entry *entry = &deployment->entries[i];
        if (!is_sample_of(entry, intent))
            continue;
        past.same_boot = past.same_boot && strcmp(entry->boot, boot) == 0;
        past.last_ns = sent_ns_of(entry);
        if (past.count++ == 0)
            past.first_ns = past.last_ns;
    }
    return past;
}

static void recount(const struct deployment *deployment, uint64_t intent, int64_t limit,
                    struct tally *tally)
{
    for (size_t i = 0; i < deployment->count; i++) {
        const struct journal_entry *entry = &deployment->entries[i];
        const char *failing = json_string_value(
            json_object_get(json_object_get(entry->body, "facts"), "failing"));
        if (is_sample_of(entry, intent))
            (void)count_failures(tally, failing != NULL ? failing : "", limit);
    }
}

/* When the last of these items of an entry came back; 0 where there is none. probe NULL: any. */
static int64_t received_ns_of(const struct journal_entry *entry, const char *probe)
{
    int64_t last_ns = 0;
    const json_t *items = json_object_get(entry->body, "evidence");
    for (size_t i = 0; i < json_array_size(items); i++) {
        const json_t *item = json_array_get(items, i);
        const char *name = json_string_value(json_object_get(item, "probe"));
        if (probe == NULL || (name != NULL && strcmp(name, probe) == 0))
            last_ns = json_integer_value(json_object_get(item, "received_ns"));
    }
    return last_ns;
}

/* The window begins at most so long after the last switching command returned, or after ARM was
 * observed. */
static int64_t latest_start_ns(const struct step *step)
{
    const struct deployment *deployment = &step->driver->deployment;
    const struct limits *limits = &step->driver->config.limits;
    if (step->edge->from == STATE_ARMED)
        return received_ns_of(deployment_transition_to(deployment, STATE_ARMED), NULL)
               + limits->window_start_armed_ms * 1000000;
    int64_t last_ns = 0;
    for (size_t i = 0; i < deployment->count; i++) {
        int64_t received_ns = received_ns_of(&deployment->entries[i], PROBE_COMPOSE_UP);
        last_ns = received_ns > last_ns ? received_ns : last_ns;
    }
    return last_ns + limits->window_start_ms * 1000000;
}

static enum error_code take_sample(struct step *step, struct target *target,
                                   const struct expectation *expected,
                                   const struct containers *previous, int64_t number,
                                   struct look *ret_look, struct error *error)
{
    evidence_clear(&step->evidence);
    enum error_code code = window_look(step->driver, target, expected, previous, &step->evidence,
                                       ret_look, error);
    if (code != ERROR_OK)
        return code;
    CLEANUP_JSON json_t *facts = json_pack("{s:s, s:s}", "failing", ret_look->failing, "mismatch",
                                           ret_look->mismatch);
    code = record_sample(&step->driver->recorder, step->intent, number, &step->evidence, facts,
                         error);
    evidence_clear(&step->evidence);
    return code;
}

/* True when the sample decides: the step has its outcome. */
static bool decide(struct step *step, const struct look *look, struct tally *tally,
                   int64_t elapsed_ms, int64_t number)
{
    const struct limits *limits = &step->driver->config.limits;
    const char *over = count_failures(tally, look->failing, limits->failures);
    progress_sample(step->driver, number, elapsed_ms, limits->window_ms,
                    look->mismatch[0] != '\0'  ? look->mismatch
                    : look->failing[0] != '\0' ? look->text
                                               : "all good");
    if (look->mismatch[0] != '\0')
        (void)step_is(step, EVENT_MISMATCH, "%s", look->mismatch);
    else if (over != NULL)
        (void)step_is(step, EVENT_UNHEALTHY, "%s failed %lld times in a row: %.200s", over,
                      (long long)limits->failures, look->text);
    else if (elapsed_ms >= limits->window_ms && look->failing[0] == '\0')
        (void)step_is(step, EVENT_DONE, "%lld samples over %lld ms", (long long)number,
                      (long long)elapsed_ms);
    else
        return false;
    return true;
}

/* Whoever interrupts is told once why it goes on, and for how long. */
static void say_interrupted(const struct driver *driver, int64_t first_ns, bool *said)
{
    if (*said || !driver_is_interrupted(driver))
        return;
    int64_t left_ns = first_ns + driver->config.limits.window_ms * 1000000 - driver_now_ns(driver);
    progress_word(driver,
                  "interrupted; the health window is watched to its end, for another %lld s, "
                  "because nobody else watches; a second signal ends it at once",
                  (long long)(left_ns > 0 ? (left_ns + 999999999) / 1000000000 : 0));
    *said = true;
}

static enum error_code wait_until(const struct driver *driver, int64_t next_ns, int64_t first_ns,
                                  bool *said, struct error *error)
{
    say_interrupted(driver, first_ns, said);
    while (driver_now_ns(driver) < next_ns) {
        enum error_code code = driver->clock->sleep_until(driver->clock->context, next_ns, error);
        if (code != ERROR_OK)
            return code;
        say_interrupted(driver, first_ns, said); /* a signal ends the sleep */
    }
    return ERROR_OK;
}

static enum error_code watch(struct step *step, struct target *target,
                             const struct expectation *expected, struct window_past past,
                             struct error *error)
{
    struct driver *driver = step->driver;
    const struct limits *limits = &driver->config.limits;
    struct tally tally = {.count = 0};
    struct look look;
    struct containers before;
    bool has_before = false, said = false;
    char why[320];
    uint64_t size;
    recount(&driver->deployment, step->intent, limits->failures, &tally);
    for (int64_t number = past.count + 1;; number++) {
        int64_t now_ns = driver_now_ns(driver);
        if (past.count > 0 && now_ns - past.last_ns > limits->sample_gap_ms * 1000000)
            return step_is(step, EVENT_UNHEALTHY, "a gap of %lld ms between two samples",
                           (long long)((now_ns - past.last_ns) / 1000000));
        enum error_code code = take_sample(step, target, expected, has_before ? &before : NULL,
                                           number, &look, error);
        if (code != ERROR_OK)
            return code;
        if (past.count++ == 0)
            past.first_ns = look.sent_ns;
        past.last_ns = look.sent_ns;
        if (decide(step, &look, &tally, (look.sent_ns - past.first_ns) / 1000000, number))
            return ERROR_OK;
        code = authority_look(driver, why, sizeof why, &size,
                              error); /* nobody goes on watching for somebody who was removed */
        if (code != ERROR_OK || why[0] != '\0')
            return code == ERROR_OK ? step_is(step, EVENT_FAILED, "%s", why) : code;
        before = look.containers;
        has_before = true;
        code = hold_renew_when_due(driver, error);
        if (code == ERROR_OK)
            code = wait_until(driver, look.sent_ns + limits->sample_interval_ms * 1000000,
                              past.first_ns, &said, error);
        if (code != ERROR_OK)
            return code;
    }
}

enum error_code step_observe_window(struct step *step, struct error *error)
{
    struct driver *driver = step->driver;
    struct expectation expected;
    struct target *target;
    struct clock_reading now;
    enum error_code code = driver->clock->read(driver->clock->context, &now, error);
    if (code == ERROR_OK)
        code = window_expectation(driver, &expected, error);
    if (code == ERROR_OK)
        code = step_target(step, &target, error);
    if (code != ERROR_OK)
        return code;
    struct window_past past = window_past(&driver->deployment, step->intent, now.boot);
    if (!past.same_boot)
        return step_is(step, EVENT_UNHEALTHY,
                       "this machine was restarted in the window, so that nobody watched");
    if (past.count == 0 && now.boottime_ns > latest_start_ns(step))
        return step_is(step, EVENT_UNHEALTHY, "the window begins too late after the last change");
    return watch(step, target, &expected, past, error);
}
