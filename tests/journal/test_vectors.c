/* Goal: every byte of tests/vectors/journal-v1.json comes out of this code again: keys, payloads,
 * signatures, hashes, roots, armor, the checkpoint; alone, and through a real journal that writes
 * the same entries at the same times. */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "journal/journal.h"
#include "journal/format/merkle.h"
#include "journal/format/note.h"
#include "journal/format/sshsig.h"
#include "journal/store.h"

struct vectors {
    json_t *json;
    struct signer *operator_signer, *session;
};

static struct signer *signer_of(const json_t *json, const char *key)
{
    uint8_t seed[SEED_BYTES];
    struct signer *signer = NULL;
    struct error error;
    assert_int_equal(support_hex(support_text(json, key), seed, sizeof seed), SEED_BYTES);
    support_ok(signer_from_seed(seed, &signer, &error), &error);
    return signer;
}

static int set_up(void **state)
{
    struct vectors *vectors = calloc(1, sizeof *vectors);
    vectors->json = support_vectors();
    vectors->operator_signer = signer_of(vectors->json, "operator_seed_hex");
    vectors->session = signer_of(vectors->json, "session_seed_hex");
    *state = vectors;
    return 0;
}

static int tear_down(void **state)
{
    struct vectors *vectors = *state;
    signer_close(vectors->operator_signer);
    signer_close(vectors->session);
    json_decref(vectors->json);
    free(vectors);
    return 0;
}

static const json_t *entry_of(const struct vectors *vectors, size_t i)
{
    return json_array_get(json_object_get(vectors->json, "entries"), i);
}

static size_t count_of(const struct vectors *vectors)
{
    size_t count = json_array_size(json_object_get(vectors->json, "entries"));
    assert_true(count >= 8);
    return count;
}

static void payload_of(const json_t *entry, struct bytes *ret_payload)
{
    const char *text = support_text(entry, "payload_base64");
    struct error error;
    support_ok(bytes_from_base64(text, strlen(text), ret_payload, &error), &error);
}

static struct signer *signer_by_payload(const struct vectors *vectors, const json_t *payload)
{
    char hex[SHA256_HEX + 1];
    bytes_hex(signer_public_key(vectors->session), KEY_BYTES, hex);
    return strcmp(support_text(payload, "signer"), hex) == 0 ? vectors->session
                                                             : vectors->operator_signer;
}

static void vectors_keys_match(void **state)
{
    const struct vectors *vectors = *state;
    struct signer *const signers[] = {vectors->operator_signer, vectors->session};
    static const char *const hex_keys[] = {"operator_public_hex", "session_public_hex"},
                             *const text_keys[] = {"operator_ssh", "session_ssh"};
    for (size_t i = 0; i < 2; i++) {
        char hex[SHA256_HEX + 1], text[SSH_PUBLIC_KEY_TEXT_MAX];
        bytes_hex(signer_public_key(signers[i]), KEY_BYTES, hex);
        ssh_public_key_text(signer_public_key(signers[i]), text);
        assert_string_equal(hex, support_text(vectors->json, hex_keys[i]));
        assert_string_equal(text, support_text(vectors->json, text_keys[i]));
    }
}

static void vectors_payloads_are_canonical(void **state)
{
    const struct vectors *vectors = *state;
    for (size_t i = 0; i < count_of(vectors); i++) {
        CLEANUP_BYTES struct bytes payload = {0}, again = {0};
        CLEANUP_JSON json_t *value = NULL;
        struct error error;
        payload_of(entry_of(vectors, i), &payload);
        support_ok(canonical_read(payload.data, payload.size, &value, &error), &error);
        support_ok(canonical_write(value, &again, &error), &error);
        assert_int_equal(again.size, payload.size);
        assert_memory_equal(again.data, payload.data, payload.size);
    }
}

