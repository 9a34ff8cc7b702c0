/* tests/world/sh_builtin: the commands that a shell has itself. */
#include "tests/world/sh.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool sh_builtin(struct sh *shell, int count, char **words, int *ret_status);

static bool test_file(struct sh *shell, char what, const char *name)
{
    const struct file *file = files_find(shell->files, sh_path(shell, name));
    const char *data;
    size_t size = 0;
    if (file == NULL)
        return strchr("dhw", what) == NULL && sh_read_file(shell, name, &data, &size)
               && (what != 's' || size > 0);
    return what == 'd'   ? file->directory
           : what == 'f' ? !file->directory && !file->pipe
           : what == 'h' ? file->link
           : what == 'w' ? (file->mode & 0200) != 0
           : what == 's' ? file->content.size > 0
           : what == 'r' ? (file->mode & 0400) != 0
           : what == 'x' ? (file->mode & 0100) != 0
                         : true;
}

static bool test_three(const struct sh *shell, char **words)
{
    const char *left = words[0], *operation = words[1], *right = words[2];
    if (strcmp(operation, "=") == 0)
        return strcmp(left, right) == 0;
    if (strcmp(operation, "!=") == 0)
        return strcmp(left, right) != 0;
    long difference = strtol(left, NULL, 10) - strtol(right, NULL, 10);
    static const struct {
        const char *word;
        bool less, equal, more;
    } orders[] = {{"-eq", false, true, false}, {"-ne", true, false, true},
                  {"-lt", true, false, false}, {"-le", true, true, false},
                  {"-gt", false, false, true}, {"-ge", false, true, true}};
    for (size_t i = 0; i < sizeof orders / sizeof orders[0]; i++)
        if (strcmp(operation, orders[i].word) == 0)
            return difference < 0   ? orders[i].less
                   : difference > 0 ? orders[i].more
                                    : orders[i].equal;
    sh_refuse(shell, "[ with %s", operation);
}

static bool test_words(struct sh *shell, int count, char **words)
{
    if (count > 0 && strcmp(words[0], "!") == 0)
        return !test_words(shell, count - 1, words + 1);
    if (count == 0)
        return false;
    if (count == 1)
        return words[0][0] != '\0';
    if (count == 3)
        return test_three(shell, words);
    if (count == 2 && strcmp(words[0], "-n") == 0)
        return words[1][0] != '\0';
    if (count == 2 && strcmp(words[0], "-z") == 0)
        return words[1][0] == '\0';
    if (count == 2 && words[0][0] == '-' && strchr("efdsrxhw", words[0][1]) != NULL)
        return test_file(shell, words[0][1], words[1]);
    sh_refuse(shell, "[ with %d words, the first is %s", count, words[0]);
}

static int run_test(struct sh *shell, int count, char **words)
{
    bool bracket = strcmp(words[0], "[") == 0;
    if (bracket && strcmp(words[count - 1], "]") != 0)
        sh_refuse(shell, "[ without ]");
    return test_words(shell, count - 1 - bracket, words + 1) ? 0 : 1;
}

static int run_echo(struct sh *shell, int count, char **words)
{
    for (int i = 1; i < count; i++)
        sh_printf(shell, 1, "%s%s", i > 1 ? " " : "", words[i]);
    sh_print(shell, 1, "\n", 1);
    return 0;
}

/* One backslash of a format, past which it returns. */
static const char *print_escape(struct sh *shell, const char *at)
{
    unsigned value = 0;
    if (*at >= '0' && *at <= '7') {
        int digits = 0;
        for (; digits < 3 && *at >= '0' && *at <= '7'; digits++)
            value = value * 8 + (unsigned)(*at++ - '0');
    } else {
        value = *at == 'n' ? '\n' : *at == 't' ? '\t' : *at == '\\' ? '\\' : 0;
        if (value == 0)
            sh_refuse(shell, "printf's \\%c", *at);
        at++;
    }
    char byte = (char)value;
    sh_print(shell, 1, &byte, 1);
    return at;
}

/* %s, %d, %03o and %%. */
static const char *print_field(struct sh *shell, const char *at, const char *word)
{
    if (*at == '%') {
        sh_print(shell, 1, "%", 1);
        return at + 1;
    }
    if (strncmp(at, "03o", 3) == 0) {
        sh_printf(shell, 1, "%03lo", strtoul(word, NULL, 0));
        return at + 3;
    }
    if (*at == 's')
        sh_print(shell, 1, word, strlen(word));
    else if (*at == 'd')
        sh_printf(shell, 1, "%ld", strtol(word, NULL, 0));
    else
        sh_refuse(shell, "printf's %%%.4s", at);
    return at + 1;
}

static int run_printf(struct sh *shell, int count, char **words)
{
    int next = 2;
    do {
        int before = next;
        for (const char *at = words[1]; *at != '\0';) {
            if (*at == '\\') {
                at = print_escape(shell, at + 1);
            } else if (*at == '%') {
                bool takes = at[1] != '%';
                at = print_field(shell, at + 1, takes && next < count ? words[next] : "");
                next += takes;
            } else {
                sh_print(shell, 1, at++, 1);
            }
        }
        if (next == before)
            break;
    } while (next < count);
    return 0;
}

