#include "actions/target/envelope.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actions/target/own_command.h"

enum { STATUS_LOCKED = 75, STATUS_EPOCH = 76, STATUS_FIRED = 77 };

void target_result_clear(struct target_result *result)
{
    bytes_free(&result->output);
    bytes_free(&result->errors);
    *result = (struct target_result){0};
}

void envelope_add_state_path(struct text *path, const struct setup_target *setup, const char *name)
{
    if (setup->state[0] != '/')
        text_add_format(path, "%s/", setup->directory);
    text_add_format(path, "%s/%s", setup->state, name);
}

static void add_quoted_state_file(struct text *script, const struct setup *setup, const char *name)
{
    CLEANUP_TEXT struct text path = {0};
    envelope_add_state_path(&path, &setup->target, name);
    text_add_quoted_text(script, &path);
}

static const char *script_of(const struct target_command *command)
{
    assert((command->script == NULL) != (command->built == NULL));
    return command->built != NULL ? text_string(command->built) : command->script;
}

/* In front of the script: the epoch of deployment.json, and the process group on record. A command
 * whose flock was killed goes on without the lock: nothing of ours runs beside it. */
static void add_tenancy_checks(struct text *inner, const struct setup *setup,
                               const struct target_tenancy *tenancy)
{
    CLEANUP_TEXT struct text expected = {0}, record = {0};
    envelope_add_state_path(&record, &setup->target, "command.pgid");
    text_add_format(&expected, "\"journal\":\"%s\",\"deployment\":%lld,\"epoch\":%lld,",
                    tenancy->journal, (long long)tenancy->deployment, (long long)tenancy->epoch);
    text_add(inner, "[ -f "); /* of a pipe nothing would ever come */
    add_quoted_state_file(inner, setup, "deployment.json");
    text_add(inner, " ] && grep -qF ");
    text_add_quoted_text(inner, &expected);
    text_add(inner, " ");
    add_quoted_state_file(inner, setup, "deployment.json");
    text_add_format(inner, " || exit %d; ", STATUS_EPOCH);
    own_command_add_question(inner, &record);
    if (tenancy->way_out) {
        own_command_add_end(inner);
        text_add(inner, "own && end; ");
    } else {
        text_add_format(inner, "own && exit %d; ", STATUS_LOCKED);
    }
    own_command_add_record(inner, &record);
}

/* Behind the guard nothing goes forward any more. On a way out the guard is told that this driver
 * is at it (guard.sh, read_turn). */
static void add_guard_checks(struct text *inner, const struct setup *setup, bool way_out)
{
    text_add(inner, "; q=");
    add_quoted_state_file(inner, setup, "guard");
    if (way_out)
        text_add(inner, "; turn() { [ ! -f \"$q/due\" ] || { read -r b < "
                        "/proc/sys/kernel/random/boot_id; read -r u r < /proc/uptime; "
                        "echo \"$b $((${u%.*} * 1000))\" > \"$q/turn\"; }; }; turn");
    else
        text_add_format(inner, "; [ ! -e \"$q/fired\" ] || exit %d", STATUS_FIRED);
}

/* What a mutating command runs under the lock. It prints into a file first: when the driver dies,
 * its pipe is gone, and a command killed by SIGPIPE would stop halfway. The file is unlinked before
 * the command begins, so that nothing of what was printed stays there, whatever dies when. At its
 * deadline the shell waits for what the command's programs do of it, so that `timeout` kills all of
 * them where they do nothing. */
static void add_under_the_lock(struct text *inner, const struct setup *setup,
                               const struct target_command *command)
{
    /* An observer gets the lines on standard error from a reader of that file. The reader ends with
     * this shell, or with the driver's pipe, and the command notices neither. */
    static const char reader[] = "tail -n +1 -s 0.2 -f --pid=$$ /dev/fd/4 3>&- >&2 2>/dev/null & ";
    text_add(inner, "trap : TERM; ");
    add_tenancy_checks(inner, setup, command->tenancy);
    add_guard_checks(inner, setup, command->tenancy->way_out);
    text_add(inner, "; o=");
    add_quoted_state_file(inner, setup, "command.out");
    text_add(inner, "; rm -f \"$o\"; u=$(umask); umask 077; exec 3> \"$o\" 4< \"$o\"; "
                    "umask \"$u\"; rm -f \"$o\"; ");
    text_add(inner, command->watch != NULL ? reader : "");
    text_add(inner, "(");
    text_add(inner, script_of(command));
    text_add(inner, ") >&3 3>&- 4<&-; s=$?; exec 3>&-; cat <&4; ");
    text_add(inner, command->tenancy->way_out ? "turn; exit $s" : "exit $s");
}

