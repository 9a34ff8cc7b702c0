/* actions/target/bus_address: where the servers of the bus are, who one is there, and how TLS is
 * checked: what the world's bus needs for a connection, from setup.bus.
 * Secrets:   the texts are wiped by bus_address_clear(). PEM files are read once a target and kept
 *            by it: a DISARM does not wait for this machine's disk. */
#ifndef ACTIONS_BUS_ADDRESS_H
#define ACTIONS_BUS_ADDRESS_H

#include "actions/target/target.h"

/* As seen from the target. */
struct bus_server {
    char host[256];
    int port;
};
size_t bus_server_count(const struct setup_bus *setup);
struct bus_server bus_server_at(const struct setup_bus *setup, size_t at);
/* "nats-2:4222", "[::1]:4222"; false where it is neither. */
bool bus_server_read(const char *text, struct bus_server *ret_server);

struct bus_address {
    struct world_bus_address world; /* but for host, port and time */
    struct bytes credential, jwt, seed;
};
void bus_address_clear(struct bus_address *address);
#define CLEANUP_BUS_ADDRESS __attribute__((cleanup(bus_address_clear)))
/* ERROR_CONFIG or ERROR_KEY_REFUSED where a file or a key of the env file is not as it must be.
 * The server's name is that of setup.bus.host until the caller sets another. */
enum error_code bus_address_read(struct target *target, struct bus_address *ret_address,
                                 struct error *error) CHECKED;

#endif
