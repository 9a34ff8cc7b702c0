#include "actions/secrets/redact.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "actions/secrets/redact_view.h"
#include "journal/format/text.h"

enum { ROOT = 0, ROOM_FIRST = 256, DEPTH_MAX = 3 };

/* A prefix of some value. Index 0 is the empty one, and "none" where a child or a sibling is meant.
 */
struct node {
    uint32_t child, sibling;
    uint32_t fail; /* the longest proper suffix of this prefix that is a prefix too */
    uint32_t depth;
    uint32_t own[REDACT_LEVELS];     /* the value that this prefix is, 0 = none */
    uint32_t longest[REDACT_LEVELS]; /* the longest value that ends here, 0 = none */
    uint8_t byte;
};

struct redactor {
    struct node *nodes; /* locked */
    size_t count, capacity, shortest;
    uint32_t first[256]; /* children of the root, ROOT = none */
    bool letters[256];   /* that occur in a value */
    bool sealed;
};

/* Which form is looked for inside which. The text itself may have any. */
static const uint32_t FORMS = (1U << DECODING_COUNT) - 1;
#define RUNS                                                                                       \
    (1U << DECODING_HEX | 1U << DECODING_HEX_ODD | 1U << DECODING_BASE64 | 1U << DECODING_BASE64_1 \
     | 1U << DECODING_BASE64_2 | 1U << DECODING_BASE64_3)
#define URLS (1U << DECODING_PERCENT | 1U << DECODING_FORM)
static const uint32_t inside[DECODING_COUNT] = {
    [DECODING_TIMES] = RUNS,
    [DECODING_JSON] = 1U << DECODING_JSON | URLS | RUNS,
    [DECODING_PERCENT] = 1U << DECODING_JSON | URLS | RUNS,
    [DECODING_FORM] = 1U << DECODING_JSON,
    [DECODING_BASE64] = 1U << DECODING_JSON | URLS | RUNS,
    [DECODING_BASE64_1] = 1U << DECODING_JSON | URLS | RUNS,
    [DECODING_BASE64_2] = 1U << DECODING_JSON | URLS | RUNS,
    [DECODING_BASE64_3] = 1U << DECODING_JSON | URLS | RUNS,
};

static enum error_code redact_no_memory(struct error *error)
{
    return error_set(error, ERROR_MEMORY, 0, "secrets",
                     "raise the limit of locked memory (ulimit -l)",
                     "no locked memory for the values that must not be recorded");
}

static enum error_code grow_nodes(struct redactor *redactor, size_t capacity, struct error *error)
{
    struct node *nodes = sodium_allocarray(capacity, sizeof *nodes);
    if (nodes == NULL)
        return redact_no_memory(error);
    if (redactor->count > 0)
        memcpy(nodes, redactor->nodes, redactor->count * sizeof *nodes);
    sodium_free(redactor->nodes);
    redactor->nodes = nodes;
    redactor->capacity = capacity;
    return ERROR_OK;
}

enum error_code redactor_new(struct redactor **ret_redactor, struct error *error)
{
    struct redactor *redactor = sodium_init() >= 0
                                    ? sodium_malloc(sizeof *redactor)
                                    : NULL; /* main() did; whoever uses this alone need not know */
    if (redactor == NULL)
        return redact_no_memory(error);
    *redactor = (struct redactor){.shortest = SIZE_MAX};
    enum error_code code = grow_nodes(redactor, ROOM_FIRST, error);
    if (code != ERROR_OK) {
        sodium_free(redactor);
        return code;
    }
    redactor->nodes[redactor->count++] = (struct node){.child = 0};
    *ret_redactor = redactor;
    return ERROR_OK;
}

void redactor_free(struct redactor *redactor)
{
    if (redactor == NULL)
        return;
    sodium_free(redactor->nodes);
    sodium_free(redactor);
}

static uint32_t child_of(const struct redactor *redactor, uint32_t at, uint8_t byte)
{
    if (at == ROOT)
        return redactor->first[byte];
    uint32_t child = redactor->nodes[at].child;
    while (child != 0 && redactor->nodes[child].byte != byte)
        child = redactor->nodes[child].sibling;
    return child;
}

