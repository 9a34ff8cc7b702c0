/* What the programs are measured against, over the same journal, in processor time an entry:
 * the bare signatures; the least loop that could be called a verification (LMDB, chain, signature,
 * JSON); reading and base64 of what an export carries; and the export itself, by the library.
 * usage: peers DIRECTORY     (as long_journal made it)
 * Prints one line each: a name, and microseconds an entry. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <sodium.h>

#include "journal/format/sshsig.h"
#include "tests/journal/support.h"

#include "journal/journal.h"

enum { PATH_BYTES = 400 };

static double processor_us(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static bool verify_value(const struct bytes *value, const char *signer)
{
    uint8_t key[KEY_BYTES], data[SSHSIG_SIGNED_DATA_BYTES_MAX];
    size_t size = sshsig_signed_data(SSHSIG_NAMESPACE_JOURNAL, value->data + SIGNATURE_BYTES,
                                     value->size - SIGNATURE_BYTES, data);
    return bytes_from_hex(signer, SHA256_HEX, key, sizeof key)
           && crypto_sign_verify_detached(value->data, data, size, key) == 0;
}

/* One signature over a message of that length, again and again. */
static void bare_signature(uint64_t entries)
{
    uint8_t seed[SEED_BYTES] = {7}, key[KEY_BYTES], secret[crypto_sign_SECRETKEYBYTES],
            message[144] = {0}, signature[SIGNATURE_BYTES];
    uint64_t rounds = entries < 20000 ? entries : 20000;
    bool good = crypto_sign_seed_keypair(key, secret, seed) == 0
                && crypto_sign_detached(signature, NULL, message, sizeof message, secret) == 0;
    double begin = processor_us();
    for (uint64_t i = 0; i < rounds; i++)
        good = crypto_sign_verify_detached(signature, message, sizeof message, key) == 0 && good;
    assert(good);
    printf("bare-signature %.1f\n", (processor_us() - begin) / (double)rounds);
}

static void least_loop(struct journal *journal, uint64_t entries)
{
    char hash[SHA256_HEX + 1] = "";
    double begin = processor_us();
    for (uint64_t seq = 0; seq < entries; seq++) {
        CLEANUP_BYTES struct bytes value = {0};
        struct error error;
        json_error_t ignored;
        assert(journal_stored_value(journal, seq, &value, &error) == ERROR_OK);
        CLEANUP_JSON json_t *payload = json_loadb((const char *)value.data + SIGNATURE_BYTES,
                                                  value.size - SIGNATURE_BYTES, 0, &ignored);
        const char *prev = json_string_value(json_object_get(payload, "prev")),
                   *signer = json_string_value(json_object_get(payload, "signer"));
        assert(prev != NULL && signer != NULL && (seq == 0 || strcmp(prev, hash) == 0)
               && verify_value(&value, signer));
        bytes_sha256_hex(value.data, value.size, hash);
    }
    printf("least-loop %.1f\n", (processor_us() - begin) / (double)entries);
}

static void read_and_base64(struct journal *journal, uint64_t entries)
{
    double begin = processor_us();
    for (uint64_t seq = 0; seq < entries; seq++) {
        CLEANUP_BYTES struct bytes value = {0};
        CLEANUP_BYTES struct bytes text = {0};
        struct error error;
        assert(journal_stored_value(journal, seq, &value, &error) == ERROR_OK
               && bytes_base64(value.data, value.size, &text, &error) == ERROR_OK);
    }
    printf("read-and-base64 %.2f\n", (processor_us() - begin) / (double)entries);
}

static void export(struct journal *journal, uint64_t entries, const char *directory)
{
    char path[PATH_BYTES];
    struct error error;
    CLEANUP_SIGNER struct signer *signer = support_signer(1);
    (void)snprintf(path, sizeof path, "%s/exported", directory);
    double begin = processor_us();
    support_ok(journal_export(journal, signer, path, &error), &error);
    printf("export %.2f\n", (processor_us() - begin) / (double)entries);
    assert(unlink(path) == 0);
}

static void print_memory(void)
{
    char line[200];
    FILE *status = fopen("/proc/self/status", "re");
    while (status != NULL && fgets(line, sizeof line, status) != NULL)
        if (strncmp(line, "RssAnon:", 8) == 0)
            printf("anonymous-kB-behind-the-export %ld\n", strtol(line + 8, NULL, 10));
    assert(status != NULL && fclose(status) == 0);
}

int main(int argc, char **argv)
{
    CLEANUP_JOURNAL struct journal *journal = NULL;
    struct error error;
    char path[PATH_BYTES];
    uint64_t entries = 0;
    if (argc != 2 || sodium_init() < 0)
        return 2;
    (void)snprintf(path, sizeof path, "%s/journal", argv[1]);
    support_ok(journal_open(path, support_world(), true, &journal, &error), &error);
    support_ok(journal_size(journal, &entries, &error), &error);
    bare_signature(entries);
    least_loop(journal, entries);
    read_and_base64(journal, entries);
    export(journal, entries, argv[1]);
    print_memory();
    return 0;
}
