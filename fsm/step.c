#include "fsm/step.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actions/compose/compose.h"
#include "actions/secrets/secrets.h"
#include "fsm/steps/await.h"
#include "journal/format/names.h"

/* On the way back nothing waits long for a voice that is only evidence. */
enum { RESPONDER_BACK_MS = 5000 };

enum error_code step_changed_service(const struct step *step, char ret_service[64],
                                     struct error *error)
{
    const struct driver *driver = step->driver;
    return remembered_change(&driver->remembered, step->edge->action, &step->evidence,
                             &driver->config.setup.services, ret_service, error);
}

struct step *step_new(struct driver *driver, const struct transition *edge, struct error *error)
{
    struct step *step = calloc(1, sizeof *step);
    assert(edge != NULL);
    if (step == NULL) {
        (void)error_set(error, ERROR_MEMORY, 0, machine_state_name(edge->from), "",
                        "out of memory");
        return NULL;
    }
    step->driver = driver;
    step->edge = edge;
    return step;
}

void step_free(struct step *step)
{
    if (step == NULL)
        return;
    evidence_clear(&step->evidence);
    json_decref(step->facts);
    free(step);
}

bool step_goes_on(const struct step *step, enum error_code code)
{
    return code == ERROR_OK && step->event == EVENT_INVALID;
}

enum error_code step_is(struct step *step, enum event event, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(step->reason, sizeof step->reason, format, arguments);
    va_end(arguments);
    /* what a command printed ends in a newline and may have more: one sentence is one line */
    size_t length = strlen(step->reason);
    while (length > 0 && (unsigned char)step->reason[length - 1] <= ' ')
        step->reason[--length] = '\0';
    for (size_t i = 0; i < length; i++)
        if (step->reason[i] == '\n')
            step->reason[i] = ' ';
    step->event = event;
    return ERROR_OK;
}

int64_t step_remaining_ms(const struct step *step)
{
    int64_t left = (step->deadline_ns - driver_now_ns(step->driver)) / 1000000;
    return left > 1000
               ? left
               : 1000; /* a command gets a second, so that it can say that it was too late */
}

int64_t step_until_ns(const struct step *step, int64_t ms)
{
    int64_t until = driver_now_ns(step->driver) + ms * 1000000;
    return until < step->deadline_ns ? until : step->deadline_ns;
}

int64_t step_settle_ns(const struct step *step)
{
    return step_until_ns(step, step->driver->config.setup.services.settle_ms);
}

bool step_has_policy(const struct step *step)
{
    return step->driver->config.setup.services.execution[0] != '\0';
}

enum error_code step_connect_target(struct step *step, struct error *error)
{
    struct target *target;
    enum error_code code = driver_target(step->driver, &target, error);
    /* Later on, safety goes before: whatever can be redacted is. The checklist says by itself what
     * is wrong with the file. */
    if (code == ERROR_OK && machine_phase(step->edge->from) == PHASE_PREPARING
        && step->edge->action != ACTION_RUN_PREFLIGHT)
        code = secrets_check(target_secrets(target), error);
    if (code == ERROR_OK)
        step->target = target;
    return code;
}

const struct target_tenancy *step_lease(const struct step *step)
{
    const struct driver *driver = step->driver;
    assert(driver->lease.journal != NULL
           && driver->lease.deployment == (int64_t)driver->deployment.number);
    return &driver->lease;
}

enum error_code step_await_responder(struct step *step, struct error *error)
{
    struct step_seen *seen = &step->seen;
    size_t before = step->evidence.count;
    bool back = machine_phase(step->edge->from) == PHASE_REVERTING;
    enum error_code code = compose_containers(step->target, &step->evidence, &seen->containers,
                                              error);
    int64_t until_ns = step_settle_ns(step), soon_ns = step_until_ns(step, RESPONDER_BACK_MS);
    if (code == ERROR_OK)
        code = await_parity(&(struct await_parity){.target = step->target,
                                                   .containers = &seen->containers,
                                                   .depth = PARITY_EXECUTION,
                                                   .expect = "",
                                                   .until_ns = back && soon_ns < until_ns
                                                                   ? soon_ns
                                                                   : until_ns},
                            &step->evidence, &seen->parity, error);
    evidence_cut(&step->evidence, before);
    return code == ERROR_JOURNAL_WRITE || code == ERROR_MEMORY ? code : ERROR_OK;
}

