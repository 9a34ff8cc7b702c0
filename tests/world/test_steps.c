/* Goal: each phase (prepare, release, policy, rollback, end) meets what can go wrong in it, takes
 * the edge that the table has for that, and comes to the end that it must; every journal is
 * verified. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/world/beginning.h"
#include "tests/world/ending.h"

#define TO(state) "\"to\":\"" state "\""
#define EDGE(from_state, by, to_state) \
    .from = STATE_##from_state, .event = EVENT_##by, .to = STATE_##to_state
#define IS_ABORTED .end = STATE_ABORTED, .status = 11
#define IS_ROLLED_BACK .end = STATE_ROLLED_BACK, .status = 10
#define HAS_FAILED .end = STATE_ROLLBACK_FAILED, .status = 12, .verdict = WANT_UNDECIDABLE
#define OTHER_POLICY .policy = "p2"
#define BAD_RELEASE .release = {.subject = "two", .web_faults = FAULT_UNHEALTHY}

static void failed_handshake(struct scripted *world)
{
    struct titan *titan = &world->titan;
    titan_running(titan, "titan-execution")->answers = false;
    titan_restart(titan, titan_running(titan, "titan-brain"));
    timeline_move(&world->timeline, world->timeline.now_ns + 10000000000);
    titan_running(titan, "titan-execution")->answers = true;
}

static void handshake_fails_once(struct scripted *world)
{
    titan_log(&world->titan, titan_running(&world->titan, "titan-brain"),
              "CRITICAL: Policy hash handshake FAILED. 503 No Responders");
}

static void disarm_without_a_word(struct scripted *world)
{
    titan_receive(&world->titan, false, "", 0);
}

static void no_hold(struct scripted *world)
{
    world->titan.broken = "docker create";
}

static void no_git(struct scripted *world)
{
    world->titan.git_down = true;
}

static void no_checkout(struct scripted *world)
{
    world->titan.broken = "git checkout";
}

/* The registry's newest image under the same tag, after the pull. */
static void moved_tag(struct scripted *world)
{
    struct titan *titan = &world->titan;
    titan_tag(titan, "registry.test/web:latest")->here = titan_build(titan, "registry.test/web", "",
                                                                     0);
}

/* What ran at first cannot be started again. */
static void old_web_is_lost(struct scripted *world)
{
    for (size_t i = 0; i < world->titan.image_count; i++)
        if (&world->titan.images[i] == titan_running(&world->titan, "web")->image)
            world->titan.images[i].faults |= FAULT_NO_UP;
}

static void old_execution_is_deaf(struct scripted *world)
{
    world->titan.images[0].faults |= FAULT_DEAF_DISARM;
}

static void no_remove(struct scripted *world)
{
    world->titan.broken = "docker rm";
    world->cost_ns = 200000000; /* it is asked for minutes: slowly, so that it is not often */
}

static void moved_tree(struct scripted *world)
{
    titan_check_out(&world->titan, world->titan.origin);
}

static void sick_for_good(struct scripted *world)
{
    for (size_t i = 0; i < world->titan.image_count; i++)
        if (strstr(world->titan.images[i].name, "web") != NULL)
            world->titan.images[i].faults |= FAULT_UNHEALTHY;
}

static const struct ending prepare[] = {
    {.name = "an item of the checklist fails",
     .release = {.subject = "two"},
     .arrange = ending_dirty_tree,
     EDGE(OPENED, FAILED, OPENED),
     .end = STATE_OPENED,
     .status = 13,
     .verdict = WANT_UNDECIDABLE},
    {.name = "no parity to keep",
     .release = {.subject = "two"},
     .arrange = failed_handshake,
     EDGE(PREFLIGHTED, MISMATCH, ABORTING),
     IS_ABORTED},
    {.name = "images cannot be held",
     .release = {.subject = "two"},
     .arrange = no_hold,
     EDGE(PREFLIGHTED, FAILED, ABORTING),
     IS_ABORTED},
    {.name = "tree edited after the checklist",
     .release = {.subject = "two"},
     .word = TO("connected"),
     .act = ending_dirty_tree,
     EDGE(CONNECTED, MISMATCH, ABORTING),
     IS_ABORTED},
    {.name = "origin is gone",
     .release = {.subject = "two"},
     .arrange = no_git,
     EDGE(CONNECTED, FAILED, ABORTING),
     IS_ABORTED},
    {.name = "a release that changes the policy file",
     .release = {.subject = "two", OTHER_POLICY},
     EDGE(UPDATED, MISMATCH, ABORTING),
     IS_ABORTED},
    {.name = "an image cannot be pulled",
     .release = {.subject = "two", .web_faults = FAULT_NO_PULL},
     .at = STATE_UPDATED,
     EDGE(UPDATED, FAILED, ABORTING),
     IS_ABORTED},
    {.name = "an approval is missing",
     .policy = true,
     .release = {.subject = "two", OTHER_POLICY},
     .choice = {.approvals = 1},
     EDGE(PULLED, UNKNOWN, PULLED),
     .end = STATE_PULLED,
     .status = 13,
     .verdict = WANT_UNDECIDABLE},
    {.name = "the operator gives up",
     .release = {.subject = "two"},
     .word = TO("pulled"),
     .away_ms = 1000,
     .then = "abort --reason enough --confirm " PERSON_TARGET,
     .at = STATE_UPDATED,
     EDGE(PULLED, ABORT, ABORTING),
     IS_ABORTED},
};

