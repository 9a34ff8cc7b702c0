#include "actions/compose/compose_view.h"

#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "actions/compose/compose_yaml.h"

struct reader {
    struct compose_view *view;
    struct yaml rendered, source;
    struct fy_node *services; /* of the source; NULL = no lines */
    bool full;                /* memory ran short */
};

void compose_view_close(struct compose_view *view)
{
    if (view == NULL)
        return;
    for (size_t i = 0; i < view->count; i++) {
        free(view->services[i].variables);
        free(view->services[i].ports);
        free(view->services[i].mounts);
    }
    free(view->services);
    sodium_free(view->text);
    free(view);
}

const struct compose_service *compose_view_service(const struct compose_view *view,
                                                   const char *name)
{
    for (size_t i = 0; i < view->count; i++)
        if (strcmp(view->services[i].name, name) == 0)
            return &view->services[i];
    return NULL;
}

const struct compose_variable *compose_service_variable(const struct compose_service *service,
                                                        const char *name)
{
    for (size_t i = 0; i < service->variable_count; i++)
        if (strcmp(service->variables[i].name, name) == 0)
            return &service->variables[i];
    return NULL;
}

/* Appends a zeroed element. NULL when memory is short; the list is then unchanged. */
static void *grow_list(struct reader *reader, void *list, size_t count, size_t size)
{
    uint8_t *grown = realloc(list, (count + 1) * size);
    if (grown == NULL)
        reader->full = true;
    else
        memset(grown + count * size, 0, size);
    return grown;
}

/* Into locked memory. Both programs write `$$` for a dollar in what they render. */
static const char *keep_text(struct reader *reader, const char *text, size_t length,
                             size_t *ret_length)
{
    struct compose_view *view = reader->view;
    size_t used = 0;
    if (length + 1 > view->text_bytes - view->used_bytes) {
        reader->full = true;
        return "";
    }
    char *kept = view->text + view->used_bytes;
    for (size_t i = 0; i < length; i++) {
        kept[used++] = text[i];
        i += text[i] == '$' && i + 1 < length && text[i + 1] == '$' ? 1 : 0;
    }
    kept[used] = '\0';
    view->used_bytes += used + 1;
    if (ret_length != NULL)
        *ret_length = used;
    return kept;
}

static const char *keep_locked(struct reader *reader, struct fy_node *node)
{
    size_t length = 0;
    const char *text = yaml_scalar(&reader->rendered, node, &length);
    return text != NULL ? keep_text(reader, text, length, NULL) : "";
}

/* A key of a service in the source, also where it extends another one: its line (0 = none) and its
 * value. */
static int source_part(struct reader *reader, const char *service, const char *key,
                       struct fy_node **ret_value)
{
    struct fy_node *node = yaml_value(&reader->source, reader->services, service);
    for (unsigned depth = 0; node != NULL && depth < YAML_DEPTH_MAX; depth++) {
        struct fy_node_pair *pair = yaml_pair(&reader->source, node, key);
        if (pair != NULL && ret_value != NULL)
            *ret_value = yaml_follow(&reader->source, fy_node_pair_value(pair));
        if (pair != NULL)
            return yaml_line(fy_node_pair_key(pair));
        node = yaml_extended(&reader->source, reader->services, node);
    }
    return 0;
}

static int or_else(int line, int other)
{
    return line != 0 ? line : other;
}

static void locate_variable(struct reader *reader, const struct compose_service *service,
                            struct compose_variable *variable)
{
    struct fy_node *node = yaml_value(&reader->source, reader->services, service->name);
    const char *text = NULL;
    size_t length = 0;
    for (unsigned depth = 0; node != NULL && depth < YAML_DEPTH_MAX && variable->line == 0;
         depth++) {
        variable->line = yaml_entry(&reader->source,
                                    yaml_value(&reader->source, node, "environment"),
                                    variable->name, &text, &length);
        node = yaml_extended(&reader->source, reader->services, node);
    }
    if (variable->line == 0)
        variable->line = or_else(source_part(reader, service->name, "env_file", NULL),
                                 service->line);
    else if (text != NULL)
        yaml_origin(text, length, variable->origin, sizeof variable->origin);
    else
        (void)snprintf(variable->origin, sizeof variable->origin, "%.63s",
                       variable->name); /* without a value: the variable of that name */
}

