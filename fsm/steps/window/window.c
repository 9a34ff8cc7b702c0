#include "fsm/steps/window/window.h"
#include "fsm/steps/steps.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "actions/compose/compose.h"
#include "actions/parity.h"
#include "fsm/roster/authority.h"
#include "fsm/guarded.h"
#include "fsm/keep_tenancy.h"
#include "fsm/terminal/progress.h"
#include "fsm/past/snapshot.h"
#include "fsm/steps/window/window_identity.h"
#include "fsm/steps/window/window_look.h"
#include "fsm/steps/window/window_past.h"
#include "journal/canonical.h"
#include "journal/format/names.h"
#include "journal/format/text.h"

/* Consecutive failures by name. */
struct tally {
    struct {
        char name[64];
        int64_t failures;
        bool seen;
    } rows[WATCHED_MAX];
    size_t count;
    int64_t failed; /* samples with any failure */
    bool lost;      /* the last sample had no leadership */
};

enum error_code window_expectation(struct driver *driver, struct expectation *ret_expectation,
                                   struct error *error)
{
    const struct deployment *deployment = &driver->deployment;
    struct expectation expected = {.interlock = INTERLOCK_INVALID};
    if (driver->config.setup.services.execution[0] != '\0') {
        bool release = deployment->procedure == PROCEDURE_RELEASE;
        bool armed = deployment_transition_to(deployment, STATE_ARMED) != NULL;
        struct deployment_facts verified = deployment_facts(deployment,
                                                            release ? STATE_VERIFIED
                                                                    : STATE_PARITY_VERIFIED);
        (void)snprintf(expected.policy_hash, sizeof expected.policy_hash, "%s",
                       verified.policy_hash);
        expected.interlock = armed || verified.interlock == INTERLOCK_ARMED ? INTERLOCK_ARMED
                                                                            : INTERLOCK_DISARMED;
        if (expected.policy_hash[0] == '\0')
            return error_set(error, ERROR_DAMAGED, 0, journal_directory(driver->journal),
                             "run titan-verify on the journal",
                             "the deployment has no policy hash to watch");
    }
    *ret_expectation = expected;
    return ERROR_OK;
}

/* Between the last sample and now nobody watched, for at most the gap limit. */
static enum error_code check_watched(struct step *step, struct error *error)
{
    const struct driver *driver = step->driver;
    struct clock_reading now;
    enum error_code code = driver->clock->read(driver->clock->context, &now, error);
    if (code != ERROR_OK)
        return code;
    if (!window_watched_in(&driver->deployment, now.boot))
        return step_is(step, EVENT_UNHEALTHY,
                       "this machine was restarted after the health window's last sample, and "
                       "nobody watched");
    int64_t watched_ns = window_watched_ns(&driver->deployment);
    if (watched_ns > 0
        && now.boottime_ns > watched_ns + driver->config.limits.sample_gap_ms * 1000000)
        return step_is(step, EVENT_UNHEALTHY,
                       "nobody watched for %lld ms after the health window's last sample",
                       (long long)((now.boottime_ns - watched_ns) / 1000000));
    return ERROR_OK;
}

enum error_code window_look_once(struct step *step, const struct expectation *expected,
                                 struct error *error)
{
    struct look look;
    enum error_code code = check_watched(step, error);
    if (step_goes_on(step, code))
        code = window_interlock_recall(step->driver, error);
    if (step_goes_on(step, code))
        code = window_origin_load(step->driver, 0, &step->origin, error);
    if (step_goes_on(step, code))
        code = snapshot_load(step->driver, &step->seen.before, error);
    if (step_goes_on(step, code))
        code = window_look(step, expected, &look, error);
    if (!step_goes_on(step, code))
        return code;
    if (look.mismatch[0] != '\0')
        return step_is(step, EVENT_MISMATCH, "%s", look.mismatch);
    if (look.unanswered) /* the last look of all: another one, while there is time */
        return error_set(error, ERROR_REMOTE, 0, step->driver->config.setup.target.name, "", "%s",
                         look.text);
    return look.failing[0] != '\0' ? step_is(step, EVENT_UNHEALTHY, "%s", look.text)
                                   : step_is(step, EVENT_DONE, "%s", "");
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
    tally->failed += failing[0] != '\0';
    tally->lost = look_names(failing, LOOK_LEADERSHIP);
    for (size_t i = 0; i < tally->count; i++) {
        tally->rows[i].failures = look_names(failing, tally->rows[i].name)
                                      ? tally->rows[i].failures + 1
                                      : 0;
        if (tally->rows[i].failures >= limit && over == NULL)
            over = tally->rows[i].name;
    }
    return over;
}

