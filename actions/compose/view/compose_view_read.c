#include "actions/compose/view/compose_view_read.h"

#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "actions/compose/view/compose_mounts.h"
#include "actions/compose/view/compose_reader.h"
#include "journal/format/crash.h"

static void locate_variable(struct compose_reader *reader, const struct compose_service *service,
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
        variable->line = compose_reader_or_else(compose_reader_source(reader, service->name,
                                                                      "env_file", NULL),
                                                service->line);
    else if (text != NULL)
        yaml_origin(text, length, variable->origin, sizeof variable->origin);
    else
        (void)snprintf(variable->origin, sizeof variable->origin, "%.63s",
                       variable->name); /* without a value: the variable of that name */
}

static void add_variable(struct compose_reader *reader, struct compose_service *service,
                         const char *name, size_t name_length, const char *value,
                         size_t value_length)
{
    struct compose_variable *list = compose_reader_grow(reader, service->variables,
                                                        service->variable_count, sizeof *list);
    if (list == NULL)
        return;
    struct compose_variable *variable = &list[service->variable_count++];
    service->variables = list;
    variable->name = compose_reader_keep(reader, name, name_length, NULL);
    if (value != NULL)
        variable->value = compose_reader_keep(reader, value, value_length, &variable->length);
    locate_variable(reader, service, variable);
}

static void read_service_environment(struct compose_reader *reader, struct compose_service *service,
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
static bool speaks_of(struct compose_reader *reader, struct fy_node *item,
                      const struct published *port)
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

static void add_port(struct compose_reader *reader, struct compose_service *service,
                     const struct published *port)
{
    struct fy_node *items = NULL;
    void *at = NULL;
    struct published *list = compose_reader_grow(reader, service->ports, service->port_count,
                                                 sizeof *list);
    if (list == NULL)
        return;
    service->ports = list;
    list[service->port_count] = *port;
    int line = compose_reader_or_else(compose_reader_source(reader, service->name, "ports", &items),
                                      service->line);
    for (struct fy_node *item; (item = yaml_item(&reader->source, items, &at)) != NULL;)
        if (speaks_of(reader, item, port)) {
            line = compose_reader_or_else(yaml_line(item), line);
            break;
        }
    list[service->port_count++].line = line;
}

static void read_ports(struct compose_reader *reader, struct compose_service *service,
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

/* Either program writes one of the two, as it stands in the file. */
static int64_t read_replicas(struct compose_reader *reader, struct fy_node *node)
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
static void read_awaited(struct compose_reader *reader, struct fy_node *depends_on)
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

static void read_service(struct compose_reader *reader, struct compose_service *service,
                         struct fy_node *node)
{
    struct yaml *rendered = &reader->rendered;
    struct fy_node_pair *pair = yaml_pair(&reader->source, reader->services, service->name);
    service->line = pair != NULL ? yaml_line(fy_node_pair_key(pair)) : 0;
    service->image = compose_reader_keep_node(reader, yaml_value(rendered, node, "image"));
    service->user = compose_reader_keep_node(reader, yaml_value(rendered, node, "user"));
    service->built = yaml_value(rendered, node, "build") != NULL;
    service->pulls_always = strcmp(compose_reader_keep_node(reader, yaml_value(rendered, node,
                                                                               "pull_policy")),
                                   "always")
                            == 0;
    service->ends = yaml_is(rendered, yaml_value(rendered, node, "restart"), "no");
    service->replicas = read_replicas(reader, node);
    service->privileged = yaml_is(rendered, yaml_value(rendered, node, "privileged"), "true");
    service->user_line = compose_reader_or_else(compose_reader_source(reader, service->name, "user",
                                                                      NULL),
                                                service->line);
    service->privileged_line = compose_reader_or_else(compose_reader_source(reader, service->name,
                                                                            "privileged", NULL),
                                                      service->line);
    read_service_environment(reader, service, yaml_value(rendered, node, "environment"));
    read_ports(reader, service, yaml_value(rendered, node, "ports"));
    compose_mounts_read(reader, service, node);
}

static bool read_services(struct compose_reader *reader)
{
    struct compose_view *view = reader->view;
    struct fy_node *services = yaml_value(&reader->rendered, reader->rendered.root, "services");
    struct fy_node_pair *pair;
    void *at = NULL;
    if (services == NULL || !fy_node_is_mapping(services))
        return false;
    while ((pair = fy_node_mapping_iterate(services, &at)) != NULL) {
        struct compose_service *list = compose_reader_grow(reader, view->services, view->count,
                                                           sizeof *list);
        if (list == NULL)
            return false;
        view->services = list;
        list[view->count].name = compose_reader_keep_node(reader, fy_node_pair_key(pair));
        if (list[view->count++].name[0] == '\0')
            return false;
        read_service(reader, &list[view->count - 1], fy_node_pair_value(pair));
    }
    for (size_t i = 0; i < view->count; i++) {
        struct fy_node *node = yaml_value(&reader->rendered, services, view->services[i].name);
        compose_mounts_read_from(reader, &view->services[i],
                                 yaml_value(&reader->rendered, node, "volumes_from"));
        read_awaited(reader, yaml_value(&reader->rendered, node, "depends_on"));
    }
    return true;
}

static void read_both(void *context)
{
    struct compose_reader *reader = context;
    struct yaml *rendered = &reader->rendered, *source = &reader->source;
    bool good = yaml_open(rendered, rendered->text, rendered->text_bytes);
    if (source->text != NULL && yaml_open(source, source->text, source->text_bytes))
        reader->services = yaml_value(source, source->root, "services");
    reader->good = good && read_services(reader);
    yaml_close(rendered);
    yaml_close(source);
}

enum error_code compose_view_read(const char *rendered, size_t rendered_bytes, const char *source,
                                  size_t source_bytes, struct compose_view **ret_view,
                                  struct error *error)
{
    struct compose_reader reader = {.view = calloc(1, sizeof *reader.view)};
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
    reader.rendered = (struct yaml){.text = rendered, .text_bytes = rendered_bytes};
    reader.source = (struct yaml){.text = source, .text_bytes = source_bytes};
    bool starved = !crash_contain(read_both, &reader) || reader.full || reader.rendered.starved
                   || reader.source.starved;
    if (reader.good && !starved) {
        *ret_view = reader.view;
        return ERROR_OK;
    }
    compose_view_close(reader.view);
    if (starved)
        return error_set(error, ERROR_MEMORY, 0, "compose", "", "out of memory");
    return error_set(error, ERROR_PROTOCOL, 0, "compose",
                     "run `compose config` by hand and check its output",
                     "the rendered configuration has no services that can be read");
}
