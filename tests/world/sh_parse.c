#include "tests/world/sh.h"

#include <ctype.h>
#include <string.h>

struct parser {
    const struct sh *shell;
    const char *at;
};

static const struct sh_node *parse_list(struct parser *parser);

static void *take_node(struct parser *parser, size_t size)
{
    return arena_take(parser->shell->arena, size);
}

static struct sh_node *make_node(struct parser *parser, enum sh_kind kind,
                                 const struct sh_node *left, const struct sh_node *right)
{
    struct sh_node *node = take_node(parser, sizeof *node);
    *node = (struct sh_node){.kind = kind, .left = left, .right = right};
    return node;
}

static void skip_blank(struct parser *parser)
{
    for (;;) {
        while (*parser->at == ' ' || *parser->at == '\t')
            parser->at++;
        if (parser->at[0] == '\\' && parser->at[1] == '\n')
            parser->at += 2;
        else if (*parser->at == '#')
            parser->at += strcspn(parser->at, "\n");
        else
            return;
    }
}

static void skip_lines(struct parser *parser)
{
    for (skip_blank(parser); *parser->at == '\n'; skip_blank(parser))
        parser->at++;
}

/* Past a quoted or bracketed part that begins at `at`; any other character is one. */
static const char *skip_part(const struct parser *parser, const char *at, bool quoted)
{
    const char *begin = at;
    if (*at == '\\')
        return at[1] != '\0' ? at + 2 : at + 1;
    if (*at == '\'' && !quoted) {
        at = strchr(at + 1, '\'');
    } else if (*at == '"') {
        for (at++; *at != '"' && *at != '\0';)
            at = skip_part(parser, at, true);
    } else if (at[0] == '$' && (at[1] == '(' || at[1] == '{')) {
        char open = at[1], close = open == '(' ? ')' : '}';
        int depth = 1;
        for (at += 2; *at != '\0' && depth > 0;) {
            depth += *at == open;
            depth -= *at == close;
            at = depth > 0 ? skip_part(parser, at, false) : at;
        }
    } else if (*at == '`') {
        sh_refuse(parser->shell, "a backquote");
    }
    if (at == NULL || *at == '\0')
        sh_refuse(parser->shell, "an open quote or bracket: %.80s", begin);
    return at + 1;
}

static struct sh_word *read_word(struct parser *parser)
{
    struct sh_word *word = take_node(parser, sizeof *word);
    const char *at = parser->at;
    while (*at != '\0' && strchr(" \t\n;&|<>()", *at) == NULL)
        at = skip_part(parser, at, false);
    *word = (struct sh_word){.text = parser->at, .length = (size_t)(at - parser->at)};
    if (word->length == 0)
        sh_refuse(parser->shell, "a word is missing at: %.80s", parser->at);
    parser->at = at;
    return word;
}

static bool is_next(const struct parser *parser, const char *reserved)
{
    size_t length = strlen(reserved);
    return strncmp(parser->at, reserved, length) == 0
           && (parser->at[length] == '\0' || strchr(" \t\n;&|<>()", parser->at[length]) != NULL);
}

static void expect_reserved(struct parser *parser, const char *reserved)
{
    skip_lines(parser);
    if (!is_next(parser, reserved))
        sh_refuse(parser->shell, "%s is missing at: %.80s", reserved, parser->at);
    parser->at += strlen(reserved);
}

static void expect_character(struct parser *parser, char wanted)
{
    skip_lines(parser);
    if (*parser->at != wanted)
        sh_refuse(parser->shell, "%c is missing at: %.80s", wanted, parser->at);
    parser->at++;
}

/* "2>", "<&", ">>": true where a redirection begins here. */
static bool read_redirect(struct parser *parser, struct sh_redirect ***end)
{
    const char *at = parser->at;
    int descriptor = -1;
    if (isdigit((unsigned char)at[0]) && (at[1] == '<' || at[1] == '>'))
        descriptor = *at++ - '0';
    if (*at != '<' && *at != '>')
        return false;
    struct sh_redirect *redirect = take_node(parser, sizeof *redirect);
    bool out = *at++ == '>';
    redirect->descriptor = descriptor >= 0 ? descriptor : out ? 1 : 0;
    redirect->kind = out ? REDIRECT_WRITE : REDIRECT_READ;
    if (*at == '&')
        redirect->kind = REDIRECT_SAME;
    else if (*at == '>' && out)
        redirect->kind = REDIRECT_APPEND;
    else if (*at == '<' || *at == '>' || *at == '|')
        sh_refuse(parser->shell, "a redirection: %.40s", at - 1);
    parser->at = redirect->kind == REDIRECT_SAME || redirect->kind == REDIRECT_APPEND ? at + 1 : at;
    skip_blank(parser);
    redirect->word = *read_word(parser);
    **end = redirect;
    *end = &redirect->next;
    return true;
}

