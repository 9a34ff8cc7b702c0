#include "actions/compose/compose.h"
#include "journal/format/names.h"

#include <stdio.h>
#include <string.h>

/* `.Id` sends Docker to its raw answer, where a container without a check of its own has no Health
 * at all: hence `index`. */
static const char CONTAINER_TEMPLATE[] =
    "{\"service\":{{json (index .Config.Labels \"com.docker.compose.service\")}},\"id\":{{json "
    ".Id}},\"image\":{{json .Image}},"
    "\"state\":{{json .State.Status}},\"health\":{{if (index .State \"Health\")}}{{json "
    ".State.Health.Status}}{{else}}null{{end}},"
    "\"started_at\":{{json .State.StartedAt}},\"restarts\":{{.RestartCount}},\"name\":{{json "
    ".Name}}}";
static const char IMAGE_TEMPLATE[] = "\"id\":{{json .Id}},\"digests\":{{json .RepoDigests}}}";

enum error_code compose_containers(struct target *target, struct evidence *evidence,
                                   struct containers *ret_containers, struct error *error)
{
    const struct setup *setup = target_setup(target);
    CLEANUP_BYTES struct bytes script = {0};
    char project[128];
    int status;
    compose_project(setup, project, sizeof project);
    enum error_code code = bytes_append_format(
        &script, error,
        "ids=$(%s ps -a -q --no-trunc --filter label=com.docker.compose.project=%s "
        "--filter label=com.docker.compose.oneoff=False) || exit 1; [ -z \"$ids\" ] || %s inspect "
        "--format '%s' $ids",
        setup->target.docker, project, setup->target.docker, CONTAINER_TEMPLATE);
    if (code == ERROR_OK)
        code = target_probe(target,
                            &(struct target_command){.script = (const char *)script.data,
                                                     .output = OUTPUT_NAMES},
                            PROBE_COMPOSE_CONTAINERS, "", evidence, &status, error);
    if (code != ERROR_OK)
        return code;
    const struct evidence_item *item = evidence_last(evidence, PROBE_COMPOSE_CONTAINERS, NULL);
    if (status != 0)
        return error_set(error, ERROR_REMOTE, status, "docker", "run `docker ps` on the target",
                         "the containers cannot be listed: %.300s",
                         (const char *)item->output.data);
    return containers_read(&item->output, ret_containers, error);
}

/* A service that is only built has an image all the same, under the name that either program gives
 * it: project_service, project-service. */
static enum error_code add_image(const struct target *target, const struct compose_model *model,
                                 size_t index, struct bytes *script, struct error *error)
{
    const char *docker = target_setup(target)->target.docker,
               *service = model->services[index].service, *image = model->services[index].image;
    char project[128], names[2][256];
    compose_project(target_setup(target), project, sizeof project);
    for (size_t i = 0; i < 2; i++) {
        if (image[0] != '\0')
            (void)snprintf(names[i], sizeof names[i], "%s", image);
        else
            (void)snprintf(names[i], sizeof names[i], "%s%c%s", project, i == 0 ? '_' : '-',
                           service);
    }
    enum error_code code = bytes_append_format(
        script, error, "; printf '{\"service\":\"%%s\",\"name\":\"%%s\",' '%s' ", service);
    if (code == ERROR_OK)
        code = shell_quote(script, image, error);
    for (size_t i = 0; code == ERROR_OK && i < 2; i++) {
        code = bytes_append_format(script, error, "%s%s image inspect --format '%s' ",
                                   i == 0 ? "; " : " 2>/dev/null || ", docker, IMAGE_TEMPLATE);
        if (code == ERROR_OK)
            code = shell_quote(script, names[i], error);
    }
    return code == ERROR_OK
               ? bytes_append_format(script, error,
                                     " 2>/dev/null || echo '\"id\":\"\",\"digests\":[]}'")
               : code;
}

