/* request: what an approver must see, written to a file. */
#include "fsm/commands/command_line.h"

#include "fsm/roster/approval_file.h"
#include "fsm/terminal/progress.h"

enum error_code command_request(const struct command_line *line, enum exit_status *ret_status,
                                struct error *error)
{
    struct driver *driver = line->driver;
    CLEANUP_BYTES struct bytes statement = {0};
    enum error_code code = driver_open(driver, &line->options, DRIVER_READS, error);
    if (code == ERROR_OK)
        code = approval_check_awaited(driver, "request", error);
    if (code == ERROR_OK)
        code = approval_statement(driver, &statement, error);
    if (code == ERROR_OK)
        code = approval_request_write(line->words[0], driver, &statement, error);
    if (code != ERROR_OK)
        return code;
    progress_word(driver,
                  "send %.200s to the approver, who runs: titan-fsm approve %.200s --key FILE "
                  "--principal NAME --out FILE; then give their answer to `titan-fsm accept`",
                  line->words[0], line->words[0]);
    *ret_status = EXIT_DONE;
    return ERROR_OK;
}
