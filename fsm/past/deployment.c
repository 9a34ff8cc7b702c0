#include "fsm/past/deployment.h"
#include "fsm/past/recorded.h"
#include "journal/format/names.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static uint64_t number_at(const json_t *body, const char *key)
{
    json_int_t number = json_integer_value(json_object_get(body, key));
    return number > 0 ? (uint64_t)number : 0;
}

void deployment_clear(struct deployment *deployment)
{
    for (size_t i = 0; i < deployment->count; i++)
        journal_entry_clear(&deployment->entries[i]);
    free(deployment->entries);
    *deployment = (struct deployment){0};
}

static enum error_code damaged_entry(const struct journal_entry *entry, const char *what,
                                     struct error *error)
{
    char where[64];
    (void)snprintf(where, sizeof where, "journal entry %llu", (unsigned long long)entry->seq);
    return error_set(error, ERROR_DAMAGED, 0, where,
                     "run titan-verify on the journal and keep a copy of it", "%s", what);
}

static void fold_reconciliation(struct deployment *deployment, const json_t *body)
{
    if (strcmp(recorded_text(body, "then"), "repeat") != 0) {
        deployment->intent.interrupted = true;
        return;
    }
    deployment->repeat_of = deployment->intent.repeats != 0 ? deployment->intent.repeats
                                                            : deployment->intent.seq;
    memcpy(deployment->repeat_key, deployment->intent.key, sizeof deployment->repeat_key);
    deployment->intent = (struct intent){0};
}

static enum error_code fold_transition(struct deployment *deployment,
                                       const struct journal_entry *entry, struct error *error)
{
    enum state to = machine_state_by_name(recorded_text(entry->body, "to"));
    if (to == STATE_INVALID)
        return damaged_entry(entry,
                             "the transition leads to a state that this program does not know",
                             error);
    uint64_t intent = deployment->intent.seq;
    if (to == STATE_DISARMED && (intent == 0 || number_at(entry->body, "intent") != intent))
        return damaged_entry(entry, "the transition names no intent of this DISARM", error);
    deployment->state = to;
    deployment->ended = machine_phase(to) == PHASE_ENDED;
    deployment->intent = (struct intent){0};
    deployment->repeat_of = 0;
    return ERROR_OK;
}

static enum error_code fold(struct deployment *deployment, const struct journal_entry *entry,
                            struct error *error)
{
    const json_t *body = entry->body;
    if (strcmp(entry->type, ENTRY_OPEN) == 0) {
        deployment->procedure = machine_procedure_by_name(recorded_text(body, "procedure"));
        deployment->state = STATE_OPENED;
        if (deployment->procedure == PROCEDURE_INVALID)
            return damaged_entry(
                entry, "the deployment follows a procedure that this program does not know", error);
    } else if (strcmp(entry->type, ENTRY_INTENT) == 0) {
        struct intent *intent = &deployment->intent;
        *intent = (struct intent){.seq = entry->seq,
                                  .action = machine_action_by_name(recorded_text(body, "action")),
                                  .repeats = number_at(body, "repeats")};
        (void)snprintf(intent->key, sizeof intent->key, "%s", recorded_text(body, "key"));
        if (intent->action == ACTION_INVALID)
            return damaged_entry(entry,
                                 "the intent names an action that this program does not know",
                                 error);
        deployment->repeat_of = 0;
    } else if (strcmp(entry->type, ENTRY_TRANSITION) == 0) {
        return fold_transition(deployment, entry, error);
    } else if (strcmp(entry->type, ENTRY_RECONCILIATION) == 0) {
        fold_reconciliation(deployment, body);
    } else if (strcmp(entry->type, ENTRY_ATTESTATION) == 0) {
        if (deployment->state == STATE_ROLLBACK_FAILED
            && strcmp(recorded_text(body, "item"), "rollback_failed") == 0)
            deployment->ended = true;
    }
    return ERROR_OK;
}

/* Walks back over the few entries that belong to no deployment (commands, anchors) to the latest
 * that does. */
static enum error_code find_latest(struct journal *journal, uint64_t size, int64_t *ret_number,
                                   struct error *error)
{
    *ret_number = JOURNAL_NO_DEPLOYMENT;
    for (uint64_t seq = size; seq-- > 0;) {
        CLEANUP_ENTRY struct journal_entry entry = {0};
        enum error_code code = journal_read(journal, seq, &entry, error);
        if (code != ERROR_OK)
            return code;
        if (entry.deployment != JOURNAL_NO_DEPLOYMENT) {
            *ret_number = entry.deployment;
            return ERROR_OK;
        }
    }
    return ERROR_OK;
}

static enum error_code make_place(struct deployment *deployment, struct error *error)
{
    if (deployment->count < deployment->capacity)
        return ERROR_OK;
    size_t capacity = deployment->capacity > 0 ? 2 * deployment->capacity : 32;
    struct journal_entry *entries = realloc(deployment->entries, capacity * sizeof *entries);
    if (entries == NULL)
        return error_set(error, ERROR_MEMORY, 0, "deployment", "", "out of memory");
    deployment->entries = entries;
    deployment->capacity = capacity;
    return ERROR_OK;
}

