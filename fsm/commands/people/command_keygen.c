/* keygen: a key file for an operator, and the line that goes into the roster. */
#include "fsm/commands/command_line.h"

#include <stdio.h>

#include "journal/format/sshsig.h"

enum error_code command_keygen(const struct command_line *line, enum exit_status *ret_status,
                               struct error *error)
{
    uint8_t key[KEY_BYTES];
    enum error_code code = keyfile_generate(line->options.world, line->words[0],
                                            &line->options.passphrase, line->comment, key, error);
    if (code != ERROR_OK)
        return code;
    char text[SSH_PUBLIC_KEY_TEXT_MAX];
    ssh_public_key_text(key, text);
    printf("%s namespaces=\"%s,%s\" %s\n", line->comment[0] != '\0' ? line->comment : "operator",
           SSHSIG_NAMESPACE_JOURNAL, SSHSIG_NAMESPACE_APPROVAL, text);
    *ret_status = EXIT_DONE;
    return ERROR_OK;
}