enum error_code compose_images(struct target *target, const struct compose_model *model,
                               struct evidence *evidence, struct images *ret_images,
                               struct error *error)
{
    CLEANUP_BYTES struct bytes script = {0};
    enum error_code code = bytes_append(&script, ":", 1, error);
    for (size_t i = 0; code == ERROR_OK && i < model->count; i++)
        code = add_image(target, model, i, &script, error);
    if (code == ERROR_OK)
        code = target_probe(target,
                            &(struct target_command){.script = (const char *)script.data,
                                                     .output = OUTPUT_NAMES},
                            PROBE_COMPOSE_IMAGES, "", evidence, NULL, error);
    return code == ERROR_OK
               ? images_read(&evidence_last(evidence, PROBE_COMPOSE_IMAGES, NULL)->output,
                             ret_images, error)
               : code;
}

/* " a b c", quoted. */
static enum error_code add_services(struct bytes *script, const struct compose_model *model,
                                    bool built, struct error *error)
{
    enum error_code code = ERROR_OK;
    for (size_t i = 0; code == ERROR_OK && i < model->count; i++) {
        if (model->services[i].built != built)
            continue;
        code = bytes_append(script, " ", 1, error);
        if (code == ERROR_OK)
            code = shell_quote(script, model->services[i].service, error);
    }
    return code;
}

enum error_code compose_pull(struct target *target, const struct target_tenancy *tenancy,
                             const struct compose_model *model, int64_t deadline_ms,
                             const struct target_watch *watch, struct evidence *evidence,
                             int *ret_status, struct error *error)
{
    size_t built = 0;
    for (size_t i = 0; i < model->count; i++)
        built += model->services[i].built;
    CLEANUP_BYTES struct bytes script = {0};
    enum error_code code = bytes_append(&script, "exec 2>&1; ", 11, error);
    if (code == ERROR_OK && built < model->count) {
        code = compose_prefix(target, NULL, &script, error);
        if (code == ERROR_OK)
            code = bytes_append(&script, "pull", 4, error);
        if (code == ERROR_OK)
            code = add_services(&script, model, false, error);
        if (code == ERROR_OK)
            code = bytes_append(&script, " || exit 1; ", 12, error);
    }
    if (code == ERROR_OK && built > 0) {
        code = compose_prefix(target, NULL, &script, error);
        if (code == ERROR_OK)
            code = bytes_append(&script, "build", 5, error);
        if (code == ERROR_OK)
            code = add_services(&script, model, true, error);
    }
    struct target_command command = {.script = (const char *)script.data,
                                     .deadline_ms = deadline_ms,
                                     .watch = watch,
                                     .tenancy = tenancy};
    return code == ERROR_OK
               ? target_probe(target, &command, PROBE_COMPOSE_PULL, "", evidence, ret_status, error)
               : code;
}

enum error_code compose_up(struct target *target, const struct target_tenancy *tenancy,
                           const struct compose_up *up, struct evidence *evidence, int *ret_status,
                           struct error *error)
{
    const struct {
        bool on;
        const char *word;
    } words[] = {{up->no_deps, " --no-deps"},
                 {up->force_recreate, " --force-recreate"},
                 {up->no_build, " --no-build"},
                 {up->remove_orphans, " --remove-orphans"}};
    CLEANUP_BYTES struct bytes script = {0};
    char subject[EVIDENCE_SUBJECT_MAX] = "";
    enum error_code code = bytes_append(&script, "exec 2>&1; ", 11, error);
    if (code == ERROR_OK)
        code = compose_prefix(target, up->override, &script, error);
    if (code == ERROR_OK)
        code = bytes_append(&script, "up -d", 5, error);
    for (size_t i = 0; code == ERROR_OK && i < sizeof words / sizeof words[0]; i++)
        if (words[i].on)
            code = bytes_append(&script, words[i].word, strlen(words[i].word), error);
    for (size_t i = 0; code == ERROR_OK && i < up->service_count; i++) {
        size_t used = strlen(subject);
        (void)snprintf(subject + used, sizeof subject - used, "%s%s", i > 0 ? " " : "",
                       up->services[i]);
        code = bytes_append(&script, " ", 1, error);
        if (code == ERROR_OK)
            code = shell_quote(&script, up->services[i], error);
    }
    struct target_command command = {.script = (const char *)script.data,
                                     .deadline_ms = up->deadline_ms,
                                     .tenancy = tenancy};
    return code == ERROR_OK ? target_probe(target, &command, PROBE_COMPOSE_UP, subject, evidence,
                                           ret_status, error)
                            : code;
}
