#include "actions/compose/view/compose_view.h"

#include <stdlib.h>
#include <string.h>

#include <sodium.h>

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
