#include "actions/compose/view/compose_reader.h"

#include <stdlib.h>
#include <string.h>

void *compose_reader_grow(struct compose_reader *reader, void *list, size_t count, size_t size)
{
    uint8_t *grown = realloc(list, (count + 1) * size);
    if (grown == NULL)
        reader->full = true;
    else
        memset(grown + count * size, 0, size);
    return grown;
}

const char *compose_reader_keep(struct compose_reader *reader, const char *text, size_t length,
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

const char *compose_reader_keep_node(struct compose_reader *reader, struct fy_node *node)
{
    size_t length = 0;
    const char *text = yaml_scalar(&reader->rendered, node, &length);
    return text != NULL ? compose_reader_keep(reader, text, length, NULL) : "";
}

int compose_reader_source(struct compose_reader *reader, const char *service, const char *key,
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

int compose_reader_or_else(int line, int other)
{
    return line != 0 ? line : other;
}
