/* Images by identity, pinned for a rollback: a moving tag or `--build` cannot restore them. */
#include "actions/compose/compose.h"
#include "actions/compose/compose_hold.h"
#include "actions/compose/compose_project.h"
#include "journal/format/names.h"

#include <stdio.h>
#include <string.h>

enum error_code compose_override_path(const struct target *target, int64_t deployment,
                                      struct bytes *ret_path, struct error *error)
{
    CLEANUP_TEXT struct text path = {0};
    char name[64];
    (void)snprintf(name, sizeof name, "rollback-%lld.yml", (long long)deployment);
    target_add_state_path(&path, target, name);
    return text_give(&path, ret_path, error);
}

static const struct declared_service *declared_of(const struct compose_pin *pin,
                                                  const char *service)
{
    for (size_t i = 0; i < pin->model->count; i++)
        if (strcmp(pin->model->services[i].service, service) == 0)
            return &pin->model->services[i];
    return NULL;
}

/* An earlier service uses this tag for another image. */
static bool is_tag_taken(const struct compose_pin *pin, size_t index, const char *name)
{
    for (size_t i = 0; i < index; i++) {
        const struct declared_service *other = declared_of(pin, pin->before->list[i].service);
        if (other != NULL && name[0] != '\0' && strcmp(other->image, name) == 0
            && strcmp(pin->before->list[i].image, pin->before->list[index].image) != 0)
            return true;
    }
    return false;
}

const char *compose_pin_obstacle(const struct compose_pin *pin, size_t index)
{
    const struct container *container = &pin->before->list[index];
    const struct declared_service *declared = declared_of(pin, container->service);
    const struct image *now = images_find(pin->now, container->service);
    if (declared == NULL)
        return "the file does not declare it";
    if (declared->pulls_always)
        return "pull_policy: always pulls whatever its tag is by then";
    if (is_tag_taken(pin, index, declared->image))
        return "another service has the same tag and ran another image";
    if (strchr(declared->image, '@') != NULL && (now == NULL || !image_is_of(now, container)))
        return "the digest that the file declares is not what ran";
    return NULL;
}

/* The names that either program gives to a service that is only built. */
static void tag_declared(struct text *script, const struct target *target,
                         const struct compose_pin *pin, const struct container *container)
{
    const struct declared_service *declared = declared_of(pin, container->service);
    const char *docker = target_setup(target)->target.docker;
    for (size_t i = 0; i < (declared->image[0] == '\0' ? 2 : 1); i++) {
        CLEANUP_TEXT struct text name = {0};
        if (declared->image[0] == '\0') {
            compose_name_project(&name, target);
            text_add(&name, i == 0 ? "_" : "-");
        }
        text_add(&name, declared->image[0] == '\0' ? container->service : declared->image);
        text_add_format(script, " && %s tag %s ", docker, container->image);
        text_add_quoted_text(script, &name);
    }
}

/* A service whose name cannot be that of a repository (Docker takes letters, digits and single
 * hyphens between them, in lower case, and more that is not needed here) is written in hex. No
 * other service can be written so. */
static bool is_repository_name(const char *service)
{
    bool letter = false;
    for (const char *at = service; *at != '\0'; at++) {
        if (*at == '-' && !letter)
            return false;
        letter = (*at >= 'a' && *at <= 'z') || (*at >= '0' && *at <= '9');
        if (!letter && *at != '-')
            return false;
    }
    return letter;
}

static void add_rollback_name(struct text *text, const char *service, int64_t deployment)
{
    text_add(text, "titan-rollback.invalid/");
    if (is_repository_name(service)) {
        text_add(text, service);
    } else {
        text_add(text, "hex__");
        for (const char *at = service; *at != '\0'; at++)
            text_add_format(text, "%02x", (unsigned)(unsigned char)*at);
    }
    text_add_format(text, ":%lld", (long long)deployment);
}

static enum error_code pin_one(struct target *target, const struct target_tenancy *tenancy,
                               const struct compose_pin *pin, size_t index,
                               struct evidence *evidence, int *ret_status, struct error *error)
{
    const struct container *container = &pin->before->list[index];
    const struct image *address = images_find(pin->addresses, container->service);
    const struct declared_service *declared = declared_of(pin, container->service);
    const char *docker = target_setup(target)->target.docker;
    CLEANUP_TEXT struct text script = {0}, subject = {0};
    enum error_code code = hold_check_container(container, error);
    if (code != ERROR_OK)
        return code;
    text_add_format(&script, "exec 2>&1; { %s image inspect %s >/dev/null 2>&1", docker,
                    container->image);
    if (address != NULL && address->digest[0] != '\0'
        && strcmp(address->id, container->image) == 0) {
        text_add_format(&script, " || %s pull ", docker);
        text_add_quoted(&script, address->digest);
    }
    text_add_format(&script, " || %s load -i ", docker);
    hold_add_file(&script, target, container->image);
    text_add_format(&script, "; } && %s tag %s ", docker, container->image);
    add_rollback_name(&script, container->service, pin->deployment);
    if (compose_pin_obstacle(pin, index) == NULL && strchr(declared->image, '@') == NULL)
        tag_declared(&script, target, pin, container);
    text_add_format(&subject, "pin %s %s", container->service, container->image);
    if (text_failed(&subject, error))
        return error->code;
    struct target_command command = {.built = &script, .tenancy = tenancy};
    return target_probe(target, &command, PROBE_ACT, text_string(&subject), evidence, ret_status,
                        error);
}