static void vectors_signatures_and_armor_match(void **state)
{
    const struct vectors *vectors = *state;
    for (size_t i = 0; i < count_of(vectors); i++) {
        const json_t *entry = entry_of(vectors, i);
        CLEANUP_BYTES struct bytes payload = {0}, armored = {0};
        CLEANUP_JSON json_t *value = NULL;
        struct error error;
        uint8_t data[SSHSIG_SIGNED_DATA_BYTES_MAX], wanted[SSHSIG_SIGNED_DATA_BYTES_MAX],
            signature[SIGNATURE_BYTES], key[KEY_BYTES];
        payload_of(entry, &payload);
        support_ok(canonical_read(payload.data, payload.size, &value, &error), &error);
        struct signer *signer = signer_by_payload(vectors, value);
        size_t size = sshsig_signed_data(SSHSIG_NAMESPACE_JOURNAL, payload.data, payload.size,
                                         data);
        assert_int_equal(support_hex(support_text(entry, "signed_data_hex"), wanted, sizeof wanted),
                         size);
        assert_memory_equal(data, wanted, size);
        support_ok(signer_sign(signer, data, size, signature, &error), &error);
        assert_int_equal(support_hex(support_text(entry, "signature_hex"), wanted, sizeof wanted),
                         SIGNATURE_BYTES);
        assert_memory_equal(signature, wanted, SIGNATURE_BYTES);
        assert_true(sshsig_verify(SSHSIG_NAMESPACE_JOURNAL, payload.data, payload.size, signature,
                                  signer_public_key(signer)));
        support_ok(sshsig_armor(SSHSIG_NAMESPACE_JOURNAL, signature, signer_public_key(signer),
                                &armored, &error),
                   &error);
        const char *text = support_text(entry, "armored");
        assert_string_equal((const char *)armored.data, text);
        support_ok(sshsig_dearmor(text, strlen(text), SSHSIG_NAMESPACE_JOURNAL, wanted, key,
                                  &error),
                   &error);
        assert_memory_equal(signature, wanted, SIGNATURE_BYTES);
        assert_memory_equal(key, signer_public_key(signer), KEY_BYTES);
    }
}

static void stored_value(const json_t *entry, struct bytes *ret_value)
{
    CLEANUP_BYTES struct bytes payload = {0};
    struct error error;
    uint8_t signature[SIGNATURE_BYTES];
    payload_of(entry, &payload);
    assert_int_equal(support_hex(support_text(entry, "signature_hex"), signature, sizeof signature),
                     SIGNATURE_BYTES);
    support_ok(bytes_append(ret_value, signature, sizeof signature, &error), &error);
    support_ok(bytes_append(ret_value, payload.data, payload.size, &error), &error);
}

static void vectors_hashes_and_roots_match(void **state)
{
    const struct vectors *vectors = *state;
    struct merkle merkle;
    merkle_init(&merkle);
    for (size_t i = 0; i < count_of(vectors); i++) {
        const json_t *entry = entry_of(vectors, i);
        CLEANUP_BYTES struct bytes value = {0}, root_text = {0};
        struct error error;
        uint8_t root[SHA256_BYTES];
        char hex[SHA256_HEX + 1];
        stored_value(entry, &value);
        bytes_sha256_hex(value.data, value.size, hex);
        assert_string_equal(hex, support_text(entry, "stored_sha256"));
        merkle_add(&merkle, value.data, value.size);
        merkle_root(&merkle, root);
        support_ok(bytes_base64(root, sizeof root, &root_text, &error), &error);
        assert_string_equal((const char *)root_text.data, support_text(entry, "root_after"));
    }
}

static void vectors_checkpoint_is_believed(void **state)
{
    const struct vectors *vectors = *state;
    const char *note = support_text(vectors->json, "checkpoint");
    struct checkpoint checkpoint;
    CLEANUP_BYTES struct bytes vkey = {0};
    struct error error;
    bool known_bad = true;
    support_ok(checkpoint_read(note, strlen(note), &checkpoint, &error), &error);
    assert_true(checkpoint.size == count_of(vectors));
    assert_true(note_signed_by(note, strlen(note), checkpoint.origin,
                               signer_public_key(vectors->session), &known_bad));
    assert_false(known_bad);
    support_ok(note_vkey(checkpoint.origin, signer_public_key(vectors->session), &vkey, &error),
               &error);
    assert_string_equal((const char *)vkey.data, support_text(vectors->json, "checkpoint_vkey"));
}

