#include "actions/checklist/check.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "actions/checklist/running.h"
#include "actions/compose/compose_render.h"
#include "actions/secrets/credential.h"
#include "journal/format/names.h"

enum { ANSWER_BYTES_MAX = 4096 };

static enum error_code note(struct check *check, enum preflight_status status, struct bytes *text,
                            struct error *error)
{
    check->status = status;
    return evidence_add(check->list->evidence,
                        &(struct evidence_draft){.probe = PROBE_PREFLIGHT,
                                                 .subject = check->item->id,
                                                 .status = (int)status,
                                                 .output = text,
                                                 .sent_ns = check->began_ns,
                                                 .received_ns = clock_boottime_ns(
                                                     target_clock(check->target)),
                                                 .span = &check->span},
                        error);
}

/* Truncated only after all of it was redacted, so that no part of a value remains. */
enum error_code check_answer(struct check *check, enum preflight_status status, const char *text,
                             struct error *error)
{
    CLEANUP_BYTES struct bytes words = {0};
    enum error_code code = bytes_append(&words, text, strlen(text), error);
    if (code == ERROR_OK)
        code = target_redact(check->target, REDACT_ALL, &words, error);
    if (code == ERROR_OK && words.size >= ANSWER_BYTES_MAX)
        words.data[words.size = ANSWER_BYTES_MAX - 1] = '\0';
    return code == ERROR_OK ? note(check, status, &words, error) : code;
}

enum error_code check_say(struct check *check, enum preflight_status status, struct error *error,
                          const char *format, ...)
{
    char words[ANSWER_BYTES_MAX];
    CLEANUP_BYTES struct bytes text = {0};
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(words, sizeof words, format, arguments);
    va_end(arguments);
    enum error_code code = bytes_append(&text, words, strlen(words), error);
    return code == ERROR_OK ? note(check, status, &text, error) : code;
}

const char *check_foreign(struct check *check, const char *text)
{
    struct error ignored;
    struct bytes *copy = &check->foreign[check->next_foreign++ % CHECK_FOREIGN_MAX];
    bytes_free(copy);
    *copy = (struct bytes){0};
    if (bytes_append(copy, text, strlen(text), &ignored) != ERROR_OK
        || target_redact(check->target, REDACT_ALL, copy, &ignored) != ERROR_OK)
        return REDACT_MARK;
    return copy->size > 0 ? (const char *)copy->data : "";
}

void check_forget(struct check *check)
{
    for (size_t i = 0; i < CHECK_FOREIGN_MAX; i++)
        bytes_free(&check->foreign[i]);
}

enum error_code complaints_add(struct complaints *complaints, struct error *error,
                               const char *format, ...)
{
    char words[1024];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(words, sizeof words, format, arguments);
    va_end(arguments);
    return bytes_append_format(&complaints->text, error, "%s%s",
                               complaints->count++ > 0 ? "\n" : "", words);
}

void complaints_free(struct complaints *complaints)
{
    bytes_free(&complaints->text);
}

static enum error_code run_noting_span(struct check *check, const struct target_command *command,
                                       struct target_result *ret_result, struct error *error)
{
    enum error_code code = target_run(check->target, command, ret_result, error);
    if (code == ERROR_OK)
        check->span = ret_result->span;
    return code;
}

enum error_code check_run(struct check *check, const struct text *script,
                          struct target_result *ret_result, struct error *error)
{
    return run_noting_span(check, &(struct target_command){.built = script, .output = OUTPUT_RAW},
                           ret_result, error);
}

enum error_code check_by_script(struct check *check, const char *script, struct error *error)
{
    CLEANUP_RESULT struct target_result result = {0};
    enum error_code code = run_noting_span(check, &(struct target_command){.script = script},
                                           &result, error);
    if (code != ERROR_OK)
        return code;
    enum preflight_status status = result.status == 0 ? PREFLIGHT_PASSED : PREFLIGHT_FAILED;
    const struct bytes *said = result.output.size > 0 ? &result.output : &result.errors;
    return said->size > 0
               ? check_answer(check, status, (const char *)said->data, error)
               : check_say(check, status, error, "%s", result.status == 0 ? "passed" : "failed");
}

