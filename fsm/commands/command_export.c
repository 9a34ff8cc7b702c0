/* export: the record as one file for an auditor, and a checkpoint of it. */
#include "fsm/commands/command_line.h"

#include "fsm/roster/authority.h"
#include "fsm/terminal/progress.h"
#include "journal/canonical.h"
#include "journal/format/names.h"

/* The checkpoint that leaves the machine is recorded as an anchor, so that the journal knows what
 * others hold against it. */
static enum error_code export_checkpoint(struct driver *driver, const char *path,
                                         struct error *error)
{
    struct signer *signer = driver->session != NULL ? driver->session : driver->operator_signer;
    CLEANUP_BYTES struct bytes note = {0};
    enum error_code code = journal_signed_checkpoint(driver->journal, signer, &note, error);
    if (code == ERROR_OK)
        code = world_write_file(driver->world, path, WRITE_REPLACE, 0600, note.data, note.size,
                                error);
    if (code != ERROR_OK)
        return code;
    CLEANUP_JSON json_t *body = json_pack("{s:s#, s:s}", "checkpoint", (const char *)note.data,
                                          (int)note.size, "to", path);
    if (body == NULL)
        return error_set(error, ERROR_MEMORY, 0, path, "", "out of memory");
    return journal_append(driver->journal,
                          &(struct entry_draft){.signer = signer,
                                                .type = ENTRY_ANCHOR,
                                                .deployment = driver->recorder.deployment,
                                                .body = body},
                          NULL, error);
}

enum error_code command_export(const struct command_line *line, enum exit_status *ret_status,
                               struct error *error)
{
    struct driver *driver = line->driver;
    enum error_code code = driver_open(driver, &line->options, DRIVER_WRITES | DRIVER_SESSION,
                                       error);
    if (code == ERROR_OK && driver->session == NULL)
        code = driver_unlock(driver, error);
    if (code == ERROR_OK && driver->session == NULL)
        code = authority_check_own(driver, ROSTER_OPERATOR, error);
    if (code == ERROR_OK)
        code = journal_export(driver->journal,
                              driver->session != NULL ? driver->session : driver->operator_signer,
                              line->words[0], error);
    if (code == ERROR_OK && line->checkpoint != NULL)
        code = export_checkpoint(driver, line->checkpoint, error);
    if (code == ERROR_OK)
        progress_word(driver,
                      "journal %s is in %s%s%s; next: titan-verify %s --trust FILE --target %s, on "
                      "the auditor's machine",
                      journal_id(driver->journal), line->words[0],
                      line->checkpoint != NULL ? ", its checkpoint in " : "",
                      line->checkpoint != NULL ? line->checkpoint : "", line->words[0],
                      driver->config.setup.target.name);
    *ret_status = EXIT_DONE;
    return code;
}
