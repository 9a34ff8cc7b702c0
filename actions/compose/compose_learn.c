#include "actions/compose/compose_learn.h"

#include <string.h>

#include <sodium.h>

#include "actions/compose/compose_project.h"
#include "actions/compose/compose_render.h"
#include "actions/compose/compose_secrets.h"
#include "actions/compose/view/compose_view_read.h"

/* Whoever connects waits so long: a compose that hangs is noticed where it is needed. */
enum { LEARNED_BYTES_MAX = 1 << 16, LEARN_MS = 5000 };

static enum error_code forgive(enum error_code code)
{
    return code == ERROR_UNREACHABLE || code == ERROR_MEMORY ? code : ERROR_OK;
}

/* What a command prints, "" where it fails. The caller wipes it. */
static enum error_code read_quietly(struct target *target, const struct text *script,
                                    size_t bytes_max, struct target_result *ret_result,
                                    struct error *error)
{
    enum error_code code = target_run(target,
                                      &(struct target_command){.built = script,
                                                               .output = OUTPUT_RAW,
                                                               .deadline_ms = LEARN_MS,
                                                               .output_bytes_max = bytes_max},
                                      ret_result, error);
    if (code != ERROR_OK || ret_result->status != 0)
        bytes_free(&ret_result->output);
    return forgive(code);
}

static void wipe_output(struct target_result *result)
{
    if (result->output.size > 0)
        sodium_memzero(result->output.data, result->output.size);
}

/* A path of a compose file stands on the directory of that file. */
static void add_cat(struct text *script, const struct target *target, const char *path)
{
    const char *file = target_setup(target)->compose.file, *slash = strrchr(file, '/');
    CLEANUP_TEXT struct text whole = {0};
    if (path[0] != '/' && slash != NULL)
        text_add_bytes(&whole, file, (size_t)(slash + 1 - file));
    text_add(&whole, path);
    text_add(script, "cat ");
    text_add_quoted_text(script, &whole);
}

static enum error_code learn_file(struct target *target, const char *path, bool content,
                                  struct error *error)
{
    CLEANUP_TEXT struct text script = {0};
    CLEANUP_RESULT struct target_result result = {0};
    struct secrets *secrets = target_learns(target);
    add_cat(&script, target, path);
    enum error_code code = read_quietly(target, &script, LEARNED_BYTES_MAX, &result, error);
    const char *text = (const char *)result.output.data;
    size_t size = result.output.size;
    while (content && size > 0 && (text[size - 1] == '\n' || text[size - 1] == '\r'))
        size--;
    if (code == ERROR_OK && size > 0)
        code = content ? secrets_learn(secrets,
                                       &(struct env_assignment){.key = "",
                                                                .value = text,
                                                                .value_length = size},
                                       SECRET_CONTENT, error)
                       : secrets_learn_file(secrets, text, size, error);
    wipe_output(&result);
    if (code == ERROR_OK)
        code = secrets_settle(secrets, error);
    return code;
}

static enum error_code learn_files(struct target *target, const struct bytes *paths, bool content,
                                   struct error *error)
{
    enum error_code code = ERROR_OK;
    for (size_t at = 0; code == ERROR_OK && at < paths->size;) {
        const char *path = (const char *)paths->data + at;
        code = learn_file(target, path, content, error);
        at += strlen(path) + 1;
    }
    return code;
}

static enum error_code learn_source_of(struct target *target, const char *file, struct error *error)
{
    CLEANUP_TEXT struct text script = {0};
    CLEANUP_RESULT struct target_result result = {0};
    CLEANUP_BYTES struct bytes paths = {0};
    text_add(&script, "cat ");
    text_add_quoted(&script, file);
    enum error_code code = read_quietly(target, &script, 0, &result, error);
    if (code == ERROR_OK && result.output.size > 0)
        code = compose_secrets_env_files((const char *)result.output.data, result.output.size,
                                         &paths, error);
    wipe_output(&result);
    return code == ERROR_OK ? learn_files(target, &paths, false, error) : code;
}

/* From the sources, because a rendered file has forgotten where a variable came from. */
static enum error_code learn_source(struct target *target, struct error *error)
{
    const struct setup_compose *compose = &target_setup(target)->compose;
    enum error_code code = learn_source_of(target, compose->file, error);
    for (size_t i = 1; code == ERROR_OK && i < compose->files.count; i++)
        code = learn_source_of(target, compose->files.items[i], error);
    return code;
}

static bool is_variable_name(const char *key)
{
    size_t length = strspn(key, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789");
    return key[0] != '\0' && key[length] == '\0' && strchr("0123456789", key[0]) == NULL;
}

/* The prefix is more than one command where compose is detected: the braces make it one again. */
enum error_code compose_ask(struct target *target, const char *key, struct compose_view **ret_view,
                            struct error *error)
{
    CLEANUP_TEXT struct text script = {0}, file = {0};
    CLEANUP_RESULT struct target_result result = {0};
    if (!is_variable_name(key))
        return error_set(error, ERROR_REMOTE, 0, "compose", "", "not the name of a variable");
    text_add(&file, "version: \"3.8\"\nservices:\n  s:\n    image: i\n    environment:\n"
                    "      V: \"${");
    text_add(&file, key);
    text_add(&file, "-}\"\n");
    text_add(&script, "printf %s ");
    text_add_quoted_text(&script, &file);
    text_add(&script, " | { ");
    compose_prefix_file(&script, target, "-", NULL);
    text_add(&script, "config 2>/dev/null; }");
    enum error_code code = read_quietly(target, &script, 0, &result, error);
    if (code == ERROR_OK && result.output.size == 0)
        code = error_set(error, ERROR_REMOTE, 0, "compose", "", "compose does not answer");
    if (code == ERROR_OK)
        code = compose_view_read((const char *)result.output.data, result.output.size, NULL, 0,
                                 ret_view, error);
    wipe_output(&result);
    if (code == ERROR_OK
        && ((*ret_view)->count == 0 || (*ret_view)->services[0].variable_count == 0)) {
        compose_view_close(*ret_view);
        *ret_view = NULL;
        code = error_set(error, ERROR_REMOTE, 0, "compose", "", "compose does not answer");
    }
    return code;
}

enum error_code compose_learn(struct target *target, struct error *error)
{
    CLEANUP_TEXT struct text script = {0};
    CLEANUP_RESULT struct target_result result = {0};
    CLEANUP_BYTES struct bytes paths = {0};
    if (target_setup(target)->compose.file[0] == '\0')
        return ERROR_OK;
    compose_prefix(&script, target, NULL);
    text_add(&script, "config 2>/dev/null");
    enum error_code code = read_quietly(target, &script, 0, &result, error);
    if (code == ERROR_OK && result.output.size > 0)
        code = compose_learn_project_from(target, (const char *)result.output.data,
                                          result.output.size, error);
    if (code == ERROR_OK && result.output.size > 0)
        code = compose_secrets_learn(target_learns(target), (const char *)result.output.data,
                                     result.output.size, error);
    if (code == ERROR_OK && result.output.size > 0)
        code = compose_secrets_files((const char *)result.output.data, result.output.size, &paths,
                                     error);
    wipe_output(&result);
    if (code == ERROR_OK)
        code = learn_files(target, &paths, true, error);
    return code == ERROR_OK ? learn_source(target, error) : code;
}
