#include "fsm/commands/confirm.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "fsm/terminal/changes.h"
#include "fsm/terminal/progress.h"

static enum error_code refuse(const struct driver *driver, const char *what, struct error *error)
{
    const char *name = driver->config.setup.target.name;
    char next[200];
    (void)snprintf(next, sizeof next,
                   "titan-fsm run --confirm %.128s, once you have read what will change; or "
                   "titan-fsm abort --reason TEXT",
                   name);
    return error_set(error, ERROR_NEEDS_PERSON, 0, name, next, "%s", what);
}

enum error_code confirm_check(const struct driver *driver, struct error *error)
{
    const char *given = driver->options.confirm;
    if (given == NULL || strcmp(given, driver->config.setup.target.name) == 0)
        return ERROR_OK;
    return refuse(driver, "--confirm names another target than this one; nothing was done", error);
}

/* One line, or "" where the terminal is gone or the driver was interrupted. */
static void read_name(char *ret_name, size_t room)
{
    struct pollfd ready = {.fd = STDIN_FILENO, .events = POLLIN};
    ret_name[0] = '\0';
    while (!driver_is_interrupted() && poll(&ready, 1, 1000) <= 0)
        continue;
    if (driver_is_interrupted() || fgets(ret_name, (int)room, stdin) == NULL)
        ret_name[0] = '\0';
    ret_name[strcspn(ret_name, "\r\n")] = '\0';
}

static bool ask(struct driver *driver)
{
    const char *name = driver->config.setup.target.name;
    char typed[256];
    fputs("Type ", stdout);
    bytes_print_escaped(stdout, name, strlen(name));
    fputs(" to go on. Anything else stops here, and nothing is done: ", stdout);
    (void)fflush(stdout);
    read_name(typed, sizeof typed);
    driver_disconnect(driver); /* whoever read for an hour has no connection any more */
    return strcmp(typed, name) == 0;
}

enum error_code confirm_change(struct driver *driver, const struct transition *edge,
                               struct error *error)
{
    CLEANUP_CHANGES struct changes changes = {.count = 0};
    char text[200];
    if (edge->from != STATE_GUARDED || edge->event != EVENT_DONE
        || driver->deployment.repeat_of != 0)
        return ERROR_OK;
    enum error_code code = changes_read(driver, &changes, error);
    if (code != ERROR_OK)
        return code;
    progress_pause(driver);
    progress_changes(driver, &changes);
    bool given = driver->options.confirm != NULL,
         asked = !given && !driver->options.json && isatty(STDIN_FILENO) == 1;
    bool agreed = given || (asked && ask(driver));
    progress_resume(driver);
    if (!agreed)
        return refuse(
            driver,
            asked ? "the target's name was not typed (nor given by --confirm), so nothing was done"
                  : "nobody confirmed what would change, and there is no terminal to ask on, so "
                    "nothing was done: --confirm is missing",
            error);
    (void)snprintf(text, sizeof text, "%s confirmed by name, %s", machine_action_name(edge->action),
                   given ? "on the command line" : "on the terminal");
    return record_note(&driver->recorder, "confirmed", text, error);
}
