/* Log lines: Docker's time stamp, then JSON or text; a message is matched at its start. */
#include "verify/judge/reading.h"

#include <string.h>

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* RFC 3339 in UTC with at most nine decimals. */
bool reading_time(struct slice time, char ret_seconds[20], int64_t *ret_ns)
{
    static const char form[] = "0000-00-00T00:00:00";
    size_t at = sizeof form - 1;
    if (time.length <= at)
        return false;
    for (size_t i = 0; i < at; i++)
        if (form[i] == '0' ? !is_digit(time.at[i]) : time.at[i] != form[i])
            return false;
    int64_t ns = 0;
    unsigned decimals = 0;
    if (time.at[at] == '.') {
        for (at++; at < time.length && is_digit(time.at[at]); at++, decimals++)
            if (decimals < 9)
                ns = ns * 10 + (time.at[at] - '0');
        if (decimals == 0 || decimals > 9)
            return false;
    }
    for (; decimals < 9; decimals++)
        ns *= 10;
    struct slice zone = {time.at + at, time.length - at};
    if (!slice_is(zone, "Z") && !slice_is(zone, "+00:00"))
        return false;
    memcpy(ret_seconds, time.at, 19);
    ret_seconds[19] = '\0';
    *ret_ns = ns;
    return true;
}

static bool is_of_this_start(struct slice time, const char *started_at)
{
    char line_seconds[20], start_seconds[20];
    int64_t line_ns, start_ns;
    if (!reading_time(time, line_seconds, &line_ns)
        || !reading_time(slice_of(started_at), start_seconds, &start_ns))
        return false;
    int order = strcmp(line_seconds, start_seconds);
    return order > 0 || (order == 0 && line_ns >= start_ns);
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

static struct slice message_of(struct log *log, struct slice text)
{
    struct error ignored;
    if (text.length > 0 && text.at[0] == '{'
        && tree_read(text.at, text.length, TREE_PLAIN, &log->tree, &ignored) == ERROR_OK) {
        const struct node *fields = node_member(log->tree.root, "fields");
        const struct node *inner = node_member(fields, "message"),
                          *outer = node_member(log->tree.root, "message");
        if (node_is(inner, NODE_STRING))
            return skip_log_ornament(inner->text);
        if (node_is(outer, NODE_STRING))
            return skip_log_ornament(outer->text);
    }
    return skip_log_ornament(skip_log_level(text));
}

bool reading_message(struct log *log, struct slice *ret_message)
{
    struct slice line;
    while (slice_line(&log->rest, &line)) {
        const char *space = line.length > 0 ? memchr(line.at, ' ', line.length) : NULL;
        if (space == NULL)
            continue;
        struct slice time = {line.at, (size_t)(space - line.at)},
                     rest = {space + 1, line.length - (size_t)(space - line.at) - 1};
        if (!is_of_this_start(time, log->started_at))
            continue;
        if (rest.length > 0 && rest.at[rest.length - 1] == '\r')
            rest.length--;
        *ret_message = message_of(log, rest);
        return true;
    }
    return false;
}

void reading_log_close(struct log *log)
{
    tree_free(&log->tree);
}

static bool match_hash(struct slice *message, char *hash)
{
    uint8_t bytes[SHA256_BYTES];
    if (message->length < SHA256_HEX
        || !bytes_from_hex(message->at, SHA256_HEX, bytes, sizeof bytes))
        return false;
    memcpy(hash, message->at, SHA256_HEX);
    hash[SHA256_HEX] = '\0';
    message->at += SHA256_HEX;
    message->length -= SHA256_HEX;
    return true;
}

static bool match_word(struct slice *message, struct slice word)
{
    if (message->length < word.length
        || (word.length > 0 && memcmp(message->at, word.at, word.length) != 0))
        return false;
    message->at += word.length;
    message->length -= word.length;
    return true;
}

static bool match_pattern(struct slice message, struct slice pattern, const char *nonce, char *hash)
{
    hash[0] = '\0';
    for (size_t at = 0; at < pattern.length; at++) {
        bool variable = pattern.at[at] == '%' && at + 1 < pattern.length;
        if (variable && pattern.at[at + 1] == 'H') {
            if (!match_hash(&message, hash))
                return false;
            at++;
        } else if (variable && pattern.at[at + 1] == 'N') {
            if (nonce == NULL || nonce[0] == '\0' || !match_word(&message, slice_of(nonce)))
                return false;
            at++;
        } else if (!match_word(&message, (struct slice){pattern.at + at, 1})) {
            return false;
        }
    }
    return pattern.length > 0;
}

bool reading_matches(struct slice message, const struct node *patterns, const char *nonce,
                     char *ret_hash)
{
    char hash[SHA256_HEX + 1];
    for (const struct node *pattern = patterns != NULL ? patterns->first : NULL; pattern != NULL;
         pattern = pattern->next) {
        if (!match_pattern(message, pattern->text, nonce, hash))
            continue;
        if (ret_hash != NULL)
            memcpy(ret_hash, hash, sizeof hash);
        return true;
    }
    return false;
}
