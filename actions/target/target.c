#include "actions/target/target.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "actions/secrets/secrets.h"
#include "actions/target/target_backend.h"

enum {
    MARK_BYTES = 16,
    MARK_HEX = 2 * MARK_BYTES,
    STATUS_LOCKED = 75,
    STATUS_EPOCH = 76,
    STATUS_DEADLINE = 124
};
static const int64_t GRACE_MS = 8000;     /* the target's own `timeout` ends a command first */
static const int64_t TELL_NS = 200000000; /* between two lines that somebody who watches is told */

struct target {
    const struct setup *setup;
    const struct clock *clock;
    const struct target_backend *backend;
    void *context;
    struct secrets *secrets; /* NULL only while they are being read */
};

void target_result_clear(struct target_result *result)
{
    bytes_free(&result->output);
    bytes_free(&result->errors);
    *result = (struct target_result){0};
}

enum error_code target_open(const struct setup *setup, const struct clock *clock,
                            struct target **ret_target, struct error *error)
{
    struct target *target = calloc(1, sizeof *target);
    if (target == NULL)
        return error_set(error, ERROR_MEMORY, 0, setup->target.name, "", "out of memory");
    target->setup = setup;
    target->clock = clock;
    enum error_code code = setup->target.local
                               ? process_backend_open(clock, &target->backend, &target->context,
                                                      error)
                               : ssh_backend_open(&setup->target, clock, &target->backend,
                                                  &target->context, error);
    if (code != ERROR_OK) {
        free(target);
        return code;
    }
    code = secrets_open(target, &target->secrets, error);
    if (code != ERROR_OK) {
        target_close(target);
        return code;
    }
    *ret_target = target;
    return ERROR_OK;
}

void target_close(struct target *target)
{
    if (target == NULL)
        return;
    target->backend->close(target->context);
    secrets_close(target->secrets);
    free(target);
}

const char *target_host_key(const struct target *target)
{
    return target->backend->host_key(target->context);
}

const struct setup *target_setup(const struct target *target)
{
    return target->setup;
}

const struct clock *target_clock(const struct target *target)
{
    return target->clock;
}

const struct secrets *target_secrets(const struct target *target)
{
    return target->secrets;
}

enum error_code target_redact(const struct target *target, enum redact_level level,
                              struct bytes *text, struct error *error)
{
    return secrets_redact(target->secrets, level, text, error);
}

enum error_code shell_quote(struct bytes *script, const char *word, struct error *error)
{
    enum error_code code = bytes_append(script, "'", 1, error);
    for (const char *at = word; code == ERROR_OK && *at != '\0'; at++)
        code = *at == '\'' ? bytes_append(script, "'\\''", 4, error)
                           : bytes_append(script, at, 1, error);
    return code == ERROR_OK ? bytes_append(script, "'", 1, error) : code;
}

enum error_code target_state_path(const struct target *target, const char *name,
                                  struct bytes *ret_path, struct error *error)
{
    const struct setup_target *setup = &target->setup->target;
    if (setup->state[0] == '/')
        return bytes_append_format(ret_path, error, "%s/%s", setup->state, name);
    return bytes_append_format(ret_path, error, "%s/%s/%s", setup->directory, setup->state, name);
}

static enum error_code quote_state_file(const struct target *target, const char *name,
                                        struct bytes *script, struct error *error)
{
    CLEANUP_BYTES struct bytes path = {0};
    enum error_code code = target_state_path(target, name, &path, error);
    return code == ERROR_OK ? shell_quote(script, (const char *)path.data, error) : code;
}

