/* Goal: a key file opens with its passphrase and with nothing else: no changed byte, no other mode,
 * no cut file; the passphrase comes from a file, a descriptor or the terminal (unseen); and a
 * second program, written from FORMAT.md alone, makes files that are read. */
#include "support.h"

#include <errno.h>
#include <fcntl.h>
#include <pty.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sodium.h>

#include "journal/format/sshsig.h"

#define PASSPHRASE "correct horse battery"

struct place {
    char directory[SUPPORT_PATH_MAX];
    char key[SUPPORT_PATH_MAX + 16], passphrase[SUPPORT_PATH_MAX + 16];
    struct passphrase_source source;
    uint8_t public_key[KEY_BYTES]; /* of `key`, made by keyfile_generate(support_world(), ) */
};

/* Made once, because Argon2id is slow on purpose; each case works on its own copy. */
static struct bytes generated;
static uint8_t generated_key[KEY_BYTES];

static int set_up(void **state)
{
    struct place *place = calloc(1, sizeof *place);
    struct error error;
    support_directory(place->directory);
    (void)snprintf(place->key, sizeof place->key, "%s/key", place->directory);
    (void)snprintf(place->passphrase, sizeof place->passphrase, "%s/passphrase", place->directory);
    support_write(place->passphrase, PASSPHRASE "\nsecond line\n", sizeof PASSPHRASE + 12, 0600);
    place->source.file = place->passphrase;
    if (generated.size == 0) {
        support_ok(keyfile_generate(support_world(), place->key, &place->source,
                                    "operator of the tests", generated_key, &error),
                   &error);
        support_read(place->key, &generated);
    } else
        support_write(place->key, generated.data, generated.size, 0600);
    memcpy(place->public_key, generated_key, sizeof generated_key);
    *state = place;
    return 0;
}

static int tear_down(void **state)
{
    struct place *place = *state;
    support_remove(place->directory);
    free(place);
    return 0;
}

