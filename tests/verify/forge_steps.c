/* The evidence of each step of the procedures: its row in journal/FORMAT.md. */
#include "tests/verify/forge_items.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void connect_target(struct forge *forge, json_t *evidence)
{
    forge_tenancy(forge, evidence, true);
    forge_files(forge, evidence);
    forge_services(forge, evidence);
    forge_line(forge, evidence, "compose.store", "classic");
    forge_containers(forge, evidence);
    forge_images(forge, evidence, forge->image_before);
    forge_drift(forge, evidence, "");
    forge_health(forge, evidence, false);
    forge_line(forge, evidence, "env.good", "none");
    forge_look(forge, evidence);
    forge_voices(forge, evidence, true);
    forge_item(forge, evidence, "act", "hold images", 0, "");
    forge_item(forge, evidence, "act", "keep files", 0, "");
}

static void update_code(struct forge *forge, json_t *evidence)
{
    char change[96];
    forge_line(forge, evidence, "git.head", forge->code);
    forge_line(forge, evidence, "git.branch", "main");
    forge_item(forge, evidence, "git.status", "", 0, "");
    (void)snprintf(change, sizeof change, "%s..%s", forge->code, forge->commit_after);
    memcpy(forge->code, forge->commit_after, sizeof forge->code);
    forge_item(forge, evidence, "act", "update", 0, "");
    forge_line(forge, evidence, "git.head", forge->code);
    forge_line(forge, evidence, "git.branch", "main");
    forge_item(forge, evidence, "git.status", "", 0, "");
    forge_item(forge, evidence, "git.changed", change, 0, "docker-compose.prod.yml\n");
    forge_item(forge, evidence, "git.subject", forge->code, 0, "a release\n");
}

static void prepare(struct forge *forge, json_t *evidence, const char *action)
{
    if (strcmp(action, "run_preflight") == 0) {
        forge_item(forge, evidence, "preflight", "backups", 0, "newest backup: 3 h");
        forge_item(forge, evidence, "preflight", "ports", 0, "80 443");
    } else if (strcmp(action, "connect") == 0) {
        connect_target(forge, evidence);
    } else if (strcmp(action, "update_code") == 0) {
        update_code(forge, evidence);
    } else if (strcmp(action, "pull_images") == 0) {
        forge_services(forge, evidence);
        forge_hmacs(forge, evidence);
        forge_policy_files(forge, evidence);
        forge_item(forge, evidence, "compose.pull", "", 0, "pulled\n");
        forge_item(forge, evidence, "act", "hold images", 0, "");
        forge_images(forge, evidence, forge->image_after);
        forge_registry(forge, evidence);
    } else if (strcmp(action, "lay_guard") == 0) {
        if (!forge->guard)
            forge_item(forge, evidence, "guard", "", 0, "absent\n");
        forge_guard(forge, evidence, "laid", false);
    }
}

static void last_look(struct forge *forge, json_t *evidence)
{
    forge_files(forge, evidence);
    forge_policy_files(forge, evidence);
    forge_services(forge, evidence);
    forge_containers(forge, evidence);
    forge_images(forge, evidence, forge->image_after);
    forge_look(forge, evidence);
    forge_voices(forge, evidence, true);
    forge_look(forge, evidence);
}

static void switch_services(struct forge *forge, json_t *evidence)
{
    last_look(forge, evidence);
    forge_guard(forge, evidence, "laid", true);
    forge_up(forge, evidence, "titan-execution");
    if (forge->recreate)
        forge_start(forge, &forge->execution, true, forge->image_after, forge->hash_new);
    forge_up(forge, evidence, "titan-brain");
    if (forge->recreate)
        forge_start(forge, &forge->brain, false, forge->image_after, forge->hash_new);
    forge_up(forge, evidence, "");
    forge_remaining(forge, evidence);
}

