#include "verify/judge/reading.h"

#include <stdio.h>
#include <string.h>

static void close_tree(struct tree *tree)
{
    tree_free(tree);
}

/* A string, or null for "". */
static bool copy_string(const struct node *object, const char *key, char *ret_text, size_t room)
{
    const struct node *member = node_member(object, key);
    ret_text[0] = '\0';
    if (node_is(member, NODE_NULL))
        return true;
    return node_is(member, NODE_STRING) && slice_copy(member->text, ret_text, room);
}

static bool fill_container(const struct node *object, struct container *container)
{
    return copy_string(object, "service", container->service, sizeof container->service)
           && copy_string(object, "id", container->id, sizeof container->id)
           && copy_string(object, "image", container->image, sizeof container->image)
           && copy_string(object, "state", container->state, sizeof container->state)
           && copy_string(object, "health", container->health, sizeof container->health)
           && copy_string(object, "started_at", container->started_at,
                          sizeof container->started_at);
}

static bool fill_image(const struct node *object, struct container *image)
{
    return copy_string(object, "service", image->service, sizeof image->service)
           && copy_string(object, "id", image->image, sizeof image->image);
}

static bool append_container(const struct node *object, void *into)
{
    struct containers *containers = into;
    return containers->count < READING_CONTAINERS_MAX
           && fill_container(object, &containers->list[containers->count++]);
}

static bool append_image(const struct node *object, void *into)
{
    struct containers *images = into;
    return images->count < READING_CONTAINERS_MAX
           && fill_image(object, &images->list[images->count++]);
}

static bool is_hmac_or_empty(const char *text)
{
    return text[0] == '\0' || bytes_is_hex(text, SHA256_HEX);
}

static bool append_configuration(const struct node *object, void *into)
{
    struct configurations *configurations = into;
    if (configurations->count == READING_CONTAINERS_MAX)
        return false;
    struct configuration *configuration = &configurations->list[configurations->count++];
    return copy_string(object, "service", configuration->service, sizeof configuration->service)
           && copy_string(object, "declared", configuration->declared,
                          sizeof configuration->declared)
           && is_hmac_or_empty(configuration->declared)
           && copy_string(object, "running", configuration->running, sizeof configuration->running)
           && is_hmac_or_empty(configuration->running);
}

/* Calls `read` with each line's object. */
static bool read_json_lines(const struct item *item,
                            bool (*read)(const struct node *object, void *into), void *into)
{
    if (item == NULL || item->status != 0)
        return false;
    struct slice rest = item->output, line;
    while (slice_line(&rest, &line)) {
        struct tree tree __attribute__((cleanup(close_tree))) = {0};
        struct error ignored;
        if (line.length == 0)
            continue;
        if (tree_read(line.at, line.length, TREE_PLAIN, &tree, &ignored) != ERROR_OK
            || !read(tree.root, into))
            return false;
    }
    return true;
}

bool reading_containers(const struct item *item, struct containers *ret_containers)
{
    *ret_containers = (struct containers){.count = 0};
    return read_json_lines(item, append_container, ret_containers);
}

bool reading_images(const struct item *item, struct containers *ret_images)
{
    *ret_images = (struct containers){.count = 0};
    return read_json_lines(item, append_image, ret_images);
}

bool reading_configurations(const struct item *item, struct configurations *ret_configurations)
{
    *ret_configurations = (struct configurations){.count = 0};
    return read_json_lines(item, append_configuration, ret_configurations);
}

const struct configuration *reading_configuration(const struct configurations *configurations,
                                                  const char *service)
{
    for (size_t i = 0; i < configurations->count; i++)
        if (strcmp(configurations->list[i].service, service) == 0)
            return &configurations->list[i];
    return NULL;
}

const struct container *reading_container(const struct containers *containers, struct slice service)
{
    const struct container *found = NULL;
    for (size_t i = 0; i < containers->count; i++)
        if (slice_is(service, containers->list[i].service)
            && (found == NULL || strcmp(containers->list[i].state, "running") == 0))
            found = &containers->list[i];
    return found;
}

bool reading_container_is_good(const struct container *container)
{
    return strcmp(container->state, "running") == 0
           && (container->health[0] == '\0' || strcmp(container->health, "healthy") == 0);
}

/* The one running container of a service. Two at a time are none: nobody could say whose lines and
 * answers those are. */