static struct sh_redirect *read_redirects(struct parser *parser)
{
    struct sh_redirect *first = NULL, **end = &first;
    for (skip_blank(parser); read_redirect(parser, &end);)
        skip_blank(parser);
    return first;
}

static bool is_assignment(const struct sh_word *word)
{
    size_t at = 0;
    while (at < word->length && (isalnum((unsigned char)word->text[at]) || word->text[at] == '_'))
        at++;
    return at > 0 && at < word->length && word->text[at] == '='
           && !isdigit((unsigned char)word->text[0]);
}

static const struct sh_node *parse_compound(struct parser *parser);

/* NAME() { ... }: the name has been read. */
static const struct sh_node *parse_function(struct parser *parser, const struct sh_word *name)
{
    struct sh_node *node = make_node(parser, SH_FUNCTION, NULL, NULL);
    parser->at++;
    expect_character(parser, ')');
    skip_lines(parser);
    node->name = arena_copy(parser->shell->arena, name->text, name->length);
    node->left = parse_compound(parser);
    if (node->left == NULL)
        sh_refuse(parser->shell, "a function without a body: %s", node->name);
    return node;
}

static const struct sh_node *parse_simple(struct parser *parser)
{
    struct sh_node *node = make_node(parser, SH_SIMPLE, NULL, NULL);
    struct sh_word **assignments = &node->assignments, **words = &node->words;
    struct sh_redirect **redirects = &node->redirects;
    for (skip_blank(parser);; skip_blank(parser)) {
        if (read_redirect(parser, &redirects))
            continue;
        if (*parser->at == '\0' || strchr("\n;&|()", *parser->at) != NULL)
            break;
        struct sh_word *word = read_word(parser);
        if (node->words == NULL && is_assignment(word)) {
            *assignments = word;
            assignments = &word->next;
            continue;
        }
        if (node->words == NULL && node->assignments == NULL && *parser->at == '(')
            return parse_function(parser, word);
        *words = word;
        words = &word->next;
    }
    if (node->words == NULL && node->assignments == NULL && node->redirects == NULL)
        sh_refuse(parser->shell, "a command is missing at: %.80s", parser->at);
    return node;
}

static const struct sh_node *parse_if(struct parser *parser)
{
    struct sh_node *node = make_node(parser, SH_IF, parse_list(parser), NULL);
    expect_reserved(parser, "then");
    node->right = parse_list(parser);
    skip_lines(parser);
    if (is_next(parser, "elif")) {
        parser->at += 4;
        node->otherwise = parse_if(parser);
        return node;
    }
    if (is_next(parser, "else")) {
        parser->at += 4;
        node->otherwise = parse_list(parser);
    }
    expect_reserved(parser, "fi");
    return node;
}

static const struct sh_node *parse_loop(struct parser *parser)
{
    const struct sh_node *condition = parse_list(parser);
    expect_reserved(parser, "do");
    const struct sh_node *node = make_node(parser, SH_WHILE, condition, parse_list(parser));
    expect_reserved(parser, "done");
    return node;
}

static const struct sh_node *parse_for(struct parser *parser)
{
    struct sh_node *node = make_node(parser, SH_FOR, NULL, NULL);
    struct sh_word **end = &node->words;
    skip_blank(parser);
    const struct sh_word *name = read_word(parser);
    node->name = arena_copy(parser->shell->arena, name->text, name->length);
    skip_blank(parser);
    expect_reserved(parser, "in");
    for (skip_blank(parser); *parser->at != ';' && *parser->at != '\n'; skip_blank(parser)) {
        *end = read_word(parser);
        end = &(*end)->next;
    }
    parser->at++;
    expect_reserved(parser, "do");
    node->left = parse_list(parser);
    expect_reserved(parser, "done");
    return node;
}

static const struct sh_node *parse_case(struct parser *parser)
{
    struct sh_node *node = make_node(parser, SH_CASE, NULL, NULL);
    struct sh_clause **end = &node->clauses;
    skip_blank(parser);
    node->words = read_word(parser);
    skip_blank(parser);
    expect_reserved(parser, "in");
    for (skip_lines(parser); !is_next(parser, "esac"); skip_lines(parser)) {
        struct sh_clause *clause = take_node(parser, sizeof *clause);
        struct sh_word **patterns = &clause->patterns;
        for (;;) {
            skip_blank(parser);
            *patterns = read_word(parser);
            patterns = &(*patterns)->next;
            skip_blank(parser);
            if (*parser->at != '|')
                break;
            parser->at++;
        }
        expect_character(parser, ')');
        clause->body = parse_list(parser);
        skip_lines(parser);
        if (strncmp(parser->at, ";;", 2) == 0)
            parser->at += 2;
        *end = clause;
        end = &clause->next;
    }
    parser->at += 4;
    return node;
}

