#include "actions/logs.h"

#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "journal/format/names.h"

/* The lines that hold one of the literal beginnings, and the first one: it shows from when on the
 * log has not been rotated away. Empty where a pattern begins with a placeholder: then nothing is
 * left out. */
static void write_log_filter(const struct setup_patterns *const *sets, size_t set_count,
                             struct text *filter)
{
    CLEANUP_TEXT struct text words = {0};
    for (size_t set = 0; set < set_count; set++) {
        for (size_t i = 0; i < sets[set]->count; i++) {
            char literal[512];
            (void)snprintf(literal, sizeof literal, "%.*s", (int)strcspn(sets[set]->items[i], "%"),
                           sets[set]->items[i]);
            if (literal[0] == '\0')
                return;
            text_add(&words, " -e ");
            text_add_quoted(&words, literal);
        }
    }
    /* 1: no line matched, which is an answer */
    text_add(filter, "IFS=; read -r l && printf '%s\\n' \"$l\"; grep -aF");
    text_add_text(filter, &words);
    text_add(filter, "; [ $? -le 1 ] || echo 2 >&3");
}

/* The status is that of `docker logs`, which a pipe would hide, or of a filter that failed. */
static void add_filtered(struct text *script, const struct text *logs, const struct text *filter)
{
    text_add(script, "{ s=$({ { ");
    text_add_text(script, logs);
    text_add(script, "; echo $? >&3; } | { ");
    text_add_text(script, filter);
    text_add(script, "; } >&4; } 3>&1); } 4>&1; exit \"${s##*[!0-9]}\"");
}

enum error_code logs_fetch(struct target *target, const struct container *container,
                           const struct log_query *query, struct evidence *evidence,
                           struct error *error)
{
    CLEANUP_TEXT struct text logs = {0}, filter = {0}, script = {0};
    char lines[48] = "";
    if (!bytes_is_hex(container->id, SHA256_HEX))
        return error_set(error, ERROR_PROTOCOL, 0, container->service, "", "a container has no id");
    if (query->tail > 0)
        (void)snprintf(lines, sizeof lines, "--tail %lld ", (long long)query->tail);
    text_add_format(&logs, "%s logs --timestamps --since ", target_setup(target)->target.docker);
    text_add_quoted(&logs, logs_boundary(container));
    text_add_format(&logs, " %s%s 2>&1", lines, container->id);
    if (query->set_count > 0)
        write_log_filter(query->sets, query->set_count, &filter);
    if (text_string(&filter)[0] != '\0')
        add_filtered(&script, &logs, &filter);
    else
        text_add_text(&script, &logs);
    struct target_command command = {.built = &script};
    return target_probe(target, &command, query->probe, container->service, evidence, NULL, error);
}

struct log_query logs_query_execution(const struct setup_services *services,
                                      struct log_sets *ret_sets)
{
    *ret_sets = (struct log_sets){{&services->policy_loaded, &services->disarm_received,
                                   &services->arm_received, &services->disarmed, &services->armed}};
    return (struct log_query){.probe = PROBE_LOGS_EXECUTION,
                              .sets = ret_sets->sets,
                              .set_count = LOG_SETS_MAX};
}

struct log_query logs_query_brain(const struct setup_services *services, struct log_sets *ret_sets)
{
    *ret_sets = (struct log_sets){{&services->handshake_ok, &services->handshake_failed,
                                   &services->handshake_lost, &services->handshake_none}};
    return (struct log_query){.probe = PROBE_LOGS_BRAIN,
                              .sets = ret_sets->sets,
                              .set_count = LOG_SETS_MAX - 1};
}

/* Whole seconds "2026-11-23T07:20:23" and the decimals after it, in UTC ("Z" or "+00:00"). */
static bool split_time(const char *time, size_t length, const char **ret_decimals,
                       size_t *ret_decimal_count)
{
    static const char form[] = "0000-00-00T00:00:00";
    if (length < sizeof form)
        return false;
    for (size_t i = 0; i + 1 < sizeof form; i++)
        if (form[i] == '0' ? time[i] < '0' || time[i] > '9' : time[i] != form[i])
            return false;
    size_t at = sizeof form - 1, begin = at + 1;
    if (time[at] == '.')
        for (at = begin; at < length && time[at] >= '0' && time[at] <= '9';)
            at++;
    *ret_decimals = time + begin;
    *ret_decimal_count = at > begin ? at - begin : 0;
    return (length - at == 1 && time[at] == 'Z')
           || (length - at == 6 && memcmp(time + at, "+00:00", 6) == 0);
}

