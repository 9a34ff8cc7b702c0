/* status --watch: shows the deployment live from the journal, in a second terminal beside the
 * driver. Reads the journal and asks whether its lock is held: no key, no target, nothing taken. */
#include "fsm/commands/command_line.h"
#include "fsm/past/recorded.h"

#include <string.h>

#include "fsm/terminal/age.h"
#include "fsm/terminal/progress.h"
#include "fsm/watcher.h"
#include "journal/format/names.h"

static const int64_t PAUSE_NS = 300000000;

/* Of the window that this sample belongs to, from where nothing was starting any more. */
static int64_t elapsed_ms(const struct deployment *deployment, const struct journal_entry *sample)
{
    json_int_t intent = json_integer_value(json_object_get(sample->body, "intent"));
    int64_t first_ns = 0;
    bool settled = false;
    for (size_t i = 0; i < deployment->count && deployment->entries[i].seq <= sample->seq; i++) {
        const struct journal_entry *entry = &deployment->entries[i];
        if (strcmp(entry->type, ENTRY_SAMPLE) != 0
            || json_integer_value(json_object_get(entry->body, "intent")) != intent)
            continue;
        if (!settled || entry_settles(entry))
            first_ns = entry_sent_ns(entry);
        settled = !entry_settles(entry);
    }
    return (entry_sent_ns(sample) - first_ns) / 1000000;
}

static void replay_sample(const struct driver *driver, const struct journal_entry *entry)
{
    const json_t *facts = json_object_get(entry->body, "facts");
    const char *failing = json_string_value(json_object_get(facts, "failing")),
               *mismatch = json_string_value(json_object_get(facts, "mismatch"));
    const char *summary = mismatch != NULL && mismatch[0] != '\0' ? mismatch
                          : failing != NULL && failing[0] != '\0' ? failing
                          : entry_settles(entry)                  ? PROGRESS_SETTLING
                                                                  : "all good";
    progress_sample(driver, json_integer_value(json_object_get(entry->body, "n")),
                    elapsed_ms(&driver->deployment, entry), driver->config.limits.window_ms,
                    summary);
}

/* Prints what the driver printed when it wrote this entry. */
static void replay_entry(struct driver *driver, const struct journal_entry *entry)
{
    driver->told_utc = entry->utc;
    enum procedure procedure = driver->deployment.procedure;
    enum state from = machine_state_by_name(entry_string(entry, "from"));
    const struct transition *edge = NULL;
    if (strcmp(entry->type, ENTRY_INTENT) == 0) {
        edge = from != STATE_INVALID ? machine_step(procedure, from,
                                                    strcmp(entry_string(entry, "action"),
                                                           machine_action_name(ACTION_ARM))
                                                        == 0)
                                     : NULL;
        if (edge != NULL)
            progress_step(driver, edge, false);
    } else if (strcmp(entry->type, ENTRY_TRANSITION) == 0) {
        edge = machine_transition(procedure, from,
                                  machine_event_by_name(entry_string(entry, "event")));
        if (edge != NULL)
            progress_transition(driver, edge, entry_string(entry, "reason"));
    } else if (strcmp(entry->type, ENTRY_RECONCILIATION) == 0) {
        progress_reconciliation(driver, "intent", entry_string(entry, "found"),
                                entry_string(entry, "then"), entry_string(entry, "reason"));
    } else if (strcmp(entry->type, ENTRY_SAMPLE) == 0) {
        replay_sample(driver, entry);
    }
    driver->told_utc = NULL;
}

/* The driver is gone, or lives again. The frame shows either; plain lines say what must be done. */
static void look_at_watcher(struct driver *driver, bool *missing, int64_t *asks_until_ns)
{
    struct watcher watcher = {.life = WATCHER_UNKNOWN};
    struct clock_reading now;
    struct error ignored;
    char age[40];
    watcher_ask(driver, &watcher);
    bool was = *missing, asks = watcher.asks[0] != '\0' && watcher.asks_until_ns != *asks_until_ns;
    *missing = watcher_is_missing(&watcher, &driver->deployment);
    if (*missing == was && watcher.asks_until_ns == *asks_until_ns)
        return;
    *asks_until_ns = watcher.asks_until_ns;
    progress_look(driver);
    if (asks && driver->screen == NULL)
        progress_word(driver, "the driver asks, on its own terminal: %s", watcher.asks);
    if (*missing == was || driver->screen != NULL
        || driver->clock->read(driver->clock->context, &now, &ignored) != ERROR_OK)
        return;
    watcher_read(&driver->deployment, now.boot, &watcher);
    age_write(watcher.since_ns, now.boottime_ns, age, sizeof age);
    if (*missing)
        progress_word(driver, "NOBODY IS WATCHING since %s (%s); next: titan-fsm resume",
                      watcher.since, age);
    else if (watcher.life == WATCHER_LIVES)
        progress_word(driver, "a driver watches again");
}

/* Starts after the entries that were read when the journal was opened, so that none is missed. */
static enum error_code follow_journal(struct driver *driver, struct error *error)
{
    uint64_t entries;
    enum error_code code = ERROR_OK;
    uint64_t seen = driver->deployment.count > 0
                        ? driver->deployment.entries[driver->deployment.count - 1].seq + 1
                        : 0;
    bool missing = false;
    int64_t asks_until_ns = 0;
    look_at_watcher(driver, &missing, &asks_until_ns);
    while (code == ERROR_OK && !driver_is_interrupted(driver) && driver_is_open(driver)) {
        code = driver->clock->sleep_until(driver->clock->context, driver_now_ns(driver) + PAUSE_NS,
                                          error);
        if (code == ERROR_OK)
            code = journal_size(driver->journal, &entries, error);
        if (code == ERROR_OK && entries == seen)
            look_at_watcher(driver, &missing, &asks_until_ns);
        if (code != ERROR_OK || entries == seen)
            continue;
        code = driver_reload(driver, error);
        for (size_t i = 0; code == ERROR_OK && i < driver->deployment.count; i++)
            if (driver->deployment.entries[i].seq >= seen)
                replay_entry(driver, &driver->deployment.entries[i]);
        seen = entries;
    }
    return code;
}

/* A deployment that has ended is reported at the time of its last entry. */
static void say_standing(struct driver *driver)
{
    const struct deployment *deployment = &driver->deployment;
    driver->told_utc = driver->found && !driver_is_open(driver)
                           ? deployment->entries[deployment->count - 1].utc
                           : NULL;
    if (driver->found)
        progress_word(driver, "deployment %llu is %s%s", (unsigned long long)deployment->number,
                      driver_is_open(driver) ? "open, in " : "",
                      machine_state_name(deployment->state));
    else
        progress_word(driver, "no deployment yet; next: titan-fsm begin release --reason TEXT");
    driver->told_utc = NULL;
}

enum error_code command_watch(const struct command_line *line, enum exit_status *ret_status,
                              struct error *error)
{
    struct driver *driver = line->driver;
    enum error_code code = driver_open(driver, &line->options, DRIVER_READS, error);
    if (code != ERROR_OK)
        return code;
    driver->world->signals->watch(driver->world->signals->context, NULL, NULL);
    progress_open(driver);
    if (driver->screen == NULL && driver_is_open(driver))
        say_standing(driver);
    code = follow_journal(driver, error);
    progress_look(driver);
    progress_close(driver);
    if (code != ERROR_OK)
        return code;
    *ret_status = EXIT_DONE;
    if (driver->found && !driver_is_open(driver))
        progress_outage(driver);
    say_standing(driver);
    return ERROR_OK;
}
