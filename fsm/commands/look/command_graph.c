/* The machine as a picture, out of the table; with a journal, the path of its last deployment
 * marked. */
#include "fsm/commands/command_line.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fsm/commands/look/graph.h"

static enum error_code load_path(const struct command_line *line, struct graph_path *path,
                                 struct error *error)
{
    struct driver *driver = line->driver;
    enum error_code code = driver_open(driver, &line->options, DRIVER_READS, error);
    if (code == ERROR_OK && !driver->found)
        code = error_set(error, ERROR_REFUSED, 0, driver->config.journal,
                         "leave --path out to draw the machine alone",
                         "this journal has no deployment yet");
    if (code == ERROR_OK)
        graph_path_of(&driver->deployment, path);
    return code;
}

enum error_code command_graph(const struct command_line *line, enum exit_status *ret_status,
                              struct error *error)
{
    CLEANUP_BYTES struct bytes text = {0};
    bool dot = strcmp(line->words[0], "dot") == 0;
    if (!dot && strcmp(line->words[0], "svg") != 0)
        return error_set(error, ERROR_USAGE, 0, "graph",
                         "titan-fsm graph svg, or titan-fsm graph dot",
                         "no such form of a picture: %.40s", line->words[0]);
    struct graph_path *path = calloc(1, sizeof *path);
    if (path == NULL)
        return error_set(error, ERROR_MEMORY, 0, "graph", "", "out of memory");
    enum error_code code = line->path ? load_path(line, path, error) : ERROR_OK;
    if (code == ERROR_OK)
        code = dot ? graph_dot(path, &text, error) : graph_svg(path, &text, error);
    free(path);
    if (code != ERROR_OK)
        return code;
    (void)fwrite(text.data, 1, text.size, stdout);
    *ret_status = fflush(stdout) == 0 ? EXIT_DONE : EXIT_INTERNAL;
    return ERROR_OK;
}
