#include "fsm/record.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "journal/canonical.h"
#include "journal/format/names.h"

enum { REASON_BYTES_MAX = 2000 };
static const int64_t WALL_STEP_NS =
    1000000000; /* a wall clock that slews moves less than this between two entries */

void record_text(const char *text, char *ret_text, size_t size)
{
    assert(size > 0);
    size_t length = strlen(text);
    if (length > size - 1) {
        length = size - 1;
        while (length > 0 && ((unsigned char)text[length] & 0xC0) == 0x80)
            length--;
    }
    if (bytes_is_utf8(text, length)) {
        memcpy(ret_text, text, length);
    } else {
        for (size_t i = 0; i < length; i++)
            ret_text[i] = (unsigned char)text[i] < 0x80 ? text[i] : '?';
    }
    ret_text[length] = '\0';
}

static json_t *text_json(const char *text)
{
    char clean[REASON_BYTES_MAX];
    record_text(text != NULL ? text : "", clean, sizeof clean);
    return json_string(clean);
}

static json_t *item_json(const struct evidence_item *item)
{
    char hash[SHA256_HEX + 1];
    bytes_sha256_hex(item->output.data, item->output.size, hash);
    json_t *json = json_pack("{s:s, s:o, s:i, s:s, s:I, s:I, s:I}", "probe", item->probe, "subject",
                             text_json(item->subject), "status", item->status, "output", hash,
                             "size", (json_int_t)item->output.size, "sent_ns",
                             (json_int_t)item->sent_ns, "received_ns",
                             (json_int_t)item->received_ns);
    if (json != NULL && item->target.boot[0] != '\0') {
        json_t *span = json_pack("{s:s, s:I, s:I}", "boot", item->target.boot, "before_ms",
                                 (json_int_t)item->target.before_ms, "after_ms",
                                 (json_int_t)item->target.after_ms);
        if (item->target.wall_ms > 0
            && json_object_set_new(span, "wall_ms", json_integer(item->target.wall_ms)) != 0)
            span = NULL; /* json_object_set_new() refuses NULL below */
        if (json_object_set_new(json, "target", span) != 0) {
            json_decref(json);
            return NULL;
        }
    }
    return json;
}

