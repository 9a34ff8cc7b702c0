/* Images by identity: kept from pruning while a deployment is open, and pinned for a rollback. A
 * moving tag or `--build` restores nothing. */
#include "actions/compose/compose.h"
#include "journal/format/names.h"

#include <stdio.h>
#include <string.h>

enum error_code compose_override_path(const struct target *target, int64_t deployment,
                                      struct bytes *ret_path, struct error *error)
{
    char name[64];
    (void)snprintf(name, sizeof name, "rollback-%lld.yml", (long long)deployment);
    return target_state_path(target, name, ret_path, error);
}

static enum error_code saved_path(const struct target *target, const char *image,
                                  struct bytes *ret_path, struct error *error)
{
    char name[128];
    const char *colon = strchr(image, ':');
    (void)snprintf(name, sizeof name, "images/%s.tar", colon != NULL ? colon + 1 : image);
    return target_state_path(target, name, ret_path, error);
}

/* The id is Docker's own word, but it goes into a command line: sha256 and hex, or nothing. */
static bool is_image_id(const char *id)
{
    return strncmp(id, "sha256:", 7) == 0 && bytes_is_hex(id + 7, SHA256_HEX);
}

enum error_code compose_hold(struct target *target, const struct target_tenancy *tenancy,
                             const struct containers *containers, int64_t deployment,
                             struct evidence *evidence, int *ret_status, struct error *error)
{
    const char *docker = target_setup(target)->target.docker;
    CLEANUP_BYTES struct bytes script = {0}, state = {0};
    enum error_code code = target_state_path(target, "images", &state, error);
    if (code == ERROR_OK)
        code = bytes_append_format(&script, error, "exec 2>&1; umask 077; mkdir -p ");
    if (code == ERROR_OK)
        code = shell_quote(&script, (const char *)state.data, error);
    for (size_t i = 0; code == ERROR_OK && i < containers->count; i++) {
        const struct container *container = &containers->list[i];
        CLEANUP_BYTES struct bytes file = {0};
        if (!is_image_id(container->image))
            return error_set(error, ERROR_PROTOCOL, 0, container->service, "",
                             "a container names no image id");
        code = saved_path(target, container->image, &file, error);
        if (code == ERROR_OK)
            code = bytes_append_format(
                &script, error,
                " && { %s inspect --format '{{.Id}}' titan-hold-%lld-%s >/dev/null 2>&1 || %s "
                "create --name titan-hold-%lld-%s --label "
                "com.docker.compose.project=titan-hold %s true; } && { [ -n \"$(%s image inspect "
                "--format '{{range .RepoDigests}}{{.}}{{end}}' %s)\" ] || [ -s %s ] || "
                "{ %s save -o %s.new %s && mv %s.new %s; }; }",
                docker, (long long)deployment, container->service, docker, (long long)deployment,
                container->service, container->image, docker, container->image,
                (const char *)file.data, docker, (const char *)file.data, container->image,
                (const char *)file.data, (const char *)file.data);
    }
    struct target_command command = {.script = (const char *)script.data, .tenancy = tenancy};
    return code == ERROR_OK ? target_probe(target, &command, PROBE_ACT, "hold images", evidence,
                                           ret_status, error)
                            : code;
}

enum error_code compose_release(struct target *target, const struct target_tenancy *tenancy,
                                int64_t deployment, struct evidence *evidence, struct error *error)
{
    const char *docker = target_setup(target)->target.docker;
    CLEANUP_BYTES struct bytes script = {0};
    enum error_code code = bytes_append_format(
        &script, error,
        "exec 2>&1; ids=$(%s ps -a -q --no-trunc --filter "
        "label=com.docker.compose.project=titan-hold "
        "--filter name=titan-hold-%lld-) && { [ -z \"$ids\" ] || %s rm -f $ids; }",
        docker, (long long)deployment, docker);
    struct target_command command = {.script = (const char *)script.data, .tenancy = tenancy};
    return code == ERROR_OK
               ? target_probe(target, &command, PROBE_ACT, "release images", evidence, NULL, error)
               : code;
}

