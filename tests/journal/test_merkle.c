/* Goal: the tree hash is that of RFC 6962, section 2.1, at every size, and the tree can grow on
 * after its root was read. */
#include "support.h"

#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "journal/format/merkle.h"

enum { SIZE_MAX_TESTED = 130 };

static void merkle_root_rfc6962_vectors_match(void **state)
{
    (void)state;
    static const char *const leaves[] = {"",
                                         "00",
                                         "10",
                                         "2021",
                                         "3031",
                                         "40414243",
                                         "5051525354555657",
                                         "606162636465666768696a6b6c6d6e6f"};
    static const char *const roots[] = {
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"};
    struct merkle merkle;
    merkle_init(&merkle);
    for (size_t size = 0; size <= 8; size++) {
        uint8_t root[SHA256_BYTES], data[32];
        char hex[SHA256_HEX + 1];
        merkle_root(&merkle, root);
        bytes_hex(root, sizeof root, hex);
        assert_string_equal(hex, roots[size]);
        assert_int_equal(merkle.size, size);
        if (size < 8)
            merkle_add(&merkle, data, support_hex(leaves[size], data, sizeof data));
    }
}

/* Leaves of every length from 0, so that length, order and number all count. */
static void make_leaves(struct bytes leaves[SIZE_MAX_TESTED])
{
    struct error error;
    for (size_t i = 0; i < SIZE_MAX_TESTED; i++) {
        uint8_t data[SIZE_MAX_TESTED];
        memset(data, (int)(i * 7), sizeof data);
        support_ok(bytes_append(&leaves[i], data, i, &error), &error);
    }
}

static void merkle_root_each_size_equals_the_definition(void **state)
{
    (void)state;
    struct bytes leaves[SIZE_MAX_TESTED] = {0};
    struct merkle growing;
    make_leaves(leaves);
    merkle_init(&growing);
    for (size_t size = 0; size <= SIZE_MAX_TESTED; size++) {
        uint8_t wanted[SHA256_BYTES], root[SHA256_BYTES], again[SHA256_BYTES],
            fresh_root[SHA256_BYTES];
        struct merkle fresh;
        support_root(leaves, size, wanted);
        merkle_root(&growing, root);
        merkle_root(&growing, again); /* reading the root changes nothing */
        merkle_init(&fresh);
        for (size_t i = 0; i < size; i++)
            merkle_add(&fresh, leaves[i].data, leaves[i].size);
        merkle_root(&fresh, fresh_root);
        assert_memory_equal(root, wanted, sizeof root);
        assert_memory_equal(again, wanted, sizeof root);
        assert_memory_equal(fresh_root, wanted, sizeof root);
        if (size < SIZE_MAX_TESTED)
            merkle_add(&growing, leaves[size].data, leaves[size].size);
    }
    for (size_t i = 0; i < SIZE_MAX_TESTED; i++)
        bytes_free(&leaves[i]);
}

/* A changed, dropped, doubled or exchanged leaf gives another root, at every place. */
static void merkle_root_any_other_list_differs(void **state)
{
    (void)state;
    enum { COUNT = 21 };
    uint8_t wanted[SHA256_BYTES], root[SHA256_BYTES];
    struct merkle merkle;
    merkle_init(&merkle);
    for (uint8_t i = 0; i < COUNT; i++)
        merkle_add(&merkle, &i, 1);
    merkle_root(&merkle, wanted);
    for (uint8_t place = 0; place < COUNT; place++) {
        for (unsigned kind = 0; kind < 4; kind++) {
            merkle_init(&merkle);
            for (uint8_t i = 0; i < COUNT; i++) {
                uint8_t changed = (uint8_t)(i ^ 0x80), next = (uint8_t)((i + 1) % COUNT),
                        before = (uint8_t)((i + COUNT - 1) % COUNT);
                bool here = i == place, behind = i == (place + 1) % COUNT;
                if (kind == 1 && here)
                    continue;
                if (kind == 2 && here)
                    merkle_add(&merkle, &i, 1);
                merkle_add(&merkle,
                           kind == 0 && here     ? &changed
                           : kind == 3 && here   ? &next
                           : kind == 3 && behind ? &before
                                                 : &i,
                           1);
            }
            merkle_root(&merkle, root);
            if (memcmp(root, wanted, sizeof root) == 0)
                fail_msg("kind %u at leaf %u is not seen", kind, place);
        }
    }
}

/* An inner node's hash given as a leaf must not pass for the node: the prefixes 00 and 01 differ.
 */
static void merkle_add_node_as_leaf_differs(void **state)
{
    (void)state;
    uint8_t two[SHA256_BYTES], one[SHA256_BYTES], hashes[2 * SHA256_BYTES];
    struct merkle merkle;
    merkle_init(&merkle);
    merkle_add(&merkle, "a", 1);
    merkle_root(&merkle, hashes);
    merkle_add(&merkle, "b", 1);
    merkle_root(&merkle, two);
    merkle_init(&merkle);
    merkle_add(&merkle, "b", 1);
    merkle_root(&merkle, hashes + SHA256_BYTES);
    merkle_init(&merkle);
    merkle_add(&merkle, hashes, sizeof hashes);
    merkle_root(&merkle, one);
    assert_memory_not_equal(one, two, sizeof one);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(merkle_root_rfc6962_vectors_match),
        cmocka_unit_test(merkle_root_each_size_equals_the_definition),
        cmocka_unit_test(merkle_root_any_other_list_differs),
        cmocka_unit_test(merkle_add_node_as_leaf_differs),
    };
    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
