/* Goal: a line is either understood completely or refused, an error names file and line, and what
 * is accepted is what ssh-keygen understands by it. */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "journal/format/allowed_signers.h"
#include "journal/format/sshsig.h"

#define KEY "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4"
#define KEY_HEX "03a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8"

static enum error_code read_line(const char *line, struct allowed_signer *ret_signer,
                                 struct error *error)
{
    return allowed_signers_read_line(line, strlen(line), ret_signer, error);
}

static void allowed_signers_read_line_plain_forms_accepted(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "op@x " KEY,
        "op@x " KEY " a comment",
        "  op@x\t" KEY " ",
        "op@x " KEY "\r",
        "\"op@x\" " KEY,
        "op@x namespaces=\"a,titan-journal-v1\" " KEY,
        "op@x NAMESPACES=\"titan-journal-v1\" " KEY,
        "op@x valid-after=\"20260101\",valid-before=\"20270101Z\" " KEY};
    uint8_t key[KEY_BYTES];
    (void)support_hex(KEY_HEX, key, sizeof key);
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        struct allowed_signer signer;
        struct error error;
        support_ok(read_line(lines[i], &signer, &error), &error);
        assert_int_equal(signer.principal_count, 1);
        assert_string_equal(signer.principals[0], "op@x");
        assert_memory_equal(signer.key, key, sizeof key);
        assert_true(allowed_signer_has_namespace(&signer, "titan-journal-v1"));
    }
}

static void allowed_signers_read_line_parts_are_kept(void **state)
{
    (void)state;
    struct allowed_signer signer;
    struct error error;
    support_ok(
        read_line(
            "a,b@y,c valid-before=\"20270101\",namespaces=\"n1,n2\",valid-after=\"20260101\" " KEY,
            &signer, &error),
        &error);
    assert_int_equal(signer.principal_count, 3);
    assert_true(allowed_signer_has_principal(&signer, "a")
                && allowed_signer_has_principal(&signer, "b@y")
                && allowed_signer_has_principal(&signer, "c"));
    assert_string_equal(signer.valid_after, "20260101");
    assert_string_equal(signer.valid_before, "20270101");
    static const char *const not [] = {"", "b", "a,b@y", "A", "b@y "};
    for (size_t i = 0; i < sizeof not / sizeof not [0]; i++)
        assert_false(allowed_signer_has_principal(&signer, not [i]));
    assert_true(allowed_signer_has_namespace(&signer, "n1")
                && allowed_signer_has_namespace(&signer, "n2"));
    static const char *const others[] = {"", "n", "n1,n2", "n11", "N1", "n2,"};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        assert_false(allowed_signer_has_namespace(&signer, others[i]));
}

static const char *const REFUSED[] = {
    "",
    " ",
    KEY,
    "op",
    "op ssh-ed25519",
    "op " KEY "A",
    "op ssh-ed25519 AAAA",
    "op ssh-ed25519 not-base64",
    "* " KEY,
    "*@x " KEY,
    "!op " KEY,
    "op,!other " KEY,
    "o?p " KEY,
    ",op " KEY,
    "op, " KEY,
    "op,,other " KEY,
    "\"\" " KEY,
    "\"op " KEY,
    "o\"p\" " KEY,
    "a,b,c,d,e,f,g,h,i " KEY, /* more principals than are kept */
    "op cert-authority " KEY,
    "op cert-authority,namespaces=\"n\" " KEY,
    "op namespaces=\"n\",cert-authority " KEY,
    "op verify-required " KEY,
    "op namespaces=\"n\",no-touch-required " KEY,
    "op unknown=\"x\" " KEY,
    "op namespaces=n " KEY,
    "op namespaces=\"\" " KEY,
    "op namespaces=\"n " KEY,
    "op namespaces=\"n\",namespaces=\"m\" " KEY,
    "op namespaces=\"n\"x " KEY,
    "op namespaces=\"n\", " KEY,
    "op ,namespaces=\"n\" " KEY,
    "op = " KEY,
    "op =\"x\" " KEY,
    "op namespaces=\"n\" namespaces=\"m\" " KEY,
    "op namespaces \"n\" " KEY,
    "op valid-after=\"12345678901234567890123456789012\" " KEY,
    "op ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAQQ==",
    "op ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTY=",
    "op sk-ssh-ed25519@openssh.com AAAA",
    "op SSH-ED25519 AAAAC3NzaC1lZDI1NTE5AAAAIAOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4",
    "op ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", /* the
                                                                                              point
                                                                                              of
                                                                                              order
                                                                                              1 */
};