/* `locked`, in front of the line, and how it is called. The flock is that which other scripts take
 * too, waited for as long as an ordinary command may take. On a way out a command of our own that
 * hangs under it is ended after half of that. */
static void add_locked(struct text *line, const struct setup *setup,
                       const struct target_command *command, const char *timeout)
{
    CLEANUP_TEXT struct text inner = {0}, record = {0};
    bool way_out = command->tenancy->way_out;
    double wait = (double)setup->command_ms / 1000.0 / (way_out ? 2 : 1);
    envelope_add_state_path(&record, &setup->target, "command.pgid");
    add_under_the_lock(&inner, setup, command);
    own_command_add_question(line, &record);
    if (way_out)
        own_command_add_end(line);
    text_add_format(line, "locked() { flock -o -E %d -w %.3f ", STATUS_LOCKED, wait);
    add_quoted_state_file(line, setup, "deploy.lock");
    text_add(line, " ");
    text_add(line, timeout);
    text_add_quoted_text(line, &inner);
    text_add(line, "; }; ");
}

static void add_locked_call(struct text *line, bool way_out)
{
    text_add_format(line, "locked; s=$?; if [ $s = %d ] && own; then ", STATUS_LOCKED);
    text_add(line, way_out ? "end; locked; s=$?; fi; " : "printf '\\nown %s' \"$g\" >&2; fi; ");
}

/* Who has the lock, on standard error: the last one that /proc/locks names, with its command. */
static void add_lock_holder(struct text *line, const struct setup *setup)
{
    text_add(line, "if [ $s = 75 ]; then i=$(stat -L -c %i ");
    add_quoted_state_file(line, setup, "deploy.lock");
    text_add(line,
             "); while read -r n t a w p d r; do [ \"$t\" != FLOCK ] || "
             "[ \"${d##*:}\" != \"$i\" ] || printf '\\npid %s (%s)' \"$p\" "
             "\"$(tr '\\000' ' ' < \"/proc/$p/cmdline\")\" >&2; done < /proc/locks; fi; m $s -");
}

void envelope_write(struct text *line, const struct setup *setup,
                    const struct target_command *command, int64_t deadline_ms, const char *mark)
{
    char timeout[64];
    (void)snprintf(timeout, sizeof timeout, "timeout -k 2 %.3f sh -c ",
                   (double)deadline_ms / 1000.0);
    /* A mutating command without a tenancy that was taken would run under nobody's epoch. */
    assert(command->tenancy == NULL
           || (command->tenancy->journal != NULL && command->tenancy->epoch > 0));
    assert(command->watch == NULL || command->tenancy != NULL);
    text_add_format(
        line,
        "export LC_ALL=C; m() { read -r b < /proc/sys/kernel/random/boot_id; read -r u "
        "r < /proc/uptime; printf '\\n%s %%s %%s %%s %%s\\n' \"$b\" \"$u\" \"$1\" \"$2\"; }; "
        "m - \"$(date +%%s%%3N)\"; ",
        mark);
    if (setup->target.docker_host[0] != '\0') {
        text_add(line, "export DOCKER_HOST=");
        text_add_quoted(line, setup->target.docker_host);
        text_add(line, "; ");
    }
    if (command->tenancy != NULL)
        add_locked(line, setup, command, timeout);
    text_add(line, "cd ");
    text_add_quoted(line, setup->target.directory);
    text_add(line, command->anywhere ? " 2>/dev/null || cd /; " : " && ");
    if (command->tenancy != NULL) {
        add_locked_call(line, command->tenancy->way_out);
        add_lock_holder(line, setup);
        return;
    }
    text_add(line, timeout);
    text_add_quoted(line, script_of(command));
    text_add(line, "; m $? -");
}

