/* Goal: a session key is durable before it is used, is read only as it was written, and is gone
 * from the disk after its wipe. */
#include "support.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sodium.h>

static int set_up(void **state)
{
    char *directory = calloc(1, SUPPORT_PATH_MAX);
    support_directory(directory);
    *state = directory;
    return 0;
}

static int tear_down(void **state)
{
    support_remove(*state);
    free(*state);
    return 0;
}

static void session_key_create_opened_again_is_the_same(void **state)
{
    const char *path = support_path(*state, "session");
    CLEANUP_SIGNER struct signer *made = NULL, *opened = NULL;
    struct error error;
    struct stat status;
    uint8_t first[SIGNATURE_BYTES], second[SIGNATURE_BYTES];
    mode_t old = umask(0); /* the mode is the key's own, whatever the process was told */
    support_ok(session_key_create(support_world(), path, &made, &error), &error);
    (void)umask(old);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
    support_ok(session_key_open(support_world(), path, &opened, &error), &error);
    assert_memory_equal(signer_public_key(made), signer_public_key(opened), KEY_BYTES);
    support_ok(signer_sign(made, "x", 1, first, &error), &error);
    support_ok(signer_sign(opened, "x", 1, second, &error), &error);
    assert_memory_equal(first, second, sizeof first);
    assert_int_equal(crypto_sign_verify_detached(first, (const uint8_t *)"x", 1,
                                                 signer_public_key(made)),
                     0);
}

/* FORMAT.md: the seed in hex, and a newline. */
static void session_key_create_file_is_the_seed_in_hex(void **state)
{
    const char *path = support_path(*state, "session");
    CLEANUP_SIGNER struct signer *made = NULL;
    CLEANUP_BYTES struct bytes text = {0};
    struct error error;
    uint8_t seed[SEED_BYTES], key[KEY_BYTES], secret[64];
    support_ok(session_key_create(support_world(), path, &made, &error), &error);
    support_read(path, &text);
    assert_int_equal(text.size, 65);
    assert_int_equal(text.data[64], '\n');
    assert_true(bytes_from_hex((const char *)text.data, 64, seed, sizeof seed));
    (void)crypto_sign_seed_keypair(key, secret, seed);
    assert_memory_equal(key, signer_public_key(made), sizeof key);
}

static void session_key_create_twice_differs_and_never_overwrites(void **state)
{
    const char *path = support_path(*state, "session"), *other = support_path(*state, "other");
    CLEANUP_SIGNER struct signer *first = NULL, *second = NULL, *none = NULL;
    CLEANUP_BYTES struct bytes before = {0}, after = {0};
    struct error error;
    support_ok(session_key_create(support_world(), path, &first, &error), &error);
    support_ok(session_key_create(support_world(), other, &second, &error), &error);
    assert_memory_not_equal(signer_public_key(first), signer_public_key(second), KEY_BYTES);
    support_read(path, &before);
    support_code(session_key_create(support_world(), path, &none, &error), ERROR_JOURNAL_WRITE,
                 &error);
    assert_int_equal(error.library_code, EEXIST);
    assert_null(none);
    support_read(path, &after);
    assert_string_equal((const char *)before.data, (const char *)after.data);
    support_code(session_key_create(support_world(), support_path(*state, "none/session"), &none,
                                    &error),
                 ERROR_JOURNAL_WRITE, &error);
}