static void allowed_signers_read_line_other_forms_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof REFUSED / sizeof REFUSED[0]; i++) {
        struct allowed_signer signer = {.principal_count = 77};
        struct error error;
        if (read_line(REFUSED[i], &signer, &error) == ERROR_OK)
            fail_msg("accepted: %s", REFUSED[i]);
        assert_true(error.code == ERROR_DAMAGED || error.code == ERROR_KEY_REFUSED);
        assert_int_equal(signer.principal_count, 77);
    }
    struct allowed_signer signer;
    struct error error;
    static const char hidden[] = "op\0x " KEY;
    support_code(allowed_signers_read_line(hidden, sizeof hidden - 1, &signer, &error),
                 ERROR_DAMAGED, &error);
    char long_name[PRINCIPAL_MAX + 128];
    memset(long_name, 'a', PRINCIPAL_MAX);
    (void)snprintf(long_name + PRINCIPAL_MAX, 128, " %s", KEY);
    support_code(read_line(long_name, &signer, &error), ERROR_DAMAGED, &error);
    support_ok(read_line(long_name + 1, &signer, &error), &error);
}

/* Each refused line, at line 4 of a file, is the one that the error names, and nothing of the file
 * is taken. */
static void allowed_signers_read_error_names_file_and_line(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof REFUSED / sizeof REFUSED[0]; i++) {
        char text[1024];
        struct allowed_signers list = {0};
        struct error error;
        if (strspn(REFUSED[i], " ") == strlen(REFUSED[i]))
            continue; /* an empty line is nothing, in a file */
        int length = snprintf(text, sizeof text, "# the operators\n\nop@x %s\n%s\nlast %s\n", KEY,
                              REFUSED[i], KEY);
        if (allowed_signers_read("trust/allowed", text, (size_t)length, &list, &error) == ERROR_OK)
            fail_msg("accepted: %s", REFUSED[i]);
        assert_string_equal(error.where, "trust/allowed:4");
        assert_null(list.signers);
        assert_int_equal(list.count, 0);
    }
}

static void allowed_signers_read_comments_and_blanks_skipped(void **state)
{
    (void)state;
    CLEANUP_ALLOWED_SIGNERS struct allowed_signers list = {0};
    struct error error;
    static const char text[] = "\n#\n  # op@x " KEY "\n\t\r\n\na " KEY "\r\n \nb " KEY
                               "\n#end\nc " KEY;
    support_ok(allowed_signers_read("name", text, sizeof text - 1, &list, &error), &error);
    assert_int_equal(list.count, 3);
    assert_string_equal(list.signers[0].principals[0], "a");
    assert_string_equal(list.signers[1].principals[0], "b");
    assert_string_equal(list.signers[2].principals[0], "c");
    allowed_signers_free(&list);
    allowed_signers_free(&list);
    support_ok(allowed_signers_read("name", "", 0, &list, &error), &error);
    assert_int_equal(list.count, 0);
}

/* ssh-keygen itself, on the same line: 1 if it finds this principal for a signature in this
 * namespace. */
