/* tests/world/broken_calls: the wrapped tables. Each function counts itself, and where it is broken
 * it answers what the fault says. */
#include "tests/world/broken.h"

#include <stdlib.h>
#include <string.h>

#include "actions/target/target_backend.h"

struct broken broken;

/* The tables as they were, and what a handle's functions come to. */
static struct {
    struct world_target target;
    struct world_bus bus;
    struct world_http http;
    struct world_disk disk;
    struct world_store store;
    struct world_local local;
    struct clock clock;
    const struct target_backend *backend;
    const struct world_stream *stream;
} was;

static const int64_t COST_NS = 20000000; /* an error takes its time, too */

/* The length of the number or id that begins here: a run of hex digits that holds a digit. */
static size_t id_length(const char *text)
{
    size_t length = 0;
    bool holds_digit = false;
    for (; (text[length] >= '0' && text[length] <= '9')
           || (text[length] >= 'a' && text[length] <= 'f');
         length++)
        holds_digit |= text[length] <= '9';
    return holds_digit ? length : 0;
}

/* Equal for lines that differ in numbers and ids only. */
static uint64_t sameness(enum broken_call call, const char *text)
{
    uint64_t hash = 14695981039346656037u + (uint64_t)call;
    while (*text != '\0') {
        size_t length = id_length(text);
        unsigned char byte = length > 0 ? '#' : (unsigned char)*text;
        hash = (hash ^ byte) * 1099511628211u;
        text += length > 0 ? length : 1;
    }
    return hash;
}

static bool is_met(const struct broken_visit *visit)
{
    const struct broken *now = &broken;
    switch (now->span) {
    case SPAN_INVALID:
        break;
    case SPAN_ONCE:
        return visit->at == now->first.at;
    case SPAN_SECONDS:
        return visit->same == now->first.same && now->world->timeline.now_ns < now->until_ns;
    case SPAN_EVER:
        return visit->same == now->first.same;
    case SPAN_AREA:
        return broken_area(visit->call) == broken_area(now->first.call)
               && (now->fault->way == WAY_BEFORE || visit->call == now->first.call);
    }
    return false;
}

static const struct broken_fault *meet(const struct broken_visit *visit)
{
    struct scripted *world = broken.world;
    if (broken.fault == NULL || broken.mended || !is_met(visit))
        return NULL;
    broken.met++;
    if (broken.fault->way == WAY_SIGNAL) {
        world->interrupted = true;
        return NULL;
    }
    timeline_move(&world->timeline, world->timeline.now_ns + COST_NS);
    return broken.fault;
}

const struct broken_fault *broken_meet(enum broken_call call, const char *detail)
{
    struct broken_visit visit = {.call = call,
                                 .at = ++broken.count,
                                 .detail = detail,
                                 .same = sameness(call, detail)};
    if (broken.fault == NULL && broken.hunt != NULL && broken.hunt(&visit)) {
        broken.first = visit;
        broken.changes_before = broken.changes;
        broken.received_before = broken.world->titan.seen.received_count;
        broken.until_ns = broken.world->timeline.now_ns + 5000000000;
    }
    return meet(&visit);
}

/* The fault of this call is an error, and nothing happens. */
static bool before(const struct broken_fault *fault)
{
    return fault != NULL && fault->way == WAY_BEFORE;
}

static bool is(const struct broken_fault *fault, enum broken_way way)
{
    return fault != NULL && fault->way == way;
}

static enum error_code run(void *context, const struct raw_command *command,
                           struct raw_result *ret_result, struct error *error)
{
    const struct broken_fault *fault = broken_meet(BROKEN_RUN, command->line);
    struct timeline *timeline = &broken.world->timeline;
    if (fault != NULL && fault->code == ERROR_TIMEOUT)
        timeline_move(timeline, command->deadline_ns + timeline->driver_boot_ns);
    if (before(fault))
        return broken_error(fault, "command", error);
    broken.changes += strstr(command->line, "flock ") != NULL;
    enum error_code code = was.backend->run(context, command, ret_result, error);
    if (code != ERROR_OK || fault == NULL)
        return code;
    if (fault->way == WAY_AFTER) {
        bytes_free(&ret_result->output);
        bytes_free(&ret_result->errors);
        *ret_result = (struct raw_result){.status = 0};
        return broken_error(fault, "command", error);
    }
    (void)broken_spoil_output(fault, &ret_result->output, command->output_bytes_max);
    return ERROR_OK;
}

static enum error_code forward(void *context, const char *host, int port,
                               struct target_forward **ret_forward, struct error *error)
{
    const struct broken_fault *fault = broken_meet(BROKEN_FORWARD, host);
    return before(fault) ? broken_error(fault, host, error)
                         : was.backend->forward(context, host, port, ret_forward, error);
}

