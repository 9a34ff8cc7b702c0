#include "actions/target/target.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actions/secrets/secrets.h"
#include "actions/target/envelope.h"
#include "actions/target/own_command.h"
#include "actions/target/target_backend.h"

enum { ENV_FILE_BYTES_MAX = 1 << 16, ENVELOPE_BYTES_MAX = 1024, STATUS_NO_ENV_FILE = 3 };
static const int64_t GRACE_MS = 8000;      /* the target's own `timeout` ends a command first */
static const int64_t LEAST_MS = 200;       /* a command whose time is over still says so */
static const int64_t WATCH_NS = 200000000; /* between two lines that an observer receives */

struct target {
    const struct setup *setup;
    const struct world *world;
    const struct target_backend *backend;
    void *context;
    struct secrets *secrets; /* NULL only while the env file is being read */
    struct target_bus_files bus_files;
    int64_t limit_ns; /* of every command, on the boot clock; 0 = its own deadline */
    const struct heard *heard;
    char project[PROJECT_NAME_MAX]; /* as it was found, "" = not known */
    long ended;                     /* target_take_ended() */
    const struct target_collector *collector;
};

/* "600\n" and the file. Where it is missing, cannot be read or is too large, *ret_env stays as it
 * is, and that is no error: an emergency DISARM must still find its way. */
static enum error_code read_env_file(struct target *target, struct secrets_env *ret_env,
                                     struct error *error)
{
    CLEANUP_TEXT struct text script = {0};
    CLEANUP_RESULT struct target_result result = {0};
    text_add(&script, "f=");
    text_add_quoted(&script, target->setup->compose.env_file);
    text_add_format(
        &script, "; [ -f \"$f\" ] && [ -r \"$f\" ] || exit %d; stat -L -c %%a \"$f\" && cat \"$f\"",
        STATUS_NO_ENV_FILE);
    struct target_command command = {.built = &script,
                                     .output = OUTPUT_RAW,
                                     .output_bytes_max = ENV_FILE_BYTES_MAX};
    enum error_code code = target_run(target, &command, &result, error);
    if (code != ERROR_OK)
        return code == ERROR_LIMIT ? ERROR_OK : code;
    const char *text = (const char *)result.output.data;
    const char *line_end = result.status == 0 && text != NULL
                               ? memchr(text, '\n', result.output.size)
                               : NULL;
    if (line_end == NULL)
        return ERROR_OK;
    (void)snprintf(ret_env->mode, sizeof ret_env->mode, "%.*s", (int)(line_end - text), text);
    ret_env->is_known = true;
    return bytes_append(&ret_env->text, line_end + 1,
                        result.output.size - (size_t)(line_end + 1 - text), error);
}

static enum error_code read_secrets(struct target *target, struct error *error)
{
    CLEANUP_ENV struct secrets_env env = {.is_known = false};
    const char *env_file = target->setup->compose.env_file;
    enum error_code code = env_file != NULL && env_file[0] != '\0'
                               ? read_env_file(target, &env, error)
                               : ERROR_OK;
    return code == ERROR_OK
               ? secrets_open(target->setup, target->world->disk, &env, &target->secrets, error)
               : code;
}

enum error_code target_open(const struct setup *setup, const struct world *world,
                            struct target **ret_target, struct error *error)
{
    struct target *target = calloc(1, sizeof *target);
    if (target == NULL)
        return error_set(error, ERROR_MEMORY, 0, setup->target.name, "", "out of memory");
    target->setup = setup;
    target->world = world;
    enum error_code code = world->target->open(world->target->context, &setup->target, world->clock,
                                               &target->backend, &target->context, error);
    if (code != ERROR_OK) {
        free(target);
        return code;
    }
    code = read_secrets(target, error);
    if (code != ERROR_OK) {
        target_close(target);
        return code;
    }
    assert(target->secrets != NULL);
    *ret_target = target;
    return ERROR_OK;
}

void target_close(struct target *target)
{
    if (target == NULL)
        return;
    target->backend->close(target->context);
    secrets_close(target->secrets);
    bytes_free(&target->bus_files.authorities);
    bytes_free(&target->bus_files.certificate);
    bytes_free(&target->bus_files.key);
    free(target);
}

void target_limit(struct target *target, int64_t until_ns)
{
    target->limit_ns = until_ns;
}

long target_take_ended(struct target *target)
{
    long ended = target->ended;
    target->ended = 0;
    return ended;
}

const char *target_host_key(const struct target *target)
{
    return target->backend->host_key(target->context);
}

void target_remember(struct target *target, const struct heard *heard)
{
    target->heard = heard;
}

const char *target_project(const struct target *target)
{
    const char *configured = target->setup->compose.project;
    return configured != NULL && configured[0] != '\0' ? configured : target->project;
}

