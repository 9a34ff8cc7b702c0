#include "actions/checklist/preflight.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "actions/checklist/check.h"
#include "actions/compose/compose_view.h"
#include "actions/checklist/running.h"

enum { ANSWER_BYTES_MAX = 4096 };

enum error_code check_answer(struct check *check, enum preflight_status status, struct error *error, const char *format, ...)
{
    char words[ANSWER_BYTES_MAX];
    CLEANUP_BYTES struct bytes text = {0};
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(words, sizeof words, format, arguments);
    va_end(arguments);
    check->status = status;
    enum error_code code = bytes_append(&text, words, strlen(words), error);
    if (code == ERROR_OK)       /* whichever way the probe came by them */
        code = target_redact(check->target, REDACT_ALL, &text, error);
    return code == ERROR_OK ? evidence_add(check->list->evidence, "preflight", check->item->id, (int)status, &text, check->began_ns,
                                           clock_boottime_ns(target_clock(check->target)), &check->span, error) : code;
}

enum error_code complaints_add(struct complaints *complaints, struct error *error, const char *format, ...)
{
    char words[1024];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(words, sizeof words, format, arguments);
    va_end(arguments);
    return bytes_append_format(&complaints->text, error, "%s%s", complaints->count++ > 0 ? "\n" : "", words);
}

void complaints_free(struct complaints *complaints)
{
    bytes_free(&complaints->text);
}

enum error_code check_run(struct check *check, const char *script, struct target_result *ret_result, struct error *error)
{
    /* A probe compares addresses and paths; whatever it says of them passes check_answer(). */
    enum error_code code = target_run(check->target, &(struct target_command){.script = script, .output = OUTPUT_NAMES}, ret_result, error);
    if (code == ERROR_OK)
        check->span = ret_result->span;
    return code;
}

enum error_code check_by_script(struct check *check, const char *script, struct error *error)
{
    CLEANUP_RESULT struct target_result result = {0};
    enum error_code code = check_run(check, script, &result, error);
    if (code != ERROR_OK)
        return code;
    bool passed = result.status == 0;
    const struct bytes *said = result.output.size > 0 ? &result.output : &result.errors;
    return check_answer(check, passed ? PREFLIGHT_PASSED : PREFLIGHT_FAILED, error, "%s", said->size > 0 ? (const char *)said->data : passed ? "passed" : "failed");
}

enum error_code check_no_setting(struct check *check, const char *setting, struct error *error)
{
    return check_answer(check, PREFLIGHT_UNDECIDED, error, "no probe decides this: %s is not configured", setting);
}

static enum error_code ask(struct check *check, struct error *error)
{
    switch (check->item->kind) {
    case CHECK_INVALID: case CHECK_COUNT: break;
    case CHECK_ENV_KEY_LENGTH: return check_env_key_length(check, error);
    case CHECK_ENV_SAME: return check_env_same(check, error);
    case CHECK_DOCKER_SOCKET: return check_docker_socket(check, error);
    case CHECK_PORTS: return check_ports(check, error);
    case CHECK_HTTPS: return check_https(check, error);
    case CHECK_WEBSOCKET: return check_websocket(check, error);
    case CHECK_HEARTBEAT: return check_heartbeat(check, error);
    case CHECK_DOWNLOAD: return check_download(check, error);
    case CHECK_BACKUPS: return check_backups(check, error);
    case CHECK_LOGS: return check_logs(check, error);
    case CHECK_ENV_FILE_MODE: return check_env_file_mode(check, error);
    case CHECK_ENV_COMMITTED: return check_env_committed(check, error);
    case CHECK_COMPOSE_RENDERS: return check_compose_renders(check, error);
    case CHECK_PASSWORD_TEXT: return check_password_text(check, error);
    case CHECK_TREE_CLEAN:
        return check_by_script(check, "s=$(git status --porcelain --untracked-files=no) || exit 1; [ -z \"$s\" ] || { echo \"$s\"; exit 1; }", error);
    case CHECK_COMMAND: return check_by_script(check, check->item->command, error);
    case CHECK_ATTEST: return check_answer(check, PREFLIGHT_UNDECIDED, error, "no probe decides this: %s", check->item->advice);
    }
    return error_set(error, ERROR_CONFIG, 0, check->item->id, "give the item a probe, or `attest`", "a checklist item says nothing of how it is decided");
}

enum error_code preflight_run(struct target *target, struct evidence *evidence, enum preflight_status *ret_statuses, struct error *error)
{
    const struct setup *setup = target_setup(target);
    struct checklist list = {.target = target, .evidence = evidence};
    enum error_code code = ERROR_OK;
    for (size_t i = 0; code == ERROR_OK && i < setup->check_count; i++) {
        struct check check = {.list = &list, .target = target, .item = &setup->checks[i], .began_ns = clock_boottime_ns(target_clock(target)),
                              .status = PREFLIGHT_INVALID};
        code = ask(&check, error);
        ret_statuses[i] = check.status;
    }
    compose_view_close(list.view);
    running_close(list.running);
    return code;
}
