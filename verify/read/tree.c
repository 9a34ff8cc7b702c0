#include "verify/read/tree.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "journal/format/format.h"
#include "verify/read/memory.h"

enum { BLOCK_BYTES = 8000, KEYS_MAX = 256, PLAIN_NESTING_MAX = 64 };

struct tree_block {
    struct tree_block *next;
    size_t used, room;
    _Alignas(16) uint8_t data[];
};

struct scanner {
    const char *at, *end;
    bool canonical;
    unsigned depth;
    struct tree *tree;
    const char *why;
};

static void *tree_allocate(struct tree *tree, size_t size)
{
    size = (size + 15) / 16 * 16;
    struct tree_block *block = tree->blocks;
    if (block == NULL || block->room - block->used < size) {
        size_t room = size > BLOCK_BYTES ? size : BLOCK_BYTES;
        block = memory_zeroed(1, sizeof *block + room);
        block->room = room;
        block->next = tree->blocks;
        tree->blocks = block;
    }
    void *memory = block->data + block->used;
    block->used += size;
    return memory;
}

void tree_free(struct tree *tree)
{
    while (tree->blocks != NULL) {
        struct tree_block *next = tree->blocks->next;
        free(tree->blocks);
        tree->blocks = next;
    }
    tree->root = NULL;
}

static bool scan_refuse(struct scanner *scanner, const char *why)
{
    if (scanner->why == NULL)
        scanner->why = why;
    return false;
}

static void skip_space(struct scanner *scanner)
{
    while (!scanner->canonical && scanner->at < scanner->end
           && (*scanner->at == ' ' || *scanner->at == '\t' || *scanner->at == '\n'
               || *scanner->at == '\r'))
        scanner->at++;
}

static bool scan_accept(struct scanner *scanner, char character)
{
    skip_space(scanner);
    if (scanner->at == scanner->end || *scanner->at != character)
        return false;
    scanner->at++;
    return true;
}

static bool scan_hex4(struct scanner *scanner, unsigned *ret_code)
{
    unsigned code = 0;
    if (scanner->end - scanner->at < 4)
        return scan_refuse(scanner, "an escape is cut off");
    for (unsigned i = 0; i < 4; i++) {
        char c = *scanner->at++;
        bool lower = c >= 'a' && c <= 'f', upper = c >= 'A' && c <= 'F' && !scanner->canonical;
        if (!lower && !upper && !(c >= '0' && c <= '9'))
            return scan_refuse(scanner, "an escape is not four lower-case hex digits");
        code = code * 16 + (unsigned)(lower ? c - 'a' + 10 : upper ? c - 'A' + 10 : c - '0');
    }
    *ret_code = code;
    return true;
}

static size_t put_utf8(char *to, unsigned code)
{
    if (code < 0x80) {
        to[0] = (char)code;
        return 1;
    }
    if (code < 0x800) {
        to[0] = (char)(0xC0 | code >> 6);
        to[1] = (char)(0x80 | (code & 0x3F));
        return 2;
    }
    if (code < 0x10000) {
        to[0] = (char)(0xE0 | code >> 12);
        to[1] = (char)(0x80 | (code >> 6 & 0x3F));
        to[2] = (char)(0x80 | (code & 0x3F));
        return 3;
    }
    to[0] = (char)(0xF0 | code >> 18);
    to[1] = (char)(0x80 | (code >> 12 & 0x3F));
    to[2] = (char)(0x80 | (code >> 6 & 0x3F));
    to[3] = (char)(0x80 | (code & 0x3F));
    return 4;
}

/* Behind "\u". In canonical form only what has no short form and lies below 0x20 may be written so.
 */
static bool scan_unicode(struct scanner *scanner, char *to, size_t *length)
{
    unsigned code, low;
    if (!scan_hex4(scanner, &code))
        return false;
    if (scanner->canonical
        && (code >= 0x20 || code == '\b' || code == '\t' || code == '\n' || code == '\f'
            || code == '\r'))
        return scan_refuse(scanner, "a character is escaped that has a shorter form");
    if (code >= 0xD800 && code < 0xDC00) {
        if (scanner->end - scanner->at < 6 || scanner->at[0] != '\\' || scanner->at[1] != 'u')
            return scan_refuse(scanner, "a surrogate stands alone");
        scanner->at += 2;
        if (!scan_hex4(scanner, &low) || low < 0xDC00 || low > 0xDFFF)
            return scan_refuse(scanner, "a surrogate stands alone");
        code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
    } else if (code >= 0xDC00 && code < 0xE000) {
        return scan_refuse(scanner, "a surrogate stands alone");
    }
    *length += put_utf8(to + *length, code);
    return true;
}