/* In front of the script: the epoch of deployment.json, and the process group on record. */
static enum error_code write_checks(const struct target *target, const struct target_lease *lease,
                                    struct bytes *inner, struct error *error)
{
    CLEANUP_BYTES struct bytes expected = {0};
    enum error_code code = bytes_append_format(
        &expected, error, "\"journal\":\"%s\",\"deployment\":%lld,\"epoch\":%lld,", lease->journal,
        (long long)lease->deployment, (long long)lease->epoch);
    if (code == ERROR_OK)
        code = bytes_append(inner, "grep -qF ", 9, error);
    if (code == ERROR_OK)
        code = shell_quote(inner, (const char *)expected.data, error);
    if (code == ERROR_OK)
        code = bytes_append(inner, " ", 1, error);
    if (code == ERROR_OK)
        code = quote_state_file(target, "deployment.json", inner, error);
    if (code == ERROR_OK)
        code = bytes_append_format(inner, error, " || exit %d; cut -d' ' -f5 /proc/$$/stat > ",
                                   STATUS_EPOCH);
    return code == ERROR_OK ? quote_state_file(target, "command.pgid", inner, error) : code;
}

/* A mutating command runs under the flock that other scripts take too, waited for as long as an
 * ordinary command may take. It prints into a file first: when the driver dies, its pipe is gone,
 * and a command that dies of its own next word stops halfway. The file has lost its name before the
 * command begins, so that nothing of what was printed stays behind, whatever dies when. */
static enum error_code write_leased(const struct target *target,
                                    const struct target_command *command, struct bytes *line,
                                    struct bytes *inner, struct error *error)
{
    enum error_code code = bytes_append_format(line, error, "flock -o -E %d -w %.3f ",
                                               STATUS_LOCKED,
                                               (double)target->setup->command_ms / 1000.0);
    if (code == ERROR_OK)
        code = quote_state_file(target, "deploy.lock", line, error);
    if (code == ERROR_OK)
        code = bytes_append(line, " ", 1, error);
    if (code == ERROR_OK)
        code = write_checks(target, command->lease, inner, error);
    if (code == ERROR_OK)
        code = bytes_append_format(inner, error, "; o=");
    if (code == ERROR_OK)
        code = quote_state_file(target, "command.out", inner, error);
    /* Who watches gets the lines on standard error from a reader of that file. It ends with this
     * shell, or with the driver's pipe, and no command minds either. */
    static const char reader[] = "tail -n +1 -s 0.2 -f --pid=$$ /dev/fd/4 3>&- >&2 2>/dev/null & ";
    return code == ERROR_OK
               ? bytes_append_format(inner, error,
                                     "; rm -f \"$o\"; u=$(umask); umask 077; exec 3> \"$o\" 4< "
                                     "\"$o\"; umask \"$u\"; rm -f \"$o\"; "
                                     "%s(%s) >&3 3>&- 4<&-; s=$?; exec 3>&-; cat <&4; exit $s",
                                     command->watch != NULL ? reader : "", command->script)
               : code;
}

/* The envelope: boot id and uptime before and after, on lines that only this command's nonce can
 *               begin. */
static enum error_code write_line(const struct target *target, const struct target_command *command,
                                  int64_t deadline_ms, const char *mark, struct bytes *line,
                                  struct error *error)
{
    const struct setup_target *setup = &target->setup->target;
    CLEANUP_BYTES struct bytes inner = {0};
    double seconds = (double)deadline_ms / 1000.0;
    enum error_code code = bytes_append_format(
        line, error,
        "export LC_ALL=C; m() { read -r b < /proc/sys/kernel/random/boot_id; read -r u r < "
        "/proc/uptime; printf '\\n%s %%s %%s %%s\\n' \"$b\" \"$u\" \"$1\"; }; m -; ",
        mark);
    if (code == ERROR_OK && setup->docker_host[0] != '\0') {
        code = bytes_append_format(line, error, "export DOCKER_HOST=");
        if (code == ERROR_OK)
            code = shell_quote(line, setup->docker_host, error);
        if (code == ERROR_OK)
            code = bytes_append(line, "; ", 2, error);
    }
    if (code == ERROR_OK)
        code = bytes_append_format(line, error, "cd ");
    if (code == ERROR_OK)
        code = shell_quote(line, setup->directory, error);
    if (code == ERROR_OK)
        code = bytes_append_format(line, error, " && ");
    if (code == ERROR_OK)
        code = command->lease != NULL
                   ? write_leased(target, command, line, &inner, error)
                   : bytes_append(&inner, command->script, strlen(command->script), error);
    if (code == ERROR_OK)
        code = bytes_append_format(line, error, "timeout -k 2 %.3f sh -c ", seconds);
    if (code == ERROR_OK)
        code = shell_quote(line, (const char *)inner.data, error);
    return code == ERROR_OK ? bytes_append_format(line, error, "; m $?") : code;
}

