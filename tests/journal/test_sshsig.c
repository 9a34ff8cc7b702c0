/* Goal: what ssh-keygen makes and accepts, this code accepts and makes, byte for byte; and no key
 * or signature that must not be believed is believed: any changed bit, small-order, non-canonical
 * and mixed-order keys, S + L. */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "journal/format/sshsig.h"

static const uint8_t ORDER[32] = {
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7,
    0xa2, 0xde, 0xf9, 0xde, 0x14, 0,    0,    0,    0,    0,    0,
    0,    0,    0,    0,    0,    0,    0,    0,    0,    0x10}; /* L, little-endian */

static void sign(struct signer *signer, const char *name_space, const void *message, size_t size,
                 uint8_t ret_signature[SIGNATURE_BYTES])
{
    uint8_t data[SSHSIG_SIGNED_DATA_BYTES_MAX];
    struct error error;
    size_t data_bytes = sshsig_signed_data(name_space, message, size, data);
    support_ok(signer_sign(signer, data, data_bytes, ret_signature, &error), &error);
}

/* The layout of PROTOCOL.sshsig, written down here a second time. */
static void sshsig_signed_data_layout_is_the_protocols(void **state)
{
    (void)state;
    uint8_t data[SSHSIG_SIGNED_DATA_BYTES_MAX], hash[64];
    size_t size = sshsig_signed_data("titan-approval-v1", "abc", 3, data);
    static const char head[] =
        "SSHSIG\0\0\0\x11titan-approval-v1\0\0\0\0\0\0\0\x06sha512\0\0\0\x40";
    (void)crypto_hash_sha512(hash, (const uint8_t *)"abc", 3);
    assert_int_equal(size, 92 + 17);
    assert_int_equal(sizeof head - 1 + sizeof hash, size);
    assert_memory_equal(data, head, sizeof head - 1);
    assert_memory_equal(data + sizeof head - 1, hash, sizeof hash);
}

static void sshsig_verify_any_changed_bit_refused(void **state)
{
    (void)state;
    CLEANUP_SIGNER struct signer *signer = support_signer(1);
    uint8_t message[40] = "an entry", signature[SIGNATURE_BYTES], key[KEY_BYTES];
    memcpy(key, signer_public_key(signer), sizeof key);
    sign(signer, SSHSIG_NAMESPACE_JOURNAL, message, sizeof message, signature);
    assert_true(sshsig_verify(SSHSIG_NAMESPACE_JOURNAL, message, sizeof message, signature, key));
    assert_false(sshsig_verify(SSHSIG_NAMESPACE_APPROVAL, message, sizeof message, signature, key));
    assert_false(
        sshsig_verify(SSHSIG_NAMESPACE_JOURNAL, message, sizeof message - 1, signature, key));
    struct {
        uint8_t *bytes;
        size_t size;
    } parts[] = {{message, sizeof message}, {signature, sizeof signature}, {key, sizeof key}};
    for (size_t part = 0; part < 3; part++) {
        for (size_t bit = 0; bit < parts[part].size * 8; bit++) {
            parts[part].bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
            if (sshsig_verify(SSHSIG_NAMESPACE_JOURNAL, message, sizeof message, signature, key))
                fail_msg("bit %zu of part %zu may be changed", bit, part);
            parts[part].bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        }
    }
    assert_true(sshsig_verify(SSHSIG_NAMESPACE_JOURNAL, message, sizeof message, signature, key));
}

static void sshsig_verify_s_plus_order_refused(void **state)
{
    (void)state;
    CLEANUP_SIGNER struct signer *signer = support_signer(2);
    for (unsigned i = 0; i < 32; i++) {
        uint8_t message = (uint8_t)i, signature[SIGNATURE_BYTES];
        sign(signer, SSHSIG_NAMESPACE_JOURNAL, &message, 1, signature);
        unsigned carry = 0;
        for (size_t k = 0; k < 32; k++) {
            carry += (unsigned)signature[32 + k] + ORDER[k];
            signature[32 + k] = (uint8_t)carry;
            carry >>= 8;
        }
        assert_int_equal(carry, 0);
        assert_false(sshsig_verify(SSHSIG_NAMESPACE_JOURNAL, &message, 1, signature,
                                   signer_public_key(signer)));
    }
}

