#include "fsm/keep_tenancy.h"

#include <stdio.h>
#include <string.h>

#include "actions/compose/compose_hold.h"
#include "actions/state.h"
#include "actions/compose/kept.h"
#include "fsm/guarded.h"
#include "fsm/step.h"
#include "fsm/terminal/progress.h"
#include "journal/format/names.h"

enum {
    RENEWALS = 3,  /* in the time of one tenancy */
    ASK_MS = 5000, /* DISARM is not to wait longer for a file */
};

static bool journal_has_entry(void *context, int64_t seq, const char *hash)
{
    const struct driver *driver = context;
    CLEANUP_ENTRY struct journal_entry entry = {0};
    struct error ignored;
    char own[SHA256_HEX + 1];
    if (journal_read(driver->journal, (uint64_t)seq, &entry, &ignored) != ERROR_OK)
        return false;
    bytes_hex(entry.hash, sizeof entry.hash, own);
    return strcmp(own, hash) == 0;
}

enum error_code keep_tenancy_terms(struct driver *driver, struct kept_terms *ret_kept,
                                   struct error *error)
{
    struct journal_head head;
    char host[65], holder[160];
    enum error_code code = journal_head(driver->journal, &head, error);
    if (code != ERROR_OK)
        return code;
    bytes_hex(head.hash, sizeof head.hash, ret_kept->head_hash);
    driver->world->host->host_name(driver->world->host->context, host, sizeof host);
    (void)snprintf(holder, sizeof holder, "%.60s on %.60s", driver->config.operator.principal,
                   host);
    record_text(holder, ret_kept->holder, sizeof ret_kept->holder);
    struct guard_view laid;
    code = guarded_find(driver, &laid, error);
    if (code != ERROR_OK)
        return code;
    const char *guard = laid.state == GUARD_LAID && driver->deployment.state != STATE_CONFIRMED
                            ? "laid"
                            : "absent";
    ret_kept->terms = (struct tenancy_terms){.journal = journal_id(driver->journal),
                                             .deployment = (int64_t)driver->deployment.number,
                                             .head_seq = (int64_t)head.size - 1,
                                             .head_hash = ret_kept->head_hash,
                                             .holder = ret_kept->holder,
                                             .tenancy_ms = driver->config.limits.tenancy_ms,
                                             .guard = guard,
                                             .epoch = driver->lease.epoch,
                                             .has_entry = journal_has_entry,
                                             .context = driver};
    return ERROR_OK;
}

/* Another one drives. Once somebody took over, the session key here could only extend a copy that
 * nobody should believe, so it is wiped; not for any other refusal, which may end. The target is
 * looked at again. If that fails now, the next attempt wipes the key. */
static void forget_if_followed(struct driver *driver, struct target *target,
                               const struct tenancy_terms *terms)
{
    struct evidence evidence = {.count = 0};
    struct tenancy tenancy;
    struct error ignored;
    bool followed = tenancy_read(target, &evidence, &tenancy, &ignored) == ERROR_OK
                    && tenancy_is_followed(&tenancy, terms);
    evidence_clear(&evidence);
    if (followed && driver_forget_session(driver, &ignored) != ERROR_OK)
        progress_word(
            driver,
            "the session key could not be wiped (%s); remove the session-*.key of this journal",
            ignored.what);
}

enum error_code keep_tenancy_look_after(struct driver *driver, struct target *target,
                                        enum keep_care care, const char *garbage,
                                        struct error *error)
{
    CLEANUP_BYTES struct bytes said = {0};
    bool connected = deployment_transition_to(&driver->deployment, STATE_CONNECTED) != NULL;
    const struct state_care state = {.mend = care == KEEP_MENDS,
                                     .expected = connected,
                                     .deployment = (int64_t)driver->deployment.number,
                                     .garbage = garbage};
    enum error_code code = state_look_after(target, &state, &said, error);
    if (code != ERROR_OK || said.size == 0)
        return code;
    if (care == KEEP_LOOKS)
        return error_set(error, ERROR_REMOTE, 0, driver->config.setup.target.state,
                         "titan-fsm takeover --reason TEXT mends that and goes on; titan-fsm "
                         "rollback or abort mends it on the way back",
                         "this tool's own files on the target are damaged: %.300s",
                         (const char *)said.data);
    driver->mended = true;
    progress_word(driver, "own files on the target were mended: %s", (const char *)said.data);
    return ERROR_OK;
}

