#include "actions/target/ssh/ssh_auth.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "actions/target/ssh/ssh_agent.h"
#include "journal/format/text.h"

/* The library waits for a FIFO for ever. */
static bool is_key_file(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && S_ISREG(status.st_mode);
}

/* Of a file with a public key, or with a private one of OpenSSH, in which it stands unsealed. */
static bool read_public_key(const char *path, struct bytes *ret_key)
{
    ssh_key key = NULL;
    char *base64 = NULL;
    struct error ignored;
    bool good = is_key_file(path) && ssh_pki_import_pubkey_file(path, &key) == SSH_OK
                && ssh_pki_export_pubkey_base64(key, &base64) == SSH_OK
                && bytes_from_base64(base64, strlen(base64), ret_key, &ignored) == ERROR_OK;
    ssh_string_free_char(base64);
    ssh_key_free(key);
    return good;
}

static bool key_file_begins(const char *path, const char *words)
{
    char line[64] = "";
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return false;
    bool read = fgets(line, sizeof line, file) != NULL;
    (void)fclose(file);
    return read && strncmp(line, words, strlen(words)) == 0;
}

static enum error_code judge_login(ssh_session session, const struct setup_target *setup,
                                   int result, struct error *error)
{
    char where[200];
    if (result == SSH_AUTH_SUCCESS)
        return ERROR_OK;
    (void)snprintf(where, sizeof where, "%.180s", setup->host);
    if (result == SSH_AUTH_ERROR && !ssh_is_connected(session))
        return error_set(error, ERROR_UNREACHABLE, ssh_get_error_code(session), where,
                         "check host and network, then titan-fsm resume",
                         "the connection was lost while logging in: %.200s",
                         ssh_get_error(session));
    return error_set(error, ERROR_KEY_REFUSED, result, where,
                     "check target.user and target.identity, and authorized_keys there",
                     "the target refused the login of user '%s'", setup->user);
}

/* With `only`, or with every key that the agent has; without an identity those of files follow. */
static enum error_code login_by_agent(ssh_session session, const struct setup_target *setup,
                                      const char *socket, const struct bytes *only,
                                      struct error *error)
{
    struct ssh_agent *agent = NULL;
    int descriptor = -1, result;
    enum error_code code = socket[0] != '\0'
                               ? ssh_agent_open(socket, only, &agent, &descriptor, error)
                               : ERROR_OK;
    if (code != ERROR_OK)
        return code;
    if (agent != NULL)
        (void)ssh_set_agent_socket(session, descriptor);
    if (setup->identity[0] == '\0')
        result = ssh_userauth_publickey_auto(session, NULL, NULL);
    else
        result = agent != NULL ? ssh_userauth_agent(session, NULL) : SSH_AUTH_DENIED;
    struct ssh_agent_seen seen = ssh_agent_close(agent);
    bool lost = result == SSH_AUTH_ERROR && !ssh_is_connected(session);
    if (setup->identity[0] != '\0' && !lost && !seen.answered)
        return error_set(error, ERROR_KEY_REFUSED, result, setup->identity,
                         "start ssh-agent and set SSH_AUTH_SOCK, then ssh-add the key",
                         "target.identity is no private key that can be read without a "
                         "passphrase, and no ssh-agent answers");
    if (only->size > 0 && !lost && !seen.held)
        return error_set(error, ERROR_KEY_REFUSED, result, setup->identity,
                         "ssh-add the key, then go on",
                         "the ssh-agent does not hold the key of target.identity");
    return judge_login(session, setup, result, error);
}

static enum error_code login_by_identity(ssh_session session, const struct setup_target *setup,
                                         const char *agent, struct error *error)
{
    CLEANUP_BYTES struct bytes only = {0};
    char beside[4096];
    ssh_key key = NULL;
    if (is_key_file(setup->identity)
        && ssh_pki_import_privkey_file(setup->identity, "", NULL, NULL, &key) == SSH_OK) {
        int result = ssh_userauth_publickey(session, NULL, key);
        ssh_key_free(key);
        return judge_login(session, setup, result, error);
    }
    /* Sealed in the old form nothing of it can be read, not even which key it is. */
    bool sealed = is_key_file(setup->identity) && key_file_begins(setup->identity, "-----BEGIN ");
    bool fits = snprintf(beside, sizeof beside, "%s.pub", setup->identity) < (int)sizeof beside;
    if (read_public_key(setup->identity, &only) || (fits && read_public_key(beside, &only))
        || sealed)
        return login_by_agent(session, setup, agent, &only, error);
    return error_set(error, ERROR_KEY_REFUSED, 0, setup->identity,
                     "name a key file; beside a sealed one write its public key, as FILE.pub",
                     "target.identity holds no key that can be read");
}

enum error_code ssh_auth_login(ssh_session session, const struct setup_target *setup,
                               const char *agent, struct error *error)
{
    static const struct bytes all = {0};
    return setup->identity[0] != '\0' ? login_by_identity(session, setup, agent, error)
                                      : login_by_agent(session, setup, agent, &all, error);
}
