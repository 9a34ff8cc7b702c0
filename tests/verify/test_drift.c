/* Goal: a switch that left drift behind in its raw evidence and went on is violated, whatever the
 * driver made of it; what compose could not tell is said. */
#include <stdio.h>

#include "tests/verify/check.h"

#define A64 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B64 "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define ROW(service, declared, running) \
    "{\"service\":\"" service "\",\"declared\":\"" declared "\",\"running\":\"" running "\"}\n"

#define CONTAINER(service, id, image)                                                         \
    "{\"service\":\"" service "\",\"id\":\"" id "\",\"image\":\"" image                       \
    "\",\"state\":\"running\",\"health\":null,\"started_at\":\"%s\",\"restarts\":0,\"name\":" \
    "\"n\"}\n"

/* One change of the evidence of one step. */
static const char *at, *probe, *lines;

static void change(struct forge *forge, const char *what, unsigned n, json_t *evidence)
{
    (void)n;
    if (strcmp(what, at) != 0)
        return;
    if (lines == NULL)
        forge_drop(evidence, probe, NULL);
    else
        for (size_t i = 0; i < json_array_size(evidence); i++)
            if (strcmp(json_string_value(json_object_get(json_array_get(evidence, i), "probe")),
                       probe)
                == 0)
                forge_replace(forge, json_array_get(evidence, i), lines);
}

static void tampered(struct forge *forge, const char *procedure, const char *step, const char *of,
                     const char *with)
{
    at = step;
    probe = of;
    lines = with;
    forge_init(forge);
    forge->tamper = change;
    forge_whole(forge, procedure);
}

/* The last step behind each procedure's switch. */
static const struct {
    const char *procedure, *step;
} switches[] = {{"release", "switch_services"}, {"policy", "deploy_brain"}};

static void check_switches(const char *of, const char *with, const char *part)
{
    for (size_t i = 0; i < 2; i++) {
        CLEANUP_FORGE struct forge forge;
        tampered(&forge, switches[i].procedure, switches[i].step, of, with);
        check_violated(&forge, CLAIM_PROCEDURE, part);
    }
}

static void procedure_configuration_that_remains_violated(void **state)
{
    (void)state;
    check_switches("compose.drift", ROW("titan-brain", A64, B64) ROW("titan-execution", A64, A64),
                   "P-22");
    check_switches("compose.drift", ROW("titan-brain", A64, "") ROW("titan-execution", A64, A64),
                   "P-22");
    check_switches("compose.drift", ROW("titan-execution", A64, A64), "P-22");
    check_switches("compose.drift", ROW("titan-execution", "plain", "plain"), "P-29");
    check_switches("compose.drift", "no such thing\n", "P-31");
}

static void procedure_configuration_that_compose_cannot_tell_is_said(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        CLEANUP_FORGE struct forge forge;
        tampered(&forge, switches[i].procedure, switches[i].step, "compose.drift",
                 ROW("titan-brain", "", "") ROW("titan-execution", "", A64));
        check_claim(&forge, CLAIM_PROCEDURE, VERDICT_UNDECIDABLE,
                    "whether 2 services run as they are declared, compose could not tell");
    }
}

static void procedure_tree_or_commit_that_remains_violated(void **state)
{
    (void)state;
    check_switches("git.status", " M docker-compose.prod.yml\n", "P-20");
    check_switches("git.head", "3333333333333333333333333333333333333333\n", "P-20");
}

static void procedure_evidence_of_the_switch_missing_violated(void **state)
{
    (void)state;
    static const char *const needed[] = {"compose.drift", "git.head", "git.status", "config.hmac",
                                         "env.hmac"};
    for (size_t i = 0; i < sizeof needed / sizeof needed[0]; i++)
        check_switches(needed[i], NULL, needed[i]);
}

static void procedure_connect_without_configurations_violated(void **state)
{
    (void)state;
    CLEANUP_FORGE struct forge forge;
    tampered(&forge, "release", "connect", "compose.drift", NULL);
    check_violated(&forge, CLAIM_PROCEDURE, "compose.drift");
}

static void procedure_drift_before_is_no_violation(void **state)
{
    (void)state;
    CLEANUP_FORGE struct forge forge;
    tampered(&forge, "release", "connect", "compose.drift",
             ROW("titan-brain", A64, "") ROW("titan-execution", A64, B64));
    check_all_proven(&forge);
}

static void container_named(struct forge *forge, const char *what, unsigned n, json_t *evidence)
{
    (void)n;
    char text[1200];
    if (strcmp(what, "switch_services") != 0)
        return;
    json_t *item = forge_find(evidence, "compose.containers", NULL);
    (void)snprintf(text, sizeof text,
                   CONTAINER("titan-execution", "%s", "%s") CONTAINER("titan-brain", "%s", "%s")
                       CONTAINER("%s", "f", "sha256:0"),
                   forge->execution.id, lines != NULL ? lines : forge->execution.image,
                   forge->execution.started_at, forge->brain.id, forge->brain.image,
                   forge->brain.started_at, lines != NULL ? "titan-brain" : "titan-old",
                   forge->brain.started_at);
    forge_replace(forge, item, text);
}

