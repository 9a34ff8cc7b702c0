#include "tests/world/sh.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool sh_builtin(struct sh *shell, int count, char **words, int *ret_status); /* sh_builtin.c */

static int run_node(struct sh *shell, const struct sh_node *node);

void sh_refuse(const struct sh *shell, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    /* not by stdio, whose streams a test may have taken for itself */
    (void)dprintf(STDERR_FILENO, "scripted world: the shell does not know ");
    (void)vdprintf(STDERR_FILENO, format, arguments);
    (void)dprintf(STDERR_FILENO, "\n  in: %s\n", shell->script);
    va_end(arguments);
    abort();
}

static struct sh_variable *find_variable(const struct sh *shell, const char *name)
{
    for (struct sh_variable *each = shell->variables; each != NULL; each = each->next)
        if (strcmp(each->name, name) == 0)
            return each;
    return NULL;
}

const char *sh_get(const struct sh *shell, const char *name)
{
    const struct sh_variable *variable = find_variable(shell, name);
    return variable != NULL ? variable->value : NULL;
}

void sh_set(struct sh *shell, const char *name, const char *value)
{
    struct sh_variable *variable = find_variable(shell, name);
    if (variable == NULL) {
        variable = arena_take(shell->arena, sizeof *variable);
        *variable = (struct sh_variable){.name = arena_copy(shell->arena, name, strlen(name)),
                                         .next = shell->variables};
        shell->variables = variable;
    }
    variable->value = arena_copy(shell->arena, value, strlen(value));
}

const char *sh_path(struct sh *shell, const char *name)
{
    while (strncmp(name, "./", 2) == 0)
        name += 2;
    char *path = name[0] == '/' ? arena_text(shell->arena, "%s", name)
                                : arena_text(shell->arena, "%s/%s", shell->directory, name);
    size_t length = 0;
    for (const char *at = path; *at != '\0'; at++)
        if (*at != '/' || (at[1] != '/' && (at[1] != '\0' || length == 0)))
            path[length++] = *at;
    path[length] = '\0';
    return path;
}

void sh_print(struct sh *shell, int descriptor, const void *data, size_t size)
{
    const struct channel *channel = shell->descriptors[descriptor];
    if (channel != NULL && channel->content != NULL)
        grow_bytes(channel->content, data, size);
}

void sh_printf(struct sh *shell, int descriptor, const char *format, ...)
{
    char text[4096];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (length < 0 || (size_t)length >= sizeof text)
        abort();
    sh_print(shell, descriptor, text, (size_t)length);
}

void sh_read_all(struct sh *shell, const char **ret_data, size_t *ret_size)
{
    struct channel *channel = shell->descriptors[0];
    *ret_data = "";
    *ret_size = 0;
    if (channel == NULL || channel->content == NULL)
        return;
    *ret_data = grow_string(channel->content) + channel->at;
    *ret_size = channel->content->size - channel->at;
    channel->at = channel->content->size;
}

static struct channel *open_channel(struct sh *shell, struct grow *content)
{
    struct channel *channel = arena_take(shell->arena, sizeof *channel);
    channel->content = content;
    return channel;
}

/* NULL with a word on standard error where it cannot be opened. */
static struct channel *open_file(struct sh *shell, const struct sh_redirect *redirect)
{
    const char *name = sh_expand_one(shell, &redirect->word), *path = sh_path(shell, name);
    struct channel *channel = NULL;
    if (strcmp(path, "/dev/null") == 0)
        return open_channel(shell, NULL);
    struct file *file = files_find(shell->files, path);
    if (redirect->kind == REDIRECT_READ) {
        const char *data;
        size_t size;
        if (file != NULL) /* shared with whoever writes it */
            return open_channel(shell, &file->content);
        if (sh_read_file(shell, name, &data, &size)) {
            struct grow *content = arena_take(shell->arena, sizeof *content);
            content->arena = shell->arena;
            grow_bytes(content, data, size);
            channel = open_channel(shell, content);
        }
    } else if (files_has_parent(shell->files, path)) {
        if (file == NULL)
            file = files_make(shell->files, path, 0666 & ~shell->mask);
        if (redirect->kind == REDIRECT_WRITE)
            file->content.size = 0;
        channel = open_channel(shell, &file->content);
    }
    if (channel == NULL)
        sh_printf(shell, 2, "sh: cannot open %s: No such file\n", name);
    return channel;
}