/* The eight points of small order; the last byte of each pair differs in the sign bit. */
static void small_order(unsigned which, uint8_t point[KEY_BYTES])
{
    static const char *const points[] = {
        "0100000000000000000000000000000000000000000000000000000000000000",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0000000000000000000000000000000000000000000000000000000000000080",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa"};
    assert_int_equal(support_hex(points[which], point, KEY_BYTES), KEY_BYTES);
}

static void refused_everywhere(const uint8_t key[KEY_BYTES])
{
    char text[SSH_PUBLIC_KEY_TEXT_MAX];
    uint8_t read[KEY_BYTES],
        signature[SIGNATURE_BYTES] = {1}; /* R = identity, S = 0: good under a key of small order */
    struct error error;
    assert_false(sshsig_key_is_sound(key));
    assert_false(sshsig_verify(SSHSIG_NAMESPACE_JOURNAL, "m", 1, signature, key));
    ssh_public_key_text(key, text);
    support_code(ssh_public_key_from_base64(text + 12, strlen(text + 12), read, &error),
                 ERROR_KEY_REFUSED, &error);
}

static void sshsig_key_is_sound_small_order_refused(void **state)
{
    (void)state;
    uint8_t key[KEY_BYTES];
    for (unsigned i = 0; i < 8; i++) {
        small_order(i, key);
        refused_everywhere(key);
    }
}

/* y = p .. p + 18, with and without the sign bit, are second spellings of y - p. */
static void sshsig_key_is_sound_non_canonical_refused(void **state)
{
    (void)state;
    uint8_t key[KEY_BYTES];
    for (unsigned low = 0xed; low <= 0xff; low++) {
        for (unsigned top = 0x7f; top <= 0xff; top += 0x80) {
            memset(key, 0xff, sizeof key);
            key[0] = (uint8_t)low;
            key[31] = (uint8_t)top;
            refused_everywhere(key);
        }
    }
}

/* Signs with the discrete logarithm of A under the public key A + T, as an attacker would:
 * libsodium accepts where the torsion cancels. */
static void forge(const uint8_t scalar[32], const uint8_t mixed[KEY_BYTES], const uint8_t *data,
                  size_t size, uint8_t signature[SIGNATURE_BYTES])
{
    uint8_t nonce[32], hash[64], reduced[32], product[32];
    crypto_core_ed25519_scalar_random(nonce);
    assert_int_equal(crypto_scalarmult_ed25519_base_noclamp(signature, nonce), 0);
    crypto_hash_sha512_state state;
    (void)crypto_hash_sha512_init(&state);
    (void)crypto_hash_sha512_update(&state, signature, 32);
    (void)crypto_hash_sha512_update(&state, mixed, KEY_BYTES);
    (void)crypto_hash_sha512_update(&state, data, size);
    (void)crypto_hash_sha512_final(&state, hash);
    crypto_core_ed25519_scalar_reduce(reduced, hash);
    crypto_core_ed25519_scalar_mul(product, reduced, scalar);
    crypto_core_ed25519_scalar_add(signature + 32, product, nonce);
}

static void sshsig_verify_mixed_order_key_refused(void **state)
{
    (void)state;
    unsigned believed_by_library = 0;
    for (unsigned which = 1; which < 8; which++) {
        uint8_t scalar[32], sound[KEY_BYTES], torsion[KEY_BYTES], mixed[KEY_BYTES];
        crypto_core_ed25519_scalar_random(scalar);
        assert_int_equal(crypto_scalarmult_ed25519_base_noclamp(sound, scalar), 0);
        small_order(which, torsion);
        assert_int_equal(crypto_core_ed25519_add(mixed, sound, torsion), 0);
        assert_true(sshsig_key_is_sound(sound));
        refused_everywhere(mixed);
        for (unsigned i = 0; i < 64; i++) {
            uint8_t data[SSHSIG_SIGNED_DATA_BYTES_MAX], signature[SIGNATURE_BYTES],
                message = (uint8_t)i;
            size_t size = sshsig_signed_data(SSHSIG_NAMESPACE_JOURNAL, &message, 1, data);
            forge(scalar, mixed, data, size, signature);
            believed_by_library += crypto_sign_verify_detached(signature, data, size, mixed) == 0;
            assert_false(sshsig_verify(SSHSIG_NAMESPACE_JOURNAL, &message, 1, signature, mixed));
            forge(scalar, sound, data, size, signature);
            assert_true(sshsig_verify(SSHSIG_NAMESPACE_JOURNAL, &message, 1, signature, sound));
        }
    }
    assert_true(believed_by_library > 0); /* else this case would show nothing */
}

