/* What each step carries (P-12), and that none of it failed (P-13). */
#include "verify/rules/procedure.h"

#include "verify/judge/reading.h"
#include "verify/rules/window.h"

enum when {
    WHEN_ALWAYS = 0,
    WHEN_SHARED,    /* a policy hash is */
    WHEN_EXECUTION, /* and Execution runs in the list before */
    WHEN_BRAIN,     /* and Brain does */
    WHEN_MARKER,    /* and Execution runs, and a marker is configured */
    WHEN_ERRORS,    /* patterns of errors are pinned; of every running service */
    WHEN_SCRIPT,    /* a script is pinned */
    WHEN_ENDPOINTS, /* one of every endpoint, in any order */
};

struct part {
    enum probe probe;
    const char *act; /* of PROBE_ACT, how its subject begins; of other acts "" */
    enum when when;
    unsigned times; /* 0 = once */
};

#define LOOK                                             \
    {PROBE_COMPOSE_CONTAINERS, NULL, WHEN_SHARED, 0},    \
        {PROBE_LOGS_EXECUTION, NULL, WHEN_EXECUTION, 0}, \
    {                                                    \
        PROBE_INTERLOCK_MARKER, NULL, WHEN_MARKER, 0     \
    }
#define REPLIES                                     \
    {                                               \
        PROBE_BUS_POLICY_HASH, NULL, WHEN_SHARED, 3 \
    }
#define FILES                                                                                     \
    {PROBE_GIT_HEAD, NULL, 0, 0}, {PROBE_GIT_BRANCH, NULL, 0, 0}, {PROBE_GIT_STATUS, NULL, 0, 0}, \
        {PROBE_CONFIG_HMAC, NULL, 0, 0}, {PROBE_ENV_HMAC, NULL, 0, 0},                            \
    {                                                                                             \
        PROBE_ENV_MODE, NULL, 0, 0                                                                \
    }
#define ONE(probe)                          \
    {                                       \
        PROBE_##probe, NULL, WHEN_ALWAYS, 0 \
    }
#define ACTED(probe, act)                  \
    {                                      \
        PROBE_##probe, act, WHEN_ALWAYS, 0 \
    }
#define HEALTH                                \
    {                                         \
        PROBE_HEALTH, NULL, WHEN_ENDPOINTS, 0 \
    }

#define LAST                                                                                      \
    FILES, ONE(POLICY_HMAC), ONE(COMPOSE_SERVICES), ONE(COMPOSE_CONTAINERS), ONE(COMPOSE_IMAGES), \
        LOOK, REPLIES, {PROBE_LOGS_EXECUTION, NULL, WHEN_EXECUTION, 0},                           \
    {                                                                                             \
        PROBE_LOGS_BRAIN, NULL, WHEN_BRAIN, 0                                                     \
    }

