#include "actions/target/ssh/ssh_pattern.h"

#include <ctype.h>

bool ssh_pattern_matches(const char *host, const char *pattern, size_t length)
{
    const char *retry = NULL;
    size_t at = 0, star = 0;
    while (*host != '\0') {
        if (at < length && pattern[at] == '*') {
            star = ++at;
            retry = host;
        } else if (at < length
                   && (pattern[at] == '?' || tolower((unsigned char)pattern[at]) == *host)) {
            at++;
            host++;
        } else if (retry != NULL) {
            at = star;
            host = ++retry;
        } else {
            return false;
        }
    }
    while (at < length && pattern[at] == '*')
        at++;
    return at == length;
}
