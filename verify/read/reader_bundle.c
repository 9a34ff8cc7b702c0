/* The bundle: JSON Lines of one exact shape (journal/FORMAT.md, "Bundle"). Whatever is not that
 *             shape, to the byte, is damaged. */
#include "verify/read/reader_bundle.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "journal/format/sha256.h"

#include "verify/read/file.h"
#include "verify/read/memory.h"

enum { LINE_BYTES_MAX = 2 << 20, BLOCK_BYTES_FIRST = 1 << 18 };

struct lines {
    const char *path;
    FILE *file;
    char *block;             /* what was read of the file, and not wholly given yet */
    size_t room, begin, end; /* what is not given yet lies in [begin, end) */
    const char *line;
    size_t length;
    uint64_t number;
    struct tree tree; /* of the present line */
    struct sha256 hash;
};

static void close_lines(struct lines *lines)
{
    if (lines->file != NULL)
        (void)fclose(lines->file);
    free(lines->block);
    tree_free(&lines->tree);
}

static enum error_code bundle_damaged(const struct lines *lines, const char *what,
                                      struct error *error)
{
    char where[160];
    (void)snprintf(where, sizeof where, "%.120s:%llu", lines->path,
                   (unsigned long long)lines->number);
    return error_set(error, ERROR_DAMAGED, 0, where, "get the bundle again from where it was made",
                     "%s", what);
}

/* Reads more behind what is not given yet, which goes to the front. False at the end of the file.
 */
static bool read_more(struct lines *lines)
{
    if (lines->begin > 0)
        memmove(lines->block, lines->block + lines->begin, lines->end - lines->begin);
    lines->end -= lines->begin;
    lines->begin = 0;
    if (lines->end == lines->room) {
        lines->room = lines->room * 2 + BLOCK_BYTES_FIRST;
        lines->block = memory_grown(lines->block, lines->room, 1);
    }
    size_t got = fread(lines->block + lines->end, 1, lines->room - lines->end, lines->file);
    lines->end += got;
    return got > 0;
}

/* Where the present line ends, of which the first `looked` bytes are known; NULL = not read yet. */
static const char *find_newline(const struct lines *lines, size_t looked)
{
    size_t left = lines->end - lines->begin;
    return left > looked ? memchr(lines->block + lines->begin + looked, '\n', left - looked) : NULL;
}

/* Reads up to the newline. *ret_end: nothing was left. */
static enum error_code bundle_next_line(struct lines *lines, bool *ret_end, struct error *error)
{
    const char *newline;
    size_t looked = 0;
    lines->number++;
    while ((newline = find_newline(lines, looked)) == NULL && looked <= LINE_BYTES_MAX) {
        looked = lines->end - lines->begin;
        if (looked <= LINE_BYTES_MAX && !read_more(lines)) {
            *ret_end = looked == 0 && ferror(lines->file) == 0;
            return *ret_end ? ERROR_OK : bundle_damaged(lines, "the last line is cut off", error);
        }
    }
    lines->line = lines->block + lines->begin;
    if (newline == NULL || newline - lines->line > LINE_BYTES_MAX)
        return bundle_damaged(lines, "a line is longer than any of a bundle can be", error);
    lines->length = (size_t)(newline - lines->line);
    lines->begin += lines->length + 1;
    sha256_add(&lines->hash, lines->line, lines->length + 1);
    *ret_end = false;
    return ERROR_OK;
}

/* A line that is an object with exactly these keys in this order; all of canonical form, so that
 * every byte is decided. */
static enum error_code next_object(struct lines *lines, const char *const *keys, size_t count,
                                   const char *what, const struct node **ret_members,
                                   struct error *error)
{
    bool end;
    struct error inner;
    enum error_code code = bundle_next_line(lines, &end, error);
    if (code != ERROR_OK)
        return code;
    if (end
        || tree_read(lines->line, lines->length, TREE_CANONICAL, &lines->tree, &inner) != ERROR_OK
        || !node_is(lines->tree.root, NODE_OBJECT) || lines->tree.root->count != count)
        return bundle_damaged(lines, what, error);
    const struct node *member = lines->tree.root->first;
    for (size_t i = 0; i < count; i++, member = member->next) {
        if (!slice_is(member->key, keys[i]))
            return bundle_damaged(lines, what, error);
        ret_members[i] = member;
    }
    return ERROR_OK;
}

static enum error_code bundle_read_header(struct lines *lines, struct record *record,
                                          uint64_t *ret_entries, uint64_t *ret_blobs,
                                          struct error *error)
{
    static const char *const keys[] = {"titan_bundle", "journal", "entries", "blobs"};
    static const char what[] = "it does not begin as a bundle of format 1 does";
    const struct node *at[4] = {NULL};
    enum error_code code = next_object(lines, keys, 4, what, at, error);
    if (code != ERROR_OK)
        return code;
    if (!node_is(at[0], NODE_INTEGER) || at[0]->number != 1 || !node_is(at[1], NODE_STRING)
        || !node_is(at[2], NODE_INTEGER) || !node_is(at[3], NODE_INTEGER) || at[2]->number < 0
        || at[3]->number < 0
        || !slice_copy(at[1]->text, record->bundle_journal, sizeof record->bundle_journal)
        || !bytes_is_hex(record->bundle_journal, FORMAT_JOURNAL_ID_HEX))
        return bundle_damaged(lines, what, error);
    *ret_entries = (uint64_t)at[2]->number;
    *ret_blobs = (uint64_t)at[3]->number;
    return ERROR_OK;
}

