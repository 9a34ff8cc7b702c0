/* Goal: known_hosts says of a host and a key what OpenSSH reads there. A generated corpus against
 * `ssh-keygen -F`, which names the lines that are about a host and their markers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "actions/target/ssh/known_hosts.h"

#define KEY "AAAAC3NzaC1lZDI1NTE5AAAAIBr4vCBlWXRbZtAPmCG0hJbBRKvcTGFGSi/W7ygbjpEf"
#define OTHER "AAAAC3NzaC1lZDI1NTE5AAAAIBr4vCBlWXRbZtAPmCG0hJbBRKvcTGFGSi/W7ygbjpEe"

enum { FILES = 100, LINES = 4 };

static uint32_t seed = 20261128;

static const char *pick(const char *const *words, size_t count)
{
    seed = seed * 1664525 + 1013904223;
    return words[(seed >> 16) % count];
}
#define PICK(words) pick(words, sizeof words / sizeof words[0])

static struct known_hosts ask(const char *text, const char *host)
{
    CLEANUP_BYTES struct bytes bytes = {0}, key = {0};
    struct known_hosts found = {.same = false};
    struct error error;
    assert_int_equal(bytes_append(&bytes, text, strlen(text), &error), ERROR_OK);
    assert_int_equal(bytes_from_base64(KEY, strlen(KEY), &key, &error), ERROR_OK);
    known_hosts_search(&bytes, host, &key, &found);
    return found;
}

/* What ssh-keygen finds; all the lines have the same key. OpenSSH has no library to call, so a
 * shell starts the program; host and path are words of this file and mean nothing to the shell. */
static struct known_hosts ask_openssh(const char *path, const char *host)
{
    struct known_hosts found = {.same = false};
    char line[600];
    (void)snprintf(line, sizeof line, "ssh-keygen -F '%s' -f %s 2>/dev/null", host, path);
    FILE *program = popen(line, "r");
    assert_non_null(program);
    while (fgets(line, sizeof line, program) != NULL) {
        if (strncmp(line, "# Host ", 7) != 0)
            continue;
        bool revoked = strstr(line, " REVOKED") != NULL, authority = strstr(line, " CA") != NULL;
        found.revoked = found.revoked || revoked;
        found.authority = found.authority || authority;
        found.same = found.same || (!revoked && !authority);
    }
    (void)pclose(program);
    return found;
}

static size_t write_line(char *text, size_t size)
{
    static const char *const fronts[] = {"", "", "", " ", "\t", "  \t ", "#", " #"};
    static const char *const markers[] = {
        "", "", "@revoked", "@revoked", "@cert-authority", "@Revoked", "@revoked @revoked", "@"};
    static const char *const gaps[] = {" ", "\t", "  "};
    static const char *const names[] = {"titan.example",
                                        "Titan.Example",
                                        "*",
                                        "*.example",
                                        "t?tan.example",
                                        "!titan.example,*",
                                        "*,!titan.*",
                                        "other,titan.example",
                                        "[titan.example]:2222",
                                        "[titan.example]:22",
                                        "[*]:2222",
                                        "[*.example]:*",
                                        "titan.example,,",
                                        "2001:db8::7",
                                        "[2001:db8::7]:2222",
                                        "[192.0.2.7]:2222",
                                        "!*,titan.example",
                                        "titan.example,!titan.example",
                                        "192.0.2.7",
                                        "192.0.2.*",
                                        "titan.exampl",
                                        "|1|bad|bad",
                                        "***e*e***"};
    /* OpenSSH overlooks a marker with a tab behind it; here it counts, as the person meant it. */
    const char *marker = PICK(markers), *gap = pick((const char *const[]){" ", "  "}, 2);
    return (size_t)snprintf(text, size, "%s%s%s%s%sssh-ed25519%s%s%s\n", PICK(fronts), marker,
                            marker[0] != '\0' ? gap : "", PICK(names), PICK(gaps), PICK(gaps), KEY,
                            pick((const char *const[]){"", " a comment", " "}, 3));
}

static void search_generated_corpus_as_ssh_keygen_reads_it(void **state)
{
    (void)state;
    static const char *const hosts[] = {"titan.example", "[titan.example]:2222",
                                        "192.0.2.7",     "[192.0.2.7]:2222",
                                        "2001:db8::7",   "[2001:db8::7]:2222"};
    char path[] = "/tmp/titan-known-XXXXXX", command[128];
    int descriptor = mkstemp(path), found = 0, hashed = 0;
    assert_true(descriptor >= 0);
    (void)close(descriptor);
    for (int round = 0; round < FILES; round++) {
        char text[4096] = "";
        for (size_t line = 0, used = 0; line < LINES; line++)
            used += write_line(text + used, sizeof text - used);
        FILE *file = fopen(path, "w");
        assert_non_null(file);
        assert_true(fputs(text, file) >= 0);
        assert_int_equal(fclose(file), 0);
        (void)snprintf(command, sizeof command, "ssh-keygen -q -H -f %s >/dev/null 2>&1", path);
        if (round % 3 == 0) /* it refuses a file with a line that it cannot read */
            hashed += system(command) == 0;
        char read[8192] = "";
        file = fopen(path, "r");
        assert_non_null(file);
        size_t size = fread(read, 1, sizeof read - 1, file);
        assert_int_equal(fclose(file), 0);
        assert_true(size > 0);
        for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++) {
            struct known_hosts own = ask(read, hosts[i]), theirs = ask_openssh(path, hosts[i]);
            if (own.same != theirs.same || own.revoked != theirs.revoked
                || own.authority != theirs.authority)
                fail_msg("%s in\n%s: %d%d%d, ssh-keygen %d%d%d", hosts[i], read, own.same,
                         own.revoked, own.authority, theirs.same, theirs.revoked, theirs.authority);
            found += own.same + own.revoked + own.authority;
        }
    }
    assert_true(found > FILES);
    assert_true(hashed > 0);
    (void)unlink(path);
}

static void search_key_and_type_decide(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        bool same, revoked;
    } rows[] = {
        {"h ssh-ed25519 " KEY, true, false},
        {"h ssh-ed25519 " KEY "\r", true, false},
        {"h ssh-ed25519 " OTHER, false, false},
        {"h ssh-rsa " KEY, false, false},
        {"@revoked h ssh-ed25519 " OTHER "\nh ssh-ed25519 " KEY, true, false},
        {"h ssh-ed25519 " KEY "\n@revoked h ssh-ed25519 " KEY, true, true},
        {"h ssh-ed25519 " KEY "\n \t@revoked\t*\tssh-ed25519\t" KEY, true, true},
        {"h ssh-ed25519 " KEY "\n@revoked h ecdsa-sha2-nistp256 " KEY, true, true},
        {"@revoked other ssh-ed25519 " KEY "\nh ssh-ed25519 " KEY, true, false},
        {"@revoked h ssh-ed25519", false, false},
        {"@revoked", false, false},
        {"@cert-authority h ssh-ed25519 " KEY, false, false},
        {"", false, false},
        {"h", false, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct known_hosts found = ask(rows[i].line, "h");
        assert_int_equal(found.same, rows[i].same);
        assert_int_equal(found.revoked, rows[i].revoked);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(search_generated_corpus_as_ssh_keygen_reads_it),
        cmocka_unit_test(search_key_and_type_decide),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
