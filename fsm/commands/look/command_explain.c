/* explain: what a state means and what can be done from it. Without a word: the state of the last
 * deployment; with one: any state, without a journal. */
#include "fsm/commands/command_line.h"

#include <stdio.h>
#include <string.h>

#include "fsm/commands/look/explain.h"

static enum error_code list_states(const char *word, struct error *error)
{
    CLEANUP_TEXT struct text next = {0};
    text_add(&next, "one of");
    for (unsigned state = 1; state < STATE_COUNT; state++)
        text_add_format(&next, " %s", machine_state_name((enum state)state));
    return error_set(error, ERROR_USAGE, 0, "explain", text_string(&next), "no such state: %.40s",
                     word);
}

static void explain_deployment(const struct deployment *deployment, struct text *text)
{
    text_add_format(text, "Deployment %llu, %s, is in the state ",
                    (unsigned long long)deployment->number,
                    machine_procedure_name(deployment->procedure));
    explain_state(deployment->state, deployment->procedure, text);
    if (deployment->intent.seq != 0)
        text_add_format(
            text,
            "\nA step is open: %s (entry %llu). Either a titan-fsm is working on it now, "
            "or it was interrupted: then `titan-fsm resume` looks at the\n"
            "target first and assumes nothing.\n",
            machine_action_words(deployment->intent.action),
            (unsigned long long)deployment->intent.seq);
}

static enum error_code explain_present(const struct command_line *line, struct text *text,
                                       struct error *error)
{
    struct driver *driver = line->driver;
    enum error_code code = driver_open(driver, &line->options, DRIVER_READS, error);
    if (code != ERROR_OK)
        return code;
    if (driver->found)
        explain_deployment(&driver->deployment, text);
    else
        text_add(text, "This journal has no deployment yet; next: titan-fsm begin release --reason "
                       "TEXT, or titan-fsm begin policy --reason TEXT\n"
                       "`titan-fsm explain STATE` explains any state without one.\n");
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
        explain_state(state, PROCEDURE_INVALID, &text);
    else
        code = explain_present(line, &text, error);
    if (code != ERROR_OK || text_failed(&text, error))
        return error->code;
    (void)fwrite(text.bytes.data, 1, text.bytes.size, stdout);
    *ret_status = EXIT_DONE;
    return ERROR_OK;
}
