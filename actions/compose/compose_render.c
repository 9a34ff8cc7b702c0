#include "actions/compose/compose_render.h"
#include "actions/compose/compose_complaint.h"
#include "actions/compose/compose_secrets.h"
#include "actions/compose/view/compose_view_read.h"
#include "actions/compose/containers.h"
#include "journal/format/names.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

/* "C [-p P] -f F [-f O] [--env-file E] ". */
static void add_prefix(struct text *script, const struct target *target, const char *project,
                       const char *file, const char *override)
{
    const struct setup *setup = target_setup(target);
    const struct setup_compose *compose = &setup->compose;
    if (strcmp(compose->command, "auto") != 0)
        text_add_format(script, "%s ", compose->command);
    else
        text_add_format(script,
                        "c=docker-compose; if %s compose version >/dev/null 2>&1; then "
                        "c='%s compose'; fi; $c ",
                        setup->target.docker, setup->target.docker);
    if (project[0] != '\0') {
        text_add(script, "-p ");
        text_add_quoted(script, project);
    }
    text_add(script, project[0] != '\0' ? " -f " : "-f ");
    text_add_quoted(script, file);
    for (size_t i = 1; file == compose->file && i < compose->files.count; i++) {
        text_add(script, " -f ");
        text_add_quoted(script, compose->files.items[i]);
    }
    if (override != NULL) {
        text_add(script, " -f ");
        text_add_quoted(script, override);
    }
    if (compose->env_file[0] != '\0') {
        text_add(script, " --env-file ");
        text_add_quoted(script, compose->env_file);
    }
    text_add(script, " ");
}

void compose_prefix_file(struct text *script, const struct target *target, const char *file,
                         const char *override)
{
    add_prefix(script, target, target_project(target), file, override);
}

void compose_prefix_unnamed(struct text *script, const struct target *target)
{
    add_prefix(script, target, "", target_setup(target)->compose.file, NULL);
}

void compose_prefix(struct text *script, const struct target *target, const char *override)
{
    compose_prefix_file(script, target, target_setup(target)->compose.file, override);
}

static void wipe_text(struct bytes *bytes)
{
    if (bytes->size > 0)
        sodium_memzero(bytes->data, bytes->size);
}

static enum error_code read_source(struct target *target, struct target_result *ret_result,
                                   struct error *error)
{
    CLEANUP_TEXT struct text script = {0};
    text_add(&script, "cat ");
    text_add_quoted(&script, target_setup(target)->compose.file);
    return target_run(target, &(struct target_command){.built = &script, .output = OUTPUT_RAW},
                      ret_result, error);
}

static const char NOT_ACTIVE[] = "# not active: ";

/* Behind the rendered file, as comments, the services of profiles that are not active. Version 1
 * renders them too and version 2 does not, but either hashes those that are active. */
static void add_config(struct text *script, const struct target *target, bool profiles)
{
    text_add(script, profiles ? "v=$(" : "");
    compose_prefix(script, target, NULL);
    text_add(script, "config");
    if (!profiles)
        return;
    text_add(script, ") || exit $?; printf '%s\\n' \"$v\"; "
                     "case $v in *profiles:* | name:*) ;; *) exit 0 ;; esac; a=$(");
    compose_prefix(script, target, NULL);
    text_add(script, "config --hash='*' 2>/dev/null) || exit 0; b=$(");
    compose_prefix(script, target, NULL);
    text_add(script, "--profile '*' config --services 2>/dev/null) || exit 0; "
                     "on() { printf '%s\\n' \"$a\" | while read -r n h; do "
                     "[ \"$n\" != \"$1\" ] || echo \"$h\"; done; }; "
                     "for s in $b; do o=$(on \"$s\"); [ -n \"$o\" ] || printf '");
    text_add(script, NOT_ACTIVE);
    text_add(script, "%s\\n' \"$s\"; done");
}

