#include "journal/format/merkle.h"

#include <assert.h>
#include <string.h>

#include "journal/format/sha256.h"

void merkle_init(struct merkle *merkle)
{
    *merkle = (struct merkle){0};
}

static void hash_leaf(const void *leaf, size_t leaf_bytes, uint8_t ret_hash[SHA256_BYTES])
{
    struct sha256 sha256;
    sha256_begin(&sha256);
    sha256_add(&sha256, (const uint8_t[]){0x00}, 1);
    sha256_add(&sha256, leaf, leaf_bytes);
    sha256_end(&sha256, ret_hash);
}

static void hash_node(const uint8_t left[SHA256_BYTES], const uint8_t right[SHA256_BYTES],
                      uint8_t ret_hash[SHA256_BYTES])
{
    uint8_t node[1 + 2 * SHA256_BYTES] = {0x01};
    memcpy(node + 1, left, SHA256_BYTES);
    memcpy(node + 1 + SHA256_BYTES, right, SHA256_BYTES);
    bytes_sha256(node, sizeof node, ret_hash);
}

void merkle_add(struct merkle *merkle, const void *leaf, size_t leaf_bytes)
{
    uint8_t hash[SHA256_BYTES];
    hash_leaf(leaf, leaf_bytes, hash);
    for (uint64_t size = merkle->size; (size & 1) != 0;
         size >>= 1) /* each full pair becomes the root of a larger subtree */
        hash_node(merkle->stack[--merkle->depth], hash, hash);
    assert(merkle->depth < 64);
    memcpy(merkle->stack[merkle->depth++], hash, SHA256_BYTES);
    merkle->size++;
}

void merkle_root(const struct merkle *merkle, uint8_t ret_root[SHA256_BYTES])
{
    if (merkle->size == 0) {
        bytes_sha256("", 0, ret_root);
        return;
    }
    uint8_t root[SHA256_BYTES];
    memcpy(root, merkle->stack[merkle->depth - 1], SHA256_BYTES);
    for (unsigned i = merkle->depth - 1; i-- > 0;)
        hash_node(merkle->stack[i], root, root);
    memcpy(ret_root, root, SHA256_BYTES);
}
