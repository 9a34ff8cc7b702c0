#include "actions/compose/containers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

/* A name of our own is no address. */
static const char OWN_NAMES[] = ".invalid/";

static bool copy_whole(const json_t *object, const char *key, char *ret_text, size_t capacity)
{
    const json_t *value = json_object_get(object, key);
    const char *text = json_is_string(value) ? json_string_value(value)
                       : json_is_null(value) ? ""
                                             : NULL;
    return text != NULL && snprintf(ret_text, capacity, "%s", text) < (int)capacity;
}

/* A key that older lists do not have. */
static bool copy_if_there(const json_t *object, const char *key, char *ret_text, size_t capacity)
{
    return json_object_get(object, key) == NULL || copy_whole(object, key, ret_text, capacity);
}

/* Letters, digits and `others`, and no option of a program. */
static bool is_made_of(const char *text, const char *others)
{
    if (text[0] == '-')
        return false;
    for (const char *at = text; *at != '\0'; at++)
        if (!(*at >= 'a' && *at <= 'z') && !(*at >= 'A' && *at <= 'Z')
            && !(*at >= '0' && *at <= '9') && strchr(others, *at) == NULL)
            return false;
    return true;
}

bool compose_is_service_name(const char *text)
{
    return text[strspn(text, ".")] != '\0' && is_made_of(text, "._-");
}

bool compose_is_reference(const char *text)
{
    return is_made_of(text, "._-/:@+") && strstr(text, "..") == NULL;
}

static bool is_container_sound(const struct container *container)
{
    const char *name = container->name + (container->name[0] == '/');
    return compose_is_service_name(container->service) && is_made_of(container->id, "")
           && is_made_of(container->image, ":") && is_made_of(container->state, "")
           && is_made_of(container->health, "") && is_made_of(container->started_at, ":.+-")
           && is_made_of(container->created_at, ":.+-")
           && is_made_of(container->finished_at, ":.+-") && compose_is_service_name(name);
}

/* Docker's own descriptor, or null. */
static bool copy_manifest(const json_t *object, char *ret_text, size_t capacity)
{
    const json_t *descriptor = json_object_get(object, "manifest");
    ret_text[0] = '\0';
    return descriptor == NULL || json_is_null(descriptor)
           || (copy_whole(descriptor, "digest", ret_text, capacity) && is_made_of(ret_text, ":"));
}

static bool read_container_object(const json_t *object, struct container *container)
{
    container->restarts = json_integer_value(json_object_get(object, "restarts"));
    container->exit_code = json_integer_value(json_object_get(object, "exit_code"));
    return copy_if_there(object, "created_at", container->created_at, sizeof container->created_at)
           && copy_if_there(object, "finished_at", container->finished_at,
                            sizeof container->finished_at)
           && copy_whole(object, "service", container->service, sizeof container->service)
           && copy_whole(object, "id", container->id, sizeof container->id)
           && copy_whole(object, "image", container->image, sizeof container->image)
           && copy_whole(object, "state", container->state, sizeof container->state)
           && copy_whole(object, "health", container->health, sizeof container->health)
           && copy_whole(object, "started_at", container->started_at, sizeof container->started_at)
           && copy_whole(object, "name", container->name, sizeof container->name)
           && copy_manifest(object, container->manifest, sizeof container->manifest)
           && is_container_sound(container);
}

static bool read_image(const json_t *object, struct image *image)
{
    const json_t *digests = json_object_get(object, "digests");
    const char *digest = NULL;
    for (size_t i = 0; i < json_array_size(digests) && digest == NULL; i++)
        if (json_is_string(json_array_get(digests, i))
            && strstr(json_string_value(json_array_get(digests, i)), OWN_NAMES) == NULL)
            digest = json_string_value(json_array_get(digests, i));
    return copy_whole(object, "service", image->service, sizeof image->service)
           && copy_whole(object, "name", image->name, sizeof image->name)
           && copy_whole(object, "id", image->id, sizeof image->id)
           && copy_if_there(object, "manifest", image->manifest, sizeof image->manifest)
           && is_made_of(image->manifest, ":")
           && snprintf(image->digest, sizeof image->digest, "%s", digest != NULL ? digest : "")
                  < (int)sizeof image->digest
           && compose_is_service_name(image->service) && compose_is_reference(image->name)
           && is_made_of(image->id, ":") && compose_is_reference(image->digest);
}

static bool is_hmac(const char *text)
{
    return text[0] == '\0' || bytes_is_hex(text, SHA256_HEX);
}

static bool read_configuration(const json_t *object, struct configuration *configuration)
{
    return copy_whole(object, "service", configuration->service, sizeof configuration->service)
           && copy_whole(object, "declared", configuration->declared,
                         sizeof configuration->declared)
           && is_hmac(configuration->declared)
           && copy_whole(object, "running", configuration->running, sizeof configuration->running)
           && is_hmac(configuration->running) && compose_is_service_name(configuration->service);
}

/* Calls `add` with each line's object; a line that is no object, or is refused, is an error. */
static enum error_code read_each_object(const struct bytes *lines, const char *what,
                                        bool (*add)(void *into, const json_t *object), void *into,
                                        struct error *error)
{
    const char *at = (const char *)lines->data, *end = at + lines->size;
    while (at < end) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        size_t length = (size_t)((newline != NULL ? newline : end) - at);
        json_error_t parsed;
        json_t *object = length > 0 ? json_loadb(at, length, JSON_REJECT_DUPLICATES, &parsed)
                                    : NULL;
        bool good = length == 0 || (json_is_object(object) && add(into, object));
        json_decref(object);
        if (!good)
            return error_set(error, ERROR_PROTOCOL, 0, what,
                             "compare the version of Docker with those that are supported; a "
                             "service's name is at most 63 letters, digits, '.', '_' and '-'",
                             "the target described %s in a way that cannot be read", what);
        at += length + 1;
    }
    return ERROR_OK;
}