static void add_variable(struct reader *reader, struct compose_service *service, const char *name,
                         size_t name_length, const char *value, size_t value_length)
{
    struct compose_variable *list = grow_list(reader, service->variables, service->variable_count,
                                              sizeof *list);
    if (list == NULL)
        return;
    struct compose_variable *variable = &list[service->variable_count++];
    service->variables = list;
    variable->name = keep_text(reader, name, name_length, NULL);
    if (value != NULL)
        variable->value = keep_text(reader, value, value_length, &variable->length);
    locate_variable(reader, service, variable);
}

static void read_service_environment(struct reader *reader, struct compose_service *service,
                                     struct fy_node *environment)
{
    struct yaml *rendered = &reader->rendered;
    size_t name_length = 0, length = 0;
    void *at = NULL;
    for (struct fy_node_pair *pair;
         environment != NULL && fy_node_is_mapping(environment)
         && (pair = fy_node_mapping_iterate(environment, &at)) != NULL;) {
        const char *name = yaml_scalar(rendered, fy_node_pair_key(pair), &name_length);
        struct fy_node *value = fy_node_pair_value(pair);
        const char *text = yaml_is_null(rendered, value) ? NULL
                                                         : yaml_scalar(rendered, value, &length);
        if (name != NULL)
            add_variable(reader, service, name, name_length, text, length);
    }
    at = NULL;
    for (struct fy_node *item; (item = yaml_item(rendered, environment, &at)) != NULL;) {
        const char *entry = yaml_scalar(rendered, item, &length);
        const char *equals = entry != NULL ? memchr(entry, '=', length) : NULL;
        if (entry != NULL)
            add_variable(reader, service, entry, equals != NULL ? (size_t)(equals - entry) : length,
                         equals != NULL ? equals + 1 : NULL,
                         equals != NULL ? length - (size_t)(equals - entry) - 1 : 0);
    }
}

static bool has_number(const char *text, int number)
{
    for (char *at = (char *)(uintptr_t)text; *at != '\0';) {
        if (!isdigit((unsigned char)*at)) {
            at++;
            continue;
        }
        long first = strtol(at, &at, 10), last = first;
        if (*at == '-' && isdigit((unsigned char)at[1]))
            last = strtol(at + 1, &at, 10);
        if (number >= first && number <= last)
            return true;
    }
    return false;
}

/* Whether an item of the source names this port, alone or within a range. Where a variable decides
 * what is published, the container's port is compared. */
static bool speaks_of(struct reader *reader, struct fy_node *item, const struct published *port)
{
    char text[160];
    struct fy_node *published = yaml_value(&reader->source, item, "published"),
                   *target = yaml_value(&reader->source, item, "target");
    yaml_copy(&reader->source,
              published != NULL ? published
              : target != NULL  ? target
                                : item,
              text, sizeof text);
    if (has_number(text, port->first != 0 ? port->first : port->target))
        return true;
    if (strchr(text, '$') == NULL)
        return false;
    if (target != NULL)
        yaml_copy(&reader->source, target, text, sizeof text);
    return has_number(text, port->target);
}

static void add_port(struct reader *reader, struct compose_service *service,
                     const struct published *port)
{
    struct fy_node *items = NULL;
    void *at = NULL;
    struct published *list = grow_list(reader, service->ports, service->port_count, sizeof *list);
    if (list == NULL)
        return;
    service->ports = list;
    list[service->port_count] = *port;
    int line = or_else(source_part(reader, service->name, "ports", &items), service->line);
    for (struct fy_node *item; (item = yaml_item(&reader->source, items, &at)) != NULL;)
        if (speaks_of(reader, item, port)) {
            line = or_else(yaml_line(item), line);
            break;
        }
    list[service->port_count++].line = line;
}

