#include "actions/target/ssh/ssh_connection.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "actions/target/ssh/ssh_auth.h"
#include "actions/target/ssh/ssh_config.h"
#include "actions/target/ssh/ssh_host.h"
#include "actions/target/world_system.h"

enum { CONNECT_SECONDS = 10, SSH_PORT = 22, CONFIG_BYTES_MAX = 1 << 20 };

/* What libssh does not read of the ssh_config, or does not tell. */
struct own_options {
    char alias[300];               /* HostKeyAlias */
    char agent[SSH_HOST_PATH_MAX]; /* path of the ssh-agent's socket, "" = none */
};

enum error_code ssh_connection_lost(const struct setup_target *setup, ssh_session session,
                                    const char *what, struct error *error)
{
    char where[200];
    unsigned port = (unsigned)setup->port;
    if (session != NULL)
        (void)ssh_options_get_port(session, &port);
    (void)snprintf(where, sizeof where, "%s:%u", setup->host, port);
    return error_set(error, ERROR_UNREACHABLE, session != NULL ? ssh_get_error_code(session) : 0,
                     where, "check host and network, then titan-fsm resume", "%s: %.200s", what,
                     session != NULL ? ssh_get_error(session) : "");
}

static bool set_options(ssh_session session, const struct setup_target *setup,
                        const struct ssh_host *host)
{
    bool configured = setup->ssh_config[0] != '\0';
    int strict = 1, process = 0, nodelay = 1, port = setup->port;
    long seconds = CONNECT_SECONDS;
    bool good = ssh_options_set(session, SSH_OPTIONS_HOST, setup->host) == SSH_OK;
    if (good && configured)
        good = ssh_options_parse_config(session, setup->ssh_config) == SSH_OK;
    if (good && (!configured || port != SSH_PORT))
        good = ssh_options_set(session, SSH_OPTIONS_PORT, &port) == SSH_OK;
    good = good && ssh_options_set(session, SSH_OPTIONS_TIMEOUT, &seconds) == SSH_OK
           && ssh_options_set(session, SSH_OPTIONS_NODELAY, &nodelay) == SSH_OK;
    if (good && setup->user[0] != '\0')
        good = ssh_options_set(session, SSH_OPTIONS_USER, setup->user) == SSH_OK;
    good = good && ssh_host_set_files(session, host);
    /* Last, because a configuration that says `StrictHostKeyChecking no` makes libssh call a
     * changed key known. */
    return good && ssh_options_set(session, SSH_OPTIONS_STRICTHOSTKEYCHECK, &strict) == SSH_OK
           && ssh_options_set(session, SSH_OPTIONS_PROCESS_CONFIG, &process) == SSH_OK;
}

/* IdentityAgent: "none", the name of the variable, or a path, from ~ on. */
static void name_agent(const char *configured, char *ret_path, size_t size)
{
    const struct world_host *world = world_host_system();
    const char *home = world->environment(world->context, "HOME");
    const char *socket = world->environment(world->context, "SSH_AUTH_SOCK");
    int length;
    if (configured[0] == '\0' || strcmp(configured, "SSH_AUTH_SOCK") == 0)
        length = snprintf(ret_path, size, "%s", socket != NULL ? socket : "");
    else if (strncmp(configured, "~/", 2) == 0 && home != NULL)
        length = snprintf(ret_path, size, "%s%s", home, configured + 1);
    else
        length = snprintf(ret_path, size, "%s",
                          strcasecmp(configured, "none") == 0 ? "" : configured);
    if (length < 0 || (size_t)length >= size)
        ret_path[0] = '\0';
}

static enum error_code read_own_options(const struct setup_target *setup,
                                        struct own_options *ret_own, struct error *error)
{
    const struct world_disk *disk = world_disk_system();
    CLEANUP_BYTES struct bytes text = {0};
    char agent[SSH_HOST_PATH_MAX] = "";
    enum error_code code = ERROR_OK;
    *ret_own = (struct own_options){.alias = ""};
    if (setup->ssh_config[0] != '\0') {
        code = disk->read(disk->context, setup->ssh_config, CONFIG_BYTES_MAX, &text, error);
        if (code != ERROR_OK && code != ERROR_MEMORY)
            return error_set(error, ERROR_CONFIG, 0, setup->ssh_config,
                             "name another, or leave target.ssh_config out",
                             "target.ssh_config cannot be read, or is no file");
        if (code == ERROR_OK)
            code = ssh_config_find(&text, setup->host, "hostkeyalias", ret_own->alias,
                                   sizeof ret_own->alias, error);
        if (code == ERROR_OK)
            code = ssh_config_find(&text, setup->host, "identityagent", agent, sizeof agent, error);
    }
    name_agent(agent, ret_own->agent, sizeof ret_own->agent);
    return code;
}

/* Under an alias the port is no part of the name in known_hosts. The session is connected: the
 * names in it decide about the check alone. */
static bool rename_host(ssh_session session, const char *alias)
{
    int port = SSH_PORT;
    return alias[0] == '\0'
           || (ssh_options_set(session, SSH_OPTIONS_HOST, alias) == SSH_OK
               && ssh_options_set(session, SSH_OPTIONS_PORT, &port) == SSH_OK);
}

static enum error_code connect_session(ssh_session session, const struct setup_target *setup,
                                       const struct ssh_host *host, const struct own_options *own,
                                       char ret_fingerprint[64], struct error *error)
{
    if (!set_options(session, setup, host))
        return error_set(error, ERROR_CONFIG, 0, setup->host, "check `target` in the configuration",
                         "the ssh options are refused: %.200s", ssh_get_error(session));
    if (ssh_connect(session) != SSH_OK)
        return ssh_connection_lost(setup, session, "the target cannot be reached", error);
    if (!rename_host(session, own->alias))
        return error_set(error, ERROR_CONFIG, 0, setup->ssh_config,
                         "write the name of a host there", "HostKeyAlias is no name: %.200s",
                         ssh_get_error(session));
    enum error_code code = ssh_host_check(session, setup, host, ret_fingerprint, error);
    return code == ERROR_OK ? ssh_auth_login(session, setup, own->agent, error) : code;
}

enum error_code ssh_connection_open(const struct setup_target *setup, char ret_fingerprint[64],
                                    ssh_session *ret_session, struct error *error)
{
    CLEANUP_SSH_HOST struct ssh_host host = {0};
    struct own_options own;
    enum error_code code = read_own_options(setup, &own, error);
    if (code == ERROR_OK)
        code = ssh_host_read_files(setup, &host, error);
    if (code != ERROR_OK)
        return code;
    ssh_session session = ssh_new();
    if (session == NULL)
        return error_set(error, ERROR_MEMORY, 0, setup->host, "", "out of memory");
    code = connect_session(session, setup, &host, &own, ret_fingerprint, error);
    if (code != ERROR_OK) {
        ssh_connection_close(session);
        return code;
    }
    *ret_session = session;
    return ERROR_OK;
}

void ssh_connection_close(ssh_session session)
{
    if (session == NULL)
        return;
    ssh_disconnect(session);
    ssh_free(session);
}
