/* tests/stack/service_faults: is a fault on? Read anew at every use, so that a test switches one
 * while the service runs. README.md lists them. */
#include "service.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool find(const char *words, const char *name, char *ret_value, size_t room)
{
    size_t length = strlen(name);
    for (const char *at = words; *at != '\0';) {
        size_t blanks = strspn(at, " \t\r\n");
        size_t word = strcspn(at + blanks, " \t\r\n");
        const char *begin = at + blanks;
        if (word >= length && strncmp(begin, name, length) == 0
            && (word == length || begin[length] == '=')) {
            size_t value = word > length ? word - length - 1 : 0;
            (void)snprintf(ret_value, room, "%.*s", (int)value,
                           word > length ? begin + length + 1 : "");
            return true;
        }
        at = begin + word;
    }
    return false;
}

bool fault_get(const struct service *service, const char *name, char *ret_value, size_t room)
{
    char words[2048], path[256];
    (void)snprintf(path, sizeof path, "/faults/%s", service->name);
    if (service->shared[0] != '\0' && text_read_file(service->shared, path, words, sizeof words) > 0
        && find(words, name, ret_value, room))
        return true;
    if (text_read_file(service->root, "/app/faults", words, sizeof words) > 0
        && find(words, name, ret_value, room))
        return true;
    const char *given = getenv("TITAN_FAULTS");
    return given != NULL && find(given, name, ret_value, room);
}

bool fault_on(const struct service *service, const char *name)
{
    char value[128];
    return fault_get(service, name, value, sizeof value);
}

void fault_leak(const struct service *service, char *ret_text, size_t room)
{
    static char leak[SERVICE_LEAK_MAX / 2];
    ret_text[0] = '\0';
    if (fault_on(service, "leak") && service->shared[0] != '\0')
        text_json((const uint8_t *)leak,
                  text_read_file(service->shared, "/leak", leak, sizeof leak), ret_text, room);
}

int64_t fault_number(const struct service *service, const char *name, int64_t otherwise)
{
    char value[128];
    return fault_get(service, name, value, sizeof value) ? strtoll(value, NULL, 10) : otherwise;
}
