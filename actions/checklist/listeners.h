/* actions/checklist/listeners: what listens on the target, read from the kernel's own tables.
 * Knows:     /proc/net/{tcp,tcp6} in state LISTEN, /proc/net/{udp,udp6} without a peer; addresses,
 *            loopback and link-local; not what may listen.
 * Source:    Linux Documentation/networking/proc_net_tcp.rst. Addresses stand there as words in the
 *            byte order of the machine: little-endian ones are read. */
#ifndef ACTIONS_LISTENERS_H
#define ACTIONS_LISTENERS_H

#include <stdbool.h>

#include "actions/target/target.h"

enum { LISTENER_NAME_MAX = 80 };

struct listener {
    unsigned char address[16]; /* IPv4 as ::ffff:a.b.c.d */
    bool six;                  /* the socket's own family */
    bool udp;
    int port;
    unsigned long long inode;
};

struct listeners {
    struct listener *list;
    size_t count;
};

/* "= tcp", "= tcp6", "= udp", "= udp6", each with its table behind it. ERROR_PROTOCOL for a line
 * that is none, or where a table of IPv4 is missing. */
enum error_code listeners_read(const struct bytes *tables, struct listeners *ret_listeners,
                               struct error *error) CHECKED;
enum error_code listeners_open(struct target *target, struct listeners *ret_listeners,
                               struct error *error) CHECKED;
void listeners_close(struct listeners *listeners);

bool listener_is_loopback(const struct listener *listener);
/* fe80::/10, 169.254.0.0/16: reached from the same link only, which is beyond this host all the
 * same. */
bool listener_is_link_local(const struct listener *listener);
/* "0.0.0.0:3100", "[::]:443/udp". */
void listener_name(const struct listener *listener, char *ret_text, size_t capacity);

#endif
