#include "fsm/hold.h"

#include <stdio.h>
#include <string.h>

#include "fsm/terminal/progress.h"
#include "fsm/step.h"

enum { RENEWALS = 3 }; /* in the time of one tenancy */

static bool has_entry(void *context, int64_t seq, const char *hash)
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

enum error_code hold_claim(struct driver *driver, struct hold *ret_hold, struct error *error)
{
    struct journal_head head;
    char host[65], holder[160];
    enum error_code code = journal_head(driver->journal, &head, error);
    if (code != ERROR_OK)
        return code;
    bytes_hex(head.hash, sizeof head.hash, ret_hold->head_hash);
    driver->world->host->host_name(driver->world->host->context, host, sizeof host);
    (void)snprintf(holder, sizeof holder, "%.60s on %.60s", driver->config.operator.principal,
                   host);
    record_text(holder, ret_hold->holder, sizeof ret_hold->holder);
    ret_hold->claim = (struct tenancy_terms){.journal = journal_id(driver->journal),
                                             .deployment = (int64_t)driver->deployment.number,
                                             .head_seq = (int64_t)head.size - 1,
                                             .head_hash = ret_hold->head_hash,
                                             .holder = ret_hold->holder,
                                             .tenancy_ms = driver->config.limits.tenancy_ms,
                                             .epoch = driver->lease.epoch,
                                             .has_entry = has_entry,
                                             .context = driver};
    return ERROR_OK;
}

/* Told that another drives: once somebody took over, the session key here is good for nothing any
 * more but to extend a copy that nobody should believe, so it is wiped. Not for any other refusal,
 * which may end. The target is looked at again; what cannot be looked at now is wiped at the next
 * attempt. */
static void forget_if_followed(struct driver *driver, struct target *target,
                               const struct tenancy_terms *claim)
{
    struct evidence evidence = {.count = 0};
    struct tenancy tenancy;
    struct error ignored;
    bool followed = tenancy_read(target, &evidence, &tenancy, &ignored) == ERROR_OK
                    && tenancy_is_followed(&tenancy, claim);
    evidence_clear(&evidence);
    if (followed && driver_forget_session(driver, &ignored) != ERROR_OK)
        progress_word(
            driver,
            "the session key could not be wiped (%s); remove the session-*.key of this journal",
            ignored.what);
}

static enum error_code ask(struct driver *driver, bool write, struct error *error)
{
    struct target *target;
    struct hold hold;
    enum error_code code = driver_target(driver, &target, error);
    if (code == ERROR_OK)
        code = hold_claim(driver, &hold, error);
    if (code != ERROR_OK)
        return code;
    code = write ? tenancy_renew(target, &hold.claim, error)
                 : tenancy_watch(target, &hold.claim, error);
    if (code == ERROR_HELD)
        forget_if_followed(driver, target, &hold.claim);
    if (code == ERROR_OK && write)
        driver->renewed_ns = driver_now_ns(driver);
    return code;
}

/* Nobody's rollback waits because a disk is full: the epoch is asked for again by each mutating
 * command. */
static enum error_code tolerate(struct driver *driver, enum error_code code, struct error *error)
{
    if (step_event(code) == EVENT_INVALID)
        return code;
    progress_word(driver, "the hold on the target could not be renewed (%s); going on",
                  error->what);
    return ERROR_OK;
}

enum error_code hold_renew(struct driver *driver, const struct transition *edge,
                           struct error *error)
{
    if (deployment_transition_to(&driver->deployment, STATE_CONNECTED) == NULL)
        return ERROR_OK;
    enum error_code code = ask(driver, edge->action != ACTION_MAKE_SAFE, error);
    return machine_is_hot(edge->from) ? tolerate(driver, code, error) : code;
}

enum error_code hold_renew_when_due(struct driver *driver, struct error *error)
{
    int64_t due_ns = driver->renewed_ns + driver->config.limits.tenancy_ms / RENEWALS * 1000000;
    return driver_now_ns(driver) < due_ns ? ERROR_OK
                                          : tolerate(driver, ask(driver, true, error), error);
}
