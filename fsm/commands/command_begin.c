/* The commands that an operator signs with his own key: keygen, init, begin, attest. */
#include "fsm/commands/command.h"

#include <stdio.h>
#include <string.h>

#include "actions/checklist/preflight.h"
#include "fsm/roster/authority.h"
#include "fsm/roster/genesis.h"
#include "fsm/terminal/progress.h"
#include "journal/canonical.h"
#include "journal/format/sshsig.h"
#include "journal/format/names.h"

static enum error_code no_memory(struct error *error)
{
    return error_set(error, ERROR_MEMORY, 0, "journal", "", "out of memory");
}

enum error_code command_keygen(const struct command_line *line, enum exit_status *ret_status,
                               struct error *error)
{
    uint8_t key[KEY_BYTES];
    enum error_code code = keyfile_generate(line->words[0], &line->options.passphrase,
                                            line->comment, key, error);
    if (code != ERROR_OK)
        return code;
    char text[SSH_PUBLIC_KEY_TEXT_MAX];
    ssh_public_key_text(key, text);
    printf("%s namespaces=\"%s,%s\" %s\n", line->comment[0] != '\0' ? line->comment : "operator",
           SSHSIG_NAMESPACE_JOURNAL, SSHSIG_NAMESPACE_APPROVAL, text);
    *ret_status = EXIT_DONE;
    return ERROR_OK;
}

enum error_code command_init(const struct command_line *line, enum exit_status *ret_status,
                             struct error *error)
{
    CLEANUP_DRIVER struct driver driver = {0};
    struct target *target;
    if (line->succeed != NULL)
        return command_succeed(line, ret_status, error);
    enum error_code code = driver_open_config(&driver, &line->options, true, error);
    if (code == ERROR_OK)
        code = driver_target(&driver, &target, error);
    if (code != ERROR_OK)
        return code;
    CLEANUP_JSON json_t *body = genesis_json(&driver.config, target_host_key(target));
    if (body == NULL)
        return no_memory(error);
    code = genesis_check_roster(&driver, json_object_get(body, "roster"), error);
    if (code == ERROR_OK)
        code = journal_create(driver.config.journal, driver.clock, &driver.journal, error);
    if (code != ERROR_OK)
        return code;
    driver.recorder.journal = driver.journal;
    code = record_own(&driver.recorder, ENTRY_GENESIS, JOURNAL_NO_DEPLOYMENT, body, NULL, error);
    if (code == ERROR_OK)
        progress_word(&driver,
                      "journal %s of %s begun; next: titan-fsm begin release|policy --reason TEXT",
                      journal_id(driver.journal), driver.config.setup.target.name);
    *ret_status = EXIT_DONE;
    return code;
}

/* What genesis pinned holds: a configuration that says otherwise is another target. */
static enum error_code check_pinned(struct driver *driver, struct error *error)
{
    CLEANUP_ENTRY struct journal_entry genesis = {0};
    enum error_code code = journal_read(driver->journal, 0, &genesis, error);
    if (code != ERROR_OK)
        return code;
    const char *host_key = json_string_value(
        json_object_get(json_object_get(genesis.body, "target"), "host_key"));
    CLEANUP_JSON json_t *now = genesis_json(&driver->config, host_key != NULL ? host_key : "");
    if (now == NULL)
        return no_memory(error);
    static const char *const pinned[] = {"target",   "services", "endpoints", "marker",
                                         "patterns", "limits",   "checklist", "approvals"};
    for (size_t i = 0; i < sizeof pinned / sizeof pinned[0]; i++)
        if (!json_equal(json_object_get(genesis.body, pinned[i]), json_object_get(now, pinned[i])))
            return error_set(error, ERROR_CONFIG, 0, driver->options.config_path,
                             "restore it, or begin a new journal with `titan-fsm init`",
                             "'%s' is not what this journal's genesis pins", pinned[i]);
    return ERROR_OK;
}

static enum error_code check_words(const struct command_line *line, const struct config *config,
                                   enum procedure procedure, struct error *error)
{
    if (procedure == PROCEDURE_INVALID)
        return error_set(error, ERROR_USAGE, 0, "begin",
                         "titan-fsm begin release, or titan-fsm begin policy",
                         "no such procedure: %s", line->words[0]);
    if (procedure == PROCEDURE_POLICY && config->setup.services.execution[0] == '\0')
        return error_set(error, ERROR_CONFIG, 0, "begin",
                         "name services.execution and services.brain",
                         "there is no shared policy hash to change");
    if (line->commit[0] != '\0' && !bytes_is_hex(line->commit, 40))
        return error_set(error, ERROR_USAGE, 0, "begin", "give all 40 hex digits",
                         "--commit is no full commit: %s", line->commit);
    if (line->expect[0] != '\0' && !bytes_is_hex(line->expect, SHA256_HEX))
        return error_set(error, ERROR_USAGE, 0, "begin", "give all 64 lower-case hex digits",
                         "--expect is no policy hash: %s", line->expect);
    return ERROR_OK;
}

