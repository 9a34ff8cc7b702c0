/* verify/read/tree: the verifier's own JSON reader; it shares nothing with the driver's.
 * Forms:     TREE_CANONICAL is the one form that journal/FORMAT.md allows ("Payload"); TREE_PLAIN
 *            is any JSON (RFC 8259), for what services print and answer. A doubled key is refused
 *            in both: what says two things says nothing.
 * Ownership: a tree borrows the text that it was read from and owns its nodes; tree_free() takes an
 *            empty one.
 * Bounds:    nesting (16 canonical, 64 plain) and keys of one object. */
#ifndef VERIFY_TREE_H
#define VERIFY_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "journal/format/bytes.h"
#include "journal/format/error.h"
#include "verify/read/slice.h"

enum node_kind {
    NODE_INVALID = 0,
    NODE_OBJECT,
    NODE_ARRAY,
    NODE_STRING,
    NODE_INTEGER,
    NODE_NUMBER, /* plain form only: any other number; its value is not kept */
    NODE_TRUE,
    NODE_FALSE,
    NODE_NULL,
};

struct node {
    enum node_kind kind;
    struct slice key;  /* within an object */
    struct slice text; /* of a string, decoded */
    int64_t number;
    size_t count; /* members or elements */
    struct node *first, *next;
};

struct tree_block;
struct tree {
    struct node *root;
    struct tree_block *blocks;
};

enum tree_form { TREE_INVALID = 0, TREE_CANONICAL, TREE_PLAIN };

/* ERROR_DAMAGED: not JSON, or not of this form. */
enum error_code tree_read(const void *text, size_t size, enum tree_form form, struct tree *ret_tree,
                          struct error *error) CHECKED;
/* The object that the text is, in whatever form; NULL where it is none. */
const struct node *tree_object(struct slice text, struct tree *ret_tree);
void tree_free(struct tree *tree);
#define CLEANUP_TREE __attribute__((cleanup(tree_free)))

/* NULL, "" or the default for a missing member, one of another kind, or a node that is NULL. */
const struct node *node_member(const struct node *object, const char *key);
struct slice node_text(const struct node *object, const char *key);
int64_t node_number(const struct node *object, const char *key, int64_t otherwise);
bool node_is(const struct node *node, enum node_kind kind);

#endif
