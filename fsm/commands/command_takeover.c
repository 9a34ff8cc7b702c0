/* takeover: another operator, or the same one without the session key, continues a deployment whose
 * holder is gone. Order: the new session key is durable, then the signed entry, then the target's
 * epoch, then the keys before it are wiped. After a crash in between, run the same command again:
 * an entry that did not reach the target is carried there, not written twice; a key without an
 * entry is replaced. Afterwards an open intent is settled by reconciliation, as after any death. */
#include "fsm/commands/command_line.h"

#include <string.h>

#include "fsm/roster/authority.h"
#include "fsm/keep_tenancy.h"
#include "fsm/terminal/progress.h"
#include "journal/canonical.h"
#include "journal/format/names.h"

/* The tenancy as one look at the target found it: who holds it, and since when. */
struct standing {
    struct tenancy tenancy;
    struct target_span span;
};

static enum error_code read_standing(struct target *target, struct standing *ret_standing,
                                     struct error *error)
{
    struct evidence evidence = {.count = 0};
    enum error_code code = tenancy_read(target, &evidence, &ret_standing->tenancy, error);
    if (code == ERROR_OK)
        ret_standing->span = evidence.items[0].target;
    evidence_clear(&evidence);
    return code;
}

/* What of our own files is damaged is mended first: the journal is the truth. */
static enum error_code read_tenancy(struct driver *driver, struct target *target,
                                    struct standing *ret_standing, struct error *error)
{
    enum error_code code = keep_tenancy_look_after(driver, target, KEEP_MENDS, NULL, error);
    if (code == ERROR_OK)
        code = read_standing(target, ret_standing, error);
    if (code != ERROR_PROTOCOL)
        return code;
    code = keep_tenancy_look_after(driver, target, KEEP_MENDS, "deployment.json", error);
    return code == ERROR_OK ? read_standing(target, ret_standing, error) : code;
}

/* The entry in force is a takeover of this operator, and its session key is here; only later steps
 * can be missing. */
static bool has_begun(const struct driver *driver, const struct journal_entry *named_by)
{
    CLEANUP_BYTES struct bytes path = {0};
    CLEANUP_SIGNER struct signer *session = NULL;
    struct error ignored;
    char own[SHA256_HEX + 1], key[SHA256_HEX + 1] = "";
    const char *named = json_string_value(json_object_get(named_by->body, "session"));
    bytes_hex(signer_public_key(driver->operator_signer), KEY_BYTES, own);
    if (strcmp(named_by->type, ENTRY_TAKEOVER) != 0 || strcmp(named_by->signer, own) != 0
        || named == NULL)
        return false;
    if (driver_session_path(driver, named_by->seq, &path, &ignored) != ERROR_OK
        || session_key_open(driver->world, (const char *)path.data, &session, &ignored) != ERROR_OK)
        return false;
    bytes_hex(signer_public_key(session), KEY_BYTES, key);
    return strcmp(named, key) == 0;
}

static enum error_code record_takeover(struct driver *driver, const struct tenancy *before,
                                       int64_t epoch, const char *reason, struct error *error)
{
    char key[SHA256_HEX + 1];
    uint64_t size = 0;
    enum error_code code = driver_create_session(driver, key, &size, error);
    if (code != ERROR_OK)
        return code;
    uint64_t seq = 0;
    bool ours = before->deployment == (int64_t)driver->deployment.number;
    const char *previous = ours ? before->holder
                                : deployment_open_string(&driver->deployment, "operator");
    CLEANUP_JSON json_t *body = json_pack("{s:s, s:s, s:I, s:s, s:s}", "operator",
                                          driver->config.operator.principal, "session", key,
                                          "epoch", (json_int_t)epoch, "previous", previous,
                                          "reason", reason);
    if (body == NULL)
        return error_set(error, ERROR_USAGE, 0, "takeover", "write the reason in UTF-8",
                         "the reason is not valid UTF-8");
    code = record_own(&driver->recorder, ENTRY_TAKEOVER, (int64_t)driver->deployment.number, body,
                      &seq, error);
    if (code == ERROR_OK && seq != size)
        return error_set(error, ERROR_HELD, 0, driver->config.journal,
                         "titan-fsm takeover --reason TEXT again",
                         "another process wrote to the journal at the same moment, so the session "
                         "key's file has the wrong number");
    return code == ERROR_OK ? driver_reload(driver, error) : code;
}

static enum error_code carry_to_target(struct driver *driver, struct target *target,
                                       struct error *error)
{
    struct kept_terms kept;
    enum error_code code = keep_tenancy_terms(driver, &kept, error);
    return code == ERROR_OK ? tenancy_follow(target, &kept.terms, error) : code;
}

/* Mended was what ailed, and whoever asks holds the deployment already. */
static bool still_holds(struct driver *driver, const struct tenancy *now)
{
    struct error ignored;
    return driver->mended && now->epoch == driver->lease.epoch
           && now->deployment == driver->lease.deployment
           && strcmp(now->journal, driver->lease.journal) == 0
           && driver_open_session(driver, &ignored) == ERROR_OK;
}

static enum error_code take_over(struct driver *driver, struct target *target, const char *reason,
                                 struct error *error)
{
    struct standing standing;
    struct kept_terms kept;
    bool begun = has_begun(driver, deployment_session(&driver->deployment));
    enum error_code code = read_tenancy(driver, target, &standing, error);
    if (code == ERROR_OK)
        code = keep_tenancy_terms(driver, &kept, error);
    if (code != ERROR_OK)
        return code;
    const struct tenancy *now = &standing.tenancy;
    if (!begun && still_holds(driver, now))
        return ERROR_OK;
    bool arrived = begun && now->epoch == driver->lease.epoch
                   && now->deployment == driver->lease.deployment
                   && strcmp(now->journal, driver->lease.journal) == 0;
    if (!arrived)
        code = tenancy_may_follow(now, &standing.span, &kept.terms, error);
    if (code == ERROR_OK && !arrived && (!begun || now->epoch >= driver->lease.epoch)) {
        int64_t epoch = (now->epoch > driver->lease.epoch ? now->epoch : driver->lease.epoch) + 1;
        code = record_takeover(driver, now, epoch, reason, error);
    }
    if (code == ERROR_OK && !arrived)
        code = carry_to_target(driver, target, error);
    return code == ERROR_OK
               ? driver_wipe_sessions(driver, deployment_session(&driver->deployment)->seq, error)
               : code;
}

enum error_code command_takeover(const struct command_line *line, enum exit_status *ret_status,
                                 struct error *error)
{
    struct driver *driver = line->driver;
    struct target *target;
    enum error_code code = driver_open(driver, &line->options, DRIVER_WRITES | DRIVER_DRIVES,
                                       error);
    if (code == ERROR_OK && !driver_is_open(driver))
        code = error_set(error, ERROR_REFUSED, 0, driver->config.setup.target.name,
                         "titan-fsm begin release --reason TEXT",
                         "no deployment is open that could be taken over");
    if (code == ERROR_OK)
        code = driver_unlock(driver, error);
    if (code == ERROR_OK)
        code = authority_check_own(driver, ROSTER_OPERATOR, error);
    if (code == ERROR_OK)
        code = driver_target(driver, &target, error);
    if (code == ERROR_OK)
        code = take_over(driver, target, line->reason, error);
    if (code != ERROR_OK)
        return code;
    progress_word(driver, "you now hold deployment %llu, in %s; next: titan-fsm resume",
                  (unsigned long long)driver->deployment.number,
                  machine_state_name(driver->deployment.state));
    *ret_status = EXIT_DONE;
    return ERROR_OK;
}
