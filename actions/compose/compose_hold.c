#include "actions/compose/compose_hold.h"
#include "actions/compose/compose_project.h"
#include "journal/format/names.h"

#include <stdio.h>
#include <string.h>

static const char ID_PREFIX[] = "sha256:";

void hold_add_file(struct text *script, const struct target *target, const char *image)
{
    char name[SHA256_HEX + 16];
    (void)snprintf(name, sizeof name, "images/%s.tar", strchr(image, ':') + 1);
    target_add_quoted_state_path(script, target, name);
}

static bool is_image_id(const char *image)
{
    size_t length = strlen(ID_PREFIX);
    return strncmp(image, ID_PREFIX, length) == 0 && bytes_is_hex(image + length, SHA256_HEX);
}

enum error_code hold_check_container(const struct container *container, struct error *error)
{
    if (!is_image_id(container->image))
        return error_set(error, ERROR_PROTOCOL, 0, container->service,
                         "compare the version of Docker with those that are supported",
                         "a container names no image id");
    if (!compose_is_service_name(container->service))
        return error_set(error, ERROR_PROTOCOL, 0, container->service,
                         "find out who labelled this container as part of the project",
                         "a container is labelled with a service that compose cannot name so");
    return ERROR_OK;
}

/* $s: how Docker keeps images. */
static void add_store(struct text *script, const char *docker)
{
    text_add_format(script,
                    "s=$(%s info --format '{{json .DriverStatus}}') || exit 1; "
                    "case \"$s\" in *io.containerd.snapshotter.v1*) s=containerd ;; "
                    "*) s=classic ;; esac; ",
                    docker);
}

enum error_code compose_store(struct target *target, struct evidence *evidence, struct error *error)
{
    CLEANUP_TEXT struct text script = {0};
    int status = 0;
    add_store(&script, target_setup(target)->target.docker);
    text_add(&script, "echo $s");
    enum error_code code = target_probe(target,
                                        &(struct target_command){.built = &script,
                                                                 .output = OUTPUT_NAMES},
                                        PROBE_COMPOSE_STORE, "", evidence, &status, error);
    return code != ERROR_OK || status == 0
               ? code
               : error_set(error, ERROR_REMOTE, status, "docker", "run `docker info` on the target",
                           "Docker does not say how it keeps images");
}

/* here HEX; address CONTAINER HEX: where the registry had it, from the name that the container was
 * made with. A name of our own (*.invalid) is no address. */
static void add_functions(struct text *script, const char *docker)
{
    text_add_format(script, "here() { %s image inspect \"sha256:$1\" >/dev/null 2>&1; }; ", docker);
    text_add_format(script,
                    "address() { n=$(%s inspect --format '{{.Config.Image}}' \"$1\") || n=; "
                    "n=${n%%%%@*}; case \"${n##*/}\" in *:*) n=${n%%:*} ;; esac; "
                    "case \"$n\" in ''|sha256*|*.invalid/*) ;; *) echo \"$n@sha256:$2\" ;; esac; "
                    "}; ",
                    docker);
}

/* answers HEX: $y are the addresses for which a registry gives exactly this image now; $r, once a
 * registry did not answer in time: none is waited for again. */
static void add_answers(struct text *script, const char *docker)
{
    text_add_format(
        script,
        "r=; answers() { y=; for a in $(%s image inspect --format '{{range .RepoDigests}}{{.}} "
        "{{end}}' \"sha256:$1\"); do case \"$a\" in *.invalid/*) ;; *) "
        "[ -n \"$r\" ] || timeout -k 2 20 %s pull -q \"$a\" >/dev/null 2>&1; e=$?; "
        "[ $e != 124 ] || r=late; "
        "[ $e != 0 ] || [ -n \"$r\" ] || [ \"$(%s image inspect --format '{{.Id}}' \"$a\")\" != "
        "\"sha256:$1\" ] || y=\"$y $a\" ;; esac; done; }; ",
        docker, docker, docker);
}

/* keep HEX: by a name of our own and a created container. */
static void add_keep(struct text *script, const char *docker, int64_t deployment)
{
    text_add_format(
        script,
        "keep() { [ $s = classic ] || %s tag \"sha256:$1\" \"titan-hold.invalid/image:$1\" "
        "|| exit 1; %s inspect --format '{{.Id}}' \"titan-hold-%lld-$1\" >/dev/null 2>&1 || "
        "%s create --name \"titan-hold-%lld-$1\" --label com.docker.compose.project=titan-hold "
        "\"sha256:$1\" true || exit 1; }; ",
        docker, docker, (long long)deployment, docker, (long long)deployment);
}