static enum error_code bundle_read_entry(struct lines *lines, struct record *record, uint64_t seq,
                                         struct error *error)
{
    static const char *const keys[] = {"seq", "payload", "signature"};
    static const char what[] = "an entry line is not what it must be";
    CLEANUP_BYTES struct bytes payload = {0};
    CLEANUP_BYTES struct bytes value = {0};
    struct error inner;
    const struct node *at[3] = {NULL};
    enum error_code code = next_object(lines, keys, 3, what, at, error);
    if (code != ERROR_OK)
        return code;
    if (!node_is(at[0], NODE_INTEGER) || at[0]->number != (int64_t)seq
        || !node_is(at[1], NODE_STRING) || !node_is(at[2], NODE_STRING)
        || bytes_from_base64(at[2]->text.at, at[2]->text.length, &value, &inner) != ERROR_OK
        || value.size != SIGNATURE_BYTES
        || bytes_from_base64(at[1]->text.at, at[1]->text.length, &payload, &inner) != ERROR_OK
        || payload.size > FORMAT_PAYLOAD_BYTES_MAX)
        return bundle_damaged(lines, what, error);
    code = bytes_append(&value, payload.data, payload.size, error);
    return code == ERROR_OK ? record_add_entry(record, seq, &value, error) : code;
}

static enum error_code bundle_read_blob(struct lines *lines, struct record *record,
                                        struct error *error)
{
    static const char *const keys[] = {"sha256", "data"};
    static const char what[] = "a blob line is not what it must be";
    CLEANUP_BYTES struct bytes data = {0};
    struct error inner;
    const struct node *at[2] = {NULL};
    uint8_t hash[SHA256_BYTES];
    enum error_code code = next_object(lines, keys, 2, what, at, error);
    if (code != ERROR_OK)
        return code;
    if (!node_is(at[0], NODE_STRING) || !node_is(at[1], NODE_STRING)
        || !bytes_from_hex(at[0]->text.at, at[0]->text.length, hash, sizeof hash)
        || bytes_from_base64(at[1]->text.at, at[1]->text.length, &data, &inner) != ERROR_OK
        || data.size > FORMAT_BLOB_BYTES_MAX)
        return bundle_damaged(lines, what, error);
    return record_add_blob(record, hash, &data, error);
}

static enum error_code bundle_read_end(struct lines *lines, struct record *record,
                                       struct error *error)
{
    static const char *const keys[] = {"checkpoint"};
    static const char what[] = "the last line is not a checkpoint";
    const struct node *at[1] = {NULL};
    bool end = false;
    enum error_code code = next_object(lines, keys, 1, what, at, error);
    if (code != ERROR_OK)
        return code;
    if (!node_is(at[0], NODE_STRING))
        return bundle_damaged(lines, what, error);
    code = bytes_append(&record->bundle_note, at[0]->text.at, at[0]->text.length, error);
    if (code == ERROR_OK)
        code = bundle_next_line(lines, &end, error);
    return code == ERROR_OK && !end
               ? bundle_damaged(lines, "something stands behind the end of the bundle", error)
               : code;
}

enum error_code reader_bundle(const char *path, struct record *record, struct error *error)
{
    struct lines lines __attribute__((cleanup(close_lines))) = {.path = path};
    uint64_t entries = 0, blobs = 0;
    enum error_code code = file_open(path, &lines.file, error);
    if (code != ERROR_OK)
        return error_set(error, ERROR_USAGE, error->library_code, path,
                         "name a journal directory or a bundle", "it cannot be read as a file");
    record->is_bundle = true;
    sha256_begin(&lines.hash);
    code = bundle_read_header(&lines, record, &entries, &blobs, error);
    if (code == ERROR_OK && (entries > RECORD_ENTRIES_MAX || blobs > RECORD_BLOBS_MAX))
        return error_set(error, ERROR_LIMIT, 0, path, "",
                         "it names more entries or blobs than this verifier takes");
    for (uint64_t seq = 0; code == ERROR_OK && seq < entries; seq++)
        code = bundle_read_entry(&lines, record, seq, error);
    for (uint64_t i = 0; code == ERROR_OK && i < blobs; i++)
        code = bundle_read_blob(&lines, record, error);
    if (code == ERROR_OK)
        code = bundle_read_end(&lines, record, error);
    if (code == ERROR_OK)
        sha256_end(&lines.hash, record->bundle_hash);
    return code;
}