void target_know_project(struct target *target, const char *name)
{
    (void)snprintf(target->project, sizeof target->project, "%s", name);
}

const struct heard *target_heard(const struct target *target)
{
    return target->heard;
}

const struct setup *target_setup(const struct target *target)
{
    return target->setup;
}

const struct world *target_world(const struct target *target)
{
    return target->world;
}

const struct clock *target_clock(const struct target *target)
{
    return target->world->clock;
}

const struct secrets *target_secrets(const struct target *target)
{
    return target->secrets;
}

struct target_bus_files *target_bus_files(struct target *target)
{
    return &target->bus_files;
}

struct secrets *target_learns(struct target *target)
{
    return target->secrets;
}

enum error_code target_redact(const struct target *target, enum redact_level level,
                              struct bytes *text, struct error *error)
{
    return secrets_redact(target->secrets, level, text, error);
}

void target_add_state_path(struct text *path, const struct target *target, const char *name)
{
    envelope_add_state_path(path, &target->setup->target, name);
}

void target_add_quoted_state_path(struct text *script, const struct target *target,
                                  const char *name)
{
    CLEANUP_TEXT struct text path = {0};
    target_add_state_path(&path, target, name);
    text_add_quoted_text(script, &path);
}

/* Receives lines while a command runs, for its observer. The same bytes come back at the end, and
 * those are what is judged and recorded. */
struct line_relay {
    const struct target *target;
    const struct target_watch *watch;
    int64_t relayed_ns;
};

static void relay_line(void *context, const struct bytes *errors)
{
    struct line_relay *relay = context;
    CLEANUP_BYTES struct bytes text = {0};
    struct error ignored;
    int64_t now_ns = clock_boottime_ns(relay->target->world->clock);
    const uint8_t *end = errors->size > 0 ? memrchr(errors->data, '\n', errors->size) : NULL;
    if (end == NULL || now_ns - relay->relayed_ns < WATCH_NS || relay->target->secrets == NULL)
        return;
    if (bytes_append(&text, errors->data, (size_t)(end - errors->data), &ignored) != ERROR_OK
        || target_redact(relay->target, REDACT_ALL, &text, &ignored) != ERROR_OK)
        return;
    const char *last = strrchr((const char *)text.data, '\n');
    relay->relayed_ns = now_ns;
    relay->watch->line(relay->watch->context, last != NULL ? last + 1 : (const char *)text.data);
}

/* All that was printed, at once: what arrives in two pieces is one again. */
static enum error_code redact_result(const struct target *target,
                                     const struct target_command *command,
                                     struct target_result *result, struct error *error)
{
    if (target->secrets == NULL) { /* they are what is being read */
        assert(command->output == OUTPUT_RAW);
        return ERROR_OK;
    }
    enum error_code code = ERROR_OK;
    if (command->output != OUTPUT_RAW)
        code = target_redact(target, command->output == OUTPUT_NAMES ? REDACT_SECRETS : REDACT_ALL,
                             &result->output, error);
    return code == ERROR_OK ? target_redact(target, REDACT_ALL, &result->errors, error) : code;
}

/* Nothing of ours ran: it is the login shell that speaks, on either stream. */
static void quote_shell(const struct target *target, const struct raw_result *raw,
                        struct error *error)
{
    const struct bytes *said = raw->output.size > 0 ? &raw->output : &raw->errors;
    CLEANUP_BYTES struct bytes text = {0};
    struct error ignored;
    char next[sizeof error->next];
    if (said->size == 0 || bytes_append(&text, said->data, said->size, &ignored) != ERROR_OK
        || (target->secrets != NULL
            && target_redact(target, REDACT_ALL, &text, &ignored) != ERROR_OK))
        return;
    text_cut(next, sizeof next, error->next);
    const char *words = (const char *)text.data;
    words += strspn(words, "\r\n\t ");
    (void)error_set(error, ERROR_PROTOCOL, 0, target->setup->target.name, next,
                    "the target's login shell did not run sh, but printed: %.*s",
                    (int)strcspn(words, "\r\n"), words);
}

/* Takes *raw over. */
static enum error_code read_result(const struct target *target,
                                   const struct target_command *command, const char *mark,
                                   struct raw_result *raw, struct target_result *result,
                                   struct error *error)
{
    enum error_code code = envelope_read(mark, &raw->output, result, error);
    if (code == ERROR_PROTOCOL && result->span.boot[0] == '\0')
        quote_shell(target, raw, error);
    result->errors = raw->errors;
    bytes_free(&raw->output);
    if (code == ERROR_OK)
        code = redact_result(target, command, result, error);
    return code == ERROR_OK ? envelope_judge(target->setup, command, result, error) : code;
}

