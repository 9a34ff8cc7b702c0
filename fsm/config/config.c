#include "fsm/config/config.h"

#include <string.h>

void config_free(struct config *config)
{
    strings_free(&config->strings);
    memset(config, 0, sizeof *config); /* a compound literal would be a frame of its size */
}

bool config_has_check(const struct config *config, const char *item)
{
    for (size_t i = 0; i < config->setup.check_count; i++)
        if (strcmp(config->setup.checks[i].id, item) == 0)
            return true;
    return false;
}