/* NULL where none begins here. */
static const struct sh_node *parse_compound(struct parser *parser)
{
    static const struct {
        const char *word;
        const struct sh_node *(*parse)(struct parser *parser);
    } words[] = {{"if", parse_if}, {"while", parse_loop}, {"for", parse_for}, {"case", parse_case}};
    struct sh_node *node = NULL;
    if (*parser->at == '(') {
        parser->at++;
        node = make_node(parser, SH_SUBSHELL, parse_list(parser), NULL);
        expect_character(parser, ')');
    } else if (is_next(parser, "{")) {
        parser->at++;
        node = make_node(parser, SH_GROUP, parse_list(parser), NULL);
        expect_reserved(parser, "}");
    }
    for (size_t i = 0; node == NULL && i < sizeof words / sizeof words[0]; i++)
        if (is_next(parser, words[i].word)) {
            parser->at += strlen(words[i].word);
            node = make_node(parser, SH_GROUP, words[i].parse(parser), NULL);
        }
    if (node != NULL)
        node->redirects = read_redirects(parser);
    return node;
}

static const struct sh_node *parse_command(struct parser *parser)
{
    skip_lines(parser);
    if (is_next(parser, "!")) {
        parser->at++;
        return make_node(parser, SH_NOT, parse_command(parser), NULL);
    }
    const struct sh_node *compound = parse_compound(parser);
    return compound != NULL ? compound : parse_simple(parser);
}

static const struct sh_node *parse_pipe(struct parser *parser)
{
    const struct sh_node *node = parse_command(parser);
    for (skip_blank(parser); parser->at[0] == '|' && parser->at[1] != '|'; skip_blank(parser)) {
        parser->at++;
        node = make_node(parser, SH_PIPE, node, parse_command(parser));
    }
    return node;
}

static const struct sh_node *parse_and_or(struct parser *parser)
{
    const struct sh_node *node = parse_pipe(parser);
    for (skip_blank(parser); strncmp(parser->at, "&&", 2) == 0 || strncmp(parser->at, "||", 2) == 0;
         skip_blank(parser)) {
        enum sh_kind kind = parser->at[0] == '&' ? SH_AND : SH_OR;
        parser->at += 2;
        node = make_node(parser, kind, node, parse_pipe(parser));
    }
    return node;
}

static bool is_end(const struct parser *parser)
{
    static const char *const reserved[] = {"then", "else", "elif", "fi", "do", "done", "esac", "}"};
    bool end = *parser->at == '\0' || *parser->at == ')' || strncmp(parser->at, ";;", 2) == 0;
    for (size_t i = 0; i < sizeof reserved / sizeof reserved[0]; i++)
        end = end || is_next(parser, reserved[i]);
    return end;
}

static const struct sh_node *parse_list(struct parser *parser)
{
    const struct sh_node *list = NULL;
    for (skip_lines(parser); !is_end(parser); skip_lines(parser)) {
        const struct sh_node *next = parse_and_or(parser);
        list = list == NULL ? next : make_node(parser, SH_SEQUENCE, list, next);
        skip_blank(parser);
        if (parser->at[0] == '&') /* it is over, or sleeps, before the next one begins */
            parser->at++;
        else if (*parser->at == ';' && parser->at[1] != ';')
            parser->at++;
        else if (*parser->at != '\n')
            break;
    }
    return list;
}

/* Scripts within scripts, which come again and again: parsed once in the life of the program. */
const struct sh_node *sh_parse_again(const struct sh *shell, const char *script)
{
    enum { PLACES = 1024 };
    static struct arena parsed;
    static struct {
        const char *script;
        const struct sh_node *list;
    } places[PLACES];
    size_t place = 5381, length = 0;
    while (script[length] != '\0')
        place = place * 33 + (unsigned char)script[length++];
    place %= PLACES;
    if (places[place].script == NULL) {
        struct sh keeper = *shell;
        keeper.arena = &parsed;
        places[place].script = arena_copy(&parsed, script, length);
        places[place].list = sh_parse(&keeper, places[place].script);
    }
    return strcmp(places[place].script, script) == 0 ? places[place].list : sh_parse(shell, script);
}

const struct sh_node *sh_parse(const struct sh *shell, const char *script)
{
    struct parser parser = {.shell = shell, .at = script};
    const struct sh_node *list = parse_list(&parser);
    skip_lines(&parser);
    if (*parser.at != '\0')
        sh_refuse(shell, "what stands at: %.80s", parser.at);
    return list;
}
