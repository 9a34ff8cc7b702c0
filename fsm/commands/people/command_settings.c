/* settings: replaces what genesis pins, beside the roster, by what titan.yml says now. */
#include "fsm/commands/command_line.h"

#include <stdio.h>

#include "fsm/roster/authority.h"
#include "fsm/roster/genesis.h"
#include "fsm/roster/settings.h"
#include "fsm/terminal/progress.h"
#include "journal/canonical.h"
#include "journal/format/names.h"

struct settings_change {
    struct driver *driver;
    const struct command_line *line;
    uint64_t entry; /* the one that records it; 0 = nothing differs */
};

/* Compared and recorded against the same journal head, while no deployment is open. */
static enum error_code record_settings(void *context, uint64_t size, struct error *error)
{
    struct settings_change *change = context;
    struct driver *driver = change->driver;
    CLEANUP_JSON json_t *in_force = NULL;
    uint64_t place;
    enum error_code code = driver_reload(driver, error);
    if (code == ERROR_OK && driver_is_open(driver))
        return error_set(error, ERROR_REFUSED, 0, driver->config.setup.target.name,
                         "titan-fsm status; the settings can change once it has ended",
                         "a deployment is open, and its settings stay as they were");
    if (code == ERROR_OK)
        code = authority_check_own(driver, ROSTER_ADMINISTRATOR, error);
    if (code == ERROR_OK)
        code = settings_load(driver->journal, &in_force, &place, error);
    if (code != ERROR_OK)
        return code;
    CLEANUP_JSON json_t *body = genesis_settings_json(&driver->config, change->line->reason);
    if (body == NULL)
        return error_set(error, ERROR_USAGE, 0, "settings", "write the reason in UTF-8",
                         "the reason is not valid UTF-8");
    if (settings_difference(in_force, body) == NULL)
        return ERROR_OK;
    driver->recorder.decided_at = size;
    return record_own(&driver->recorder, ENTRY_SETTINGS, JOURNAL_NO_DEPLOYMENT, body,
                      &change->entry, error);
}

static enum error_code show_difference(struct driver *driver, struct error *error)
{
    CLEANUP_JSON json_t *in_force = NULL;
    uint64_t place;
    enum error_code code = settings_load(driver->journal, &in_force, &place, error);
    if (code != ERROR_OK)
        return code;
    CLEANUP_JSON json_t *now = genesis_settings_json(&driver->config, "");
    if (now == NULL)
        return error_set(error, ERROR_MEMORY, 0, "settings", "", "out of memory");
    const char *key = settings_difference(in_force, now);
    if (key == NULL)
        printf("The settings of entry %llu are those of %s\n", (unsigned long long)place,
               driver->options.config_path);
    else
        printf("%s differs from entry %llu in `%s`; to change it: titan-fsm settings --reason "
               "TEXT\n",
               driver->options.config_path, (unsigned long long)place, key);
    return ERROR_OK;
}

enum error_code command_settings(const struct command_line *line, enum exit_status *ret_status,
                                 struct error *error)
{
    struct driver *driver = line->driver;
    struct settings_change change = {.driver = driver, .line = line};
    bool changes = line->reason[0] != '\0';
    *ret_status = EXIT_DONE;
    enum error_code code = driver_open(driver, &line->options,
                                       changes ? DRIVER_WRITES | DRIVER_OPERATOR : DRIVER_READS,
                                       error);
    if (code == ERROR_OK && !changes)
        return show_difference(driver, error);
    if (code == ERROR_OK)
        code = journal_append_moving(driver->journal, record_settings, &change, error);
    if (code != ERROR_OK)
        return code;
    if (change.entry == 0)
        progress_word(driver, "nothing changed: the settings in force are those of %s",
                      driver->options.config_path);
    else
        progress_word(driver, "entry %llu changes the settings for deployments opened from now on",
                      (unsigned long long)change.entry);
    return ERROR_OK;
}
