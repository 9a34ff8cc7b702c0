#include "fsm/terminal/outage.h"

#include <stdlib.h>
#include <string.h>

#include "fsm/past/recorded.h"
#include "actions/compose/containers.h"
#include "actions/health_answer.h"
#include "journal/format/names.h"

enum { ACTS_MAX = SETUP_NAMES_MAX + 2 };

/* One pass over the evidence, in order. */
struct measure {
    struct driver *driver;
    struct outage *outage;
    struct containers seen; /* the last list of containers */
    struct containers now;  /* the list that is being read */
    struct images pulled;
    struct {
        const char *services;
        int64_t sent_ns;
    } acts[ACTS_MAX]; /* `compose.up` and removals since that list; services: "a b", "" = all */
    size_t act_count;
};

static struct outage_row *row_of(struct outage *outage, const char *name, bool endpoint)
{
    for (size_t i = 0; i < outage->count; i++)
        if (outage->rows[i].endpoint == endpoint && strcmp(outage->rows[i].name, name) == 0)
            return &outage->rows[i];
    if (outage->count == sizeof outage->rows / sizeof outage->rows[0])
        return NULL;
    struct outage_row *row = &outage->rows[outage->count++];
    *row = (struct outage_row){.endpoint = endpoint};
    (void)snprintf(row->name, sizeof row->name, "%s", name);
    return row;
}

static void note_service(struct outage_row *row, bool good, int64_t from_ns, int64_t received_ns)
{
    if (row == NULL)
        return;
    if (!good && row->since_ns == 0)
        row->since_ns = from_ns;
    if (good && row->since_ns != 0) {
        row->total_ns += received_ns - row->since_ns;
        row->since_ns = 0;
    }
}

static bool is_word_of(const char *words, const char *word)
{
    size_t length = strlen(word);
    for (const char *at = words; *at != '\0';
         at += strcspn(at, " ") + (at[strcspn(at, " ")] == ' ' ? 1 : 0))
        if (strcspn(at, " ") == length && memcmp(at, word, length) == 0)
            return true;
    return false;
}

/* When the first act that may have replaced this service's container was sent; `otherwise` if none
 * is recorded. */
static int64_t replaced_ns(const struct measure *measure, const char *service, int64_t otherwise)
{
    for (size_t i = 0; i < measure->act_count; i++)
        if (measure->acts[i].services[0] == '\0' || is_word_of(measure->acts[i].services, service))
            return measure->acts[i].sent_ns;
    return otherwise;
}

static bool belongs_to(const struct setup_endpoint *endpoint, const char *service)
{
    static const char host[] = "://service:";
    if (endpoint->service != NULL && strcmp(endpoint->service, service) == 0)
        return true;
    const char *at = endpoint->url != NULL ? strstr(endpoint->url, host) : NULL;
    size_t length = strlen(service);
    return at != NULL && strncmp(at + sizeof host - 1, service, length) == 0
           && strchr(":/", at[sizeof host - 1 + length]) != NULL;
}

static bool belongs_to_any(const struct setup_endpoint *endpoint)
{
    return (endpoint->service != NULL && endpoint->service[0] != '\0')
           || (endpoint->url != NULL && strstr(endpoint->url, "://service:") != NULL);
}

/* The answer of an endpoint after item `from` of this entry and before the next list of containers:
 * 1 good, 0 bad, -1 not asked. */