static bool scan_escape(struct scanner *scanner, char *to, size_t *length)
{
    static const char names[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
    if (scanner->at == scanner->end)
        return scan_refuse(scanner, "a string is cut off");
    char c = *scanner->at++;
    if (c == 'u')
        return scan_unicode(scanner, to, length);
    const char *found = c != '\0' ? strchr(names, c) : NULL;
    if (found == NULL || (c == '/' && scanner->canonical))
        return scan_refuse(scanner, "an escape is not of this form");
    to[(*length)++] = values[found - names];
    return true;
}

/* A string without escapes stays where it is; another is decoded, which never makes it longer. */
static bool scan_string(struct scanner *scanner, struct slice *ret_text)
{
    if (!scan_accept(scanner, '"'))
        return scan_refuse(scanner, "a string is missing");
    const char *begin = scanner->at;
    while (scanner->at < scanner->end && *scanner->at != '"' && *scanner->at != '\\'
           && (unsigned char)*scanner->at >= 0x20)
        scanner->at++;
    if (scanner->at < scanner->end && *scanner->at == '"') {
        *ret_text = (struct slice){begin, (size_t)(scanner->at++ - begin)};
        return true;
    }
    const char *last = scanner->at;
    while (last < scanner->end && *last != '"')
        last += *last == '\\' && scanner->end - last > 1 ? 2 : 1;
    char *to = tree_allocate(scanner->tree, (size_t)(last - begin) + 1);
    size_t length = (size_t)(scanner->at - begin);
    memcpy(to, begin, length);
    while (scanner->at < scanner->end && *scanner->at != '"') {
        unsigned char c = (unsigned char)*scanner->at++;
        if (c < 0x20)
            return scan_refuse(scanner, "a control character is not escaped");
        if (c != '\\')
            to[length++] = (char)c;
        else if (!scan_escape(scanner, to, &length))
            return false;
    }
    *ret_text = (struct slice){to, length};
    return scan_accept(scanner, '"') || scan_refuse(scanner, "a string is cut off");
}

static size_t count_digits(const struct scanner *scanner, const char *at)
{
    size_t digits = 0;
    while (at + digits < scanner->end && at[digits] >= '0' && at[digits] <= '9')
        digits++;
    return digits;
}

static bool scan_number(struct scanner *scanner, struct node *node)
{
    const char *begin = scanner->at;
    bool negative = scan_accept(scanner, '-');
    size_t digits = count_digits(scanner, scanner->at);
    if (digits == 0 || (digits > 1 && *scanner->at == '0')
        || (negative && digits == 1 && *scanner->at == '0' && scanner->canonical))
        return scan_refuse(scanner, "a number is not of this form");
    uint64_t value = 0;
    bool whole = digits <= 19;
    for (size_t i = 0; whole && i < digits; i++)
        value = value * 10 + (uint64_t)(scanner->at[i] - '0');
    whole = whole && value <= (uint64_t)INT64_MAX;
    scanner->at += digits;
    if (scanner->at < scanner->end && *scanner->at == '.') {
        size_t decimals = count_digits(scanner, scanner->at + 1);
        whole = false;
        scanner->at += 1 + decimals;
        if (decimals == 0)
            return scan_refuse(scanner, "a number is not of this form");
    }
    if (scanner->at < scanner->end && (*scanner->at == 'e' || *scanner->at == 'E')) {
        scanner->at++;
        whole = false;
        if (scanner->at < scanner->end && (*scanner->at == '+' || *scanner->at == '-'))
            scanner->at++;
        size_t exponent = count_digits(scanner, scanner->at);
        scanner->at += exponent;
        if (exponent == 0)
            return scan_refuse(scanner, "a number is not of this form");
    }
    if (!whole && scanner->canonical)
        return scan_refuse(scanner, "a number is not an integer of 64 bits");
    node->kind = whole ? NODE_INTEGER : NODE_NUMBER;
    node->number = whole ? negative ? -(int64_t)value : (int64_t)value : 0;
    node->text = (struct slice){begin, (size_t)(scanner->at - begin)};
    return true;
}

static bool scan_value(struct scanner *scanner, struct node *node);

static bool scan_members(struct scanner *scanner, struct node *node, char closing)
{
    struct node **end = &node->first;
    if (++scanner->depth
        > (scanner->canonical ? (unsigned)FORMAT_NESTING_MAX : (unsigned)PLAIN_NESTING_MAX))
        return scan_refuse(scanner, "it is nested too deep");
    scanner->at++;
    for (bool more = !scan_accept(scanner, closing); more;) {
        struct node *member = tree_allocate(scanner->tree, sizeof *member);
        if (closing == '}') {
            if (node->count == KEYS_MAX)
                return scan_refuse(scanner, "an object has more keys than this reader takes");
            if (!scan_string(scanner, &member->key))
                return false;
            for (const struct node *other = node->first; other != NULL; other = other->next)
                if (slice_equal(other->key, member->key))
                    return scan_refuse(scanner, "an object has a key twice");
            if (!scan_accept(scanner, ':'))
                return scan_refuse(scanner, "a colon is missing");
        }
        if (!scan_value(scanner, member))
            return false;
        *end = member;
        end = &member->next;
        node->count++;
        more = scan_accept(scanner, ',');
        if (!more && !scan_accept(scanner, closing))
            return scan_refuse(scanner, "an object or array is not closed");
    }
    scanner->depth--;
    return true;
}

static bool scan_word(struct scanner *scanner, struct node *node, const char *word,
                      enum node_kind kind)
{
    size_t length = strlen(word);
    if ((size_t)(scanner->end - scanner->at) < length || memcmp(scanner->at, word, length) != 0)
        return scan_refuse(scanner, "a value is none of JSON");
    scanner->at += length;
    node->kind = kind;
    return true;
}

static bool scan_value(struct scanner *scanner, struct node *node)
{
    skip_space(scanner);
    if (scanner->at == scanner->end)
        return scan_refuse(scanner, "a value is missing");
    switch (*scanner->at) {
    case '{':
        node->kind = NODE_OBJECT;
        return scan_members(scanner, node, '}');
    case '[':
        node->kind = NODE_ARRAY;
        return scan_members(scanner, node, ']');
    case '"':
        node->kind = NODE_STRING;
        return scan_string(scanner, &node->text);
    case 't':
        return scan_word(scanner, node, "true", NODE_TRUE);
    case 'f':
        return scan_word(scanner, node, "false", NODE_FALSE);
    case 'n':
        return scan_word(scanner, node, "null", NODE_NULL);
    default:
        return scan_number(scanner, node);
    }
}

enum error_code tree_read(const void *text, size_t size, enum tree_form form, struct tree *ret_tree,
                          struct error *error)
{
    assert(form != TREE_INVALID);
    CLEANUP_TREE struct tree tree = {0};
    struct scanner scanner = {.at = text,
                              .end = (const char *)text + size,
                              .canonical = form == TREE_CANONICAL,
                              .tree = &tree};
    struct node *root = tree_allocate(&tree, sizeof *root);
    bool good = bytes_is_utf8(text, size) || scan_refuse(&scanner, "it is not UTF-8");
    good = good && scan_value(&scanner, root);
    skip_space(&scanner);
    if (good && scanner.at != scanner.end)
        good = scan_refuse(&scanner, "something stands behind its end");
    if (!good)
        return error_set(error, ERROR_DAMAGED, 0, "", "", "%s", scanner.why);
    tree_free(ret_tree);
    *ret_tree = (struct tree){root, tree.blocks};
    tree = (struct tree){0};
    return ERROR_OK;
}

const struct node *tree_object(struct slice text, struct tree *ret_tree)
{
    struct error ignored;
    enum error_code code = tree_read(text.at, text.length, TREE_PLAIN, ret_tree, &ignored);
    return code == ERROR_OK && node_is(ret_tree->root, NODE_OBJECT) ? ret_tree->root : NULL;
}

const struct node *node_member(const struct node *object, const char *key)
{
    if (!node_is(object, NODE_OBJECT))
        return NULL;
    for (const struct node *member = object->first; member != NULL; member = member->next)
        if (slice_is(member->key, key))
            return member;
    return NULL;
}

struct slice node_text(const struct node *object, const char *key)
{
    const struct node *member = node_member(object, key);
    return node_is(member, NODE_STRING) ? member->text : (struct slice){"", 0};
}

int64_t node_number(const struct node *object, const char *key, int64_t otherwise)
{
    const struct node *member = node_member(object, key);
    return node_is(member, NODE_INTEGER) ? member->number : otherwise;
}

bool node_is(const struct node *node, enum node_kind kind)
{
    return node != NULL && node->kind == kind;
}
