/* The rows of P-12, and which of them a step is held to. */
#include "verify/rules/procedure/procedure_table.h"

#include "verify/judge/reading.h"
#include "verify/rules/procedure/procedure.h"

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
        {PROBE_HMAC_KEY, NULL, 0, 0}, {PROBE_CONFIG_HMAC, NULL, 0, 0},                            \
        {PROBE_ENV_HMAC, NULL, 0, 0},                                                             \
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
        {PROBE_LOGS_BRAIN, NULL, WHEN_BRAIN, 0}, LOOK

enum { PARTS_MAX = 40 };
static const struct part rows[ACTIONS][PARTS_MAX] = {
    [ACTION_CONNECT] = {ONE(TENANCY),
                        FILES,
                        ONE(COMPOSE_SERVICES),
                        ONE(COMPOSE_STORE),
                        ONE(COMPOSE_CONTAINERS),
                        ONE(COMPOSE_IMAGES),
                        ONE(COMPOSE_DRIFT),
                        HEALTH,
                        ONE(ENV_GOOD),
                        LOOK,
                        REPLIES,
                        {PROBE_LOGS_EXECUTION, NULL, WHEN_EXECUTION, 0},
                        {PROBE_LOGS_BRAIN, NULL, WHEN_BRAIN, 0},
                        ACTED(ACT, "hold images"),
                        ACTED(ACT, "keep files")},
    [ACTION_UPDATE_CODE] = {ONE(GIT_HEAD), ONE(GIT_BRANCH), ONE(GIT_STATUS), ACTED(ACT, "update"),
                            ONE(GIT_HEAD), ONE(GIT_BRANCH), ONE(GIT_STATUS), ONE(GIT_CHANGED),
                            ONE(GIT_SUBJECT)},
    [ACTION_PULL_IMAGES] = {ONE(COMPOSE_SERVICES), ONE(HMAC_KEY), ONE(CONFIG_HMAC), ONE(ENV_HMAC),
                            ONE(ENV_MODE), ONE(POLICY_HMAC), ACTED(COMPOSE_PULL, ""),
                            ACTED(ACT, "hold images"), ONE(COMPOSE_IMAGES), ONE(COMPOSE_REGISTRY)},
    [ACTION_LAY_GUARD] = {ONE(GUARD)},
    [ACTION_SWITCH_SERVICES] = {LAST, ACTED(COMPOSE_UP, ""), ONE(COMPOSE_CONTAINERS),
                                ONE(COMPOSE_DRIFT), FILES, ONE(POLICY_HMAC)},
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
                             ONE(COMPOSE_DRIFT), FILES, ONE(POLICY_HMAC), LOOK},
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
                       ACTED(ACT, "restore env"), ONE(HMAC_KEY), ONE(CONFIG_HMAC), ONE(ENV_HMAC),
                       ONE(ENV_MODE), ONE(COMPOSE_SERVICES), ONE(COMPOSE_IMAGES)},
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
    [ACTION_RESTORE_CODE] = {ONE(TENANCY),
                             ACTED(ACT, "restore"),
                             ONE(GIT_HEAD),
                             ONE(GIT_BRANCH),
                             ONE(GIT_STATUS),
                             {PROBE_ACT, "give names back", WHEN_PULLED, 0},
                             {PROBE_COMPOSE_IMAGES, NULL, WHEN_PULLED, 0},
                             ACTED(ACT, "release images"),
                             ONE(TENANCY)},
};
static const struct part sample_row[] = {ONE(COMPOSE_CONTAINERS),
                                         HEALTH,
                                         {PROBE_BUS_POLICY_HASH, NULL, WHEN_SHARED, 0},
                                         {PROBE_LOGS_EXECUTION, NULL, WHEN_SHARED, 0},
                                         {PROBE_LOGS_BRAIN, NULL, WHEN_SHARED, 0},
                                         LOOK,
                                         {0}};

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

/* Where Execution did not run before no DISARM is sent (L-01). */
static const struct part absent_row[] = {ONE(COMPOSE_CONTAINERS), {0}},
                         first_row[] = {
                             LAST, ACTED(COMPOSE_CONTAINERS, ""), ACTED(COMPOSE_UP, ""), LOOK, {0}};

static bool execution_ran_before(const struct audit *audit)
{
    const struct listing *before = deployment_list_before(&audit->deployment);
    return before == NULL || reading_running(before, audit->genesis.execution) > 0;
}

static bool sends_nothing(const struct step *step)
{
    const struct entry *entry = step->transition;
    return (step->action == ACTION_DISARM || step->action == ACTION_DEPLOY_EXECUTION)
           && entry_item(entry, 0, entry->item_count, PROBE_BUS_PUBLISH, NULL) == NULL;
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

/* Where Execution did not run before nothing of it is brought back. */
static const struct part others_row[] = {ONE(COMPOSE_SERVICES),
                                         ONE(COMPOSE_CONTAINERS),
                                         ONE(COMPOSE_CONTAINERS),
                                         {0}};

/* Execution is brought back first where it ran before, and the others in one more `compose.up`. */
static const struct part *redeploy_row(const struct audit *audit, const struct entry *entry)
{
    if (!audit->genesis.has_policy)
        return rows[ACTION_REDEPLOY];
    if (!execution_ran_before(audit))
        return others_row;
    for (size_t i = 0; i < entry->item_count; i++)
        if (entry->items[i].probe == PROBE_COMPOSE_UP
            && !slice_equal(entry->items[i].subject, audit->genesis.execution))
            return both_row;
    return rows[ACTION_REDEPLOY];
}

/* Where Brain was re-created before an interruption: all the others are brought up still. */
static const struct part rest_row[] = {ACTED(BUS_PUBLISH, ""),
                                       LOOK,
                                       LOOK,
                                       ONE(COMPOSE_UP),
                                       ONE(COMPOSE_SERVICES),
                                       ONE(COMPOSE_CONTAINERS),
                                       ONE(COMPOSE_DRIFT),
                                       FILES,
                                       ONE(POLICY_HMAC),
                                       LOOK,
                                       {0}};

static bool is_rest(const struct deployment *deployment, const struct step *step)
{
    const struct entry *entry = step->transition;
    return step->action == ACTION_DEPLOY_BRAIN && procedure_is_adopted(deployment, entry)
           && entry_item(entry, 0, entry->item_count, PROBE_COMPOSE_UP, NULL)
                  == entry_first_item(entry, 0, entry->item_count, PROBE_COMPOSE_UP);
}

const struct part *procedure_row_of_step(const struct audit *audit, const struct step *step)
{
    if (is_rest(&audit->deployment, step))
        return rest_row;
    if (sends_nothing(step) && !execution_ran_before(audit))
        return step->action == ACTION_DISARM ? absent_row : first_row;
    if (step->action == ACTION_MAKE_SAFE)
        return safe_row(audit, step->transition);
    return step->action == ACTION_REDEPLOY ? redeploy_row(audit, step->transition)
                                           : rows[step->action];
}

bool procedure_row_has_last_look(const struct part *row)
{
    return row == rows[ACTION_SWITCH_SERVICES] || row == rows[ACTION_DEPLOY_EXECUTION]
           || row == first_row;
}

const struct part *procedure_row_of_action(enum action action)
{
    return rows[action];
}

const struct part *procedure_row_of_sample(void)
{
    return sample_row;
}

const struct part *procedure_row_of_finding(enum action interrupted)
{
    if (interrupted == ACTION_DISARM)
        return found_disarm_row;
    return interrupted == ACTION_ARM ? found_arm_row : found_row;
}
