#include "actions/health.h"

#include <stdio.h>
#include <string.h>

#include "actions/compose/compose.h"
#include "actions/health_answer.h"
#include "actions/heard.h"
#include "actions/target/http.h"
#include "journal/format/names.h"

enum { PROBE_MS = 4000 };

static const char SERVICE_MARK[] = "//service:";

size_t health_service(const struct setup_endpoint *endpoint, const char **ret_service)
{
    const char *mark = strstr(endpoint->url, SERVICE_MARK);
    *ret_service = mark != NULL ? mark + strlen(SERVICE_MARK) : endpoint->service;
    return mark != NULL ? strcspn(*ret_service, ":/") : strlen(*ret_service);
}

/* "http://service:NAME:3100/x" with NAME's own address in the container network. */
static enum error_code resolve(struct target *target, const struct containers *containers,
                               const char *url, struct bytes *ret_url, struct error *error)
{
    const char *mark = strstr(url, SERVICE_MARK);
    if (mark == NULL)
        return bytes_append(ret_url, url, strlen(url), error);
    const char *name = mark + strlen(SERVICE_MARK);
    size_t length = strcspn(name, ":/");
    CLEANUP_TEXT struct text service = {0};
    text_add_bytes(&service, name, length);
    if (text_failed(&service, error))
        return error->code;
    const struct container *container = containers_find(containers, text_string(&service));
    if (container == NULL || !bytes_is_hex(container->id, SHA256_HEX))
        return bytes_append(ret_url, "", 0, error);
    CLEANUP_TEXT struct text script = {0};
    CLEANUP_RESULT struct target_result result = {0};
    text_add_format(
        &script,
        "%s inspect --format '{{range .NetworkSettings.Networks}}{{.IPAddress}} {{end}}' %s",
        target_setup(target)->target.docker, container->id);
    enum error_code code = target_run(target,
                                      &(struct target_command){.built = &script,
                                                               .output = OUTPUT_NAMES,
                                                               .deadline_ms = PROBE_MS},
                                      &result, error);
    if (code != ERROR_OK)
        return code;
    size_t address = result.output.size > 0 ? strcspn((const char *)result.output.data, " \n") : 0;
    if (result.status != 0 || address == 0) /* a container that does not run has none */
        return bytes_append(ret_url, "", 0, error);
    return bytes_append_format(ret_url, error, "%.*s//%.*s%s", (int)(mark - url), url, (int)address,
                               (const char *)result.output.data, name + length);
}

static enum error_code ask_http(struct target *target, const struct containers *containers,
                                const struct setup_endpoint *endpoint, struct evidence *evidence,
                                bool *ret_good, struct error *error)
{
    CLEANUP_BYTES struct bytes url = {0}, body = {0};
    int status = 0;
    int64_t sent_ns = clock_boottime_ns(target_clock(target));
    enum error_code code = resolve(target, containers, endpoint->url, &url, error);
    if (code == ERROR_OK && url.size == 0)
        code = bytes_append_format(&body, error, "the service has no running container");
    else if (code == ERROR_OK)
        code = http_get(&(struct http_request){.world = target_world(target),
                                               .url = (const char *)url.data,
                                               .through = target,
                                               .socket = endpoint->socket,
                                               .ca_file = endpoint->ca_file,
                                               .timeout_ms = PROBE_MS},
                        &status, &body, error);
    if (code != ERROR_OK)
        return code;
    bool word, expected = heard_expects_word(target_heard(target), endpoint->name);
    enum health_answer answer = health_answer_read(endpoint, status, &body, &word);
    *ret_good = answer != HEALTH_ANSWER_BAD && (word || !expected);
    return evidence_add(evidence,
                        &(struct evidence_draft){.probe = PROBE_HEALTH,
                                                 .subject = endpoint->name,
                                                 .status = status,
                                                 .output = &body,
                                                 .sent_ns = sent_ns,
                                                 .received_ns = clock_boottime_ns(
                                                     target_clock(target))},
                        error);
}

/* The container's own check, as `docker inspect` reports it; without one, running alone is not
 * enough. */
