#include "actions/compose/declared.h"
#include "journal/format/names.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static enum error_code cannot_read(struct error *error)
{
    return error_set(error, ERROR_PROTOCOL, 0, PROBE_COMPOSE_SERVICES,
                     "run titan-verify on the journal",
                     "the list of declared services cannot be read");
}

static bool declared_read_word(const char *word, struct declared_row *row)
{
    char *end = NULL;
    if (strcmp(word, "once") == 0)
        return row->once = true;
    if (strcmp(word, "ends") == 0)
        return row->ends = true;
    if (strcmp(word, "off") == 0)
        return row->off = true;
    if (word[0] != 'x' || word[1] < '0' || word[1] > '9')
        return false;
    row->replicas = strtol(word + 1, &end, 10);
    return *end == '\0';
}

/* Cuts the line into its words. */
static bool read_row(char *line, struct declared_row *row)
{
    char *rest = NULL, *word = strtok_r(line, " ", &rest);
    *row = (struct declared_row){.replicas = 1};
    if (word == NULL || line[0] == ' '
        || snprintf(row->service, sizeof row->service, "%s", word) >= (int)sizeof row->service
        || !compose_is_service_name(row->service))
        return false;
    while ((word = strtok_r(NULL, " ", &rest)) != NULL)
        if (!declared_read_word(word, row))
            return false;
    return true;
}

enum error_code declared_read(const struct bytes *lines, struct declared *ret_declared,
                              struct error *error)
{
    struct declared declared = {.count = 0};
    const char *at = (const char *)lines->data, *end = at + lines->size;
    char line[128];
    while (at < end) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        size_t length = (size_t)((newline != NULL ? newline : end) - at);
        if (length >= sizeof line || declared.count == SETUP_NAMES_MAX)
            return cannot_read(error);
        memcpy(line, at, length);
        line[length] = '\0';
        if (!read_row(line, &declared.list[declared.count++]))
            return cannot_read(error);
        at += length + 1;
    }
    *ret_declared = declared;
    return ERROR_OK;
}

enum error_code declared_append(struct bytes *lines, const struct declared_row *row,
                                struct error *error)
{
    enum error_code code = bytes_append_format(lines, error, "%s%s", row->service,
                                               row->off    ? " off"
                                               : row->once ? " once"
                                               : row->ends ? " ends"
                                                           : "");
    if (code == ERROR_OK && !row->off && row->replicas != 1)
        code = bytes_append_format(lines, error, " x%lld", (long long)row->replicas);
    return code == ERROR_OK ? bytes_append_format(lines, error, "\n") : code;
}

const struct declared_row *declared_find(const struct declared *declared, const char *service)
{
    static const struct declared_row ordinary = {.replicas = 1};
    for (size_t i = 0; i < declared->count; i++)
        if (strcmp(declared->list[i].service, service) == 0)
            return &declared->list[i];
    return &ordinary;
}

bool declared_is_one_shot(const struct declared_row *row)
{
    return row->once || row->ends;
}

bool declared_is_good(const struct declared *declared, const struct container *container)
{
    const struct declared_row *row = declared_find(declared, container->service);
    if (row->off)
        return true;
    if (container_ended_well(container))
        return declared_is_one_shot(row);
    return container_is_good(container) && !row->once;
}

size_t declared_present(const struct declared *declared, const struct containers *containers,
                        const char *service)
{
    bool ends = declared_is_one_shot(declared_find(declared, service));
    size_t present = 0;
    for (size_t i = 0; i < containers->count; i++)
        present += strcmp(containers->list[i].service, service) == 0
                   && (container_runs(&containers->list[i])
                       || (ends && container_ended_well(&containers->list[i])));
    return present;
}
