/* The schemas of journal/FORMAT.md, "Bodies", as rows: what each body must have and in which order.
 * Unknown keys are passed over. */
#include "verify/read/schema.h"

#include <stdio.h>
#include <string.h>

#include "journal/format/bytes.h"

enum field_kind {
    FIELD_INVALID = 0,
    FIELD_TEXT,
    FIELD_TEXTS,
    FIELD_INTEGER,
    FIELD_COUNT,
    FIELD_BOOLEAN,
    FIELD_OBJECT,
    FIELD_HEX64,
    FIELD_HEX64_OR_EMPTY,
    FIELD_HEX40_OR_EMPTY,
    FIELD_HEX32,
    FIELD_WORD,
    FIELD_EVIDENCE,
    FIELD_SHAPE,
};

struct field {
    const char *key;
    enum field_kind kind;
    bool optional;
    /* FIELD_WORD: the words allowed, each ended by '|'; FIELD_SHAPE: the fields of the object */
    const void *detail;
};

static const struct field roster_fields[] = {{"operators", FIELD_TEXTS, false, NULL},
                                             {"approvers", FIELD_TEXTS, false, NULL},
                                             {"administrators", FIELD_TEXTS, false, NULL},
                                             {0}};
static const struct field target_fields[] = {{"name", FIELD_TEXT, false, NULL},
                                             {"address", FIELD_TEXT, false, NULL},
                                             {"host_key", FIELD_TEXT, false, NULL},
                                             {0}};
static const struct field services_fields[] = {{"execution", FIELD_TEXT, false, NULL},
                                               {"brain", FIELD_TEXT, false, NULL},
                                               {"restarts_allowed", FIELD_TEXTS, true, NULL},
                                               {0}};
static const struct field subjects_fields[] = {{"policy_hash", FIELD_TEXT, false, NULL},
                                               {"arm", FIELD_TEXT, false, NULL},
                                               {"disarm", FIELD_TEXT, false, NULL},
                                               {0}};
/* The younger patterns, and the younger limits, may be absent. */
#define SCHEMA_PATTERN(token, name)                                                         \
    {name, FIELD_TEXTS,                                                                     \
     PATTERN_##token == PATTERN_HANDSHAKE_LOST || PATTERN_##token == PATTERN_HANDSHAKE_NONE \
         || PATTERN_##token == PATTERN_ARM_RECEIVED,                                        \
     NULL},
#define SCHEMA_LIMIT(name)                                                                        \
    {#name, FIELD_COUNT,                                                                          \
     sizeof #name == sizeof "failures_total" || sizeof #name == sizeof "preflight_ms"             \
         || sizeof #name == sizeof "service_start_ms" || sizeof #name == sizeof "guard_pause_ms", \
     NULL},
static const struct field patterns_fields[] = {NAMES_PATTERNS(SCHEMA_PATTERN){0}};
static const struct field limits_fields[] = {NAMES_LIMITS(SCHEMA_LIMIT){0}};
static const struct field approvals_fields[] = {{"policy", FIELD_COUNT, false, NULL},
                                                {"release", FIELD_COUNT, false, NULL},
                                                {0}};
static const struct field succeeds_fields[] = {{"journal", FIELD_HEX32, false, NULL},
                                               {"seq", FIELD_COUNT, false, NULL},
                                               {"hash", FIELD_HEX64, false, NULL},
                                               {0}};
static const struct field span_fields[] = {{"boot", FIELD_TEXT, false, NULL},
                                           {"before_ms", FIELD_COUNT, false, NULL},
                                           {"after_ms", FIELD_COUNT, false, NULL},
                                           {"wall_ms", FIELD_INTEGER, true, NULL},
                                           {0}};
static const struct field item_fields[] = {
    {"probe", FIELD_TEXT, false, NULL},        {"subject", FIELD_TEXT, false, NULL},
    {"status", FIELD_INTEGER, false, NULL},    {"output", FIELD_HEX64, false, NULL},
    {"size", FIELD_COUNT, false, NULL},        {"sent_ns", FIELD_COUNT, false, NULL},
    {"received_ns", FIELD_COUNT, false, NULL}, {"target", FIELD_SHAPE, true, span_fields},
    {"excerpt", FIELD_TEXT, true, NULL},       {0}};

#define SCHEMA_SETTINGS                                                                          \
    {"services", FIELD_SHAPE, false, services_fields},                                           \
        {"subjects", FIELD_SHAPE, true, subjects_fields}, {"script", FIELD_TEXT, true, NULL},    \
        {"endpoints", FIELD_TEXTS, false, NULL}, {"endpoint_services", FIELD_TEXTS, true, NULL}, \
        {"health_words", FIELD_TEXTS, true, NULL}, {"marker", FIELD_BOOLEAN, false, NULL},       \
        {"patterns", FIELD_SHAPE, false, patterns_fields},                                       \
    {                                                                                            \
        "limits", FIELD_SHAPE, false, limits_fields                                              \
    }
