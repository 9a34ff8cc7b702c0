/* The roster in force, found in the journal: which entries changed it, and each of them followed.
 */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "fsm/roster/roster.h"
#include "journal/canonical.h"
#include "journal/format/names.h"

/* The cache is written after this many new entries, because writing costs a commit. */
enum { CACHE_STEP = 128 };
#define CACHE_KEY "roster"

/* Sequence numbers of the entries that changed the roster, and how far the journal was scanned. */
struct history {
    uint64_t scanned;
    json_t *places;
    char hash[SHA256_HEX + 1]; /* of the last entry that was scanned */
};

static void history_free(struct history *history)
{
    json_decref(history->places);
}

/* False where there is no cache or it does not fit this journal, for example after an older copy
 * was restored. */
static bool read_cache(struct journal *journal, uint64_t size, struct history *ret_history)
{
    CLEANUP_BYTES struct bytes text = {0};
    CLEANUP_BYTES struct bytes value = {0};
    CLEANUP_JSON json_t *cache = NULL;
    struct error ignored;
    const char *hash;
    json_int_t scanned;
    json_t *places;
    char now[SHA256_HEX + 1];
    if (journal_state_get(journal, CACHE_KEY, &text, &ignored) != ERROR_OK || text.size == 0
        || canonical_read(text.data, text.size, &cache, &ignored) != ERROR_OK
        || json_unpack(cache, "{s:I, s:s, s:o}", "scanned", &scanned, "hash", &hash, "places",
                       &places)
               != 0
        || !json_is_array(places) || scanned < 1 || (uint64_t)scanned > size
        || journal_stored_value(journal, (uint64_t)scanned - 1, &value, &ignored) != ERROR_OK)
        return false;
    bytes_sha256_hex(value.data, value.size, now);
    if (strcmp(now, hash) != 0)
        return false;
    *ret_history = (struct history){.scanned = (uint64_t)scanned, .places = json_incref(places)};
    memcpy(ret_history->hash, now, sizeof now);
    return true;
}

/* A cache that cannot be written is not an error: nothing depends on it. */
static void write_cache(struct journal *journal, const struct history *history)
{
    CLEANUP_BYTES struct bytes text = {0};
    CLEANUP_BYTES struct bytes value = {0};
    struct error ignored;
    char hash[SHA256_HEX + 1];
    if (journal_is_read_only(journal)
        || journal_stored_value(journal, history->scanned - 1, &value, &ignored) != ERROR_OK)
        return;
    bytes_sha256_hex(value.data, value.size, hash);
    CLEANUP_JSON json_t *cache = json_pack("{s:I, s:s, s:O}", "scanned",
                                           (json_int_t)history->scanned, "hash", hash, "places",
                                           history->places);
    if (cache == NULL || canonical_write(cache, &text, &ignored) != ERROR_OK
        || journal_state_put(journal, CACHE_KEY, text.data, text.size, &ignored) != ERROR_OK)
        return;
}

static enum error_code roster_damaged(uint64_t seq, const char *what, struct error *error)
{
    char where[64];
    (void)snprintf(where, sizeof where, "journal entry %llu", (unsigned long long)seq);
    return error_set(error, ERROR_DAMAGED, 0, where,
                     "run titan-verify on the journal and keep a copy of it", "%s", what);
}

/* Most entries can be skipped without parsing: in canonical form type and predecessor are written
 * in exactly these bytes, which no string can contain. One that is damaged is not skipped: it is
 * not the one that the next entry names. */
static enum error_code is_roster(struct journal *journal, struct history *history, bool *ret_is,
                                 struct error *error)
{
    static const char mark[] = "\"type\":\"roster\"";
    CLEANUP_BYTES struct bytes value = {0};
    CLEANUP_ENTRY struct journal_entry entry = {0};
    char before[SHA256_HEX + sizeof "\"prev\":\"\""];
    enum error_code code = journal_stored_value(journal, history->scanned, &value, error);
    if (code != ERROR_OK)
        return code;
    int size = snprintf(before, sizeof before, "\"prev\":\"%s\"", history->hash);
    if (history->scanned > 0 && memmem(value.data, value.size, before, (size_t)size) == NULL) {
        char what[160];
        (void)snprintf(what, sizeof what,
                       "entry %llu does not name entry %llu as the one before it: one of them is "
                       "damaged, and may have been a roster",
                       (unsigned long long)history->scanned,
                       (unsigned long long)history->scanned - 1);
        return roster_damaged(history->scanned, what, error);
    }
    bytes_sha256_hex(value.data, value.size, history->hash);
    bool perhaps = memmem(value.data, value.size, mark, sizeof mark - 1) != NULL;
    if (perhaps)
        code = journal_read(journal, history->scanned, &entry, error);
    *ret_is = perhaps && code == ERROR_OK && strcmp(entry.type, ENTRY_ROSTER) == 0;
    return code;
}