static uint32_t add_child(struct redactor *redactor, uint32_t parent, uint8_t byte)
{
    uint32_t child = (uint32_t)redactor->count++;
    redactor->nodes[child] = (struct node){.byte = byte,
                                           .depth = redactor->nodes[parent].depth + 1,
                                           .sibling = redactor->nodes[parent].child};
    redactor->nodes[parent].child = child;
    if (parent == ROOT)
        redactor->first[byte] = child;
    return child;
}

enum error_code redactor_add(struct redactor *redactor, const void *value, size_t size, bool secret,
                             struct error *error)
{
    assert(size > 0);
    redactor->sealed = false;
    if (size > REDACT_BYTES_MAX || redactor->count + size > REDACT_BYTES_MAX)
        return error_set(error, ERROR_LIMIT, 0, "secrets", "make the env file smaller",
                         "the values that must not be recorded are more than %d bytes",
                         REDACT_BYTES_MAX);
    while (redactor->count + size > redactor->capacity) {
        enum error_code code = grow_nodes(redactor, redactor->capacity * 2, error);
        if (code != ERROR_OK)
            return code;
    }
    uint32_t at = ROOT;
    for (const uint8_t *byte = value; byte < (const uint8_t *)value + size; byte++) {
        uint32_t next = child_of(redactor, at, *byte);
        at = next != 0 ? next : add_child(redactor, at, *byte);
        redactor->letters[*byte] = true;
    }
    redactor->nodes[at].own[REDACT_ALL] = (uint32_t)size;
    if (secret)
        redactor->nodes[at].own[REDACT_SECRETS] = (uint32_t)size;
    redactor->shortest = size < redactor->shortest ? size : redactor->shortest;
    return ERROR_OK;
}

static uint32_t follow_byte(const struct redactor *redactor, uint32_t at, uint8_t byte)
{
    for (;;) {
        uint32_t next = child_of(redactor, at, byte);
        if (next != 0 || at == ROOT)
            return next;
        at = redactor->nodes[at].fail;
    }
}

bool redactor_spare(struct redactor *redactor, const void *word, size_t size)
{
    bool found = false;
    for (size_t from = 0; from < size; from++) {
        uint32_t at = ROOT;
        for (size_t i = from; i < size; i++) {
            at = child_of(redactor, at, ((const uint8_t *)word)[i]);
            if (at == 0)
                break;
            struct node *node = &redactor->nodes[at];
            found = found || node->own[REDACT_SECRETS] != 0;
            redactor->sealed = redactor->sealed && node->own[REDACT_ALL] == 0;
            node->own[REDACT_ALL] = node->own[REDACT_SECRETS] = 0;
        }
    }
    return found;
}

/* Breadth first, so that every shorter prefix has its own already. */
enum error_code redactor_seal(struct redactor *redactor, struct error *error)
{
    struct node *nodes = redactor->nodes;
    uint32_t *queue = malloc(redactor->count * sizeof *queue);
    if (queue == NULL)
        return redact_no_memory(error);
    size_t begin = 0, end = 0;
    queue[end++] = ROOT;
    while (begin < end) {
        uint32_t parent = queue[begin++];
        for (uint32_t child = nodes[parent].child; child != 0; child = nodes[child].sibling) {
            nodes[child].fail = parent == ROOT
                                    ? ROOT
                                    : follow_byte(redactor, nodes[parent].fail, nodes[child].byte);
            for (size_t level = 0; level < REDACT_LEVELS; level++)
                nodes[child].longest[level] = nodes[child].own[level] != 0
                                                  ? nodes[child].own[level]
                                                  : nodes[nodes[child].fail].longest[level];
            queue[end++] = child;
        }
    }
    free(queue);
    redactor->sealed = true;
    return ERROR_OK;
}

/* One search of a text through all forms. */
struct search {
    const struct redactor *redactor;
    enum redact_level level;
    struct view views[DEPTH_MAX + 1]; /* the text; scratch memory, one for each depth */
    int32_t *turns; /* where marks begin (+1) and end (-1): a thousand that overlap cost as one */
};

static void search_text(const struct search *search, const struct view *view)
{
    const struct redactor *redactor = search->redactor;
    uint32_t at = ROOT;
    for (size_t i = 0; i < view->size; i++) {
        if (view->from != NULL && view->from[i] == VIEW_BREAK) {
            at = ROOT;
            continue;
        }
        at = follow_byte(redactor, at, view->bytes[i]);
        uint32_t length = redactor->nodes[at].longest[search->level];
        if (length == 0)
            continue;
        search->turns[view->from != NULL ? view->from[i + 1 - length] : i + 1 - length]++;
        search->turns[view->to != NULL ? view->to[i] : i + 1]--;
    }
}

