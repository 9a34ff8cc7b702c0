/* init --succeed: a new journal for a target whose journal is lost. For an administrator, when no
 * holder is alive. Order: genesis, which names the old head as the target knew it; Execution
 * disarmed and seen so; what runs, recorded; and last the target: freed, epoch raised, this
 * journal's. Until then the target refuses the new journal, so nothing can be begun in it too
 * early. The same command again finishes it. */
#include "fsm/commands/command_line.h"

#include <stdlib.h>
#include <string.h>

#include "actions/compose/compose.h"
#include "actions/compose/compose_hold.h"
#include "actions/git.h"
#include "actions/interlock.h"
#include "actions/parity.h"
#include "fsm/roster/genesis.h"
#include "fsm/roster/authority.h"
#include "fsm/steps/disarm.h"
#include "fsm/keep_tenancy.h"
#include "fsm/terminal/progress.h"
#include "journal/canonical.h"
#include "journal/format/format.h"
#include "journal/format/names.h"

/* Whose key signs genesis and what is done here: an administrator, who is an operator too. */
static enum error_code check_roles(const struct driver *driver, const json_t *lines,
                                   struct error *error)
{
    CLEANUP_ROSTER struct roster roster = {0};
    const uint8_t *key = signer_public_key(driver->operator_signer);
    const char *principal = driver->config.operator.principal;
    enum error_code code = genesis_check_roster(driver, lines, error);
    if (code == ERROR_OK)
        code = roster_read(lines, &roster, error);
    if (code != ERROR_OK)
        return code;
    if (roster_find(&roster, ROSTER_ADMINISTRATOR, key, principal) != NULL
        && roster_find(&roster, ROSTER_OPERATOR, key, principal) != NULL)
        return ERROR_OK;
    return error_set(
        error, ERROR_KEY_REFUSED, 0, principal,
        "ask one who is both, or add the missing line to `roster` in titan.yml",
        "a journal that succeeds another is begun by an operator who is an administrator too, and "
        "this key under this principal is not both in `roster`");
}

/* The journal that an earlier run of this command began, to be finished. */
static enum error_code resume_succession(struct driver *driver, const char *lost,
                                         struct error *error)
{
    CLEANUP_ENTRY struct journal_entry genesis = {0};
    enum error_code code = journal_open(driver->config.journal, driver->world, false,
                                        &driver->journal, error);
    if (code == ERROR_OK)
        code = journal_read(driver->journal, 0, &genesis, error);
    if (code != ERROR_OK)
        return code;
    const char *named = json_string_value(
        json_object_get(json_object_get(genesis.body, "succeeds"), "journal"));
    if (named == NULL || strcmp(named, lost) != 0)
        return error_set(error, ERROR_REFUSED, 0, driver->config.journal,
                         "name another directory for the new journal in the configuration",
                         "this directory holds a journal that does not succeed the given one");
    driver->recorder.journal = driver->journal;
    code = driver_reload(driver, error);
    if (code == ERROR_OK && driver->found)
        return error_set(
            error, ERROR_REFUSED, 0, driver->config.journal, "titan-fsm status",
            "this journal has already succeeded the lost one, and deployments were opened in it");
    return code;
}

static enum error_code begin_successor(struct driver *driver, json_t *body,
                                       const struct tenancy *now, struct error *error)
{
    json_t *succeeds = json_pack("{s:s, s:I, s:s}", "journal", now->journal, "seq",
                                 (json_int_t)now->head_seq, "hash", now->head_hash);
    if (json_object_set_new(body, "succeeds", succeeds) != 0)
        return error_set(error, ERROR_MEMORY, 0, "genesis", "", "out of memory");
    enum error_code code = journal_create(driver->config.journal, driver->world, &driver->journal,
                                          error);
    if (code != ERROR_OK)
        return code;
    driver->recorder.journal = driver->journal;
    return record_own(&driver->recorder, ENTRY_GENESIS, JOURNAL_NO_DEPLOYMENT, body, NULL, error);
}

/* Which head genesis names; the journal's text is copied, because the entry goes away. */
struct lost {
    struct tenancy_lost lost;
    char journal[FORMAT_JOURNAL_ID_HEX + 1], hash[SHA256_HEX + 1];
};

static enum error_code read_lost(struct driver *driver, struct lost *ret_lost, struct error *error)
{
    CLEANUP_ENTRY struct journal_entry genesis = {0};
    enum error_code code = journal_read(driver->journal, 0, &genesis, error);
    if (code != ERROR_OK)
        return code;
    const char *journal, *hash;
    json_int_t seq;
    if (json_unpack(genesis.body, "{s:{s:s, s:I, s:s}}", "succeeds", "journal", &journal, "seq",
                    &seq, "hash", &hash)
            != 0
        || !bytes_is_hex(journal, FORMAT_JOURNAL_ID_HEX) || !bytes_is_hex(hash, SHA256_HEX))
        return error_set(error, ERROR_DAMAGED, 0, driver->config.journal, "run titan-verify on it",
                         "its genesis does not name the journal that it succeeds");
    memcpy(ret_lost->journal, journal, sizeof ret_lost->journal);
    memcpy(ret_lost->hash, hash, sizeof ret_lost->hash);
    ret_lost->lost = (struct tenancy_lost){.journal = ret_lost->journal,
                                           .head_hash = ret_lost->hash,
                                           .head_seq = seq};
    return ERROR_OK;
}