/* read -r a b: a line from standard input, its words to the names, the rest to the last one. */
static int run_read(struct sh *shell, int count, char **words)
{
    struct channel *channel = shell->descriptors[0];
    int first = count > 1 && strcmp(words[1], "-r") == 0 ? 2 : 1;
    if (channel == NULL || channel->content == NULL || channel->at >= channel->content->size) {
        for (int i = first; i < count; i++)
            sh_set(shell, words[i], "");
        return 1;
    }
    const char *line = channel->content->data + channel->at;
    size_t length = strcspn(line, "\n");
    bool whole = line[length] == '\n';
    char *rest = arena_copy(shell->arena, line, length);
    channel->at += length + whole;
    for (int i = first; i < count; i++) {
        rest += strspn(rest, " \t");
        size_t word = i + 1 < count ? strcspn(rest, " \t") : strlen(rest);
        while (i + 1 == count && word > 0 && strchr(" \t", rest[word - 1]) != NULL)
            word--;
        sh_set(shell, words[i], arena_copy(shell->arena, rest, word));
        rest += word;
    }
    return whole ? 0 : 1;
}

static int run_export(struct sh *shell, int count, char **words)
{
    for (int i = 1; i < count; i++) {
        const char *equals = strchr(words[i], '=');
        const char *name = equals != NULL
                               ? arena_copy(shell->arena, words[i], (size_t)(equals - words[i]))
                               : words[i];
        const char *now = sh_get(shell, name);
        sh_set(shell, name, equals != NULL ? equals + 1 : now != NULL ? now : "");
        for (struct sh_variable *each = shell->variables; each != NULL; each = each->next)
            each->exported = each->exported || strcmp(each->name, name) == 0;
    }
    return 0;
}

static int run_umask(struct sh *shell, int count, char **words)
{
    if (count == 1)
        sh_printf(shell, 1, "%04o\n", shell->mask);
    else
        shell->mask = (unsigned)strtoul(words[1], NULL, 8);
    return 0;
}

static int run_cd(struct sh *shell, int count, char **words)
{
    const char *path = sh_path(shell, count > 1 ? words[1] : "/");
    const struct file *file = files_find(shell->files, path);
    if (file == NULL || !file->directory) {
        sh_printf(shell, 2, "sh: cd: can't cd to %s\n", path);
        return 2;
    }
    shell->directory = path;
    return 0;
}

static int run_exit(struct sh *shell, int count, char **words)
{
    shell->exiting = true;
    return count > 1 ? atoi(words[1]) : shell->status;
}

static int run_jump(struct sh *shell, int count, char **words)
{
    if (count > 1)
        sh_refuse(shell, "%s out of more than one loop", words[0]);
    shell->jump = strcmp(words[0], "break") == 0 ? JUMP_BREAK : JUMP_CONTINUE;
    return 0;
}

static int run_return(struct sh *shell, int count, char **words)
{
    shell->jump = JUMP_RETURN;
    return count > 1 ? atoi(words[1]) : shell->status;
}

/* command -v NAME: of programs that not every target has. */
static int run_command(struct sh *shell, int count, char **words)
{
    if (count != 3 || strcmp(words[1], "-v") != 0)
        sh_refuse(shell, "command %s", count > 1 ? words[1] : "");
    return strcmp(words[2], "setsid") == 0 ? 0 : 1;
}

/* set -f (no word is ever a pattern of files here); set -- WORD... */
static int run_set(struct sh *shell, int count, char **words)
{
    if (count == 2 && strcmp(words[1], "-f") == 0)
        return 0;
    if (count < 2 || strcmp(words[1], "--") != 0)
        sh_refuse(shell, "set %s", count > 1 ? words[1] : "");
    shell->arguments = words + 2;
    shell->argument_count = count - 2;
    return 0;
}

/* No signal arrives here. */
static int run_trap(struct sh *shell, int count, char **words)
{
    if (count < 3 || (strcmp(words[1], ":") != 0 && words[1][0] != '\0'))
        sh_refuse(shell, "trap %s", count > 1 ? words[1] : "");
    return 0;
}

static int run_nothing(struct sh *shell, int count, char **words)
{
    (void)shell;
    (void)count;
    return strcmp(words[0], "false") == 0 ? 1 : 0;
}

bool sh_builtin(struct sh *shell, int count, char **words, int *ret_status)
{
    static const struct {
        const char *name;
        int (*run)(struct sh *shell, int count, char **words);
    } builtins[] = {{":", run_nothing},     {"true", run_nothing},  {"false", run_nothing},
                    {"echo", run_echo},     {"[", run_test},        {"test", run_test},
                    {"read", run_read},     {"exit", run_exit},     {"printf", run_printf},
                    {"export", run_export}, {"cd", run_cd},         {"umask", run_umask},
                    {"break", run_jump},    {"continue", run_jump}, {"set", run_set},
                    {"trap", run_trap},     {"return", run_return}, {"command", run_command}};
    for (size_t i = 0; i < sizeof builtins / sizeof builtins[0]; i++)
        if (strcmp(words[0], builtins[i].name) == 0) {
            *ret_status = builtins[i].run(shell, count, words);
            return true;
        }
    return false;
}
