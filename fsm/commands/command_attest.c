/* attest: the operator's signed answer to a checklist item that no probe can decide, and the
 * acceptance of a failed rollback. */
#include "fsm/commands/command_line.h"
#include "fsm/past/recorded.h"

#include <stdio.h>
#include <string.h>

#include "actions/checklist/preflight.h"
#include "fsm/roster/authority.h"
#include "fsm/terminal/progress.h"
#include "journal/canonical.h"
#include "journal/format/names.h"

/* A person answers only what no probe can decide; a failed probe is fixed, not overruled. */
static enum error_code check_undecided(struct driver *driver, const char *item, struct error *error)
{
    CLEANUP_BYTES struct bytes output = {0};
    const struct journal_entry *entry;
    const json_t *found = deployment_check(&driver->deployment, item, &entry);
    json_int_t status = json_integer_value(json_object_get(found, "status"));
    if (found == NULL || status == PREFLIGHT_UNDECIDED)
        return ERROR_OK;
    if (status == PREFLIGHT_PASSED)
        return error_set(error, ERROR_REFUSED, 0, item, "titan-fsm advance",
                         "a probe decides this item, and it passed");
    enum error_code code = item_output(driver->journal, found, &output, error);
    if (code != ERROR_OK)
        return code;
    return error_set(error, ERROR_REFUSED, 0, item, "fix it, then titan-fsm advance",
                     "a probe decides this item, and it failed: %.300s",
                     output.size > 0 ? (const char *)output.data : "without output");
}

enum error_code command_attest(const struct command_line *line, enum exit_status *ret_status,
                               struct error *error)
{
    struct driver *driver = line->driver;
    const char *item = line->words[0];
    enum error_code code = driver_open(driver, &line->options,
                                       DRIVER_WRITES | DRIVER_DRIVES | DRIVER_OPERATOR, error);
    if (code != ERROR_OK)
        return code;
    bool acceptance = strcmp(item, "rollback_failed") == 0;
    if (!driver_is_open(driver))
        return error_set(error, ERROR_REFUSED, 0, item, "titan-fsm begin release --reason TEXT",
                         "no deployment is open");
    if (acceptance != (driver->deployment.state == STATE_ROLLBACK_FAILED))
        return error_set(error, ERROR_REFUSED, 0, item, "titan-fsm status",
                         "in %s this cannot be attested",
                         machine_state_name(driver->deployment.state));
    if (!acceptance && !config_has_check(&driver->config, item))
        return error_set(error, ERROR_REFUSED, 0, item, "see `checklist` in the configuration",
                         "the checklist has no such item");
    code = authority_check_own(driver, ROSTER_OPERATOR, error);
    if (code == ERROR_OK && !acceptance)
        code = check_undecided(driver, item, error);
    if (code != ERROR_OK)
        return code;
    CLEANUP_JSON json_t *body = json_pack("{s:s, s:s, s:s, s:s}", "item", item, "answer",
                                          acceptance ? "accepted" : "passed", "reason",
                                          line->reason, "operator",
                                          driver->config.operator.principal);
    if (body == NULL)
        return error_set(error, ERROR_MEMORY, 0, "attest", "", "out of memory");
    code = record_own(&driver->recorder, ENTRY_ATTESTATION, (int64_t)driver->deployment.number,
                      body, NULL, error);
    if (code == ERROR_OK)
        code = driver_reload(driver, error);
    if (code == ERROR_OK && driver->deployment.ended)
        code = driver_forget_session(driver, error);
    if (code == ERROR_OK)
        progress_word(driver,
                      acceptance
                          ? "%s accepted by %s; the deployment is over; next: titan-fsm export FILE"
                          : "%s attested by %s; next: titan-fsm advance, or titan-fsm run",
                      item, driver->config.operator.principal);
    *ret_status = EXIT_DONE;
    return code;
}