static const struct ending release[] = {
    {.name = "a service cannot be started",
     .release = {.subject = "two", .web_faults = FAULT_NO_UP},
     .at = STATE_GUARDED,
     EDGE(GUARDED, FAILED, ROLLING_BACK),
     IS_ROLLED_BACK},
    {.name = "a tag was moved after the pull",
     .release = {.subject = "two"},
     .word = "\"action\":\"switch_services\"",
     .act = moved_tag,
     .at = STATE_GUARDED,
     EDGE(GUARDED, STALE, ABORTING),
     .reason = "the image of web was",
     IS_ABORTED},
    {.name = "unhealthy",
     BAD_RELEASE,
     .at = STATE_GUARDED,
     EDGE(SWITCHED, UNHEALTHY, ROLLING_BACK),
     IS_ROLLED_BACK},
    {.name = "a service ends at once",
     .release = {.subject = "two", .web_faults = FAULT_EXITS},
     .at = STATE_GUARDED,
     EDGE(GUARDED, MISMATCH, ROLLING_BACK),
     IS_ROLLED_BACK},
    {.name = "an error in a log",
     .release = {.subject = "two", .brain_faults = FAULT_PANIC},
     .at = STATE_GUARDED,
     EDGE(SWITCHED, FAILED, ROLLING_BACK),
     IS_ROLLED_BACK},
    {.name = "Brain has another policy hash",
     .release = {.subject = "two", .brain_policy = "p2"},
     .at = STATE_GUARDED,
     EDGE(SWITCHED, MISMATCH, ROLLING_BACK),
     IS_ROLLED_BACK},
    {.name = "Execution comes up armed and was not",
     .release = {.subject = "two", .execution_faults = FAULT_STARTS_ARMED},
     .choice = {.unarmed = true},
     .at = STATE_GUARDED,
     EDGE(SWITCHED, MISMATCH, ROLLING_BACK),
     IS_ROLLED_BACK},
    {.name = "Execution does not hear ARM",
     .release = {.subject = "two", .execution_faults = FAULT_DEAF_ARM},
     .at = STATE_GUARDED,
     EDGE(VERIFIED, FAILED, ROLLING_BACK),
     IS_ROLLED_BACK},
    {.name = "parity is gone before ARM",
     .release = {.subject = "two"},
     .word = TO("verified"),
     .act = ending_silent_responder,
     .at = STATE_GUARDED,
     EDGE(VERIFIED, MISMATCH, ROLLING_BACK),
     IS_ROLLED_BACK},
    {.name = "found disarmed and left so",
     .release = {.subject = "two"},
     .choice = {.unarmed = true},
     .at = STATE_GUARDED,
     EDGE(VERIFIED, DONE, OBSERVED),
     .end = STATE_COMPLETED},
};

/* Well before the deployment is opened. */
static void a_stranger_disarmed(struct scripted *world)
{
    ending_stranger_disarms(world);
    timeline_move(&world->timeline, world->timeline.now_ns + 5000000000);
}