static bool add_container_object(void *into, const json_t *object)
{
    struct containers *containers = into;
    return containers->count < CONTAINERS_MAX
           && read_container_object(object, &containers->list[containers->count++]);
}

static bool add_image_object(void *into, const json_t *object)
{
    struct images *images = into;
    return images->count < SETUP_NAMES_MAX && read_image(object, &images->list[images->count++]);
}

static bool add_configuration_object(void *into, const json_t *object)
{
    struct configurations *configurations = into;
    return configurations->count < SETUP_NAMES_MAX
           && read_configuration(object, &configurations->list[configurations->count++]);
}

enum error_code containers_read(const struct bytes *lines, struct containers *ret_containers,
                                struct error *error)
{
    struct containers *containers = calloc(1, sizeof *containers); /* 70 KB */
    if (containers == NULL)
        return error_set(error, ERROR_MEMORY, 0, "containers", "", "out of memory");
    enum error_code code = read_each_object(lines, "containers", add_container_object, containers,
                                            error);
    if (code == ERROR_PROTOCOL && containers->count == CONTAINERS_MAX)
        code = error_set(error, ERROR_LIMIT, 0, "docker",
                         "remove those that are stopped: docker container prune",
                         "this project has more than %d containers, which is the most that can be "
                         "deployed",
                         (int)CONTAINERS_MAX);
    if (code == ERROR_OK)
        *ret_containers = *containers;
    free(containers);
    return code;
}

enum error_code images_read(const struct bytes *lines, struct images *ret_images,
                            struct error *error)
{
    struct images *images = calloc(1, sizeof *images); /* 23 KB */
    if (images == NULL)
        return error_set(error, ERROR_MEMORY, 0, "images", "", "out of memory");
    enum error_code code = read_each_object(lines, "images", add_image_object, images, error);
    if (code == ERROR_OK)
        *ret_images = *images;
    free(images);
    return code;
}

enum error_code configurations_read(const struct bytes *lines,
                                    struct configurations *ret_configurations, struct error *error)
{
    struct configurations configurations = {.count = 0};
    enum error_code code = read_each_object(lines, "configurations", add_configuration_object,
                                            &configurations, error);
    if (code == ERROR_OK)
        *ret_configurations = configurations;
    return code;
}

bool container_runs(const struct container *container)
{
    static const char *const states[] = {"running", "restarting", "paused"};
    for (size_t i = 0; i < sizeof states / sizeof states[0]; i++)
        if (strcmp(container->state, states[i]) == 0)
            return true;
    return false;
}

const struct container *containers_find(const struct containers *containers, const char *service)
{
    const struct container *found = NULL;
    for (size_t i = 0; i < containers->count; i++) {
        const struct container *container = &containers->list[i];
        if (strcmp(container->service, service) == 0
            && (found == NULL || container_runs(container)))
            found = container;
    }
    return found;
}

size_t containers_running(const struct containers *containers, const char *service)
{
    size_t running = 0;
    for (size_t i = 0; i < containers->count; i++)
        running += strcmp(containers->list[i].service, service) == 0
                   && container_runs(&containers->list[i]);
    return running;
}

void containers_name_running(const struct containers *containers, const char *service,
                             char *ret_names, size_t size)
{
    ret_names[0] = '\0';
    for (size_t i = 0; i < containers->count; i++) {
        const struct container *container = &containers->list[i];
        size_t used = strlen(ret_names);
        if (strcmp(container->service, service) == 0 && container_runs(container))
            (void)snprintf(ret_names + used, size - used, "%s%s", used > 0 ? ", " : "",
                           container->name + (container->name[0] == '/'));
    }
}

static bool is_same_image(const char *id, const char *manifest, const char *other_id,
                          const char *other_manifest)
{
    return strcmp(id, other_id) == 0
           || (manifest[0] != '\0' && strcmp(manifest, other_manifest) == 0);
}

bool image_is_of(const struct image *image, const struct container *container)
{
    return is_same_image(image->id, image->manifest, container->image, container->manifest);
}

bool containers_share_image(const struct container *one, const struct container *other)
{
    return is_same_image(one->image, one->manifest, other->image, other->manifest);
}

bool image_is_untold(const struct image *image, const struct container *container)
{
    return strcmp(image->id, container->image) != 0
           && (image->manifest[0] == '\0' || container->manifest[0] == '\0');
}

const struct image *images_find(const struct images *images, const char *service)
{
    for (size_t i = 0; i < images->count; i++)
        if (strcmp(images->list[i].service, service) == 0)
            return &images->list[i];
    return NULL;
}

const struct configuration *configurations_find(const struct configurations *configurations,
                                                const char *service)
{
    for (size_t i = 0; i < configurations->count; i++)
        if (strcmp(configurations->list[i].service, service) == 0)
            return &configurations->list[i];
    return NULL;
}

bool container_ended_well(const struct container *container)
{
    return strcmp(container->state, "exited") == 0 && container->exit_code == 0;
}

bool container_is_good(const struct container *container)
{
    return strcmp(container->state, "running") == 0
           && (container->health[0] == '\0' || strcmp(container->health, "healthy") == 0);
}
