/* accept: an approver's answer, checked and recorded. */
#include "fsm/commands/command_line.h"

#include <stdio.h>
#include <string.h>

#include "fsm/roster/approval_file.h"
#include "fsm/roster/authority.h"
#include "fsm/terminal/progress.h"
#include "journal/format/names.h"
#include "journal/format/sshsig.h"

/* A bare signature names no principal: it is the approver of the roster with that key, or the one
 * that the command line names. */
static enum error_code name_principal(struct driver *driver, const struct command_line *line,
                                      struct approval_answer *answer, char ret_name[PRINCIPAL_MAX],
                                      struct error *error)
{
    CLEANUP_ROSTER struct roster roster = {0};
    uint64_t entries;
    struct error ignored;
    uint8_t signature[SIGNATURE_BYTES], key[KEY_BYTES];
    if (line->principal[0] != '\0' || answer->principal[0] != '\0') {
        (void)snprintf(ret_name, PRINCIPAL_MAX, "%s",
                       answer->principal[0] != '\0' ? answer->principal : line->principal);
        return ERROR_OK;
    }
    ret_name[0] = '\0';
    enum error_code code = journal_size(driver->journal, &entries, error);
    if (code == ERROR_OK)
        code = roster_load(driver->journal, entries, &roster, error);
    if (code != ERROR_OK
        || sshsig_dearmor(answer->signature, strlen(answer->signature), SSHSIG_NAMESPACE_APPROVAL,
                          signature, key, &ignored)
               != ERROR_OK)
        return code;
    const struct allowed_signer *signer = roster_find(&roster, ROSTER_APPROVER, key, NULL);
    if (signer != NULL)
        (void)snprintf(ret_name, PRINCIPAL_MAX, "%s", signer->principals[0]);
    return ERROR_OK;
}

struct embedding {
    struct driver *driver;
    const struct approval *approval;
    const char *reason;
    char why[200]; /* why it was refused, or "" */
};

/* Judged and recorded against the same journal head, so that an approver who is removed at this
 * moment is refused. */
static enum error_code embed_approval(void *context, uint64_t size, struct error *error)
{
    struct embedding *embedding = context;
    const struct approval *approval = embedding->approval;
    enum error_code code = approval_judge(embedding->driver, approval, size, embedding->why,
                                          sizeof embedding->why, error);
    if (code != ERROR_OK || embedding->why[0] != '\0')
        return code;
    embedding->driver->recorder.decided_at = size;
    return record_approval(&embedding->driver->recorder, approval->principal, approval->statement,
                           approval->signature, embedding->reason, NULL, error);
}

/* The same approval is in the journal already; recording it twice would add nothing. */
static bool is_embedded(const struct deployment *deployment, const char *signature)
{
    for (size_t i = 0; i < deployment->count; i++) {
        const char *known = json_string_value(
            json_object_get(deployment->entries[i].body, "signature"));
        if (strcmp(deployment->entries[i].type, ENTRY_APPROVAL) == 0 && known != NULL
            && strcmp(known, signature) == 0)
            return true;
    }
    return false;
}

static enum error_code accept_answer(struct driver *driver, const struct command_line *line,
                                     struct approval_tally *ret_tally, struct error *error)
{
    CLEANUP_ANSWER struct approval_answer answer = {0};
    CLEANUP_BYTES struct bytes statement = {0};
    char name[PRINCIPAL_MAX];
    enum error_code code = approval_answer_read(line->options.world, line->words[0], &answer,
                                                error);
    if (code == ERROR_OK && is_embedded(&driver->deployment, answer.signature))
        return approval_count(driver, ret_tally, error);
    if (code == ERROR_OK)
        code = approval_statement(driver, &statement, error);
    if (code == ERROR_OK)
        code = name_principal(driver, line, &answer, name, error);
    if (code != ERROR_OK)
        return code;
    struct approval approval = {.principal = name,
                                .statement = answer.json != NULL ? answer.statement
                                                                 : (const char *)statement.data,
                                .signature = answer.signature};
    struct embedding embedding = {.driver = driver, .approval = &approval, .reason = answer.reason};
    code = journal_append_moving(driver->journal, embed_approval, &embedding, error);
    if (code == ERROR_OK && embedding.why[0] != '\0') {
        char reason[400];
        if (name[0] != '\0')
            (void)snprintf(reason, sizeof reason, "an approval by '%.128s' is refused: %s", name,
                           embedding.why);
        else
            (void)snprintf(reason, sizeof reason, "an approval without a principal is refused: %s",
                           embedding.why);
        code = record_refusal(&driver->recorder, machine_state_name(driver->deployment.state),
                              "approval", reason, error);
        return code == ERROR_OK ? error_set(error, ERROR_REFUSED, 0, line->words[0],
                                            "titan-fsm request FILE, for an approver of the roster",
                                            "%s", reason)
                                : code;
    }
    if (code == ERROR_OK)
        code = driver_reload(driver, error);
    return code == ERROR_OK ? approval_count(driver, ret_tally, error) : code;
}

enum error_code command_accept(const struct command_line *line, enum exit_status *ret_status,
                               struct error *error)
{
    struct driver *driver = line->driver;
    struct approval_tally tally;
    char text[400];
    enum error_code code = driver_open(driver, &line->options,
                                       DRIVER_WRITES | DRIVER_DRIVES | DRIVER_SESSION, error);
    if (code == ERROR_OK)
        code = approval_check_awaited(driver, "accept", error);
    if (code == ERROR_OK)
        code = authority_check_forward(driver, "approval", error);
    if (code == ERROR_OK)
        code = accept_answer(driver, line, &tally, error);
    if (code != ERROR_OK)
        return code;
    approval_describe(&tally, text, sizeof text);
    progress_word(driver, "%s; next: %s", text,
                  tally.count < tally.required ? "titan-fsm request FILE, for another approver"
                                               : "titan-fsm advance");
    *ret_status = EXIT_DONE;
    return ERROR_OK;
}