static void count_past_failures(const struct deployment *deployment, uint64_t intent, int64_t limit,
                                struct tally *tally)
{
    for (size_t i = 0; i < deployment->count; i++) {
        const struct journal_entry *entry = &deployment->entries[i];
        const char *failing = json_string_value(
            json_object_get(json_object_get(entry->body, "facts"), "failing"));
        if (window_has_sample(entry, intent))
            (void)count_failures(tally, failing != NULL ? failing : "", limit);
    }
}

static enum error_code record_look(struct step *step, int64_t number, const struct look *look,
                                   struct error *error)
{
    assert(step->intent != 0);
    CLEANUP_JSON json_t *facts = json_pack("{s:s, s:s, s:s}", FACT_FAILING, look->failing,
                                           FACT_MISMATCH, look->mismatch, FACT_SETTLING,
                                           look->settling);
    return record_sample(&step->driver->recorder, step->intent, number, &step->evidence, facts,
                         error);
}

/* The window is as long as its evidence says: a sample begins with what was sent first, which is
 * later than the beginning of the look where the link had to be made again. */
static int64_t sample_sent_ns(const struct evidence *evidence, int64_t otherwise_ns)
{
    int64_t first_ns = evidence->count > 0 ? evidence->items[0].sent_ns : otherwise_ns;
    for (size_t i = 1; i < evidence->count; i++)
        if (evidence->items[i].sent_ns < first_ns)
            first_ns = evidence->items[i].sent_ns;
    return first_ns;
}

/* `begins`: the window is not longer than from here, as far as is known. */
static enum error_code take_sample(struct step *step, const struct expectation *expected,
                                   int64_t number, bool begins, struct look *ret_look,
                                   struct error *error)
{
    evidence_clear(&step->evidence);
    enum error_code code = driver_remember(step->driver, error);
    if (code == ERROR_OK && begins)
        code = guarded_renew(step, GUARDED_WINDOW, error);
    if (step_goes_on(step, code))
        code = window_look(step, expected, ret_look, error);
    if (!step_goes_on(step, code))
        return code;
    ret_look->sent_ns = sample_sent_ns(&step->evidence, ret_look->sent_ns);
    code = record_look(step, number, ret_look, error);
    evidence_clear(&step->evidence);
    return code;
}

/* True when the sample decides: the step has its outcome. */
static bool judge_sample(struct step *step, const struct look *look, struct tally *tally,
                         int64_t elapsed_ms, int64_t number)
{
    const struct limits *limits = &step->driver->config.limits;
    bool was_lost = tally->lost;
    const char *over = count_failures(tally, look->failing, limits->failures);
    int64_t took_ms = (look->received_ns - look->sent_ns) / 1000000;
    progress_sample(step->driver, number, elapsed_ms, limits->window_ms,
                    look->mismatch[0] != '\0'   ? look->mismatch
                    : look->failing[0] != '\0'  ? look->text
                    : look->settling[0] != '\0' ? PROGRESS_SETTLING
                                                : "all good");
    if (look->mismatch[0] != '\0')
        (void)step_is(step, EVENT_MISMATCH, "%s", look->mismatch);
    else if (was_lost && tally->lost)
        (void)step_is(step, EVENT_MISMATCH,
                      "Brain lost its leadership and had not regained it in the next sample");
    else if (took_ms > limits->sample_gap_ms)
        (void)step_is(step, EVENT_UNHEALTHY, "a sample took %lld ms; at most %lld are allowed",
                      (long long)took_ms, (long long)limits->sample_gap_ms);
    else if (tally->failed > limits->failures_total)
        (void)step_is(step, EVENT_UNHEALTHY, "%lld sample%s failed; at most %lld may: %.200s",
                      (long long)tally->failed, text_many((uint64_t)tally->failed),
                      (long long)limits->failures_total, look->text);
    else if (over != NULL)
        (void)step_is(step, EVENT_UNHEALTHY, "%s failed %lld times in a row: %.200s", over,
                      (long long)limits->failures, look->text);
    else if (elapsed_ms >= limits->window_ms && look->failing[0] == '\0'
             && look->settling[0] == '\0')
        (void)step_is(step, EVENT_DONE, "%lld samples over %lld ms", (long long)number,
                      (long long)elapsed_ms);
    else
        return false;
    return true;
}

