#include "actions/compose/compose_project.h"

#include <ctype.h>
#include <string.h>

#include "actions/compose/compose_render.h"
#include "actions/secrets/secrets.h"
#include "journal/format/names.h"

/* compose's own rule for what a name is made of. */
static void add_letters(struct text *name, const char *text)
{
    for (; *text != '\0'; text++) {
        char c = (char)tolower((unsigned char)*text);
        if (isalnum((unsigned char)c) || c == '-' || c == '_')
            text_add_bytes(name, &c, 1);
    }
}

void compose_name_project(struct text *name, const struct target *target)
{
    const struct setup *setup = target_setup(target);
    const char *slash = strrchr(setup->target.directory, '/');
    if (target_project(target)[0] != '\0')
        text_add(name, target_project(target));
    else
        add_letters(name, slash != NULL ? slash + 1 : setup->target.directory);
}

void compose_add_project(struct text *script, const struct target *target)
{
    CLEANUP_TEXT struct text name = {0};
    compose_name_project(&name, target);
    text_add_quoted_text(script, &name);
}

#define VARIABLE "COMPOSE_PROJECT_NAME"

/* The directory of the compose file, where its env file lies by default. */
static void add_directory(struct text *path, const struct target *target)
{
    const struct setup *setup = target_setup(target);
    const char *file = setup->compose.file, *slash = strrchr(file, '/');
    if (file[0] != '/')
        text_add(path, setup->target.directory);
    if (file[0] != '/' && slash != NULL)
        text_add(path, "/");
    if (slash != NULL)
        text_add_bytes(path, file, (size_t)(slash - file));
}

/* A line or more of each place, in compose's order; where a place says nothing it has no value, or
 * no line. Of the rendered file nothing but its name leaves the pipe: it holds secrets. */
static void build_question(struct text *script, const struct target *target, bool rendered)
{
    const struct setup_compose *compose = &target_setup(target)->compose;
    CLEANUP_TEXT struct text path = {0};
    text_add(script, "exec 2>/dev/null; ");
    if (rendered) {
        compose_prefix_unnamed(script, target);
        text_add(script, "config | grep '^name:'; ");
    }
    text_add(script, "printf 'name: %s\\n' \"$" VARIABLE "\"; ");
    if (compose->env_file[0] != '\0') {
        text_add(&path, compose->env_file);
    } else {
        add_directory(&path, target);
        text_add(&path, "/.env");
    }
    text_add(script, "grep -F " VARIABLE " ");
    text_add_quoted_text(script, &path);
    text_add(script, "; printf 'file%s\\n' \"$(grep '^name:' ");
    text_add_quoted(script, compose->file);
    text_add(script, ")\"");
}

/* What stands behind the mark of a line; "export " may be in front of it. NULL = another line. */
static const char *value_of(const char *line, const char *name, char mark)
{
    line += strspn(line, " \t");
    if (strncmp(line, "export ", strlen("export ")) == 0)
        line += strlen("export ") + strspn(line + strlen("export "), " \t");
    if (strncmp(line, name, strlen(name)) != 0)
        return NULL;
    line += strlen(name);
    line += strspn(line, " \t");
    return *line == mark ? line + 1 : NULL;
}

/* "'titan'\r" -> "titan": the line may be one of a file that people write. */
static void read_value(const char *value, struct text *ret_name)
{
    CLEANUP_TEXT struct text first = {0};
    value += strspn(value, "\"' \t");
    text_add_bytes(&first, value, strcspn(value, "\"'\r\n #"));
    add_letters(ret_name, text_string(&first));
}