enum { PARTS_MAX = 32 };
static const struct part rows[ACTIONS][PARTS_MAX] = {
    [ACTION_CONNECT] = {ONE(TENANCY),
                        FILES,
                        ONE(COMPOSE_SERVICES),
                        ONE(COMPOSE_CONTAINERS),
                        ONE(COMPOSE_IMAGES),
                        ONE(COMPOSE_DRIFT),
                        ONE(ENV_GOOD),
                        LOOK,
                        REPLIES,
                        {PROBE_LOGS_EXECUTION, NULL, WHEN_EXECUTION, 0},
                        {PROBE_LOGS_BRAIN, NULL, WHEN_BRAIN, 0},
                        ACTED(ACT, "hold images"),
                        ACTED(ACT, "keep files")},
    [ACTION_UPDATE_CODE] = {ACTED(ACT, "update"), ONE(GIT_HEAD), ONE(GIT_BRANCH), ONE(GIT_STATUS),
                            ONE(GIT_CHANGED), ONE(GIT_SUBJECT)},
    [ACTION_PULL_IMAGES] = {ONE(COMPOSE_SERVICES), ONE(CONFIG_HMAC), ONE(ENV_HMAC), ONE(ENV_MODE),
                            ONE(POLICY_HMAC), ACTED(COMPOSE_PULL, ""), ONE(COMPOSE_IMAGES)},
    [ACTION_LAY_GUARD] = {ONE(GUARD)},
    [ACTION_SWITCH_SERVICES] = {LAST, ACTED(COMPOSE_UP, ""), ONE(COMPOSE_CONTAINERS),
                                ONE(COMPOSE_DRIFT), FILES},
    [ACTION_VERIFY_RELEASE] = {ONE(COMPOSE_CONTAINERS),
                               HEALTH,
                               {PROBE_LOGS_ERRORS, NULL, WHEN_ERRORS, 0},
                               {PROBE_SCRIPT, NULL, WHEN_SCRIPT, 0},
                               REPLIES,
                               {PROBE_LOGS_EXECUTION, NULL, WHEN_SHARED, 0},
                               {PROBE_LOGS_BRAIN, NULL, WHEN_SHARED, 0},
                               LOOK},
    [ACTION_DISARM] = {ACTED(BUS_PUBLISH, ""), LOOK},
    [ACTION_DEPLOY_EXECUTION] = {LAST, ACTED(BUS_PUBLISH, ""), LOOK, ACTED(COMPOSE_UP, ""), LOOK},
    [ACTION_VERIFY_EXECUTION] = {ONE(COMPOSE_CONTAINERS), REPLIES, ONE(LOGS_EXECUTION), LOOK},
    [ACTION_DEPLOY_BRAIN] = {ACTED(BUS_PUBLISH, ""), LOOK, ACTED(COMPOSE_UP, ""), LOOK,
                             ACTED(COMPOSE_UP, ""), ONE(COMPOSE_SERVICES), ONE(COMPOSE_CONTAINERS),
                             ONE(COMPOSE_DRIFT), FILES, LOOK},
    [ACTION_VERIFY_PARITY] = {ONE(COMPOSE_CONTAINERS),
                              REPLIES,
                              ONE(LOGS_EXECUTION),
                              ONE(LOGS_BRAIN),
                              {PROBE_LOGS_ERRORS, NULL, WHEN_ERRORS, 0},
                              {PROBE_SCRIPT, NULL, WHEN_SCRIPT, 0},
                              LOOK},
    [ACTION_ARM] = {ONE(COMPOSE_CONTAINERS), REPLIES, ONE(LOGS_EXECUTION), ONE(LOGS_BRAIN), LOOK,
                    ACTED(BUS_PUBLISH, ""), LOOK},
    [ACTION_CONFIRM] = {ONE(GUARD),
                        ONE(COMPOSE_CONTAINERS),
                        HEALTH,
                        {PROBE_BUS_POLICY_HASH, NULL, WHEN_SHARED, 0},
                        {PROBE_LOGS_EXECUTION, NULL, WHEN_SHARED, 0},
                        {PROBE_LOGS_BRAIN, NULL, WHEN_SHARED, 0},
                        LOOK},
    [ACTION_COMPLETE] = {ONE(TENANCY), ACTED(ACT, "keep as good"), ACTED(ACT, "release images"),
                         ONE(TENANCY)},
    [ACTION_MAKE_SAFE] = {{PROBE_COMPOSE_CONTAINERS, NULL, WHEN_SHARED, 0}},
    [ACTION_REVERT] = {ACTED(ACT, "restore"), ONE(GIT_HEAD), ONE(GIT_BRANCH), ONE(GIT_STATUS),
                       ACTED(ACT, "restore env"), ONE(COMPOSE_SERVICES)},
    [ACTION_REDEPLOY] = {ONE(COMPOSE_SERVICES),
                         ONE(COMPOSE_CONTAINERS),
                         LOOK,
                         {PROBE_COMPOSE_UP, "", WHEN_SHARED, 0},
                         ONE(COMPOSE_CONTAINERS)},
    [ACTION_VERIFY_RESTORED] = {ONE(COMPOSE_SERVICES),
                                FILES,
                                ONE(COMPOSE_CONTAINERS),
                                HEALTH,
                                LOOK,
                                REPLIES,
                                {PROBE_LOGS_EXECUTION, NULL, WHEN_EXECUTION, 0},
                                {PROBE_LOGS_BRAIN, NULL, WHEN_BRAIN, 0},
                                ONE(COMPOSE_DRIFT),
                                ONE(COMPOSE_IMAGES),
                                ONE(TENANCY),
                                ACTED(ACT, "release images"),
                                ONE(TENANCY)},
    [ACTION_RESTORE_CODE] = {ONE(TENANCY), ACTED(ACT, "restore"), ONE(GIT_HEAD), ONE(GIT_BRANCH),
                             ONE(GIT_STATUS), ACTED(ACT, "release images"), ONE(TENANCY)},
};
static const struct part sample_row[] = {ONE(COMPOSE_CONTAINERS),
                                         HEALTH,
                                         {PROBE_BUS_POLICY_HASH, NULL, WHEN_SHARED, 0},
                                         {PROBE_LOGS_EXECUTION, NULL, WHEN_SHARED, 0},
                                         {PROBE_LOGS_BRAIN, NULL, WHEN_SHARED, 0},
                                         LOOK,
                                         {0}};