static const struct container *sole_container(const struct containers *containers,
                                              struct slice service)
{
    const struct container *found = NULL;
    for (size_t i = 0; i < containers->count; i++) {
        if (!slice_is(service, containers->list[i].service)
            || strcmp(containers->list[i].state, "running") != 0)
            continue;
        if (found != NULL)
            return NULL;
        found = &containers->list[i];
    }
    return found;
}

/* The place of the last item of a probe in [from, to), or `to`. */
static size_t last_place(const struct entry *entry, size_t from, size_t to, enum probe probe)
{
    const struct item *item = entry_item(entry, from, to, probe, NULL);
    return item != NULL ? (size_t)(item - entry->items) : to;
}

const char *interlock_word(enum interlock interlock)
{
    switch (interlock) {
    case INTERLOCK_INVALID:
        return "not looked at";
    case INTERLOCK_UNKNOWN:
        return "unknown";
    case INTERLOCK_DISARMED:
        return "disarmed";
    case INTERLOCK_ARMED:
        return "armed";
    }
    return "invalid";
}

static void follow_lines(const struct genesis *genesis, struct slice lines, const char *started_at,
                         const char *nonce, struct interlock_reading *reading)
{
    struct log log
        __attribute__((cleanup(reading_log_close))) = {.rest = lines, .started_at = started_at};
    struct slice message;
    while (reading_message(&log, &message)) {
        if (reading_matches(message, genesis->patterns[PATTERN_ARMED], NULL, NULL)) {
            reading->interlock = INTERLOCK_ARMED;
            reading->received = false;
        } else if (reading_matches(message, genesis->patterns[PATTERN_DISARMED], NULL, NULL)) {
            reading->interlock = INTERLOCK_DISARMED;
        } else if (nonce != NULL
                   && reading_matches(message, genesis->patterns[PATTERN_DISARM_RECEIVED], nonce,
                                      NULL)) {
            reading->received = true;
        }
    }
}

static void compare_marker(const struct item *marker, struct interlock_reading *reading)
{
    const char *agreeing = reading->interlock == INTERLOCK_ARMED ? "present\n" : "absent\n";
    if (marker != NULL && marker->received_ns > reading->received_ns)
        reading->received_ns = marker->received_ns;
    if (marker != NULL && marker->status == 0 && slice_is(marker->output, agreeing))
        return;
    (void)snprintf(reading->why, sizeof reading->why,
                   "the marker probe does not agree with the last line, which says %s",
                   interlock_word(reading->interlock));
    reading->interlock = INTERLOCK_UNKNOWN;
}

/* What the last list of containers says of Execution. */
static void read_presence(const struct genesis *genesis, const struct entry *entry, size_t from,
                          size_t to, struct interlock_reading *reading)
{
    struct containers containers;
    const struct item *list = entry_item(entry, from, to, PROBE_COMPOSE_CONTAINERS, NULL);
    if (list == NULL || !reading_containers(list, &containers))
        return;
    const struct container *execution = reading_container(&containers, genesis->execution);
    reading->absent = execution == NULL;
    reading->stopped = execution != NULL && strcmp(execution->state, "running") != 0;
}

void reading_interlock(const struct genesis *genesis, const struct entry *entry, size_t from,
                       size_t to, const char *nonce, struct interlock_reading *ret_reading)
{
    struct interlock_reading reading = {.interlock = INTERLOCK_UNKNOWN};
    struct containers containers;
    size_t end = to < entry->item_count ? to : entry->item_count;
    size_t place = last_place(entry, from, end, PROBE_LOGS_EXECUTION);
    size_t list = last_place(entry, from, place, PROBE_COMPOSE_CONTAINERS);
    (void)snprintf(reading.why, sizeof reading.why,
                   "there is no list of containers with Execution's log lines behind it");
    read_presence(genesis, entry, from, end, &reading);
    if (place < end && list < place && !reading.absent && !reading.stopped
        && reading_containers(&entry->items[list], &containers)) {
        const struct item *lines = &entry->items[place];
        const struct container *execution = sole_container(&containers, genesis->execution);
        reading.looked = true;
        reading.sent_ns = entry->items[list].sent_ns;
        reading.received_ns = lines->received_ns;
        (void)snprintf(reading.why, sizeof reading.why,
                       "no line of this start says whether it is armed");
        if (execution == NULL)
            (void)snprintf(reading.why, sizeof reading.why,
                           "there is not exactly one running container of Execution");
        else if (lines->status == 0)
            follow_lines(genesis, lines->output, execution->started_at, nonce, &reading);
        if (genesis->marker && reading.interlock != INTERLOCK_UNKNOWN)
            compare_marker(entry_item(entry, list, end, PROBE_INTERLOCK_MARKER, NULL), &reading);
    }
    *ret_reading = reading;
}