/* "\n<mark> <boot> <seconds.hundredths> <word> <wall clock, or ->\n" at `at`. */
static bool read_mark(const char *at, size_t size, const char *mark, char boot[BOOT_ID_LENGTH + 1],
                      int64_t *ret_ms, char word[16], int64_t *ret_wall_ms)
{
    char line[160], format_boot[BOOT_ID_LENGTH + 2], status[16], wall[24];
    long long seconds;
    int hundredths, used = 0;
    if (size == 0 || size >= sizeof line)
        return false;
    memcpy(line, at, size);
    line[size] = '\0';
    if (line[0] != '\n' || strncmp(line + 1, mark, MARK_HEX) != 0
        || sscanf(line + 1 + MARK_HEX, " %36s %15lld.%2d %15s %23s%n", format_boot, &seconds,
                  &hundredths, status, wall, &used)
               != 5
        || strlen(format_boot) != BOOT_ID_LENGTH)
        return false;
    memcpy(boot, format_boot, BOOT_ID_LENGTH + 1);
    memcpy(word, status, sizeof status);
    *ret_ms = seconds * 1000 + hundredths * 10;
    /* A `date` without milliseconds prints something else: then the time is not known. */
    *ret_wall_ms = strspn(wall, "0123456789") == strlen(wall) ? strtoll(wall, NULL, 10) : 0;
    return true;
}

/* What a login shell prints of itself stands in front of it, and is dropped: nobody but the command
 * knows the mark. NULL where there is none. */
static const char *find_first_mark(const struct bytes *printed, const char *mark)
{
    char wanted[MARK_HEX + 2];
    int length = snprintf(wanted, sizeof wanted, "\n%s", mark);
    return printed->size > 0 ? memmem(printed->data, printed->size, wanted, (size_t)length) : NULL;
}

enum error_code envelope_read(const char *mark, const struct bytes *printed,
                              struct target_result *result, struct error *error)
{
    const char *text = (const char *)printed->data;
    size_t size = printed->size;
    char word[16], boot[BOOT_ID_LENGTH + 1];
    int64_t no_wall_ms;
    const char *begin = find_first_mark(printed, mark);
    const char *first = begin != NULL ? memchr(begin + 1, '\n', size - (size_t)(begin + 1 - text))
                                      : NULL;
    if (first == NULL
        || !read_mark(begin, (size_t)(first - begin), mark, result->span.boot,
                      &result->span.before_ms, word, &result->span.wall_ms))
        return error_set(error, ERROR_PROTOCOL, 0, "target",
                         "give the account a login shell that runs commands, and see that printf, "
                         "date and /proc are there",
                         "the target's login shell did not run sh");
    const char *body = first + 1;
    size_t body_bytes = size - (size_t)(body - text);
    const char *last = body_bytes > 1 ? memrchr(body, '\n', body_bytes - 1) : NULL;
    if (last == NULL || text[size - 1] != '\n'
        || !read_mark(last, (size_t)(text + size - 1 - last), mark, boot, &result->span.after_ms,
                      word, &no_wall_ms)
        || strcmp(boot, result->span.boot) != 0)
        return error_set(error, ERROR_UNREACHABLE, 0, "target", "titan-fsm resume",
                         "a command on the target was cut off before its end came back");
    char *end;
    long status = strtol(word, &end, 10);
    if (*end != '\0' || end == word)
        return error_set(error, ERROR_PROTOCOL, 0, "target", "",
                         "the target's shell did not print the status of a command");
    result->status = (int)status;
    return bytes_append(&result->output, body, (size_t)(last - body), error);
}

enum error_code envelope_judge(const struct setup *setup, const struct target_command *command,
                               const struct target_result *result, struct error *error)
{
    const char *said = result->errors.size > 0 ? (const char *)result->errors.data : "";
    const char *holder = strstr(said, "\npid "), *own = strstr(said, "\nown ");
    int status = result->status;
    if (command->tenancy == NULL)
        return ERROR_OK;
    if (status == STATUS_LOCKED && own != NULL)
        return error_set(
            error, ERROR_HELD, status, setup->target.name,
            "wait until it has ended, then go on; `titan-fsm rollback` and `abort` end "
            "it",
            "a command that a driver of this tool had begun still runs on the target "
            "(process group %ld)",
            strtol(own + strlen("\nown "), NULL, 10));
    if (status == STATUS_LOCKED)
        return error_set(error, ERROR_HELD, status, setup->target.name,
                         "wait for the other deployment script, or end it if it hangs, then go on",
                         "another process on the target holds deploy.lock%s%.200s",
                         holder != NULL ? ": " : "", holder != NULL ? holder + 1 : "");
    if (status == STATUS_FIRED)
        return error_set(error, ERROR_HELD, status, setup->target.name, "titan-fsm resume",
                         "the guard on the target has acted, and brought back what ran before");
    if (status == STATUS_EPOCH)
        return error_set(
            error, ERROR_HELD, status, setup->target.name, "titan-fsm status",
            "this deployment no longer has the tenancy of the target (deployment.json names "
            "another)");
    return ERROR_OK;
}
