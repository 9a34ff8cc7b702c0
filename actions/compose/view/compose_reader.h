/* actions/compose/view/compose_reader: a rendered configuration and its compose file while a view
 * is made of them. Secrets:   what is kept of a text lies in the view's locked memory. */
#ifndef ACTIONS_COMPOSE_READER_H
#define ACTIONS_COMPOSE_READER_H

#include "actions/compose/view/compose_view.h"
#include "actions/compose/view/compose_yaml.h"

struct compose_reader {
    struct compose_view *view;
    struct yaml rendered, source;
    struct fy_node *services; /* of the source; NULL = no lines */
    bool full;                /* memory ran short */
    bool good;                /* it has services that can be read */
};

/* Appends a zeroed element. NULL when memory is short; the list is then unchanged. */
void *compose_reader_grow(struct compose_reader *reader, void *list, size_t count, size_t size);
/* Into locked memory. Both programs write `$$` for a dollar in what they render. ret_length may be
 * NULL. */
const char *compose_reader_keep(struct compose_reader *reader, const char *text, size_t length,
                                size_t *ret_length);
/* The same of a scalar that is rendered; "" where there is none. */
const char *compose_reader_keep_node(struct compose_reader *reader, struct fy_node *node);
/* A key of a service in the source, also where it extends another one: its line (0 = none) and its
 * value, unless ret_value is NULL. */
int compose_reader_source(struct compose_reader *reader, const char *service, const char *key,
                          struct fy_node **ret_value);
/* The first line that is known. */
int compose_reader_or_else(int line, int other);

#endif