static void read_ports(struct reader *reader, struct compose_service *service,
                       struct fy_node *ports)
{
    struct yaml *rendered = &reader->rendered;
    void *at = NULL;
    for (struct fy_node *item; (item = yaml_item(rendered, ports, &at)) != NULL;) {
        char text[160], protocol[16];
        struct published port = {.first = 0};
        bool good;
        if (fy_node_is_mapping(item)) {
            int last = 0;
            yaml_copy(rendered, yaml_value(rendered, item, "target"), text, sizeof text);
            good = published_range(text, &port.target, &last);
            yaml_copy(rendered, yaml_value(rendered, item, "published"), text, sizeof text);
            good = good && (text[0] == '\0' || published_range(text, &port.first, &port.last));
            yaml_copy(rendered, yaml_value(rendered, item, "host_ip"), port.address,
                      sizeof port.address);
            yaml_copy(rendered, yaml_value(rendered, item, "protocol"), protocol, sizeof protocol);
            port.udp = strcmp(protocol, "udp") == 0;
        } else {
            yaml_copy(rendered, item, text, sizeof text);
            good = published_read(text, &port);
        }
        if (!good) /* a form that is not known counts as published */
            port = (struct published){.first = 0, .last = 65535};
        add_port(reader, service, &port);
    }
}

/* The path on the host that a top-level name stands for: a volume that is a bind mount, a secret or
 * config that is a file. "" = none. */
static struct fy_node *disguised(struct reader *reader, const char *section, const char *name)
{
    struct yaml *rendered = &reader->rendered;
    struct fy_node *described = yaml_value(rendered, yaml_value(rendered, rendered->root, section),
                                           name);
    return strcmp(section, "volumes") == 0
               ? yaml_value(rendered, yaml_value(rendered, described, "driver_opts"), "device")
               : yaml_value(rendered, described, "file");
}

static void add_service_mount(struct reader *reader, struct compose_service *service,
                              const char *source, const char *target, int line)
{
    if (source[0] != '/')
        return;
    struct compose_mount *list = grow_list(reader, service->mounts, service->mount_count,
                                           sizeof *list);
    if (list == NULL)
        return;
    service->mounts = list;
    list[service->mount_count++] = (struct compose_mount){.source = source,
                                                          .target = target,
                                                          .line = line};
}

/* The line of the item that names this text: a target of volumes, the name of a secret. */
static int line_of_text(struct reader *reader, const char *service, const char *key,
                        const char *member, const char *text)
{
    char words[1024];
    struct fy_node *items = NULL;
    void *at = NULL;
    int line = source_part(reader, service, key, &items);
    for (struct fy_node *item; (item = yaml_item(&reader->source, items, &at)) != NULL;) {
        struct fy_node *named = yaml_value(&reader->source, item, member);
        yaml_copy(&reader->source, named != NULL ? named : item, words, sizeof words);
        if (strstr(words, text) != NULL)
            return or_else(yaml_line(item), line);
    }
    return line;
}

static void read_volumes(struct reader *reader, struct compose_service *service,
                         struct fy_node *volumes)
{
    struct yaml *rendered = &reader->rendered;
    char words[2048], *target;
    void *at = NULL;
    for (struct fy_node *item; (item = yaml_item(rendered, volumes, &at)) != NULL;) {
        const char *source, *where;
        if (fy_node_is_mapping(item)) {
            source = keep_locked(reader, yaml_value(rendered, item, "source"));
            where = keep_locked(reader, yaml_value(rendered, item, "target"));
        } else {
            yaml_copy(rendered, item, words, sizeof words);
            target = strchr(words, ':');
            if (target == NULL) /* a volume without a name */
                continue;
            *target++ = '\0';
            source = keep_text(reader, words, strlen(words), NULL);
            where = keep_text(reader, target, strcspn(target, ":"), NULL);
        }
        int line = or_else(line_of_text(reader, service->name, "volumes", "target", where),
                           service->line);
        add_service_mount(reader, service,
                          source[0] == '/'
                              ? source
                              : keep_locked(reader, disguised(reader, "volumes", source)),
                          where, line);
    }
}