static bool is_check(const struct setup *setup, const char *item)
{
    for (size_t i = 0; i < setup->check_count; i++)
        if (strcmp(setup->checks[i].id, item) == 0)
            return true;
    return false;
}

static int pinned_approvals(const struct driver *driver, enum procedure procedure)
{
    return procedure == PROCEDURE_POLICY ? driver->config.approvals.policy
                                         : driver->config.approvals.release;
}

/* What this deployment asks for beyond genesis: more, never less, and nothing that nobody could
 * give. */
static enum error_code check_additions(struct driver *driver, const struct command_line *line,
                                       enum procedure procedure, struct error *error)
{
    CLEANUP_ROSTER struct roster roster = {0};
    struct journal_head head;
    int pinned = pinned_approvals(driver, procedure),
        wanted = line->approvals >= 0 ? line->approvals : pinned;
    for (int i = 0; i < line->check_count; i++)
        if (!is_check(&driver->config.setup, line->checks[i]))
            return error_set(error, ERROR_REFUSED, 0, line->checks[i],
                             "see `checklist` in the configuration",
                             "the checklist has no such item");
    if (wanted < pinned)
        return error_set(error, ERROR_REFUSED, 0, "--approvals", "leave it out, or ask for more",
                         "genesis pins %d approvals, and an open can only add to them", pinned);
    enum error_code code = journal_head(driver->journal, &head, error);
    if (code == ERROR_OK)
        code = roster_load(driver->journal, head.size, &roster, error);
    if (code != ERROR_OK)
        return code;
    size_t others = roster_others(&roster, ROSTER_APPROVER,
                                  signer_public_key(driver->operator_signer),
                                  driver->config.operator.principal);
    if (others < (size_t)wanted)
        return error_set(
            error, ERROR_REFUSED, 0, driver->config.setup.target.name,
            "titan-fsm roster add approver LINE --reason WHY, before the deployment is opened",
            "%d approvals are asked for, and the roster in force has %zu approvers besides you",
            wanted, others);
    return ERROR_OK;
}

static json_t *open_json(const struct driver *driver, const struct command_line *line,
                         enum procedure procedure, const char *session)
{
    const struct config *config = &driver->config;
    char table[SHA256_HEX + 1];
    machine_digest(table);
    int approvals = line->approvals >= 0 ? line->approvals : pinned_approvals(driver, procedure);
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:o, s:i, s:s}", "procedure",
                     machine_procedure_name(procedure), "operator", config->operator.principal,
                     "reason", line->reason, "session", session, "table", table, "program",
                     "titan-fsm " TITAN_VERSION, "branch", config->setup.repository.branch,
                     "commit", line->commit, "expect", line->expect, "checklist",
                     genesis_list_json(line->checks, (size_t)line->check_count), "approvals",
                     approvals, "config", config->sha256);
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
                         "the deployment cannot be written down");
    code = record_own(&driver->recorder, ENTRY_OPEN, JOURNAL_DEPLOYMENT_SELF, body, &seq, error);
    if (code == ERROR_OK && seq != size)
        return error_set(error, ERROR_HELD, 0, driver->config.journal,
                         "titan-fsm abort --reason TEXT, then begin again",
                         "another process wrote to the journal in this very moment, so the session "
                         "key carries the wrong number");
    return code;
}