static const struct field genesis_fields[] = {{"target", FIELD_SHAPE, false, target_fields},
                                              SCHEMA_SETTINGS,
                                              {"roster", FIELD_SHAPE, false, roster_fields},
                                              {"checklist", FIELD_TEXTS, false, NULL},
                                              {"approvals", FIELD_SHAPE, false, approvals_fields},
                                              {"succeeds", FIELD_SHAPE, true, succeeds_fields},
                                              {0}};
static const struct field settings_fields[] = {SCHEMA_SETTINGS,
                                               {"checklist", FIELD_TEXTS, false, NULL},
                                               {"approvals", FIELD_SHAPE, false, approvals_fields},
                                               {"reason", FIELD_TEXT, false, NULL},
                                               {0}};
static const struct field roster_entry_fields[] = {{"roster", FIELD_SHAPE, false, roster_fields},
                                                   {"reason", FIELD_TEXT, false, NULL},
                                                   {0}};
static const struct field open_fields[] = {{"procedure", FIELD_WORD, false, "release|policy|"},
                                           {"operator", FIELD_TEXT, false, NULL},
                                           {"reason", FIELD_TEXT, false, NULL},
                                           {"session", FIELD_HEX64, false, NULL},
                                           {"table", FIELD_HEX64, false, NULL},
                                           {"program", FIELD_TEXT, false, NULL},
                                           {"branch", FIELD_TEXT, false, NULL},
                                           {"commit", FIELD_HEX40_OR_EMPTY, false, NULL},
                                           {"expect", FIELD_HEX64_OR_EMPTY, false, NULL},
                                           {"checklist", FIELD_TEXTS, false, NULL},
                                           {"approvals", FIELD_COUNT, false, NULL},
                                           {"config", FIELD_HEX64, false, NULL},
                                           {"again", FIELD_BOOLEAN, true, NULL},
                                           {0}};
static const struct field intent_fields[] = {{"from", FIELD_TEXT, false, NULL},
                                             {"action", FIELD_TEXT, false, NULL},
                                             {"key", FIELD_HEX32, false, NULL},
                                             {"repeats", FIELD_COUNT, true, NULL},
                                             {"what", FIELD_TEXT, false, NULL},
                                             {0}};
static const struct field transition_fields[] = {
    {"intent", FIELD_COUNT, true, NULL},  {"from", FIELD_TEXT, false, NULL},
    {"event", FIELD_TEXT, false, NULL},   {"to", FIELD_TEXT, false, NULL},
    {"reason", FIELD_TEXT, false, NULL},  {"evidence", FIELD_EVIDENCE, false, NULL},
    {"facts", FIELD_OBJECT, false, NULL}, {0}};
static const struct field sample_fields[] = {{"intent", FIELD_COUNT, false, NULL},
                                             {"n", FIELD_COUNT, false, NULL},
                                             {"evidence", FIELD_EVIDENCE, false, NULL},
                                             {"facts", FIELD_OBJECT, false, NULL},
                                             {0}};
static const struct field refusal_fields[] = {{"from", FIELD_TEXT, false, NULL},
                                              {"event", FIELD_TEXT, false, NULL},
                                              {"reason", FIELD_TEXT, false, NULL},
                                              {0}};
static const struct field reconciliation_fields[] = {{"intent", FIELD_COUNT, false, NULL},
                                                     {"found", FIELD_WORD, false,
                                                      "done|not_done|partial|unknown|"},
                                                     {"then", FIELD_WORD, false,
                                                      "continue|repeat|fail|ask|"},
                                                     {"reason", FIELD_TEXT, false, NULL},
                                                     {"evidence", FIELD_EVIDENCE, false, NULL},
                                                     {0}};
static const struct field attestation_fields[] = {{"item", FIELD_TEXT, false, NULL},
                                                  {"answer", FIELD_WORD, false, "passed|accepted|"},
                                                  {"reason", FIELD_TEXT, false, NULL},
                                                  {"operator", FIELD_TEXT, false, NULL},
                                                  {0}};
static const struct field approval_fields[] = {{"principal", FIELD_TEXT, false, NULL},
                                               {"statement", FIELD_TEXT, false, NULL},
                                               {"signature", FIELD_TEXT, false, NULL},
                                               {"reason", FIELD_TEXT, true, NULL},
                                               {0}};
static const struct field takeover_fields[] = {{"operator", FIELD_TEXT, false, NULL},
                                               {"session", FIELD_HEX64, false, NULL},
                                               {"epoch", FIELD_COUNT, false, NULL},
                                               {"previous", FIELD_TEXT, false, NULL},
                                               {"reason", FIELD_TEXT, false, NULL},
                                               {0}};
static const struct field command_fields[] = {{"command", FIELD_WORD, false,
                                               "disarm|arm|answer|succeed|"},
                                              {"phase", FIELD_WORD, false, "intent|outcome|"},
                                              {"key", FIELD_TEXT, false, NULL},
                                              {"outcome", FIELD_WORD, false,
                                               "|observed|not_observed|failed|yes|no|unanswered|"},
                                              {"reason", FIELD_TEXT, false, NULL},
                                              {"evidence", FIELD_EVIDENCE, false, NULL},
                                              {"preceded", FIELD_BOOLEAN, true, NULL},
                                              {0}};
