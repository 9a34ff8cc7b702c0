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

/* "ENDPOINT KIND WORD": the word; false where it is of another endpoint or kind. KIND "" takes
 * either. */
static bool pinned_word(struct slice pinned, struct slice endpoint, const char *kind,
                        struct slice *ret_word)
{
    size_t length = strlen(kind);
    if (pinned.length <= endpoint.length + 1 || pinned.at[endpoint.length] != ' '
        || memcmp(pinned.at, endpoint.at, endpoint.length) != 0)
        return false;
    struct slice rest = {pinned.at + endpoint.length + 1, pinned.length - endpoint.length - 1};
    if (rest.length <= length + 1 || memcmp(rest.at, kind, length) != 0
        || (length > 0 && rest.at[length] != ' '))
        return false;
    *ret_word = (struct slice){rest.at + length + 1, rest.length - length - 1};
    return true;
}

/* word NULL: whether any is pinned for the endpoint. */
static bool is_pinned(const struct genesis *genesis, struct slice endpoint, const char *kind,
                      const struct slice *word)
{
    const struct node *node = genesis->health_words != NULL ? genesis->health_words->first : NULL;
    struct slice found;
    for (; node != NULL; node = node->next)
        if (pinned_word(node->text, endpoint, kind, &found)
            && (word == NULL || same_letters(found, *word)))
            return true;
    return false;
}

static enum healthy word_means(const struct genesis *genesis, struct slice endpoint,
                               struct slice word)
{
    bool own = is_pinned(genesis, endpoint, "", NULL);
    if (own ? is_pinned(genesis, endpoint, "healthy", &word)
            : is_default_word(default_healthy, word))
        return HEALTHY_GOOD;
    return (own ? is_pinned(genesis, endpoint, "degraded", &word)
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
    bool own = is_pinned(genesis, item->subject, "", NULL);
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
    struct error ignored;
    return tree_read(item->output.at, item->output.length, TREE_PLAIN, &tree, &ignored) == ERROR_OK
           && node_is(node_member(tree.root, "status"), NODE_STRING);
}