static enum error_code answer_of(struct measure *measure, const json_t *items, size_t from,
                                 const struct setup_endpoint *endpoint, int *ret_answer,
                                 int64_t *received_ns, struct error *error)
{
    *ret_answer = -1;
    for (size_t i = from; i < json_array_size(items); i++) {
        const json_t *item = json_array_get(items, i);
        CLEANUP_BYTES struct bytes body = {0};
        if (strcmp(recorded_text(item, "probe"), PROBE_COMPOSE_CONTAINERS) == 0)
            return ERROR_OK;
        if (strcmp(recorded_text(item, "probe"), PROBE_HEALTH) != 0
            || strcmp(recorded_text(item, "subject"), endpoint->name) != 0)
            continue;
        enum error_code code = item_output(measure->driver->journal, item, &body, error);
        if (code != ERROR_OK)
            return code;
        int status = (int)json_integer_value(json_object_get(item, "status"));
        bool word;
        *ret_answer = status == HEALTH_STATUS_GOOD
                      || health_answer_read(endpoint, status, &body, &word) != HEALTH_ANSWER_BAD;
        *received_ns = item_received_ns(item);
        return ERROR_OK;
    }
    return ERROR_OK;
}

/* One service at one look: its container and its own endpoints. */
static enum error_code look_at_service(struct measure *measure, const json_t *items, size_t at,
                                       const struct containers *now, const char *service,
                                       struct error *error)
{
    const struct setup *setup = &measure->driver->config.setup;
    const json_t *item = json_array_get(items, at);
    const struct container *container = containers_find(now, service),
                           *before = containers_find(&measure->seen, service);
    struct outage_row *row = row_of(measure->outage, service, false);
    int64_t sent_ns = item_sent_ns(item), received_ns = item_received_ns(item);
    bool replaced = before != NULL
                    && (container == NULL || strcmp(before->id, container->id) != 0
                        || strcmp(before->started_at, container->started_at) != 0);
    bool good = container != NULL && container_is_good(container), unasked = false;
    if (replaced)
        note_service(row, false, replaced_ns(measure, service, sent_ns), 0);
    for (size_t i = 0; i < setup->endpoint_count; i++) {
        int answer;
        if (!belongs_to(&setup->endpoints[i], service))
            continue;
        enum error_code code = answer_of(measure, items, at + 1, &setup->endpoints[i], &answer,
                                         &received_ns, error);
        if (code != ERROR_OK)
            return code;
        good = good && answer != 0;
        unasked = unasked || answer < 0;
    }
    if (!good || !unasked)
        note_service(row, good, sent_ns, received_ns);
    return ERROR_OK;
}

static enum error_code take_containers(struct measure *measure, const json_t *items, size_t at,
                                       struct error *error)
{
    CLEANUP_BYTES struct bytes lines = {0};
    struct containers *now = &measure->now;
    now->count = 0;
    enum error_code code = item_output(measure->driver->journal, json_array_get(items, at), &lines,
                                       error);
    if (code == ERROR_OK)
        code = containers_read(&lines, now, error);
    for (size_t i = 0; code == ERROR_OK && i < measure->seen.count; i++)
        if (containers_find(now, measure->seen.list[i].service) == NULL)
            code = look_at_service(measure, items, at, now, measure->seen.list[i].service, error);
    for (size_t i = 0; code == ERROR_OK && i < now->count; i++)
        code = look_at_service(measure, items, at, now, now->list[i].service, error);
    if (code != ERROR_OK)
        return code;
    measure->seen = *now;
    measure->act_count = 0;
    return ERROR_OK;
}

static enum error_code take_health(struct measure *measure, const json_t *items, size_t at,
                                   struct error *error)
{
    const struct setup *setup = &measure->driver->config.setup;
    const json_t *item = json_array_get(items, at);
    for (size_t i = 0; i < setup->endpoint_count; i++) {
        int answer;
        int64_t received_ns = 0;
        if (strcmp(setup->endpoints[i].name, recorded_text(item, "subject")) != 0
            || belongs_to_any(&setup->endpoints[i]))
            continue;
        enum error_code code = answer_of(measure, items, at, &setup->endpoints[i], &answer,
                                         &received_ns, error);
        if (code != ERROR_OK)
            return code;
        note_service(row_of(measure->outage, setup->endpoints[i].name, true), answer == 1,
                     item_sent_ns(item), received_ns);
    }
    return ERROR_OK;
}

