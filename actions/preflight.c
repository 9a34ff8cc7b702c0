#include "actions/preflight.h"

#include <stdio.h>
#include <string.h>

#include "actions/compose.h"

/* Runs a script whose status decides (0 passes) and whose output says what was found. */
static enum error_code by_script(struct target *target, const struct setup_check *check, const char *script, struct evidence *evidence, int *ret_status, struct error *error)
{
    CLEANUP_RESULT struct target_result result = {0};
    enum error_code code = target_run(target, &(struct target_command){.script = script}, &result, error);
    if (code != ERROR_OK)
        return code;
    if (result.output.size == 0)
        code = bytes_append_format(&result.output, error, "%s", result.status == 0 ? "passed" : result.errors.size > 0 ? (const char *)result.errors.data : "failed");
    *ret_status = result.status == 0 ? PREFLIGHT_PASSED : PREFLIGHT_FAILED;
    return code == ERROR_OK ? evidence_add(evidence, "preflight", check->id, *ret_status, &result.output, result.sent_ns, result.received_ns, &result.span, error) : code;
}

static enum error_code env_file_mode(struct target *target, const struct setup_check *check, struct evidence *evidence, int *ret_status, struct error *error)
{
    CLEANUP_BYTES struct bytes script = {0};
    enum error_code code = bytes_append_format(&script, error, "f=");
    if (code == ERROR_OK)
        code = shell_quote(&script, target_setup(target)->compose.env_file, error);
    if (code == ERROR_OK)
        code = bytes_append_format(&script, error, "; m=$(stat -c '%%a' \"$f\") || exit 1; echo \"$f has mode $m\"; [ \"$m\" = 600 ]");
    return code == ERROR_OK ? by_script(target, check, (const char *)script.data, evidence, ret_status, error) : code;
}

static enum error_code env_key_length(struct target *target, const struct setup_check *check, struct evidence *evidence, int *ret_status, struct error *error)
{
    CLEANUP_BYTES struct bytes script = {0};
    enum error_code code = bytes_append_format(&script, error, "v=$(sed -n 's/^%s=//p' ", check->key);
    if (code == ERROR_OK)
        code = shell_quote(&script, target_setup(target)->compose.env_file, error);
    if (code == ERROR_OK)
        code = bytes_append_format(&script, error, " | tail -n 1); v=${v#[\\\"\\']}; v=${v%%[\\\"\\']}; if [ ${#v} -ge %lld ]; then echo 'long enough'; else echo '%s is missing or shorter than %lld characters'; exit 1; fi",
                                   (long long)check->minimum, check->key, (long long)check->minimum);
    return code == ERROR_OK ? by_script(target, check, (const char *)script.data, evidence, ret_status, error) : code;
}

static enum error_code compose_renders(struct target *target, const struct setup_check *check, struct evidence *evidence, int *ret_status, struct error *error)
{
    struct compose_model model;
    struct evidence scratch = {.count = 0};
    struct error found;
    enum error_code code = compose_render(target, &scratch, &model, &found);
    evidence_clear(&scratch);
    if (code == ERROR_UNREACHABLE || code == ERROR_MEMORY || code == ERROR_HOST_REFUSED) {
        *error = found;
        return code;
    }
    CLEANUP_BYTES struct bytes text = {0};
    int64_t now = clock_boottime_ns(target_clock(target));
    enum error_code written = bytes_append_format(&text, error, "%s", code == ERROR_OK ? "every variable is set" : found.what);
    *ret_status = code == ERROR_OK ? PREFLIGHT_PASSED : PREFLIGHT_FAILED;
    return written == ERROR_OK ? evidence_add(evidence, "preflight", check->id, *ret_status, &text, now, now, NULL, error) : written;
}

static enum error_code undecided(struct target *target, const struct setup_check *check, struct evidence *evidence, int *ret_status, struct error *error)
{
    CLEANUP_BYTES struct bytes text = {0};
    int64_t now = clock_boottime_ns(target_clock(target));
    enum error_code code = bytes_append_format(&text, error, "no probe decides this: %s", check->advice);
    *ret_status = PREFLIGHT_UNDECIDED;
    return code == ERROR_OK ? evidence_add(evidence, "preflight", check->id, PREFLIGHT_UNDECIDED, &text, now, now, NULL, error) : code;
}

enum error_code preflight_check(struct target *target, const struct setup_check *check, struct evidence *evidence, int *ret_status, struct error *error)
{
    switch (check->kind) {
    case CHECK_INVALID: break;
    case CHECK_ENV_FILE_MODE: return env_file_mode(target, check, evidence, ret_status, error);
    case CHECK_ENV_KEY_LENGTH: return env_key_length(target, check, evidence, ret_status, error);
    case CHECK_COMPOSE_RENDERS: return compose_renders(target, check, evidence, ret_status, error);
    case CHECK_TREE_CLEAN:
        return by_script(target, check, "s=$(git status --porcelain --untracked-files=no) || exit 1; [ -z \"$s\" ] || { echo \"$s\"; exit 1; }", evidence, ret_status, error);
    case CHECK_COMMAND: return by_script(target, check, check->command, evidence, ret_status, error);
    case CHECK_ATTEST: return undecided(target, check, evidence, ret_status, error);
    }
    return error_set(error, ERROR_CONFIG, 0, check->id, "give the item a probe, or `attest`", "a checklist item says nothing of how it is decided");
}
