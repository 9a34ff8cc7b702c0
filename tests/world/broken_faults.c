/* tests/world/broken_faults: the one table of what each call can show instead of its answer. */
#include "tests/world/broken.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CALLS(token, name, area) [BROKEN_##token] = {name, AREA_##area},
static const struct {
    const char *name;
    enum broken_area area;
} calls[BROKEN_COUNT] = {BROKEN_CALLS(CALLS)};

#define BIT(token) (UINT64_C(1) << BROKEN_##token)
#define ALL UINT64_MAX
#define REMOTE (BIT(RUN) | BIT(FORWARD) | BIT(OPEN))
#define MESSAGES (BIT(BUS_OPEN) | BIT(PUBLISH) | BIT(SUBSCRIBE) | BIT(NEXT))
#define FILES \
    (BIT(EXAMINE) | BIT(READ) | BIT(SECRET) | BIT(WRITE) | BIT(WIPE) | BIT(DIRECTORY) | BIT(LOCK))
#define JOURNAL_READS (BIT(STORE_SIZE) | BIT(STORE_ENTRY) | BIT(STORE_BLOB) | BIT(STATE_GET))
#define JOURNAL_WRITES (BIT(STATE_PUT) | BIT(APPEND) | BIT(RESERVE))
#define JOURNAL \
    (BIT(STORE_ANSWERS) | BIT(STORE_OPEN) | JOURNAL_READS | JOURNAL_WRITES | BIT(FILE_BYTES))
#define STREAMS (BIT(AGENT_SEND) | BIT(AGENT_RECEIVE))
#define REACHED (REMOTE | MESSAGES | BIT(EXCHANGE))
/* What changes something: an error may also be heard after it has happened. */
#define ACTS (BIT(RUN) | BIT(PUBLISH))
#define TEXTS (BIT(RUN) | BIT(NEXT) | BIT(EXCHANGE) | BIT(READ))
#define STORED (BIT(STORE_ENTRY) | BIT(STORE_BLOB))

/* Of the target every class of error; of what is here, those that it can have. */
static const struct row {
    uint64_t calls;
    struct broken_fault fault;
} rows[] = {
    {REACHED | BIT(AGENT), {"unreachable", WAY_BEFORE, ERROR_UNREACHABLE, 0}},
    {REACHED | BIT(SLEEP) | BIT(AGENT), {"timeout", WAY_BEFORE, ERROR_TIMEOUT, ETIMEDOUT}},
    {ALL & ~STREAMS, {"system", WAY_BEFORE, ERROR_SYSTEM, EIO}},
    {ALL & ~STREAMS, {"memory", WAY_BEFORE, ERROR_MEMORY, ENOMEM}},
    {REACHED, {"protocol", WAY_BEFORE, ERROR_PROTOCOL, 0}},
    {REACHED | BIT(READ), {"limit", WAY_BEFORE, ERROR_LIMIT, 0}},
    {REMOTE, {"remote", WAY_BEFORE, ERROR_REMOTE, 1}},
    {REMOTE | BIT(EXCHANGE), {"config", WAY_BEFORE, ERROR_CONFIG, 0}},
    {REMOTE, {"usage", WAY_BEFORE, ERROR_USAGE, 0}},
    {REMOTE | BIT(LOCK) | BIT(APPEND), {"held", WAY_BEFORE, ERROR_HELD, 0}},
    {REACHED | FILES, {"refused", WAY_BEFORE, ERROR_REFUSED, 0}},
    {REMOTE, {"host_refused", WAY_BEFORE, ERROR_HOST_REFUSED, 0}},
    {REMOTE | BIT(SECRET) | BIT(AGENT), {"key_refused", WAY_BEFORE, ERROR_KEY_REFUSED, 0}},
    {REMOTE, {"needs_person", WAY_BEFORE, ERROR_NEEDS_PERSON, 0}},
    {REMOTE | JOURNAL, {"damaged", WAY_BEFORE, ERROR_DAMAGED, 0}},
    {JOURNAL, {"journal_write", WAY_BEFORE, ERROR_JOURNAL_WRITE, ENOSPC}},
    {ACTS, {"unreachable_after", WAY_AFTER, ERROR_UNREACHABLE, 0}},
    {ACTS, {"timeout_after", WAY_AFTER, ERROR_TIMEOUT, ETIMEDOUT}},
    {BIT(WRITE) | BIT(WIPE), {"system_after", WAY_AFTER, ERROR_SYSTEM, EIO}},
    {JOURNAL_WRITES, {"journal_write_after", WAY_AFTER, ERROR_JOURNAL_WRITE, EIO}},
    {BIT(APPEND), {"poison", WAY_POISON, ERROR_JOURNAL_WRITE, EIO}},
    {BIT(APPEND), {"poison_before", WAY_POISON_BEFORE, ERROR_JOURNAL_WRITE, EIO}},
    {BIT(RUN), {"status_1", WAY_STATUS, ERROR_OK, 1}},
    {BIT(RUN), {"status_75", WAY_STATUS, ERROR_OK, 75}},
    {BIT(RUN), {"status_76", WAY_STATUS, ERROR_OK, 76}},
    {BIT(RUN), {"status_124", WAY_STATUS, ERROR_OK, 124}},
    {BIT(RUN), {"status_127", WAY_STATUS, ERROR_OK, 127}},
    {BIT(RUN), {"status_137", WAY_STATUS, ERROR_OK, 137}},
    {BIT(EXCHANGE), {"status_503", WAY_STATUS, ERROR_OK, 503}},
    {BIT(EXCHANGE), {"no_status", WAY_SILENT, ERROR_OK, 0}},
    {BIT(NEXT), {"silent", WAY_SILENT, ERROR_OK, 0}},
    {BIT(NEXT) | BIT(EXAMINE) | BIT(READ), {"absent", WAY_ABSENT, ERROR_SYSTEM, ENOENT}},
    {BIT(PUBLISH) | BIT(SUBSCRIBE), {"forbidden", WAY_REFUSED, ERROR_OK, 0}},
    {TEXTS | STORED | BIT(SECRET), {"empty", WAY_EMPTY, ERROR_OK, 0}},
    {TEXTS | STORED | BIT(SECRET) | BIT(AGENT_RECEIVE), {"garbage", WAY_GARBAGE, ERROR_OK, 0}},
    {TEXTS | STORED | BIT(SECRET), {"torn", WAY_TORN, ERROR_OK, 0}},
    {TEXTS, {"huge", WAY_HUGE, ERROR_OK, 0}},
    {TEXTS, {"deep", WAY_DEEP, ERROR_OK, 0}},
    {BIT(RUN), {"cut", WAY_CUT, ERROR_OK, 0}},
    {STREAMS, {"end", WAY_CUT, ERROR_OK, 0}},
    {ALL, {"signal", WAY_SIGNAL, ERROR_OK, 0}},
};

