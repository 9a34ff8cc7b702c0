#include "actions/target/ssh/ssh_host.h"

#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "actions/target/ssh/known_hosts.h"
#include "actions/target/world_system.h"
#include "journal/format/text.h"

enum { KNOWN_HOSTS_BYTES_MAX = 8 << 20, NAME_MAX_BYTES = 300, SSH_PORT = 22 };

void ssh_host_clear(struct ssh_host *host)
{
    bytes_free(&host->texts);
}

enum error_code ssh_host_refused(const struct setup_target *setup, const char *what,
                                 const char *next, struct error *error)
{
    char where[200];
    (void)snprintf(where, sizeof where, "%s:%d", setup->host, setup->port);
    return error_set(error, ERROR_HOST_REFUSED, 0, where, next, "%s", what);
}

static enum error_code add_file(const struct setup_target *setup, const char *path, bool must,
                                struct bytes *texts, struct error *error)
{
    const struct world_disk *disk = world_disk_system();
    struct world_file file = {.exists = must};
    CLEANUP_BYTES struct bytes text = {0};
    char what[300];
    enum error_code code = must ? ERROR_OK : disk->examine(disk->context, path, &file, error);
    if (code == ERROR_OK && !file.exists)
        return ERROR_OK;
    if (code == ERROR_OK)
        code = disk->read(disk->context, path, KNOWN_HOSTS_BYTES_MAX, &text, error);
    if (code == ERROR_MEMORY)
        return code;
    (void)snprintf(what, sizeof what, "the known_hosts file %.200s cannot be read", path);
    if (code != ERROR_OK)
        return ssh_host_refused(setup, what,
                                must ? "write the host key into target.known_hosts"
                                     : "mend the file, or name another in target.known_hosts",
                                error);
    code = bytes_append(texts, text.data, text.size, error);
    return code == ERROR_OK ? bytes_append(texts, "\n", 1, error) : code;
}

/* As OpenSSH and libssh find it: of the user, not of $HOME. */
static enum error_code find_own_file(const struct setup_target *setup, struct ssh_host *host,
                                     struct error *error)
{
    char buffer[4096];
    struct passwd entry, *found = NULL;
    if (getpwuid_r(getuid(), &entry, buffer, sizeof buffer, &found) == 0 && found != NULL
        && snprintf(host->own, sizeof host->own, "%s/.ssh/known_hosts", found->pw_dir)
               < (int)sizeof host->own)
        return ERROR_OK;
    return ssh_host_refused(setup, "this user has no home directory to look for known_hosts in",
                            "name the file in target.known_hosts", error);
}

enum error_code ssh_host_read_files(const struct setup_target *setup, struct ssh_host *host,
                                    struct error *error)
{
    static const char global[] = "/etc/ssh/ssh_known_hosts";
    const char *const others[] = {global, "/etc/ssh/ssh_known_hosts2"};
    char second[SSH_HOST_PATH_MAX + 1];
    if (setup->known_hosts[0] != '\0') {
        host->global = "/dev/null";
        enum error_code code = text_exact(host->own, sizeof host->own, setup->known_hosts,
                                          "target.known_hosts", error);
        return code == ERROR_OK ? add_file(setup, host->own, true, &host->texts, error) : code;
    }
    host->global = global;
    enum error_code code = find_own_file(setup, host, error);
    if (code == ERROR_OK)
        code = add_file(setup, host->own, false, &host->texts, error);
    (void)snprintf(second, sizeof second, "%s2", host->own);
    if (code == ERROR_OK)
        code = add_file(setup, second, false, &host->texts, error);
    for (size_t i = 0; code == ERROR_OK && i < sizeof others / sizeof others[0]; i++)
        code = add_file(setup, others[i], false, &host->texts, error);
    return code;
}

bool ssh_host_set_files(ssh_session session, const struct ssh_host *host)
{
    return ssh_options_set(session, SSH_OPTIONS_KNOWNHOSTS, host->own) == SSH_OK
           && ssh_options_set(session, SSH_OPTIONS_GLOBAL_KNOWNHOSTS, host->global) == SSH_OK;
}

