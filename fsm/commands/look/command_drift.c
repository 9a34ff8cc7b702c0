/* drift: what runs against what it should come from, now. Reads only: no operator key, no lock, no
 * tenancy, nothing written on either side. */
#include "fsm/commands/command_line.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actions/compose/compose.h"
#include "actions/compose/drift.h"
#include "actions/git.h"
#include "fsm/past/baseline.h"
#include "fsm/past/recorded.h"
#include "journal/canonical.h"
#include "journal/format/names.h"

/* The one line of a probe that succeeded, else "". */
static void copy_hmac(const struct evidence *evidence, const char *probe,
                      char ret_hex[SHA256_HEX + 1])
{
    const struct evidence_item *item = evidence_last(evidence, probe, NULL);
    bool good = item->status == 0 && item->output.size > SHA256_HEX;
    (void)snprintf(ret_hex, SHA256_HEX + 1, "%s", good ? (const char *)item->output.data : "");
}

/* What the compose file declares and what runs. */
struct services_view {
    struct compose_model model;
    struct containers containers;
    struct images images;
    struct configurations configurations;
};

static enum error_code read_running_services(struct target *target, struct evidence *evidence,
                                             struct services_view *view, struct error *error)
{
    enum error_code code = compose_containers(target, evidence, &view->containers, error);
    if (code == ERROR_OK)
        code = compose_images(target, &view->model, evidence, &view->images, error);
    return code == ERROR_OK ? compose_configurations(target, &view->model, NULL, COMPOSE_KEY_LEAVE,
                                                     evidence, &view->configurations, error)
                            : code;
}

static enum error_code compare_services(struct target *target, struct evidence *evidence,
                                        struct services_view *view, struct drift *drift,
                                        struct error *error)
{
    CLEANUP_BYTES struct bytes strays = {0};
    enum error_code code = compose_render(target, evidence, &view->model, error);
    if (code == ERROR_REMOTE || code == ERROR_PROTOCOL) {
        /* An answer: the source cannot be rendered, so nothing can be compared with it. */
        drift_unrendered(error->where, error->what, drift);
        return ERROR_OK;
    }
    if (code == ERROR_OK)
        code = read_running_services(target, evidence, view, error);
    if (code == ERROR_OK)
        code = compose_strays(target, &strays, error);
    if (code != ERROR_OK)
        return code;
    drift_services(&(struct drift_terms){.file = target_setup(target)->compose.file,
                                         .declared = &view->model.declared,
                                         .containers = &view->containers,
                                         .images = &view->images,
                                         .configurations = &view->configurations},
                   drift);
    drift_one_each(&target_setup(target)->services, &view->containers, drift);
    drift_strays(&strays, drift);
    return ERROR_OK;
}

static enum error_code look_at_services(struct target *target, struct evidence *evidence,
                                        struct containers *ret_containers, struct drift *drift,
                                        struct error *error)
{
    struct services_view *view = calloc(1, sizeof *view);
    if (view == NULL)
        return error_set(error, ERROR_MEMORY, 0, "drift", "", "out of memory");
    enum error_code code = compare_services(target, evidence, view, drift, error);
    *ret_containers = view->containers;
    free(view);
    return code;
}

static enum error_code look_at_source(struct target *target, const struct drift_baseline *baseline,
                                      struct evidence *evidence, struct drift *drift,
                                      struct error *error)
{
    CLEANUP_BYTES struct bytes loose = {0};
    struct git_state git;
    struct git_upstream upstream;
    char hmac_key[SHA256_HEX + 1], config_hmac[SHA256_HEX + 1], env_hmac[SHA256_HEX + 1];
    enum error_code code = git_look(target, evidence, &git, error);
    if (code == ERROR_OK)
        code = git_upstream(target, &upstream, error);
    if (code == ERROR_OK)
        code = git_loose_files(target, &loose, error);
    if (code == ERROR_OK)
        code = compose_fingerprints(target, COMPOSE_KEY_LEAVE, evidence, error);
    if (code != ERROR_OK)
        return code;
    copy_hmac(evidence, PROBE_CONFIG_HMAC, config_hmac);
    copy_hmac(evidence, PROBE_ENV_HMAC, env_hmac);
    copy_hmac(evidence, PROBE_HMAC_KEY, hmac_key);
    if (strcmp(hmac_key, baseline->hmac_key) != 0) /* under another key they say nothing */
        config_hmac[0] = env_hmac[0] = '\0';
    drift_tree(&evidence_last(evidence, PROBE_GIT_STATUS, NULL)->output, &loose, drift);
    drift_branch(&git, &upstream, &target_setup(target)->repository, drift);
    drift_since(baseline, git.commit, config_hmac, env_hmac, &target_setup(target)->compose, drift);
    return ERROR_OK;
}

