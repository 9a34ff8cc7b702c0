#include "actions/checklist/listeners.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STATE_LISTEN = 0x0A, STATE_WITHOUT_PEER = 0x07 };

void listeners_close(struct listeners *listeners)
{
    free(listeners->list);
    *listeners = (struct listeners){.list = NULL};
}

/* 8 or 32 hex digits: words of 4 bytes, each in the machine's byte order. */
static bool read_address(const char *hex, bool six, unsigned char ret_address[16])
{
    static const unsigned char mapped[12] = {[10] = 0xff, [11] = 0xff};
    unsigned char *at = ret_address + (six ? 0 : 12);
    size_t words = six ? 4 : 1;
    if (strlen(hex) != words * 8 || strspn(hex, "0123456789ABCDEFabcdef") != words * 8)
        return false;
    memcpy(ret_address, mapped, six ? 0 : sizeof mapped);
    for (size_t i = 0; i < words; i++) {
        char digits[9];
        memcpy(digits, hex + i * 8, 8);
        digits[8] = '\0';
        unsigned long word = strtoul(digits, NULL, 16);
        for (unsigned byte = 0; byte < 4; byte++)
            *at++ = (unsigned char)(word >> (8 * byte));
    }
    return true;
}

/* "  sl: LOCAL:PORT REMOTE:PORT STATE TX:RX TR:WHEN RETRANSMITS UID TIMEOUT INODE ..." */
static bool read_listener(const char *line, bool six, bool udp, struct listener *ret_listener,
                          bool *ret_listens)
{
    char local[40], remote[40];
    unsigned port, remote_port, state;
    unsigned long long inode;
    struct listener listener = {.six = six, .udp = udp};
    if (sscanf(line,
               " %*d: %39[0-9A-Fa-f]:%4x %39[0-9A-Fa-f]:%4x %2x %*x:%*x %*x:%*x %*x %*d %*d %20llu",
               local, &port, remote, &remote_port, &state, &inode)
            != 6
        || !read_address(local, six, listener.address))
        return false;
    listener.port = (int)port;
    listener.inode = inode;
    *ret_listener = listener;
    *ret_listens = state == (udp ? STATE_WITHOUT_PEER : STATE_LISTEN);
    return true;
}

static enum error_code keep_listener(struct listeners *listeners, const struct listener *listener,
                                     struct error *error)
{
    struct listener *list = realloc(listeners->list, (listeners->count + 1) * sizeof *list);
    if (list == NULL)
        return error_set(error, ERROR_MEMORY, 0, "listeners", "", "out of memory");
    listeners->list = list;
    list[listeners->count++] = *listener;
    return ERROR_OK;
}

enum error_code listeners_read(const struct bytes *tables, struct listeners *ret_listeners,
                               struct error *error)
{
    static const char *const names[] = {"= tcp", "= tcp6", "= udp", "= udp6"};
    struct listeners listeners = {.list = NULL};
    enum error_code code = ERROR_OK;
    size_t table = 4, seen[4] = {0};
    const char *at = tables->size > 0 ? (const char *)tables->data : "", *end = at + tables->size;
    while (code == ERROR_OK && at < end) {
        char line[512];
        size_t length = strcspn(at, "\n");
        bool good = length < sizeof line && at + length <= end, listens = false;
        struct listener listener;
        (void)snprintf(line, sizeof line, "%.*s", (int)(good ? length : 0), at);
        at += length + 1;
        size_t named = 0;
        while (named < 4 && strcmp(line, names[named]) != 0)
            named++;
        if (named < 4) {
            table = named;
            continue;
        }
        if (good && table < 4 && strstr(line, "local_address") != NULL) {
            seen[table]++;
            continue;
        }
        if (!good || table == 4
            || !read_listener(line, table % 2 == 1, table >= 2, &listener, &listens))
            code = error_set(error, ERROR_PROTOCOL, 0, "/proc/net",
                             "cat /proc/net/tcp on the target",
                             "a line of the kernel's tables of sockets cannot be read");
        else if (listens)
            code = keep_listener(&listeners, &listener, error);
    }
    if (code == ERROR_OK && (seen[0] != 1 || seen[2] != 1))
        code = error_set(error, ERROR_PROTOCOL, 0, "/proc/net", "cat /proc/net/tcp on the target",
                         "the kernel's tables of sockets are not there");
    if (code != ERROR_OK) {
        listeners_close(&listeners);
        return code;
    }
    *ret_listeners = listeners;
    return ERROR_OK;
}

enum error_code listeners_open(struct target *target, struct listeners *ret_listeners,
                               struct error *error)
{
    CLEANUP_RESULT struct target_result result = {0};
    static const char script[] = "for t in tcp tcp6 udp udp6; do echo \"= $t\"; [ ! -e "
                                 "/proc/net/$t ] || cat /proc/net/$t; done";
    enum error_code code = target_run(target,
                                      &(struct target_command){.script = script,
                                                               .output_bytes_max = 16 << 20,
                                                               .output = OUTPUT_RAW},
                                      &result, error);
    return code == ERROR_OK ? listeners_read(&result.output, ret_listeners, error) : code;
}

static bool is_mapped(const struct listener *listener)
{
    static const unsigned char mapped[12] = {[10] = 0xff, [11] = 0xff};
    return memcmp(listener->address, mapped, sizeof mapped) == 0;
}

bool listener_is_loopback(const struct listener *listener)
{
    static const unsigned char one[16] = {[15] = 1};
    return is_mapped(listener) ? listener->address[12] == 127
                               : memcmp(listener->address, one, sizeof one) == 0;
}

bool listener_is_link_local(const struct listener *listener)
{
    const unsigned char *address = listener->address;
    return is_mapped(listener) ? address[12] == 169 && address[13] == 254
                               : address[0] == 0xfe && (address[1] & 0xc0) == 0x80;
}

void listener_name(const struct listener *listener, char *ret_text, size_t capacity)
{
    char address[INET6_ADDRSTRLEN] = "?";
    bool four = is_mapped(listener);
    (void)inet_ntop(four ? AF_INET : AF_INET6, listener->address + (four ? 12 : 0), address,
                    sizeof address);
    (void)snprintf(ret_text, capacity, "%s%s%s:%d%s", four ? "" : "[", address, four ? "" : "]",
                   listener->port, listener->udp ? "/udp" : "");
}