/* A form that only changes letters which no value has cannot show a new match. */
static bool may_show(const struct redactor *redactor, unsigned form)
{
    switch ((enum decoding)form) {
    case DECODING_DOUBLED:
        return redactor->letters['$'] || redactor->letters['\''];
    case DECODING_FORM:
        return redactor->letters[' '];
    case DECODING_TIMES:
    case DECODING_JSON:
    case DECODING_PERCENT:
    case DECODING_HEX:
    case DECODING_HEX_ODD:
    case DECODING_BASE64:
    case DECODING_BASE64_1:
    case DECODING_BASE64_2:
    case DECODING_BASE64_3:
        return true;
    case DECODING_COUNT:
        break;
    }
    return false;
}

static enum error_code search_forms(struct search *search, unsigned depth, uint32_t forms,
                                    struct error *error)
{
    struct view *view = &search->views[depth], *inner = view + 1;
    search_text(search, view);
    for (unsigned form = 0; depth < DEPTH_MAX && form < DECODING_COUNT; form++) {
        if ((forms & 1U << form) == 0 || !may_show(search->redactor, form))
            continue;
        enum error_code code = inner->bytes == NULL ? view_open(search->views[0].size, inner, error)
                                                    : ERROR_OK;
        if (code != ERROR_OK)
            return code;
        if (view_decode(view, (enum decoding)form, search->redactor->shortest, inner)) {
            code = search_forms(search, depth + 1, inside[form], error);
            if (code != ERROR_OK)
                return code;
        } else if (form == DECODING_HEX) {
            /* no run is long enough from its first digit: none is from another */
            forms &= ~(1U << DECODING_HEX_ODD);
        } else if (form == DECODING_BASE64) {
            break; /* the last forms of all */
        }
    }
    return ERROR_OK;
}

/* A mark after a single backslash would read as an escape that does not exist. */
static size_t backslashes_before(const struct bytes *text, size_t at)
{
    size_t count = 0;
    while (count < at && text->data[at - 1 - count] == '\\')
        count++;
    return count;
}

static enum error_code replace_matches(struct bytes *text, const int32_t *turns,
                                       struct error *error)
{
    CLEANUP_TEXT struct text made = {0};
    struct bytes given = {0};
    size_t kept = 0;
    int32_t depth = 0;
    for (size_t i = 0; i < text->size; i++) {
        int32_t before = depth;
        depth += turns[i];
        if (before == 0 && depth > 0) {
            size_t end = i - (backslashes_before(text, i) & 1);
            text_add_bytes(&made, text->data + kept, end > kept ? end - kept : 0);
            text_add(&made, REDACT_MARK);
        }
        if (depth > 0)
            kept = i + 1;
    }
    text_add_bytes(&made, text->data + kept, text->size - kept);
    enum error_code code = text_give(&made, &given, error);
    if (code != ERROR_OK)
        return code;
    bytes_free(text);
    *text = given;
    return ERROR_OK;
}

enum error_code redactor_apply(const struct redactor *redactor, enum redact_level level,
                               struct bytes *text, struct error *error)
{
    assert(redactor->sealed && text->size < VIEW_BREAK);
    if (text->size < redactor->shortest)
        return ERROR_OK;
    int32_t *turns = calloc(text->size + 1, sizeof *turns);
    if (turns == NULL)
        return error_set(error, ERROR_MEMORY, 0, "secrets", "", "out of memory");
    struct search search = {.redactor = redactor,
                            .level = level,
                            .views = {{.bytes = text->data, .size = text->size}},
                            .turns = turns};
    enum error_code code = search_forms(&search, 0, FORMS, error);
    for (size_t i = 1; i <= DEPTH_MAX; i++)
        view_clear(&search.views[i]);
    bool found = false;
    for (size_t i = 0; code == ERROR_OK && !found && i < text->size; i++)
        found = turns[i] != 0;
    if (found)
        code = replace_matches(text, turns, error);
    free(turns);
    return code;
}