static void write_allowed(const char *path, const uint8_t key[KEY_BYTES], const char *options)
{
    char text[SSH_PUBLIC_KEY_TEXT_MAX], line[256];
    ssh_public_key_text(key, text);
    int length = snprintf(line, sizeof line, "op@example.org %s%s\n", options, text);
    support_write(path, line, (size_t)length, 0600);
}

static int ssh_keygen_verify(const char *directory, const char *name_space, const char *message)
{
    char allowed[2 * SUPPORT_PATH_MAX], signature[2 * SUPPORT_PATH_MAX];
    (void)snprintf(allowed, sizeof allowed, "%s/allowed", directory);
    (void)snprintf(signature, sizeof signature, "%s/sig", directory);
    const char *const arguments[] = {"ssh-keygen",     "-Y", "verify",   "-f", allowed,   "-I",
                                     "op@example.org", "-n", name_space, "-s", signature, NULL};
    return support_run(arguments, support_path(directory, message), "/dev/null");
}

static void sshsig_armor_ssh_keygen_accepts(void **state)
{
    (void)state;
    char directory[SUPPORT_PATH_MAX];
    support_directory(directory);
    CLEANUP_SIGNER struct signer *signer = support_signer(3);
    CLEANUP_BYTES struct bytes text = {0};
    struct error error;
    uint8_t signature[SIGNATURE_BYTES];
    static const char message[] = "{\"v\":1}";
    sign(signer, SSHSIG_NAMESPACE_JOURNAL, message, sizeof message - 1, signature);
    support_ok(sshsig_armor(SSHSIG_NAMESPACE_JOURNAL, signature, signer_public_key(signer), &text,
                            &error),
               &error);
    support_write(support_path(directory, "sig"), text.data, text.size, 0600);
    support_write(support_path(directory, "good"), message, sizeof message - 1, 0600);
    support_write(support_path(directory, "bad"), message, sizeof message - 2, 0600);
    write_allowed(support_path(directory, "allowed"), signer_public_key(signer),
                  "namespaces=\"titan-journal-v1\" ");
    assert_int_equal(ssh_keygen_verify(directory, SSHSIG_NAMESPACE_JOURNAL, "good"), 0);
    assert_int_not_equal(ssh_keygen_verify(directory, SSHSIG_NAMESPACE_JOURNAL, "bad"), 0);
    assert_int_not_equal(ssh_keygen_verify(directory, SSHSIG_NAMESPACE_APPROVAL, "good"), 0);
    support_remove(directory);
}

/* A key, a signature and a fingerprint made by ssh-keygen itself are read as what they are. */
static void sshsig_dearmor_ssh_keygen_signature_read(void **state)
{
    (void)state;
    char directory[SUPPORT_PATH_MAX], key_path[SUPPORT_PATH_MAX + 8],
        message_path[SUPPORT_PATH_MAX + 8];
    support_directory(directory);
    (void)snprintf(key_path, sizeof key_path, "%s/key", directory);
    (void)snprintf(message_path, sizeof message_path, "%s/message", directory);
    support_write(message_path, "hello", 5, 0600);
    const char *const generate[] = {"ssh-keygen", "-q",        "-t", "ed25519", "-N", "",
                                    "-C",         "a comment", "-f", key_path,  NULL};
    const char *const signing[] = {
        "ssh-keygen", "-Y", "sign", "-f", key_path, "-n", SSHSIG_NAMESPACE_JOURNAL,
        message_path, NULL};
    assert_int_equal(support_run(generate, "/dev/null", "/dev/null"), 0);
    assert_int_equal(support_run(signing, "/dev/null", "/dev/null"), 0);
    const char *const fingerprint[] = {"ssh-keygen", "-lf", key_path, NULL};
    assert_int_equal(support_run(fingerprint, "/dev/null", support_path(directory, "print")), 0);
    CLEANUP_BYTES struct bytes public_text = {0}, armored = {0}, again = {0}, print = {0};
    struct error error;
    uint8_t key[KEY_BYTES], signer[KEY_BYTES], signature[SIGNATURE_BYTES];
    char text[SSH_PUBLIC_KEY_TEXT_MAX], shown[64];
    support_read(support_path(directory, "key.pub"), &public_text);
    const char *base64 = (const char *)public_text.data + 12;
    support_ok(ssh_public_key_from_base64(base64, strcspn(base64, " "), key, &error), &error);
    ssh_public_key_text(key, text);
    assert_memory_equal(text, public_text.data, strlen(text));
    support_read(support_path(directory, "message.sig"), &armored);
    support_ok(sshsig_dearmor((const char *)armored.data, armored.size, SSHSIG_NAMESPACE_JOURNAL,
                              signature, signer, &error),
               &error);
    assert_memory_equal(signer, key, sizeof key);
    assert_true(sshsig_verify(SSHSIG_NAMESPACE_JOURNAL, "hello", 5, signature, key));
    support_ok(sshsig_armor(SSHSIG_NAMESPACE_JOURNAL, signature, key, &again, &error), &error);
    assert_string_equal((const char *)again.data, (const char *)armored.data);
    support_read(support_path(directory, "print"), &print);
    ssh_fingerprint(key, shown);
    assert_non_null(strstr((const char *)print.data, shown));
    assert_int_equal(strlen(shown), 7 + 43);
    support_remove(directory);
}

