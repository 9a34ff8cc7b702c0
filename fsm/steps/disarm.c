#include "fsm/steps/disarm.h"

#include <stdio.h>
#include <stdlib.h>

#include "fsm/steps/await.h"

static enum error_code send_and_see(struct driver *driver, const char *key, const char *reason,
                                    struct evidence *evidence, bool *ret_sent,
                                    struct disarm_seen *ret_seen, struct error *error)
{
    struct target *target;
    struct interlock_view view = {.interlock = INTERLOCK_UNKNOWN};
    *ret_sent = false;
    *ret_seen = (struct disarm_seen){.observed = false};
    enum error_code code = driver_target(driver, &target, error);
    if (code == ERROR_OK)
        code = interlock_send(target, false, key, reason, evidence, ret_sent, error);
    int64_t until_ns = driver_now_ns(driver) + driver->config.setup.services.settle_ms * 1000000;
    if (code == ERROR_OK && *ret_sent)
        code = await_interlock(&(struct await_interlock){.target = target,
                                                         .wanted = INTERLOCK_DISARMED,
                                                         .question = {.nonce = key},
                                                         .until_ns = until_ns},
                               evidence, &view, error);
    if (code != ERROR_OK)
        return code;
    ret_seen->observed = view.interlock == INTERLOCK_DISARMED && view.received;
    ret_seen->running = view.running;
    (void)snprintf(ret_seen->names, sizeof ret_seen->names, "%s", view.names);
    return code;
}

enum error_code disarm_recorded(struct driver *driver, const char *reason,
                                struct evidence *evidence, struct disarm_seen *ret_seen,
                                struct error *error)
{
    char key[33];
    bool sent;
    struct error acted;
    driver_key(driver, key);
    enum error_code intent = record_command(&driver->recorder,
                                            &(struct command_draft){.command = "disarm",
                                                                    .phase = "intent",
                                                                    .key = key,
                                                                    .outcome = "",
                                                                    .reason = reason},
                                            error);
    if (intent != ERROR_OK && intent != ERROR_JOURNAL_WRITE)
        return intent;
    enum error_code act = send_and_see(driver, key, reason, evidence, &sent, ret_seen, &acted);
    if (intent == ERROR_OK) {
        const char *outcome = ret_seen->observed        ? "observed"
                              : act == ERROR_OK && sent ? "not_observed"
                                                        : "failed";
        intent = record_command(&driver->recorder,
                                &(struct command_draft){.command = "disarm",
                                                        .phase = "outcome",
                                                        .key = key,
                                                        .outcome = outcome,
                                                        .reason = act != ERROR_OK ? acted.what
                                                                                  : reason,
                                                        .evidence = evidence},
                                error);
    }
    if (act != ERROR_OK)
        *error = acted;
    return act != ERROR_OK ? act : intent;
}

enum error_code disarm_unrecorded(struct driver *driver, const char *reason,
                                  struct disarm_seen *ret_seen, struct error *error)
{
    char key[33];
    bool sent;
    struct evidence *evidence = calloc(1, sizeof *evidence);
    if (evidence == NULL)
        return error_set(error, ERROR_MEMORY, 0, "disarm", "", "out of memory");
    driver_key(driver, key);
    enum error_code code = send_and_see(driver, key, reason, evidence, &sent, ret_seen, error);
    evidence_clear(evidence);
    free(evidence);
    return code;
}

enum error_code disarm_check_possible(const struct driver *driver, struct error *error)
{
    if (driver->config.setup.services.execution[0] != '\0')
        return ERROR_OK;
    return error_set(error, ERROR_CONFIG, 0, driver->options.config_path,
                     "name services.execution and services.brain", "this target has no interlock");
}