/* Where the walk over an entry's items stands. */
struct match {
    const struct audit *audit;
    const struct entry *entry;
    size_t at, end;
    bool front;   /* still in the last look, which stands in front of the first act */
    bool adopted; /* acts, and the look in front of one, may be absent */
    bool freed;   /* the target was free already */
    bool failed;  /* a sample in which a probe failed: what then could not be asked is absent */
};

static const struct listing *list_before(const struct match *match)
{
    return reading_list(entry_item(match->entry, 0, match->at, PROBE_COMPOSE_CONTAINERS, NULL));
}

static bool runs_before(const struct match *match, struct slice service)
{
    const struct listing *containers = list_before(match);
    return containers != NULL && reading_running(containers, service) > 0;
}

static bool part_is_asked(const struct match *match, const struct part *part)
{
    const struct genesis *genesis = &match->audit->genesis;
    switch (part->when) {
    case WHEN_ALWAYS:
    case WHEN_ENDPOINTS:
        return true;
    case WHEN_SHARED:
        return genesis->has_policy;
    case WHEN_EXECUTION:
        return genesis->has_policy && runs_before(match, genesis->execution);
    case WHEN_BRAIN:
        return genesis->has_policy && runs_before(match, genesis->brain);
    case WHEN_MARKER:
        return genesis->has_policy && genesis->marker && runs_before(match, genesis->execution);
    case WHEN_ERRORS:
        return genesis->patterns[PATTERN_ERRORS]->count > 0;
    case WHEN_SCRIPT:
        return genesis->script.length > 0;
    }
    return true;
}

/* The next item that this part names, in front of which nothing is given up. */
static bool advance_to(struct match *match, const struct part *part)
{
    for (size_t i = match->at; i < match->end; i++) {
        const struct item *item = &match->entry->items[i];
        if (item->probe != part->probe
            || (part->probe == PROBE_ACT && !slice_begins(item->subject, part->act)))
            continue;
        match->at = i + 1;
        return true;
    }
    return false;
}

/* One answer of each endpoint, in any order. */
static bool has_endpoints(struct match *match)
{
    size_t end = match->at;
    for (const struct node *endpoint = match->audit->genesis.endpoints->first; endpoint != NULL;
         endpoint = endpoint->next) {
        bool found = false;
        for (size_t i = match->at; i < match->entry->item_count && !found; i++) {
            found = match->entry->items[i].probe == PROBE_HEALTH
                    && slice_equal(match->entry->items[i].subject, endpoint->text);
            end = found && i + 1 > end ? i + 1 : end;
        }
        if (!found)
            return false;
    }
    match->at = end;
    return true;
}

/* The last lines of every service that runs in the list before. */
static bool has_errors(const struct match *match)
{
    const struct listing *containers = list_before(match);
    for (size_t i = 0; containers != NULL && i < containers->count; i++)
        if (reading_is_running(&containers->list[i])
            && entry_item(match->entry, match->at, match->entry->item_count, PROBE_LOGS_ERRORS,
                          containers->list[i].service)
                   == NULL)
            return false;
    return containers != NULL;
}

static bool has_part(struct match *match, const struct part *part)
{
    if (part->when == WHEN_ENDPOINTS)
        return has_endpoints(match);
    if (part->when == WHEN_ERRORS)
        return has_errors(match);
    for (unsigned times = 0; times < (part->times > 0 ? part->times : 1); times++)
        if (!advance_to(match, part))
            return false;
    return true;
}

