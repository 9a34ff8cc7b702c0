/* The bytes of format 1: the shared vectors reproduced by the verifier's own readers, and every
 * other form refused. */
#include "tests/verify/check.h"

#include <stdio.h>

#include "journal/format/allowed_signers.h"
#include "journal/format/merkle.h"
#include "journal/format/note.h"
#include "journal/format/sshsig.h"
#include "verify/read/tree.h"

static json_t *vectors;

static const char *at(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    assert_non_null(text);
    return text;
}

static void decode(const json_t *object, const char *key, struct bytes *ret_bytes)
{
    struct error error;
    assert_int_equal(bytes_from_base64(at(object, key), strlen(at(object, key)), ret_bytes, &error),
                     ERROR_OK);
}

static void check_entry(const json_t *vector, struct merkle *merkle, struct record *record)
{
    struct bytes payload = {0}, value = {0}, root = {0}, armor = {0};
    uint8_t signature[SIGNATURE_BYTES], key[KEY_BYTES], found_signature[SIGNATURE_BYTES],
        found_key[KEY_BYTES], data[SSHSIG_SIGNED_DATA_BYTES_MAX], hash[32];
    char hex[2 * SSHSIG_SIGNED_DATA_BYTES_MAX + 1];
    struct error error;
    decode(vector, "payload_base64", &payload);
    size_t size = sshsig_signed_data(SSHSIG_NAMESPACE_JOURNAL, payload.data, payload.size, data);
    bytes_hex(data, size, hex);
    assert_string_equal(hex, at(vector, "signed_data_hex"));
    assert_true(bytes_from_hex(at(vector, "signature_hex"), 128, signature, sizeof signature));
    assert_int_equal(bytes_append(&value, signature, sizeof signature, &error), ERROR_OK);
    assert_int_equal(bytes_append(&value, payload.data, payload.size, &error), ERROR_OK);
    bytes_sha256_hex(value.data, value.size, hex);
    assert_string_equal(hex, at(vector, "stored_sha256"));
    merkle_add(merkle, value.data, value.size);
    merkle_root(merkle, hash);
    assert_int_equal(bytes_base64(hash, sizeof hash, &root, &error), ERROR_OK);
    assert_string_equal((char *)root.data, at(vector, "root_after"));
    assert_int_equal(record_add_entry(record, record->count, &value, &error), ERROR_OK);
    struct entry *entry = &record->entries[record->count - 1];
    assert_int_equal(entry_check(entry, &error), ERROR_OK);
    memcpy(key, entry->signer, KEY_BYTES);
    assert_true(
        sshsig_verify(SSHSIG_NAMESPACE_JOURNAL, payload.data, payload.size, signature, key));
    assert_int_equal(sshsig_armor(SSHSIG_NAMESPACE_JOURNAL, signature, key, &armor, &error),
                     ERROR_OK);
    assert_string_equal((char *)armor.data, at(vector, "armored"));
    assert_int_equal(sshsig_dearmor((char *)armor.data, armor.size, SSHSIG_NAMESPACE_JOURNAL,
                                    found_signature, found_key, &error),
                     ERROR_OK);
    assert_memory_equal(found_signature, signature, sizeof signature);
    bytes_free(&payload);
    bytes_free(&root);
    bytes_free(&armor);
}

static void vectors_entries_and_checkpoint_reproduced(void **state)
{
    (void)state;
    CLEANUP_RECORD struct record record = {0};
    struct merkle merkle;
    struct checkpoint checkpoint;
    struct error error;
    bool bad;
    size_t index;
    json_t *vector;
    merkle_init(&merkle);
    json_array_foreach (json_object_get(vectors, "entries"), index, vector)
        check_entry(vector, &merkle, &record);
    const char *note = at(vectors, "checkpoint");
    assert_int_equal(checkpoint_read(note, strlen(note), &checkpoint, &error), ERROR_OK);
    uint8_t root[32], key[KEY_BYTES];
    merkle_root(&merkle, root);
    assert_memory_equal(root, checkpoint.root, 32);
    assert_int_equal(checkpoint.size, record.count);
    assert_true(bytes_from_hex(at(vectors, "session_public_hex"), 64, key, sizeof key));
    assert_true(note_signed_by(note, strlen(note), checkpoint.origin, key, &bad));
    const struct allowed_signers nobody = {0};
    struct limits limits;
    limits_default(&limits);
    struct audit audit = {.record = &record,
                          .limits = &limits,
                          .trust = &nobody,
                          .target = "titan-test"};
    integrity_check(&audit);
    assert_int_not_equal(audit.whole.verdict, VERDICT_VIOLATED);
}