/* What the probes of record_what_runs() fill; the evidence is what counts. */
struct first_look {
    struct git_state git;
    struct compose_model model;
    struct containers containers;
    struct images images;
    struct interlock_view interlock;
    struct parity_view parity;
};

static enum error_code probe_what_runs(struct target *target, bool policy, struct first_look *look,
                                       struct evidence *evidence, struct error *error)
{
    enum error_code code = git_look(target, evidence, &look->git, error);
    if (code == ERROR_OK)
        code = compose_fingerprints(target, COMPOSE_KEY_MAKE, evidence, error);
    if (code == ERROR_OK)
        code = compose_render(target, evidence, &look->model, error);
    if (code == ERROR_OK)
        code = compose_containers(target, evidence, &look->containers, error);
    if (code == ERROR_OK)
        code = compose_images(target, &look->model, evidence, &look->images, error);
    if (code == ERROR_OK && policy)
        code = interlock_look(target, &(struct interlock_question){0}, evidence, &look->interlock,
                              error);
    return code == ERROR_OK && policy ? parity_look(target, &look->containers, PARITY_BRAIN, "",
                                                    evidence, &look->parity, error)
                                      : code;
}

/* What runs at the beginning of this journal: the same probes as the before snapshot of
 * `connected`. */
static enum error_code record_what_runs(struct driver *driver, struct target *target,
                                        struct evidence *evidence, struct error *error)
{
    bool policy = driver->config.setup.services.execution[0] != '\0';
    struct first_look *look = calloc(1, sizeof *look);
    if (look == NULL)
        return error_set(error, ERROR_MEMORY, 0, "init", "", "out of memory");
    enum error_code code = probe_what_runs(target, policy, look, evidence, error);
    free(look);
    return code;
}

static bool is_execution_running(const struct driver *driver, const struct containers *containers)
{
    for (size_t i = 0; i < containers->count; i++)
        if (strcmp(containers->list[i].service, driver->config.setup.services.execution) == 0
            && container_runs(&containers->list[i]))
            return true;
    return false;
}

static enum error_code look_whether_execution_runs(struct driver *driver, struct target *target,
                                                   struct evidence *evidence, bool *ret_runs,
                                                   struct error *error)
{
    struct containers *containers = calloc(1, sizeof *containers); /* too large for the stack */
    if (containers == NULL)
        return error_set(error, ERROR_MEMORY, 0, "succeed", "", "out of memory");
    enum error_code code = compose_containers(target, evidence, containers, error);
    if (code == ERROR_OK)
        *ret_runs = is_execution_running(driver, containers);
    free(containers);
    return code;
}

static enum error_code disarm_on_record(struct driver *driver, const char *reason,
                                        struct evidence *evidence, struct disarm_seen *ret_seen,
                                        struct error *error)
{
    char key[33];
    const struct disarm_draft draft = {.key = key, .reason = reason, .evidence = evidence};
    driver_key(driver, key);
    enum error_code code = disarm_record_intent(driver, &draft, error);
    if (code != ERROR_OK)
        return code;
    disarm_try(driver, &draft, ret_seen);
    return disarm_record_outcome(driver, &draft, ret_seen, error);
}

/* The lost journal's last driver may have been about to arm. An Execution that does not run is
 * safe. */
static enum error_code disarm_before_succession(struct driver *driver, struct target *target,
                                                const char *reason, struct evidence *evidence,
                                                struct error *error)
{
    struct disarm_seen seen;
    bool runs = false;
    enum error_code code = ERROR_OK;
    if (driver->config.setup.services.execution[0] == '\0')
        return ERROR_OK;
    code = look_whether_execution_runs(driver, target, evidence, &runs, error);
    if (code == ERROR_OK && !runs)
        return ERROR_OK;
    if (code == ERROR_OK)
        code = disarm_on_record(driver, reason, evidence, &seen, error);
    if (code == ERROR_OK && !seen.observed)
        return error_set(error, ERROR_REMOTE, 0, driver->config.setup.target.name,
                         "stop Execution by hand, then run this command again",
                         "Execution was not seen disarmed");
    evidence_clear(evidence); /* the command's own entry has it */
    return code;
}

