/* Log lines: Docker's time stamp, then JSON or text; a message is matched at its start. */
#include "verify/judge/logs/pattern.h"

#include <stddef.h>
#include <string.h>

enum { SHORTENED_MIN = 6, NAMED_WORD_MIN = 16 };

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static struct slice skip_log_ornament(struct slice text)
{
    while (text.length > 0 && ((unsigned char)*text.at > 0x7F || *text.at == ' ')) {
        text.at++;
        text.length--;
    }
    return text;
}

static struct slice skip_log_level(struct slice text)
{
    size_t at = 1;
    if (text.length < 3 || text.at[0] != '[')
        return text;
    while (at < text.length && text.at[at] >= 'A' && text.at[at] <= 'Z')
        at++;
    if (at == 1 || at >= text.length || text.at[at] != ']')
        return text;
    return (struct slice){text.at + at + 1, text.length - at - 1};
}

/* `tree` keeps what a message points into that was JSON. */
struct slice pattern_message(struct slice line, struct tree *tree)
{
    if (line.length > 0 && line.at[line.length - 1] == '\r')
        line.length--;
    const struct node *log = slice_begins(line, "{") ? tree_object(line, tree) : NULL;
    if (log != NULL) {
        const struct node *inner = node_member(node_member(log, "fields"), "message"),
                          *outer = node_member(log, "message");
        if (node_is(inner, NODE_STRING))
            return skip_log_ornament(inner->text);
        if (node_is(outer, NODE_STRING))
            return skip_log_ornament(outer->text);
    }
    return skip_log_ornament(skip_log_level(line));
}

static bool is_word_character(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_hex_character(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static size_t pattern_word_length(struct slice text)
{
    size_t length = 0;
    while (length < text.length && is_word_character(text.at[length]))
        length++;
    return length;
}

/* What the word at the beginning of `text` names. */
static struct naming name_of(struct slice text, size_t length)
{
    struct naming naming = {.kind = NAMING_OTHER};
    struct slice behind = slice_from(text, length);
    if (length > SHA256_HEX)
        return naming;
    for (size_t i = 0; i < length; i++) {
        if (!is_hex_character(text.at[i]))
            return naming;
        naming.hash[i] = (char)(text.at[i] | (is_digit(text.at[i]) ? 0 : 0x20));
    }
    if (length == SHA256_HEX)
        naming.kind = NAMING_HASH;
    else if (length >= SHORTENED_MIN
             && (slice_begins(behind, "...") || slice_begins(behind, "\xe2\x80\xa6")))
        naming.kind = NAMING_SHORT;
    return naming;
}

bool pattern_is_hash(struct slice text, char ret_hash[SHA256_HEX + 1])
{
    struct naming naming = name_of(text, text.length);
    if (naming.kind != NAMING_HASH)
        return false;
    memcpy(ret_hash, naming.hash, sizeof naming.hash);
    return true;
}

/* Whether `hash:`, `hash=` or the like stands right in front of `at`. */
static bool follows_hash(const char *begin, const char *at)
{
    while (at > begin && at[-1] == ' ')
        at--;
    static const char word[] = "hash";
    bool same = at - begin >= 5 && (at[-1] == ':' || at[-1] == '=');
    for (size_t i = 0; same && i < sizeof word - 1; i++)
        same = (at[(ptrdiff_t)i - 5] | 0x20) == word[i];
    return same;
}

/* What the rest of a message names behind a pattern that has no %H in it. */
static struct naming scan_names(struct slice message, size_t from)
{
    struct naming found = {.kind = NAMING_NOTHING};
    struct slice rest = slice_from(message, from);
    bool clean = rest.length == 0
                 || !(is_word_character(rest.at[0]) || rest.at[0] == '?' || rest.at[0] == ',');
    for (size_t at = 0; at < rest.length; at++) {
        struct slice here = slice_from(rest, at);
        size_t length = pattern_word_length(here);
        if (length == 0)
            continue;
        struct naming naming = name_of(here, length);
        bool names = naming.kind != NAMING_OTHER || length >= NAMED_WORD_MIN
                     || follows_hash(message.at, here.at);
        if (names && found.kind == NAMING_NOTHING)
            found = naming;
        else if (names && (naming.kind != found.kind || strcmp(naming.hash, found.hash) != 0))
            found.kind = NAMING_OTHER;
        at += length - 1;
    }
    if (!clean)
        found.kind = NAMING_OTHER;
    return found;
}

struct matched {
    struct naming naming;
    struct slice nonce;
};

static bool match_pattern(struct slice message, struct slice pattern, struct matched *ret_matched)
{
    struct matched matched = {.naming = {.kind = NAMING_INVALID}, .nonce = {"", 0}};
    size_t done = 0;
    for (size_t at = 0; at < pattern.length; at++) {
        struct slice here = slice_from(message, done);
        char variable = pattern.at[at] == '%' && at + 1 < pattern.length ? pattern.at[at + 1] : 0;
        size_t length = pattern_word_length(here);
        if (variable == 'H') {
            matched.naming = name_of(here, length);
            done += length + (matched.naming.kind == NAMING_SHORT ? 3 : 0);
            at++;
        } else if (variable == 'N') {
            matched.nonce = (struct slice){here.at, length};
            done += length;
            at++;
        } else if (here.length == 0 || here.at[0] != pattern.at[at]) {
            return false;
        } else {
            done++;
        }
    }
    if (matched.naming.kind == NAMING_INVALID)
        matched.naming = scan_names(message, done);
    *ret_matched = matched;
    return pattern.length > 0;
}

bool pattern_matches(struct slice message, const struct node *patterns, struct naming *ret_naming,
                     struct slice *ret_nonce)
{
    struct matched matched;
    for (const struct node *pattern = patterns != NULL ? patterns->first : NULL; pattern != NULL;
         pattern = pattern->next) {
        if (!match_pattern(message, pattern->text, &matched))
            continue;
        if (ret_naming != NULL)
            *ret_naming = matched.naming;
        if (ret_nonce != NULL)
            *ret_nonce = matched.nonce;
        return true;
    }
    return false;
}