/* "policy_hash", else "hash", 64 hex. A storage receipt has neither. */
static bool reply_hash(const struct item *item, char ret_hash[SHA256_HEX + 1])
{
    struct tree tree __attribute__((cleanup(close_tree))) = {0};
    struct error ignored;
    if (item->status != 0
        || tree_read(item->output.at, item->output.length, TREE_PLAIN, &tree, &ignored) != ERROR_OK)
        return false;
    const struct node *named = node_member(tree.root, "policy_hash");
    struct slice hash = named != NULL ? node_text(tree.root, "policy_hash")
                                      : node_text(tree.root, "hash");
    return slice_copy(hash, ret_hash, SHA256_HEX + 1) && bytes_is_hex(ret_hash, SHA256_HEX);
}

static void hear_voice(struct parity_reading *reading, const char *who, const char *hash,
                       int64_t sent_ns)
{
    if (reading->sent_ns == 0 || sent_ns < reading->sent_ns)
        reading->sent_ns = sent_ns;
    if (reading->parity == PARITY_UNEQUAL || reading->parity == PARITY_MISSING)
        return;
    if (hash[0] == '\0') {
        reading->parity = PARITY_MISSING;
        (void)snprintf(reading->why, sizeof reading->why, "%s names no policy hash", who);
    } else if (reading->hash[0] != '\0' && strcmp(reading->hash, hash) != 0) {
        reading->parity = PARITY_UNEQUAL;
        (void)snprintf(reading->why, sizeof reading->why,
                       "%s names %.12s... where %.12s... was named before", who, hash,
                       reading->hash);
    } else {
        (void)snprintf(reading->hash, sizeof reading->hash, "%s", hash);
    }
}

/* The log of a role with the container it belongs to; false when there is none to read. */
static bool find_log(const struct entry *entry, size_t from, size_t to, enum probe probe,
                     struct slice service, struct containers *containers,
                     const struct item **ret_lines, const char **ret_started_at)
{
    size_t place = last_place(entry, from, to, probe);
    size_t list = last_place(entry, from, place, PROBE_COMPOSE_CONTAINERS);
    if (place == to || list == place || !reading_containers(&entry->items[list], containers)
        || entry->items[place].status != 0)
        return false;
    const struct container *container = sole_container(containers, service);
    if (container == NULL)
        return false;
    *ret_lines = &entry->items[place];
    *ret_started_at = container->started_at;
    return true;
}

static void hear_execution(const struct genesis *genesis, const struct entry *entry, size_t from,
                           size_t to, bool needed, struct parity_reading *reading)
{
    struct containers containers;
    const struct item *lines = NULL;
    const char *started_at = "";
    char hash[SHA256_HEX + 1], last[SHA256_HEX + 1] = "";
    struct slice message;
    if (find_log(entry, from, to, PROBE_LOGS_EXECUTION, genesis->execution, &containers, &lines,
                 &started_at)) {
        struct log log __attribute__((cleanup(reading_log_close))) = {.rest = lines->output,
                                                                      .started_at = started_at};
        while (reading_message(&log, &message))
            if (reading_matches(message, genesis->patterns[PATTERN_POLICY_LOADED], NULL, hash))
                memcpy(last, hash, sizeof last);
    }
    if (needed || last[0] != '\0')
        hear_voice(reading, "Execution's start-up line", last, lines != NULL ? lines->sent_ns : 0);
}

