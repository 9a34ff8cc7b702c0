/* begin: opens a deployment, signed by the operator's own key, with a fresh session key. */
#include "fsm/commands/command_line.h"

#include <stdio.h>
#include <string.h>

#include "fsm/roster/authority.h"
#include "fsm/roster/genesis.h"
#include "fsm/roster/settings.h"
#include "fsm/terminal/progress.h"
#include "journal/canonical.h"
#include "journal/format/names.h"
#include "journal/format/text.h"

/* What genesis pins is in force; a configuration that differs describes another target. */
static enum error_code check_pinned(struct driver *driver, struct error *error)
{
    const json_t *target = json_object_get(driver->genesis.body, "target");
    const char *host_key = json_string_value(json_object_get(target, "host_key"));
    CLEANUP_JSON json_t *now = genesis_json(&driver->config, host_key != NULL ? host_key : "");
    if (now == NULL)
        return error_set(error, ERROR_MEMORY, 0, "begin", "", "out of memory");
    if (!json_equal(target, json_object_get(now, "target")))
        return error_set(error, ERROR_CONFIG, 0, driver->options.config_path,
                         "restore it, or begin a new journal with `titan-fsm init`",
                         "'target' is not what this journal's genesis pins");
    CLEANUP_JSON json_t *in_force = NULL;
    uint64_t place;
    enum error_code code = settings_load(driver->journal, &in_force, &place, error);
    const char *key = code == ERROR_OK ? settings_difference(in_force, now) : NULL;
    if (key != NULL)
        return error_set(error, ERROR_CONFIG, 0, driver->options.config_path,
                         "restore it, or titan-fsm settings --reason TEXT as an administrator",
                         "'%s' is not what entry %llu of the journal pins", key,
                         (unsigned long long)place);
    return code;
}

static enum error_code check_words(const struct command_line *line, const struct config *config,
                                   enum procedure procedure, struct error *error)
{
    if (procedure == PROCEDURE_INVALID)
        return error_set(
            error, ERROR_USAGE, 0, "begin",
            "titan-fsm begin release --reason TEXT, or titan-fsm begin policy --reason TEXT",
            "no such procedure: %s", line->words[0]);
    if (procedure == PROCEDURE_POLICY && config->setup.services.execution[0] == '\0')
        return error_set(error, ERROR_CONFIG, 0, "begin",
                         "name services.execution and services.brain",
                         "this target has no shared policy hash to change");
    if (line->commit[0] != '\0' && !bytes_is_hex(line->commit, 40))
        return error_set(error, ERROR_USAGE, 0, "begin", "give all 40 hex digits",
                         "--commit is not a full commit: %s", line->commit);
    if (line->expect[0] != '\0' && !bytes_is_hex(line->expect, SHA256_HEX))
        return error_set(error, ERROR_USAGE, 0, "begin", "give all 64 lower-case hex digits",
                         "--expect is not a policy hash: %s", line->expect);
    return ERROR_OK;
}

static int pinned_approvals(const struct driver *driver, enum procedure procedure)
{
    return procedure == PROCEDURE_POLICY ? driver->config.approvals.policy
                                         : driver->config.approvals.release;
}

/* What this deployment requires beyond genesis: more, never less, and only what somebody can give.
 */
static enum error_code check_additions(struct driver *driver, const struct command_line *line,
                                       enum procedure procedure, struct error *error)
{
    CLEANUP_ROSTER struct roster roster = {0};
    uint64_t entries;
    int pinned = pinned_approvals(driver, procedure),
        wanted = line->approvals >= 0 ? line->approvals : pinned;
    for (int i = 0; i < line->check_count; i++)
        if (!config_has_check(&driver->config, line->checks[i]))
            return error_set(error, ERROR_REFUSED, 0, line->checks[i],
                             "see `checklist` in the configuration",
                             "the checklist has no such item");
    if (wanted < pinned)
        return error_set(error, ERROR_REFUSED, 0, "--approvals", "omit it, or ask for more",
                         "the journal requires %d approval%s; `begin` can only add more", pinned,
                         text_many((uint64_t)pinned));
    enum error_code code = journal_size(driver->journal, &entries, error);
    if (code == ERROR_OK)
        code = roster_load(driver->journal, entries, &roster, error);
    if (code != ERROR_OK)
        return code;
    size_t others = roster_others(&roster, ROSTER_APPROVER,
                                  signer_public_key(driver->operator_signer),
                                  driver->config.operator.principal);
    if (others < (size_t)wanted)
        return error_set(
            error, ERROR_REFUSED, 0, driver->config.setup.target.name,
            "titan-fsm roster add approver LINE --reason WHY, before the deployment is opened",
            "it takes %d approval%s; the roster in force has %zu approver%s besides you", wanted,
            text_many((uint64_t)wanted), others, text_many(others));
    return ERROR_OK;
}