enum error_code target_run(struct target *target, const struct target_command *command,
                           struct target_result *ret_result, struct error *error)
{
    const struct setup *setup = target->setup;
    char mark[MARK_HEX + 1];
    world_random_hex(target->world, MARK_BYTES, mark);
    int64_t deadline_ms = command->deadline_ms > 0 ? command->deadline_ms : setup->command_ms;
    int64_t lock_ms = command->tenancy != NULL ? setup->command_ms : 0, grace_ms = GRACE_MS;
    int64_t left_ms = (target->limit_ns - clock_boottime_ns(target->world->clock)) / 1000000;
    if (target->limit_ns != 0 && left_ms < deadline_ms + lock_ms + grace_ms) {
        deadline_ms = left_ms > LEAST_MS ? left_ms : LEAST_MS;
        lock_ms = grace_ms = 0;
    }
    size_t bytes_max = command->output_bytes_max > 0 ? command->output_bytes_max
                                                     : setup->output_bytes_max;
    CLEANUP_TEXT struct text line = {0};
    if (command->built != NULL && text_failed(command->built, error))
        return error->code;
    envelope_write(&line, setup, command, deadline_ms, mark);
    if (text_failed(&line, error))
        return error->code;
    CLEANUP_RESULT struct target_result result = {
        .sent_ns = clock_boottime_ns(target->world->clock)};
    struct raw_result raw = {0};
    struct line_relay relay = {.target = target, .watch = command->watch};
    struct raw_command sent = {.line = text_string(&line),
                               .input = command->input,
                               .input_bytes = command->input_bytes,
                               .deadline_ns = result.sent_ns
                                              + (deadline_ms + grace_ms + lock_ms) * 1000000,
                               .received = command->watch != NULL ? relay_line : NULL,
                               .received_context = &relay,
                               .output_bytes_max = bytes_max + ENVELOPE_BYTES_MAX};
    enum error_code code = target->backend->run(target->context, &sent, &raw, error);
    if (code != ERROR_OK)
        return code;
    result.received_ns = clock_boottime_ns(target->world->clock);
    long ended = own_command_ended((const char *)raw.errors.data);
    target->ended = ended != 0 ? ended : target->ended;
    code = read_result(target, command, mark, &raw, &result, error);
    if (code == ERROR_OK && (result.output.size > bytes_max || result.errors.size > bytes_max))
        code = error_set(error, ERROR_LIMIT, 0, setup->target.name, "",
                         "a command on the target printed more than %zu bytes", bytes_max);
    if (code != ERROR_OK)
        return code;
    target_result_clear(ret_result);
    *ret_result = result;
    result = (struct target_result){0};
    return ERROR_OK;
}

enum error_code target_probe(struct target *target, const struct target_command *command,
                             const char *probe, const char *subject, struct evidence *evidence,
                             int *ret_status, struct error *error)
{
    CLEANUP_RESULT struct target_result result = {0};
    if (target->collector != NULL) {
        *ret_status = 0;
        return target->collector->take(target->collector->context, command, subject, error);
    }
    enum error_code code = target_run(target, command, &result, error);
    if (code != ERROR_OK)
        return code;
    if (result.output.size == 0
        && result.status != 0) /* what went wrong stands on standard error */
        code = bytes_append(&result.output, result.errors.data, result.errors.size, error);
    if (code == ERROR_OK)
        code = evidence_add(evidence,
                            &(struct evidence_draft){.probe = probe,
                                                     .subject = subject,
                                                     .status = result.status,
                                                     .output = &result.output,
                                                     .sent_ns = result.sent_ns,
                                                     .received_ns = result.received_ns,
                                                     .span = &result.span},
                            error);
    if (code != ERROR_OK)
        return code;
    if (ret_status == NULL && result.status != 0) {
        const struct bytes *printed = &evidence_last(evidence, probe, NULL)->output;
        return error_set(error, ERROR_REMOTE, result.status, target->setup->target.name,
                         "run it there by hand",
                         "a question to the target failed with status %d (%s%s%.80s)%s%.200s",
                         result.status, probe, subject[0] != '\0' ? " of " : "", subject,
                         printed->size > 0 ? ": " : "", (const char *)printed->data);
    }
    if (ret_status != NULL)
        *ret_status = result.status;
    return ERROR_OK;
}

void target_collect(struct target *target, const struct target_collector *collector)
{
    target->collector = collector;
}

enum error_code target_forward_open(struct target *target, const char *host, int port,
                                    struct target_forward **ret_forward, struct error *error)
{
    return target->backend->forward(target->context, host, port, ret_forward, error);
}

const char *target_forward_host(const struct target_forward *forward)
{
    return forward->host;
}

int target_forward_port(const struct target_forward *forward)
{
    return forward->port;
}

void target_forward_close(struct target_forward *forward)
{
    if (forward == NULL)
        return;
    forward->close(forward->context);
    free(forward);
}