bool step_has_manifests(const struct step *step)
{
    return step->driver->remembered.manifests;
}

const struct declared *step_declared(const struct step *step)
{
    return &step->driver->remembered.declared;
}

const struct container *step_first_sick(const struct step *step)
{
    const struct containers *containers = &step->seen.containers;
    for (size_t i = 0; i < containers->count; i++)
        if (!declared_is_good(step_declared(step), &containers->list[i]))
            return &containers->list[i];
    return NULL;
}

enum error_code step_note_guard_absent(struct step *step, struct error *error)
{
    CLEANUP_BYTES struct bytes absent = {0};
    int64_t now = driver_now_ns(step->driver);
    enum error_code code = bytes_append(&absent, "absent\n", 7, error);
    return code == ERROR_OK ? evidence_add(&step->evidence,
                                           &(struct evidence_draft){.probe = PROBE_GUARD,
                                                                    .subject = "",
                                                                    .output = &absent,
                                                                    .sent_ns = now,
                                                                    .received_ns = now},
                                           error)
                            : code;
}

static enum error_code set_fact(struct step *step, const char *name, json_t *value,
                                struct error *error)
{
    if (step->facts == NULL)
        step->facts = json_object();
    if (step->facts == NULL) {
        json_decref(value);
        return error_set(error, ERROR_MEMORY, 0, name, "", "out of memory");
    }
    if (json_object_set_new(step->facts, name, value) != 0)
        return error_set(error, ERROR_MEMORY, 0, name, "", "out of memory");
    return ERROR_OK;
}

enum error_code step_fact(struct step *step, const char *name, const char *value,
                          struct error *error)
{
    char clean[STEP_REASON_MAX];
    record_text(value, clean, sizeof clean);
    return set_fact(step, name, json_string(clean), error);
}

enum error_code step_fact_number(struct step *step, const char *name, int64_t value,
                                 struct error *error)
{
    return set_fact(step, name, json_integer(value), error);
}

/* Its run began in this deployment. */
static bool runs_since_open(const struct step *step, const char *service)
{
    const struct container *now = containers_find(&step->seen.containers, service),
                           *old = containers_find(&step->seen.before.containers, service);
    return now != NULL
           && (old == NULL || strcmp(old->id, now->id) != 0
               || strcmp(old->started_at, now->started_at) != 0);
}

const char *step_contrary_line(const struct step *step)
{
    const struct setup_services *services = &step->driver->config.setup.services;
    const struct parity_view *parity = &step->seen.parity;
    bool execution = runs_since_open(step, services->execution),
         brain = runs_since_open(step, services->brain);
    if (execution && parity->execution_first[0] != '\0')
        return parity->execution_first;
    if (brain && parity->brain_first[0] != '\0' && !parity->unanswered)
        return parity->brain_first;
    /* Whoever was missing before is not asked for after a rollback. */
    bool lenient = step->edge->action == ACTION_VERIFY_RESTORED && step->seen.before.missing;
    if (execution && parity->execution_absent
        && !(lenient && step->seen.before.policy_hash[0] == '\0'))
        return "Execution's start-up line of this run is missing";
    return brain && !lenient && parity->brain_absent && !parity->brain_none
               ? "Brain's handshake line of this run is missing"
               : "";
}

bool step_parity_holds(const struct step *step)
{
    const struct parity_view *parity = &step->seen.parity;
    return parity->parity == PARITY_EQUAL
           || (parity->parity == PARITY_MISSING && parity->lines_absent);
}