/* `back`: the journal is the truth, and a file that cannot be read is set aside. */
static enum error_code renew(struct driver *driver, bool back, struct error *error)
{
    struct target *target;
    struct kept_terms kept;
    enum error_code code = driver_target(driver, &target, error);
    if (code == ERROR_OK)
        code = keep_tenancy_terms(driver, &kept, error);
    if (code != ERROR_OK)
        return code;
    kept.terms.restore = back;
    /* `complete` had freed it before it failed, and there is something to put back. */
    kept.terms.retake = driver->deployment.state == STATE_SAFE
                        || driver->deployment.state == STATE_REVERTED;
    code = tenancy_renew(target, &kept.terms, error);
    if (code == ERROR_PROTOCOL && back) {
        code = keep_tenancy_look_after(driver, target, KEEP_MENDS, "deployment.json", error);
        code = code == ERROR_OK ? tenancy_renew(target, &kept.terms, error) : code;
    }
    if (code == ERROR_HELD)
        forget_if_followed(driver, target, &kept.terms);
    if (code == ERROR_OK)
        driver->renewed_ns = driver_now_ns(driver);
    return code;
}

/* A failed renewal is not fatal in hot states: each mutating command checks the epoch. */
static enum error_code tolerate(struct driver *driver, enum error_code code, struct error *error)
{
    bool followed = driver->session == NULL;
    if (code == ERROR_OK || code == ERROR_JOURNAL_WRITE || followed)
        return code;
    progress_word(driver, "the tenancy of the target could not be renewed (%s); going on",
                  error->what);
    return ERROR_OK;
}

enum error_code keep_tenancy_restore(struct driver *driver, struct error *error)
{
    struct target *target;
    if (!deployment_has_touched(&driver->deployment))
        return ERROR_OK;
    enum error_code code = driver_target(driver, &target, error);
    if (code == ERROR_OK)
        code = keep_tenancy_look_after(driver, target, KEEP_MENDS, NULL, error);
    if (code == ERROR_OK && deployment_transition_to(&driver->deployment, STATE_CONNECTED) != NULL)
        code = renew(driver, true, error);
    return code;
}

static enum error_code look_and_renew(struct driver *driver, const struct transition *edge,
                                      struct error *error)
{
    struct target *target;
    bool ours = deployment_has_touched(&driver->deployment);
    if (!ours && edge->action != ACTION_CONNECT)
        return ERROR_OK;
    enum error_code code = driver_target(driver, &target, error);
    if (code == ERROR_OK)
        code = keep_tenancy_look_after(driver, target, KEEP_LOOKS, NULL, error);
    if (code == ERROR_OK && deployment_transition_to(&driver->deployment, STATE_CONNECTED) != NULL)
        code = renew(driver, false, error);
    return code;
}

enum error_code keep_tenancy_renew(struct driver *driver, const struct transition *edge,
                                   struct error *error)
{
    if (edge->action == ACTION_MAKE_SAFE)
        return ERROR_OK;
    enum error_code code = machine_phase(edge->from) == PHASE_REVERTING
                               ? keep_tenancy_restore(driver, error)
                               : look_and_renew(driver, edge, error);
    return machine_is_hot(edge->from) ? tolerate(driver, code, error) : code;
}