/* With a journal the host key is compared with genesis and the last deployment is known; before
 * `init` neither exists. */
static enum error_code open_reading(struct driver *driver, const struct driver_options *options,
                                    struct drift_baseline *ret_baseline, struct error *error)
{
    enum error_code code = driver_open_config(driver, options, false, error);
    if (code != ERROR_OK || !driver_has_journal(driver))
        return code;
    driver_close(driver);
    code = driver_open(driver, options, DRIVER_READS, error);
    return code == ERROR_OK ? baseline_load(driver->journal, ret_baseline, error) : code;
}

/* The first running container that the rollback did not leave; NULL = none. */
static const struct container *started_since(const struct containers *left,
                                             const struct containers *now)
{
    for (size_t i = 0; i < now->count; i++) {
        bool was = !container_runs(&now->list[i]);
        for (size_t k = 0; k < left->count && !was; k++)
            was = strcmp(left->list[k].id, now->list[i].id) == 0;
        if (!was)
            return &now->list[i];
    }
    return NULL;
}

/* From what runs, not from what the journal ends with. */
static enum error_code describe_rollback(const struct driver *driver, const struct containers *now,
                                         char *ret_text, size_t room, struct error *error)
{
    const struct deployment *deployment = &driver->deployment;
    const struct journal_entry *entry = deployment_transition_to(deployment, STATE_ROLLED_BACK);
    CLEANUP_BYTES struct bytes lines = {0};
    struct containers *left = calloc(1, sizeof *left);
    if (left == NULL)
        return error_set(error, ERROR_MEMORY, 0, "drift", "", "out of memory");
    enum error_code code = entry != NULL ? entry_output(driver->journal, entry,
                                                        PROBE_COMPOSE_CONTAINERS, &lines, error)
                                         : ERROR_OK;
    if (code == ERROR_OK)
        code = containers_read(&lines, left, error);
    const struct container *since = started_since(left, now);
    if (code == ERROR_OK && since == NULL)
        (void)snprintf(ret_text, room,
                       "deployment %llu was rolled back, and the services run what that brought "
                       "back",
                       (unsigned long long)deployment->number);
    else if (code == ERROR_OK)
        (void)snprintf(ret_text, room,
                       "deployment %llu was rolled back, and since then %.60s was started by "
                       "somebody else",
                       (unsigned long long)deployment->number, since->service);
    free(left);
    return code;
}

/* What the reader must know about the deployment before they look for another cause of drift. "" =
 * nothing. */
static enum error_code describe_deployment(const struct driver *driver,
                                           const struct containers *containers, char *ret_text,
                                           size_t room, struct error *error)
{
    const struct deployment *deployment = &driver->deployment;
    unsigned long long number = (unsigned long long)deployment->number;
    ret_text[0] = '\0';
    if (driver_is_open(driver))
        (void)snprintf(ret_text, room,
                       "deployment %llu is open, in %s: what it has fetched and pulled but not "
                       "switched to yet shows as drift",
                       number, machine_state_name(deployment->state));
    else if (driver->found && deployment->state == STATE_ROLLED_BACK)
        return describe_rollback(driver, containers, ret_text, room, error);
    return ERROR_OK;
}

static bool has_known_difference(const struct drift *drift)
{
    for (size_t i = 0; i < drift->count; i++)
        if (!drift->list[i].unknown)
            return true;
    return false;
}