/* False where one of them cannot be opened. */
static bool redirect_all(struct sh *shell, const struct sh_redirect *redirect)
{
    for (; redirect != NULL; redirect = redirect->next) {
        struct channel *channel = NULL;
        if (redirect->descriptor >= SH_DESCRIPTORS)
            sh_refuse(shell, "descriptor %d", redirect->descriptor);
        if (redirect->kind == REDIRECT_SAME) {
            const char *word = sh_expand_one(shell, &redirect->word);
            if (word[0] >= '0' && word[0] <= '9')
                channel = shell->descriptors[word[0] - '0'];
            else if (strcmp(word, "-") != 0)
                sh_refuse(shell, "a redirection to &%s", word);
        } else {
            channel = open_file(shell, redirect);
            if (channel == NULL)
                return false;
        }
        shell->descriptors[redirect->descriptor] = channel;
    }
    return true;
}

static int call_function(struct sh *shell, const struct sh_function *function, int count,
                         char **words)
{
    char **arguments = shell->arguments;
    int argument_count = shell->argument_count;
    shell->arguments = words + 1;
    shell->argument_count = count - 1;
    int status = run_node(shell, function->body);
    if (shell->jump == JUMP_RETURN)
        shell->jump = JUMP_NONE;
    shell->arguments = arguments;
    shell->argument_count = argument_count;
    return status;
}

/* A file that is a script of its own. */
static bool run_script_file(struct sh *shell, const char *name, int *ret_status)
{
    const struct file *file = strchr(name, '/') != NULL
                                  ? files_find(shell->files, sh_path(shell, name))
                                  : NULL;
    if (file == NULL || (file->mode & 0100) == 0)
        return false;
    *ret_status = sh_child(shell, arena_copy(shell->arena, file->content.data, file->content.size));
    return true;
}

int sh_program(struct sh *shell, int count, char **words)
{
    int status = 0;
    for (const struct sh_function *each = shell->functions; each != NULL; each = each->next)
        if (strcmp(each->name, words[0]) == 0)
            return call_function(shell, each, count, words);
    if (sh_builtin(shell, count, words, &status) || shell->tool(shell, count, words, &status)
        || run_script_file(shell, words[0], &status))
        return status;
    if (strchr(words[0], '/') == NULL)
        sh_refuse(shell, "the program %s", words[0]);
    sh_printf(shell, 2, "sh: %s: not found\n", words[0]);
    return 127;
}

static void assign_all(struct sh *shell, const struct sh_word *words)
{
    for (; words != NULL; words = words->next) {
        const char *equals = memchr(words->text, '=', words->length);
        size_t name = (size_t)(equals - words->text);
        struct sh_word value = {.text = equals + 1, .length = words->length - name - 1};
        sh_set(shell, arena_copy(shell->arena, words->text, name), sh_expand_one(shell, &value));
    }
}

static int run_simple(struct sh *shell, const struct sh_node *node)
{
    struct channel *kept[SH_DESCRIPTORS];
    char **words;
    shell->substituted = -1;
    int count = sh_expand(shell, node->words, &words);
    if (count > 0 && node->assignments != NULL)
        sh_refuse(shell, "an assignment before the program %s", words[0]);
    assign_all(shell, node->assignments);
    memcpy(kept, shell->descriptors, sizeof kept);
    bool stays = count > 0 && strcmp(words[0], "exec") == 0;
    int status = shell->substituted >= 0 ? shell->substituted : 0;
    if (!redirect_all(shell, node->redirects))
        status = 1;
    else if (stays && count == 1)
        return 0;
    else if (count > 0)
        status = sh_program(shell, count - stays, words + stays);
    memcpy(shell->descriptors, kept, sizeof kept);
    if (stays)
        shell->exiting = true;
    return status;
}

/* What happens in a copy of the shell leaves its variables and descriptors alone. */
static int run_copy(const struct sh *shell, const struct sh_node *node, struct channel *input,
                    struct channel *output)
{
    struct sh copy = *shell;
    copy.variables = NULL;
    for (const struct sh_variable *each = shell->variables; each != NULL; each = each->next) {
        struct sh_variable *variable = arena_take(copy.arena, sizeof *variable);
        *variable = *each;
        variable->next = copy.variables;
        copy.variables = variable;
    }
    if (input != NULL)
        copy.descriptors[0] = input;
    if (output != NULL)
        copy.descriptors[1] = output;
    return run_node(&copy, node);
}

int sh_subshell(struct sh *shell, const char *script, struct grow *output)
{
    return run_copy(shell, sh_parse_again(shell, script), NULL, open_channel(shell, output));
}

static int run_pipe(struct sh *shell, const struct sh_node *node)
{
    struct grow *between = arena_take(shell->arena, sizeof *between);
    between->arena = shell->arena;
    (void)run_copy(shell, node->left, NULL, open_channel(shell, between));
    return run_copy(shell, node->right, open_channel(shell, between), NULL);
}