/* hold HEX FILE SERVICE CONTAINER BUILT */
static void add_hold(struct text *script, const char *docker)
{
    text_add_format(script,
                    "hold() { here \"$1\" || { [ -s \"$2\" ] && %s load -i \"$2\"; here \"$1\"; } "
                    "|| { a=; [ $s$5 != containerdno ] || a=$(address \"$4\" \"$1\"); "
                    "[ -z \"$a\" ] || timeout -k 2 300 %s pull -q \"$a\"; here \"$1\"; } || { ",
                    docker, docker);
    text_add(script,
             "echo \"$3 runs from image sha256:$1, of which Docker has no record any more (its "
             "name was given to another); no file holds it and no registry gives it by this "
             "digest. Re-create $3 from an image that is there (docker compose up --detach "
             "--force-recreate $3), then begin again\"; exit 3; }; ");
    text_add_format(
        script,
        "keep \"$1\"; [ -s \"$2\" ] || { [ $5 = no ] && answers \"$1\" && [ -n \"$y\" ]; } || "
        "{ %s save -o \"$2.new\" \"sha256:$1\" && mv \"$2.new\" \"$2\"; } || exit 1; "
        "}; ",
        docker);
}

static bool is_built(const struct compose_model *model, const char *service)
{
    for (size_t i = 0; i < model->count; i++)
        if (strcmp(model->services[i].service, service) == 0)
            return model->services[i].built;
    return false;
}

enum error_code compose_registry(struct target *target, const struct images *images,
                                 const struct compose_model *model, struct evidence *evidence,
                                 struct error *error)
{
    const char *docker = target_setup(target)->target.docker;
    CLEANUP_TEXT struct text script = {0};
    add_answers(&script, docker);
    for (size_t i = 0; i < images->count; i++)
        if (is_image_id(images->list[i].id) && !is_built(model, images->list[i].service)) {
            text_add(&script, "answers ");
            text_add_quoted(&script, images->list[i].id + strlen(ID_PREFIX));
            text_add(&script, "; for a in $y; do echo \"$a\"; done; ");
        }
    text_add(&script, ":");
    return target_probe(target, &(struct target_command){.built = &script, .output = OUTPUT_NAMES},
                        PROBE_COMPOSE_REGISTRY, "", evidence, NULL, error);
}

static void add_container(struct text *script, const struct target *target,
                          const struct compose_hold *hold, const struct container *container)
{
    text_add(script, "hold ");
    text_add_quoted(script, container->image + strlen(ID_PREFIX));
    text_add(script, " ");
    hold_add_file(script, target, container->image);
    text_add(script, " ");
    text_add_quoted(script, container->service);
    text_add(script, " ");
    text_add_quoted(script, container->id);
    text_add(script, is_built(hold->model, container->service) ? " yes; " : " no; ");
}

enum error_code compose_hold(struct target *target, const struct target_tenancy *tenancy,
                             const struct compose_hold *hold, struct evidence *evidence,
                             int *ret_status, struct error *error)
{
    const char *docker = target_setup(target)->target.docker;
    CLEANUP_TEXT struct text script = {0};
    text_add(&script, "exec 2>&1; umask 077; mkdir -p ");
    target_add_quoted_state_path(&script, target, "images");
    text_add(&script, "; ");
    add_store(&script, docker);
    add_functions(&script, docker);
    add_answers(&script, docker);
    add_keep(&script, docker, hold->deployment);
    add_hold(&script, docker);
    for (size_t i = 0; i < hold->containers->count; i++) {
        enum error_code code = hold_check_container(&hold->containers->list[i], error);
        if (code != ERROR_OK)
            return code;
        add_container(&script, target, hold, &hold->containers->list[i]);
    }
    for (size_t i = 0; i < hold->images->count; i++)
        if (is_image_id(hold->images->list[i].id)) {
            const char *hex = hold->images->list[i].id + strlen(ID_PREFIX);
            text_add(&script, "! here ");
            text_add_quoted(&script, hex);
            text_add(&script, " || keep ");
            text_add_quoted(&script, hex);
            text_add(&script, "; ");
        }
    text_add(&script, ":");
    struct target_command command = {.built = &script, .tenancy = tenancy};
    return target_probe(target, &command, PROBE_ACT, "hold images", evidence, ret_status, error);
}