/* Every single changed character of an armored signature gives either a refusal, or another key or
 * signature: never the same ones. */
static void sshsig_dearmor_changed_text_refused_or_different(void **state)
{
    (void)state;
    CLEANUP_SIGNER struct signer *signer = support_signer(4);
    CLEANUP_BYTES struct bytes text = {0};
    struct error error;
    uint8_t signature[SIGNATURE_BYTES], read[SIGNATURE_BYTES], key[KEY_BYTES];
    sign(signer, SSHSIG_NAMESPACE_JOURNAL, "m", 1, signature);
    support_ok(sshsig_armor(SSHSIG_NAMESPACE_JOURNAL, signature, signer_public_key(signer), &text,
                            &error),
               &error);
    char *armored = (char *)text.data;
    support_code(sshsig_dearmor(armored, text.size, SSHSIG_NAMESPACE_APPROVAL, read, key, &error),
                 ERROR_DAMAGED, &error);
    for (size_t at = 0; at + 1 < text.size; at++) {
        char kept = armored[at];
        if (kept == '\n')
            continue;
        armored[at] = kept == 'A' ? 'B' : 'A';
        enum error_code code = sshsig_dearmor(armored, text.size, SSHSIG_NAMESPACE_JOURNAL, read,
                                              key, &error);
        if (code == ERROR_OK && sshsig_verify(SSHSIG_NAMESPACE_JOURNAL, "m", 1, read, key))
            fail_msg("character %zu may be changed", at);
        armored[at] = kept;
    }
    for (size_t length = 0; length + 1 < text.size; length++)
        support_code(sshsig_dearmor(armored, length, SSHSIG_NAMESPACE_JOURNAL, read, key, &error),
                     ERROR_DAMAGED, &error);
}

static void ssh_public_key_from_base64_other_key_refused(void **state)
{
    (void)state;
    uint8_t key[KEY_BYTES];
    struct error error;
    static const char *const others[] = {
        "", "AAAA",
        "AAAAC3NzaC1lZDI1NTE5AAAAIA==", "AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBA==",
        "AAAAC3NzaC1lZDI1NTE5AAAAIAOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4AA=="};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        support_code(ssh_public_key_from_base64(others[i], strlen(others[i]), key, &error),
                     ERROR_DAMAGED, &error);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sshsig_signed_data_layout_is_the_protocols),
        cmocka_unit_test(sshsig_verify_any_changed_bit_refused),
        cmocka_unit_test(sshsig_verify_s_plus_order_refused),
        cmocka_unit_test(sshsig_key_is_sound_small_order_refused),
        cmocka_unit_test(sshsig_key_is_sound_non_canonical_refused),
        cmocka_unit_test(sshsig_verify_mixed_order_key_refused),
        cmocka_unit_test(sshsig_armor_ssh_keygen_accepts),
        cmocka_unit_test(sshsig_dearmor_ssh_keygen_signature_read),
        cmocka_unit_test(sshsig_dearmor_changed_text_refused_or_different),
        cmocka_unit_test(ssh_public_key_from_base64_other_key_refused),
    };
    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