static enum error_code succeed_on_target(struct driver *driver, struct target *target,
                                         const char *reason, int64_t old_deployment,
                                         struct evidence *evidence, struct error *error)
{
    struct lost lost;
    struct kept_terms kept;
    struct tenancy tenancy;
    char key[33];
    driver_key(driver, key);
    enum error_code code = read_lost(driver, &lost, error);
    if (code == ERROR_OK)
        code = record_command(&driver->recorder,
                              &(struct command_draft){.command = "succeed",
                                                      .phase = "intent",
                                                      .key = key,
                                                      .outcome = "",
                                                      .reason = reason},
                              error);
    if (code == ERROR_OK)
        code = disarm_before_succession(driver, target, reason, evidence, error);
    if (code == ERROR_OK)
        code = record_what_runs(driver, target, evidence, error);
    if (code == ERROR_OK)
        code = keep_tenancy_terms(driver, &kept, error);
    if (code != ERROR_OK)
        return code;
    kept.terms.holder = "";
    kept.terms.tenancy_ms = 0;
    code = tenancy_succeed(target, &kept.terms, &lost.lost, evidence, error);
    if (code == ERROR_OK)
        code = tenancy_parse(&evidence_last(evidence, PROBE_TENANCY, NULL)->output, &tenancy,
                             error);
    struct target_tenancy lease = {.journal = kept.terms.journal,
                                   .deployment = 0,
                                   .epoch = code == ERROR_OK ? tenancy.epoch : 0};
    if (code == ERROR_OK && old_deployment != 0)
        code = compose_release(target, &lease, old_deployment, evidence, error);
    return code == ERROR_OK ? record_command(&driver->recorder,
                                             &(struct command_draft){.command = "succeed",
                                                                     .phase = "outcome",
                                                                     .key = key,
                                                                     .outcome = "observed",
                                                                     .reason = reason,
                                                                     .evidence = evidence},
                                             error)
                            : code;
}

/* Every check that may refuse comes before the first entry. Then a journal is created, or the one
 * of an interrupted run is opened. */
static enum error_code prepare_succession(struct driver *driver, struct target *target,
                                          const char *lost, int64_t *ret_deployment,
                                          struct evidence *evidence, struct error *error)
{
    CLEANUP_JSON json_t *body = genesis_json(&driver->config, target_host_key(target));
    struct tenancy now;
    if (body == NULL)
        return error_set(error, ERROR_MEMORY, 0, "genesis", "", "out of memory");
    enum error_code code = check_roles(driver, json_object_get(body, "roster"), error);
    if (code == ERROR_OK)
        code = tenancy_read(target, evidence, &now, error);
    if (code != ERROR_OK)
        return code;
    struct target_span span = evidence->items[0].target;
    struct tenancy_terms claim = {.journal = ""};
    struct lost given = {
        .lost = {.journal = lost, .head_hash = now.head_hash, .head_seq = now.head_seq}};
    bool begun = driver_has_journal(driver);
    evidence_clear(evidence);
    *ret_deployment = now.deployment;
    if (begun) {
        code = resume_succession(driver, lost, error);
        if (code == ERROR_OK)
            code = read_lost(driver, &given, error);
        if (code != ERROR_OK)
            return code;
        claim.journal = journal_id(driver->journal);
    }
    code = tenancy_may_succeed(&now, &span, &claim, &given.lost, error);
    return code == ERROR_OK && !begun ? begin_successor(driver, body, &now, error) : code;
}

enum error_code command_succeed(const struct command_line *line, enum exit_status *ret_status,
                                struct error *error)
{
    struct driver *driver = line->driver;
    struct target *target;
    int64_t old_deployment = 0;
    if (!bytes_is_hex(line->succeed, FORMAT_JOURNAL_ID_HEX))
        return error_set(error, ERROR_USAGE, 0, "init", "deployment.json on the target names it",
                         "--succeed is not the id of a journal (32 hex digits): %.64s",
                         line->succeed);
    if (line->reason[0] == '\0')
        return error_set(error, ERROR_USAGE, 0, "init", "see `titan-fsm init --help`",
                         "a reason is required, because the journal keeps it: --reason TEXT");
    struct evidence *evidence = calloc(1, sizeof *evidence);
    if (evidence == NULL)
        return error_set(error, ERROR_MEMORY, 0, "init", "", "out of memory");
    enum error_code code = driver_open_config(driver, &line->options, true, error);
    if (code == ERROR_OK)
        code = driver_target(driver, &target, error);
    if (code == ERROR_OK)
        code = prepare_succession(driver, target, line->succeed, &old_deployment, evidence, error);
    if (code == ERROR_OK)
        code = succeed_on_target(driver, target, line->reason, old_deployment, evidence, error);
    evidence_clear(evidence);
    free(evidence);
    if (code != ERROR_OK)
        return code;
    progress_word(driver,
                  "journal %s of %s succeeds %s and proves nothing about it; next: titan-fsm begin "
                  "release --reason TEXT",
                  journal_id(driver->journal), driver->config.setup.target.name, line->succeed);
    *ret_status = EXIT_DONE;
    return ERROR_OK;
}