static enum error_code scan(struct journal *journal, uint64_t size, bool use_cache,
                            struct history *history, struct error *error)
{
    if (!use_cache || !read_cache(journal, size, history))
        *history = (struct history){.places = json_array()};
    uint64_t from = history->scanned;
    for (; history->scanned < size; history->scanned++) {
        bool found;
        enum error_code code = is_roster(journal, history, &found, error);
        if (code != ERROR_OK)
            return code;
        if (found
            && json_array_append_new(history->places, json_integer((json_int_t)history->scanned))
                   != 0)
            return error_set(error, ERROR_MEMORY, 0, "roster", "", "out of memory");
    }
    if (history->scanned - from >= CACHE_STEP)
        write_cache(journal, history);
    return ERROR_OK;
}

/* Reads an entry that sets the roster and checks its signature. *ret_fits is false where the entry
 * has another type. */
static enum error_code read_place(struct journal *journal, uint64_t seq,
                                  struct journal_entry *ret_entry, uint8_t ret_signer[KEY_BYTES],
                                  bool *ret_fits, struct error *error)
{
    bool good = false;
    enum error_code code = journal_read(journal, seq, ret_entry, error);
    if (code == ERROR_OK)
        code = journal_is_signed(journal, ret_entry, &good, error);
    if (code != ERROR_OK)
        return code;
    *ret_fits = strcmp(ret_entry->type, seq == 0 ? ENTRY_GENESIS : ENTRY_ROSTER) == 0;
    if (!good || !bytes_from_hex(ret_entry->signer, SHA256_HEX, ret_signer, KEY_BYTES))
        return roster_damaged(seq, "the signature is wrong", error);
    return ERROR_OK;
}

/* Follows the places in front of `size`. *ret_fits is false when the history does not fit the
 * journal. */
static enum error_code follow(struct journal *journal, const struct history *history, uint64_t size,
                              struct roster *roster, bool *ret_fits, struct error *error)
{
    size_t count = json_array_size(history->places);
    *ret_fits = true;
    for (size_t i = 0; i <= count; i++) {
        CLEANUP_ENTRY struct journal_entry entry = {0};
        uint8_t signer[KEY_BYTES];
        json_int_t place = i == 0 ? 0 : json_integer_value(json_array_get(history->places, i - 1));
        if (i > 0 && place >= (json_int_t)size)
            break;
        *ret_fits = i == 0 || place > (json_int_t)roster->entry;
        enum error_code code = *ret_fits ? read_place(journal, (uint64_t)place, &entry, signer,
                                                      ret_fits, error)
                                         : ERROR_OK;
        if (code != ERROR_OK || !*ret_fits)
            return code;
        if (i > 0 && roster_find(roster, ROSTER_ADMINISTRATOR, signer, NULL) == NULL)
            return roster_damaged(
                entry.seq, "the roster is not signed by an administrator of the one in force",
                error);
        struct error why;
        if (roster_read(json_object_get(entry.body, "roster"), roster, &why) != ERROR_OK)
            return roster_damaged(entry.seq, why.what, error);
        roster->entry = entry.seq;
    }
    return ERROR_OK;
}

enum error_code roster_load(struct journal *journal, uint64_t size, struct roster *ret_roster,
                            struct error *error)
{
    CLEANUP_ROSTER struct roster roster = {0};
    uint64_t entries;
    bool fits = false;
    enum error_code code = journal_size(journal, &entries, error);
    assert(code != ERROR_OK || size <= entries);
    for (unsigned attempt = 0; code == ERROR_OK && !fits && attempt < 2; attempt++) {
        struct history history __attribute__((cleanup(history_free))) = {0};
        code = scan(journal, entries, attempt == 0, &history, error);
        if (code == ERROR_OK)
            code = follow(journal, &history, size, &roster, &fits, error);
    }
    if (code == ERROR_OK && !fits)
        code = roster_damaged(0, "the journal does not begin with a genesis entry", error);
    if (code != ERROR_OK)
        return code;
    roster_free(ret_roster);
    *ret_roster = roster;
    roster = (struct roster){0};
    return ERROR_OK;
}
