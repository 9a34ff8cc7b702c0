/* Rendering: reads the configuration from the target, and finds the line of the compose file that
 * prevents it. */
#include "actions/compose/compose_render.h"
#include "actions/compose/compose_secrets.h"
#include "actions/compose/compose_view_read.h"
#include "actions/compose/containers.h"
#include "journal/format/names.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

enum { NAME_MAX_BYTES = 64, UNSET_MAX = 4 };

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

static bool is_variable_letter(char c)
{
    return c == '_' || isalnum((unsigned char)c);
}

/* The next variable that compose only warns about and blanks: `The X variable is not set`, from
 * version 2 with the name in escaped quotes. NULL = no more. */
static const char *next_unset(const char *at, char ret_name[NAME_MAX_BYTES])
{
    const char *found = strstr(at, " variable is not set");
    if (found == NULL)
        return NULL;
    const char *end = found, *begin;
    while (end > at && !is_variable_letter(end[-1]) && end[-1] != '\n')
        end--;
    for (begin = end; begin > at && is_variable_letter(begin[-1]); begin--)
        continue;
    (void)snprintf(ret_name, NAME_MAX_BYTES, "%.*s", (int)(end - begin), begin);
    return found + 1;
}

/* The first line, from 1, outside a comment in which `name` stands as $NAME or ${NAME...}; with
 * `required`, as ${NAME?...} or ${NAME:?...}. 0 = none. */
static int line_of_variable(const char *source, const char *name, bool required)
{
    int line = 1;
    bool comment = false, blank = true;
    for (const char *at = source; *at != '\0'; at++) {
        if (*at == '\n') {
            line++;
            comment = false;
            blank = true;
            continue;
        }
        comment = comment || (blank && *at == '#');
        blank = *at == ' ' || *at == '\t';
        if (*at != '$' || comment)
            continue;
        if (at[1] == '$') {
            at++;
            continue;
        }
        const char *word = at + (at[1] == '{' ? 2 : 1), *rest = word + strlen(name);
        if (strncmp(word, name, strlen(name)) == 0 && !is_variable_letter(*rest)
            && (!required || *rest == '?' || (*rest == ':' && rest[1] == '?')))
            return line;
    }
    return 0;
}

/* The line of a ${NAME:?...} whose name or message the complaint repeats. */
static int line_of_required(const char *source, const char *complaint)
{
    for (const char *at = source; (at = strstr(at, "${")) != NULL; at += 2) {
        size_t name_length = 0, words;
        while (is_variable_letter(at[2 + name_length]))
            name_length++;
        const char *rest = at + 2 + name_length;
        rest += *rest == ':' ? 1 : 0;
        if (*rest != '?' || name_length == 0 || name_length >= NAME_MAX_BYTES)
            continue;
        char name[NAME_MAX_BYTES], said[160];
        words = strcspn(rest + 1, "}\n");
        (void)snprintf(name, sizeof name, "%.*s", (int)name_length, at + 2);
        (void)snprintf(said, sizeof said, "%.*s", (int)(words < 150 ? words : 150), rest + 1);
        if (strstr(complaint, name) != NULL || (said[0] != '\0' && strstr(complaint, said) != NULL))
            return line_of_variable(source, name, true);
    }
    return 0;
}

/* "line 17" of a complaint about the form of the file; the last one is the most exact. */
static int line_of_complaint(const char *complaint)
{
    int line = 0;
    for (const char *at = complaint; (at = strstr(at, "line ")) != NULL; at++)
        (void)sscanf(at, "line %9d", &line);
    return line;
}

/* The last line of a traceback names the failure; the lines of any other complaint are joined. */
static void join_lines(char *text)
{
    const char *last = strrchr(text, '\n');
    char *to = text;
    if (strstr(text, "Traceback (most recent call last)") != NULL && last != NULL)
        memmove(text, last + 1, strlen(last + 1) + 1);
    for (const char *from = text; *from != '\0'; from++) {
        bool blank = *from == '\n' || *from == ' ';
        if (!blank || (to > text && to[-1] != ' '))
            *to++ = blank ? ' ' : *from;
    }
    *to = '\0';
}

/* The complaint of compose in one line, without its quotes of the file: an environment may hold
 * secrets in clear text. */
static void copy_complaint(const struct bytes *errors, char *ret_text, size_t capacity)
{
    const char *text = errors->size > 0 ? (const char *)errors->data : "no reason given", *from,
               *to;
    if ((from = strstr(text, "interpolating {")) != NULL
        && (to = strstr(from, " in service ")) != NULL)
        (void)snprintf(ret_text, capacity, "%.*s%.200s", (int)(from - text), text, to + 1);
    else if ((from = strstr(text, "nvalid interpolation format")) != NULL
             && (to = strstr(from, ": \"")) != NULL)
        (void)snprintf(ret_text, capacity, "%.*s", (int)(to - text), text);
    else
        (void)snprintf(ret_text, capacity, "%s", text);
    for (char *line = ret_text, *end;
         (end = strchr(line, '\n')) != NULL;) { /* version 2 warns about other things first */
        const char *warns = strstr(line, "level=warning");
        if (warns != NULL && warns < end)
            memmove(line, end + 1, strlen(end + 1) + 1);
        else
            line = end + 1;
    }
    for (size_t length = strlen(ret_text); length > 0 && ret_text[length - 1] == '\n'; length--)
        ret_text[length - 1] = '\0';
    join_lines(ret_text);
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

static void name_place(const struct target *target, int line, char *ret_where, size_t capacity)
{
    (void)snprintf(ret_where, capacity, line > 0 ? "%.140s:%d" : "%.140s",
                   target_setup(target)->compose.file, line);
}

static enum error_code say_unset(struct target *target, const char *complaint, const char *source,
                                 struct error *error)
{
    char name[NAME_MAX_BYTES], where[160] = "", words[320] = "";
    unsigned count = 0;
    for (const char *at = complaint; count < UNSET_MAX && (at = next_unset(at, name)) != NULL;
         count++) {
        char place[160];
        size_t used = strlen(words);
        name_place(target, line_of_variable(source, name, false), place, sizeof place);
        if (count == 0)
            (void)snprintf(where, sizeof where, "%s", place);
        (void)snprintf(words + used, sizeof words - used, "%s%s%s%s", count > 0 ? ", " : "", name,
                       count > 0 ? " of " : "", count > 0 ? place : "");
    }
    return error_set(error, ERROR_REMOTE, 0, where, "set it in the env file",
                     "%s is not set, and compose would blank it", words);
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
    char complaint[600], where[160], name[NAME_MAX_BYTES];
    add_config(&script, target, profiles);
    enum error_code code = target_run(
        target, &(struct target_command){.built = &script, .output = OUTPUT_RAW}, &result, error);
    if (code != ERROR_OK)
        return code;
    const char *said = result.errors.size > 0 ? (const char *)result.errors.data : "";
    bool unset = next_unset(said, name) != NULL;
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
    copy_complaint(&result.errors, complaint, sizeof complaint);
    int line = line_of_required(text, complaint);
    name_place(target, line > 0 ? line : line_of_complaint(complaint), where, sizeof where);
    code = result.status == 0
               ? say_unset(target, said, text, error)
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