static void deploy(struct forge *forge, json_t *evidence, bool execution)
{
    if (execution)
        last_look(forge, evidence);
    forge_guard(forge, evidence, "laid", true);
    forge_send(forge, evidence, false);
    forge_look(forge, evidence);
    forge_up(forge, evidence, execution ? "titan-execution" : "titan-brain");
    forge_start(forge, execution ? &forge->execution : &forge->brain, execution, forge->image_after,
                forge->hash_new);
    forge_look(forge, evidence);
    if (execution)
        return;
    forge_up(forge, evidence, "");
    forge_services(forge, evidence);
    forge_remaining(forge, evidence);
    forge_look(forge, evidence);
}

static void change(struct forge *forge, json_t *evidence, const char *action)
{
    if (strcmp(action, "switch_services") == 0) {
        switch_services(forge, evidence);
    } else if (strcmp(action, "disarm") == 0) {
        forge_send(forge, evidence, false);
        forge_look(forge, evidence);
    } else if (strcmp(action, "deploy_execution") == 0 || strcmp(action, "deploy_brain") == 0) {
        deploy(forge, evidence, strcmp(action, "deploy_execution") == 0);
    }
}

static void examine(struct forge *forge, json_t *evidence, const char *action)
{
    static const char *const renewing[] = {"verify_release", "verify_execution", "verify_parity",
                                           "arm", "observe_window"};
    for (size_t i = 0; i < sizeof renewing / sizeof renewing[0]; i++)
        if (strcmp(action, renewing[i]) == 0)
            forge_guard(forge, evidence, "laid", true);
    if (strcmp(action, "verify_release") == 0) {
        forge_containers(forge, evidence);
        forge_health(forge, evidence, false);
        forge_item(forge, evidence, "logs.errors", "titan-brain", 0, "");
        forge_voices(forge, evidence, true);
        forge_look(forge, evidence);
    } else if (strcmp(action, "verify_execution") == 0 || strcmp(action, "verify_parity") == 0) {
        forge_containers(forge, evidence);
        forge_voices(forge, evidence, strcmp(action, "verify_parity") == 0);
        forge_look(forge, evidence);
    } else if (strcmp(action, "arm") == 0) {
        forge_containers(forge, evidence);
        forge_voices(forge, evidence, true);
        forge_look(forge, evidence);
        forge_send(forge, evidence, true);
        forge_look(forge, evidence);
    } else if (strcmp(action, "confirm") == 0) {
        if (!forge->guard)
            forge_item(forge, evidence, "guard", "", 0, "absent\n");
        forge_guard(forge, evidence, "withdrawn", true);
        forge_one_sample(forge, evidence, false);
    } else if (strcmp(action, "complete") == 0) {
        forge_tenancy(forge, evidence, true);
        forge_item(forge, evidence, "act", "keep as good", 0, "");
        forge_item(forge, evidence, "act", "release images", 0, "");
        forge_tenancy(forge, evidence, false);
    }
}

static void pin(struct forge *forge, json_t *evidence, const char *service)
{
    char subject[160];
    (void)snprintf(subject, sizeof subject, "pin %s %s", service, forge->image_before);
    forge_item(forge, evidence, "act", subject, 0, "");
}

static void redeploy(struct forge *forge, json_t *evidence)
{
    forge_services(forge, evidence);
    forge_containers(forge, evidence);
    forge_look(forge, evidence);
    forge_up(forge, evidence, "titan-execution");
    forge_start(forge, &forge->execution, true, forge->image_before, forge->hash_before);
    forge_look(forge, evidence);
    forge_up(forge, evidence, "titan-brain");
    forge_start(forge, &forge->brain, false, forge->image_before, forge->hash_before);
    forge_containers(forge, evidence);
}

static void verify_restored(struct forge *forge, json_t *evidence)
{
    forge_services(forge, evidence);
    forge_files(forge, evidence);
    forge_containers(forge, evidence);
    forge_health(forge, evidence, false);
    forge_look(forge, evidence);
    forge_voices(forge, evidence, true);
    forge_drift(forge, evidence, "");
    forge_images(forge, evidence, forge->image_before);
    forge_release_target(forge, evidence);
}

