/* What runs beside the services: heartbeats on the bus, and the servers that logs and figures drain
 * to. All of them are asked through the target. */
#include "actions/checklist/check.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "actions/target/bus.h"
#include "actions/target/http.h"

enum { ASK_MS = 5000, LOKI_BODY_BYTES_MAX = 1 << 20, AHEAD_MS_MAX = 10000 };

static void release_json(json_t **value)
{
    json_decref(*value);
}
#define CLEANUP_JSON __attribute__((cleanup(release_json)))

/* A server reached through the target does not answer. The fault is the server's only if the target
 * itself still runs a command. */
static enum error_code link_is_good(struct check *check, struct error *error)
{
    CLEANUP_RESULT struct target_result result = {0};
    CLEANUP_TEXT struct text script = {0};
    text_add(&script, ":");
    return check_run(check, &script, &result, error);
}

/* ---- heartbeat ---- */

static bool is_subject(const char *subject)
{
    for (const char *token = subject;; token++) {
        size_t length = strcspn(token, ".");
        bool star = memchr(token, '*', length) != NULL, rest = memchr(token, '>', length) != NULL;
        if (length == 0 || ((star || rest) && length > 1) || (rest && token[length] != '\0')
            || strcspn(token, " \t") < length)
            return false;
        token += length;
        if (*token == '\0')
            return true;
    }
}

static enum error_code bus_failed(struct check *check, const struct error *found,
                                  struct error *error)
{
    if (found->code == ERROR_MEMORY || found->code == ERROR_HOST_REFUSED) {
        *error = *found;
        return found->code;
    }
    enum error_code code = link_is_good(check, error);
    return code == ERROR_OK ? check_say(check, PREFLIGHT_FAILED, error, "%s: %s; %s", found->where,
                                        found->what, found->next)
                            : code;
}

enum error_code check_heartbeat(struct check *check, struct error *error)
{
    const struct setup_check *item = check->item;
    enum bus_received received = BUS_SILENT;
    struct error found;
    size_t at = 0;
    if (target_setup(check->target)->bus.host[0] == '\0')
        return check_no_setting(check, "bus.host", error);
    if (item->subjects.count == 0)
        return check_no_setting(check, "subjects", error);
    for (size_t i = 0; i < item->subjects.count; i++)
        if (!is_subject(item->subjects.items[i]))
            return check_say(check, PREFLIGHT_FAILED, error,
                             "subjects: `%s` is not a valid subject", item->subjects.items[i]);
    if (bus_listen(check->target, &item->subjects, item->within_ms, &received, &at, &found)
        != ERROR_OK)
        return bus_failed(check, &found, error);
    switch (received) {
    case BUS_RECEIVED:
        return check_say(check, PREFLIGHT_PASSED, error,
                         "a message arrived on each of %zu subject%s within %lld ms",
                         item->subjects.count, item->subjects.count == 1 ? "" : "s",
                         (long long)item->within_ms);
    case BUS_FORBIDDEN:
        return check_say(check, PREFLIGHT_FAILED, error,
                         "the bus does not permit its user `%s` to subscribe to %s: grant it",
                         target_setup(check->target)->bus.user, item->subjects.items[at]);
    case BUS_SILENT:
        break;
    }
    return check_say(check, PREFLIGHT_FAILED, error,
                     "no message arrived on %s within %lld ms: is its service running?",
                     item->subjects.items[at], (long long)item->within_ms);
}

/* ---- logs ---- */

struct findings {
    struct check *check;
    struct bytes words; /* a line a server */
    bool failed;
};

static enum error_code __attribute__((format(printf, 4, 5)))
add_finding(struct findings *findings, bool good, struct error *error, const char *format, ...)
{
    char line[1024];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    findings->failed = findings->failed || !good;
    return bytes_append_format(&findings->words, error, "%s%s",
                               findings->words.size > 0 ? "\n" : "", line);
}

static void add_percent_escaped(struct text *url, const char *text)
{
    for (const unsigned char *at = (const unsigned char *)text; *at != '\0'; at++) {
        bool plain = (*at >= 'a' && *at <= 'z') || (*at >= 'A' && *at <= 'Z')
                     || (*at >= '0' && *at <= '9') || strchr("-._~", *at) != NULL;
        text_add_format(url, plain ? "%c" : "%%%02X", *at);
    }
}