static enum error_code open_target(void *context, const struct setup_target *setup,
                                   const struct clock *clock,
                                   const struct target_backend **ret_backend, void **ret_handle,
                                   struct error *error)
{
    static struct target_backend backend;
    const struct broken_fault *fault = broken_meet(BROKEN_OPEN, setup->name);
    if (before(fault))
        return broken_error(fault, setup->name, error);
    enum error_code code = was.target.open(context, setup, clock, &was.backend, ret_handle, error);
    if (code != ERROR_OK)
        return code;
    backend = *was.backend;
    backend.run = run;
    backend.forward = forward;
    *ret_backend = &backend;
    return ERROR_OK;
}

static enum error_code open_bus(void *context, const struct world_bus_address *address,
                                void **ret_connection, struct error *error)
{
    const struct broken_fault *fault = broken_meet(BROKEN_BUS_OPEN, address->host);
    return before(fault) ? broken_error(fault, "bus", error)
                         : was.bus.open(context, address, ret_connection, error);
}

static enum error_code publish(void *handle, const char *subject, const char *reply,
                               const void *data, size_t size, int64_t timeout_ms, bool *ret_refused,
                               struct error *error)
{
    const struct broken_fault *fault = broken_meet(BROKEN_PUBLISH, subject);
    if (before(fault))
        return broken_error(fault, subject, error);
    if (is(fault, WAY_REFUSED)) {
        *ret_refused = true;
        return ERROR_OK;
    }
    enum error_code code = was.bus.publish(handle, subject, reply, data, size, timeout_ms,
                                           ret_refused, error);
    return code == ERROR_OK && is(fault, WAY_AFTER) ? broken_error(fault, subject, error) : code;
}

static enum error_code subscribe(void *handle, const char *subject, int messages_max,
                                 int64_t timeout_ms, void **ret_subscription, bool *ret_refused,
                                 struct error *error)
{
    const struct broken_fault *fault = broken_meet(BROKEN_SUBSCRIBE, subject);
    if (before(fault))
        return broken_error(fault, subject, error);
    enum error_code code = was.bus.subscribe(handle, subject, messages_max, timeout_ms,
                                             ret_subscription, ret_refused, error);
    if (code == ERROR_OK && is(fault, WAY_REFUSED))
        *ret_refused = true;
    return code;
}

static enum error_code next(void *handle, int64_t wait_ms, enum world_message *ret_kind,
                            struct bytes *ret_data, struct error *error)
{
    const struct broken_fault *fault = broken_meet(BROKEN_NEXT, "");
    if (before(fault))
        return broken_error(fault, "bus", error);
    if (is(fault, WAY_SILENT) || is(fault, WAY_ABSENT)) {
        struct timeline *timeline = &broken.world->timeline;
        timeline_move(timeline, timeline->now_ns + wait_ms * 1000000);
        *ret_kind = fault->way == WAY_SILENT ? MESSAGE_NONE : MESSAGE_NO_RESPONDER;
        return ERROR_OK;
    }
    enum error_code code = was.bus.next(handle, wait_ms, ret_kind, ret_data, error);
    if (code == ERROR_OK && *ret_kind == MESSAGE_DATA && fault != NULL)
        (void)broken_spoil(fault, ret_data, 1 << 20);
    return code;
}

static enum error_code exchange(void *context, const struct world_http_request *request,
                                struct world_http_reply *ret_reply, struct error *error)
{
    const struct broken_fault *fault = broken_meet(BROKEN_EXCHANGE, request->url);
    if (before(fault))
        return broken_error(fault, request->url, error);
    enum error_code code = was.http.exchange(context, request, ret_reply, error);
    if (code != ERROR_OK || fault == NULL)
        return code;
    if (fault->way == WAY_SILENT || fault->way == WAY_STATUS)
        ret_reply->status = fault->number;
    (void)broken_spoil(fault, &ret_reply->body, request->body_bytes_max);
    return ERROR_OK;
}

static enum error_code examine(void *context, const char *path, struct world_file *ret_file,
                               struct error *error)
{
    const struct broken_fault *fault = broken_meet(BROKEN_EXAMINE, path);
    if (before(fault))
        return broken_error(fault, path, error);
    enum error_code code = was.disk.examine(context, path, ret_file, error);
    if (code == ERROR_OK && is(fault, WAY_ABSENT))
        *ret_file = (struct world_file){.exists = false};
    return code;
}

static enum error_code read_file(void *context, const char *path, size_t size_max,
                                 struct bytes *ret_data, struct error *error)
{
    const struct broken_fault *fault = broken_meet(BROKEN_READ, path);
    if (before(fault) || is(fault, WAY_ABSENT))
        return broken_error(fault, path, error);
    enum error_code code = was.disk.read(context, path, size_max, ret_data, error);
    if (code == ERROR_OK && fault != NULL)
        (void)broken_spoil(fault, ret_data, size_max);
    return code;
}

