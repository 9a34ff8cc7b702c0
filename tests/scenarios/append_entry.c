/* append_entry: puts one validly chained and signed entry at the end of a journal, with the journal
 * library alone, as somebody would who has the files and no driver. usage: append_entry DIRECTORY
 * KEY TYPE DEPLOYMENT BODY...
 *   KEY          session:FILE (a session key's file), seed:HEX, or agent:"ssh-ed25519 AAAA..."
 *   (SSH_AUTH_SOCK)
 *   DEPLOYMENT   its number, or -1 for none
 *   BODY         JSON, keys in the format's order. Further TYPE DEPLOYMENT BODY may follow.
 * Exit status 0: all are in the journal; 1: the library refused, and says why. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "actions/target/world_system.h"
#include "journal/canonical.h"
#include "journal/journal.h"
#include "journal/format/sshsig.h"
#include "journal/store.h"

static struct world world;

static enum error_code open_key(const char *word, struct signer **ret_signer, struct error *error)
{
    uint8_t bytes[KEY_BYTES];
    if (strncmp(word, "session:", 8) == 0)
        return session_key_open(&world, word + 8, ret_signer, error);
    if (strncmp(word, "seed:", 5) == 0 && bytes_is_hex(word + 5, 2 * SEED_BYTES)
        && bytes_from_hex(word + 5, 2 * SEED_BYTES, bytes, sizeof bytes))
        return signer_from_seed(bytes, ret_signer, error);
    if (strncmp(word, "agent:ssh-ed25519 ", 18) != 0)
        return error_set(error, ERROR_USAGE, 0, "key", "", "no such kind of key");
    enum error_code code = ssh_public_key_from_base64(word + 18, strcspn(word + 18, " "), bytes,
                                                      error);
    return code == ERROR_OK ? agent_open(&world, NULL, bytes, AGENT_PERSON_MS, ret_signer, error)
                            : code;
}

static enum error_code append(struct journal *journal, struct signer *signer, char **words,
                              struct error *error)
{
    json_error_t parsed;
    CLEANUP_JSON json_t *body = json_loads(words[2], 0, &parsed);
    if (body == NULL)
        return error_set(error, ERROR_USAGE, 0, "body", "", "%s", parsed.text);
    return journal_append(journal,
                          &(struct entry_draft){.signer = signer,
                                                .type = words[0],
                                                .deployment = strtoll(words[1], NULL, 10),
                                                .body = body},
                          NULL, error);
}

int main(int argc, char **argv)
{
    CLEANUP_JOURNAL struct journal *journal = NULL;
    CLEANUP_SIGNER struct signer *signer = NULL;
    struct error error;
    if (argc < 6 || argc % 3 != 0 || sodium_init() < 0)
        return 2;
    world_system(&world);
    world.store = store_lmdb();
    enum error_code code = journal_open(argv[1], &world, false, &journal, &error);
    if (code == ERROR_OK)
        code = open_key(argv[2], &signer, &error);
    for (int i = 3; code == ERROR_OK && i < argc; i += 3)
        code = append(journal, signer, argv + i, &error);
    if (code != ERROR_OK)
        error_print(stderr, "append_entry", &error);
    return code == ERROR_OK ? 0 : 1;
}