int log_time_compare(const char *left, size_t left_length, const char *right, size_t right_length)
{
    const char *left_decimals, *right_decimals;
    size_t left_count, right_count;
    bool left_good = split_time(left, left_length, &left_decimals, &left_count);
    bool right_good = split_time(right, right_length, &right_decimals, &right_count);
    if (!left_good || !right_good)
        return (int)left_good - (int)right_good;
    int order = memcmp(left, right, 19);
    for (size_t i = 0; order == 0 && i < (left_count > right_count ? left_count : right_count); i++)
        order = (i < left_count ? left_decimals[i] : '0')
                - (i < right_count ? right_decimals[i] : '0');
    return order;
}

/* Leading emoji (bytes above 0x7F, variation selectors among them) and spaces. */
static const char *skip_ornament(const char *text)
{
    while ((unsigned char)*text > 0x7F || *text == ' ')
        text++;
    return text;
}

static const char *skip_level(const char *text)
{
    size_t length = *text == '[' ? strspn(text + 1, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") : 0;
    return length > 0 && text[1 + length] == ']' ? text + length + 2 : text;
}

static void read_message(const char *text, size_t length, char *ret_message, size_t capacity)
{
    json_t *object = length > 0 && text[0] == '{' ? json_loadb(text, length, 0, NULL) : NULL;
    const char *message = json_string_value(
        json_object_get(json_object_get(object, "fields"), "message"));
    if (message == NULL)
        message = json_string_value(json_object_get(object, "message"));
    char plain[4096];
    if (message == NULL) {
        (void)snprintf(plain, sizeof plain, "%.*s",
                       (int)(length < sizeof plain ? length : sizeof plain - 1), text);
        message = skip_level(plain);
    }
    (void)snprintf(ret_message, capacity, "%s", skip_ornament(message));
    json_decref(object);
}

const char *logs_boundary(const struct container *container)
{
    const char *created = container->created_at, *finished = container->finished_at;
    if (created[0] == '\0')
        return container->started_at;
    return log_time_compare(finished, strlen(finished), created, strlen(created)) >= 0 ? finished
                                                                                       : created;
}

bool logs_next(const struct bytes *text, size_t *at, const char *boundary,
               struct log_line *ret_line)
{
    const char *data = (const char *)text->data;
    while (*at < text->size) {
        const char *line = data + *at;
        const char *newline = memchr(line, '\n', text->size - *at);
        size_t length = newline != NULL ? (size_t)(newline - line) : text->size - *at;
        *at += length + 1;
        const char *space = memchr(line, ' ', length);
        if (space == NULL
            || log_time_compare(line, (size_t)(space - line), boundary, strlen(boundary)) < 0)
            continue;
        ret_line->time = line;
        ret_line->time_length = (size_t)(space - line);
        size_t said = length - ret_line->time_length - 1;
        said -= said > 0 && space[said] == '\r';
        read_message(space + 1, said, ret_line->message, sizeof ret_line->message);
        return true;
    }
    return false;
}

/* Letters and digits: what a placeholder stands for. */
static const char *skip_placeholder_word(const char *at)
{
    return at + strspn(at, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");
}

bool log_matches(const char *message, const char *pattern)
{
    for (const char *at = pattern; *at != '\0'; at++) {
        if (at[0] == '%' && (at[1] == 'H' || at[1] == 'N')) {
            message = skip_placeholder_word(message);
            at++;
        } else if (*message++ != *at) {
            return false;
        }
    }
    return true;
}

bool log_matches_any(const char *message, const struct setup_patterns *patterns)
{
    for (size_t i = 0; i < patterns->count; i++)
        if (log_matches(message, patterns->items[i]))
            return true;
    return false;
}

bool log_nonce(const char *message, const struct setup_patterns *patterns, char *ret_word,
               size_t size)
{
    for (size_t i = 0; i < patterns->count; i++) {
        const char *placeholder = strstr(patterns->items[i], "%N");
        size_t literal = placeholder != NULL ? (size_t)(placeholder - patterns->items[i]) : 0;
        if (placeholder == NULL || strncmp(message, patterns->items[i], literal) != 0)
            continue;
        (void)snprintf(ret_word, size, "%.*s", (int)strcspn(message + literal, " "),
                       message + literal);
        return true;
    }
    return false;
}
