#include "verify/judge/healthy.h"

#include <string.h>

/* Each ended by '\n'. */
static const char default_healthy[] = "ok\nhealthy\nup\npass\npassing\ngreen\nready\nalive\n"
                                      "running\navailable\nsuccess\n";
static const char default_degraded[] = "degraded\nwarn\nyellow\n";

static char lower(char letter)
{
    return letter >= 'A' && letter <= 'Z' ? (char)(letter - 'A' + 'a') : letter;
}

static bool same_letters(struct slice one, struct slice other)
{
    if (one.length != other.length)
        return false;
    for (size_t i = 0; i < one.length; i++)
        if (lower(one.at[i]) != lower(other.at[i]))
            return false;
    return true;
}

static bool is_default_word(const char *words, struct slice word)
{
    struct slice rest = slice_of(words), line;
    while (slice_line(&rest, &line))
        if (same_letters(line, word))
            return true;
    return false;
}

/* Takes this word, and the space behind it, from the front of the text. */
static bool take_word(struct slice *text, struct slice word)
{
    if (text->length <= word.length || text->at[word.length] != ' '
        || memcmp(text->at, word.at, word.length) != 0)
        return false;
    *text = slice_from(*text, word.length + 1);
    return true;
}

/* "ENDPOINT KIND WORD": whether this word is pinned; kind NULL: whether any is. */
static bool is_pinned(const struct genesis *genesis, struct slice endpoint, const char *kind,
                      struct slice word)
{
    const struct node *node = genesis->health_words != NULL ? genesis->health_words->first : NULL;
    for (; node != NULL; node = node->next) {
        struct slice text = node->text;
        if (take_word(&text, endpoint)
            && (kind == NULL || (take_word(&text, slice_of(kind)) && same_letters(text, word))))
            return true;
    }
    return false;
}

static bool has_words(const struct genesis *genesis, struct slice endpoint)
{
    return is_pinned(genesis, endpoint, NULL, slice_of(""));
}

static enum healthy word_means(const struct genesis *genesis, struct slice endpoint,
                               struct slice word)
{
    bool own = has_words(genesis, endpoint);
    if (own ? is_pinned(genesis, endpoint, "healthy", word)
            : is_default_word(default_healthy, word))
        return HEALTHY_GOOD;
    return (own ? is_pinned(genesis, endpoint, "degraded", word)
                : is_default_word(default_degraded, word))
               ? HEALTHY_DEGRADED
               : HEALTHY_BAD;
}

static bool is_json(struct slice body)
{
    static const char blanks[] = {' ', '\t', '\r', '\n'};
    size_t at = 0;
    while (at < body.length && memchr(blanks, body.at[at], sizeof blanks) != NULL)
        at++;
    return at < body.length && (body.at[at] == '{' || body.at[at] == '[');
}

bool healthy_status(const struct item *item)
{
    return item->status >= 200 && item->status <= 299;
}

/* Status 1 is a container's own good check, 2 its bad one, 0 no answer, all else an HTTP status. */
enum healthy healthy_answer(const struct genesis *genesis, const struct item *item)
{
    CLEANUP_TREE struct tree tree = {0};
    struct error ignored;
    bool own = has_words(genesis, item->subject);
    if (item->status == 1)
        return HEALTHY_GOOD;
    if (!healthy_status(item))
        return HEALTHY_BAD;
    if (!is_json(item->output))
        return own ? HEALTHY_BAD : HEALTHY_GOOD;
    if (tree_read(item->output.at, item->output.length, TREE_PLAIN, &tree, &ignored) != ERROR_OK)
        return HEALTHY_BAD;
    const struct node *status = node_member(tree.root, "status");
    if (status == NULL)
        return own ? HEALTHY_BAD : HEALTHY_GOOD;
    return node_is(status, NODE_STRING) ? word_means(genesis, item->subject, status->text)
                                        : HEALTHY_BAD;
}

bool healthy_has_word(const struct item *item)
{
    CLEANUP_TREE struct tree tree = {0};
    return node_is(node_member(tree_object(item->output, &tree), "status"), NODE_STRING);
}
