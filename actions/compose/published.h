/* actions/compose/published: a port of the host that a container is given, as compose and Docker
 * write it.
 * Knows:     the words "[ADDRESS:]FIRST[-LAST]:TARGET[/PROTOCOL]"; not which ports may be open.
 * Why:       a published port bypasses the INPUT rules of the host's firewall.
 */
#ifndef ACTIONS_PUBLISHED_H
#define ACTIONS_PUBLISHED_H

#include <stdbool.h>
#include <stddef.h>

struct published {
    char address[64]; /* of the host, "" = every one */
    int first, last;  /* 0 = one that Docker chooses */
    int target;       /* in the container */
    bool udp;         /* else tcp (sctp counts as tcp: it is open too) */
    int line;         /* of the compose file, 0 = none */
};

/* "FIRST" or "FIRST-LAST", 0 to 65535. */
bool published_range(const char *text, int *ret_first, int *ret_last);
/* The short form, or "TARGET[/PROTOCOL]" alone. False where it is neither. */
bool published_read(const char *text, struct published *ret_port);
/* On the host itself only: 127.0.0.0/8, ::1. */
bool published_is_loopback(const struct published *port);
/* "3100", "8000-8002/udp", "a port that Docker chooses". */
void published_words(const struct published *port, char *ret_text, size_t capacity);

#endif