static enum error_code render_with(struct target *target, bool profiles,
                                   struct target_result *ret_result, struct error *error)
{
    CLEANUP_TEXT struct text script = {0};
    CLEANUP_RESULT struct target_result result = {0}, source = {0};
    char complaint[600], where[160];
    add_config(&script, target, profiles);
    enum error_code code = target_run(
        target, &(struct target_command){.built = &script, .output = OUTPUT_RAW}, &result, error);
    if (code != ERROR_OK)
        return code;
    const char *said = result.errors.size > 0 ? (const char *)result.errors.data : "";
    bool unset = complaint_has_unset(said);
    if (result.status == 0 && result.output.size > 0)
        code = compose_secrets_learn(target_learns(target), (const char *)result.output.data,
                                     result.output.size, error);
    if (code != ERROR_OK) {
        wipe_text(&result.output);
        return code;
    }
    if (result.status == 0 && !unset) {
        *ret_result = result;
        result = (struct target_result){0};
        return ERROR_OK;
    }
    wipe_text(&result.output);
    code = read_source(target, &source, error);
    if (code != ERROR_OK)
        return code;
    const char *text = source.status == 0 && source.output.size > 0
                           ? (const char *)source.output.data
                           : "";
    complaint_copy(&result.errors, complaint, sizeof complaint);
    complaint_place(target_setup(target)->compose.file, complaint_line(complaint, text), where,
                    sizeof where);
    code = result.status == 0
               ? complaint_say_unset(target_setup(target)->compose.file, said, text, error)
               : error_set(error, ERROR_REMOTE, result.status, where,
                           "run `compose config` with the same --env-file on the target",
                           "it does not render: %.400s", complaint);
    wipe_text(&source.output);
    return code;
}

enum error_code compose_config(struct target *target, struct target_result *ret_result,
                               struct error *error)
{
    return render_with(target, false, ret_result, error);
}

/* Moves a text of the target into locked memory and wipes the original. NULL when memory is short.
 */
static char *move_to_locked(struct bytes *text)
{
    char *locked = sodium_malloc(text->size + 1);
    if (locked != NULL)
        locked[text->size] = '\0';
    if (locked != NULL && text->size > 0)
        memcpy(locked, text->data, text->size);
    wipe_text(text);
    return locked;
}

enum error_code compose_view_open(struct target *target, struct compose_view **ret_view,
                                  struct error *error)
{
    CLEANUP_RESULT struct target_result rendered = {0}, source = {0};
    enum error_code code = compose_config(target, &rendered, error);
    if (code != ERROR_OK)
        return code;
    char *text = move_to_locked(&rendered.output), *lines = NULL;
    code = read_source(target, &source, error);
    if (code == ERROR_OK && source.status == 0)
        lines = move_to_locked(&source.output);
    if (code == ERROR_OK && text == NULL)
        code = error_set(error, ERROR_MEMORY, 0, "compose",
                         "raise the limit of locked memory (ulimit -l)", "out of memory");
    if (code == ERROR_OK)
        code = compose_view_read(text, rendered.output.size, lines, source.output.size, ret_view,
                                 error);
    sodium_free(text);
    sodium_free(lines);
    if (code == ERROR_OK)
        (*ret_view)->span = rendered.span;
    return code;
}

/* Used later in scripts, file names and evidence. */
static enum error_code take_service(const struct compose_service *service,
                                    struct declared_service *ret_declared, struct error *error)
{
    if (!compose_is_service_name(service->name) || !compose_is_reference(service->image))
        return error_set(error, ERROR_PROTOCOL, 0, "compose",
                         "look at `docker compose config` on the target, and at what answers to it",
                         "the rendered configuration has a service or an image whose name compose "
                         "would not take");
    enum error_code code = text_exact(ret_declared->service, sizeof ret_declared->service,
                                      service->name, "the name of a service", error);
    if (code == ERROR_OK)
        code = text_exact(ret_declared->image, sizeof ret_declared->image, service->image,
                          "the name of an image", error);
    ret_declared->built = service->built;
    ret_declared->pulls_always = service->pulls_always;
    return code;
}

/* The rows of what is recorded stand in the order of their bytes (FORMAT.md, P-28). */
static int by_service(const void *left, const void *right)
{
    const struct declared_service *first = left, *second = right;
    return strcmp(first->service, second->service);
}