/* "http://host:9090/" and "-/ready" are one address. */
static void add_server_path(struct text *url, const char *base, const char *path)
{
    size_t length = strlen(base);
    while (length > 0 && base[length - 1] == '/')
        length--;
    text_add_format(url, "%.*s/%s", (int)length, base, path);
}

/* *ret_good is false where the answer is not to be judged further; that was found already. */
static enum error_code ask_server(struct findings *findings, const char *setting,
                                  const struct text *url, bool any_status, struct http_reply *reply,
                                  bool *ret_good, struct error *error)
{
    struct http_place place;
    const char *address = text_string(url);
    struct check *check = findings->check;
    struct http_request request = {.world = target_world(check->target),
                                   .url = address,
                                   .through = check->target,
                                   .ca_file = check->item->ca_file,
                                   .timeout_ms = ASK_MS,
                                   .body_bytes_max = LOKI_BODY_BYTES_MAX};
    *ret_good = false;
    if (text_failed(url, error))
        return error->code;
    if (!http_place_of(address, &place) || place.user)
        return add_finding(
            findings, false, error,
            "%s: write http://host:port, as seen from the target, without a user name", setting);
    enum error_code code = http_fetch(&request, reply, error);
    if (code == ERROR_OK && reply->status == 0)
        code = link_is_good(check, error);
    if (code != ERROR_OK)
        return code;
    if (reply->status == 0)
        return add_finding(findings, false, error, "%s (%s): %s", address, setting, reply->words);
    *ret_good = reply->status == 200 || any_status;
    return *ret_good ? ERROR_OK
                     : add_finding(findings, false, error, "%s answers %d and not 200 (%s)",
                                   address, reply->status, setting);
}

static enum error_code ask_ready(struct findings *findings, const char *setting, const char *base,
                                 const char *path, bool *ret_good, struct error *error)
{
    CLEANUP_TEXT struct text url = {0};
    CLEANUP_REPLY struct http_reply reply = {0};
    add_server_path(&url, base, path);
    return ask_server(findings, setting, &url, false, &reply, ret_good, error);
}

/* How many series have a sample within the last milliseconds *of Prometheus's own clock*: the range
 * is counted back from the moment at which it evaluates. Only a selector takes a range, so that a
 * figure computed now from old samples does not pass for a recent one. */
static enum error_code judge_prometheus(struct findings *findings, const struct http_reply *reply,
                                        struct error *error)
{
    const struct setup_check *item = findings->check->item;
    CLEANUP_JSON json_t *root = json_loadb((const char *)reply->body.data, reply->body.size,
                                           JSON_REJECT_DUPLICATES, NULL);
    const char *refused = json_string_value(json_object_get(root, "error"));
    json_t *result = json_object_get(json_object_get(root, "data"), "result");
    const char *count = json_string_value(
        json_array_get(json_object_get(json_array_get(result, 0), "value"), 1));
    if (refused != NULL)
        return add_finding(findings, false, error,
                           "%s refuses prometheus_query `%s`, which must be a selector: %.200s",
                           item->prometheus, item->prometheus_query,
                           check_foreign(findings->check, refused));
    if (reply->status != 200 || !json_is_array(result))
        return add_finding(findings, false, error,
                           "%s answers %d, and not as Prometheus does (prometheus)",
                           item->prometheus, reply->status);
    long series = count != NULL ? strtol(count, NULL, 10) : 0;
    if (series < 1)
        return add_finding(
            findings, false, error,
            "%s has no sample of `%s` of the last %lld ms (prometheus_query, within_ms)",
            item->prometheus, item->prometheus_query, (long long)item->within_ms);
    return add_finding(findings, true, error,
                       "Prometheus is ready and has recent samples of %ld series", series);
}

static enum error_code ask_prometheus(struct findings *findings, struct error *error)
{
    const struct setup_check *item = findings->check->item;
    CLEANUP_TEXT struct text url = {0}, query = {0};
    CLEANUP_REPLY struct http_reply reply = {0};
    bool good;
    enum error_code code = ask_ready(findings, "prometheus", item->prometheus, "-/ready", &good,
                                     error);
    if (code != ERROR_OK || !good)
        return code;
    add_server_path(&url, item->prometheus, "api/v1/query?query=");
    text_add_format(&query, "count(count_over_time(%s[%lldms]))", item->prometheus_query,
                    (long long)item->within_ms);
    if (text_failed(&query, error))
        return error->code;
    add_percent_escaped(&url, text_string(&query));
    code = ask_server(findings, "prometheus", &url, true, &reply, &good, error);
    return code == ERROR_OK && good ? judge_prometheus(findings, &reply, error) : code;
}