/* "\n<mark> <boot> <seconds.hundredths> <word>\n" at `at`. */
static bool read_mark(const char *at, size_t size, const char *mark, char boot[BOOT_ID_LENGTH + 1],
                      int64_t *ret_ms, char word[16])
{
    char line[160], format_boot[BOOT_ID_LENGTH + 2], status[16];
    long long seconds;
    int hundredths, used = 0;
    if (size == 0 || size >= sizeof line)
        return false;
    memcpy(line, at, size);
    line[size] = '\0';
    if (line[0] != '\n' || strncmp(line + 1, mark, MARK_HEX) != 0
        || sscanf(line + 1 + MARK_HEX, " %36s %lld.%d %15s%n", format_boot, &seconds, &hundredths,
                  status, &used)
               != 4
        || strlen(format_boot) != BOOT_ID_LENGTH)
        return false;
    memcpy(boot, format_boot, BOOT_ID_LENGTH + 1);
    memcpy(word, status, sizeof status);
    *ret_ms = seconds * 1000 + hundredths * 10;
    return true;
}

static enum error_code read_envelope(const char *mark, struct raw_result *raw,
                                     struct target_result *result, struct error *error)
{
    const char *text = (const char *)raw->output.data;
    size_t size = raw->output.size;
    char word[16], boot[BOOT_ID_LENGTH + 1];
    const char *first = size > 1 ? memchr(text + 1, '\n', size - 1) : NULL;
    if (first == NULL
        || !read_mark(text, (size_t)(first - text), mark, result->span.boot,
                      &result->span.before_ms, word))
        return error_set(error, ERROR_PROTOCOL, raw->status, "target",
                         "check that sh, timeout, flock and /proc are there",
                         "the target's shell did not begin a command as it must");
    const char *body = first + 1;
    size_t body_bytes = size - (size_t)(body - text);
    const char *last = body_bytes > 1 ? memrchr(body, '\n', body_bytes - 1) : NULL;
    if (last == NULL || text[size - 1] != '\n'
        || !read_mark(last, (size_t)(text + size - 1 - last), mark, boot, &result->span.after_ms,
                      word)
        || strcmp(boot, result->span.boot) != 0)
        return error_set(error, ERROR_UNREACHABLE, raw->status, "target", "titan-fsm resume",
                         "a command on the target was cut off before its end came back");
    char *end;
    long status = strtol(word, &end, 10);
    if (*end != '\0' || end == word)
        return error_set(error, ERROR_PROTOCOL, 0, "target", "",
                         "the target's shell did not end a command as it must");
    result->status = (int)status;
    return bytes_append(&result->output, body, (size_t)(last - body), error);
}

/* Lines are heard while a command runs; the same bytes come back at its end, and those are what
 * counts. */
struct listener {
    const struct target *target;
    const struct target_watch *watch;
    int64_t told_ns;
};

static void hear(void *context, const struct bytes *errors)
{
    struct listener *listener = context;
    CLEANUP_BYTES struct bytes text = {0};
    struct error ignored;
    int64_t now_ns = clock_boottime_ns(listener->target->clock);
    const uint8_t *end = errors->size > 0 ? memrchr(errors->data, '\n', errors->size) : NULL;
    if (end == NULL || now_ns - listener->told_ns < TELL_NS || listener->target->secrets == NULL)
        return;
    if (bytes_append(&text, errors->data, (size_t)(end - errors->data), &ignored) != ERROR_OK
        || target_redact(listener->target, REDACT_ALL, &text, &ignored) != ERROR_OK)
        return;
    const char *last = strrchr((const char *)text.data, '\n');
    listener->told_ns = now_ns;
    listener->watch->line(listener->watch->context,
                          last != NULL ? last + 1 : (const char *)text.data);
}

