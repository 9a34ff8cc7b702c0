/* tests/world/scripted_person: who sits before the terminal, what this machine is called, what is
 * random. */
#include "tests/world/scripted.h"

#include "journal/format/text.h"

#include <stdio.h>
#include <string.h>

/* splitmix64 */
static uint64_t next_random(uint64_t *state)
{
    uint64_t value = *state += 0x9E3779B97F4A7C15;
    value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9;
    value = (value ^ (value >> 27)) * 0x94D049BB133111EB;
    return value ^ (value >> 31);
}

static void fill(void *context, void *data, size_t size)
{
    struct scripted *scripted = context;
    uint8_t *bytes = data;
    for (size_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)next_random(&scripted->random_state);
}

static const char *environment(void *context, const char *name)
{
    (void)context;
    return strcmp(name, "SSH_AUTH_SOCK") == 0 ? "/agent"
           : strcmp(name, "HOME") == 0        ? "/home/alice"
                                              : NULL;
}

static void host_name(void *context, char *ret_name, size_t size)
{
    (void)context;
    (void)snprintf(ret_name, size, "scripted");
}

static int64_t process_id(void *context)
{
    (void)context;
    return 4242;
}

static bool is_terminal(void *context, int descriptor)
{
    const struct scripted *scripted = context;
    return descriptor != 1 && descriptor != 2 && scripted->answer_count > 0;
}

static bool screen_size(void *context, unsigned *ret_rows, unsigned *ret_columns)
{
    (void)context;
    (void)ret_rows;
    (void)ret_columns;
    return false;
}

static enum error_code read_line(void *context, int64_t until_ns, struct bytes *ret_line,
                                 struct error *error)
{
    struct scripted *scripted = context;
    if (scripted->answer_next < scripted->answer_count) {
        const char *line = scripted->answers[scripted->answer_next++];
        return bytes_append(ret_line, line, strlen(line), error);
    }
    if (until_ns == 0)
        return error_set(error, ERROR_NEEDS_PERSON, 0, "terminal", "", "nobody answers");
    timeline_move(&scripted->timeline, until_ns);
    return error_set(error, ERROR_TIMEOUT, 0, "terminal", "", "nobody answered in time");
}

static enum error_code read_secret(void *context, const char *prompt, char *ret_line, size_t size,
                                   struct error *error)
{
    CLEANUP_BYTES struct bytes line = {0};
    (void)prompt;
    enum error_code code = read_line(context, 0, &line, error);
    if (code != ERROR_OK)
        return code;
    return text_exact(ret_line, size, (const char *)line.data, "passphrase", error);
}

static enum error_code read_descriptor(void *context, int descriptor, char *ret_line, size_t size,
                                       struct error *error)
{
    (void)descriptor;
    return read_secret(context, "", ret_line, size, error);
}

static void echo(void *context, enum world_echo wanted)
{
    (void)context;
    (void)wanted;
}

/* Its screen has no size, so that no frame is drawn and nothing ticks. */
static enum error_code start_ticking(void *context, int64_t interval_ns, void (*tick)(void *),
                                     void *tick_context, void **ret_ticker, struct error *error)
{
    (void)context;
    (void)interval_ns;
    (void)tick;
    (void)tick_context;
    (void)ret_ticker;
    return error_set(error, ERROR_SYSTEM, 0, "terminal", "", "nothing ticks in a scripted world");
}

static void stop_ticking(void *ticker)
{
    (void)ticker;
}

static void watch(void *context, const char *first, const char *second)
{
    (void)context;
    (void)first;
    (void)second;
}

static bool is_interrupted(void *context)
{
    const struct scripted *scripted = context;
    return scripted->interrupted;
}

static void ignore_broken_pipes(void *context)
{
    (void)context;
}

void scripted_fill_person(struct scripted *scripted)
{
    scripted->random = (struct world_random){.context = scripted, .fill = fill};
    scripted->host = (struct world_host){.context = scripted,
                                         .environment = environment,
                                         .host_name = host_name,
                                         .process_id = process_id};
    scripted->terminal = (struct world_terminal){.context = scripted,
                                                 .is_terminal = is_terminal,
                                                 .size = screen_size,
                                                 .read_line = read_line,
                                                 .echo = echo,
                                                 .start_ticking = start_ticking,
                                                 .stop_ticking = stop_ticking,
                                                 .read_secret = read_secret,
                                                 .read_descriptor = read_descriptor};
    scripted->signals = (struct world_signals){.context = scripted,
                                               .watch = watch,
                                               .is_interrupted = is_interrupted,
                                               .ignore_broken_pipes = ignore_broken_pipes};
}