const struct broken_fault *broken_fault_of(enum broken_call call, size_t index)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if ((rows[i].calls & UINT64_C(1) << call) != 0 && index-- == 0)
            return &rows[i].fault;
    return NULL;
}

const char *broken_call_name(enum broken_call call)
{
    return calls[call].name;
}

enum broken_area broken_area(enum broken_call call)
{
    return calls[call].area;
}

const char *broken_span_name(enum broken_span span)
{
    static const char *const names[] = {"?", "once", "5s", "ever", "area"};
    return names[span];
}

enum error_code broken_error(const struct broken_fault *fault, const char *detail,
                             struct error *error)
{
    error->code = fault->code;
    return error_fill(error, fault->code, fault->number, "", "", "%s is broken: %.60s", fault->name,
                      detail);
}

static void put(struct bytes *data, const void *text, size_t size)
{
    struct error error;
    if (bytes_append(data, text, size, &error) != ERROR_OK)
        abort();
}

/* The same 12 bytes again and again until 80 are left, in one piece: an array that grows is copied
   each time under the sanitizers. */
static void fill(struct bytes *data, const char *unit, size_t size_max)
{
    size_t size = size_max > 80 ? (size_max - 80) / 12 * 12 : 0;
    char *block = malloc(size + 1);
    if (block == NULL)
        abort();
    for (size_t i = 0; i < size; i++)
        block[i] = unit[i % 12];
    put(data, block, size);
    free(block);
}

bool broken_spoil(const struct broken_fault *fault, struct bytes *data, size_t size_max)
{
    static const char garbage[] = "\xff\xfe{\"a\":[1,\x01'$(reboot)`;\"\\u0000\n\n\t%s%n\x80 = :";
    size_t size = data->size;
    if (fault->way != WAY_EMPTY && fault->way != WAY_GARBAGE && fault->way != WAY_TORN
        && fault->way != WAY_HUGE && fault->way != WAY_DEEP)
        return false;
    struct bytes made = {0};
    if (fault->way == WAY_TORN)
        put(&made, data->data, size / 2);
    else if (fault->way == WAY_GARBAGE)
        put(&made, garbage, sizeof garbage);
    else if (fault->way == WAY_EMPTY)
        put(&made, "", 0);
    else
        fill(&made, fault->way == WAY_HUGE ? "{\"Id\":\"0\"} x" : "[[[[[[[[[[[[", size_max);
    bytes_free(data);
    *data = made;
    return true;
}

/* The lines that the driver's envelope prints stay as they are. */
bool broken_spoil_output(const struct broken_fault *fault, struct bytes *printed, size_t size_max)
{
    const char *text = (const char *)printed->data;
    const char *first = printed->size > 1 ? memchr(text + 1, '\n', printed->size - 1) : NULL;
    const char *last = first != NULL ? memrchr(text, '\n', printed->size - 1) : NULL;
    if (first == NULL || last <= first)
        return broken_spoil(fault, printed, size_max);
    size_t head = (size_t)(first + 1 - text), tail = printed->size - (size_t)(last - text);
    struct bytes made = {0}, body = {0};
    put(&body, first + 1, (size_t)(last - first - 1));
    (void)broken_spoil(fault, &body, size_max - head - tail);
    put(&made, text, fault->way == WAY_CUT ? head / 2 : head);
    if (fault->way != WAY_CUT && fault->way != WAY_STATUS)
        put(&made, body.data, body.size);
    if (fault->way == WAY_STATUS) {
        char line[256];
        const char *end = last + tail - 4; /* " 0 -\n", one digit or more */
        while (end > last && *end != ' ')
            end--;
        int size = snprintf(line, sizeof line, "%.*s %d -\n", (int)(end - last), last,
                            fault->number);
        put(&made, line, (size_t)size);
    } else if (fault->way != WAY_CUT) {
        put(&made, last, tail);
    }
    bytes_free(&body);
    bytes_free(printed);
    *printed = made;
    return true;
}
