#include "verify/read/listing.h"

#include <string.h>

#include "verify/read/kept.h"

static const struct {
    const char *key;
    size_t offset;
} strings[] = {
    {"service", offsetof(struct listed, service)},
    {"id", offsetof(struct listed, id)},
    {"image", offsetof(struct listed, image)},
    {"state", offsetof(struct listed, state)},
    {"health", offsetof(struct listed, health)},
    {"name", offsetof(struct listed, name)},
    {"started_at", offsetof(struct listed, started_at)},
    {"created_at", offsetof(struct listed, created_at)},
    {"finished_at", offsetof(struct listed, finished_at)},
    {"declared", offsetof(struct listed, declared)},
    {"running", offsetof(struct listed, running)},
    {"manifest", offsetof(struct listed, manifest)},
};

/* Decoded text is never longer than its line, and every string needs one NUL more. */
static size_t room_for(struct slice output, size_t *ret_lines)
{
    struct slice line;
    size_t lines = 0, bytes = output.length;
    while (slice_line(&output, &line))
        lines++;
    *ret_lines = lines;
    return bytes + lines * (sizeof strings / sizeof strings[0]) + 1;
}

static bool read_listed(const struct node *object, struct listed *listed, char **at)
{
    if (!node_is(object, NODE_OBJECT))
        return false;
    for (size_t i = 0; i < sizeof strings / sizeof strings[0]; i++) {
        const struct node *member = node_member(object, strings[i].key);
        struct slice text = node_text(object, strings[i].key);
        bool descriptor = strings[i].offset == offsetof(struct listed, manifest)
                          && node_is(member, NODE_OBJECT);
        if (descriptor)
            text = node_text(member, "digest");
        else if (member != NULL && !node_is(member, NODE_STRING) && !node_is(member, NODE_NULL))
            return false;
        if (!slice_copy(text, *at, text.length + 1))
            return false;
        *(const char **)(void *)((char *)listed + strings[i].offset) = *at;
        *at += text.length + 1;
    }
    listed->restarts = node_number(object, "restarts", -1);
    listed->exit_code = node_number(object, "exit_code", -1);
    return true;
}

struct listing *listing_read(struct slice output)
{
    struct listing *listing = kept_zeroed(1, sizeof *listing);
    size_t lines;
    listing->strings = kept_zeroed(room_for(output, &lines), 1);
    listing->list = kept_zeroed(lines, sizeof *listing->list);
    char *at = listing->strings;
    struct slice line;
    while (slice_line(&output, &line)) {
        CLEANUP_TREE struct tree tree = {0};
        struct error ignored;
        if (line.length == 0)
            continue;
        if (tree_read(line.at, line.length, TREE_PLAIN, &tree, &ignored) != ERROR_OK
            || !read_listed(tree.root, &listing->list[listing->count], &at))
            return listing;
        const struct listed *listed = &listing->list[listing->count++];
        listing->beyond = listing->beyond || listing->count > LISTING_ROWS_MAX
                          || strlen(listed->service) > LISTING_NAME_MAX;
    }
    listing->readable = true;
    return listing;
}

void listing_free(struct listing *listing)
{
    if (listing == NULL)
        return;
    kept_free(listing->list);
    kept_free(listing->strings);
    kept_free(listing);
}