static void keyfile_open_right_passphrase_signs(void **state)
{
    struct place *place = *state;
    CLEANUP_SIGNER struct signer *signer = NULL;
    struct error error;
    uint8_t signature[SIGNATURE_BYTES], key[KEY_BYTES];
    support_ok(keyfile_open(support_world(), place->key, &place->source, &signer, &error), &error);
    support_ok(signer_sign(signer, "data", 4, signature, &error), &error);
    assert_int_equal(crypto_sign_verify_detached(signature, (const uint8_t *)"data", 4,
                                                 place->public_key),
                     0);
    assert_memory_equal(signer_public_key(signer), place->public_key, KEY_BYTES);
    support_ok(keyfile_public_key(support_world(), place->key, key, &error), &error);
    assert_memory_equal(key, place->public_key, KEY_BYTES);
    struct stat status;
    assert_int_equal(stat(place->key, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
}

static void keyfile_open_wrong_passphrase_refused(void **state)
{
    struct place *place = *state;
    struct signer *signer = NULL;
    struct error error;
    support_write(place->passphrase, PASSPHRASE " \n", sizeof PASSPHRASE + 1, 0600);
    support_code(keyfile_open(support_world(), place->key, &place->source, &signer, &error),
                 ERROR_KEY_REFUSED, &error);
    assert_null(signer);
    assert_string_equal(error.where, place->key);
    support_write(place->passphrase, PASSPHRASE, sizeof PASSPHRASE - 1,
                  0600); /* without the newline it is the same passphrase */
    support_ok(keyfile_open(support_world(), place->key, &place->source, &signer, &error), &error);
    signer_close(signer);
}

static void keyfile_generate_existing_file_refused(void **state)
{
    struct place *place = *state;
    struct error error;
    uint8_t key[KEY_BYTES] = {7};
    CLEANUP_BYTES struct bytes before = {0}, after = {0};
    support_read(place->key, &before);
    support_code(keyfile_generate(support_world(), place->key, &place->source, "", key, &error),
                 ERROR_REFUSED, &error);
    support_read(place->key, &after);
    assert_int_equal(before.size, after.size);
    assert_memory_equal(before.data, after.data, before.size);
    assert_int_equal(key[0], 7);
    const char *other = support_path(place->directory, "other");
    support_code(keyfile_generate(support_world(), other, &place->source, "two\nlines", key,
                                  &error),
                 ERROR_USAGE, &error);
    support_write(place->passphrase, "short77\n", 8, 0600);
    support_code(keyfile_generate(support_world(), other, &place->source, "", key, &error),
                 ERROR_KEY_REFUSED, &error);
    assert_int_equal(access(other, F_OK), -1);
}

/* What FORMAT.md says about a key file, by itself: with the least work that Argon2id allows, so
 * that thousands can be opened. */
static void write_by_the_format(const char *path, uint8_t ret_public_key[KEY_BYTES])
{
    uint8_t seed[32], secret_key[64], salt[16], nonce[24], key[32], box[48];
    char public_text[SSH_PUBLIC_KEY_TEXT_MAX], salt_hex[33], nonce_hex[49], box_hex[97], text[1024];
    memset(seed, 42, sizeof seed);
    memset(salt, 1, sizeof salt);
    memset(nonce, 2, sizeof nonce);
    (void)crypto_sign_seed_keypair(ret_public_key, secret_key, seed);
    ssh_public_key_text(ret_public_key, public_text);
    int length =
        snprintf(text, sizeof text,
                 "titan-key-v1\npublic %s by the format\nargon2id 1 8192 %s\nxchacha20poly1305 %s ",
                 public_text, sodium_bin2hex(salt_hex, sizeof salt_hex, salt, sizeof salt),
                 sodium_bin2hex(nonce_hex, sizeof nonce_hex, nonce, sizeof nonce));
    assert_int_equal(crypto_pwhash_argon2id(key, sizeof key, PASSPHRASE, strlen(PASSPHRASE), salt,
                                            1, 8192, crypto_pwhash_argon2id_ALG_ARGON2ID13),
                     0);
    (void)crypto_aead_xchacha20poly1305_ietf_encrypt(box, NULL, seed, sizeof seed,
                                                     (const uint8_t *)text,
                                                     (unsigned long long)length, NULL, nonce, key);
    length += snprintf(text + length, sizeof text - (size_t)length, "%s\n",
                       sodium_bin2hex(box_hex, sizeof box_hex, box, sizeof box));
    support_write(path, text, (size_t)length, 0600);
}

static void keyfile_open_any_changed_byte_refused(void **state)
{
    struct place *place = *state;
    uint8_t key[KEY_BYTES];
    CLEANUP_BYTES struct bytes text = {0};
    CLEANUP_SIGNER struct signer *signer = NULL;
    struct error error;
    const char *path = support_path(place->directory, "small");
    write_by_the_format(path, key);
    support_ok(keyfile_open(support_world(), path, &place->source, &signer, &error), &error);
    assert_memory_equal(signer_public_key(signer), key, sizeof key);
    support_read(path, &text);
    static const uint8_t changes[] = {0x01, 0x02, 0x04, 0x08, 0x10, 0x20, 0x40, 0x80, 0xFF};
    for (size_t at = 0; at < text.size; at++) {
        for (size_t i = 0; i <= sizeof changes; i++) {
            struct signer *opened = NULL;
            uint8_t kept = text.data[at];
            text.data[at] = i < sizeof changes ? kept ^ changes[i] : 0;
            support_write(path, text.data, text.size, 0600);
            if (text.data[at] != kept
                && keyfile_open(support_world(), path, &place->source, &opened, &error)
                       != ERROR_KEY_REFUSED)
                fail_msg("byte %zu may be changed by %zu", at, i);
            text.data[at] = kept;
        }
    }
}

static void keyfile_open_cut_or_longer_file_refused(void **state)
{
    struct place *place = *state;
    uint8_t key[KEY_BYTES];
    CLEANUP_BYTES struct bytes text = {0};
    struct error error;
    struct signer *signer = NULL;
    const char *path = support_path(place->directory, "small");
    write_by_the_format(path, key);
    support_read(path, &text);
    for (size_t size = 0; size < text.size; size++) {
        support_write(path, text.data, size, 0600);
        support_code(keyfile_open(support_world(), path, &place->source, &signer, &error),
                     ERROR_KEY_REFUSED, &error);
        support_code(keyfile_public_key(support_world(), path, key, &error), ERROR_KEY_REFUSED,
                     &error);
        CLEANUP_BYTES struct bytes missing = {0}; /* one byte taken out, at each place */
        support_ok(bytes_append(&missing, text.data, size, &error), &error);
        support_ok(bytes_append(&missing, text.data + size + 1, text.size - size - 1, &error),
                   &error);
        support_write(path, missing.data, missing.size, 0600);
        support_code(keyfile_open(support_world(), path, &place->source, &signer, &error),
                     ERROR_KEY_REFUSED, &error);
    }
    support_ok(bytes_append(&text, "\n", 1, &error), &error);
    support_write(path, text.data, text.size, 0600);
    support_code(keyfile_open(support_world(), path, &place->source, &signer, &error),
                 ERROR_KEY_REFUSED, &error);
    assert_null(signer);
}

static void keyfile_open_readable_by_others_refused(void **state)
{
    struct place *place = *state;
    struct error error;
    struct signer *signer = NULL;
    uint8_t key[KEY_BYTES];
    for (unsigned bit = 1; bit <= 040; bit <<= 1) {
        assert_int_equal(chmod(place->key, 0600 | bit), 0);
        support_code(keyfile_open(support_world(), place->key, &place->source, &signer, &error),
                     ERROR_KEY_REFUSED, &error);
        assert_string_equal(error.where, place->key);
        assert_string_equal(error.next, "chmod 600");
        support_code(keyfile_public_key(support_world(), place->key, key, &error),
                     ERROR_KEY_REFUSED, &error);
    }
    assert_int_equal(chmod(place->key, 0600), 0);
    assert_int_equal(chmod(place->passphrase, 0640), 0);
    support_code(keyfile_open(support_world(), place->key, &place->source, &signer, &error),
                 ERROR_KEY_REFUSED, &error);
    assert_string_equal(error.where, place->passphrase);
    support_code(keyfile_open(support_world(), place->directory, &place->source, &signer, &error),
                 ERROR_KEY_REFUSED, &error);
    support_code(keyfile_open(support_world(), support_path(place->directory, "none"),
                              &place->source, &signer, &error),
                 ERROR_KEY_REFUSED, &error);
    assert_int_equal(error.library_code, ENOENT);
    assert_null(signer);
}

/* Only the first line is taken from a descriptor: what stands behind belongs to whoever reads on.
 */
static void keyfile_open_passphrase_from_descriptor(void **state)
{
    struct place *place = *state;
    struct error error;
    struct signer *signer = NULL;
    static const struct {
        const char *text;
        size_t size;
        bool good;
        const char *rest;
    } inputs[] = {{PASSPHRASE "\nrest", sizeof PASSPHRASE + 4, true, "rest"},
                  {PASSPHRASE, sizeof PASSPHRASE - 1, true, ""},
                  {"", 0, false, ""},
                  {"\n", 1, false, ""},
                  {PASSPHRASE "\0\n", sizeof PASSPHRASE + 1, false, "\n"}};
    for (size_t i = 0; i < sizeof inputs / sizeof inputs[0]; i++) {
        int ends[2];
        char rest[16] = "";
        assert_int_equal(pipe(ends), 0);
        assert_int_equal(write(ends[1], inputs[i].text, inputs[i].size), (ssize_t)inputs[i].size);
        assert_int_equal(close(ends[1]), 0);
        const struct passphrase_source source = {.descriptor = ends[0], .descriptor_set = 1};
        support_code(keyfile_open(support_world(), place->key, &source, &signer, &error),
                     inputs[i].good ? ERROR_OK : ERROR_KEY_REFUSED, &error);
        if (inputs[i].good)
            signer_close(signer);
        ssize_t got = read(ends[0], rest, sizeof rest);
        assert_int_equal(got, (ssize_t)strlen(inputs[i].rest));
        assert_string_equal(rest, inputs[i].rest);
        assert_int_equal(close(ends[0]), 0);
    }
    const struct passphrase_source closed = {.descriptor = -1, .descriptor_set = 1};
    support_code(keyfile_open(support_world(), place->key, &closed, &signer, &error),
                 ERROR_KEY_REFUSED, &error);
}

static void keyfile_open_bad_passphrase_file_refused(void **state)
{
    struct place *place = *state;
    struct error error;
    struct signer *signer = NULL;
    char text[3000];
    memset(text, 'p', sizeof text);
    support_write(place->passphrase, "", 0, 0600);
    support_code(keyfile_open(support_world(), place->key, &place->source, &signer, &error),
                 ERROR_KEY_REFUSED, &error);
    support_write(place->passphrase, "\n" PASSPHRASE "\n", sizeof PASSPHRASE + 1, 0600);
    support_code(keyfile_open(support_world(), place->key, &place->source, &signer, &error),
                 ERROR_KEY_REFUSED, &error);
    support_write(place->passphrase, text, sizeof text, 0600);
    support_code(keyfile_open(support_world(), place->key, &place->source, &signer, &error),
                 ERROR_KEY_REFUSED, &error);
    assert_int_equal(unlink(place->passphrase), 0);
    support_code(keyfile_open(support_world(), place->key, &place->source, &signer, &error),
                 ERROR_KEY_REFUSED, &error);
    assert_string_equal(error.where, place->passphrase);
}

/* In a child whose terminal is a fresh pseudo terminal (or none): opens the key with a question, or
 * makes another one. Ends with the error code. */
static pid_t on_terminal(const struct place *place, bool with_terminal, const char *new_key,
                         int *ret_terminal)
{
    pid_t child = with_terminal ? forkpty(ret_terminal, NULL, NULL, NULL) : fork();
    assert_true(child >= 0);
    if (child > 0)
        return child;
    const struct passphrase_source ask = {0};
    struct signer *signer = NULL;
    struct error error;
    uint8_t key[KEY_BYTES];
    if (!with_terminal && setsid() < 0)
        _exit(200);
    enum error_code code = new_key != NULL
                               ? keyfile_generate(support_world(), new_key, &ask, "", key, &error)
                               : keyfile_open(support_world(), place->key, &ask, &signer, &error);
    signer_close(signer);
    _exit((int)code);
}

/* Reads what the terminal shows until `wanted` stands there, or, without one, until the other side
 * is gone. */
static void read_terminal(int terminal, const char *wanted, char *shown, size_t room)
{
    size_t length = strlen(shown);
    while (wanted == NULL || strstr(shown, wanted) == NULL) {
        ssize_t got = read(terminal, shown + length, room - 1 - length);
        if (got <= 0 && wanted == NULL)
            return;
        assert_true(got > 0);
        length += (size_t)got;
        shown[length] = '\0';
    }
}

static int talk(const struct place *place, const char *new_key, const char *first,
                const char *second, char *shown, size_t room)
{
    int terminal, status;
    pid_t child = on_terminal(place, true, new_key, &terminal);
    shown[0] = '\0';
    read_terminal(terminal, "Passphrase of the operator's key: ", shown, room);
    assert_int_equal(write(terminal, first, strlen(first)), (ssize_t)strlen(first));
    if (second != NULL) {
        read_terminal(terminal, "Repeat the passphrase: ", shown, room);
        assert_int_equal(write(terminal, second, strlen(second)), (ssize_t)strlen(second));
    }
    read_terminal(terminal, NULL, shown, room);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(close(terminal), 0);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void keyfile_open_passphrase_from_terminal_unseen(void **state)
{
    struct place *place = *state;
    char shown[4096];
    const char *path = support_path(place->directory, "other");
    assert_int_equal(talk(place, NULL, PASSPHRASE "\n", NULL, shown, sizeof shown), ERROR_OK);
    assert_null(strstr(shown, "horse"));
    assert_int_equal(talk(place, NULL, "another passphrase\n", NULL, shown, sizeof shown),
                     ERROR_KEY_REFUSED);
    assert_int_equal(talk(place, NULL, "\n", NULL, shown, sizeof shown), ERROR_KEY_REFUSED);
    assert_int_equal(talk(place, path, PASSPHRASE "\n", "not the same\n", shown, sizeof shown),
                     ERROR_KEY_REFUSED);
    assert_int_equal(access(path, F_OK), -1);
    assert_int_equal(talk(place, path, PASSPHRASE "\n", PASSPHRASE "\n", shown, sizeof shown),
                     ERROR_OK);
    assert_null(strstr(shown, "horse"));
    int status;
    pid_t child = on_terminal(place, false, NULL, NULL);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == ERROR_KEY_REFUSED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(keyfile_open_right_passphrase_signs, set_up, tear_down),
        cmocka_unit_test_setup_teardown(keyfile_open_wrong_passphrase_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(keyfile_generate_existing_file_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(keyfile_open_any_changed_byte_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(keyfile_open_cut_or_longer_file_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(keyfile_open_readable_by_others_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(keyfile_open_passphrase_from_descriptor, set_up, tear_down),
        cmocka_unit_test_setup_teardown(keyfile_open_bad_passphrase_file_refused, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(keyfile_open_passphrase_from_terminal_unseen, set_up,
                                        tear_down),
    };
    int failed = sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
    bytes_free(&generated);
    return failed;
}