enum error_code compose_release(struct target *target, const struct target_tenancy *tenancy,
                                int64_t deployment, struct evidence *evidence, struct error *error)
{
    const char *docker = target_setup(target)->target.docker;
    CLEANUP_TEXT struct text script = {0};
    text_add_format(&script, "exec 2>&1; d=");
    target_add_quoted_state_path(&script, target, "images");
    text_add_format(&script,
                    "; ids=$(%s ps -a -q --no-trunc --filter "
                    "label=com.docker.compose.project=titan-hold "
                    "--filter name=titan-hold-%lld-) || exit 1; [ -n \"$ids\" ] || exit 0; "
                    "held=$(%s inspect --format '{{.Image}}' $ids) || exit 1; %s rm -f $ids || "
                    "exit 1; all=$(%s ps -a -q --no-trunc) || exit 0; used=; "
                    "[ -z \"$all\" ] || used=$(%s inspect --format '{{.Image}}' $all) || exit 0; ",
                    docker, (long long)deployment, docker, docker, docker, docker);
    text_add_format(&script,
                    "for i in $held; do case \"$used\" in *\"$i\"*) ;; *) h=${i#sha256:}; "
                    "rm -f \"$d/$h.tar\"; ! %s image inspect \"titan-hold.invalid/image:$h\" "
                    ">/dev/null 2>&1 || %s rmi \"titan-hold.invalid/image:$h\" || : ;; esac; done",
                    docker, docker);
    struct target_command command = {.built = &script, .tenancy = tenancy};
    return target_probe(target, &command, PROBE_ACT, "release images", evidence, NULL, error);
}

/* back HEX NAME FILE ADDRESS */
static void add_back(struct text *script, const char *docker)
{
    text_add_format(
        script,
        "back() { [ \"$(%s image inspect --format '{{.Id}}' \"$2\" 2>/dev/null)\" = \"sha256:$1\" "
        "] "
        "|| { if here \"$1\" || { [ -s \"$3\" ] && %s load -i \"$3\"; here \"$1\"; } || "
        "{ [ -z \"$4\" ] || timeout -k 2 300 %s pull -q \"$4\"; here \"$1\"; }; "
        "then %s tag \"sha256:$1\" \"$2\" || exit 1; "
        "else echo \"$2 meant image sha256:$1, which is gone: it is left as it is\"; fi; }; }; ",
        docker, docker, docker, docker);
}

static void add_name_back(struct text *script, const struct target *target,
                          const struct image *image, const char *infix)
{
    text_add(script, "back ");
    text_add_quoted(script, image->id + strlen(ID_PREFIX));
    text_add(script, " ");
    CLEANUP_TEXT struct text name = {0};
    if (image->name[0] == '\0') {
        compose_name_project(&name, target);
        text_add(&name, infix);
    }
    text_add(&name, image->name[0] == '\0' ? image->service : image->name);
    text_add_quoted_text(script, &name);
    text_add(script, " ");
    hold_add_file(script, target, image->id);
    text_add(script, " ");
    text_add_quoted(script, image->digest);
    text_add(script, "; ");
}

/* A service that is only built has the name that either program gives it; the older one is taken
 * where it is there, as compose_images() does. */
enum error_code compose_give_names_back(struct target *target, const struct target_tenancy *tenancy,
                                        const struct images *before, struct evidence *evidence,
                                        int *ret_status, struct error *error)
{
    const char *docker = target_setup(target)->target.docker;
    CLEANUP_TEXT struct text script = {0};
    enum error_code code = compose_learn_project(target, error);
    if (code != ERROR_OK)
        return code;
    text_add_format(&script,
                    "exec 2>&1; here() { %s image inspect \"sha256:$1\" >/dev/null 2>&1; }; ",
                    docker);
    add_back(&script, docker);
    for (size_t i = 0; i < before->count; i++) {
        const struct image *image = &before->list[i];
        if (!is_image_id(image->id) || strchr(image->name, '@') != NULL)
            continue;
        if (image->name[0] == '\0') {
            CLEANUP_TEXT struct text name = {0};
            compose_name_project(&name, target);
            text_add(&name, "_");
            text_add(&name, image->service);
            text_add_format(&script, "if %s image inspect ", docker);
            text_add_quoted_text(&script, &name);
            text_add(&script, " >/dev/null 2>&1; then ");
            add_name_back(&script, target, image, "_");
            text_add(&script, "else ");
            add_name_back(&script, target, image, "-");
            text_add(&script, "fi; ");
        } else {
            add_name_back(&script, target, image, "");
        }
    }
    text_add(&script, ":");
    struct target_command command = {.built = &script, .tenancy = tenancy};
    return target_probe(target, &command, PROBE_ACT, "give names back", evidence, ret_status,
                        error);
}