static enum error_code pin_one(struct target *target, const struct target_tenancy *tenancy,
                               const struct container *container, const struct image *address,
                               int64_t deployment, struct evidence *evidence, int *ret_status,
                               struct error *error)
{
    const char *docker = target_setup(target)->target.docker;
    CLEANUP_BYTES struct bytes script = {0}, file = {0};
    char subject[EVIDENCE_SUBJECT_MAX];
    if (!is_image_id(container->image))
        return error_set(error, ERROR_PROTOCOL, 0, container->service, "",
                         "the before snapshot names no image id");
    enum error_code code = saved_path(target, container->image, &file, error);
    if (code == ERROR_OK)
        code = bytes_append_format(&script, error,
                                   "exec 2>&1; { %s image inspect %s >/dev/null 2>&1", docker,
                                   container->image);
    if (code == ERROR_OK && address != NULL && address->digest[0] != '\0'
        && strcmp(address->id, container->image) == 0) {
        code = bytes_append_format(&script, error, " || %s pull ", docker);
        if (code == ERROR_OK)
            code = shell_quote(&script, address->digest, error);
    }
    if (code == ERROR_OK)
        code = bytes_append_format(
            &script, error, " || %s load -i %s; } && %s tag %s titan-rollback.invalid/%s:%lld",
            docker, (const char *)file.data, docker, container->image, container->service,
            (long long)deployment);
    (void)snprintf(subject, sizeof subject, "pin %s %s", container->service, container->image);
    struct target_command command = {.script = (const char *)script.data, .tenancy = tenancy};
    return code == ERROR_OK
               ? target_probe(target, &command, PROBE_ACT, subject, evidence, ret_status, error)
               : code;
}

/* The override carries the version line of the file that it overrides, because docker-compose
 * insists on the same. */
static enum error_code write_override(struct target *target, const struct target_tenancy *tenancy,
                                      const struct containers *before, int64_t deployment,
                                      struct evidence *evidence, int *ret_status,
                                      struct error *error)
{
    CLEANUP_BYTES struct bytes script = {0}, path = {0}, text = {0};
    enum error_code code = compose_override_path(target, deployment, &path, error);
    if (code == ERROR_OK)
        code = bytes_append_format(&script, error, "umask 077; { grep -m1 '^version:' ");
    if (code == ERROR_OK)
        code = shell_quote(&script, target_setup(target)->compose.file, error);
    if (code == ERROR_OK)
        code = bytes_append_format(&text, error, "services:\n");
    for (size_t i = 0; code == ERROR_OK && i < before->count; i++)
        code = bytes_append_format(&text, error,
                                   "  %s:\n    image: titan-rollback.invalid/%s:%lld\n",
                                   before->list[i].service, before->list[i].service,
                                   (long long)deployment);
    if (code == ERROR_OK)
        code = bytes_append_format(&script, error, "; cat; } > %s.new && sync && mv %s.new %s",
                                   (const char *)path.data, (const char *)path.data,
                                   (const char *)path.data);
    struct target_command command = {.script = (const char *)script.data,
                                     .input = text.data,
                                     .input_bytes = text.size,
                                     .tenancy = tenancy};
    return code == ERROR_OK ? target_probe(target, &command, PROBE_ACT, "write override", evidence,
                                           ret_status, error)
                            : code;
}

enum error_code compose_pin(struct target *target, const struct target_tenancy *tenancy,
                            const struct containers *before, const struct images *addresses,
                            int64_t deployment, struct evidence *evidence, int *ret_status,
                            struct error *error)
{
    int status = 0;
    enum error_code code = ERROR_OK;
    for (size_t i = 0; code == ERROR_OK && status == 0 && i < before->count; i++)
        code = pin_one(target, tenancy, &before->list[i],
                       images_find(addresses, before->list[i].service), deployment, evidence,
                       &status, error);
    if (code == ERROR_OK && status == 0)
        code = write_override(target, tenancy, before, deployment, evidence, &status, error);
    if (code == ERROR_OK)
        *ret_status = status;
    return code;
}

enum error_code compose_remove(struct target *target, const struct target_tenancy *tenancy,
                               const struct containers *containers, const char *service,
                               struct evidence *evidence, int *ret_status, struct error *error)
{
    CLEANUP_BYTES struct bytes script = {0};
    char subject[EVIDENCE_SUBJECT_MAX];
    enum error_code code = bytes_append_format(&script, error, "exec 2>&1; :");
    for (size_t i = 0; code == ERROR_OK && i < containers->count; i++)
        if (strcmp(containers->list[i].service, service) == 0
            && bytes_is_hex(containers->list[i].id, SHA256_HEX))
            code = bytes_append_format(&script, error, " && %s rm -f %s",
                                       target_setup(target)->target.docker, containers->list[i].id);
    (void)snprintf(subject, sizeof subject, "remove %s", service);
    struct target_command command = {.script = (const char *)script.data, .tenancy = tenancy};
    return code == ERROR_OK
               ? target_probe(target, &command, PROBE_ACT, subject, evidence, ret_status, error)
               : code;
}
