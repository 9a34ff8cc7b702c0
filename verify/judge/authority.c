#include "verify/judge/authority.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "journal/format/note.h"
#include "journal/format/sshsig.h"
#include "verify/read/memory.h"
#include "verify/read/greater.h"

static bool authority_refuse(struct refusal *ret_refusal, const char *rule, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static bool authority_refuse(struct refusal *ret_refusal, const char *rule, const char *format, ...)
{
    va_list arguments;
    ret_refusal->rule = rule;
    va_start(arguments, format);
    (void)vsnprintf(ret_refusal->why, sizeof ret_refusal->why, format, arguments);
    va_end(arguments);
    return false;
}

void authority_free(struct authority *authority)
{
    authority_roster_free(&authority->roster);
    authority_roster_free(&authority->at_open);
    free(authority->sessions);
    *authority = (struct authority){0};
}

static bool take_genesis(struct authority *authority, struct entry *entry,
                         struct refusal *ret_refusal)
{
    const struct audit *audit = authority->audit;
    const struct node *body = entry_body(entry);
    if (entry->seq != 0)
        return authority_refuse(ret_refusal, "A-01",
                                "a second genesis stands in the middle of the journal");
    const char *why = authority_roster_read(node_member(body, "roster"), &authority->roster);
    if (why != NULL)
        return authority_refuse(ret_refusal, "A-03", "%s", why);
    if (entry->deployment != ENTRY_NO_DEPLOYMENT)
        return authority_refuse(ret_refusal, "A-01", "genesis names a deployment");
    const struct allowed_signer *signer = find_roster_line(audit->trust, entry->signer, NULL);
    if (signer == NULL)
        return authority_refuse(ret_refusal, "A-01",
                                "genesis is not signed by a key of the trust file");
    if (!is_in_time(signer, entry))
        return authority_refuse(
            ret_refusal, "A-01",
            "the trust file does not hold the key of genesis for valid at that time");
    if (signer->valid_after[0] != '\0' || signer->valid_before[0] != '\0') {
        authority->undecided = entry;
        authority->undecided_why = "the trust file limits the key of genesis in time, and that "
                                   "genesis was signed within it is the signer's own word only";
    }
    bool administrator = find_roster_line(&authority->roster.administrators, entry->signer, NULL)
                         != NULL;
    if (find_roster_line(&authority->roster.operators, entry->signer, NULL) == NULL
        && !administrator)
        return authority_refuse(
            ret_refusal, "A-01",
            "the signer of genesis is neither operator nor administrator of its roster");
    if (node_member(body, "succeeds") != NULL && !administrator)
        return authority_refuse(
            ret_refusal, "A-01",
            "a genesis that succeeds another journal is not signed by an administrator "
            "of its roster");
    struct slice target = node_text(node_member(body, "target"), "name");
    if (!slice_is(target, audit->target))
        return authority_refuse(
            ret_refusal, "A-01",
            "the journal is of the target '%.*s', not of the one that was asked for",
            SLICE_ARGUMENTS(target));
    return true;
}

static bool take_roster(struct authority *authority, struct entry *entry,
                        struct refusal *ret_refusal)
{
    bool entitled = find_roster_line(&authority->roster.administrators, entry->signer, NULL) != NULL
                    && entry->deployment == ENTRY_NO_DEPLOYMENT;
    if (!entitled)
        return authority_refuse(
            ret_refusal, "A-02",
            "the roster is not signed by an administrator of the roster in force");
    const char *why = authority_roster_read(node_member(entry_body(entry), "roster"),
                                            &authority->roster);
    if (why != NULL)
        return authority_refuse(ret_refusal, "A-03", "%s", why);
    for (size_t i = 0; i < authority->roster.administrators.count; i++)
        if (allowed_signer_has_namespace(&authority->roster.administrators.signers[i],
                                         SSHSIG_NAMESPACE_JOURNAL))
            return true;
    return authority_refuse(ret_refusal, "A-02",
                            "the roster leaves no administrator who could change it");
}

static bool take_settings(struct authority *authority, const struct entry *entry,
                          struct refusal *ret_refusal)
{
    if (authority->open != NULL || entry->deployment != ENTRY_NO_DEPLOYMENT)
        return authority_refuse(ret_refusal, "A-04",
                                "settings are changed while a deployment is open");
    if (find_roster_line(&authority->roster.administrators, entry->signer, NULL) == NULL)
        return authority_refuse(
            ret_refusal, "A-04",
            "the settings are not signed by an administrator of the roster in force");
    return true;
}

/* An operator of the roster in force, under the principal that the body names. */
static bool is_operator(const struct authority *authority, struct entry *entry)
{
    char principal[PRINCIPAL_MAX];
    return slice_copy(node_text(entry_body(entry), "operator"), principal, sizeof principal)
           && principal[0] != '\0'
           && find_roster_line(&authority->roster.operators, entry->signer, principal) != NULL;
}

static bool is_known_key(const struct authority *authority, const uint8_t key[KEY_BYTES])
{
    const struct roster *roster = &authority->roster;
    const struct allowed_signers *const lists[] = {&roster->operators, &roster->approvers,
                                                   &roster->administrators};
    for (size_t i = 0; i < authority->session_count; i++)
        if (memcmp(authority->sessions[i], key, KEY_BYTES) == 0)
            return true;
    for (unsigned list = 0; list < 3; list++)
        for (size_t i = 0; i < lists[list]->count; i++)
            if (memcmp(lists[list]->signers[i].key, key, KEY_BYTES) == 0)
                return true;
    return false;
}

static bool name_session(struct authority *authority, struct entry *entry)
{
    uint8_t key[KEY_BYTES];
    struct slice hex = node_text(entry_body(entry), "session");
    if (!bytes_from_hex(hex.at, hex.length, key, sizeof key))
        return false;
    bool fresh = !is_known_key(authority, key) && sshsig_key_is_sound(key);
    authority->sessions = memory_grown(authority->sessions, authority->session_count + 1,
                                       KEY_BYTES);
    memcpy(authority->sessions[authority->session_count++], key, KEY_BYTES);
    memcpy(authority->session, key, KEY_BYTES);
    if (authority->driver_count == PERSONS_MAX)
        return false;
    struct person *driver = &authority->drivers[authority->driver_count++];
    driver->principal = node_text(entry_body(entry), "operator");
    memcpy(driver->key, entry->signer, KEY_BYTES);
    return fresh;
}

/* The epoch that the target's own file names, once it was taken. */
static int64_t epoch_of(const struct entry *entry)
{
    CLEANUP_TREE struct tree tree = {0};
    const struct item *item = entry_item(entry, 0, entry->item_count, PROBE_TENANCY, NULL);
    return item != NULL ? node_number(tree_object(item->output, &tree), "epoch", 0) : 0;
}

/* Followed with a fresh key, by an operator of the roster in force, and above every epoch before.
 */
static bool take_takeover(struct authority *authority, struct entry *entry,
                          struct refusal *ret_refusal)
{
    int64_t before = authority->epoch, epoch = node_number(entry_body(entry), "epoch", 0);
    bool entitled = is_operator(authority, entry);
    authority->epoch = greater_of(epoch, before);
    authority->confirmed = false;
    if (!name_session(authority, entry))
        return authority_refuse(ret_refusal, "A-06",
                                "the session key of the takeover is not a fresh and sound one");
    if (!entitled)
        return authority_refuse(ret_refusal, "A-07",
                                "the takeover is not signed by an operator of the roster in force");
    return epoch > before
           || authority_refuse(ret_refusal, "A-07",
                               "the epoch of the takeover, %lld, does not rise above %lld",
                               (long long)epoch, (long long)before);
}

static bool authority_take_open(struct authority *authority, struct entry *entry,
                                struct refusal *ret_refusal)
{
    if (authority->open != NULL)
        return authority_refuse(ret_refusal, "A-05",
                                "a deployment is opened while %lld is still open",
                                (long long)authority->open->seq);
    if (entry->deployment != entry->seq)
        return authority_refuse(ret_refusal, "A-05",
                                "an open does not carry its own number as its deployment");
    authority->open = entry;
    (void)genesis_read(authority->audit->record, (uint64_t)entry->seq, &authority->pinned);
    authority->state = STATE_OPENED;
    authority->confirmed = false;
    authority->driver_count = authority->approver_count = 0;
    authority->updated = authority->pulled = NULL;
    authority->said_absent = authority->said_laid = false;
    authority->guard = GUARD_WORD_UNKNOWN;
    authority_roster_free(&authority->at_open);
    struct roster *kept = &authority->at_open;
    const struct allowed_signers *from = &authority->roster.approvers;
    kept->approvers = (struct allowed_signers){memory_zeroed(from->count, sizeof *from->signers),
                                               from->count};
    if (from->count > 0)
        memcpy(kept->approvers.signers, from->signers, from->count * sizeof *from->signers);
    bool entitled = is_operator(authority, entry);
    if (!name_session(authority, entry))
        return authority_refuse(ret_refusal, "A-06",
                                "the session key of the deployment is not a fresh and sound one");
    return entitled
           || authority_refuse(
               ret_refusal, "A-05",
               "the deployment is not opened by an operator of the roster in force");
}

/* "An opener removed since may only disarm and roll back." */
static bool authority_is_forward(enum action action)
{
    return action != ACTION_MAKE_SAFE && action != ACTION_REVERT && action != ACTION_REDEPLOY
           && action != ACTION_VERIFY_RESTORED && action != ACTION_RESTORE_CODE
           && action != ACTION_DISARM;
}

/* Whoever opened, or took over last, is still an operator under the name that he gave. */
static bool driver_may_go_forward(const struct authority *authority)
{
    char principal[PRINCIPAL_MAX];
    const struct person *driver = authority->driver_count > 0
                                      ? &authority->drivers[authority->driver_count - 1]
                                      : NULL;
    return driver != NULL && slice_copy(driver->principal, principal, sizeof principal)
           && find_roster_line(&authority->roster.operators, driver->key, principal) != NULL;
}

/* Forward goes an intent, and a reconciliation by which an act begun before is gone on with. What
 * comes back of an act that was intended in time is told. */
static bool goes_forward(const struct authority *authority, struct entry *entry)
{
    if (!authority_is_forward(authority->action))
        return false;
    return entry->type == ENTRY_INTENT
           || (entry->type == ENTRY_RECONCILIATION
               && slice_is(node_text(entry_body(entry), "then"), "continue"));
}

/* an intent that touches the first service. A repeated one was confirmed before. */
static bool touches_unconfirmed(const struct authority *authority, struct entry *entry)
{
    bool first = authority->action == ACTION_SWITCH_SERVICES || authority->action == ACTION_DISARM;
    return entry->type == ENTRY_INTENT && first && !authority->confirmed
           && node_member(entry_body(entry), "repeats") == NULL;
}

static void follow_transition(struct authority *authority, struct entry *entry)
{
    const struct node *body = entry_body(entry);
    bool done = event_by_name(node_text(body, "event")) == EVENT_DONE;
    authority->state = state_by_name(node_text(body, "to"));
    int64_t epoch = done && authority->state == STATE_CONNECTED ? epoch_of(entry) : 0;
    authority->epoch = greater_of(epoch, authority->epoch);
    if (done && authority->state == STATE_UPDATED)
        authority->updated = entry;
    if (done && authority->state == STATE_PULLED)
        authority->pulled = entry;
    if (machine_is_end(authority->state))
        authority->open = NULL;
}

static bool take_session_entry(struct authority *authority, struct entry *entry,
                               struct refusal *ret_refusal)
{
    if (memcmp(entry->signer, authority->session, KEY_BYTES) != 0)
        return authority_refuse(ret_refusal, "A-08",
                                "a %s is not signed by the session key of its deployment",
                                entry_type_name(entry->type));
    if (entry->type == ENTRY_INTENT)
        authority->action = action_by_name(node_text(entry_body(entry), "action"));
    if (goes_forward(authority, entry) && !driver_may_go_forward(authority))
        return authority_refuse(
            ret_refusal, "A-12",
            "the operator who drives was removed from the roster and may only disarm and "
            "roll back");
    if (touches_unconfirmed(authority, entry))
        return authority_refuse(ret_refusal, "A-16",
                                "a service is touched, and nobody is recorded to have agreed to it "
                                "by the target's name");
    if (entry->type == ENTRY_NOTE && authority->state == STATE_GUARDED)
        authority->confirmed = authority->confirmed
                               || slice_is(node_text(entry_body(entry), "kind"), "confirmed");
    if (entry->type == ENTRY_TRANSITION) {
        int64_t required = approvals_required(authority);
        follow_transition(authority, entry);
        unsigned counted = approvals_counted(authority);
        if (authority->state == STATE_GUARDED && (int64_t)counted < required)
            return authority_refuse(ret_refusal, "A-13",
                                    "the deployment goes on with %u of %lld required approvals",
                                    counted, (long long)required);
        if (authority->state == STATE_GUARDED)
            return approvals_say_guard(authority, entry, ret_refusal);
    }
    return entry->type != ENTRY_APPROVAL || approval_is_good(authority, entry, ret_refusal);
}

static bool take_inside(struct authority *authority, struct entry *entry,
                        struct refusal *ret_refusal)
{
    if (authority->open == NULL || authority->open->seq != entry->deployment)
        return authority_refuse(ret_refusal, "A-08",
                                "the entry belongs to deployment %lld, which is not open",
                                (long long)entry->deployment);
    switch (entry->type) {
    case ENTRY_ATTESTATION: {
        bool entitled = is_operator(authority, entry);
        if (authority->state == STATE_ROLLBACK_FAILED
            && slice_is(node_text(entry_body(entry), "item"), "rollback_failed"))
            authority->open = NULL;
        return entitled
               || authority_refuse(
                   ret_refusal, "A-11",
                   "the attestation is not signed by an operator of the roster in force");
    }
    case ENTRY_TAKEOVER:
        return take_takeover(authority, entry, ret_refusal);
    case ENTRY_COMMAND:
        if (memcmp(entry->signer, authority->session, KEY_BYTES) == 0
            || (slice_is(node_text(entry_body(entry), "command"), "disarm")
                && find_roster_line(&authority->roster.operators, entry->signer, NULL) != NULL))
            return true;
        return authority_refuse(ret_refusal, "A-09",
                                "the command is not signed by the session key: only a disarm may "
                                "be signed by an operator's own key");
    case ENTRY_INTENT:
    case ENTRY_TRANSITION:
    case ENTRY_REFUSAL:
    case ENTRY_SAMPLE:
    case ENTRY_APPROVAL:
    case ENTRY_RECONCILIATION:
    case ENTRY_ANCHOR:
    case ENTRY_NOTE:
        return take_session_entry(authority, entry, ret_refusal);
    case ENTRY_INVALID:
    case ENTRY_GENESIS:
    case ENTRY_SETTINGS:
    case ENTRY_ROSTER:
    case ENTRY_OPEN:
    case ENTRY_TYPES:
        break;
    }
    return authority_refuse(ret_refusal, "A-08", "an entry of this type belongs to no deployment");
}

static bool take_outside(const struct authority *authority, const struct entry *entry,
                         struct refusal *ret_refusal)
{
    bool possible = entry->type == ENTRY_COMMAND || entry->type == ENTRY_REFUSAL
                    || entry->type == ENTRY_NOTE || entry->type == ENTRY_ANCHOR;
    if (!possible)
        return authority_refuse(ret_refusal, "A-10", "a %s stands outside of any deployment",
                                entry_type_name(entry->type));
    if (find_roster_line(&authority->roster.operators, entry->signer, NULL) == NULL)
        return authority_refuse(
            ret_refusal, "A-10",
            "a %s outside of a deployment is not signed by an operator of the roster in force",
            entry_type_name(entry->type));
    return true;
}

bool authority_take(struct authority *authority, struct entry *entry, struct refusal *ret_refusal)
{
    if (entry->type == ENTRY_GENESIS)
        return take_genesis(authority, entry, ret_refusal);
    if (entry->seq == 0)
        return authority_refuse(ret_refusal, "A-01", "the journal does not begin with a genesis");
    if (entry->type == ENTRY_ROSTER)
        return take_roster(authority, entry, ret_refusal);
    if (entry->type == ENTRY_SETTINGS)
        return take_settings(authority, entry, ret_refusal);
    if (entry->type == ENTRY_OPEN)
        return authority_take_open(authority, entry, ret_refusal);
    if (entry->deployment != ENTRY_NO_DEPLOYMENT)
        return take_inside(authority, entry, ret_refusal);
    return take_outside(authority, entry, ret_refusal);
}

bool authority_may_sign_checkpoint(const struct authority *authority, const char *origin,
                                   const struct bytes *note, bool *ret_known_bad)
{
    bool good = authority->open != NULL
                && note_signed_by(note->data, note->size, origin, authority->session,
                                  ret_known_bad);
    for (size_t i = 0; !good && i < authority->roster.operators.count; i++)
        good = note_signed_by(note->data, note->size, origin,
                              authority->roster.operators.signers[i].key, ret_known_bad);
    return good;
}