/* The line itself is not read: it may hold anything. */
static enum error_code judge_loki(struct findings *findings, const struct http_reply *reply,
                                  int64_t asked_ms, struct error *error)
{
    const struct setup_check *item = findings->check->item;
    CLEANUP_JSON json_t *root = json_loadb((const char *)reply->body.data, reply->body.size,
                                           JSON_REJECT_DUPLICATES, NULL);
    json_t *data = json_object_get(root, "data"), *result = json_object_get(data, "result");
    const char *kind = json_string_value(json_object_get(data, "resultType"));
    const char *stamp = json_string_value(
        json_array_get(json_array_get(json_object_get(json_array_get(result, 0), "values"), 0), 0));
    if (reply->status == 400)
        return add_finding(findings, false, error, "%s refuses loki_query `%s`", item->loki,
                           item->loki_query);
    if (reply->status != 200 || !json_is_array(result) || kind == NULL)
        return add_finding(findings, false, error, "%s answers %d, and not as Loki does (loki)",
                           item->loki, reply->status);
    if (strcmp(kind, "streams") != 0)
        return add_finding(findings, false, error,
                           "loki_query `%s` must select lines, and not compute a %.20s",
                           item->loki_query, check_foreign(findings->check, kind));
    int64_t age_ms = stamp != NULL ? asked_ms - strtoll(stamp, NULL, 10) / 1000000 : 0;
    if (stamp == NULL || age_ms > item->within_ms)
        return add_finding(findings, false, error,
                           "%s has no line of `%s` of the last %lld ms (loki_query, within_ms)",
                           item->loki, item->loki_query, (long long)item->within_ms);
    if (age_ms < -AHEAD_MS_MAX)
        return add_finding(
            findings, false, error,
            "%s: its newest line is stamped %lld s ahead of the target's clock: set the clocks",
            item->loki, (long long)(-age_ms / 1000));
    return add_finding(findings, true, error, "Loki is ready and has a recent line");
}

static enum error_code ask_loki(struct findings *findings, struct error *error)
{
    const struct setup_check *item = findings->check->item;
    CLEANUP_TEXT struct text url = {0}, script = {0};
    CLEANUP_REPLY struct http_reply reply = {0};
    CLEANUP_RESULT struct target_result date = {0};
    bool good;
    enum error_code code = ask_ready(findings, "loki", item->loki, "ready", &good, error);
    if (code != ERROR_OK || !good)
        return code;
    text_add(&script, "date +%s");
    code = check_run(findings->check, &script, &date, error);
    long long asked_s = code == ERROR_OK && date.status == 0
                            ? strtoll((const char *)date.output.data, NULL, 10)
                            : 0;
    if (code != ERROR_OK)
        return code;
    if (asked_s <= 0)
        return add_finding(findings, false, error,
                           "the time of the target is unknown: `date +%%s` failed there");
    add_server_path(&url, item->loki, "loki/api/v1/query_range?limit=1&direction=backward&query=");
    add_percent_escaped(&url, item->loki_query);
    text_add_format(&url, "&start=%lld000000000", asked_s - (long long)item->within_ms / 1000 - 1);
    code = ask_server(findings, "loki", &url, true, &reply, &good, error);
    return code == ERROR_OK && good ? judge_loki(findings, &reply, asked_s * 1000, error) : code;
}

static enum error_code ask_servers(struct findings *findings, struct error *error)
{
    const struct setup_check *item = findings->check->item;
    enum error_code code = item->prometheus[0] != '\0' ? ask_prometheus(findings, error) : ERROR_OK;
    if (code == ERROR_OK && item->loki[0] != '\0')
        code = ask_loki(findings, error);
    return code == ERROR_OK
               ? check_say(findings->check, findings->failed ? PREFLIGHT_FAILED : PREFLIGHT_PASSED,
                           error, "%s", (const char *)findings->words.data)
               : code;
}

enum error_code check_logs(struct check *check, struct error *error)
{
    struct findings findings = {.check = check};
    if (check->item->prometheus[0] == '\0' && check->item->loki[0] == '\0')
        return check_say(check, PREFLIGHT_UNDECIDED, error,
                         "no probe decides this: prometheus and loki, neither is configured");
    enum error_code code = ask_servers(&findings, error);
    bytes_free(&findings.words);
    return code;
}
