/* approve: the approver's signature, made on their own machine without a journal. */
#include "fsm/commands/command_line.h"

#include <stdio.h>
#include <string.h>

#include "fsm/roster/approval_file.h"
#include "journal/format/sshsig.h"

static enum error_code open_approver_key(const struct command_line *line,
                                         struct signer **ret_signer, struct error *error)
{
    static const char type[] = "ssh-ed25519 ";
    uint8_t key[KEY_BYTES];
    if (line->key != NULL)
        return keyfile_open(line->options.world, line->key, &line->options.passphrase, ret_signer,
                            error);
    const char *base64 = strncmp(line->agent, type, strlen(type)) == 0 ? line->agent + strlen(type)
                                                                       : "";
    if (ssh_public_key_from_base64(base64, strcspn(base64, " "), key, error) != ERROR_OK)
        return error_set(error, ERROR_USAGE, 0, "approve",
                         "give the line of the .pub file: --agent \"ssh-ed25519 AAAA...\"",
                         "--agent is not an Ed25519 public key");
    return agent_open(line->options.world, NULL, key, AGENT_PERSON_MS, ret_signer, error);
}

static enum error_code sign_approval(const struct command_line *line,
                                     const struct approval_request *request, struct error *error)
{
    CLEANUP_SIGNER struct signer *signer = NULL;
    CLEANUP_BYTES struct bytes armor = {0};
    uint8_t data[SSHSIG_SIGNED_DATA_BYTES_MAX], signature[SIGNATURE_BYTES];
    enum error_code code = open_approver_key(line, &signer, error);
    if (code != ERROR_OK)
        return code;
    size_t size = sshsig_signed_data(SSHSIG_NAMESPACE_APPROVAL, request->statement,
                                     strlen(request->statement), data);
    code = signer_sign(signer, data, size, signature, error);
    if (code == ERROR_OK)
        code = sshsig_armor(SSHSIG_NAMESPACE_APPROVAL, signature, signer_public_key(signer), &armor,
                            error);
    if (code != ERROR_OK)
        return code;
    struct approval approval = {.principal = line->principal,
                                .statement = request->statement,
                                .signature = (const char *)armor.data};
    return approval_answer_write(line->options.world, line->out, &approval, line->reason, error);
}

/* Without a key it only prints; it signs only what it printed in the same call. */
enum error_code command_approve(const struct command_line *line, enum exit_status *ret_status,
                                struct error *error)
{
    CLEANUP_REQUEST struct approval_request request = {0};
    bool signs = line->key != NULL || line->agent != NULL;
    if (signs
        && ((line->key != NULL) == (line->agent != NULL) || line->principal[0] == '\0'
            || line->out == NULL))
        return error_set(error, ERROR_USAGE, 0, "approve", "see `titan-fsm approve --help`",
                         "to sign, give one of --key and --agent, and --principal and --out");
    enum error_code code = approval_request_read(line->options.world, line->words[0], &request,
                                                 error);
    if (code == ERROR_OK && strcmp(request.opener, line->principal) == 0)
        code = error_set(error, ERROR_REFUSED, 0, line->principal, "ask another approver",
                         "the operator who opened a deployment cannot approve it");
    if (code != ERROR_OK)
        return code;
    approval_request_print(stdout, &request);
    (void)fflush(stdout);
    if (line->statement != NULL)
        code = world_write_file(line->options.world, line->statement, WRITE_REPLACE, 0600,
                                request.statement, strlen(request.statement), error);
    if (code == ERROR_OK && signs)
        code = sign_approval(line, &request, error);
    if (code != ERROR_OK)
        return code;
    if (signs)
        puts("Approved. Send the file back to the operator, who runs: titan-fsm accept FILE");
    else
        puts("Nothing was signed: add --key FILE or --agent LINE, --principal NAME and --out FILE");
    *ret_status = EXIT_DONE;
    return ERROR_OK;
}
