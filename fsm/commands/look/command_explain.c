/* explain: what a state means and what can be done from it. Without a word: the state of the last
 * deployment; with one: any state, without a journal. */
#include "fsm/commands/command_line.h"

#include <stdio.h>
#include <string.h>

#include "fsm/commands/look/explain.h"
#include "fsm/watcher.h"

static enum error_code list_states(const char *word, struct error *error)
{
    CLEANUP_TEXT struct text next = {0};
    text_add(&next, "one of");
    for (unsigned state = 1; state < STATE_COUNT; state++)
        text_add_format(&next, " %s", machine_state_name((enum state)state));
    return error_set(error, ERROR_USAGE, 0, "explain", text_string(&next), "no such state: %.40s",
                     word);
}

/* Which of the two it is, the journal does not tell: the driver's lock does. */
static void explain_open_step(const struct driver *driver, struct text *text)
{
    struct watcher watcher = {.life = WATCHER_UNKNOWN};
    const struct intent *intent = &driver->deployment.intent;
    watcher_ask(driver, &watcher);
    text_add_format(text, "\nA step is open: %s (entry %llu). ",
                    machine_action_words(intent->action), (unsigned long long)intent->seq);
    if (watcher.life == WATCHER_LIVES)
        text_add(text, "A titan-fsm works on it now; `titan-fsm status --watch` shows it.\n");
    else
        text_add_format(text,
                        "%s: `titan-fsm resume` looks at the target first and assumes nothing.\n",
                        watcher.life == WATCHER_GONE
                            ? "It was interrupted, and nobody works on it"
                            : "Whether a titan-fsm works on it is not known; if none does");
}

static void explain_deployment(const struct driver *driver, struct text *text)
{
    const struct deployment *deployment = &driver->deployment;
    text_add_format(text, "Deployment %llu, %s, is in the state ",
                    (unsigned long long)deployment->number,
                    machine_procedure_name(deployment->procedure));
    explain_state(&(struct explained){.state = deployment->state,
                                      .procedure = deployment->procedure,
                                      .step_is_open = deployment->intent.seq != 0,
                                      .no_interlock = driver->config.setup.services.execution[0]
                                                      == '\0'},
                  text);
    if (deployment->intent.seq != 0)
        explain_open_step(driver, text);
}

static enum error_code explain_present(const struct command_line *line, struct text *text,
                                       struct error *error)
{
    struct driver *driver = line->driver;
    enum error_code code = driver_open(driver, &line->options, DRIVER_READS, error);
    if (code != ERROR_OK)
        return code;
    if (driver->found)
        explain_deployment(driver, text);
    else
        text_add_format(text,
                        "This journal has no deployment yet; next: %s\n"
                        "`titan-fsm explain STATE` explains any state without one.\n",
                        explain_begin(&driver->config));
    return ERROR_OK;
}

enum error_code command_explain(const struct command_line *line, enum exit_status *ret_status,
                                struct error *error)
{
    CLEANUP_TEXT struct text text = {0};
    enum state state = line->word_count > 0 ? machine_state_by_name(line->words[0]) : STATE_INVALID;
    enum error_code code = ERROR_OK;
    if (line->word_count > 0 && state == STATE_INVALID)
        return list_states(line->words[0], error);
    if (state != STATE_INVALID)
        explain_state(&(struct explained){.state = state}, &text);
    else
        code = explain_present(line, &text, error);
    if (code != ERROR_OK || text_failed(&text, error))
        return error->code;
    (void)fwrite(text.bytes.data, 1, text.bytes.size, stdout);
    *ret_status = EXIT_DONE;
    return ERROR_OK;
}