/* Of a sample: the log of a service of which a list does not show exactly one running container. */
static bool has_no_such_log(const struct match *match, enum probe probe)
{
    const struct genesis *genesis = &match->audit->genesis;
    bool found = false;
    for (size_t i = 0; match->entry->type == ENTRY_SAMPLE && i < match->entry->item_count; i++) {
        const struct item *item = &match->entry->items[i];
        const struct listing *containers = item->probe == PROBE_COMPOSE_CONTAINERS
                                               ? reading_list(item)
                                               : NULL;
        found = found
                || (containers != NULL
                    && reading_running(containers, probe == PROBE_LOGS_BRAIN ? genesis->brain
                                                                             : genesis->execution)
                           != 1);
    }
    return found;
}

static bool part_may_be_absent(const struct match *match, const struct part *part)
{
    const struct part *behind = part + 1;
    bool look = part->probe == PROBE_COMPOSE_CONTAINERS || part->probe == PROBE_LOGS_EXECUTION
                || part->probe == PROBE_INTERLOCK_MARKER;
    if ((part->probe == PROBE_LOGS_EXECUTION || part->probe == PROBE_LOGS_BRAIN
         || part->probe == PROBE_INTERLOCK_MARKER)
        && has_no_such_log(match, part->probe))
        return true;
    if ((match->adopted && match->front) || (match->failed && part->when != WHEN_ENDPOINTS))
        return true;
    if (match->freed && (part->probe == PROBE_ACT || part->probe == PROBE_TENANCY))
        return true;
    while (look
           && (behind->probe == PROBE_LOGS_EXECUTION || behind->probe == PROBE_INTERLOCK_MARKER))
        behind++;
    return match->adopted && (part->act != NULL || (look && behind->probe == PROBE_COMPOSE_UP));
}

static void check_row(struct match *match, const struct part *row, struct finding *finding)
{
    match->front = row == rows[ACTION_SWITCH_SERVICES] || row == rows[ACTION_DEPLOY_EXECUTION];
    for (const struct part *part = row; part->probe != PROBE_INVALID; part++) {
        match->front = match->front && part->act == NULL;
        match->end = match->front ? reading_first_act(match->entry) : match->entry->item_count;
        struct match kept = *match;
        if (!part_is_asked(match, part) || has_part(match, part))
            continue;
        *match = kept;
        if (part_may_be_absent(match, part))
            continue;
        finding_violated(finding, "P-12", match->entry,
                         "the step says that it succeeded, without the evidence `%s` in its place",
                         probe_name(part->probe));
        return;
    }
}

static const struct part found_row[] = {ONE(GIT_HEAD),
                                        ONE(GIT_BRANCH),
                                        ONE(GIT_STATUS),
                                        ONE(COMPOSE_CONTAINERS),
                                        {0}},
                         found_disarm_row[] = {ONE(GIT_HEAD),
                                               ONE(GIT_BRANCH),
                                               ONE(GIT_STATUS),
                                               ONE(COMPOSE_CONTAINERS),
                                               LOOK,
                                               {0}},
                         found_arm_row[] = {ONE(GIT_HEAD),
                                            ONE(GIT_BRANCH),
                                            ONE(GIT_STATUS),
                                            ONE(COMPOSE_CONTAINERS),
                                            ACTED(BUS_PUBLISH, ""),
                                            LOOK,
                                            {0}};

static const struct part sent_row[] = {ACTED(BUS_PUBLISH, ""), LOOK, {0}},
                         removed_row[] = {ACTED(ACT, "remove "), ONE(COMPOSE_CONTAINERS), {0}};

/* make_safe has three ways: DISARM, the removal of Execution, or nothing to be made safe. */
static const struct part *safe_row(const struct audit *audit, const struct entry *entry)
{
    const struct listing *last = reading_last_list(entry);
    bool removed = false;
    for (size_t i = 0; i < entry->item_count; i++)
        removed = removed || reading_is_removal(&entry->items[i], audit->genesis.execution);
    if (removed)
        return removed_row;
    return !audit->genesis.has_policy
                   || (last != NULL && reading_service(last, audit->genesis.execution) == NULL)
               ? rows[ACTION_MAKE_SAFE]
               : sent_row;
}

