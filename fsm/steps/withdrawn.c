#include "fsm/steps/withdrawn.h"

#include <stdio.h>
#include <string.h>

#include "actions/logs.h"
#include "fsm/roster/authority.h"
#include "fsm/terminal/question.h"
#include "fsm/past/recorded.h"
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

/* Of one that preceded its record there is no intent. */
static bool is_disarm(const struct journal_entry *entry)
{
    return is_command(entry, "disarm")
           && (strcmp(entry_string(entry, "phase"), "intent") == 0
               || json_is_true(json_object_get(entry->body, "preceded")));
}

/* Of a `titan-fsm disarm` beside the driver. */
static bool is_command_key(const struct deployment *deployment, const char *nonce)
{
    for (size_t i = 0; i < deployment->count; i++)
        if (is_command(&deployment->entries[i], "disarm")
            && strcmp(entry_string(&deployment->entries[i], "key"), nonce) == 0)
            return true;
    return false;
}

bool withdrawn_by(const struct deployment *deployment, char *ret_who, size_t size)
{
    ret_who[0] = '\0';
    for (size_t i = 0; i < deployment->count; i++) {
        const struct journal_entry *entry = &deployment->entries[i];
        if (is_command(entry, "answer") && strcmp(entry_string(entry, "outcome"), "yes") == 0)
            ret_who[0] = '\0';
        else if (is_disarm(entry))
            (void)snprintf(ret_who, size, "titan-fsm disarm (entry %llu: %.120s)",
                           (unsigned long long)entry->seq, entry_string(entry, "reason"));
        else if (noted_nonce(entry)[0] != '\0'
                 && !is_command_key(deployment, noted_nonce(entry))) /* it is named already */
            (void)snprintf(ret_who, size, "a DISARM on the bus (entry %llu: \"%s\")",
                           (unsigned long long)entry->seq, noted_nonce(entry));
    }
    return ret_who[0] != '\0';
}

bool withdrawn_left_disarmed(const struct deployment *deployment)
{
    char who[240];
    return deployment_left_disarmed(deployment)
           || (deployment_facts(deployment, STATE_CONNECTED).interlock == INTERLOCK_ARMED
               && withdrawn_by(deployment, who, sizeof who));
}

const struct journal_entry *withdrawn_command(const struct deployment *deployment)
{
    const struct journal_entry *last = NULL;
    for (size_t i = 0; i < deployment->count; i++) {
        const struct journal_entry *entry = &deployment->entries[i];
        if (is_disarm(entry))
            last = entry;
        else if (is_command(entry, "answer") && strcmp(entry_string(entry, "outcome"), "yes") == 0)
            last = NULL;
    }
    return last;
}

/* The entry that carried this nonce, NULL = none. */
static const struct journal_entry *sender_of(const struct deployment *deployment, const char *nonce)
{
    for (size_t i = 0; i < deployment->count; i++)
        if (strcmp(entry_string(&deployment->entries[i], "key"), nonce) == 0)
            return &deployment->entries[i];
    return NULL;
}

void withdrawn_describe(struct step *step, char *ret_text, size_t size)
{
    struct driver *driver = step->driver;
    const struct deployment *deployment = &driver->deployment;
    const struct interlock_view *view = &step->seen.interlock;
    struct error ignored;
    char who[200];
    ret_text[0] = '\0';
    /* Whatever cannot be read here costs words, and no decision. */
    if (driver_reload(driver, &ignored) != ERROR_OK || withdrawn_note(step, &ignored) != ERROR_OK
        || view->heard_count == 0)
        return;
    const char *nonce = view->heard[(view->heard_count - 1) % INTERLOCK_HEARD_MAX].nonce;
    const struct journal_entry *sender = sender_of(deployment, nonce);
    if (sender == NULL)
        sender = nonce[0] == '?' ? withdrawn_command(deployment) : NULL;
    if (sender != NULL && is_command(sender, "disarm")) {
        authority_name_signer(driver, sender, who, sizeof who);
        (void)snprintf(ret_text, size, " (entry %llu, %.100s: %.120s)",
                       (unsigned long long)sender->seq, who, entry_string(sender, "reason"));
    } else if (sender == NULL) {
        (void)snprintf(ret_text, size,
                       " (a DISARM on the bus that no entry of this journal names: \"%s\")", nonce);
    }
}