enum error_code check_no_setting(struct check *check, const char *setting, struct error *error)
{
    return check_say(check, PREFLIGHT_UNDECIDED, error,
                     "no probe decides this: %s is not configured", setting);
}

bool check_leaves_open(enum error_code code)
{
    return code == ERROR_UNREACHABLE || code == ERROR_MEMORY || code == ERROR_HOST_REFUSED;
}

const char *check_item_of(const struct check *check, enum check_kind kind)
{
    const struct setup *setup = target_setup(check->target);
    for (size_t i = 0; i < setup->check_count; i++)
        if (setup->checks[i].kind == kind)
            return &setup->checks[i] == check->item ? "" : setup->checks[i].id;
    return "";
}

/* compose_renders, where the list has it, else the first that needed the configuration. */
static enum error_code say_no_view(struct check *check, struct error *error)
{
    struct checklist *list = check->list;
    const char *renders = check_item_of(check, CHECK_COMPOSE_RENDERS);
    if (renders[0] != '\0')
        list->view_item = renders;
    else if (list->view_item == NULL || check->item->kind == CHECK_COMPOSE_RENDERS)
        list->view_item = check->item->id;
    if (list->view_item == check->item->id)
        return check_say(check, PREFLIGHT_FAILED, error, "%s: %s", list->view_error.where,
                         list->view_error.what);
    return check_say(check, PREFLIGHT_FAILED, error, "%s does not render: see %s",
                     target_setup(check->target)->compose.file, list->view_item);
}

enum error_code check_view(struct check *check, const struct compose_view **ret_view,
                           struct error *error)
{
    struct checklist *list = check->list;
    /* of an answer that was there already, the times are those of another item */
    bool asked = list->view == NULL && list->view_error.code == ERROR_OK;
    if (asked) {
        struct error found;
        enum error_code code = compose_view_open(check->target, &list->view, &found);
        if (check_leaves_open(code)) {
            *error = found;
            return code;
        }
        if (code != ERROR_OK)
            list->view_error = found;
    }
    *ret_view = list->view;
    if (asked && list->view != NULL)
        check->span = list->view->span;
    return list->view != NULL ? ERROR_OK : say_no_view(check, error);
}

const struct compose_view *check_view_if_any(struct check *check)
{
    struct checklist *list = check->list;
    struct error found;
    if (list->view == NULL && list->view_error.code == ERROR_OK
        && compose_view_open(check->target, &list->view, &found) != ERROR_OK
        && !check_leaves_open(found.code))
        list->view_error = found;
    return list->view;
}

enum error_code check_running(struct check *check, const struct running **ret_running,
                              struct error *error)
{
    struct error found;
    bool asked = check->list->running == NULL;
    enum error_code code = asked ? running_open(check->target, &check->list->running, &found)
                                 : ERROR_OK;
    if (check_leaves_open(code)) {
        *error = found;
        return code;
    }
    *ret_running = check->list->running;
    if (code == ERROR_OK && asked)
        check->span = (*ret_running)->span;
    return code == ERROR_OK
               ? ERROR_OK
               : check_say(check, PREFLIGHT_FAILED, error, "%s: %s", found.where, found.what);
}

/* What a header may hold (RFC 6750): anything else in the file would end the header and begin
 * another. */
static bool is_token(const struct bytes *token)
{
    for (size_t i = 0; i < token->size; i++)
        if (token->data[i] <= ' ' || token->data[i] > '~')
            return false;
    return token->size > 0;
}

enum error_code check_token(struct check *check, struct bytes *ret_token, struct error *error)
{
    struct error found;
    if (check->item->token_file[0] == '\0')
        return ERROR_OK;
    enum error_code code = credential_read_file(target_world(check->target)->disk,
                                                check->item->token_file, "token_file", ret_token,
                                                &found);
    if (code == ERROR_MEMORY) {
        *error = found;
        return code;
    }
    if (code != ERROR_OK)
        return check_say(check, PREFLIGHT_FAILED, error, "%s: %s; %s", check->item->token_file,
                         found.what, found.next);
    if (!is_token(ret_token))
        return check_say(check, PREFLIGHT_FAILED, error,
                         "%s: token_file is empty or holds a character that no token has: one "
                         "line, the token alone",
                         check->item->token_file);
    return ERROR_OK;
}
