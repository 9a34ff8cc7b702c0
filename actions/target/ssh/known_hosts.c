#include "actions/target/ssh/known_hosts.h"

#include <ctype.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "actions/target/ssh/ssh_pattern.h"

enum { SHA1_BYTES = 20, HOST_MAX = 300 };

enum marker { MARKER_NONE = 0, MARKER_REVOKED, MARKER_AUTHORITY, MARKER_UNKNOWN };

struct word {
    const char *text;
    size_t length;
};

/* The next word of a line; an empty one at its end. */
static struct word next_word(const char **at, const char *end)
{
    while (*at < end && (**at == ' ' || **at == '\t' || **at == '\r'))
        ++*at;
    struct word word = {.text = *at};
    while (*at < end && **at != ' ' && **at != '\t' && **at != '\r')
        ++*at;
    word.length = (size_t)(*at - word.text);
    return word;
}

static bool word_is(const struct word *word, const char *text)
{
    return word->length == strlen(text) && memcmp(word->text, text, word->length) == 0;
}

/* A pattern with `!` that matches takes the host out, whatever else matches. */
static bool list_matches(const char *host, const struct word *list)
{
    bool found = false;
    for (size_t at = 0; at <= list->length;) {
        const char *from = list->text + at, *comma = memchr(from, ',', list->length - at);
        size_t length = comma != NULL ? (size_t)(comma - from) : list->length - at;
        bool negated = length > 0 && from[0] == '!';
        if (length > negated && ssh_pattern_matches(host, from + negated, length - negated)) {
            if (negated)
                return false;
            found = true;
        }
        at += length + 1;
    }
    return found;
}

/* |1|salt|HMAC-SHA1 of the name */
static bool hash_matches(const char *host, const struct word *name)
{
    CLEANUP_BYTES struct bytes salt = {0}, hash = {0};
    struct error ignored;
    uint8_t own[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    const char *end = name->text + name->length, *from = name->text + 3;
    const char *bar = name->length > 3 && memcmp(name->text, "|1|", 3) == 0
                          ? memchr(from, '|', (size_t)(end - from))
                          : NULL;
    return bar != NULL && bytes_from_base64(from, (size_t)(bar - from), &salt, &ignored) == ERROR_OK
           && bytes_from_base64(bar + 1, (size_t)(end - bar - 1), &hash, &ignored) == ERROR_OK
           && salt.size == SHA1_BYTES && hash.size == SHA1_BYTES
           && HMAC(EVP_sha1(), salt.data, (int)salt.size, (const uint8_t *)host, strlen(host), own,
                   &size)
                  != NULL
           && size == SHA1_BYTES && memcmp(own, hash.data, SHA1_BYTES) == 0;
}

static enum marker marker_of(const struct word *word)
{
    if (word->length == 0 || word->text[0] != '@')
        return MARKER_NONE;
    if (word_is(word, "@revoked"))
        return MARKER_REVOKED;
    return word_is(word, "@cert-authority") ? MARKER_AUTHORITY : MARKER_UNKNOWN;
}

/* The type that stands in front of the key on the wire: 4 bytes of length, and the text. */
static bool is_type_of(const struct word *type, const struct bytes *key)
{
    return key->size >= 4 + type->length && type->length < 256 && key->data[0] == 0
           && key->data[1] == 0 && key->data[2] == 0 && key->data[3] == type->length
           && memcmp(key->data + 4, type->text, type->length) == 0;
}

static void read_known_line(const char *at, const char *end, const char *host,
                            const struct bytes *key, struct known_hosts *found)
{
    CLEANUP_BYTES struct bytes listed = {0};
    struct error ignored;
    struct word name = next_word(&at, end);
    enum marker marker = marker_of(&name);
    if (marker != MARKER_NONE)
        name = next_word(&at, end);
    struct word type = next_word(&at, end), text = next_word(&at, end);
    if (marker == MARKER_UNKNOWN || name.length == 0 || name.text[0] == '#'
        || !(name.text[0] == '|' ? hash_matches(host, &name) : list_matches(host, &name)))
        return;
    found->authority = found->authority || marker == MARKER_AUTHORITY;
    if (bytes_from_base64(text.text, text.length, &listed, &ignored) != ERROR_OK
        || listed.size != key->size || memcmp(listed.data, key->data, key->size) != 0)
        return;
    found->revoked = found->revoked || marker == MARKER_REVOKED;
    found->same = found->same || (marker == MARKER_NONE && is_type_of(&type, key));
}

void known_hosts_search(const struct bytes *text, const char *host, const struct bytes *key,
                        struct known_hosts *found)
{
    char lower[HOST_MAX] = "";
    for (size_t i = 0; host[i] != '\0' && i + 1 < sizeof lower; i++)
        lower[i] = (char)tolower((unsigned char)host[i]);
    const char *at = (const char *)text->data, *end = at + text->size;
    while (at < end) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        read_known_line(at, newline != NULL ? newline : end, lower, key, found);
        at = newline != NULL ? newline + 1 : end;
    }
}
