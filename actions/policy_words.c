#include "actions/policy_words.h"

#include <string.h>
#include <strings.h>

#include <jansson.h>

#include "journal/format/text.h"

enum { SHORTENED_MIN = 6, WORD_SUSPECT = 16 };

static bool is_digit_or_letter(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static size_t word_length(const char *at)
{
    size_t length = 0;
    while (is_digit_or_letter(at[length]))
        length++;
    return length;
}

static size_t hex_length(const char *at)
{
    return strspn(at, "0123456789abcdefABCDEF");
}

static void copy_lower(char *ret_to, const char *from, size_t length)
{
    for (size_t i = 0; i < length; i++)
        ret_to[i] = (char)(from[i] >= 'A' && from[i] <= 'Z' ? from[i] - 'A' + 'a' : from[i]);
    ret_to[length] = '\0';
}

/* The characters by which a printer says that a hash goes on. */
static bool is_ellipsis(const char *at)
{
    return strncmp(at, "...", 3) == 0 || strncmp(at, "\xE2\x80\xA6", 3) == 0;
}

static void say_other(const char *at, struct policy_words *words)
{
    words->kind = POLICY_WORDS_OTHER;
    text_cut(words->hash, sizeof words->hash, at);
}

/* The word at `at`, where a hash must stand. */
static void read_named(const char *at, struct policy_words *words)
{
    size_t length = word_length(at), digits = hex_length(at);
    if (length == SHA256_HEX && digits == SHA256_HEX) {
        words->kind = POLICY_WORDS_HASH;
        copy_lower(words->hash, at, digits);
    } else if (length == digits && digits >= SHORTENED_MIN && digits < SHA256_HEX
               && is_ellipsis(at + digits)) {
        words->kind = POLICY_WORDS_SHORTENED;
        copy_lower(words->hash, at, digits);
    } else {
        say_other(at, words);
    }
}

/* Behind "hash:" or "hash=", with spaces or without. */
static bool is_behind_hash(const char *begin, const char *at)
{
    while (at > begin && at[-1] == ' ')
        at--;
    return at - begin >= 5 && (at[-1] == ':' || at[-1] == '=')
           && strncasecmp(at - 5, "hash", 4) == 0;
}

static bool names_something(const char *begin, const char *at)
{
    size_t length = word_length(at), digits = hex_length(at);
    return length >= WORD_SUSPECT || is_behind_hash(begin, at)
           || (length == digits && digits >= SHORTENED_MIN && is_ellipsis(at + digits));
}

/* What stands behind a pattern that asks for no hash. Each word that could be one must be the same;
 * of two that differ the line contradicts itself. */
static void read_rest(const char *message, const char *rest, struct policy_words *words)
{
    bool found = false;
    if (is_digit_or_letter(rest[0]) || rest[0] == '?' || rest[0] == ',') {
        say_other(rest, words);
        return;
    }
    for (const char *at = rest; *at != '\0';) {
        size_t length = word_length(at);
        if (length > 0 && names_something(message, at)) {
            struct policy_words named = {0};
            read_named(at, &named);
            if (named.kind == POLICY_WORDS_OTHER
                || (found && (named.kind != words->kind || strcmp(named.hash, words->hash) != 0))) {
                say_other(at, words);
                return;
            }
            *words = named;
            found = true;
        }
        at += length > 0 ? length : 1;
    }
    if (!found)
        words->kind = POLICY_WORDS_AGREED;
}

bool policy_words_line(const char *message, const char *pattern, struct policy_words *ret_words)
{
    struct policy_words words = {0};
    const char *placeholder = strstr(pattern, "%H");
    size_t literal = placeholder != NULL ? (size_t)(placeholder - pattern) : strlen(pattern);
    if (strncmp(message, pattern, literal) != 0)
        return false;
    if (placeholder != NULL)
        read_named(message + literal, &words);
    else
        read_rest(message, message + literal, &words);
    *ret_words = words;
    return true;
}

bool policy_words_hash(const char *text, char ret_hash[SHA256_HEX + 1])
{
    if (strlen(text) != SHA256_HEX || hex_length(text) != SHA256_HEX)
        return false;
    copy_lower(ret_hash, text, SHA256_HEX);
    return true;
}

void policy_words_reply(const struct bytes *reply, struct policy_words *ret_words)
{
    struct policy_words words = {.kind = POLICY_WORDS_OTHER};
    json_t *object = json_loadb((const char *)reply->data, reply->size, JSON_REJECT_DUPLICATES,
                                NULL);
    const char *hash = json_string_value(json_object_get(object, "policy_hash"));
    if (hash == NULL) /* as older documents show it */
        hash = json_string_value(json_object_get(object, "hash"));
    words.hashless = hash == NULL;
    if (hash != NULL && policy_words_hash(hash, words.hash))
        words.kind = POLICY_WORDS_HASH;
    else
        say_other(hash != NULL          ? hash
                  : reply->data != NULL ? (const char *)reply->data
                                        : "",
                  &words);
    json_decref(object);
    *ret_words = words;
}
