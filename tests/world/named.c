#include "tests/world/named.h"

#include <ctype.h>
#include <regex.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fsm/commands/command.h"
#include "tests/world/person.h"

static const char PROGRAM[] = "titan-fsm ";

/* What stands for something that the operator knows. */
static const char *filled(const char *word)
{
    static const struct {
        const char *word, *meant;
    } words[] = {{"TEXT", "test"},
                 {"WHY", "test"},
                 {"FILE", "/home/alice/file"},
                 {"STATE", "opened"},
                 {"ITEM", "tree_clean"},
                 {"yes", "yes"},
                 {"no", "no"},
                 {PERSON_TARGET, PERSON_TARGET},
                 {"release", "release"},
                 {"policy", "policy"},
                 {"12", "12"},
                 {"rollback_failed", "rollback_failed"}};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strcmp(words[i].word, word) == 0)
            return words[i].meant;
    return strncmp(word, "--", 2) == 0 ? word : NULL;
}

static void add_word(char line[NAMED_BYTES], const char *word)
{
    size_t length = strlen(line);
    (void)snprintf(line + length, NAMED_BYTES - length, "%s%s", length > 0 ? " " : "", word);
}

/* One word, and how many bytes of the text it takes. */
static size_t read_word(const char *text, char word[32])
{
    size_t length = 0;
    while (length < 31
           && (isalnum((unsigned char)text[length]) || text[length] == '_' || text[length] == '-'))
        length++;
    memcpy(word, text, length);
    word[length] = '\0';
    return length;
}

/* What a person adds by heart. */
static void complete(const struct command *command, char line[NAMED_BYTES])
{
    static const char *const driving[] = {"advance", "run", "resume", "rollback", "abort"};
    if (strstr(command->arguments, "--reason TEXT") != NULL && strstr(line, "--reason") == NULL)
        add_word(line, "--reason test");
    for (size_t i = 0; i < sizeof driving / sizeof driving[0]; i++)
        if (strcmp(command->name, driving[i]) == 0 && strstr(line, "--confirm") == NULL)
            add_word(line, "--confirm " PERSON_TARGET);
    if (strstr(command->arguments, "--rearm") != NULL && strstr(line, "--rearm") == NULL)
        add_word(line, "--rearm yes");
}

/* It is spoken of, and nobody is told to do it. */
static bool is_mentioned_only(const char *start, const char *at)
{
    static const char *const before[] = {"because of ", "by ", "under "};
    for (size_t i = 0; i < sizeof before / sizeof before[0]; i++) {
        size_t length = strlen(before[i]);
        if ((size_t)(at - start) >= length && memcmp(at - length, before[i], length) == 0)
            return true;
    }
    return false;
}

int named_next(const char **text, char ret_line[NAMED_BYTES])
{
    const char *start = *text;
    for (const char *at = start; (at = strstr(at, PROGRAM)) != NULL;) {
        char word[32];
        const char *begin = at;
        at += strlen(PROGRAM);
        at += read_word(at, word);
        const struct command *command = command_by_name(word);
        if (command == NULL || is_mentioned_only(start, begin))
            continue;
        ret_line[0] = '\0';
        add_word(ret_line, word);
        while (at[0] == ' ') {
            size_t length = read_word(at + 1, word);
            const char *meant = filled(word);
            if (length == 0 || meant == NULL)
                break;
            add_word(ret_line, meant);
            at += 1 + length;
        }
        complete(command, ret_line);
        *text = at;
        return true;
    }
    return false;
}

static bool matches(const char *text, const char *pattern)
{
    regex_t compiled;
    if (regcomp(&compiled, pattern, REG_EXTENDED | REG_NOSUB) != 0)
        abort();
    bool found = regexec(&compiled, text, 0, NULL, 0) == 0;
    regfree(&compiled);
    return found;
}

const char *named_bad_words(const char *text)
{
    static const struct {
        const char *pattern, *what;
    } rows[] = {
        {"(^|[^0-9.:-])1 (other )?[a-z]*([^aisu0-9]|se|is)s([ ,.;:)]|$)", "one of many"},
        {"(^|[^0-9.:a-z-])([02-9]|1[0-9]) (commit|entry|service|container|sample|endpoint|item|"
         "second|minute|image|file|line|approval)([ ,.;:)]|$)",
         "many of one"},
        {"\\(null\\)", "a null"},
        {" at  ?UTC|since  ?\\(|\\(\\)| ,|; ;|, ,", "a hole"},
        {"-[0-9]+ (s|ms|min|h)( |$)", "a negative time"},
        {"next: *$|next: *;|next *$", "a next that is none"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (matches(text, rows[i].pattern))
            return rows[i].what;
    return NULL;
}
