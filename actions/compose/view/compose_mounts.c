#include "actions/compose/view/compose_mounts.h"

#include <string.h>

/* The path on the host that a top-level name stands for: a volume that is a bind mount, a secret or
 * config that is a file. "" = none. */
static struct fy_node *disguised(struct compose_reader *reader, const char *section,
                                 const char *name)
{
    struct yaml *rendered = &reader->rendered;
    struct fy_node *described = yaml_value(rendered, yaml_value(rendered, rendered->root, section),
                                           name);
    return strcmp(section, "volumes") == 0
               ? yaml_value(rendered, yaml_value(rendered, described, "driver_opts"), "device")
               : yaml_value(rendered, described, "file");
}

static void add_service_mount(struct compose_reader *reader, struct compose_service *service,
                              const char *source, const char *target, int line)
{
    if (source[0] != '/')
        return;
    struct compose_mount *list = compose_reader_grow(reader, service->mounts, service->mount_count,
                                                     sizeof *list);
    if (list == NULL)
        return;
    service->mounts = list;
    list[service->mount_count++] = (struct compose_mount){.source = source,
                                                          .target = target,
                                                          .line = line};
}

/* The line of the item that names this text: a target of volumes, the name of a secret. */
static int line_of_text(struct compose_reader *reader, const char *service, const char *key,
                        const char *member, const char *text)
{
    char words[1024];
    struct fy_node *items = NULL;
    void *at = NULL;
    int line = compose_reader_source(reader, service, key, &items);
    for (struct fy_node *item; (item = yaml_item(&reader->source, items, &at)) != NULL;) {
        struct fy_node *named = yaml_value(&reader->source, item, member);
        yaml_copy(&reader->source, named != NULL ? named : item, words, sizeof words);
        if (strstr(words, text) != NULL)
            return compose_reader_or_else(yaml_line(item), line);
    }
    return line;
}

static void read_volumes(struct compose_reader *reader, struct compose_service *service,
                         struct fy_node *volumes)
{
    struct yaml *rendered = &reader->rendered;
    char words[2048], *target;
    void *at = NULL;
    for (struct fy_node *item; (item = yaml_item(rendered, volumes, &at)) != NULL;) {
        const char *source, *where;
        if (fy_node_is_mapping(item)) {
            source = compose_reader_keep_node(reader, yaml_value(rendered, item, "source"));
            where = compose_reader_keep_node(reader, yaml_value(rendered, item, "target"));
        } else {
            yaml_copy(rendered, item, words, sizeof words);
            target = strchr(words, ':');
            if (target == NULL) /* a volume without a name */
                continue;
            *target++ = '\0';
            source = compose_reader_keep(reader, words, strlen(words), NULL);
            where = compose_reader_keep(reader, target, strcspn(target, ":"), NULL);
        }
        int line = compose_reader_or_else(line_of_text(reader, service->name, "volumes", "target",
                                                       where),
                                          service->line);
        add_service_mount(reader, service,
                          source[0] == '/'
                              ? source
                              : compose_reader_keep_node(reader,
                                                         disguised(reader, "volumes", source)),
                          where, line);
    }
}

static void read_files(struct compose_reader *reader, struct compose_service *service,
                       struct fy_node *node, const char *section)
{
    struct yaml *rendered = &reader->rendered;
    char name[256];
    void *at = NULL;
    for (struct fy_node *item;
         (item = yaml_item(rendered, yaml_value(rendered, node, section), &at)) != NULL;) {
        struct fy_node *source = yaml_value(rendered, item, "source");
        yaml_copy(rendered, source != NULL ? source : item, name, sizeof name);
        int line = compose_reader_or_else(line_of_text(reader, service->name, section, "source",
                                                       name),
                                          service->line);
        add_service_mount(reader, service,
                          compose_reader_keep_node(reader, disguised(reader, section, name)),
                          compose_reader_keep(reader, name, strlen(name), NULL), line);
    }
}

void compose_mounts_read(struct compose_reader *reader, struct compose_service *service,
                         struct fy_node *node)
{
    read_volumes(reader, service, yaml_value(&reader->rendered, node, "volumes"));
    read_files(reader, service, node, "secrets");
    read_files(reader, service, node, "configs");
}

/* Items are "NAME[:MODE]" and "service:NAME[:MODE]". */
void compose_mounts_read_from(struct compose_reader *reader, struct compose_service *service,
                              struct fy_node *from)
{
    char words[256];
    void *at = NULL;
    for (struct fy_node *item; (item = yaml_item(&reader->rendered, from, &at)) != NULL;) {
        yaml_copy(&reader->rendered, item, words, sizeof words);
        char *name = strncmp(words, "service:", 8) == 0 ? words + 8 : words;
        name[strcspn(name, ":")] = '\0';
        const struct compose_service *other = compose_view_service(reader->view, name);
        int line = compose_reader_or_else(compose_reader_source(reader, service->name,
                                                                "volumes_from", NULL),
                                          service->line);
        for (size_t i = 0; other != NULL && other != service && i < other->mount_count; i++)
            add_service_mount(reader, service, other->mounts[i].source, other->mounts[i].target,
                              line);
    }
}
