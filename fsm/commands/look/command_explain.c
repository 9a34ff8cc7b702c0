/* What a state means and what can be done from it: of the deployment that is there, or of any state
 * by its name, without a journal. */
#include "fsm/commands/command.h"

#include <stdio.h>
#include <string.h>

#include "fsm/terminal/explain.h"

static enum error_code list_states(const char *word, struct error *error)
{
    char next[sizeof error->next];
    size_t used = (size_t)snprintf(next, sizeof next, "one of");
    for (unsigned state = 1; state < STATE_COUNT && used < sizeof next; state++)
        used += (size_t)snprintf(next + used, sizeof next - used, " %s",
                                 machine_state_name((enum state)state));
    return error_set(error, ERROR_USAGE, 0, "explain", next, "no such state: %.40s", word);
}

static enum error_code explain_present(const struct command_line *line, struct bytes *text,
                                       struct error *error)
{
    CLEANUP_DRIVER struct driver driver = {0};
    enum error_code code = driver_open(&driver, &line->options, DRIVER_READS, error);
    if (code != ERROR_OK)
        return code;
    const struct deployment *deployment = &driver.deployment;
    if (!driver.found)
        return bytes_append_format(text, error,
                                   "This journal has no deployment yet; next: titan-fsm begin "
                                   "release|policy --reason TEXT\n"
                                   "`titan-fsm explain STATE` explains any state without one.\n");
    code = bytes_append_format(text, error, "Deployment %llu, %s, is in the state ",
                               (unsigned long long)deployment->number,
                               machine_procedure_name(deployment->procedure));
    if (code == ERROR_OK)
        code = explain_state(deployment->state, deployment->procedure, text, error);
    if (code == ERROR_OK && deployment->intent.seq != 0)
        code =
            bytes_append_format(text, error,
                                "\nA step is open: %s (entry %llu). Either a titan-fsm is at it "
                                "now, or it was interrupted: then `titan-fsm resume` looks at the\n"
                                "target first and guesses nothing.\n",
                                machine_action_words(deployment->intent.action),
                                (unsigned long long)deployment->intent.seq);
    return code;
}

enum error_code command_explain(const struct command_line *line, enum exit_status *ret_status,
                                struct error *error)
{
    CLEANUP_BYTES struct bytes text = {0};
    enum state state = line->word_count > 0 ? machine_state_by_name(line->words[0]) : STATE_INVALID;
    if (line->word_count > 0 && state == STATE_INVALID)
        return list_states(line->words[0], error);
    enum error_code code = state != STATE_INVALID
                               ? explain_state(state, PROCEDURE_INVALID, &text, error)
                               : explain_present(line, &text, error);
    if (code != ERROR_OK)
        return code;
    (void)fwrite(text.data, 1, text.size, stdout);
    *ret_status = EXIT_DONE;
    return ERROR_OK;
}
