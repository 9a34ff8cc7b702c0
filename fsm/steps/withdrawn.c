#include "fsm/steps/withdrawn.h"

#include <stdio.h>
#include <string.h>

#include "fsm/terminal/question.h"
#include "journal/format/names.h"
#include "journal/format/text.h"

static const char *noted_nonce(const struct journal_entry *entry)
{
    const char *nonce = json_string_value(
        json_object_get(json_object_get(entry->body, "facts"), FACT_DISARMED_BY));
    return nonce != NULL ? nonce : "";
}

static bool is_command(const struct journal_entry *entry, const char *command)
{
    return strcmp(entry->type, ENTRY_COMMAND) == 0
           && strcmp(entry_string(entry, "command"), command) == 0;
}

bool withdrawn_by(const struct deployment *deployment, char *ret_who, size_t size)
{
    ret_who[0] = '\0';
    for (size_t i = 0; i < deployment->count; i++) {
        const struct journal_entry *entry = &deployment->entries[i];
        if (is_command(entry, "answer") && strcmp(entry_string(entry, "outcome"), "yes") == 0)
            ret_who[0] = '\0';
        else if (is_command(entry, "disarm") && strcmp(entry_string(entry, "phase"), "intent") == 0)
            (void)snprintf(ret_who, size, "titan-fsm disarm (entry %llu: %.120s)",
                           (unsigned long long)entry->seq, entry_string(entry, "reason"));
        else if (noted_nonce(entry)[0] != '\0')
            (void)snprintf(ret_who, size, "a DISARM on the bus (entry %llu: \"%s\")",
                           (unsigned long long)entry->seq, noted_nonce(entry));
    }
    return ret_who[0] != '\0';
}

/* A command of this deployment carried it, or an earlier step noted it already. */
static bool is_known_nonce(const struct deployment *deployment, const char *nonce)
{
    for (size_t i = 0; i < deployment->count; i++) {
        const struct journal_entry *entry = &deployment->entries[i];
        if (strcmp(entry_string(entry, "key"), nonce) == 0
            || strcmp(noted_nonce(entry), nonce) == 0)
            return true;
    }
    return false;
}

static bool was_heard(const struct interlock_view *view, const char *nonce)
{
    for (unsigned i = 0; i < view->heard_count && i < INTERLOCK_HEARD_MAX; i++)
        if (strcmp(view->heard[i], nonce) == 0)
            return true;
    return false;
}

/* The DISARM lines that Execution had printed before this deployment took the target. */
static enum error_code read_heard_before(const struct driver *driver, struct interlock_view *view,
                                         struct error *error)
{
    CLEANUP_BYTES struct bytes lines = {0};
    const struct journal_entry *connected = deployment_transition_to(&driver->deployment,
                                                                     STATE_CONNECTED);
    *view = (struct interlock_view){.interlock = INTERLOCK_UNKNOWN};
    if (connected == NULL)
        return ERROR_OK;
    enum error_code code = deployment_evidence(driver->journal, connected, PROBE_LOGS_EXECUTION,
                                               &lines, error);
    if (code == ERROR_OK && lines.size > 0)
        interlock_read(&driver->config.setup.services, &lines, "", &(struct interlock_question){0},
                       "", view);
    return code;
}

enum error_code withdrawn_note(struct step *step, struct error *error)
{
    const struct interlock_view *view = &step->seen.interlock;
    struct interlock_view before;
    enum error_code code = read_heard_before(step->driver, &before, error);
    for (unsigned i = 0; code == ERROR_OK && i < view->heard_count && i < INTERLOCK_HEARD_MAX; i++)
        if (!is_known_nonce(&step->driver->deployment, view->heard[i])
            && strcmp(view->heard[i], step->key) != 0 && !was_heard(&before, view->heard[i]))
            return step_fact(step, FACT_DISARMED_BY, view->heard[i], error);
    return code;
}

static bool said_yes(const struct deployment *deployment)
{
    bool yes = false;
    for (size_t i = 0; i < deployment->count; i++)
        if (is_command(&deployment->entries[i], "answer"))
            yes = strcmp(entry_string(&deployment->entries[i], "outcome"), "yes") == 0;
    return yes;
}

enum error_code withdrawn_settle(struct driver *driver, struct error *error)
{
    const struct deployment *deployment = &driver->deployment;
    char who[240];
    bool release = deployment->procedure == PROCEDURE_RELEASE;
    if (deployment->state != (release ? STATE_VERIFIED : STATE_PARITY_VERIFIED))
        return ERROR_OK;
    /* Another process may have sent DISARM since. */
    enum error_code code = driver_reload(driver, error);
    if (code != ERROR_OK || !withdrawn_by(deployment, who, sizeof who))
        return code;
    if (!release)
        return question_arm_after_all(driver, who, error);
    return said_yes(deployment) ? question_take_back(driver, who, error) : ERROR_OK;
}