static void vectors_other_forms_refused(void **state)
{
    (void)state;
    size_t index;
    json_t *vector;
    assert_true(json_array_size(json_object_get(vectors, "not_canonical")) >= 13);
    json_array_foreach (json_object_get(vectors, "not_canonical"), index, vector) {
        CLEANUP_TREE struct tree tree = {0};
        struct error error;
        const char *payload = at(vector, "payload");
        bool refused = tree_read(payload, strlen(payload), TREE_CANONICAL, &tree, &error)
                           != ERROR_OK
                       || !node_is(tree.root, NODE_OBJECT);
        if (!refused)
            fail_msg("accepted: %s", at(vector, "why"));
    }
}

/* Each a payload that is one change away from a good one. */
static void tree_read_canonical_edges(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      "{",
                                      "{}x",
                                      " {}",
                                      "{} ",
                                      "{\"a\":1,}",
                                      "{\"a\"}",
                                      "{\"a\":}",
                                      "{a:1}",
                                      "{\"a\":1 }",
                                      "{\"a\":9223372036854775808}",
                                      "{\"a\":+1}",
                                      "{\"a\":.5}",
                                      "{\"a\":tru}",
                                      "{\"a\":\"\\n\\u000a\"}",
                                      "{\"a\":\"\t\"}",
                                      "{\"a\":\"\\u001f\\u001F\"}",
                                      "{\"a\":\"\xff\"}",
                                      "{\"a\":\"\xc0\x80\"}",
                                      "{\"a\":\"x}",
                                      "{\"a\":[1,,2]}",
                                      "{\"a\":[1 ,2]}",
                                      "{\"a\":[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]}",
                                      "{\"a\":NaN}",
                                      "{\"a\":\"\\u00e9\"}",
                                      "{\"a\":\"\\x\"}",
                                      "{\"a\":\"\\\"}"};
    static const char *const good[] = {"{}",
                                       "{\"a\":-1}",
                                       "{\"a\":9223372036854775807}",
                                       "{\"a\":\"\\u001f\\n\\\\\\\"\"}",
                                       "{\"a\":[null,true,false,{\"b\":\"\xc3\xa9\x7f\"}]}",
                                       "{\"a\":\"\\u0000\"}"};
    CLEANUP_TREE struct tree tree = {0};
    struct error error;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (tree_read(bad[i], strlen(bad[i]), TREE_CANONICAL, &tree, &error) == ERROR_OK)
            fail_msg("accepted: %s", bad[i]);
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        if (tree_read(good[i], strlen(good[i]), TREE_CANONICAL, &tree, &error) != ERROR_OK)
            fail_msg("refused: %s: %s", good[i], error.what);
}

static void tree_read_plain_forms(void **state)
{
    (void)state;
    static const char text[] =
        " { \"a\" : [ 1.5e3 , -0 ] , \"b\" : \"\\u00e9\\ud83d\\ude00\\/\" }\n",
                      doubled[] = "{\"a\":1,\"a\":1}";
    CLEANUP_TREE struct tree tree = {0};
    struct error error;
    assert_int_equal(tree_read(text, strlen(text), TREE_PLAIN, &tree, &error), ERROR_OK);
    assert_true(slice_is(node_text(tree.root, "b"), "é😀/"));
    assert_int_not_equal(tree_read(doubled, strlen(doubled), TREE_PLAIN, &tree, &error), ERROR_OK);
}

int main(int argc, char **argv)
{
    json_error_t error;
    vectors = json_load_file(argc > 1 ? argv[1] : "tests/vectors/journal-v1.json", 0, &error);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vectors_entries_and_checkpoint_reproduced),
        cmocka_unit_test(vectors_other_forms_refused),
        cmocka_unit_test(tree_read_canonical_edges),
        cmocka_unit_test(tree_read_plain_forms),
    };
    int failed = vectors == NULL ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
    json_decref(vectors);
    return failed;
}
