#include "actions/compose/compose.h"
#include "actions/compose/compose_project.h"
#include "journal/format/names.h"

#include <stdio.h>
#include <string.h>

/* `.Id` makes Docker use its raw answer, in which a container without a health check has no Health:
 * hence `index`. */
static const char CONTAINER_TEMPLATE[] =
    "{\"service\":{{json (index .Config.Labels \"com.docker.compose.service\")}},\"id\":{{json "
    ".Id}},\"image\":{{json .Image}},"
    "\"state\":{{json .State.Status}},\"health\":{{if (index .State \"Health\")}}{{json "
    ".State.Health.Status}}{{else}}null{{end}},"
    "\"started_at\":{{json .State.StartedAt}},\"restarts\":{{.RestartCount}},\"name\":{{json "
    ".Name}},\"created_at\":{{json .Created}},\"finished_at\":{{json .State.FinishedAt}},"
    "\"exit_code\":{{.State.ExitCode}},\"manifest\":{{json (index . "
    "\"ImageManifestDescriptor\")}}}";
static const char IMAGE_TEMPLATE[] =
    "\"id\":{{json .Id}},\"descriptor\":{{json (index . \"Descriptor\")}},\"digests\":{{json "
    ".RepoDigests}}}";

enum error_code compose_containers(struct target *target, struct evidence *evidence,
                                   struct containers *ret_containers, struct error *error)
{
    const struct setup *setup = target_setup(target);
    CLEANUP_TEXT struct text script = {0};
    int status;
    enum error_code code = compose_learn_project(target, error);
    if (code != ERROR_OK)
        return code;
    text_add_format(&script,
                    "ids=$(%s ps -a -q --no-trunc --filter label=com.docker.compose.project=",
                    setup->target.docker);
    compose_add_project(&script, target);
    text_add_format(&script,
                    " --filter label=com.docker.compose.oneoff=False) || exit 1; "
                    "[ -n \"$ids\" ] || exit 0; rows=$(%s inspect --format '%s' $ids) || exit 1; "
                    "printf '%%s\\n' \"$rows\" | sort",
                    setup->target.docker, CONTAINER_TEMPLATE);
    code = target_probe(target, &(struct target_command){.built = &script, .output = OUTPUT_NAMES},
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

/* manifest ROW: of the platform of the image whose id the row begins with; nothing where this
 * Docker cannot tell it. */
static void add_manifest_function(struct text *script, const char *docker)
{
    text_add_format(script,
                    "manifest() { h=${1#*sha256:}; h=sha256:${h%%%%\\\"*}; "
                    "p=$(%s image inspect --format '{{.Os}}/{{.Architecture}}' \"$h\" 2>/dev/null) "
                    "&& %s image inspect --platform \"$p\" --format '{{.Id}}' \"$h\" 2>/dev/null; "
                    "}; :",
                    docker, docker);
}

/* A service that is only built has an image too, under the name that either program gives
 * it: project_service, project-service. For an image that is not there docker prints an empty
 * line, which is not taken over. */
static void add_image(struct text *script, const struct target *target,
                      const struct compose_model *model, size_t index)
{
    const char *docker = target_setup(target)->target.docker;
    const char *service = model->services[index].service, *image = model->services[index].image;
    for (size_t i = 0; i < 2; i++) {
        CLEANUP_TEXT struct text name = {0};
        if (image[0] == '\0') {
            compose_name_project(&name, target);
            text_add(&name, i == 0 ? "_" : "-");
        }
        text_add(&name, image[0] == '\0' ? service : image);
        text_add_format(script, "%s i=$(%s image inspect --format '%s' ", i == 0 ? ";" : " ||",
                        docker, IMAGE_TEMPLATE);
        text_add_quoted_text(script, &name);
        text_add(script, " 2>/dev/null)");
    }
    text_add(script, " || i='\"id\":\"\",\"descriptor\":null,\"digests\":[]}'; m=; case \"$i\" in "
                     "*'\"descriptor\":null'*) ;; *) m=$(manifest \"$i\") ;; esac; "
                     "printf '{\"service\":\"%s\",\"name\":\"%s\",\"manifest\":\"%s\",%s\\n' ");
    text_add_quoted(script, service);
    text_add(script, " ");
    text_add_quoted(script, image);
    text_add(script, " \"$m\" \"$i\"");
}

enum error_code compose_images(struct target *target, const struct compose_model *model,
                               struct evidence *evidence, struct images *ret_images,
                               struct error *error)
{
    const char *docker = target_setup(target)->target.docker;
    CLEANUP_TEXT struct text script = {0};
    enum error_code code = compose_learn_project(target, error);
    if (code != ERROR_OK)
        return code;
    add_manifest_function(&script, docker);
    for (size_t i = 0; i < model->count; i++)
        add_image(&script, target, model, i);
    code = target_probe(target, &(struct target_command){.built = &script, .output = OUTPUT_NAMES},
                        PROBE_COMPOSE_IMAGES, "", evidence, NULL, error);
    if (code == ERROR_OK)
        code = images_read(&evidence_last(evidence, PROBE_COMPOSE_IMAGES, NULL)->output, ret_images,
                           error);
    if (code == ERROR_OK && ret_images->count != model->count)
        return error_set(error, ERROR_PROTOCOL, 0, "docker", "run `docker image ls` on the target",
                         "%zu of %zu images were told", ret_images->count, model->count);
    return code;
}

/* " a b c", quoted. */
static void add_services(struct text *script, const struct compose_model *model, bool built)
{
    for (size_t i = 0; i < model->count; i++) {
        if (model->services[i].built != built)
            continue;
        text_add(script, " ");
        text_add_quoted(script, model->services[i].service);
    }
}

enum error_code compose_pull(struct target *target, const struct target_tenancy *tenancy,
                             const struct compose_pull *pull, struct evidence *evidence,
                             int *ret_status, struct error *error)
{
    const struct compose_model *model = pull->model;
    size_t built = 0;
    for (size_t i = 0; i < model->count; i++)
        built += model->services[i].built;
    CLEANUP_TEXT struct text script = {0};
    text_add(&script, "exec 2>&1; ");
    if (built < model->count) {
        compose_prefix(&script, target, NULL);
        text_add(&script, "pull");
        add_services(&script, model, false);
        text_add(&script, " || exit 1; ");
    }
    if (built > 0) {
        compose_prefix(&script, target, NULL);
        text_add(&script, "build");
        add_services(&script, model, true);
    }
    struct target_command command = {.built = &script,
                                     .deadline_ms = pull->deadline_ms,
                                     .watch = pull->watch,
                                     .tenancy = tenancy};
    return target_probe(target, &command, PROBE_COMPOSE_PULL, "", evidence, ret_status, error);
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
    CLEANUP_TEXT struct text script = {0}, subject = {0};
    text_add(&script, "exec 2>&1; ");
    compose_prefix(&script, target, up->override);
    text_add(&script, "up -d");
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (words[i].on)
            text_add(&script, words[i].word);
    for (size_t i = 0; i < up->service_count; i++) {
        if (up->scales[i] > 0) {
            text_add_format(&script, " --scale ");
            text_add_quoted(&script, up->services[i]);
            text_add_format(&script, "=%lld", (long long)up->scales[i]);
        }
    }
    for (size_t i = 0; i < up->service_count; i++) {
        text_add(&subject, i > 0 ? " " : "");
        text_add(&subject, up->services[i]);
        text_add(&script, " ");
        text_add_quoted(&script, up->services[i]);
    }
    struct target_command command = {.built = &script,
                                     .deadline_ms = up->deadline_ms,
                                     .tenancy = tenancy};
    if (text_failed(&subject, error))
        return error->code;
    return target_probe(target, &command, PROBE_COMPOSE_UP, text_string(&subject), evidence,
                        ret_status, error);
}
