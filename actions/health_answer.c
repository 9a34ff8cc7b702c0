#include "actions/health_answer.h"

#include <string.h>
#include <strings.h>

#include <jansson.h>

enum { DEPTH_MAX = 64 };

/* Those of the common frameworks. */
static const char *const healthy_words[] = {"ok",      "healthy",   "up",     "pass",
                                            "passing", "green",     "ready",  "alive",
                                            "running", "available", "success"};
static const char *const degraded_words[] = {"degraded", "warn", "yellow"};

static bool has_word(const char *const *words, size_t count, const char *word)
{
    for (size_t i = 0; i < count; i++)
        if (strcasecmp(words[i], word) == 0)
            return true;
    return false;
}

/* A word with a NUL in it is none: "" is never in a list. */
static const char *whole_word(const json_t *member)
{
    const char *word = json_string_value(member);
    return strlen(word) == json_string_length(member) ? word : "";
}

static enum health_answer read_word(const struct setup_endpoint *endpoint, const char *word)
{
    bool own = endpoint->healthy.count + endpoint->degraded.count > 0;
    const char *const *healthy = own ? endpoint->healthy.items : healthy_words,
                      *const *degraded = own ? endpoint->degraded.items : degraded_words;
    size_t healthy_count = own ? endpoint->healthy.count
                               : sizeof healthy_words / sizeof healthy_words[0],
           degraded_count = own ? endpoint->degraded.count
                                : sizeof degraded_words / sizeof degraded_words[0];
    return has_word(healthy, healthy_count, word)     ? HEALTH_ANSWER_GOOD
           : has_word(degraded, degraded_count, word) ? HEALTH_ANSWER_DEGRADED
                                                      : HEALTH_ANSWER_BAD;
}

/* What is no JSON says nothing by its body. */
static bool begins_as_json(const struct bytes *body)
{
    static const char blanks[] = {' ', '\t', '\r', '\n'};
    size_t at = 0;
    while (at < body->size && memchr(blanks, body->data[at], sizeof blanks) != NULL)
        at++;
    return at < body->size && (body->data[at] == '{' || body->data[at] == '[');
}

/* The verifier reads no deeper either, and so what it would not read is not taken for good here. */
static bool is_too_deep(const struct bytes *body)
{
    unsigned depth = 0;
    bool quoted = false;
    for (size_t i = 0; i < body->size && depth <= DEPTH_MAX; i++) {
        char c = (char)body->data[i];
        if (quoted && c == '\\')
            i++;
        else if (c == '"')
            quoted = !quoted;
        else if (!quoted && (c == '{' || c == '['))
            depth++;
        else if (!quoted && (c == '}' || c == ']') && depth > 0)
            depth--;
    }
    return depth > DEPTH_MAX;
}

enum health_answer health_answer_read(const struct setup_endpoint *endpoint, int status,
                                      const struct bytes *body, bool *ret_word)
{
    bool own = endpoint->healthy.count + endpoint->degraded.count > 0;
    *ret_word = false;
    if (status < 200 || status > 299)
        return HEALTH_ANSWER_BAD;
    if (!begins_as_json(body))
        return own ? HEALTH_ANSWER_BAD : HEALTH_ANSWER_GOOD;
    const size_t flags = JSON_REJECT_DUPLICATES | JSON_DECODE_INT_AS_REAL | JSON_ALLOW_NUL;
    json_t *json = is_too_deep(body)
                       ? NULL
                       : json_loadb((const char *)body->data, body->size, flags, NULL),
           *member = json_object_get(json, "status");
    enum health_answer answer = json == NULL || (own && member == NULL) ? HEALTH_ANSWER_BAD
                                                                        : HEALTH_ANSWER_GOOD;
    if (answer == HEALTH_ANSWER_GOOD && member != NULL)
        answer = json_is_string(member) ? read_word(endpoint, whole_word(member))
                                        : HEALTH_ANSWER_BAD;
    *ret_word = json_is_string(member);
    json_decref(json);
    return answer;
}
