/* init: the genesis entry of a journal, and the journal's directory. */
#include "fsm/commands/command_line.h"

#include "fsm/roster/genesis.h"
#include "fsm/terminal/progress.h"
#include "journal/canonical.h"
#include "journal/format/names.h"

enum error_code command_init(const struct command_line *line, enum exit_status *ret_status,
                             struct error *error)
{
    struct driver *driver = line->driver;
    struct target *target;
    if (line->succeed != NULL)
        return command_succeed(line, ret_status, error);
    enum error_code code = driver_open_config(driver, &line->options, true, error);
    if (code == ERROR_OK)
        code = driver_target(driver, &target, error);
    if (code != ERROR_OK)
        return code;
    CLEANUP_JSON json_t *body = genesis_json(&driver->config, target_host_key(target));
    if (body == NULL)
        return error_set(error, ERROR_MEMORY, 0, "init", "", "out of memory");
    code = genesis_check_roster(driver, json_object_get(body, "roster"), error);
    if (code == ERROR_OK)
        code = journal_create(driver->config.journal, driver->world, &driver->journal, error);
    if (code != ERROR_OK)
        return code;
    driver->recorder.journal = driver->journal;
    code = record_own(&driver->recorder, ENTRY_GENESIS, JOURNAL_NO_DEPLOYMENT, body, NULL, error);
    if (code == ERROR_OK)
        progress_word(driver, "journal %s of %s begun; next: titan-fsm begin release --reason TEXT",
                      journal_id(driver->journal), driver->config.setup.target.name);
    *ret_status = EXIT_DONE;
    return code;
}