static int by_row(const void *left, const void *right)
{
    return strcmp(((const struct declared_row *)left)->service,
                  ((const struct declared_row *)right)->service);
}

/* Who trades runs as long as it is wanted, whatever the file says. */
static struct declared_row render_row_of(const struct target *target,
                                         const struct compose_service *service)
{
    const struct setup_services *services = &target_setup(target)->services;
    bool trades = strcmp(service->name, services->execution) == 0
                  || strcmp(service->name, services->brain) == 0;
    struct declared_row row = {.once = service->awaited && !trades,
                               .ends = service->ends && !trades,
                               .replicas = service->replicas};
    (void)snprintf(row.service, sizeof row.service, "%.63s", service->name);
    return row;
}

/* The names in the comments behind the rendered text, which ends in NUL. */
static bool take_not_active(const char *text, struct declared *declared)
{
    const char *at = text;
    while ((at = strstr(at, NOT_ACTIVE)) != NULL) {
        const char *name = at + strlen(NOT_ACTIVE);
        bool begins = at == text || at[-1] == '\n';
        size_t length = strcspn(name, "\n");
        at = name;
        if (!begins || length >= sizeof declared->list[0].service)
            continue;
        if (declared->count == SETUP_NAMES_MAX)
            return false;
        struct declared_row *row = &declared->list[declared->count++];
        *row = (struct declared_row){.off = true, .replicas = 1};
        memcpy(row->service, name, length);
        if (!compose_is_service_name(row->service))
            declared->count--;
    }
    return true;
}

static enum error_code take_services(const struct target *target, const struct compose_view *view,
                                     struct compose_model *model, struct error *error)
{
    struct declared *declared = &model->declared;
    enum error_code code = ERROR_OK;
    for (size_t i = 0; code == ERROR_OK && i < view->count; i++) {
        if (declared_find(declared, view->services[i].name)->off)
            continue;
        if (declared->count == SETUP_NAMES_MAX)
            return error_set(error, ERROR_LIMIT, 0, target_setup(target)->compose.file,
                             "split the project, or raise SETUP_NAMES_MAX and rebuild",
                             "there are more than %d services", (int)SETUP_NAMES_MAX);
        code = take_service(&view->services[i], &model->services[model->count++], error);
        declared->list[declared->count++] = render_row_of(target, &view->services[i]);
    }
    qsort(model->services, model->count, sizeof model->services[0], by_service);
    qsort(declared->list, declared->count, sizeof declared->list[0], by_row);
    return code;
}

enum error_code compose_render(struct target *target, struct evidence *evidence,
                               struct compose_model *ret_model, struct error *error)
{
    CLEANUP_RESULT struct target_result result = {0};
    CLEANUP_BYTES struct bytes names = {0};
    struct compose_view *view = NULL;
    struct compose_model model = {.count = 0};
    enum error_code code = render_with(target, true, &result, error);
    if (code != ERROR_OK)
        return code;
    char *text = move_to_locked(&result.output);
    code = text != NULL ? compose_view_read(text, result.output.size, NULL, 0, &view, error)
                        : error_set(error, ERROR_MEMORY, 0, "compose", "", "out of memory");
    if (code == ERROR_OK && !take_not_active(text, &model.declared))
        code = error_set(error, ERROR_LIMIT, 0, target_setup(target)->compose.file,
                         "split the project, or raise SETUP_NAMES_MAX and rebuild",
                         "there are more than %d services", (int)SETUP_NAMES_MAX);
    sodium_free(text);
    if (code == ERROR_OK)
        code = take_services(target, view, &model, error);
    compose_view_close(view);
    for (size_t i = 0; code == ERROR_OK && i < model.declared.count; i++)
        code = declared_append(&names, &model.declared.list[i], error);
    if (code == ERROR_OK)
        code = evidence_add(evidence,
                            &(struct evidence_draft){.probe = PROBE_COMPOSE_SERVICES,
                                                     .subject = "",
                                                     .status = result.status,
                                                     .output = &names,
                                                     .sent_ns = result.sent_ns,
                                                     .received_ns = result.received_ns,
                                                     .span = &result.span},
                            error);
    if (code == ERROR_OK)
        *ret_model = model;
    return code;
}