static int ssh_keygen_finds(const char *directory, const char *line, const char *name_space)
{
    char allowed[2 * SUPPORT_PATH_MAX], signature[2 * SUPPORT_PATH_MAX];
    (void)snprintf(allowed, sizeof allowed, "%s/allowed", directory);
    (void)snprintf(signature, sizeof signature, "%s/%s.sig", directory, name_space);
    support_write(allowed, line, strlen(line), 0600);
    const char *const arguments[] = {"ssh-keygen", "-Y", "verify",   "-f", allowed,   "-I",
                                     "op@x",       "-n", name_space, "-s", signature, NULL};
    return support_run(arguments, support_path(directory, "message"), "/dev/null") == 0;
}

/* The same verdict as ssh-keygen on lines that both understand; where ssh-keygen understands more
 * (wildcards), this code refuses. */
static void allowed_signers_read_line_agrees_with_ssh_keygen(void **state)
{
    (void)state;
    char directory[SUPPORT_PATH_MAX];
    support_directory(directory);
    CLEANUP_SIGNER struct signer *signer = support_signer(9);
    char key[SSH_PUBLIC_KEY_TEXT_MAX];
    struct error error;
    static const char *const spaces[] = {"titan-journal-v1", "titan-approval-v1"};
    static const char *const heads[] = {"op@x ",
                                        "other ",
                                        "other,op@x ",
                                        "\"op@x\" ",
                                        "op@x namespaces=\"titan-journal-v1\" ",
                                        "op@x namespaces=\"file,titan-approval-v1\" ",
                                        "other namespaces=\"titan-journal-v1\" ",
                                        "op@x namespaces=\"titan\" ",
                                        "*@x ",
                                        "op@x cert-authority ",
                                        "op@x unknown=\"1\" "};
    ssh_public_key_text(signer_public_key(signer), key);
    support_write(support_path(directory, "message"), "m", 1, 0600);
    for (size_t i = 0; i < 2; i++) {
        uint8_t data[SSHSIG_SIGNED_DATA_BYTES_MAX], signature[SIGNATURE_BYTES];
        CLEANUP_BYTES struct bytes text = {0};
        support_ok(signer_sign(signer, data, sshsig_signed_data(spaces[i], "m", 1, data), signature,
                               &error),
                   &error);
        support_ok(sshsig_armor(spaces[i], signature, signer_public_key(signer), &text, &error),
                   &error);
        char name[64];
        (void)snprintf(name, sizeof name, "%s.sig", spaces[i]);
        support_write(support_path(directory, name), text.data, text.size, 0600);
    }
    unsigned both = 0;
    for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++) {
        char line[512];
        struct allowed_signer read;
        (void)snprintf(line, sizeof line, "%s%s\n", heads[i], key);
        bool understood = allowed_signers_read_line(line, strlen(line) - 1, &read, &error)
                          == ERROR_OK;
        for (size_t k = 0; k < 2; k++) {
            bool ours = understood && allowed_signer_has_principal(&read, "op@x")
                        && allowed_signer_has_namespace(&read, spaces[k]);
            bool theirs = ssh_keygen_finds(directory, line, spaces[k]);
            if (ours && !theirs)
                fail_msg("ssh-keygen refuses what we accept: %s", line);
            if (understood && theirs && !ours)
                fail_msg("ssh-keygen accepts what we understood otherwise: %s", line);
            both += ours && theirs;
        }
    }
    assert_int_equal(
        both, 2 + 2 + 2 + 1
                  + 1); /* three plain heads for each namespace, and one namespace for two heads */
    support_remove(directory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(allowed_signers_read_line_plain_forms_accepted),
        cmocka_unit_test(allowed_signers_read_line_parts_are_kept),
        cmocka_unit_test(allowed_signers_read_line_other_forms_refused),
        cmocka_unit_test(allowed_signers_read_error_names_file_and_line),
        cmocka_unit_test(allowed_signers_read_comments_and_blanks_skipped),
        cmocka_unit_test(allowed_signers_read_line_agrees_with_ssh_keygen),
    };
    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