static json_t *open_json(const struct driver *driver, const struct command_line *line,
                         enum procedure procedure, const char *session)
{
    const struct config *config = &driver->config;
    char table[SHA256_HEX + 1];
    machine_digest(table);
    int approvals = line->approvals >= 0 ? line->approvals : pinned_approvals(driver, procedure);
    json_t *body = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:o, s:i, s:s}",
                             "procedure", machine_procedure_name(procedure), "operator",
                             config->operator.principal, "reason", line->reason, "session", session,
                             "table", table, "program", "titan-fsm " TITAN_VERSION, "branch",
                             config->setup.repository.branch, "commit", line->commit, "expect",
                             line->expect, "checklist",
                             genesis_list_json(line->checks, (size_t)line->check_count),
                             "approvals", approvals, "config", config->sha256);
    if (body != NULL && line->again)
        (void)json_object_set_new(body, "again", json_true());
    return body;
}

/* Of the deployment before this one; what other journals know of is found on the target. */
static enum error_code check_not_rolled_back(const struct driver *driver,
                                             const struct command_line *line, struct error *error)
{
    const struct deployment *last = &driver->deployment;
    if (!driver->found || last->state != STATE_ROLLED_BACK || line->again)
        return ERROR_OK;
    const char *commit = deployment_facts(last, STATE_UPDATED).commit;
    if (commit[0] == '\0' || strcmp(commit, deployment_facts(last, STATE_CONNECTED).commit) == 0)
        return ERROR_OK;
    if (strcmp(line->commit, commit) == 0)
        return error_set(error, ERROR_REFUSED, 0, commit,
                         "deploy another commit; or add --again, if this one is meant",
                         "deployment %llu went to this commit and was rolled back",
                         (unsigned long long)last->number);
    progress_word(driver,
                  "deployment %llu went to commit %.12s and was rolled back; to go to it again, "
                  "begin with --again",
                  (unsigned long long)last->number, commit);
    return ERROR_OK;
}

static enum error_code open_deployment(struct driver *driver, const struct command_line *line,
                                       enum procedure procedure, struct error *error)
{
    char public_key[SHA256_HEX + 1];
    uint64_t size = 0, seq = 0;
    enum error_code code = driver_create_session(driver, public_key, &size, error);
    if (code != ERROR_OK)
        return code;
    CLEANUP_JSON json_t *body = open_json(driver, line, procedure, public_key);
    if (body == NULL)
        return error_set(error, ERROR_USAGE, 0, "begin", "write the reason in UTF-8",
                         "the reason is not valid UTF-8");
    code = record_own(&driver->recorder, ENTRY_OPEN, JOURNAL_DEPLOYMENT_SELF, body, &seq, error);
    if (code == ERROR_OK && seq != size)
        return error_set(error, ERROR_HELD, 0, driver->config.journal,
                         "titan-fsm abort --reason TEXT, then begin again",
                         "another process wrote to the journal at the same moment, so the session "
                         "key's file has the wrong number");
    return code;
}

enum error_code command_begin(const struct command_line *line, enum exit_status *ret_status,
                              struct error *error)
{
    struct driver *driver = line->driver;
    enum error_code code = driver_open(driver, &line->options, DRIVER_WRITES | DRIVER_DRIVES,
                                       error);
    if (code != ERROR_OK)
        return code;
    enum procedure procedure = machine_procedure_by_name(line->words[0]);
    code = check_words(line, &driver->config, procedure, error);
    if (code == ERROR_OK && driver_is_open(driver))
        code = error_set(error, ERROR_REFUSED, 0, driver->config.setup.target.name,
                         "titan-fsm status", "deployment %llu is still open, in %s",
                         (unsigned long long)driver->deployment.number,
                         machine_state_name(driver->deployment.state));
    if (code == ERROR_OK)
        code = check_pinned(driver, error);
    if (code == ERROR_OK)
        code = check_not_rolled_back(driver, line, error);
    if (code == ERROR_OK)
        code = driver_unlock(driver, error);
    if (code == ERROR_OK)
        code = authority_check_own(driver, ROSTER_OPERATOR, error);
    if (code == ERROR_OK)
        code = check_additions(driver, line, procedure, error);
    if (code == ERROR_OK)
        code = open_deployment(driver, line, procedure, error);
    if (code == ERROR_OK)
        code = driver_reload(driver, error);
    if (code != ERROR_OK)
        return code;
    progress_word(driver, "deployment %llu opened; next: titan-fsm advance, or titan-fsm run",
                  (unsigned long long)driver->deployment.number);
    *ret_status = EXIT_DONE;
    return ERROR_OK;
}