static enum error_code ask_container(struct target *target, const struct containers *containers,
                                     const struct setup_endpoint *endpoint,
                                     struct evidence *evidence, bool *ret_good, struct error *error)
{
    const struct container *container = containers_find(containers, endpoint->service);
    bool good = container != NULL && strcmp(container->state, "running") == 0
                && strcmp(container->health, "healthy") == 0;
    CLEANUP_BYTES struct bytes body = {0};
    enum error_code code = bytes_append_format(&body, error, "%s %s",
                                               container != NULL ? container->state : "missing",
                                               container != NULL && container->health[0] != '\0'
                                                   ? container->health
                                                   : "without a check");
    int64_t now = clock_boottime_ns(target_clock(target));
    if (code != ERROR_OK)
        return code;
    *ret_good = good;
    return evidence_add(evidence,
                        &(struct evidence_draft){.probe = PROBE_HEALTH,
                                                 .subject = endpoint->name,
                                                 .status = good ? HEALTH_STATUS_GOOD
                                                                : HEALTH_STATUS_BAD,
                                                 .output = &body,
                                                 .sent_ns = now,
                                                 .received_ns = now},
                        error);
}

static enum error_code ask_exec(struct target *target, const struct setup_endpoint *endpoint,
                                struct evidence *evidence, bool *ret_good, struct error *error)
{
    CLEANUP_TEXT struct text script = {0};
    CLEANUP_RESULT struct target_result result = {0};
    compose_prefix(&script, target, NULL);
    text_add(&script, "exec -T ");
    text_add_quoted(&script, endpoint->service);
    text_add_format(&script, " %s 2>&1", endpoint->exec);
    enum error_code code = target_run(target,
                                      &(struct target_command){.built = &script,
                                                               .deadline_ms = PROBE_MS},
                                      &result, error);
    if (code != ERROR_OK)
        return code;
    *ret_good = result.status == 0;
    return evidence_add(evidence,
                        &(struct evidence_draft){.probe = PROBE_HEALTH,
                                                 .subject = endpoint->name,
                                                 .status = result.status == 0 ? HEALTH_STATUS_GOOD
                                                                              : HEALTH_STATUS_BAD,
                                                 .output = &result.output,
                                                 .sent_ns = result.sent_ns,
                                                 .received_ns = result.received_ns,
                                                 .span = &result.span},
                        error);
}

static enum error_code ask_endpoint(struct target *target, const struct containers *containers,
                                    const struct setup_endpoint *endpoint,
                                    struct evidence *evidence, bool *ret_good, struct error *error)
{
    switch (endpoint->kind) {
    case HEALTH_INVALID:
        break;
    case HEALTH_HTTP:
        return ask_http(target, containers, endpoint, evidence, ret_good, error);
    case HEALTH_CONTAINER:
        return ask_container(target, containers, endpoint, evidence, ret_good, error);
    case HEALTH_EXEC:
        return ask_exec(target, endpoint, evidence, ret_good, error);
    }
    return error_set(error, ERROR_CONFIG, 0, endpoint->name, "give url, container or exec",
                     "an endpoint has neither url nor container nor exec");
}

enum error_code health_unanswered(const struct clock *clock, const char *endpoint, int64_t sent_ns,
                                  struct evidence *evidence, struct error *error)
{
    return evidence_add_unanswered(evidence,
                                   &(struct evidence_unanswered){PROBE_HEALTH, endpoint, 0, sent_ns,
                                                                 clock_boottime_ns(clock)},
                                   error);
}

enum error_code health_look(struct target *target, const struct containers *containers,
                            struct evidence *evidence, struct health_view *ret_view,
                            struct error *error)
{
    const struct setup *setup = target_setup(target);
    struct health_view view = {.all_good = true};
    for (size_t i = 0; i < setup->endpoint_count; i++) {
        int64_t sent_ns = clock_boottime_ns(target_clock(target));
        enum error_code code = ask_endpoint(target, containers, &setup->endpoints[i], evidence,
                                            &view.good[i], error);
        if (code != ERROR_OK && code != ERROR_MEMORY)
            code = health_unanswered(target_clock(target), setup->endpoints[i].name, sent_ns,
                                     evidence, error);
        if (code != ERROR_OK)
            return code;
        if (!view.good[i] && view.all_good) {
            const struct evidence_item *item = evidence_last(evidence, PROBE_HEALTH,
                                                             setup->endpoints[i].name);
            (void)snprintf(view.text, sizeof view.text, "%s is not healthy: %d %.120s",
                           setup->endpoints[i].name, item->status, (const char *)item->output.data);
        }
        view.all_good = view.all_good && view.good[i];
    }
    *ret_view = view;
    return ERROR_OK;
}