static enum error_code give_value(void *context, uint64_t size, const void *last, size_t last_bytes,
                                  struct bytes *ret_value, struct error *error)
{
    const struct bytes *value = context;
    (void)size;
    (void)last;
    (void)last_bytes;
    return bytes_append(ret_value, value->data, value->size, error);
}

/* Appends entry `i` with journal_append() at the time that its payload names, and compares what was
 * stored. */
static void append_as_in_the_vectors(const struct vectors *vectors, size_t i,
                                     struct support_clock *time, struct journal *journal)
{
    CLEANUP_BYTES struct bytes payload = {0}, wanted = {0}, stored = {0};
    CLEANUP_JSON json_t *value = NULL;
    struct error error;
    uint64_t seq = 0;
    payload_of(entry_of(vectors, i), &payload);
    support_ok(canonical_read(payload.data, payload.size, &value, &error), &error);
    (void)snprintf(time->next.utc, sizeof time->next.utc, "%s", support_text(value, "utc"));
    (void)snprintf(time->next.boot, sizeof time->next.boot, "%s", support_text(value, "boot"));
    time->next.boottime_ns = json_integer_value(json_object_get(value, "boottime_ns"));
    support_ok(journal_append(journal,
                              &(struct entry_draft){.signer = signer_by_payload(vectors, value),
                                                    .type = support_text(value, "type"),
                                                    .deployment = JOURNAL_NO_DEPLOYMENT,
                                                    .body = json_object_get(value, "body")},
                              &seq, &error),
               &error);
    assert_true(seq == i);
    stored_value(entry_of(vectors, i), &wanted);
    support_ok(journal_stored_value(journal, i, &stored, &error), &error);
    assert_int_equal(stored.size, wanted.size);
    assert_memory_equal(stored.data, wanted.data, wanted.size);
}

/* The first entry is put in as it is, because it fixes the id; the journal writes the others
 * itself. */
static void vectors_journal_writes_the_same(void **state)
{
    const struct vectors *vectors = *state;
    char directory[SUPPORT_PATH_MAX], path[SUPPORT_PATH_MAX + 16];
    struct store *store = NULL;
    struct journal *journal = NULL;
    struct error error;
    struct support_clock time = {0};
    struct clock clock = support_clock(&time);
    struct world world = *support_world();
    CLEANUP_BYTES struct bytes first = {0}, note = {0};
    uint64_t seq;
    support_directory(directory);
    (void)snprintf(path, sizeof path, "%s/journal", directory);
    stored_value(entry_of(vectors, 0), &first);
    support_ok(store_create(path, &error), &error);
    support_ok(store_open(path, false, &store, &error), &error);
    support_ok(store_append(store, give_value, &first, NULL, 0, &seq, &error), &error);
    store_close(store);
    world.clock = &clock;
    support_ok(journal_open(path, &world, false, &journal, &error), &error);
    assert_string_equal(journal_id(journal), support_text(vectors->json, "journal"));
    for (size_t i = 1; i < count_of(vectors); i++)
        append_as_in_the_vectors(vectors, i, &time, journal);
    support_ok(journal_signed_checkpoint(journal, vectors->session, &note, &error), &error);
    assert_string_equal((const char *)note.data, support_text(vectors->json, "checkpoint"));
    journal_close(journal);
    support_remove(directory);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(vectors_keys_match),
        CASE(vectors_payloads_are_canonical),
        CASE(vectors_signatures_and_armor_match),
        CASE(vectors_hashes_and_roots_match),
        CASE(vectors_checkpoint_is_believed),
        CASE(vectors_journal_writes_the_same),
    };
    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