/* Says once after an interruption why it goes on, and for how long. */
static void say_interrupted(const struct driver *driver, const struct window_past *past, bool *said)
{
    if (*said || !driver_is_interrupted(driver))
        return;
    int64_t left_ns = past->first_ns + driver->config.limits.window_ms * 1000000
                      - driver_now_ns(driver);
    progress_word(
        driver,
        "Stopping after the health window (%s%lld s left). Press Ctrl-C again to quit now; "
        "the release then runs unwatched",
        past->settling ? "something is still starting; at least " : "",
        (long long)(left_ns > 0 ? (left_ns + 999999999) / 1000000000 : 0));
    *said = true;
}

static enum error_code wait_for_next_sample(const struct driver *driver, int64_t next_ns,
                                            const struct window_past *past, bool *said,
                                            struct error *error)
{
    say_interrupted(driver, past, said);
    while (driver_now_ns(driver) < next_ns) {
        enum error_code code = driver->clock->sleep_until(driver->clock->context, next_ns, error);
        if (code != ERROR_OK)
            return code;
        say_interrupted(driver, past, said); /* a signal ends the sleep */
    }
    return ERROR_OK;
}

/* Where whoever drives was removed from the roster, the step has failed: nobody goes on watching
 * for them. */
static enum error_code check_watcher(struct step *step, struct error *error)
{
    char why[320];
    uint64_t size;
    enum error_code code = authority_look(step->driver, why, sizeof why, &size, error);
    return code == ERROR_OK && why[0] != '\0' ? step_is(step, EVENT_FAILED, "%s", why) : code;
}

/* From the samples that were taken already to the one that decides. */
static enum error_code watch_window(struct step *step, const struct expectation *expected,
                                    struct window_past past, struct error *error)
{
    struct driver *driver = step->driver;
    const struct limits *limits = &driver->config.limits;
    struct tally tally = {.count = 0};
    struct look look;
    bool said = false;
    enum error_code code = window_origin_load(driver, step->intent, &step->origin, error);
    count_past_failures(&driver->deployment, step->intent, limits->failures, &tally);
    for (int64_t number = past.count + 1; step_goes_on(step, code); number++) {
        int64_t gap_ms = (driver_now_ns(driver) - past.last_ns) / 1000000;
        if (past.count > 0 && gap_ms > limits->sample_gap_ms)
            return step_is(step, EVENT_UNHEALTHY, "a gap of %lld ms between two samples",
                           (long long)gap_ms);
        code = take_sample(step, expected, number, past.count == 0 || past.settling, &look, error);
        if (!step_goes_on(step, code))
            return code;
        past.count++;
        if (past.settling || look.settling[0] != '\0' || past.count == 1)
            past.first_ns = look.sent_ns;
        past.settling = look.settling[0] != '\0';
        past.last_ns = look.sent_ns;
        if (judge_sample(step, &look, &tally, (look.sent_ns - past.first_ns) / 1000000, number))
            return ERROR_OK;
        code = check_watcher(step, error);
        if (step_goes_on(step, code))
            code = keep_tenancy_renew_when_due(driver, error);
        if (step_goes_on(step, code))
            code = wait_for_next_sample(driver, look.sent_ns + limits->sample_interval_ms * 1000000,
                                        &past, &said, error);
    }
    return code;
}

enum error_code step_observe_window(struct step *step, struct error *error)
{
    struct driver *driver = step->driver;
    struct expectation expected;
    struct clock_reading now;
    enum error_code code = driver->clock->read(driver->clock->context, &now, error);
    if (code == ERROR_OK)
        code = window_expectation(driver, &expected, error);
    if (code == ERROR_OK)
        code = window_interlock_recall(driver, error);
    if (code == ERROR_OK && step_has_policy(step))
        code = snapshot_load(driver, &step->seen.before, error);
    if (code != ERROR_OK)
        return code;
    struct window_past past = window_past(&driver->deployment, step->intent, now.boot);
    if (!past.same_boot)
        return step_is(step, EVENT_UNHEALTHY,
                       "this machine was restarted during the health window, which was unwatched");
    if (past.count == 0 && now.boottime_ns > window_latest_start_ns(step, now.boot))
        return step_is(step, EVENT_UNHEALTHY, "the window begins too late after the last change");
    return watch_window(step, &expected, past, error);
}