/* Folds the entries up to `size` in. *ret_other: an entry of another deployment came, so that this
 * one is not the latest any more. */
static enum error_code fold_up_to(struct journal *journal, uint64_t size,
                                  struct deployment *deployment, bool *ret_other,
                                  struct error *error)
{
    for (; deployment->next < size; deployment->next++) {
        enum error_code code = make_place(deployment, error);
        if (code != ERROR_OK)
            return code;
        struct journal_entry *entry = &deployment->entries[deployment->count];
        *entry = (struct journal_entry){0};
        code = journal_read(journal, deployment->next, entry, error);
        if (code != ERROR_OK)
            return code;
        if (entry->deployment != (int64_t)deployment->number) {
            *ret_other = *ret_other || entry->deployment != JOURNAL_NO_DEPLOYMENT;
            journal_entry_clear(entry);
            continue;
        }
        deployment->count++;
        code = fold(deployment, entry, error);
        if (code != ERROR_OK)
            return code;
    }
    return ERROR_OK;
}

enum error_code deployment_load(struct journal *journal, struct deployment *ret_deployment,
                                bool *ret_found, struct error *error)
{
    uint64_t entries;
    enum error_code code = journal_size(journal, &entries, error);
    if (code != ERROR_OK)
        return code;
    int64_t number;
    code = find_latest(journal, entries, &number, error);
    if (code != ERROR_OK)
        return code;
    struct deployment deployment = {0};
    if (number >= 0) {
        bool other = false; /* an entry of an earlier one between these changes nothing */
        deployment.number = deployment.next = (uint64_t)number;
        code = fold_up_to(journal, entries, &deployment, &other, error);
        if (code != ERROR_OK) {
            deployment_clear(&deployment);
            return code;
        }
    }
    deployment_clear(ret_deployment);
    *ret_deployment = deployment;
    *ret_found = number >= 0;
    return ERROR_OK;
}

enum error_code deployment_follow(struct journal *journal, struct deployment *deployment,
                                  bool *ret_found, struct error *error)
{
    uint64_t entries;
    bool other = false;
    enum error_code code = journal_size(journal, &entries, error);
    if (code != ERROR_OK)
        return code;
    if (deployment->next == 0 || deployment->next > entries)
        return deployment_load(journal, deployment, ret_found, error);
    code = fold_up_to(journal, entries, deployment, &other, error);
    if (code != ERROR_OK)
        deployment->next = 0;
    return code == ERROR_OK && other ? deployment_load(journal, deployment, ret_found, error)
                                     : code;
}

const struct journal_entry *deployment_transition_to(const struct deployment *deployment,
                                                     enum state to)
{
    for (size_t i = deployment->count; i-- > 0;) {
        const struct journal_entry *entry = &deployment->entries[i];
        if (strcmp(entry->type, ENTRY_TRANSITION) == 0
            && strcmp(recorded_text(entry->body, "to"), machine_state_name(to)) == 0
            && strcmp(recorded_text(entry->body, "from"), machine_state_name(to)) != 0)
            return entry;
    }
    return NULL;
}

const struct journal_entry *deployment_last_of_type(const struct deployment *deployment,
                                                    const char *type)
{
    for (size_t i = deployment->count; i-- > 0;)
        if (strcmp(deployment->entries[i].type, type) == 0)
            return &deployment->entries[i];
    return NULL;
}

bool deployment_names_session(const struct journal_entry *entry)
{
    return strcmp(entry->type, ENTRY_OPEN) == 0 || strcmp(entry->type, ENTRY_TAKEOVER) == 0;
}

const struct journal_entry *deployment_session(const struct deployment *deployment)
{
    assert(deployment->count > 0);
    const struct journal_entry *takeover = deployment_last_of_type(deployment, ENTRY_TAKEOVER);
    return takeover != NULL ? takeover : &deployment->entries[0];
}

bool deployment_has_intent(const struct deployment *deployment, enum action action)
{
    for (size_t i = 0; i < deployment->count; i++) {
        const char *name = json_string_value(
            json_object_get(deployment->entries[i].body, "action"));
        if (strcmp(deployment->entries[i].type, ENTRY_INTENT) == 0 && name != NULL
            && strcmp(name, machine_action_name(action)) == 0)
            return true;
    }
    return false;
}

bool deployment_has_touched(const struct deployment *deployment)
{
    return deployment_last_of_type(deployment, ENTRY_TAKEOVER) != NULL
           || deployment_has_intent(deployment, ACTION_CONNECT);
}

int64_t deployment_epoch(const struct deployment *deployment)
{
    const struct journal_entry *takeover = deployment_last_of_type(deployment, ENTRY_TAKEOVER);
    int64_t taken = deployment_facts(deployment, STATE_CONNECTED).epoch;
    int64_t followed = takeover != NULL
                           ? json_integer_value(json_object_get(takeover->body, "epoch"))
                           : 0;
    return followed > taken ? followed : taken;
}

