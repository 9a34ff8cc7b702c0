/* tests/world/sh: a POSIX shell over the files of tests/world/files: what a target does with the
 * lines that actions/ really sends.
 * Knows:     words, quotes, expansions, pipes, redirections, functions, if, while, for, case; its
 *            built-in commands. Every other program is asked of `tool` (tools.h).
 * Order:     nothing runs at the same time: the left side of a pipe runs to its end first.
 * Loud:      what it does not know ends the test with the script (sh_refuse). It never guesses. */
#ifndef WORLD_SH_H
#define WORLD_SH_H

#include "tests/world/files.h"

enum { SH_DESCRIPTORS = 10 };

/* An open description: several descriptors may share it, and its position. NULL content: nothing is
 * read, what is written is gone. */
struct channel {
    struct grow *content;
    size_t at;
};

struct sh_variable {
    const char *name, *value;
    bool exported;
    struct sh_variable *next;
};

struct sh_node;
struct sh_function {
    const char *name;
    const struct sh_node *body;
    struct sh_function *next;
};

struct sh;
/* A program by its name and words; false = there is none of this name. */
typedef bool sh_tool_function(struct sh *shell, int count, char **words, int *ret_status);

struct sh {
    struct arena *arena;
    struct files *files;
    sh_tool_function *tool;
    void *context;      /* of `tool` */
    const char *script; /* what it was started with, for a refusal */
    const char *directory;
    struct sh_variable *variables;
    struct sh_function *functions;
    struct channel *descriptors[SH_DESCRIPTORS];
    char **arguments; /* $1... */
    int argument_count;
    unsigned mask;
    int pid; /* $$; 0 = 4711 */
    int status;
    int substituted; /* status of the last $(...) of a simple command, -1 = it had none */
    bool exiting;
    enum {
        JUMP_NONE = 0,
        JUMP_BREAK,
        JUMP_CONTINUE,
        JUMP_RETURN
    } jump; /* of the innermost loop, or function */
};

/* Runs a script to its end; the exit status. */
int sh_run(struct sh *shell, const char *script);
/* Another shell, `sh -c script`, with what is exported and the descriptors of this one. */
int sh_child(struct sh *shell, const char *script);
int sh_child_with(struct sh *shell, const char *script, int count, char **words); /* its $1... */
int sh_program(struct sh *shell, int count, char **words); /* a built-in, a function or a tool */
_Noreturn void sh_refuse(const struct sh *shell, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

const char *sh_get(const struct sh *shell, const char *name); /* NULL = unset */
void sh_set(struct sh *shell, const char *name, const char *value);
const char *sh_path(struct sh *shell, const char *name); /* absolute */
void sh_print(struct sh *shell, int descriptor, const void *data, size_t size);
void sh_printf(struct sh *shell, int descriptor, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* All that is left on standard input. */
void sh_read_all(struct sh *shell, const char **ret_data, size_t *ret_size);
/* A file's bytes: one that exists, or one of /proc and /dev. */
bool sh_read_file(struct sh *shell, const char *name, const char **ret_data, size_t *ret_size);

/* sh_expand.c */
struct sh_word {
    const char *text; /* as it is written, with its quotes */
    size_t length;
    struct sh_word *next;
};
/* Words to fields, split where they are not quoted. */
int sh_expand(struct sh *shell, const struct sh_word *words, char ***ret_fields);
char *sh_expand_one(struct sh *shell, const struct sh_word *word);
bool sh_case_matches(struct sh *shell, const struct sh_word *pattern, const char *subject);
bool sh_match(const char *pattern, const char *text); /* * ? [...] [!...] and \ */

/* sh_parse.c */
enum sh_kind {
    SH_INVALID = 0,
    SH_SIMPLE,
    SH_PIPE,
    SH_AND,
    SH_OR,
    SH_NOT,
    SH_SEQUENCE,
    SH_GROUP,
    SH_SUBSHELL,
    SH_IF,
    SH_WHILE,
    SH_FOR,
    SH_CASE,
    SH_FUNCTION
};

struct sh_redirect {
    int descriptor;
    enum { REDIRECT_READ = 1, REDIRECT_WRITE, REDIRECT_APPEND, REDIRECT_SAME } kind;
    struct sh_word word;
    struct sh_redirect *next;
};

struct sh_clause { /* of a case */
    struct sh_word *patterns;
    const struct sh_node *body;
    struct sh_clause *next;
};

struct sh_node {
    enum sh_kind kind;
    const struct sh_node *left, *right, *otherwise; /* IF: condition, then, else */
    struct sh_word *assignments, *words;            /* FOR: its words; CASE: its subject */
    struct sh_redirect *redirects;
    struct sh_clause *clauses;
    const char *name; /* FOR, FUNCTION */
};

const struct sh_node *sh_parse(const struct sh *shell, const char *script); /* NULL = empty */
const struct sh_node *sh_parse_again(const struct sh *shell, const char *script);
/* sh_run.c, for a command substitution. */
int sh_subshell(struct sh *shell, const char *script, struct grow *output);

#endif