static void restore(struct forge *forge, json_t *evidence, const char *action)
{
    if (strcmp(action, "verify_restored") == 0 || strcmp(action, "restore_code") == 0)
        forge_guard(forge, evidence, "withdrawn", forge->guard_begun);
    if (strcmp(action, "make_safe") == 0) {
        forge_send(forge, evidence, false);
        forge_look(forge, evidence);
    } else if (strcmp(action, "revert") == 0) {
        memcpy(forge->code, forge->commit_before, sizeof forge->code);
        forge_item(forge, evidence, "act", "restore", 0, "");
        forge_line(forge, evidence, "git.head", forge->code);
        forge_line(forge, evidence, "git.branch", "main");
        forge_item(forge, evidence, "git.status", "", 0, "");
        forge_item(forge, evidence, "act", "restore env", 0, "");
        forge_hmacs(forge, evidence);
        forge_services(forge, evidence);
        forge_images(forge, evidence, forge->image_before);
        pin(forge, evidence, "titan-brain");
        pin(forge, evidence, "titan-execution");
    } else if (strcmp(action, "redeploy") == 0) {
        redeploy(forge, evidence);
    } else if (strcmp(action, "verify_restored") == 0) {
        verify_restored(forge, evidence);
    } else if (strcmp(action, "restore_code") == 0) {
        memcpy(forge->code, forge->commit_before, sizeof forge->code);
        forge_tenancy(forge, evidence, true);
        forge_item(forge, evidence, "act", "restore", 0, "");
        forge_line(forge, evidence, "git.head", forge->code);
        forge_line(forge, evidence, "git.branch", "main");
        forge_item(forge, evidence, "git.status", "", 0, "");
        if (forge->pulls) {
            forge_item(forge, evidence, "act", "give names back", 0, "");
            forge_images(forge, evidence, forge->image_before);
        }
        forge_item(forge, evidence, "act", "release images", 0, "");
        forge_tenancy(forge, evidence, false);
    }
}

json_t *forge_found(struct forge *forge)
{
    json_t *evidence = json_array();
    forge_line(forge, evidence, "git.head", forge->code);
    forge_line(forge, evidence, "git.branch", "main");
    forge_item(forge, evidence, "git.status", "", 0, "");
    forge_containers(forge, evidence);
    return evidence;
}

json_t *forge_evidence(struct forge *forge, const char *action)
{
    json_t *evidence = json_array();
    prepare(forge, evidence, action);
    change(forge, evidence, action);
    examine(forge, evidence, action);
    restore(forge, evidence, action);
    if (forge->tamper != NULL)
        forge->tamper(forge, action, 0, evidence);
    return evidence;
}

json_t *forge_find(json_t *evidence, const char *probe, const char *subject)
{
    for (size_t i = json_array_size(evidence); i-- > 0;) {
        json_t *item = json_array_get(evidence, i);
        if (strcmp(json_string_value(json_object_get(item, "probe")), probe) == 0
            && (subject == NULL
                || strcmp(json_string_value(json_object_get(item, "subject")), subject) == 0))
            return item;
    }
    return NULL;
}

void forge_replace(struct forge *forge, json_t *item, const char *output)
{
    char hex[65];
    assert(item != NULL);
    forge_store(forge, output, strlen(output), hex);
    json_object_set_new(item, "output", json_string(hex));
    json_object_set_new(item, "size", json_integer((json_int_t)strlen(output)));
}

void forge_drop(json_t *evidence, const char *probe, const char *subject)
{
    for (size_t i = json_array_size(evidence); i-- > 0;) {
        json_t *item = json_array_get(evidence, i);
        if (strcmp(json_string_value(json_object_get(item, "probe")), probe) == 0
            && (subject == NULL
                || strcmp(json_string_value(json_object_get(item, "subject")), subject) == 0))
            json_array_remove(evidence, i);
    }
}
