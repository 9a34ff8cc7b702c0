#include "verify/judge/genesis.h"

#include <stdio.h>
#include <string.h>

/* The format's own subjects of the bus. */
#define SUBJECT_HASH "titan.req.exec.policy_hash.v1"
#define SUBJECT_ARM "titan.cmd.operator.arm.v1"
#define SUBJECT_DISARM "titan.cmd.operator.disarm.v1"

/* The format's own patterns, each ended by '\n'. */
static const char *const defaults[PATTERNS] = {
    [PATTERN_POLICY_LOADED] = "Risk Policy Loaded. Hash: %H\nLoaded RiskPolicy (hash: %H\n",
    [PATTERN_HANDSHAKE_OK] = "Policy hash handshake OK. Enabling signal processing. Hash: %H\n"
                             "Policy hash handshake OK\n",
    [PATTERN_HANDSHAKE_FAILED] = "CRITICAL: Policy hash handshake FAILED\n"
                                 "Policy hash handshake FAILED\n",
    [PATTERN_HANDSHAKE_LOST] = "Brain demoted to FOLLOWER\n",
    [PATTERN_HANDSHAKE_NONE] = "Leader Election DISABLED\n",
    [PATTERN_DISARM_RECEIVED] = "Received DISARM command: %N\n",
    [PATTERN_ARM_RECEIVED] = "Received ARM command: %N\n",
    [PATTERN_DISARMED] = "EXECUTION DISARMED: \nExecution initialized DISARMED\n",
    [PATTERN_ARMED] = "EXECUTION ARMED: \nExecution initialized in ARMED state\n",
    [PATTERN_ERRORS] = ""};

/* Three patterns may be absent; the format's own stand for them. */
#define ABSENT_PATTERN(name, words)                                                            \
    static struct node name##_word = {.kind = NODE_STRING, .text = {words, sizeof words - 1}}; \
    static const struct node name = {.kind = NODE_ARRAY, .count = 1, .first = &name##_word}
ABSENT_PATTERN(lost_pattern, "Brain demoted to FOLLOWER");
ABSENT_PATTERN(none_pattern, "Leader Election DISABLED");
ABSENT_PATTERN(arm_pattern, "Received ARM command: %N");

static const struct node *pattern_of(const struct node *patterns, enum pattern pattern)
{
    const struct node *node = node_member(patterns, pattern_name(pattern));
    if (node != NULL)
        return node;
    return pattern == PATTERN_HANDSHAKE_LOST   ? &lost_pattern
           : pattern == PATTERN_HANDSHAKE_NONE ? &none_pattern
           : pattern == PATTERN_ARM_RECEIVED   ? &arm_pattern
                                               : NULL;
}

static struct slice or_default(const struct node *object, const char *key, const char *otherwise)
{
    return node_member(object, key) != NULL ? node_text(object, key) : slice_of(otherwise);
}

bool genesis_read(const struct record *record, uint64_t before, struct genesis *ret_genesis)
{
    if (record->entries[0].type != ENTRY_GENESIS)
        return false;
    const struct node *first = entry_body(&record->entries[0]), *body = first;
    for (size_t i = record->settings_count; i-- > 0 && body == first;)
        if (record->settings[i] < before)
            body = entry_body(&record->entries[record->settings[i]]);
    const struct node *services = node_member(body, "services"),
                      *subjects = node_member(body, "subjects"),
                      *approvals = node_member(body, "approvals"),
                      *patterns = node_member(body, "patterns");
    struct genesis genesis = {.target = node_text(node_member(first, "target"), "name"),
                              .execution = node_text(services, "execution"),
                              .brain = node_text(services, "brain"),
                              .subject_hash = or_default(subjects, "policy_hash", SUBJECT_HASH),
                              .subject_arm = or_default(subjects, "arm", SUBJECT_ARM),
                              .subject_disarm = or_default(subjects, "disarm", SUBJECT_DISARM),
                              .script = node_text(body, "script"),
                              .marker = node_is(node_member(body, "marker"), NODE_TRUE),
                              .endpoints = node_member(body, "endpoints"),
                              .endpoint_services = node_member(body, "endpoint_services"),
                              .health_words = node_member(body, "health_words"),
                              .checklist = node_member(body, "checklist"),
                              .restarts_allowed = node_member(services, "restarts_allowed"),
                              .limits = node_member(body, "limits"),
                              .approvals_policy = node_number(approvals, "policy", 0),
                              .approvals_release = node_number(approvals, "release", 0)};
    for (unsigned i = 1; i < PATTERNS; i++)
        genesis.patterns[i] = pattern_of(patterns, (enum pattern)i);
    genesis.has_policy = genesis.execution.length > 0;
    *ret_genesis = genesis;
    return true;
}

static bool is_default(const struct node *patterns, const char *expected)
{
    struct slice rest = slice_of(expected), line;
    const struct node *pattern = patterns != NULL ? patterns->first : NULL;
    for (; pattern != NULL && slice_line(&rest, &line); pattern = pattern->next)
        if (!slice_equal(pattern->text, line))
            return false;
    return pattern == NULL && rest.length == 0;
}

void genesis_differing(const struct genesis *genesis, char *ret_names, size_t room)
{
    size_t used = 0;
    ret_names[0] = '\0';
    for (unsigned i = 1; i < PATTERNS; i++) {
        if (is_default(genesis->patterns[i], defaults[i]) || i == PATTERN_ERRORS || used >= room)
            continue;
        (void)snprintf(ret_names + used, room - used, "%s%s", used > 0 ? ", " : "",
                       pattern_name((enum pattern)i));
        used += strlen(ret_names + used);
    }
    bool subjects = slice_is(genesis->subject_hash, SUBJECT_HASH)
                    && slice_is(genesis->subject_arm, SUBJECT_ARM)
                    && slice_is(genesis->subject_disarm, SUBJECT_DISARM);
    if (!subjects && used < room)
        (void)snprintf(ret_names + used, room - used, "%sthe bus subjects", used > 0 ? ", " : "");
}

bool genesis_names_endpoint(const struct genesis *genesis, struct slice endpoint)
{
    for (const struct node *node = genesis->endpoints->first; node != NULL; node = node->next)
        if (slice_equal(node->text, endpoint))
            return true;
    return false;
}

bool genesis_may_restart(const struct genesis *genesis, const char *service)
{
    const struct node *node = genesis->restarts_allowed != NULL ? genesis->restarts_allowed->first
                                                                : NULL;
    for (; node != NULL; node = node->next)
        if (slice_is(node->text, service))
            return true;
    return false;
}