static enum interlock interlock_by_name(const char *name)
{
    if (strcmp(name, interlock_name(INTERLOCK_ARMED)) == 0)
        return INTERLOCK_ARMED;
    return strcmp(name, interlock_name(INTERLOCK_DISARMED)) == 0 ? INTERLOCK_DISARMED
                                                                 : INTERLOCK_UNKNOWN;
}

static bool is_down(const char *name)
{
    return strcmp(name, INTERLOCK_WORD_ABSENT) == 0 || strcmp(name, INTERLOCK_WORD_STOPPED) == 0;
}

struct deployment_facts deployment_facts(const struct deployment *deployment, enum state to)
{
    const struct journal_entry *entry = deployment_transition_to(deployment, to);
    const json_t *facts = entry != NULL ? json_object_get(entry->body, "facts") : NULL;
    return (struct deployment_facts){
        .commit = recorded_text(facts, FACT_COMMIT),
        .subject = recorded_text(facts, FACT_SUBJECT),
        .policy_hash = recorded_text(facts, FACT_POLICY_HASH),
        .drift = recorded_text(facts, FACT_DRIFT),
        .health = recorded_text(facts, FACT_HEALTH),
        .env = recorded_text(facts, FACT_ENV),
        .missing = recorded_text(facts, FACT_MISSING),
        .execution = recorded_text(facts, FACT_EXECUTION),
        .policy_changed = strcmp(recorded_text(facts, FACT_POLICY_CHANGED), "yes") == 0,
        .rearm = strcmp(recorded_text(facts, FACT_REARM), "yes") == 0,
        .interlock = interlock_by_name(recorded_text(facts, FACT_INTERLOCK)),
        .down = is_down(recorded_text(facts, FACT_INTERLOCK)),
        .epoch = json_integer_value(json_object_get(facts, FACT_EPOCH))};
}

const json_t *deployment_check(const struct deployment *deployment, const char *item,
                               const struct journal_entry **ret_entry)
{
    for (size_t i = deployment->count; i-- > 0;) {
        const struct journal_entry *entry = &deployment->entries[i];
        const json_t *list = json_object_get(entry->body, "evidence"), *found = NULL;
        bool ran = false;
        if (strcmp(entry->type, ENTRY_TRANSITION) != 0)
            continue;
        for (size_t j = 0; j < json_array_size(list); j++) {
            const json_t *one = json_array_get(list, j);
            bool answer = strcmp(recorded_text(one, "probe"), PROBE_PREFLIGHT) == 0;
            ran = ran || answer;
            if (answer && strcmp(recorded_text(one, "subject"), item) == 0)
                found = one;
        }
        if (ran) {
            *ret_entry = entry;
            return found;
        }
    }
    return NULL;
}

const char *deployment_open_string(const struct deployment *deployment, const char *key)
{
    assert(deployment->count > 0);
    return recorded_text(deployment->entries[0].body, key);
}

bool deployment_left_disarmed(const struct deployment *deployment)
{
    if (deployment_facts(deployment, STATE_CONNECTED).interlock != INTERLOCK_ARMED)
        return false;
    if (deployment_transition_to(deployment, STATE_SAFE) != NULL)
        return true;
    if (deployment_transition_to(deployment, STATE_ARMED) != NULL)
        return false;
    return deployment_transition_to(deployment, STATE_DISARMED) != NULL
           || deployment_facts(deployment, STATE_VERIFIED).interlock == INTERLOCK_DISARMED;
}

static const struct journal_entry *entry_of_seq(const struct deployment *deployment, json_int_t seq)
{
    for (size_t i = 0; i < deployment->count; i++)
        if (deployment->entries[i].seq == (uint64_t)seq)
            return &deployment->entries[i];
    return NULL;
}

static const struct journal_entry *intent_of(const struct deployment *deployment,
                                             const struct journal_entry *entry)
{
    return entry_of_seq(deployment, json_integer_value(json_object_get(entry->body, "intent")));
}

const char *deployment_disarmed_by(const struct deployment *deployment)
{
    const struct journal_entry *disarmed = deployment_transition_to(deployment, STATE_DISARMED);
    const struct journal_entry *sent = disarmed != NULL ? intent_of(deployment, disarmed) : NULL;
    if (sent == NULL)
        return NULL;
    const char *nonce = entry_string(sent, "key");
    for (size_t i = 0; i < deployment->count; i++) {
        const struct journal_entry *entry = &deployment->entries[i];
        if (strcmp(entry->type, ENTRY_RECONCILIATION) != 0
            || strcmp(entry_string(entry, "then"), "repeat") != 0)
            continue;
        const struct journal_entry *intent = intent_of(deployment, entry);
        if (intent != NULL
            && strcmp(entry_string(intent, "action"), machine_action_name(ACTION_ARM)) == 0)
            nonce = entry_string(intent, "key");
    }
    return nonce;
}