static const struct field anchor_fields[] = {{"checkpoint", FIELD_TEXT, false, NULL},
                                             {"to", FIELD_TEXT, false, NULL},
                                             {0}};
static const struct field note_fields[] = {{"text", FIELD_TEXT, false, NULL},
                                           {"kind", FIELD_TEXT, true, NULL},
                                           {0}};

static const struct field *const bodies[ENTRY_TYPES] = {[ENTRY_GENESIS] = genesis_fields,
                                                        [ENTRY_SETTINGS] = settings_fields,
                                                        [ENTRY_ROSTER] = roster_entry_fields,
                                                        [ENTRY_OPEN] = open_fields,
                                                        [ENTRY_INTENT] = intent_fields,
                                                        [ENTRY_TRANSITION] = transition_fields,
                                                        [ENTRY_REFUSAL] = refusal_fields,
                                                        [ENTRY_SAMPLE] = sample_fields,
                                                        [ENTRY_ATTESTATION] = attestation_fields,
                                                        [ENTRY_APPROVAL] = approval_fields,
                                                        [ENTRY_RECONCILIATION] =
                                                            reconciliation_fields,
                                                        [ENTRY_TAKEOVER] = takeover_fields,
                                                        [ENTRY_COMMAND] = command_fields,
                                                        [ENTRY_ANCHOR] = anchor_fields,
                                                        [ENTRY_NOTE] = note_fields};

static bool is_hex(const struct node *node, size_t digits, bool or_empty)
{
    uint8_t bytes[SHA256_BYTES];
    return node_is(node, NODE_STRING)
           && ((or_empty && node->text.length == 0)
               || bytes_from_hex(node->text.at, node->text.length, bytes, digits / 2));
}

static bool is_texts(const struct node *node)
{
    if (!node_is(node, NODE_ARRAY))
        return false;
    for (const struct node *element = node->first; element != NULL; element = element->next)
        if (!node_is(element, NODE_STRING))
            return false;
    return true;
}

static bool schema_is_word(const struct node *node, const char *words)
{
    for (const char *at = words; *at != '\0'; at += strcspn(at, "|") + 1)
        if (node_is(node, NODE_STRING)
            && slice_equal(node->text, (struct slice){at, strcspn(at, "|")}))
            return true;
    return false;
}

static const char *wrong_key(const struct field *fields, const struct node *object);

static bool is_evidence(const struct node *node)
{
    if (!node_is(node, NODE_ARRAY))
        return false;
    for (const struct node *item = node->first; item != NULL; item = item->next)
        if (wrong_key(item_fields, item) != NULL)
            return false;
    return true;
}

static bool is_right(const struct field *field, const struct node *node)
{
    switch (field->kind) {
    case FIELD_INVALID:
        return false;
    case FIELD_TEXT:
        return node_is(node, NODE_STRING);
    case FIELD_TEXTS:
        return is_texts(node);
    case FIELD_INTEGER:
        return node_is(node, NODE_INTEGER);
    case FIELD_COUNT:
        return node_is(node, NODE_INTEGER) && node->number >= 0;
    case FIELD_BOOLEAN:
        return node_is(node, NODE_TRUE) || node_is(node, NODE_FALSE);
    case FIELD_OBJECT:
        return node_is(node, NODE_OBJECT);
    case FIELD_HEX64:
        return is_hex(node, 64, false);
    case FIELD_HEX64_OR_EMPTY:
        return is_hex(node, 64, true);
    case FIELD_HEX40_OR_EMPTY:
        return is_hex(node, 40, true);
    case FIELD_HEX32:
        return is_hex(node, 32, false);
    case FIELD_WORD:
        return schema_is_word(node, field->detail);
    case FIELD_EVIDENCE:
        return is_evidence(node);
    case FIELD_SHAPE:
        return wrong_key(field->detail, node) == NULL;
    }
    return false;
}

/* The first key that is missing, of another form, or out of its place; NULL when all are right. */
static const char *wrong_key(const struct field *fields, const struct node *object)
{
    if (!node_is(object, NODE_OBJECT))
        return fields[0].key;
    size_t place = 0;
    for (; fields->key != NULL; fields++) {
        size_t at = 0;
        const struct node *member = object->first;
        while (member != NULL && !slice_is(member->key, fields->key)) {
            member = member->next;
            at++;
        }
        if (member == NULL && fields->optional)
            continue;
        if (member == NULL || at < place || !is_right(fields, member))
            return fields->key;
        place = at;
    }
    return NULL;
}

bool schema_body_is_right(enum entry_type type, const struct node *body, char *ret_why, size_t room)
{
    const char *wrong = wrong_key(bodies[type], body);
    if (wrong == NULL)
        return true;
    (void)snprintf(ret_why, room,
                   "the body of this %s lacks `%s`, or has it in a form or at a place that the "
                   "format does not know",
                   entry_type_name(type), wrong);
    return false;
}
