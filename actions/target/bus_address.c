#include "actions/target/bus_address.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actions/secrets/credential.h"
#include "actions/secrets/secrets.h"

enum { PEM_BYTES_MAX = 1 << 20, PORT_MAX = 65535 };

size_t bus_server_count(const struct setup_bus *setup)
{
    return 1 + setup->servers.count;
}

bool bus_server_read(const char *text, struct bus_server *ret_server)
{
    bool bracketed = text[0] == '[';
    const char *host = text + (bracketed ? 1 : 0), *colon = strrchr(text, ':');
    const char *end = bracketed ? strchr(text, ']') : colon;
    char *rest;
    if (colon == NULL || end == NULL || (bracketed && end + 1 != colon)
        || (!bracketed && strchr(text, ':') != colon) || end == host
        || (size_t)(end - host) >= sizeof ret_server->host)
        return false;
    long port = strtol(colon + 1, &rest, 10);
    if (rest == colon + 1 || *rest != '\0' || port < 1 || port > PORT_MAX)
        return false;
    *ret_server = (struct bus_server){.port = (int)port};
    memcpy(ret_server->host, host, (size_t)(end - host));
    return true;
}

struct bus_server bus_server_at(const struct setup_bus *setup, size_t at)
{
    struct bus_server server = {.port = setup->port};
    if (at > 0 && bus_server_read(setup->servers.items[at - 1], &server))
        return server;
    (void)snprintf(server.host, sizeof server.host, "%s", setup->host);
    return server;
}

void bus_address_clear(struct bus_address *address)
{
    bytes_free(&address->credential);
    bytes_free(&address->jwt);
    bytes_free(&address->seed);
}

/* What was kept when the target was opened, else the file as it is now, with what is wrong of it.
 */
static enum error_code read_credential(struct target *target, struct bytes *ret_text,
                                       struct error *error)
{
    const struct setup *setup = target_setup(target);
    const struct setup_credential *from = &setup->bus.credential;
    const char *kept = secrets_bus_credential(target_secrets(target));
    if (kept != NULL && kept[0] != '\0')
        return bytes_append(ret_text, kept, strlen(kept), error);
    if (from->file[0] != '\0') {
        enum error_code code = credential_read_file(target_world(target)->disk, from->file,
                                                    "the credential of the bus", ret_text, error);
        return code == ERROR_OK && ret_text->size == 0
                   ? error_set(error, ERROR_KEY_REFUSED, 0, from->file, "write it there, chmod 600",
                               "the credential of the bus is empty")
                   : code;
    }
    return error_set(error, ERROR_CONFIG, 0, setup->compose.env_file,
                     "set it there, or use a file: bus.password_file and its like",
                     "the env file has no value for %s, or one of more than %d bytes", from->key,
                     CREDENTIAL_BYTES_MAX);
}

/* The line behind "-----BEGIN ... <kind>-----" of a .creds text. */
static enum error_code take_part(const struct bytes *creds, const char *kind,
                                 struct bytes *ret_part, struct error *error)
{
    const char *text = (const char *)creds->data, *begin = strstr(text, kind);
    const char *line = begin != NULL ? strchr(begin, '\n') : NULL;
    size_t length = line != NULL ? strcspn(line + 1, "\r\n") : 0;
    if (length == 0)
        return error_set(error, ERROR_CONFIG, 0, "bus.creds_file",
                         "write it with `nsc generate creds`",
                         "the credentials of the bus have no part \"%s\"", kind);
    return bytes_append(ret_part, line + 1, length, error);
}

static enum error_code read_login(struct target *target, struct bus_address *address,
                                  struct error *error)
{
    const struct setup_bus *setup = &target_setup(target)->bus;
    struct world_bus_address *world = &address->world;
    enum error_code code = setup->login == BUS_LOGIN_NONE
                               ? ERROR_OK
                               : read_credential(target, &address->credential, error);
    if (code != ERROR_OK)
        return code;
    const char *text = (const char *)address->credential.data;
    world->user = setup->user[0] != '\0' ? setup->user : NULL;
    switch (setup->login) {
    case BUS_LOGIN_NONE:
        break;
    case BUS_LOGIN_PASSWORD:
        world->password = text;
        break;
    case BUS_LOGIN_TOKEN:
        world->token = text;
        break;
    case BUS_LOGIN_NKEY:
        world->nkey_seed = text;
        break;
    case BUS_LOGIN_CREDENTIALS:
        code = take_part(&address->credential, "BEGIN NATS USER JWT", &address->jwt, error);
        if (code == ERROR_OK)
            code = take_part(&address->credential, "BEGIN USER NKEY SEED", &address->seed, error);
        world->jwt = (const char *)address->jwt.data;
        world->nkey_seed = (const char *)address->seed.data;
        break;
    }
    return code;
}

/* Kept by the target from its first connection on. */
static enum error_code read_pem(struct target *target, const char *path, bool private,
                                struct bytes *kept, const char **ret_text, struct error *error)
{
    const struct world_disk *disk = target_world(target)->disk;
    enum error_code code = ERROR_OK;
    *ret_text = NULL;
    if (path == NULL || path[0] == '\0')
        return code;
    if (kept->size == 0 && private)
        code = credential_read_file(disk, path, "the private key of bus.key_file", kept, error);
    else if (kept->size == 0)
        code = disk->read(disk->context, path, PEM_BYTES_MAX, kept, error);
    *ret_text = (const char *)kept->data;
    return code;
}

static enum error_code read_tls(struct target *target, struct world_bus_address *world,
                                struct error *error)
{
    const struct setup_bus *setup = &target_setup(target)->bus;
    struct target_bus_files *files = target_bus_files(target);
    world->tls = setup->tls;
    world->server_name = setup->host;
    enum error_code code = read_pem(target, setup->ca_file, false, &files->authorities,
                                    &world->authorities, error);
    if (code == ERROR_OK)
        code = read_pem(target, setup->certificate_file, false, &files->certificate,
                        &world->certificate, error);
    return code == ERROR_OK ? read_pem(target, setup->key_file, true, &files->key,
                                       &world->certificate_key, error)
                            : code;
}

enum error_code bus_address_read(struct target *target, struct bus_address *ret_address,
                                 struct error *error)
{
    enum error_code code = read_login(target, ret_address, error);
    return code == ERROR_OK ? read_tls(target, &ret_address->world, error) : code;
}
