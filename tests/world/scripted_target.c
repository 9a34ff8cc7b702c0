/* tests/world/scripted_target: the way to the Titan: lines for `sh -c` and what they print, and
 * ports that are as they are seen from there. */
#include "tests/world/scripted.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actions/target/target_backend.h"

static enum error_code give(const struct grow *text, size_t size_max, struct bytes *ret_text,
                            struct error *error)
{
    if (text->size > size_max)
        return error_set(error, ERROR_LIMIT, 0, "target", "", "the command printed too much");
    return bytes_append(ret_text, text->data, text->size, error);
}

static enum error_code run(void *context, const struct raw_command *command,
                           struct raw_result *ret_result, struct error *error)
{
    struct scripted *scripted = context;
    struct timeline *timeline = &scripted->timeline;
    enum scripted_kind kind = strstr(command->line, "flock ") != NULL ? CALL_CHANGE : CALL_LOOK;
    struct raw_result result = {.status = 0};
    struct grow output, errors;
    enum error_code code = scripted_ask(scripted, kind, false, command->line, error);
    if (code != ERROR_OK)
        return code;
    scripted->commands++;
    if (scripted->hangs != NULL && strstr(command->line, scripted->hangs) != NULL) {
        timeline_move(timeline, command->deadline_ns);
        return error_set(error, ERROR_TIMEOUT, 0, "local", "", "a command did not end in time");
    }
    timeline_move(timeline, timeline->now_ns + scripted->cost_ns / 2);
    result.status = titan_run(&scripted->titan, &scripted->scratch, command->line, command->input,
                              command->input_bytes, &output, &errors);
    timeline_move(timeline, timeline->now_ns + scripted->cost_ns / 2);
    code = scripted_ask(scripted, kind, true, command->line, error);
    if (code == ERROR_OK)
        code = give(&output, command->output_bytes_max, &result.output, error);
    if (code == ERROR_OK)
        code = give(&errors, command->output_bytes_max, &result.errors, error);
    arena_reset(&scripted->scratch);
    if (code == ERROR_OK) {
        *ret_result = result;
        return ERROR_OK;
    }
    bytes_free(&result.output);
    bytes_free(&result.errors);
    return code;
}

static void close_forward(void *context)
{
    (void)context;
}

static enum error_code forward(void *context, const char *host, int port,
                               struct target_forward **ret_forward, struct error *error)
{
    struct target_forward *made = calloc(1, sizeof *made);
    if (made == NULL)
        return error_set(error, ERROR_MEMORY, 0, "target", "", "out of memory");
    *made = (struct target_forward){.port = port, .context = context, .close = close_forward};
    (void)snprintf(made->host, sizeof made->host, "%s", host);
    *ret_forward = made;
    return ERROR_OK;
}

static const char *host_key(void *context)
{
    (void)context;
    return "";
}

static void close_target(void *context)
{
    (void)context;
}

static enum error_code open_target(void *context, const struct setup_target *setup,
                                   const struct clock *clock,
                                   const struct target_backend **ret_backend, void **ret_handle,
                                   struct error *error)
{
    static const struct target_backend backend = {.run = run,
                                                  .forward = forward,
                                                  .host_key = host_key,
                                                  .close = close_target};
    (void)setup;
    (void)clock;
    (void)error;
    *ret_backend = &backend;
    *ret_handle = context;
    return ERROR_OK;
}

void scripted_fill_target(struct scripted *scripted)
{
    scripted->target = (struct world_target){.context = scripted, .open = open_target};
}