static void read_files(struct reader *reader, struct compose_service *service, struct fy_node *node,
                       const char *section)
{
    struct yaml *rendered = &reader->rendered;
    char name[256];
    void *at = NULL;
    for (struct fy_node *item;
         (item = yaml_item(rendered, yaml_value(rendered, node, section), &at)) != NULL;) {
        struct fy_node *source = yaml_value(rendered, item, "source");
        yaml_copy(rendered, source != NULL ? source : item, name, sizeof name);
        int line = or_else(line_of_text(reader, service->name, section, "source", name),
                           service->line);
        add_service_mount(reader, service, keep_locked(reader, disguised(reader, section, name)),
                          keep_text(reader, name, strlen(name), NULL), line);
    }
}

/* "NAME[:MODE]" and "service:NAME[:MODE]". Read last: the other services' own mounts are there. */
static void read_volumes_from(struct reader *reader, struct compose_service *service,
                              struct fy_node *from)
{
    char words[256];
    void *at = NULL;
    for (struct fy_node *item; (item = yaml_item(&reader->rendered, from, &at)) != NULL;) {
        yaml_copy(&reader->rendered, item, words, sizeof words);
        char *name = strncmp(words, "service:", 8) == 0 ? words + 8 : words;
        name[strcspn(name, ":")] = '\0';
        const struct compose_service *other = compose_view_service(reader->view, name);
        int line = or_else(source_part(reader, service->name, "volumes_from", NULL), service->line);
        for (size_t i = 0; other != NULL && other != service && i < other->mount_count; i++)
            add_service_mount(reader, service, other->mounts[i].source, other->mounts[i].target,
                              line);
    }
}

/* Either program writes one of the two, as it stands in the file. */
static int64_t read_replicas(struct reader *reader, struct fy_node *node)
{
    struct yaml *rendered = &reader->rendered;
    char text[24], *end = NULL;
    struct fy_node *deployed = yaml_value(rendered, yaml_value(rendered, node, "deploy"),
                                          "replicas");
    yaml_copy(rendered, deployed != NULL ? deployed : yaml_value(rendered, node, "scale"), text,
              sizeof text);
    long replicas = strtol(text, &end, 10);
    return end != text && *end == '\0' && replicas >= 0 ? replicas : 1;
}

/* Read last: the other services are there. */
static void read_awaited(struct reader *reader, struct fy_node *depends_on)
{
    struct yaml *rendered = &reader->rendered;
    void *at = NULL;
    for (struct fy_node_pair *pair; depends_on != NULL && fy_node_is_mapping(depends_on)
                                    && (pair = fy_node_mapping_iterate(depends_on, &at)) != NULL;) {
        char name[256];
        yaml_copy(rendered, fy_node_pair_key(pair), name, sizeof name);
        for (size_t i = 0; i < reader->view->count; i++)
            if (strcmp(reader->view->services[i].name, name) == 0
                && yaml_is(rendered, yaml_value(rendered, fy_node_pair_value(pair), "condition"),
                           "service_completed_successfully"))
                reader->view->services[i].awaited = true;
    }
}