/* Execution, and then others that are affected. */
static const struct part both_row[] = {ONE(COMPOSE_SERVICES),
                                       ONE(COMPOSE_CONTAINERS),
                                       LOOK,
                                       {PROBE_COMPOSE_UP, "", WHEN_SHARED, 0},
                                       LOOK,
                                       ACTED(COMPOSE_UP, ""),
                                       ONE(COMPOSE_CONTAINERS),
                                       {0}};

/* Execution is brought back first where it ran before, and the others in one more `compose.up`. */
static const struct part *redeploy_row(const struct audit *audit, const struct entry *entry)
{
    const struct entry *snapshot = deployment_good_entry(&audit->deployment, ACTION_CONNECT);
    const struct listing *before = snapshot != NULL ? reading_last_list(snapshot) : NULL;
    bool ran = before != NULL && reading_service(before, audit->genesis.execution) != NULL;
    for (size_t i = 0; ran && i < entry->item_count; i++)
        if (entry->items[i].probe == PROBE_COMPOSE_UP
            && !slice_equal(entry->items[i].subject, audit->genesis.execution))
            return both_row;
    return rows[ACTION_REDEPLOY];
}

/* Where Brain was re-created before an interruption. */
static const struct part rest_row[] = {ACTED(BUS_PUBLISH, ""),
                                       LOOK,
                                       LOOK,
                                       ACTED(COMPOSE_UP, ""),
                                       ONE(COMPOSE_SERVICES),
                                       ONE(COMPOSE_CONTAINERS),
                                       ONE(COMPOSE_DRIFT),
                                       FILES,
                                       LOOK,
                                       {0}};

static bool is_rest(const struct deployment *deployment, const struct step *step)
{
    const struct entry *entry = step->transition;
    return step->action == ACTION_DEPLOY_BRAIN && procedure_is_adopted(deployment, entry)
           && entry_item(entry, 0, entry->item_count, PROBE_COMPOSE_UP, NULL)
                  == entry_first_item(entry, 0, entry->item_count, PROBE_COMPOSE_UP);
}

static const struct part *row_of_step(const struct audit *audit, const struct step *step)
{
    if (is_rest(&audit->deployment, step))
        return rest_row;
    if (step->action == ACTION_MAKE_SAFE)
        return safe_row(audit, step->transition);
    return step->action == ACTION_REDEPLOY ? redeploy_row(audit, step->transition)
                                           : rows[step->action];
}

static bool is_answer(enum probe probe)
{
    return probe == PROBE_HEALTH || probe == PROBE_BUS_POLICY_HASH || probe == PROBE_PREFLIGHT;
}

static bool row_names(const struct part *row, enum probe probe)
{
    bool act = probe == PROBE_ACT || probe == PROBE_BUS_PUBLISH || probe == PROBE_COMPOSE_UP
               || probe == PROBE_COMPOSE_PULL;
    for (const struct part *part = row; part->probe != PROBE_INVALID; part++)
        if (part->probe == probe)
            return true;
    return act;
}

enum { STATUS_LOST = 2 };

/* What a step tried in vain before what it then did: a look that was cut off, the bus, a way to
 * safety before the one that was seen to work. What counts is judged by L-01 and L-02. */
static bool may_have_failed(enum action action, const struct item *item)
{
    bool safe = action == ACTION_MAKE_SAFE;
    /* What could not be brought back is found by verify_restored. */
    bool back = (action == ACTION_REDEPLOY && item->probe == PROBE_COMPOSE_UP)
                || (action == ACTION_REVERT && slice_begins(item->subject, "pin "));
    return (item->probe == PROBE_BUS_PUBLISH && item->status == STATUS_LOST) || safe || back;
}

static void check_statuses(const struct entry *entry, enum action action, const struct part *row,
                           struct finding *finding)
{
    for (size_t i = 0; i < entry->item_count; i++) {
        const struct item *item = &entry->items[i];
        if (item->status != 0 && !may_have_failed(action, item) && !is_answer(item->probe)
            && (row_names(row, item->probe) || item->probe == PROBE_SCRIPT
                || item->probe == PROBE_LOGS_ERRORS))
            finding_violated(finding, "P-13", entry,
                             "the step says that it succeeded, and its evidence failed: `%.*s` has "
                             "status %lld",
                             SLICE_ARGUMENTS(item->probe_name), (long long)item->status);
    }
}