static json_t *evidence_json(const struct evidence *evidence)
{
    json_t *list = json_array();
    for (size_t i = 0; list != NULL && evidence != NULL && i < evidence->count; i++) {
        if (json_array_append_new(list, item_json(&evidence->items[i])) != 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

static enum error_code no_memory_for_entry(struct error *error)
{
    return error_set(error, ERROR_MEMORY, 0, "journal", "",
                     "out of memory while an entry was being written");
}

/* Notes a step of the wall clock since the entry before, on the same boot. */
static enum error_code watch_wall_clock(struct recorder *recorder, struct signer *signer,
                                        struct error *error)
{
    struct clock_reading now;
    enum error_code code = recorder->clock->read(recorder->clock->context, &now, error);
    if (code != ERROR_OK)
        return code;
    int64_t offset = now.utc_ns - now.boottime_ns;
    int64_t step = offset - recorder->wall_offset_ns;
    bool stepped = strcmp(recorder->boot, now.boot) == 0
                   && (step > WALL_STEP_NS || step < -WALL_STEP_NS);
    memcpy(recorder->boot, now.boot, sizeof recorder->boot);
    recorder->wall_offset_ns = offset;
    if (!stepped)
        return ERROR_OK;
    char text[160];
    (void)snprintf(text, sizeof text,
                   "the wall clock was stepped by %lld ms; no deadline depends on it",
                   (long long)(step / 1000000));
    CLEANUP_JSON json_t *body = json_pack("{s:s, s:s}", "text", text, "kind", "clock_step");
    if (body == NULL)
        return no_memory_for_entry(error);
    return journal_append(recorder->journal,
                          &(struct entry_draft){.signer = signer,
                                                .type = ENTRY_NOTE,
                                                .deployment = recorder->deployment,
                                                .body = body},
                          NULL, error);
}

static enum error_code append_signed(struct recorder *recorder, struct signer *signer,
                                     const char *type, int64_t deployment, const json_t *body,
                                     const struct evidence *evidence, uint64_t *ret_seq,
                                     struct error *error)
{
    if (body == NULL)
        return no_memory_for_entry(error);
    if (signer == NULL)
        return error_set(error, ERROR_KEY_REFUSED, 0, "journal",
                         "give the operator's key, or `titan-fsm resume` on the machine that began",
                         "no key is open that may sign a %s", type);
    struct bytes blobs[EVIDENCE_ITEMS_MAX];
    size_t count = evidence != NULL ? evidence->count : 0;
    for (size_t i = 0; i < count; i++)
        blobs[i] = evidence->items[i].output;
    /* A note inside a deployment is the session key's alone (journal/FORMAT.md, "Who signs what").
     */
    uint64_t decided_at = recorder->decided_at;
    recorder->decided_at = 0;
    bool may_note = strcmp(type, ENTRY_GENESIS) != 0 && strcmp(type, ENTRY_ROSTER) != 0
                    && strcmp(type, ENTRY_OPEN) != 0
                    && (deployment == JOURNAL_NO_DEPLOYMENT || signer == recorder->session);
    enum error_code code = journal_answers(recorder->journal, error);
    if (code == ERROR_OK && may_note)
        code = watch_wall_clock(recorder, signer, error);
    if (code != ERROR_OK)
        return code;
    return journal_append(recorder->journal,
                          &(struct entry_draft){.signer = signer,
                                                .type = type,
                                                .deployment = deployment,
                                                .body = body,
                                                .blobs = blobs,
                                                .blob_count = count,
                                                .decided_at = decided_at},
                          ret_seq, error);
}

static enum error_code append_here(struct recorder *recorder, const char *type, const json_t *body,
                                   const struct evidence *evidence, uint64_t *ret_seq,
                                   struct error *error)
{
    struct signer *signer = recorder->session != NULL ? recorder->session
                                                      : recorder->operator_signer;
    return append_signed(recorder, signer, type, recorder->deployment, body, evidence, ret_seq,
                         error);
}

enum error_code record_own(struct recorder *recorder, const char *type, int64_t deployment,
                           const json_t *body, uint64_t *ret_seq, struct error *error)
{
    return append_signed(recorder, recorder->operator_signer, type, deployment, body, NULL, ret_seq,
                         error);
}

enum error_code record_intent(struct recorder *recorder, const struct transition *edge,
                              const char *key, uint64_t repeats, const char *what,
                              uint64_t *ret_seq, struct error *error)
{
    CLEANUP_JSON json_t *body = json_pack("{s:s, s:s, s:s}", "from", machine_state_name(edge->from),
                                          "action", machine_action_name(edge->action), "key", key);
    if (body != NULL && repeats != 0
        && json_object_set_new(body, "repeats", json_integer((json_int_t)repeats)) != 0)
        return no_memory_for_entry(error);
    if (body == NULL || json_object_set_new(body, "what", text_json(what)) != 0)
        return no_memory_for_entry(error);
    return append_here(recorder, ENTRY_INTENT, body, NULL, ret_seq, error);
}

enum error_code record_transition(struct recorder *recorder, const struct transition_draft *draft,
                                  struct error *error)
{
    const struct transition *edge = draft->edge;
    CLEANUP_JSON json_t *body = json_object();
    if (body == NULL
        || (draft->intent != 0
            && json_object_set_new(body, "intent", json_integer((json_int_t)draft->intent)) != 0))
        return no_memory_for_entry(error);
    json_t *facts = draft->facts != NULL ? json_incref(draft->facts) : json_object();
    CLEANUP_JSON json_t *rest = json_pack("{s:s, s:s, s:s, s:o, s:o, s:o}", "from",
                                          machine_state_name(edge->from), "event",
                                          machine_event_name(edge->event), "to",
                                          machine_state_name(edge->to), "reason",
                                          text_json(draft->reason), "evidence",
                                          evidence_json(draft->evidence), "facts", facts);
    if (rest == NULL || json_object_update(body, rest) != 0)
        return no_memory_for_entry(error);
    return append_here(recorder, ENTRY_TRANSITION, body, draft->evidence, NULL, error);
}

enum error_code record_sample(struct recorder *recorder, uint64_t intent, int64_t number,
                              const struct evidence *evidence, json_t *facts, struct error *error)
{
    CLEANUP_JSON json_t *body = json_pack("{s:I, s:I, s:o, s:o}", "intent", (json_int_t)intent, "n",
                                          (json_int_t)number, "evidence", evidence_json(evidence),
                                          "facts",
                                          facts != NULL ? json_incref(facts) : json_object());
    return append_here(recorder, ENTRY_SAMPLE, body, evidence, NULL, error);
}

enum error_code record_reconciliation(struct recorder *recorder,
                                      const struct reconciliation_draft *draft, struct error *error)
{
    CLEANUP_JSON json_t *body = json_pack("{s:I, s:s, s:s, s:o, s:o}", "intent",
                                          (json_int_t)draft->intent, "found", draft->found, "then",
                                          draft->then, "reason", text_json(draft->reason),
                                          "evidence", evidence_json(draft->evidence));
    return append_here(recorder, ENTRY_RECONCILIATION, body, draft->evidence, NULL, error);
}

enum error_code record_refusal(struct recorder *recorder, const char *from, const char *event,
                               const char *reason, struct error *error)
{
    CLEANUP_JSON json_t *body = json_pack("{s:s, s:s, s:o}", "from", from, "event", event, "reason",
                                          text_json(reason));
    return append_here(recorder, ENTRY_REFUSAL, body, NULL, NULL, error);
}

enum error_code record_command(struct recorder *recorder, const struct command_draft *draft,
                               struct error *error)
{
    CLEANUP_JSON json_t *body = json_pack("{s:s, s:s, s:s, s:s, s:o, s:o}", "command",
                                          draft->command, "phase", draft->phase, "key", draft->key,
                                          "outcome", draft->outcome, "reason",
                                          text_json(draft->reason), "evidence",
                                          evidence_json(draft->evidence));
    if (body != NULL && draft->preceded && json_object_set_new(body, "preceded", json_true()) != 0)
        return no_memory_for_entry(error);
    return append_here(recorder, ENTRY_COMMAND, body, draft->evidence, NULL, error);
}

enum error_code record_approval(struct recorder *recorder, const char *principal,
                                const char *statement, const char *signature, const char *reason,
                                uint64_t *ret_seq, struct error *error)
{
    CLEANUP_JSON json_t *body = json_pack("{s:s, s:s, s:s}", "principal", principal, "statement",
                                          statement, "signature", signature);
    if (body != NULL && reason[0] != '\0'
        && json_object_set_new(body, "reason", text_json(reason)) != 0)
        return no_memory_for_entry(error);
    return append_here(recorder, ENTRY_APPROVAL, body, NULL, ret_seq, error);
}

enum error_code record_note(struct recorder *recorder, const char *kind, const char *text,
                            struct error *error)
{
    CLEANUP_JSON json_t *body = json_pack("{s:o}", "text", text_json(text));
    if (body != NULL && kind[0] != '\0'
        && json_object_set_new(body, "kind", json_string(kind)) != 0)
        return no_memory_for_entry(error);
    return append_here(recorder, ENTRY_NOTE, body, NULL, NULL, error);
}