static void procedure_container_nobody_pulled_violated(void **state)
{
    (void)state;
    CLEANUP_FORGE struct forge forge;
    forge_init(&forge);
    lines = NULL;
    forge.tamper = container_named;
    forge_whole(&forge, "release");
    check_violated(&forge, CLAIM_PROCEDURE, "P-21");
}

static void procedure_image_that_remains_violated(void **state)
{
    (void)state;
    CLEANUP_FORGE struct forge forge;
    forge_init(&forge);
    lines = "sha256:0000000000000000000000000000000000000000000000000000000000000009";
    forge.tamper = container_named;
    forge_whole(&forge, "release");
    check_violated(&forge, CLAIM_PROCEDURE, "P-21");
}

static void rolled_back(struct forge *forge, const char *step, const char *with)
{
    at = step;
    probe = "compose.drift";
    lines = with;
    forge_init(forge);
    forge->tamper = change;
    forge_genesis(forge);
    forge_open(forge, "release");
    forge_until(forge, "switched");
    forge_take(forge, "unhealthy");
    forge_rollback(forge);
}

static void restoration_configuration_of_the_restored_file_or_of_before(void **state)
{
    (void)state;
#define OF_BEFORE "1111111111111111111111111111111111111111111111111111111111111111"
#define EXECUTION_AS_BEFORE ROW("titan-execution", OF_BEFORE, OF_BEFORE)
    static const struct {
        const char *lines;
        enum verdict verdict;
        const char *part;
    } rows[] = {
        {ROW("titan-brain", OF_BEFORE, OF_BEFORE) EXECUTION_AS_BEFORE, VERDICT_PROVEN,
         "are those of the before snapshot"},
        {ROW("titan-brain", A64, OF_BEFORE) EXECUTION_AS_BEFORE, VERDICT_PROVEN, ""},
        {ROW("titan-brain", B64, B64) EXECUTION_AS_BEFORE, VERDICT_VIOLATED,
         "nor the one that was declared then"},
        {ROW("titan-brain", A64, B64) EXECUTION_AS_BEFORE, VERDICT_VIOLATED,
         "titan-brain runs with a configuration that is neither"},
        {EXECUTION_AS_BEFORE, VERDICT_VIOLATED, "titan-brain"},
        {ROW("titan-brain", OF_BEFORE, OF_BEFORE) ROW("titan-execution", "", A64),
         VERDICT_UNDECIDABLE, "R-03"},
        {"nothing\n", VERDICT_UNDECIDABLE, "R-03"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        CLEANUP_FORGE struct forge forge;
        rolled_back(&forge, "verify_restored", rows[i].lines);
        check_claim(&forge, CLAIM_RESTORATION, rows[i].verdict, rows[i].part);
    }
}

/* Two containers of one service at a time: either may be the wrong one. */
static void second_container(struct forge *forge, const char *what, unsigned n, json_t *evidence)
{
    (void)n;
    char text[1600];
    if (strcmp(what, "switch_services") != 0)
        return;
    (void)snprintf(text, sizeof text,
                   CONTAINER("titan-execution", "%s", "%s")
                       CONTAINER("titan-brain", "f", "sha256:0")
                           CONTAINER("titan-brain", "%s", "%s"),
                   forge->execution.id, forge->execution.image, forge->execution.started_at,
                   forge->brain.started_at, forge->brain.id, forge->brain.image,
                   forge->brain.started_at);
    forge_replace(forge, forge_find(evidence, "compose.containers", NULL), text);
}

static void procedure_second_container_of_another_image_violated(void **state)
{
    (void)state;
    CLEANUP_FORGE struct forge forge;
    forge_init(&forge);
    forge.tamper = second_container;
    forge_whole(&forge, "release");
    check_violated(&forge, CLAIM_PROCEDURE, "P-21");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(procedure_configuration_that_remains_violated),
        cmocka_unit_test(procedure_configuration_that_compose_cannot_tell_is_said),
        cmocka_unit_test(procedure_tree_or_commit_that_remains_violated),
        cmocka_unit_test(procedure_evidence_of_the_switch_missing_violated),
        cmocka_unit_test(procedure_connect_without_configurations_violated),
        cmocka_unit_test(procedure_drift_before_is_no_violation),
        cmocka_unit_test(procedure_container_nobody_pulled_violated),
        cmocka_unit_test(procedure_second_container_of_another_image_violated),
        cmocka_unit_test(procedure_image_that_remains_violated),
        cmocka_unit_test(restoration_configuration_of_the_restored_file_or_of_before),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