static void check_step_row(const struct audit *audit, const struct step *step,
                           struct finding *finding)
{
    const struct entry *entry = step->transition;
    const struct part *row = row_of_step(audit, step);
    struct match match = {.audit = audit, .entry = entry};
    if (step->action == ACTION_RESTORE_CODE
        && deployment_step(&audit->deployment, ACTION_CONNECT) == NULL)
        return;
    match.adopted = step->adopted
                    || (step->intent != NULL
                        && node_member(entry_body(step->intent), "repeats") != NULL);
    const struct item *tenancy = entry_item(entry, 0, entry->item_count, PROBE_TENANCY, NULL);
    bool released = false;
    for (size_t i = 0; i < entry->item_count; i++)
        released = released || slice_is(entry->items[i].subject, "release images");
    match.freed = !released && step->action != ACTION_CONNECT && tenancy != NULL
                  && tenancy == entry_first_item(entry, 0, entry->item_count, PROBE_TENANCY);
    check_row(&match, row, finding);
    check_statuses(entry, step->action, row, finding);
}

/* Of a reconciliation, by the action that was interrupted. */
static void check_reconciliation_row(const struct audit *audit, struct entry *entry,
                                     struct finding *finding)
{
    struct match match = {.audit = audit, .entry = entry};
    int64_t seq = node_number(entry_body(entry), "intent", -1);
    struct entry *intent = seq >= 0 && seq < entry->seq ? &audit->record->entries[seq] : NULL;
    enum action action = intent != NULL && intent->type == ENTRY_INTENT
                             ? action_by_name(node_text(entry_body(intent), "action"))
                             : ACTION_INVALID;
    struct slice then = node_text(entry_body(entry), "then");
    if (action == ACTION_OBSERVE_WINDOW || action == ACTION_RESTORE_CODE
        || action == ACTION_MAKE_SAFE || action == ACTION_INVALID || slice_is(then, "fail")
        || slice_is(then, "ask"))
        return;
    check_row(&match,
              action == ACTION_DISARM ? found_disarm_row
              : action == ACTION_ARM  ? found_arm_row
                                      : found_row,
              finding);
    for (size_t i = 0; i < entry->item_count; i++)
        if (entry->items[i].status != 0 && !is_answer(entry->items[i].probe)
            && (slice_is(then, "continue") || slice_is(then, "repeat")))
            finding_violated(finding, "P-13", entry,
                             "the reconciliation rests on `%.*s`, which failed",
                             SLICE_ARGUMENTS(entry->items[i].probe_name));
}

void procedure_check_command_row(const struct audit *audit, struct entry *entry,
                                 struct finding *finding)
{
    struct match match = {.audit = audit, .entry = entry};
    bool arm = slice_is(node_text(entry_body(entry), "command"), "arm"),
         disarm = slice_is(node_text(entry_body(entry), "command"), "disarm");
    if (!slice_is(node_text(entry_body(entry), "outcome"), "observed") || (!arm && !disarm))
        return;
    check_row(&match, rows[arm ? ACTION_ARM : ACTION_DISARM], finding);
    check_statuses(entry, arm ? ACTION_ARM : ACTION_DISARM, rows[arm ? ACTION_ARM : ACTION_DISARM],
                   finding);
}

void procedure_check_rows(const struct audit *audit, struct finding *finding)
{
    const struct deployment *deployment = &audit->deployment;
    for (size_t i = 0; i < deployment->step_count; i++)
        if (step_is_good(&deployment->steps[i]))
            check_step_row(audit, &deployment->steps[i], finding);
    for (size_t i = 0; i < deployment->count; i++) {
        struct match match = {.audit = audit, .entry = deployment->entries[i]};
        match.failed = window_has_failed_item(deployment->entries[i]);
        if (deployment->entries[i]->type == ENTRY_SAMPLE)
            check_row(&match, sample_row, finding);
        else if (deployment->entries[i]->type == ENTRY_RECONCILIATION)
            check_reconciliation_row(audit, deployment->entries[i], finding);
        else if (deployment->entries[i]->type == ENTRY_COMMAND)
            procedure_check_command_row(audit, deployment->entries[i], finding);
    }
}