static void take_act(struct measure *measure, const json_t *item)
{
    measure->outage->changed = true;
    if (measure->act_count == ACTS_MAX)
        return;
    measure->acts[measure->act_count].services = recorded_text(item, "subject");
    measure->acts[measure->act_count++].sent_ns = item_sent_ns(item);
}

static enum error_code take_entry(struct measure *measure, const struct journal_entry *entry,
                                  struct error *error)
{
    const json_t *items = json_object_get(entry->body, "evidence");
    enum error_code code = ERROR_OK;
    for (size_t i = 0; code == ERROR_OK && i < json_array_size(items); i++) {
        const json_t *item = json_array_get(items, i);
        const char *probe = recorded_text(item, "probe");
        if (strcmp(probe, PROBE_COMPOSE_UP) == 0
            || (strcmp(probe, PROBE_ACT) == 0
                && strncmp(recorded_text(item, "subject"), "remove ", 7) == 0)) {
            take_act(measure, item);
        } else if (strcmp(probe, PROBE_COMPOSE_CONTAINERS) == 0) {
            code = take_containers(measure, items, i, error);
        } else if (strcmp(probe, PROBE_HEALTH) == 0) {
            code = take_health(measure, items, i, error);
        }
    }
    return code;
}

/* A service that is no longer declared was removed on purpose. */
static enum error_code drop_removed(struct measure *measure, struct error *error)
{
    const struct deployment *deployment = &measure->driver->deployment;
    const struct journal_entry *pulled = deployment_transition_to(deployment, STATE_PULLED);
    struct outage *outage = measure->outage;
    CLEANUP_BYTES struct bytes lines = {0};
    if (deployment->state != STATE_COMPLETED || pulled == NULL)
        return ERROR_OK;
    enum error_code code = entry_output(measure->driver->journal, pulled, PROBE_COMPOSE_IMAGES,
                                        &lines, error);
    if (code == ERROR_OK)
        code = images_read(&lines, &measure->pulled, error);
    if (code != ERROR_OK)
        return code;
    size_t kept = 0;
    for (size_t i = 0; i < outage->count; i++)
        if (outage->rows[i].endpoint || images_find(&measure->pulled, outage->rows[i].name) != NULL)
            outage->rows[kept++] = outage->rows[i];
    outage->count = kept;
    return ERROR_OK;
}

static enum error_code measure_services(struct measure *measure, struct error *error)
{
    const struct deployment *deployment = &measure->driver->deployment;
    const struct journal_entry *end = &deployment->entries[deployment->count - 1];
    struct outage *outage = measure->outage;
    for (size_t i = 0; i < deployment->count; i++) {
        enum error_code code = take_entry(measure, &deployment->entries[i], error);
        if (code != ERROR_OK)
            return code;
        outage->measured = outage->measured && strcmp(deployment->entries[i].boot, end->boot) == 0;
    }
    enum error_code code = drop_removed(measure, error);
    for (size_t i = 0; code == ERROR_OK && i < outage->count; i++)
        if (outage->rows[i].since_ns != 0)
            outage->rows[i].total_ns += end->boottime_ns - outage->rows[i].since_ns;
    return code;
}

enum error_code outage_measure(struct driver *driver, struct outage *ret_outage,
                               struct error *error)
{
    struct measure *measure = calloc(1, sizeof *measure);
    struct outage *outage = calloc(1, sizeof *outage);
    if (measure == NULL || outage == NULL) {
        free(measure);
        free(outage);
        return error_set(error, ERROR_MEMORY, 0, "outage", "", "out of memory");
    }
    outage->measured = true;
    outage->resolution_ms = driver->config.limits.sample_interval_ms;
    measure->driver = driver;
    measure->outage = outage;
    enum error_code code = measure_services(measure, error);
    free(measure);
    if (code == ERROR_OK)
        code = outage_measure_disarmed(driver, outage, error);
    if (code == ERROR_OK)
        *ret_outage = *outage;
    free(outage);
    return code;
}