static void hear_brain(const struct genesis *genesis, const struct entry *entry, size_t from,
                       size_t to, bool needed, struct parity_reading *reading)
{
    struct containers containers;
    const struct item *lines = NULL;
    const char *started_at = "";
    char hash[SHA256_HEX + 1] = "";
    bool shaken = false, failed = false;
    struct slice message;
    if (find_log(entry, from, to, PROBE_LOGS_BRAIN, genesis->brain, &containers, &lines,
                 &started_at)) {
        struct log log __attribute__((cleanup(reading_log_close))) = {.rest = lines->output,
                                                                      .started_at = started_at};
        while (reading_message(&log, &message)) {
            if (reading_matches(message, genesis->patterns[PATTERN_HANDSHAKE_FAILED], NULL, NULL)) {
                failed = true;
            } else if (reading_matches(message, genesis->patterns[PATTERN_HANDSHAKE_OK], NULL,
                                       hash)) {
                shaken = true;
                failed = false;
            }
        }
    }
    if (failed && reading->parity == PARITY_INVALID) {
        reading->parity = PARITY_UNEQUAL;
        (void)snprintf(reading->why, sizeof reading->why, "Brain's last handshake failed");
    }
    if (needed || shaken) /* a line that names no hash is Brain's word that it agreed */
        hear_voice(reading, "Brain's handshake line",
                   shaken && hash[0] == '\0' ? reading->hash : hash,
                   lines != NULL ? lines->sent_ns : 0);
}

void reading_parity(const struct genesis *genesis, const struct entry *entry, size_t from,
                    size_t to, unsigned voices, struct parity_reading *ret_reading)
{
    struct parity_reading reading = {.parity = PARITY_INVALID};
    size_t end = to < entry->item_count ? to : entry->item_count;
    unsigned replies = 0;
    for (size_t i = from; i < end; i++) {
        char hash[SHA256_HEX + 1] = "";
        if (entry->items[i].probe != PROBE_BUS_POLICY_HASH)
            continue;
        replies++;
        reading.silent = reading.silent || entry->items[i].status != 0;
        hear_voice(&reading, "a reply of the responder",
                   reply_hash(&entry->items[i], hash) ? hash : "", entry->items[i].sent_ns);
    }
    if (replies == 0 && (voices & PARITY_RESPONDER) != 0)
        hear_voice(&reading, "no reply of the responder is there: it", "", 0);
    hear_execution(genesis, entry, from, end, (voices & PARITY_EXECUTION) != 0, &reading);
    hear_brain(genesis, entry, from, end, (voices & PARITY_BRAIN) != 0, &reading);
    if (reading.parity == PARITY_INVALID && reading.hash[0] != '\0')
        reading.parity = PARITY_EQUAL;
    if (reading.parity == PARITY_INVALID)
        reading.parity = PARITY_MISSING;
    *ret_reading = reading;
}

/* Status 1 is a container's own good check, 2 its bad one, 0 no answer, all else an HTTP status. */
bool reading_health_is_good(const struct item *item)
{
    struct tree tree __attribute__((cleanup(close_tree))) = {0};
    struct error ignored;
    if (item->status == 1)
        return true;
    if (item->status != 200)
        return false;
    if (tree_read(item->output.at, item->output.length, TREE_PLAIN, &tree, &ignored) != ERROR_OK)
        return item->output.length == 0
               || memchr(item->output.at, '{', item->output.length)
                      == NULL; /* broken JSON is no good word */
    const struct node *status = node_member(tree.root, "status");
    return !node_is(status, NODE_STRING) || slice_is(status->text, "ok")
           || slice_is(status->text, "healthy");
}

struct slice reading_sick_endpoint(const struct genesis *genesis, const struct entry *entry,
                                   bool *ret_missing)
{
    for (const struct node *endpoint = genesis->endpoints->first; endpoint != NULL;
         endpoint = endpoint->next) {
        const struct item *found = NULL;
        bool good = true;
        for (size_t i = 0; i < entry->item_count; i++) {
            const struct item *item = &entry->items[i];
            if (item->probe != PROBE_HEALTH || !slice_equal(item->subject, endpoint->text))
                continue;
            found = item;
            good = reading_health_is_good(item);
        }
        *ret_missing = found == NULL;
        if (found == NULL || !good)
            return endpoint->text;
    }
    *ret_missing = false;
    return (struct slice){"", 0};
}

struct slice reading_line(const struct entry *entry, enum probe probe)
{
    const struct item *item = entry_item(entry, 0, entry->item_count, probe, NULL);
    if (item == NULL || item->status != 0)
        return (struct slice){"", 0};
    struct slice rest = item->output, line;
    return slice_line(&rest, &line) && rest.length == 0 ? line : (struct slice){"", 0};
}