static void print_drift(const struct drift *drift, const char *target, const char *standing)
{
    if (standing[0] != '\0' && drift->count > 0)
        printf("%s\n", standing);
    for (size_t i = 0; i < drift->count; i++) {
        const struct drift_line *line = &drift->list[i];
        const char *parts[] = {line->where, ": ", line->what, "; ", line->next};
        printf("%-13s %s", drift_kind_name(line->kind), line->unknown ? "(unknown) " : "");
        for (size_t part = 0; part < sizeof parts / sizeof parts[0]; part++)
            bytes_print_escaped(stdout, parts[part], strlen(parts[part]));
        puts("");
    }
    if (drift->more > 0)
        printf("and %zu more\n", drift->more);
    if (drift->count == 0)
        printf("%s: no drift\n", target);
}

/* The members are target, result (none, drift or unknown), deployment, standing, differences (each
 * with kind, unknown, where, what and next), and more. */
static enum error_code print_drift_json(const struct drift *drift, const char *target,
                                        const struct drift_baseline *baseline, const char *standing,
                                        struct error *error)
{
    CLEANUP_JSON json_t *report = json_pack("{s:s, s:s, s:I, s:s, s:[], s:I}", "target", target,
                                            "result",
                                            drift->count == 0             ? "none"
                                            : has_known_difference(drift) ? "drift"
                                                                          : "unknown",
                                            "deployment", (json_int_t)baseline->deployment,
                                            "standing", standing, "differences", "more",
                                            (json_int_t)drift->more);
    for (size_t i = 0; report != NULL && i < drift->count; i++) {
        const struct drift_line *line = &drift->list[i];
        char where[sizeof line->where],
            what[sizeof line->what]; /* names from the target may be no UTF-8 */
        record_text(line->where, where, sizeof where);
        record_text(line->what, what, sizeof what);
        json_t *difference = json_pack("{s:s, s:b, s:s, s:s, s:s}", "kind",
                                       drift_kind_name(line->kind), "unknown", line->unknown,
                                       "where", where, "what", what, "next", line->next);
        if (json_array_append_new(json_object_get(report, "differences"), difference) != 0)
            return error_set(error, ERROR_MEMORY, 0, "drift", "", "out of memory");
    }
    if (report == NULL)
        return error_set(error, ERROR_MEMORY, 0, "drift", "", "out of memory");
    (void)json_dumpf(report, stdout, JSON_COMPACT | JSON_ENSURE_ASCII);
    puts("");
    return ERROR_OK;
}

/* What the look leaves; too large for the stack. */
struct drift_look {
    struct evidence evidence;
    struct drift drift;
    struct drift_baseline baseline;
    struct containers containers;
};

static enum error_code look_for_drift(struct driver *driver, const struct driver_options *options,
                                      struct drift_look *look, struct error *error)
{
    struct target *target;
    enum error_code code = open_reading(driver, options, &look->baseline, error);
    if (code == ERROR_OK)
        code = driver_target(driver, &target, error);
    if (code == ERROR_OK)
        code = look_at_services(target, &look->evidence, &look->containers, &look->drift, error);
    if (code == ERROR_OK)
        code = look_at_source(target, &look->baseline, &look->evidence, &look->drift, error);
    evidence_clear(&look->evidence);
    return code;
}

static enum error_code report_drift(struct driver *driver, const struct drift_look *look,
                                    struct error *error)
{
    const char *name = driver->config.setup.target.name;
    char standing[240];
    enum error_code code = describe_deployment(driver, &look->containers, standing, sizeof standing,
                                               error);
    if (code != ERROR_OK)
        return code;
    if (driver->options.json)
        return print_drift_json(&look->drift, name, &look->baseline, standing, error);
    if (!driver->options.quiet || look->drift.count > 0)
        print_drift(&look->drift, name, standing);
    return ERROR_OK;
}

enum error_code command_drift(const struct command_line *line, enum exit_status *ret_status,
                              struct error *error)
{
    struct drift_look *look = calloc(1, sizeof *look);
    if (look == NULL)
        return error_set(error, ERROR_MEMORY, 0, "drift", "", "out of memory");
    enum error_code code = look_for_drift(line->driver, &line->options, look, error);
    if (code == ERROR_OK) {
        *ret_status = look->drift.count == 0 ? EXIT_DONE : EXIT_DRIFT;
        code = report_drift(line->driver, look, error);
    }
    free(look);
    return code;
}