/* An intent of this deployment carried it: a person's command beside it is not its own. */
static bool is_own_nonce(const struct step *step, const char *nonce)
{
    const struct journal_entry *sender = sender_of(&step->driver->deployment, nonce);
    return (sender != NULL && strcmp(sender->type, ENTRY_INTENT) == 0)
           || strcmp(step->key, nonce) == 0;
}

static bool was_heard(const struct interlock_view *view, const struct interlock_heard *line)
{
    for (unsigned i = 0; i < view->heard_count && i < INTERLOCK_HEARD_MAX; i++)
        if (strcmp(view->heard[i].nonce, line->nonce) == 0
            && strcmp(view->heard[i].time, line->time) == 0)
            return true;
    return false;
}

/* The DISARM lines in the log that an entry recorded; NULL = none. */
static enum error_code read_heard(const struct driver *driver, const struct journal_entry *entry,
                                  struct interlock_view *view, struct error *error)
{
    CLEANUP_BYTES struct bytes lines = {0};
    *view = (struct interlock_view){.interlock = INTERLOCK_UNKNOWN};
    if (entry == NULL)
        return ERROR_OK;
    enum error_code code = entry_output(driver->journal, entry, PROBE_LOGS_EXECUTION, &lines,
                                        error);
    if (code == ERROR_OK && lines.size > 0)
        interlock_read(&driver->config.setup.services, &lines, "", &(struct interlock_question){0},
                       "", view);
    return code;
}

static const struct journal_entry *last_noted(const struct deployment *deployment)
{
    for (size_t i = deployment->count; i-- > 0;)
        if (noted_nonce(&deployment->entries[i])[0] != '\0')
            return &deployment->entries[i];
    return NULL;
}

/* The first item of an entry that has the target's wall clock; NULL. */
static const json_t *timed_item(const struct journal_entry *entry)
{
    const json_t *items = json_object_get(entry->body, "evidence");
    for (size_t i = 0; i < json_array_size(items); i++) {
        const json_t *item = json_array_get(items, i);
        if (json_object_get(json_object_get(item, "target"), "wall_ms") != NULL)
            return item;
    }
    return NULL;
}

static int64_t item_number(const json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}

/* What the target's wall clock showed when the deployment was opened, RFC 3339; as late as it can
 * have been. "" = no item has told it yet. */
static void write_opened(const struct deployment *deployment, char ret_utc[UTC_LENGTH + 1])
{
    const struct journal_entry *open = &deployment->entries[0];
    const json_t *item = NULL;
    size_t at = 0;
    while (at < deployment->count && (item = timed_item(&deployment->entries[at])) == NULL)
        at++;
    (void)snprintf(ret_utc, UTC_LENGTH + 1, "%s", item != NULL ? open->utc : "");
    if (item == NULL || strcmp(deployment->entries[at].boot, open->boot) != 0)
        return;
    const json_t *target = json_object_get(item, "target");
    int64_t ms = item_number(target, "wall_ms") + item_number(target, "after_ms")
                 - item_number(target, "before_ms"),
            ns = ms * 1000000 - (item_received_ns(item) - open->boottime_ns);
    (void)clock_utc_write(ns, ret_utc);
}

/* Stamped after the deployment was opened. */
static bool is_since(const struct interlock_heard *line, const char *opened)
{
    return opened[0] != '\0'
           && log_time_compare(line->time, strlen(line->time), opened, strlen(opened)) > 0;
}

/* New is a line that stands neither in the log from before this deployment, unless it was printed
 * since the deployment was opened, nor in that of the step which noted one last. */
enum error_code withdrawn_note(struct step *step, struct error *error)
{
    const struct deployment *deployment = &step->driver->deployment;
    const struct interlock_view *view = &step->seen.interlock;
    struct interlock_view before, noted;
    char opened[UTC_LENGTH + 1];
    write_opened(deployment, opened);
    enum error_code code = read_heard(step->driver,
                                      deployment_transition_to(deployment, STATE_CONNECTED),
                                      &before, error);
    if (code == ERROR_OK)
        code = read_heard(step->driver, last_noted(deployment), &noted, error);
    for (unsigned i = 0; code == ERROR_OK && i < view->heard_count && i < INTERLOCK_HEARD_MAX;
         i++) {
        const struct interlock_heard *line = &view->heard[i];
        bool is_old = was_heard(&before, line) && !is_since(line, opened);
        if (!is_own_nonce(step, line->nonce) && !is_old && !was_heard(&noted, line))
            return step_fact(step, FACT_DISARMED_BY, line->nonce, error);
    }
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