static enum error_code read_secret(void *context, const char *path, void *ret_data, size_t size,
                                   size_t *ret_size, struct error *error)
{
    const struct broken_fault *fault = broken_meet(BROKEN_SECRET, path);
    if (before(fault))
        return broken_error(fault, path, error);
    enum error_code code = was.disk.read_secret(context, path, ret_data, size, ret_size, error);
    if (code == ERROR_OK && is(fault, WAY_EMPTY))
        *ret_size = 0;
    if (code == ERROR_OK && is(fault, WAY_TORN))
        *ret_size /= 2;
    if (code == ERROR_OK && is(fault, WAY_GARBAGE))
        memset(ret_data, 0xA5, *ret_size);
    return code;
}

static enum error_code write_file(void *context, const char *path, enum world_write how,
                                  unsigned mode, const void *data, size_t size, struct error *error)
{
    const struct broken_fault *fault = broken_meet(BROKEN_WRITE, path);
    if (before(fault))
        return broken_error(fault, path, error);
    enum error_code code = was.disk.write(context, path, how, mode, data, size, error);
    return code == ERROR_OK && is(fault, WAY_AFTER) ? broken_error(fault, path, error) : code;
}

static enum error_code wipe(void *context, const char *path, struct error *error)
{
    const struct broken_fault *fault = broken_meet(BROKEN_WIPE, path);
    if (before(fault))
        return broken_error(fault, path, error);
    enum error_code code = was.disk.wipe(context, path, error);
    return code == ERROR_OK && is(fault, WAY_AFTER) ? broken_error(fault, path, error) : code;
}

static enum error_code make_directory(void *context, const char *path, unsigned mode,
                                      struct error *error)
{
    const struct broken_fault *fault = broken_meet(BROKEN_DIRECTORY, path);
    return before(fault) ? broken_error(fault, path, error)
                         : was.disk.make_directory(context, path, mode, error);
}

static enum error_code lock(void *context, const char *path, void **ret_lock, struct error *error)
{
    const struct broken_fault *fault = broken_meet(BROKEN_LOCK, path);
    return before(fault) ? broken_error(fault, path, error)
                         : was.disk.lock(context, path, ret_lock, error);
}

static enum error_code connect_agent(void *context, const char *path,
                                     const struct world_stream **ret_stream, void **ret_handle,
                                     struct error *error);

void broken_wrap(struct scripted *world)
{
    broken = (struct broken){.world = world};
    was.target = world->target;
    was.bus = world->bus;
    was.http = world->http;
    was.disk = world->disk_table;
    was.local = world->local;
    was.clock = world->timeline.clock;
    world->target.open = open_target;
    world->bus.open = open_bus;
    world->bus.publish = publish;
    world->bus.subscribe = subscribe;
    world->bus.next = next;
    world->http.exchange = exchange;
    world->disk_table.examine = examine;
    world->disk_table.read = read_file;
    world->disk_table.read_secret = read_secret;
    world->disk_table.write = write_file;
    world->disk_table.wipe = wipe;
    world->disk_table.make_directory = make_directory;
    world->disk_table.lock = lock;
    world->local.connect = connect_agent;
    broken_wrap_journal(world);
}

void broken_mend(void)
{
    broken.mended = true;
    broken.hunt = NULL;
    broken.poisoned = false;
    broken.world->interrupted = false;
}

static ssize_t send_bytes(void *stream, const void *data, size_t size, int64_t wait_ms)
{
    return is(broken_meet(BROKEN_AGENT_SEND, ""), WAY_CUT)
               ? -1
               : was.stream->send(stream, data, size, wait_ms);
}

static ssize_t receive_bytes(void *stream, void *data, size_t size, int64_t wait_ms)
{
    const struct broken_fault *fault = broken_meet(BROKEN_AGENT_RECEIVE, "");
    if (is(fault, WAY_CUT))
        return -1;
    ssize_t got = was.stream->receive(stream, data, size, wait_ms);
    if (got > 0 && is(fault, WAY_GARBAGE))
        memset(data, 0xA5, (size_t)got);
    return got;
}

static enum error_code connect_agent(void *context, const char *path,
                                     const struct world_stream **ret_stream, void **ret_handle,
                                     struct error *error)
{
    static struct world_stream stream;
    const struct broken_fault *fault = broken_meet(BROKEN_AGENT, path);
    if (before(fault))
        return broken_error(fault, path, error);
    enum error_code code = was.local.connect(context, path, &was.stream, ret_handle, error);
    if (code != ERROR_OK)
        return code;
    stream = *was.stream;
    stream.send = send_bytes;
    stream.receive = receive_bytes;
    *ret_stream = &stream;
    return ERROR_OK;
}