static int run_case(struct sh *shell, const struct sh_node *node)
{
    const char *subject = sh_expand_one(shell, node->words);
    for (const struct sh_clause *clause = node->clauses; clause != NULL; clause = clause->next)
        for (const struct sh_word *pattern = clause->patterns; pattern != NULL;
             pattern = pattern->next)
            if (sh_case_matches(shell, pattern, subject))
                return run_node(shell, clause->body);
    return 0;
}

static int run_loop(struct sh *shell, const struct sh_node *node)
{
    enum { TURNS_MAX = 100000 };
    int status = 0;
    for (int turn = 0; run_node(shell, node->left) == 0 && !shell->exiting; turn++) {
        if (turn == TURNS_MAX)
            sh_refuse(shell, "a loop without an end");
        status = run_node(shell, node->right);
        bool over = shell->exiting || shell->jump == JUMP_BREAK || shell->jump == JUMP_RETURN;
        if (shell->jump != JUMP_RETURN)
            shell->jump = JUMP_NONE;
        if (over)
            break;
    }
    return status;
}

static int run_for(struct sh *shell, const struct sh_node *node)
{
    char **words;
    int status = 0, count = sh_expand(shell, node->words, &words);
    for (int i = 0; i < count && !shell->exiting; i++) {
        sh_set(shell, node->name, words[i]);
        status = run_node(shell, node->left);
        bool over = shell->jump == JUMP_BREAK || shell->jump == JUMP_RETURN;
        if (shell->jump != JUMP_RETURN)
            shell->jump = JUMP_NONE;
        if (over)
            break;
    }
    return status;
}

static int define(struct sh *shell, const struct sh_node *node)
{
    struct sh_function *function = arena_take(shell->arena, sizeof *function);
    *function = (struct sh_function){.name = node->name,
                                     .body = node->left,
                                     .next = shell->functions};
    shell->functions = function;
    return 0;
}

static int run_group(struct sh *shell, const struct sh_node *node)
{
    struct channel *kept[SH_DESCRIPTORS];
    memcpy(kept, shell->descriptors, sizeof kept);
    int status = redirect_all(shell, node->redirects)
                     ? node->kind == SH_SUBSHELL ? run_copy(shell, node->left, NULL, NULL)
                                                 : run_node(shell, node->left)
                     : 1;
    memcpy(shell->descriptors, kept, sizeof kept);
    return status;
}

static bool breaks(const struct sh *shell)
{
    return shell->exiting || shell->jump != JUMP_NONE;
}

static int run_kind(struct sh *shell, const struct sh_node *node)
{
    int status;
    switch (node->kind) {
    case SH_SIMPLE:
        return run_simple(shell, node);
    case SH_PIPE:
        return run_pipe(shell, node);
    case SH_AND:
    case SH_OR:
        status = run_node(shell, node->left);
        return breaks(shell) || (status == 0) == (node->kind == SH_OR)
                   ? status
                   : run_node(shell, node->right);
    case SH_NOT:
        return run_node(shell, node->left) == 0 ? 1 : 0;
    case SH_SEQUENCE:
        status = run_node(shell, node->left);
        return breaks(shell) ? status : run_node(shell, node->right);
    case SH_GROUP:
    case SH_SUBSHELL:
        return run_group(shell, node);
    case SH_IF:
        status = run_node(shell, node->left);
        return breaks(shell) ? status
                             : run_node(shell, status == 0 ? node->right : node->otherwise);
    case SH_WHILE:
        return run_loop(shell, node);
    case SH_FOR:
        return run_for(shell, node);
    case SH_CASE:
        return run_case(shell, node);
    case SH_FUNCTION:
        return define(shell, node);
    case SH_INVALID:
        break;
    }
    abort();
}

static int run_node(struct sh *shell, const struct sh_node *node)
{
    if (node == NULL)
        return 0;
    shell->status = run_kind(shell, node);
    return shell->status;
}

int sh_run(struct sh *shell, const char *script)
{
    shell->script = script;
    return run_node(shell, sh_parse(shell, script));
}

int sh_child(struct sh *shell, const char *script)
{
    return sh_child_with(shell, script, 0, NULL);
}

int sh_child_with(struct sh *shell, const char *script, int count, char **words)
{
    struct sh child = *shell;
    child.variables = NULL;
    child.functions = NULL;
    child.arguments = words;
    child.argument_count = count;
    child.exiting = false;
    for (const struct sh_variable *each = shell->variables; each != NULL; each = each->next)
        if (each->exported) {
            sh_set(&child, each->name, each->value);
            child.variables->exported = true;
        }
    return run_node(&child, sh_parse_again(&child, script));
}