/* The services that need the override. False = none. */
static bool add_override(const struct compose_pin *pin, struct text *text, struct text *subject)
{
    bool any = false;
    text_add(text, "services:\n");
    for (size_t i = 0; i < pin->before->count; i++) {
        const char *service = pin->before->list[i].service;
        const struct declared_service *declared = declared_of(pin, service);
        if (compose_pin_obstacle(pin, i) == NULL)
            continue;
        any = true;
        text_add_format(subject, " %s", service);
        text_add_format(text, "  %s:\n    image: ", service);
        add_rollback_name(text, service, pin->deployment);
        text_add(text, "\n");
        if (declared != NULL && declared->pulls_always)
            text_add(text, "    pull_policy: never\n");
    }
    return any;
}

/* The override carries the version line of the file that it overrides, because docker-compose
 * insists on the same. */
static enum error_code write_override(struct target *target, const struct target_tenancy *tenancy,
                                      const struct compose_pin *pin, struct evidence *evidence,
                                      int *ret_status, struct error *error)
{
    CLEANUP_TEXT struct text script = {0}, text = {0}, subject = {0};
    CLEANUP_BYTES struct bytes path = {0};
    enum error_code code = compose_override_path(target, pin->deployment, &path, error);
    text_add(&subject, "write override");
    if (code != ERROR_OK || !add_override(pin, &text, &subject))
        return code;
    text_add(&script, "umask 077; f=");
    text_add_quoted(&script, (const char *)path.data);
    text_add(&script, "; { grep -m1 '^version:' ");
    text_add_quoted(&script, target_setup(target)->compose.file);
    text_add(&script, "; cat; } > \"$f.new\" && sync && mv \"$f.new\" \"$f\"");
    if (text_failed(&text, error) || text_failed(&subject, error))
        return error->code;
    struct target_command command = {.built = &script,
                                     .input = text.bytes.data,
                                     .input_bytes = text.bytes.size,
                                     .tenancy = tenancy};
    return target_probe(target, &command, PROBE_ACT, text_string(&subject), evidence, ret_status,
                        error);
}

enum error_code compose_pin(struct target *target, const struct target_tenancy *tenancy,
                            const struct compose_pin *pin, struct evidence *evidence,
                            int *ret_status, struct error *error)
{
    int status = 0, first = 0;
    enum error_code code = ERROR_OK;
    for (size_t i = 0; code == ERROR_OK && i < pin->before->count; i++) {
        code = pin_one(target, tenancy, pin, i, evidence, &status, error);
        first = first != 0 ? first : status;
    }
    if (code == ERROR_OK)
        code = write_override(target, tenancy, pin, evidence, &status, error);
    if (code == ERROR_OK)
        *ret_status = first != 0 ? first : status;
    return code;
}

enum error_code compose_remove(struct target *target, const struct target_tenancy *tenancy,
                               const struct containers *containers, const char *service,
                               struct evidence *evidence, int *ret_status, struct error *error)
{
    CLEANUP_TEXT struct text script = {0}, subject = {0};
    text_add(&script, "exec 2>&1; :");
    for (size_t i = 0; i < containers->count; i++)
        if (strcmp(containers->list[i].service, service) == 0
            && bytes_is_hex(containers->list[i].id, SHA256_HEX))
            text_add_format(&script, " && %s rm -f %s", target_setup(target)->target.docker,
                            containers->list[i].id);
    text_add_format(&subject, "remove %s", service);
    if (text_failed(&subject, error))
        return error->code;
    struct target_command command = {.built = &script, .tenancy = tenancy};
    return target_probe(target, &command, PROBE_ACT, text_string(&subject), evidence, ret_status,
                        error);
}

enum error_code compose_remove_at_once(struct target *target, const char *service, const char *id,
                                       struct evidence *evidence, int *ret_status,
                                       struct error *error)
{
    const char *docker = target_setup(target)->target.docker;
    CLEANUP_TEXT struct text script = {0}, subject = {0};
    text_add(&script, "exec 2>&1; ");
    if (bytes_is_hex(id, SHA256_HEX)) /* first, because it does not depend on `ps` */
        text_add_format(&script, "%s rm -f %s; ", docker, id);
    text_add_format(&script,
                    "ids=$(%s ps -a -q --no-trunc --filter label=com.docker.compose.project=",
                    docker);
    compose_add_project(&script, target);
    text_add(&script, " --filter label=com.docker.compose.service=");
    text_add_quoted(&script, service);
    text_add_format(&script, ") || exit 1; [ -z \"$ids\" ] || %s rm -f $ids", docker);
    text_add_format(&subject, "remove %s", service);
    if (text_failed(&subject, error))
        return error->code;
    struct target_command command = {.built = &script, .anywhere = true};
    return target_probe(target, &command, PROBE_ACT, text_string(&subject), evidence, ret_status,
                        error);
}
