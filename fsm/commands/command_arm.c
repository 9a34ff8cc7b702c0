/* arm: arms Execution by hand, on fresh parity and with no deployment open. */
#include "fsm/commands/command_line.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actions/compose/compose.h"
#include "actions/secrets/secrets.h"
#include "fsm/roster/authority.h"
#include "fsm/steps/await.h"
#include "fsm/steps/disarm.h"
#include "actions/fresh.h"
#include "fsm/terminal/progress.h"

/* Of two that run nobody knows which one answers, and which one hears. "" = there are no two. */
static void describe_doubles(const struct setup_services *services,
                             const struct containers *containers, char *ret_text, size_t room)
{
    const char *const both[] = {services->execution, services->brain};
    ret_text[0] = '\0';
    for (size_t i = 0; i < sizeof both / sizeof both[0] && ret_text[0] == '\0'; i++) {
        char names[240];
        size_t running = containers_running(containers, both[i]);
        containers_name_running(containers, both[i], names, sizeof names);
        if (running > 1)
            (void)snprintf(ret_text, room, "%zu containers of %s run (%s); there must be one",
                           running, both[i], names);
    }
}

/* *ret_doubles: why the two services are no basis to arm on; "" = they are. */
static enum error_code measure_parity(struct target *target, struct evidence *evidence,
                                      struct parity_view *ret_parity, char *ret_doubles,
                                      size_t room, struct error *error)
{
    struct containers *containers = calloc(1, sizeof *containers); /* too large for the stack */
    if (containers == NULL)
        return error_set(error, ERROR_MEMORY, 0, "arm", "", "out of memory");
    enum error_code code = compose_containers(target, evidence, containers, error);
    if (code == ERROR_OK)
        code = parity_look(target, containers, PARITY_BRAIN, "", evidence, ret_parity, error);
    if (code == ERROR_OK)
        describe_doubles(&target_setup(target)->services, containers, ret_doubles, room);
    free(containers);
    return code;
}

static void say_what_came_of_it(const struct interlock_view *view, const char *hash, bool sent,
                                char *ret_text, size_t room)
{
    if (hash != NULL)
        (void)snprintf(ret_text, room, "Execution was seen armed, on policy hash %s", hash);
    else if (!sent)
        (void)snprintf(ret_text, room, "ARM could NOT be sent: the bus refuses it; Execution is %s",
                       interlock_name(view->interlock));
    else if (view->interlock == INTERLOCK_ARMED)
        (void)snprintf(ret_text, room,
                       "ARM was sent; Execution is armed, and did not show that it received this "
                       "ARM: it may have been armed before");
    else
        (void)snprintf(ret_text, room, "ARM was sent, and Execution was NOT seen armed (%s)",
                       interlock_name(view->interlock));
}

/* Parity is checked before the intent; ARM is sent after it; Execution's own log line ends the
 * wait. */
static enum error_code arm_by_hand(struct driver *driver, const char *reason,
                                   struct evidence *evidence, bool *ret_armed, char *ret_text,
                                   size_t room, struct error *error)
{
    struct target *target;
    struct parity_view parity;
    struct interlock_view view = {.interlock = INTERLOCK_UNKNOWN};
    char key[33], why[400] = "";
    bool sent = false;
    driver_key(driver, key);
    enum error_code code = driver_target(driver, &target, error);
    if (code == ERROR_OK)
        code = secrets_check(target_secrets(target), error);
    if (code == ERROR_OK)
        code = measure_parity(target, evidence, &parity, why, sizeof why, error);
    if (code == ERROR_OK)
        code = interlock_look(target, &(struct interlock_question){0}, evidence, &view, error);
    if (code != ERROR_OK)
        return code;
    if (why[0] == '\0' && parity.parity == PARITY_EQUAL && view.contradicted)
        (void)
            snprintf(why, sizeof why, "%s",
                     "Execution's marker does not agree with its last line; run titan-fsm disarm");
    if (why[0] == '\0' && parity.parity == PARITY_EQUAL)
        code = fresh_check(evidence, &target_setup(target)->services, driver_now_ns(driver), why,
                           sizeof why, error);
    if (code != ERROR_OK)
        return code;
    if (why[0] != '\0' || parity.parity != PARITY_EQUAL) {
        (void)snprintf(ret_text, room, "not armed: %s", why[0] != '\0' ? why : parity.text);
        return record_refusal(&driver->recorder, "", "arm", ret_text, error);
    }
    code = record_command(&driver->recorder,
                          &(struct command_draft){.command = "arm",
                                                  .phase = "intent",
                                                  .key = key,
                                                  .outcome = "",
                                                  .reason = reason,
                                                  .evidence = evidence},
                          error);
    if (code == ERROR_OK)
        code = interlock_send(target, true, key, reason, evidence, &sent, error);
    int64_t until_ns = driver_now_ns(driver) + driver->config.setup.services.settle_ms * 1000000;
    if (code == ERROR_OK && sent)
        code = await_interlock(&(struct await_interlock){.target = target,
                                                         .wanted = INTERLOCK_ARMED,
                                                         .question = {.nonce = key},
                                                         .until_ns = until_ns},
                               evidence, &view, error);
    if (code != ERROR_OK)
        return code;
    *ret_armed = view.interlock == INTERLOCK_ARMED && view.armed_by_nonce;
    say_what_came_of_it(&view, *ret_armed ? parity.hash : NULL, sent, ret_text, room);
    return record_command(&driver->recorder,
                          &(struct command_draft){.command = "arm",
                                                  .phase = "outcome",
                                                  .key = key,
                                                  .outcome = *ret_armed ? "observed"
                                                             : sent     ? "not_observed"
                                                                        : "failed",
                                                  .reason = ret_text,
                                                  .evidence = evidence},
                          error);
}

enum error_code command_arm(const struct command_line *line, enum exit_status *ret_status,
                            struct error *error)
{
    struct driver *driver = line->driver;
    char text[600] = "";
    bool armed = false;
    enum error_code code = driver_open(driver, &line->options, DRIVER_WRITES | DRIVER_DRIVES,
                                       error);
    if (code == ERROR_OK)
        code = disarm_check_possible(driver, error);
    if (code == ERROR_OK && driver_is_open(driver))
        code = error_set(error, ERROR_REFUSED, 0, driver->config.setup.target.name,
                         "titan-fsm advance; its steps arm Execution",
                         "a deployment is open; its own steps arm Execution");
    if (code == ERROR_OK)
        code = driver_unlock(driver, error);
    if (code == ERROR_OK)
        code = authority_check_own(driver, ROSTER_OPERATOR, error);
    struct evidence *evidence = code == ERROR_OK ? calloc(1, sizeof *evidence) : NULL;
    if (code == ERROR_OK && evidence == NULL)
        code = error_set(error, ERROR_MEMORY, 0, "arm", "", "out of memory");
    if (code != ERROR_OK)
        return code;
    code = arm_by_hand(driver, line->reason, evidence, &armed, text, sizeof text, error);
    evidence_clear(evidence);
    free(evidence);
    if (code == ERROR_OK)
        progress_word(driver, "%s", text);
    *ret_status = armed ? EXIT_DONE : EXIT_STEP_FAILED;
    return code;
}