/* "SHA256:..." of the key that the server showed, and the key; false where it has none. */
static bool read_shown_key(ssh_session session, char ret_fingerprint[64], struct bytes *ret_key)
{
    ssh_key key = NULL;
    unsigned char *hash = NULL;
    char *base64 = NULL;
    size_t length = 0;
    struct error ignored;
    bool good = ssh_get_server_publickey(session, &key) == SSH_OK
                && ssh_get_publickey_hash(key, SSH_PUBLICKEY_HASH_SHA256, &hash, &length) == SSH_OK
                && ssh_pki_export_pubkey_base64(key, &base64) == SSH_OK
                && bytes_from_base64(base64, strlen(base64), ret_key, &ignored) == ERROR_OK;
    char *text = good ? ssh_get_fingerprint_hash(SSH_PUBLICKEY_HASH_SHA256, hash, length) : NULL;
    bool fits = text != NULL && snprintf(ret_fingerprint, 64, "%s", text) < 64;
    ssh_string_free_char(text);
    ssh_string_free_char(base64);
    ssh_clean_pubkey_hash(&hash);
    ssh_key_free(key);
    return fits;
}

/* The name under which known_hosts knows the host: what ssh_config makes of it, too. */
static bool name_host(ssh_session session, char *ret_name, size_t size)
{
    char *host = NULL;
    unsigned port = 0;
    bool known = ssh_options_get(session, SSH_OPTIONS_HOST, &host) == SSH_OK
                 && ssh_options_get_port(session, &port) == SSH_OK;
    int length = !known             ? -1
                 : port == SSH_PORT ? snprintf(ret_name, size, "%s", host)
                                    : snprintf(ret_name, size, "[%s]:%u", host, port);
    ssh_string_free_char(host);
    return length > 0 && (size_t)length < size;
}

static enum error_code refuse_unknown(const struct setup_target *setup, const struct ssh_host *host,
                                      bool authority, const char *fingerprint, struct error *error)
{
    char next[400];
    (void)snprintf(next, sizeof next,
                   "compare the fingerprint %s with your provider's console, then add the key to "
                   "%.150s",
                   fingerprint, host->own);
    return ssh_host_refused(setup,
                            authority ? "the host key is unknown: known_hosts has only "
                                        "@cert-authority for this host, and host certificates are "
                                        "not supported"
                                      : "the host key is unknown",
                            next, error);
}

enum error_code ssh_host_check(ssh_session session, const struct setup_target *setup,
                               const struct ssh_host *host, char ret_fingerprint[64],
                               struct error *error)
{
    CLEANUP_BYTES struct bytes key = {0};
    char name[NAME_MAX_BYTES];
    struct known_hosts found = {.same = false};
    if (!read_shown_key(session, ret_fingerprint, &key) || !name_host(session, name, sizeof name))
        return ssh_host_refused(setup, "the host key has no fingerprint", "", error);
    known_hosts_search(&host->texts, name, &key, &found);
    if (found.revoked)
        return ssh_host_refused(setup,
                                "known_hosts says @revoked of this host key: whoever shows it may "
                                "have stolen it",
                                "give the host a new key, or find out why the line is there",
                                error);
    switch (ssh_session_is_known_server(session)) {
    case SSH_KNOWN_HOSTS_OK:
        return found.same ? ERROR_OK
                          : refuse_unknown(setup, host, found.authority, ret_fingerprint, error);
    case SSH_KNOWN_HOSTS_CHANGED:
    case SSH_KNOWN_HOSTS_OTHER:
        return ssh_host_refused(setup,
                                "the host key is not the one in known_hosts: this is another "
                                "machine, or the connection is intercepted",
                                "find out why it changed before you go on", error);
    case SSH_KNOWN_HOSTS_NOT_FOUND:
    case SSH_KNOWN_HOSTS_UNKNOWN:
        return refuse_unknown(setup, host, found.authority, ret_fingerprint, error);
    case SSH_KNOWN_HOSTS_ERROR:
        break;
    }
    return ssh_host_refused(setup, "the host key cannot be checked", "check the known_hosts file",
                            error);
}
