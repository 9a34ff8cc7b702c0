#include "fsm/config/config_bus.h"

#include "actions/target/bus_address.h"

/* At most one of the eight keys that name a credential. */
static enum error_code settle_login(const struct field_file *file, struct setup_bus *bus,
                                    struct error *error)
{
    const struct {
        enum bus_login login;
        const char *at, *word;
    } given[] = {{BUS_LOGIN_PASSWORD, "bus/password_file", bus->password.file},
                 {BUS_LOGIN_PASSWORD, "bus/password_key", bus->password.key},
                 {BUS_LOGIN_TOKEN, "bus/token_file", bus->token.file},
                 {BUS_LOGIN_TOKEN, "bus/token_key", bus->token.key},
                 {BUS_LOGIN_NKEY, "bus/nkey_file", bus->nkey.file},
                 {BUS_LOGIN_NKEY, "bus/nkey_key", bus->nkey.key},
                 {BUS_LOGIN_CREDENTIALS, "bus/creds_file", bus->creds.file},
                 {BUS_LOGIN_CREDENTIALS, "bus/creds_key", bus->creds.key}};
    for (size_t i = 0; i < sizeof given / sizeof given[0]; i++) {
        if (given[i].word[0] == '\0')
            continue;
        if (bus->login != BUS_LOGIN_NONE)
            return field_file_fail(file, given[i].at, "keep the one that the server asks for",
                                   "the bus has two logins", given[i].word, error);
        bus->login = given[i].login;
        if (i % 2 == 0)
            bus->credential.file = given[i].word;
        else
            bus->credential.key = given[i].word;
    }
    if (bus->login == BUS_LOGIN_NKEY && bus->user[0] != 'U')
        return field_file_fail(file, "bus/user", "user: U..., as the server's configuration has it",
                               "with an nkey, bus.user is its public key", bus->user, error);
    return ERROR_OK;
}

static enum error_code settle_tls(const struct field_file *file, struct setup_bus *bus,
                                  struct error *error)
{
    bool certificate = bus->certificate_file[0] != '\0', key = bus->key_file[0] != '\0';
    if (certificate != key)
        return field_file_fail(file, certificate ? "bus/cert_file" : "bus/key_file",
                               "give both, or none",
                               "bus.cert_file and bus.key_file belong together", "", error);
    if (!bus->tls && (certificate || bus->ca_file[0] != '\0'))
        return field_file_fail(file, certificate ? "bus/cert_file" : "bus/ca_file", "tls: true",
                               "without `tls: true` no certificate of the bus is looked at", "",
                               error);
    return ERROR_OK;
}

enum error_code bus_settle(const struct field_file *file, struct setup_bus *bus,
                           struct error *error)
{
    struct bus_server ignored;
    for (size_t i = 0; i < bus->servers.count; i++)
        if (!bus_server_read(bus->servers.items[i], &ignored))
            return field_file_fail(file, "bus/servers", "servers: [\"nats-2:4222\"]",
                                   "this is no HOST:PORT", bus->servers.items[i], error);
    enum error_code code = settle_login(file, bus, error);
    return code == ERROR_OK ? settle_tls(file, bus, error) : code;
}
