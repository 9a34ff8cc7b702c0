#include "actions/compose/compose_project.h"
#include "actions/checklist/running.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actions/compose/compose_render.h"

static const char RUNNING_TEMPLATE[] =
    "{\"project\":{{json (index .Config.Labels "
    "\"com.docker.compose.project\")}},\"service\":{{json (index .Config.Labels "
    "\"com.docker.compose.service\")}},"
    "\"name\":{{json .Name}},\"user\":{{json .Config.User}},\"privileged\":{{json "
    ".HostConfig.Privileged}},\"mounts\":{{json .Mounts}},"
    "\"binds\":{{json .HostConfig.Binds}},\"ports\":{{json .NetworkSettings.Ports}},"
    "\"hosts\":[{{range .Config.Env}}{{if eq (index (split . \"=\") 0) \"DOCKER_HOST\"}}{{json "
    ".}},{{end}}{{end}}null]}";

void running_close(struct running *running)
{
    if (running == NULL)
        return;
    for (size_t i = 0; i < running->count; i++) {
        free(running->list[i].mounts);
        free(running->list[i].ports);
    }
    free(running->list);
    json_decref(running->records);
    free(running);
}

/* A list with one more place at its end; NULL when memory is short, and the list is as it was. */
static void *grow_running(void *list, size_t count, size_t size)
{
    return realloc(list, (count + 1) * size);
}

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text != NULL ? text : "";
}

static bool add_running_mount(struct running_container *container, const char *source,
                              const char *volume)
{
    for (size_t i = 0; i < container->mount_count; i++)
        if (strcmp(container->mounts[i].source, source) == 0)
            return true;
    struct running_mount *list = source[0] == '/'
                                     ? grow_running(container->mounts, container->mount_count,
                                                    sizeof *list)
                                     : NULL;
    if (list == NULL)
        return source[0] != '/';
    container->mounts = list;
    list[container->mount_count++] = (struct running_mount){.source = source, .volume = volume};
    return true;
}

/* "SOURCE:TARGET[:MODE]", cut in the record itself. */
static bool add_bind(struct running_container *container, json_t *binds, size_t index)
{
    const char *bind = json_string_value(json_array_get(binds, index));
    json_t *source = bind != NULL ? json_stringn(bind, strcspn(bind, ":")) : NULL;
    return source != NULL && json_array_set_new(binds, index, source) == 0
           && add_running_mount(container, json_string_value(source), "");
}

/* {"3100/tcp": [{"HostIp": "", "HostPort": "3100"}], ...}; null = exposed only. */
static bool add_ports(struct running_container *container, const json_t *bindings)
{
    const char *key;
    json_t *hosts;
    size_t index;
    json_t *host;
    json_object_foreach ((json_t *)(uintptr_t)bindings, key, hosts) {
        json_array_foreach (hosts, index, host) {
            struct published port = {.first = 0}, *list;
            const char *published = text_of(host, "HostPort");
            if (!published_read(key, &port)
                || (published[0] != '\0' && !published_range(published, &port.first, &port.last)))
                return false;
            (void)snprintf(port.address, sizeof port.address, "%s", text_of(host, "HostIp"));
            list = grow_running(container->ports, container->port_count, sizeof *list);
            if (list == NULL)
                return false;
            container->ports = list;
            list[container->port_count++] = port;
        }
    }
    return true;
}

static bool read_running_container(json_t *record, const char *project,
                                   struct running_container *container)
{
    size_t index;
    json_t *item;
    const char *host = json_string_value(json_array_get(json_object_get(record, "hosts"), 0));
    bool good = json_is_object(record);
    container->name = text_of(record, "name");
    container->name += container->name[0] == '/' ? 1 : 0;
    container->service = strcmp(text_of(record, "project"), project) == 0
                             ? text_of(record, "service")
                             : "";
    container->user = text_of(record, "user");
    container->docker_host = host != NULL && strncmp(host, "DOCKER_HOST=", 12) == 0 ? host + 12
                                                                                    : "";
    container->privileged = json_is_true(json_object_get(record, "privileged"));
    json_array_foreach (json_object_get(record, "mounts"), index, item)
        good = good
               && add_running_mount(container, text_of(item, "Source"),
                                    strcmp(text_of(item, "Type"), "volume") == 0
                                        ? text_of(item, "Name")
                                        : "");
    for (index = 0; index < json_array_size(json_object_get(record, "binds")); index++)
        good = good && add_bind(container, json_object_get(record, "binds"), index);
    return good && container->name[0] != '\0'
           && add_ports(container, json_object_get(record, "ports"));
}

enum error_code running_read(const struct bytes *lines, const char *project,
                             struct running **ret_running, struct error *error)
{
    struct running *running = calloc(1, sizeof *running);
    bool good = running != NULL && (running->records = json_array()) != NULL;
    const char *at = lines->size > 0 ? (const char *)lines->data : "", *end = at + lines->size;
    while (good && at < end) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        size_t length = stop != NULL ? (size_t)(stop - at) : (size_t)(end - at);
        json_t *record = length > 0 ? json_loadb(at, length, JSON_REJECT_DUPLICATES, NULL) : NULL;
        if (length > 0) {
            struct running_container *list = grow_running(running->list, running->count,
                                                          sizeof *list);
            good = record != NULL && list != NULL
                   && json_array_append_new(running->records, record) == 0;
            running->list = list != NULL ? list : running->list;
        }
        if (good && length > 0) {
            running->list[running->count] = (struct running_container){.name = ""};
            good = read_running_container(record, project, &running->list[running->count++]);
        }
        at += length + 1;
    }
    if (good) {
        *ret_running = running;
        return ERROR_OK;
    }
    running_close(running);
    return error_set(error, ERROR_PROTOCOL, 0, "docker",
                     "run `docker ps` and `docker inspect` on the target",
                     "what Docker says of its containers cannot be read");
}

enum error_code running_open(struct target *target, struct running **ret_running,
                             struct error *error)
{
    const struct setup *setup = target_setup(target);
    CLEANUP_TEXT struct text script = {0}, project = {0};
    CLEANUP_RESULT struct target_result result = {0};
    enum error_code code = compose_learn_project(target, error);
    if (code != ERROR_OK)
        return code;
    compose_name_project(&project, target);
    if (text_failed(&project, error))
        return error->code;
    text_add_format(&script,
                    "ids=$(%s ps -q --no-trunc) || exit 1; [ -z \"$ids\" ] || %s inspect --format ",
                    setup->target.docker, setup->target.docker);
    text_add_quoted(&script, RUNNING_TEMPLATE);
    text_add(&script, " $ids");
    code = target_run(target, &(struct target_command){.built = &script, .output = OUTPUT_RAW},
                      &result, error);
    if (code == ERROR_OK && result.status != 0)
        code = error_set(error, ERROR_REMOTE, result.status, "docker",
                         "run `docker ps` on the target",
                         "the running containers cannot be listed: %.300s",
                         result.errors.size > 0 ? (const char *)result.errors.data
                                                : "no reason given");
    if (code == ERROR_OK)
        code = running_read(&result.output, text_string(&project), ret_running, error);
    if (code == ERROR_OK)
        (*ret_running)->span = result.span;
    return code;
}