#define POLICY(...) .policy = true, .release = {.subject = "two", OTHER_POLICY, __VA_ARGS__}
static const struct ending policy[] = {
    {.name = "Execution does not hear DISARM",
     POLICY(.web_faults = 0),
     .arrange = old_execution_is_deaf,
     EDGE(GUARDED, FAILED, ABORTING),
     IS_ABORTED},
    {.name = "Execution cannot be started",
     POLICY(.execution_faults = FAULT_NO_UP),
     .at = STATE_GUARDED,
     EDGE(DISARMED, FAILED, ROLLING_BACK),
     IS_ROLLED_BACK},
    {.name = "Execution comes up armed",
     POLICY(.execution_faults = FAULT_STARTS_ARMED),
     .at = STATE_GUARDED,
     EDGE(DISARMED, MISMATCH, ROLLING_BACK),
     IS_ROLLED_BACK},
    {.name = "another hash than expected",
     POLICY(.web_faults = 0),
     .begin = "--expect aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
     EDGE(EXECUTION_DEPLOYED, MISMATCH, ROLLING_BACK),
     IS_ROLLED_BACK},
    {.name = "no responder",
     POLICY(.execution_faults = FAULT_NO_RESPONDER),
     .at = STATE_GUARDED,
     EDGE(EXECUTION_DEPLOYED, FAILED, ROLLING_BACK),
     IS_ROLLED_BACK},
    {.name = "an answer that names no hash",
     POLICY(.execution_faults = FAULT_ODD_REPLY),
     .at = STATE_GUARDED,
     EDGE(EXECUTION_DEPLOYED, MISMATCH, ROLLING_BACK),
     IS_ROLLED_BACK},
    {.name = "Brain cannot be started",
     POLICY(.brain_faults = FAULT_NO_UP),
     .at = STATE_GUARDED,
     EDGE(EXECUTION_VERIFIED, FAILED, ROLLING_BACK),
     IS_ROLLED_BACK},
    {.name = "the handshake fails",
     POLICY(.brain_policy = "p3"),
     .at = STATE_GUARDED,
     EDGE(BRAIN_DEPLOYED, MISMATCH, ROLLING_BACK),
     IS_ROLLED_BACK},
    {.name = "the handshake fails and is tried again",
     POLICY(.web_faults = 0),
     .word = TO("brain_deployed"),
     .act = handshake_fails_once,
     .at = STATE_GUARDED,
     EDGE(BRAIN_DEPLOYED, MISMATCH, ROLLING_BACK),
     IS_ROLLED_BACK},
    {.name = "no handshake",
     POLICY(.brain_faults = FAULT_NO_HANDSHAKE),
     .at = STATE_GUARDED,
     EDGE(BRAIN_DEPLOYED, FAILED, ROLLING_BACK),
     IS_ROLLED_BACK},
    {.name = "parity is gone before ARM",
     POLICY(.web_faults = 0),
     .word = TO("parity_verified"),
     .act = ending_silent_responder,
     .at = STATE_GUARDED,
     EDGE(PARITY_VERIFIED, MISMATCH, ROLLING_BACK),
     IS_ROLLED_BACK},
    {.name = "disarmed in words that somebody used before this deployment",
     POLICY(.web_faults = 0),
     .arrange = a_stranger_disarmed,
     .word = TO("parity_verified"),
     .act = ending_stranger_disarms,
     EDGE(PARITY_VERIFIED, MISMATCH, ROLLING_BACK),
     IS_ROLLED_BACK},
    {.name = "disarmed without a word",
     POLICY(.web_faults = 0),
     .word = TO("parity_verified"),
     .act = disarm_without_a_word,
     .at = STATE_GUARDED,
     EDGE(PARITY_VERIFIED, MISMATCH, ROLLING_BACK),
     IS_ROLLED_BACK},
    {.name = "Execution does not hear ARM",
     POLICY(.execution_faults = FAULT_DEAF_ARM),
     .at = STATE_GUARDED,
     EDGE(PARITY_VERIFIED, FAILED, ROLLING_BACK),
     IS_ROLLED_BACK},
};

static const struct ending rollback[] = {
    {.name = "Execution does not hear DISARM: it is removed",
     .release = {.subject = "two",
                 .web_faults = FAULT_UNHEALTHY,
                 .execution_faults = FAULT_DEAF_DISARM},
     .at = STATE_GUARDED,
     EDGE(ROLLING_BACK, DONE, SAFE),
     IS_ROLLED_BACK},
    {.name = "nor can it be removed",
     .release = {.subject = "two",
                 .web_faults = FAULT_UNHEALTHY,
                 .execution_faults = FAULT_DEAF_DISARM},
     .arrange = no_remove,
     EDGE(ROLLING_BACK, FAILED, ROLLBACK_FAILED),
     HAS_FAILED},
    {.name = "the commit cannot be restored",
     BAD_RELEASE,
     .word = TO("switched"),
     .act = no_checkout,
     .at = STATE_GUARDED,
     EDGE(SAFE, FAILED, ROLLBACK_FAILED),
     HAS_FAILED},
    {.name = "the old image cannot be started",
     BAD_RELEASE,
     .arrange = old_web_is_lost,
     EDGE(REDEPLOYED, MISMATCH, ROLLBACK_FAILED),
     HAS_FAILED},
    {.name = "the tree is moved meanwhile",
     BAD_RELEASE,
     .word = TO("redeployed"),
     .act = moved_tree,
     .at = STATE_GUARDED,
     EDGE(REDEPLOYED, MISMATCH, ROLLBACK_FAILED),
     HAS_FAILED},
    {.name = "what ran before is sick too",
     BAD_RELEASE,
     .word = TO("redeployed"),
     .act = sick_for_good,
     .at = STATE_GUARDED,
     EDGE(REDEPLOYED, UNHEALTHY, ROLLBACK_FAILED),
     HAS_FAILED},
};

static void check_all(const struct ending *endings, size_t count)
{
    for (size_t i = 0; i < count; i++)
        ending_check(&endings[i]);
    print_message("%zu endings\n", count);
}

static void prepare_ends_as_it_must(void **state)
{
    (void)state;
    check_all(prepare, sizeof prepare / sizeof prepare[0]);
}

static void release_ends_as_it_must(void **state)
{
    (void)state;
    check_all(release, sizeof release / sizeof release[0]);
}

static void policy_ends_as_it_must(void **state)
{
    (void)state;
    check_all(policy, sizeof policy / sizeof policy[0]);
}

static void rollback_ends_as_it_must(void **state)
{
    (void)state;
    check_all(rollback, sizeof rollback / sizeof rollback[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(prepare_ends_as_it_must),
                                       cmocka_unit_test(release_ends_as_it_must),
                                       cmocka_unit_test(policy_ends_as_it_must),
                                       cmocka_unit_test(rollback_ends_as_it_must)};
    return cmocka_run_group_tests(tests, NULL, beginning_close_all);
}