static enum error_code judge(const struct target *target, const struct target_command *command,
                             const struct target_result *result, struct error *error)
{
    const char *name = target->setup->target.name;
    if (command->lease == NULL)
        return ERROR_OK;
    if (result->status == STATUS_LOCKED)
        return error_set(error, ERROR_HELD, result->status, name,
                         "wait for the other deployment script, then go on",
                         "another process on the target holds deploy.lock");
    if (result->status == STATUS_EPOCH)
        return error_set(
            error, ERROR_HELD, result->status, name, "titan-fsm status",
            "the target is no longer held by this deployment (deployment.json names another)");
    return ERROR_OK;
}

/* All that was printed, at once: what arrives in two pieces is one again. */
static enum error_code redact(const struct target *target, const struct target_command *command,
                              struct target_result *result, struct error *error)
{
    if (target->secrets == NULL) /* they are what is being read */
        return ERROR_OK;
    enum error_code code = ERROR_OK;
    if (command->output != OUTPUT_RAW)
        code = target_redact(target, command->output == OUTPUT_NAMES ? REDACT_SECRETS : REDACT_ALL,
                             &result->output, error);
    return code == ERROR_OK ? target_redact(target, REDACT_ALL, &result->errors, error) : code;
}

enum error_code target_run(struct target *target, const struct target_command *command,
                           struct target_result *ret_result, struct error *error)
{
    uint8_t random[MARK_BYTES];
    char mark[MARK_HEX + 1];
    randombytes_buf(random, sizeof random);
    bytes_hex(random, sizeof random, mark);
    int64_t deadline_ms = command->deadline_ms > 0 ? command->deadline_ms
                                                   : target->setup->command_ms;
    int64_t wait_ms = deadline_ms + GRACE_MS
                      + (command->lease != NULL ? target->setup->command_ms : 0);
    CLEANUP_BYTES struct bytes line = {0};
    enum error_code code = write_line(target, command, deadline_ms, mark, &line, error);
    if (code != ERROR_OK)
        return code;
    struct target_result result = {.sent_ns = clock_boottime_ns(target->clock)};
    struct raw_result raw = {0};
    struct listener listener = {.target = target, .watch = command->watch};
    struct raw_command sent = {.line = (const char *)line.data,
                               .input = command->input,
                               .input_bytes = command->input_bytes,
                               .deadline_ns = result.sent_ns + wait_ms * 1000000,
                               .heard = command->watch != NULL ? hear : NULL,
                               .heard_context = &listener,
                               .output_bytes_max = (command->output_bytes_max > 0
                                                        ? command->output_bytes_max
                                                        : target->setup->output_bytes_max)
                                                   + 1024};
    code = target->backend->run(target->context, &sent, &raw, error);
    if (code != ERROR_OK)
        return code;
    result.received_ns = clock_boottime_ns(target->clock);
    code = read_envelope(mark, &raw, &result, error);
    result.errors = raw.errors;
    bytes_free(&raw.output);
    if (code == ERROR_OK)
        code = redact(target, command, &result, error);
    if (code == ERROR_OK)
        code = judge(target, command, &result, error);
    if (code != ERROR_OK) {
        target_result_clear(&result);
        return code;
    }
    target_result_clear(ret_result);
    *ret_result = result;
    return ERROR_OK;
}

enum error_code target_probe(struct target *target, const struct target_command *command,
                             const char *probe, const char *subject, struct evidence *evidence,
                             int *ret_status, struct error *error)
{
    CLEANUP_RESULT struct target_result result = {0};
    enum error_code code = target_run(target, command, &result, error);
    if (code != ERROR_OK)
        return code;
    if (result.output.size == 0
        && result.status != 0) /* what went wrong stands on standard error */
        code = bytes_append(&result.output, result.errors.data, result.errors.size, error);
    if (code == ERROR_OK)
        code = evidence_add(evidence, probe, subject, result.status, &result.output, result.sent_ns,
                            result.received_ns, &result.span, error);
    if (code == ERROR_OK && ret_status != NULL)
        *ret_status = result.status;
    return code;
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