static void read_service(struct reader *reader, struct compose_service *service,
                         struct fy_node *node)
{
    struct yaml *rendered = &reader->rendered;
    struct fy_node_pair *pair = yaml_pair(&reader->source, reader->services, service->name);
    service->line = pair != NULL ? yaml_line(fy_node_pair_key(pair)) : 0;
    service->image = keep_locked(reader, yaml_value(rendered, node, "image"));
    service->user = keep_locked(reader, yaml_value(rendered, node, "user"));
    service->built = yaml_value(rendered, node, "build") != NULL;
    service->pulls_always = strcmp(keep_locked(reader, yaml_value(rendered, node, "pull_policy")),
                                   "always")
                            == 0;
    service->ends = yaml_is(rendered, yaml_value(rendered, node, "restart"), "no");
    service->replicas = read_replicas(reader, node);
    service->privileged = yaml_is(rendered, yaml_value(rendered, node, "privileged"), "true");
    service->user_line = or_else(source_part(reader, service->name, "user", NULL), service->line);
    service->privileged_line = or_else(source_part(reader, service->name, "privileged", NULL),
                                       service->line);
    read_service_environment(reader, service, yaml_value(rendered, node, "environment"));
    read_ports(reader, service, yaml_value(rendered, node, "ports"));
    read_volumes(reader, service, yaml_value(rendered, node, "volumes"));
    read_files(reader, service, node, "secrets");
    read_files(reader, service, node, "configs");
}

static bool read_services(struct reader *reader)
{
    struct compose_view *view = reader->view;
    struct fy_node *services = yaml_value(&reader->rendered, reader->rendered.root, "services");
    struct fy_node_pair *pair;
    void *at = NULL;
    if (services == NULL || !fy_node_is_mapping(services))
        return false;
    while ((pair = fy_node_mapping_iterate(services, &at)) != NULL) {
        struct compose_service *list = grow_list(reader, view->services, view->count, sizeof *list);
        if (list == NULL)
            return false;
        view->services = list;
        list[view->count].name = keep_locked(reader, fy_node_pair_key(pair));
        if (list[view->count++].name[0] == '\0')
            return false;
        read_service(reader, &list[view->count - 1], fy_node_pair_value(pair));
    }
    for (size_t i = 0; i < view->count; i++) {
        struct fy_node *node = yaml_value(&reader->rendered, services, view->services[i].name);
        read_volumes_from(reader, &view->services[i],
                          yaml_value(&reader->rendered, node, "volumes_from"));
        read_awaited(reader, yaml_value(&reader->rendered, node, "depends_on"));
    }
    return true;
}

enum error_code compose_view_read(const char *rendered, size_t rendered_bytes, const char *source,
                                  size_t source_bytes, struct compose_view **ret_view,
                                  struct error *error)
{
    struct reader reader = {.view = calloc(1, sizeof *reader.view)};
    if (reader.view != NULL) {
        reader.view->text_bytes =
            2 * rendered_bytes + 1024; /* a text is at most as long as it is written, and its NUL */
        reader.view->text = sodium_malloc(reader.view->text_bytes);
    }
    if (reader.view == NULL || reader.view->text == NULL) {
        compose_view_close(reader.view);
        return error_set(error, ERROR_MEMORY, 0, "compose",
                         "raise the limit of locked memory (ulimit -l)", "out of memory");
    }
    bool good = yaml_open(&reader.rendered, rendered, rendered_bytes);
    if (source != NULL && yaml_open(&reader.source, source, source_bytes))
        reader.services = yaml_value(&reader.source, reader.source.root, "services");
    good = good && read_services(&reader);
    yaml_close(&reader.rendered);
    yaml_close(&reader.source);
    if (good && !reader.full) {
        *ret_view = reader.view;
        return ERROR_OK;
    }
    compose_view_close(reader.view);
    if (reader.full)
        return error_set(error, ERROR_MEMORY, 0, "compose", "", "out of memory");
    return error_set(error, ERROR_PROTOCOL, 0, "compose",
                     "run `compose config` by hand and check its output",
                     "the rendered configuration has no services that can be read");
}
