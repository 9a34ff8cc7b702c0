#include "actions/compose/published.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool read_number(const char *text, size_t length, int *ret_number)
{
    if (length == 0 || length > 5 || strspn(text, "0123456789") < length)
        return false;
    long number = strtol(text, NULL, 10);
    *ret_number = (int)number;
    return number <= 65535;
}

bool published_range(const char *text, int *ret_first, int *ret_last)
{
    size_t length = strcspn(text, "-");
    int first, last;
    if (!read_number(text, length, &first))
        return false;
    last = first;
    if (text[length] == '-'
        && (!read_number(text + length + 1, strlen(text + length + 1), &last) || last < first))
        return false;
    *ret_first = first;
    *ret_last = last;
    return true;
}

bool published_read(const char *text, struct published *ret_port)
{
    struct published port = {.first = 0};
    char words[160];
    int last;
    if (snprintf(words, sizeof words, "%s", text) >= (int)sizeof words)
        return false;
    char *protocol = strchr(words, '/');
    if (protocol != NULL)
        *protocol++ = '\0';
    port.udp = protocol != NULL && strcmp(protocol, "udp") == 0;
    char *target = strrchr(words, ':');
    if (target == NULL) {
        if (!published_range(words, &port.target, &last))
            return false;
        *ret_port = port;
        return true;
    }
    *target++ = '\0';
    char *published = strrchr(words, ':');
    if (published != NULL && strchr(published, ']') == NULL) {
        *published++ = '\0';
        size_t bracket = words[0] == '[' ? 1 : 0;
        (void)snprintf(port.address, sizeof port.address, "%.*s",
                       (int)strcspn(words + bracket, "]"), words + bracket);
    } else {
        published = words;
    }
    if (!published_range(target, &port.target, &last)
        || (published[0] != '\0' && !published_range(published, &port.first, &port.last)))
        return false;
    *ret_port = port;
    return true;
}

bool published_is_loopback(const struct published *port)
{
    struct in_addr four;
    struct in6_addr six;
    if (inet_pton(AF_INET, port->address, &four) == 1)
        return ntohl(four.s_addr) >> 24 == 127;
    if (inet_pton(AF_INET6, port->address, &six) != 1)
        return false;
    return IN6_IS_ADDR_LOOPBACK(&six) || (IN6_IS_ADDR_V4MAPPED(&six) && six.s6_addr[12] == 127);
}

void published_words(const struct published *port, char *ret_text, size_t capacity)
{
    char range[16] = "";
    if (port->last > port->first)
        (void)snprintf(range, sizeof range, "-%d", port->last);
    if (port->last == 0)
        (void)snprintf(ret_text, capacity, "a port that Docker chooses for %d%s", port->target,
                       port->udp ? "/udp" : "");
    else
        (void)snprintf(ret_text, capacity, "%d%s%s", port->first, range, port->udp ? "/udp" : "");
}