enum error_code command_begin(const struct command_line *line, enum exit_status *ret_status,
                              struct error *error)
{
    CLEANUP_DRIVER struct driver driver = {0};
    enum error_code code = driver_open(&driver, &line->options, DRIVER_WRITES | DRIVER_DRIVES,
                                       error);
    if (code != ERROR_OK)
        return code;
    enum procedure procedure = machine_procedure_by_name(line->words[0]);
    code = check_words(line, &driver.config, procedure, error);
    if (code == ERROR_OK && driver_is_open(&driver))
        code = error_set(error, ERROR_REFUSED, 0, driver.config.setup.target.name,
                         "titan-fsm status", "deployment %llu is still open, in %s",
                         (unsigned long long)driver.deployment.number,
                         machine_state_name(driver.deployment.state));
    if (code == ERROR_OK)
        code = check_pinned(&driver, error);
    if (code == ERROR_OK)
        code = driver_unlock(&driver, error);
    if (code == ERROR_OK)
        code = authority_check_own(&driver, ROSTER_OPERATOR, error);
    if (code == ERROR_OK)
        code = check_additions(&driver, line, procedure, error);
    if (code == ERROR_OK)
        code = open_deployment(&driver, line, procedure, error);
    if (code == ERROR_OK)
        code = driver_reload(&driver, error);
    if (code != ERROR_OK)
        return code;
    progress_word(&driver, "deployment %llu opened; next: titan-fsm advance, or titan-fsm run",
                  (unsigned long long)driver.deployment.number);
    *ret_status = EXIT_DONE;
    return ERROR_OK;
}

/* A person answers what no probe can: what one decided is mended, and not talked away. */
static enum error_code check_undecided(struct driver *driver, const char *item, struct error *error)
{
    CLEANUP_BYTES struct bytes output = {0};
    const struct journal_entry *entry;
    uint8_t hash[SHA256_BYTES];
    const json_t *found = deployment_check(&driver->deployment, item, &entry);
    json_int_t status = json_integer_value(json_object_get(found, "status"));
    if (found == NULL || status == PREFLIGHT_UNDECIDED)
        return ERROR_OK;
    if (status == PREFLIGHT_PASSED)
        return error_set(error, ERROR_REFUSED, 0, item, "titan-fsm advance",
                         "a probe decides this, and it passed");
    const char *hex = json_string_value(json_object_get(found, "output"));
    if (hex == NULL || !bytes_from_hex(hex, strlen(hex), hash, sizeof hash))
        return error_set(error, ERROR_DAMAGED, 0, item,
                         "run titan-verify on the journal and keep a copy of it",
                         "an item of evidence names no blob");
    enum error_code code = journal_blob(driver->journal, hash, &output, error);
    if (code != ERROR_OK)
        return code;
    return error_set(error, ERROR_REFUSED, 0, item, "mend it, then titan-fsm advance",
                     "a probe decides this; it failed: %.300s",
                     output.size > 0 ? (const char *)output.data : "in silence");
}

enum error_code command_attest(const struct command_line *line, enum exit_status *ret_status,
                               struct error *error)
{
    CLEANUP_DRIVER struct driver driver = {0};
    const char *item = line->words[0];
    enum error_code code = driver_open(&driver, &line->options,
                                       DRIVER_WRITES | DRIVER_DRIVES | DRIVER_OPERATOR, error);
    if (code != ERROR_OK)
        return code;
    bool acceptance = strcmp(item, "rollback_failed") == 0;
    if (!driver_is_open(&driver))
        return error_set(error, ERROR_REFUSED, 0, item,
                         "titan-fsm begin release|policy --reason TEXT", "no deployment is open");
    if (acceptance != (driver.deployment.state == STATE_ROLLBACK_FAILED))
        return error_set(error, ERROR_REFUSED, 0, item, "titan-fsm status",
                         "in %s there is nothing of this kind to attest",
                         machine_state_name(driver.deployment.state));
    if (!acceptance && !is_check(&driver.config.setup, item))
        return error_set(error, ERROR_REFUSED, 0, item, "see `checklist` in the configuration",
                         "the checklist has no such item");
    code = authority_check_own(&driver, ROSTER_OPERATOR, error);
    if (code == ERROR_OK && !acceptance)
        code = check_undecided(&driver, item, error);
    if (code != ERROR_OK)
        return code;
    CLEANUP_JSON json_t *body = json_pack("{s:s, s:s, s:s, s:s}", "item", item, "answer",
                                          acceptance ? "accepted" : "passed", "reason",
                                          line->reason, "operator",
                                          driver.config.operator.principal);
    if (body == NULL)
        return no_memory(error);
    code = record_own(&driver.recorder, ENTRY_ATTESTATION, (int64_t)driver.deployment.number, body,
                      NULL, error);
    if (code == ERROR_OK)
        code = driver_reload(&driver, error);
    if (code == ERROR_OK && driver.deployment.ended)
        code = driver_forget_session(&driver, error);
    if (code == ERROR_OK)
        progress_word(
            &driver,
            acceptance
                ? "%s accepted by %s, and the deployment is over; next: titan-fsm export FILE"
                : "%s attested by %s; next: titan-fsm advance, or titan-fsm run",
            item, driver.config.operator.principal);
    *ret_status = EXIT_DONE;
    return code;
}