/* False where only compose can tell: the file names the project by a variable. */
static bool read_answer(const struct target *target, const struct bytes *output,
                        struct text *ret_name)
{
    CLEANUP_TEXT struct text listed = {0}, directory = {0};
    const char *line = output->size > 0 ? (const char *)output->data : "", *of_file = "";
    for (; *line != '\0'; line += strcspn(line, "\n"), line += *line == '\n') {
        const char *told = value_of(line, "name", ':'), *assigned = value_of(line, VARIABLE, '='),
                   *written = value_of(line, "filename", ':');
        if (told != NULL && ret_name->bytes.size == 0)
            read_value(told, ret_name);
        if (written != NULL)
            of_file = written;
        if (assigned == NULL)
            continue;
        text_clear(&listed); /* the last assignment counts */
        read_value(assigned, &listed);
    }
    if (ret_name->bytes.size == 0)
        text_add(ret_name, text_string(&listed));
    if (ret_name->bytes.size > 0)
        return true;
    if (memchr(of_file, '$', strcspn(of_file, "\n#")) != NULL)
        return false;
    read_value(of_file, ret_name);
    if (ret_name->bytes.size > 0)
        return true;
    add_directory(&directory, target);
    const char *slash = strrchr(text_string(&directory), '/');
    add_letters(ret_name, slash != NULL ? slash + 1 : text_string(&directory));
    return true;
}

static enum error_code ask(struct target *target, bool rendered, struct evidence *evidence,
                           char ret_name[PROJECT_NAME_MAX], struct error *error)
{
    CLEANUP_TEXT struct text script = {0}, name = {0};
    CLEANUP_RESULT struct target_result result = {0};
    CLEANUP_BYTES struct bytes line = {0};
    build_question(&script, target, rendered);
    enum error_code code = target_run(
        target, &(struct target_command){.built = &script, .output = OUTPUT_RAW}, &result, error);
    if (code != ERROR_OK)
        return code;
    bool told = read_answer(target, &result.output, &name);
    if (text_failed(&name, error))
        return error->code;
    if (result.status != 0 || !told || name.bytes.size == 0 || name.bytes.size >= PROJECT_NAME_MAX
        || !isalnum((unsigned char)text_string(&name)[0]))
        return error_set(error, ERROR_REMOTE, result.status, target_setup(target)->compose.file,
                         "set compose.project in titan.yml",
                         "neither the compose file nor its directory gives a name for the project");
    text_cut(ret_name, PROJECT_NAME_MAX, text_string(&name));
    if (evidence == NULL)
        return ERROR_OK;
    code = bytes_append_format(&line, error, "%s\n", ret_name);
    return code != ERROR_OK
               ? code
               : evidence_add(evidence,
                              &(struct evidence_draft){.probe = PROBE_COMPOSE_PROJECT,
                                                       .subject = "",
                                                       .status = 0,
                                                       .output = &line,
                                                       .sent_ns = result.sent_ns,
                                                       .received_ns = result.received_ns,
                                                       .span = &result.span},
                              error);
}

enum error_code compose_find_project(struct target *target, struct evidence *evidence,
                                     char ret_name[PROJECT_NAME_MAX], struct error *error)
{
    return ask(target, true, evidence, ret_name, error);
}

enum error_code compose_know_project(struct target *target, const char *name, struct error *error)
{
    target_know_project(target, name);
    enum error_code code = secrets_spare(target_learns(target), name, strlen(name), error);
    return code == ERROR_OK ? secrets_settle(target_learns(target), error) : code;
}

enum error_code compose_learn_project(struct target *target, struct error *error)
{
    char name[PROJECT_NAME_MAX];
    if (target_project(target)[0] != '\0')
        return ERROR_OK;
    enum error_code code = ask(target, false, NULL, name, error);
    return code == ERROR_OK ? compose_know_project(target, name, error) : code;
}

enum error_code compose_learn_project_from(struct target *target, const char *rendered, size_t size,
                                           struct error *error)
{
    CLEANUP_TEXT struct text name = {0};
    const char *mark = size >= 5 && memcmp(rendered, "name:", 5) == 0
                           ? rendered
                           : memmem(rendered, size, "\nname:", 6);
    if (target_project(target)[0] != '\0' || mark == NULL)
        return ERROR_OK;
    read_value(strchr(mark, ':') + 1, &name);
    return name.bytes.size > 0 && name.bytes.size < PROJECT_NAME_MAX
               ? compose_know_project(target, text_string(&name), error)
               : ERROR_OK;
}