static void session_key_open_changed_file_refused(void **state)
{
    const char *path = support_path(*state, "session");
    struct signer *made = NULL, *opened = NULL;
    CLEANUP_BYTES struct bytes text = {0};
    struct error error;
    support_ok(session_key_create(support_world(), path, &made, &error), &error);
    signer_close(made);
    support_read(path, &text);
    for (size_t size = 0; size < text.size; size++) {
        support_write(path, text.data, size, 0600);
        support_code(session_key_open(support_world(), path, &opened, &error), ERROR_KEY_REFUSED,
                     &error);
    }
    for (size_t at = 0; at < text.size;
         at++) { /* another digit is another key, which no entry names; anything else is refused */
        uint8_t kept = text.data[at];
        text.data[at] = at == 64 ? ' ' : 'G';
        support_write(path, text.data, text.size, 0600);
        support_code(session_key_open(support_world(), path, &opened, &error), ERROR_KEY_REFUSED,
                     &error);
        text.data[at] = kept;
    }
    support_ok(bytes_append(&text, "\n", 1, &error), &error);
    support_write(path, text.data, text.size, 0600);
    support_code(session_key_open(support_world(), path, &opened, &error), ERROR_KEY_REFUSED,
                 &error);
    assert_null(opened);
}

static void session_key_open_readable_by_others_or_link_refused(void **state)
{
    const char *path = support_path(*state, "session"), *link = support_path(*state, "link");
    struct signer *made = NULL, *opened = NULL;
    struct error error;
    support_ok(session_key_create(support_world(), path, &made, &error), &error);
    signer_close(made);
    for (unsigned bit = 1; bit <= 040; bit <<= 1) {
        assert_int_equal(chmod(path, 0600 | bit), 0);
        support_code(session_key_open(support_world(), path, &opened, &error), ERROR_KEY_REFUSED,
                     &error);
    }
    assert_int_equal(chmod(path, 0600), 0);
    assert_int_equal(symlink(path, link), 0);
    support_code(session_key_open(support_world(), link, &opened, &error), ERROR_KEY_REFUSED,
                 &error);
    assert_int_equal(error.library_code, ELOOP);
    support_code(session_key_open(support_world(), *state, &opened, &error), ERROR_KEY_REFUSED,
                 &error);
    support_code(session_key_open(support_world(), support_path(*state, "none"), &opened, &error),
                 ERROR_KEY_REFUSED, &error);
    assert_int_equal(error.library_code, ENOENT);
    assert_null(opened);
}

/* A second name keeps the file's blocks in sight: after the wipe they hold nothing of the seed. */
static void session_key_wipe_content_and_name_gone(void **state)
{
    const char *path = support_path(*state, "session"), *second = support_path(*state, "second");
    struct signer *made = NULL, *opened = NULL;
    CLEANUP_BYTES struct bytes text = {0};
    struct error error;
    support_ok(session_key_create(support_world(), path, &made, &error), &error);
    signer_close(made);
    assert_int_equal(link(path, second), 0);
    support_ok(session_key_wipe(support_world(), path, &error), &error);
    assert_int_equal(access(path, F_OK), -1);
    support_read(second, &text);
    for (size_t i = 0; i < text.size; i++)
        assert_int_equal(text.data[i], 0);
    support_code(session_key_open(support_world(), second, &opened, &error), ERROR_KEY_REFUSED,
                 &error);
    support_ok(session_key_wipe(support_world(), path, &error), &error); /* already gone */
}

static void session_key_wipe_link_or_directory_refused(void **state)
{
    const char *path = support_path(*state, "session"), *name = support_path(*state, "link");
    struct signer *made = NULL, *opened = NULL;
    struct error error;
    support_ok(session_key_create(support_world(), path, &made, &error), &error);
    signer_close(made);
    assert_int_equal(symlink(path, name), 0);
    support_code(session_key_wipe(support_world(), name, &error), ERROR_SYSTEM, &error);
    support_code(session_key_wipe(support_world(), *state, &error), ERROR_SYSTEM, &error);
    support_ok(session_key_open(support_world(), path, &opened, &error), &error);
    signer_close(opened);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(session_key_create_opened_again_is_the_same, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(session_key_create_file_is_the_seed_in_hex, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(session_key_create_twice_differs_and_never_overwrites,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(session_key_open_changed_file_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(session_key_open_readable_by_others_or_link_refused, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(session_key_wipe_content_and_name_gone, set_up, tear_down),
        cmocka_unit_test_setup_teardown(session_key_wipe_link_or_directory_refused, set_up,
                                        tear_down),
    };
    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
