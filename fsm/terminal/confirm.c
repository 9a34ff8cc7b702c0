#include "fsm/terminal/confirm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fsm/terminal/changes.h"
#include "fsm/terminal/progress.h"

static enum error_code refuse_change(const struct driver *driver, const char *what,
                                     struct error *error)
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
    return error_set(error, ERROR_NEEDS_PERSON, 0, driver->config.setup.target.name,
                     "give the same command with that name, or with another --config",
                     "--confirm names another target; nothing was done");
}

static bool is_asked(const struct driver *driver)
{
    const struct world_terminal *terminal = driver->world->terminal;
    return driver->options.confirm == NULL && !driver->options.json
           && terminal->is_terminal(terminal->context, STDIN_FILENO);
}

/* False also where the terminal is gone or the driver was interrupted. */
static bool ask_name(struct driver *driver)
{
    const struct world_terminal *terminal = driver->world->terminal;
    const char *name = driver->config.setup.target.name;
    CLEANUP_BYTES struct bytes typed = {0};
    struct error ignored;
    fputs("Type ", stdout);
    bytes_print_escaped(stdout, name, strlen(name));
    fputs(" to go on. Anything else stops here and changes nothing: ", stdout);
    (void)fflush(stdout);
    bool answered = terminal->read_line(terminal->context, 0, &typed, &ignored) == ERROR_OK;
    driver_disconnect(driver); /* reading may have taken longer than the connection lives */
    return answered && typed.size == strlen(name) && memcmp(typed.data, name, typed.size) == 0;
}

/* A person may put it back and go on; whatever else it is, nothing was touched yet. */
static enum error_code refuse_differences(struct driver *driver, const struct changes *changes,
                                          struct error *error)
{
    char reason[1300];
    (void)snprintf(reason, sizeof reason, "not as it was recorded or approved: %s",
                   changes->differs);
    enum error_code code = record_refusal(&driver->recorder,
                                          machine_state_name(driver->deployment.state), "done",
                                          reason, error);
    return code != ERROR_OK
               ? code
               : error_set(error, ERROR_REFUSED, 0, driver->config.setup.target.name,
                           "find out who did it; titan-fsm abort --reason TEXT and begin again, or "
                           "put back what can be put back (files, the tree) and titan-fsm resume",
                           "nothing was done: %s", reason);
}

static enum error_code show_and_ask(struct driver *driver, const struct transition *edge,
                                    struct changes *changes, struct error *error)
{
    char text[200];
    enum error_code code = changes_read(driver, changes, error);
    if (code != ERROR_OK)
        return code;
    progress_pause(driver);
    progress_changes(driver, changes);
    if (changes->differs[0] != '\0') {
        progress_resume(driver);
        return refuse_differences(driver, changes, error);
    }
    bool given = driver->options.confirm != NULL, asked = is_asked(driver);
    bool agreed = given || (asked && ask_name(driver));
    progress_resume(driver);
    if (!agreed)
        return refuse_change(driver,
                             asked ? "the target's name was not typed, so nothing was done"
                                   : "the change was not confirmed: --confirm is missing and there "
                                     "is no terminal to ask on; nothing was done",
                             error);
    (void)snprintf(text, sizeof text, "%s confirmed by name, %s", machine_action_name(edge->action),
                   given ? "on the command line" : "on the terminal");
    return record_note(&driver->recorder, "confirmed", text, error);
}

enum error_code confirm_change(struct driver *driver, const struct transition *edge,
                               struct error *error)
{
    if (edge->from != STATE_GUARDED || edge->event != EVENT_DONE
        || driver->deployment.repeat_of != 0)
        return ERROR_OK;
    struct changes *changes = calloc(1, sizeof *changes);
    if (changes == NULL)
        return error_set(error, ERROR_MEMORY, 0, "changes", "", "out of memory");
    enum error_code code = show_and_ask(driver, edge, changes, error);
    changes_clear(changes);
    free(changes);
    return code;
}