enum error_code keep_tenancy_ask(struct driver *driver, struct error *error)
{
    struct target *target;
    struct kept_terms kept;
    struct error ignored;
    if (deployment_transition_to(&driver->deployment, STATE_CONNECTED) == NULL
        || driver_target(driver, &target, &ignored) != ERROR_OK
        || keep_tenancy_terms(driver, &kept, &ignored) != ERROR_OK)
        return ERROR_OK;
    enum error_code code = tenancy_ask(target, &kept.terms, ASK_MS, error);
    if (code == ERROR_HELD)
        forget_if_followed(driver, target, &kept.terms);
    return code;
}

enum error_code keep_tenancy_renew_when_due(struct driver *driver, struct error *error)
{
    int64_t due_ns = driver->renewed_ns + driver->config.limits.tenancy_ms / RENEWALS * 1000000;
    return driver_now_ns(driver) < due_ns ? ERROR_OK
                                          : tolerate(driver, renew(driver, false, error), error);
}

static enum error_code give_back(struct driver *driver, struct target *target,
                                 const struct tenancy *tenancy, struct evidence *evidence,
                                 struct error *error)
{
    struct kept_terms kept;
    bool connected = deployment_transition_to(&driver->deployment, STATE_CONNECTED) != NULL;
    struct target_tenancy ours = {.journal = journal_id(driver->journal),
                                  .deployment = (int64_t)driver->deployment.number,
                                  .epoch = connected ? driver->lease.epoch : tenancy->epoch};
    enum error_code code = driver->deployment.state == STATE_CONFIRMED
                               ? kept_promote(target, &ours, evidence, error)
                               : ERROR_OK;
    if (code == ERROR_OK)
        code = compose_release(target, &ours, ours.deployment, evidence, error);
    if (code == ERROR_OK)
        code = keep_tenancy_terms(driver, &kept, error);
    if (code != ERROR_OK)
        return code;
    kept.terms.holder = "";
    kept.terms.guard = "absent";
    kept.terms.tenancy_ms = 0;
    return tenancy_free(target, &kept.terms, evidence, error);
}

/* Set aside, or removed by somebody, and not put back since: on a rollback the journal is the
 * truth.
 */
static bool is_lost_on_the_way(const struct driver *driver, const struct tenancy *tenancy)
{
    return tenancy->journal[0] == '\0' && driver->deployment.state == STATE_REDEPLOYED;
}

enum error_code keep_tenancy_is_ours(struct driver *driver, struct target *target,
                                     struct evidence *evidence, struct tenancy *ret_tenancy,
                                     bool *ret_ours, struct error *error)
{
    size_t before = evidence->count;
    enum error_code code = tenancy_read(target, evidence, ret_tenancy, error);
    if (code == ERROR_PROTOCOL && machine_phase(driver->deployment.state) == PHASE_REVERTING) {
        evidence_cut(evidence, before);
        code = keep_tenancy_look_after(driver, target, KEEP_MENDS, "deployment.json", error);
        code = code == ERROR_OK ? tenancy_read(target, evidence, ret_tenancy, error) : code;
    }
    if (code == ERROR_OK && is_lost_on_the_way(driver, ret_tenancy)) {
        evidence_cut(evidence, before);
        code = renew(driver, true, error);
        code = code == ERROR_OK ? tenancy_read(target, evidence, ret_tenancy, error) : code;
    }
    if (code == ERROR_OK)
        *ret_ours = ret_tenancy->deployment == (int64_t)driver->deployment.number
                    && strcmp(ret_tenancy->journal, journal_id(driver->journal)) == 0;
    return code;
}

enum error_code keep_tenancy_free(struct driver *driver, struct target *target,
                                  struct evidence *evidence, struct error *error)
{
    struct tenancy tenancy;
    bool ours = false;
    enum error_code code = keep_tenancy_is_ours(driver, target, evidence, &tenancy, &ours, error);
    return code == ERROR_OK && ours ? give_back(driver, target, &tenancy, evidence, error) : code;
}
