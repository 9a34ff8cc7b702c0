#include "fsm/roster/roster.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "journal/canonical.h"
#include "journal/format/sshsig.h"
#include "journal/format/names.h"

enum {
    CACHE_STEP = 128
}; /* the cache is written after this many new entries, because writing costs a commit */
#define CACHE_KEY "roster"

static const struct {
    const char *name, *key, *name_space;
} roles[ROSTER_ROLES] = {[ROSTER_OPERATOR] = {"operator", "operators", SSHSIG_NAMESPACE_JOURNAL},
                         [ROSTER_APPROVER] = {"approver", "approvers", SSHSIG_NAMESPACE_APPROVAL},
                         [ROSTER_ADMINISTRATOR] = {"administrator", "administrators",
                                                   SSHSIG_NAMESPACE_JOURNAL}};

const char *roster_role_name(enum roster_role role)
{
    assert(role > ROSTER_INVALID && role < ROSTER_ROLES);
    return roles[role].name;
}

const char *roster_role_key(enum roster_role role)
{
    assert(role > ROSTER_INVALID && role < ROSTER_ROLES);
    return roles[role].key;
}

enum roster_role roster_role_by_name(const char *name)
{
    for (unsigned role = 1; role < ROSTER_ROLES; role++)
        if (strcmp(roles[role].name, name) == 0)
            return (enum roster_role)role;
    return ROSTER_INVALID;
}

void roster_free(struct roster *roster)
{
    json_decref(roster->lines);
    for (unsigned role = 1; role < ROSTER_ROLES; role++)
        allowed_signers_free(&roster->lists[role]);
    *roster = (struct roster){0};
}

static enum error_code no_memory_for_roster(struct error *error)
{
    return error_set(error, ERROR_MEMORY, 0, "roster", "", "out of memory");
}

static enum error_code refuse_line(enum roster_role role, const char *line, const char *next,
                                   const char *what, struct error *error)
{
    char where[160];
    (void)snprintf(where, sizeof where, "roster %s, '%.100s'", roles[role].key, line);
    return error_set(error, ERROR_REFUSED, 0, where, next, "%s", what);
}

static enum error_code read_line(enum roster_role role, const char *line,
                                 struct allowed_signer *ret_signer, struct error *error)
{
    struct error why;
    struct allowed_signer signer;
    for (const char *at = line; *at != '\0'; at++)
        if ((unsigned char)*at < ' ' && *at != '\t')
            return refuse_line(role, line, "write it as one line of plain text",
                               "the line has a control character", error);
    if (allowed_signers_read_line(line, strlen(line), &signer, &why) != ERROR_OK)
        return refuse_line(role, line, why.next, why.what, error);
    if (signer.valid_after[0] != '\0' || signer.valid_before[0] != '\0')
        return refuse_line(
            role, line,
            "leave the date out, and use `titan-fsm roster remove` when the time has come",
            "the line is limited by a date, and a right ends by an entry, not by a date", error);
    *ret_signer = signer;
    return ERROR_OK;
}

static enum error_code read_list(enum roster_role role, const json_t *list,
                                 struct allowed_signers *ret_signers, struct error *error)
{
    size_t count = json_array_size(list);
    ret_signers->signers = calloc(count > 0 ? count : 1, sizeof *ret_signers->signers);
    if (ret_signers->signers == NULL)
        return no_memory_for_roster(error);
    for (size_t i = 0; i < count; i++) {
        const char *line = json_string_value(json_array_get(list, i));
        enum error_code code = read_line(role, line != NULL ? line : "", &ret_signers->signers[i],
                                         error);
        if (code != ERROR_OK)
            return code;
        ret_signers->count++;
    }
    return ERROR_OK;
}

enum error_code roster_read(const json_t *lines, struct roster *ret_roster, struct error *error)
{
    CLEANUP_ROSTER struct roster roster = {.lines = json_deep_copy(lines)};
    if (roster.lines == NULL)
        return no_memory_for_roster(error);
    for (unsigned role = 1; role < ROSTER_ROLES; role++) {
        enum error_code code = read_list((enum roster_role)role,
                                         json_object_get(lines, roles[role].key),
                                         &roster.lists[role], error);
        if (code != ERROR_OK)
            return code;
    }
    roster_free(ret_roster);
    *ret_roster = roster;
    roster = (struct roster){0};
    return ERROR_OK;
}

const struct allowed_signer *roster_find(const struct roster *roster, enum roster_role role,
                                         const uint8_t key[KEY_BYTES], const char *principal)
{
    const struct allowed_signers *list = &roster->lists[role];
    for (size_t i = 0; i < list->count; i++)
        if (memcmp(list->signers[i].key, key, KEY_BYTES) == 0
            && allowed_signer_has_namespace(&list->signers[i], roles[role].name_space)
            && (principal == NULL || allowed_signer_has_principal(&list->signers[i], principal)))
            return &list->signers[i];
    return NULL;
}

/* Two lines with the same key or the same principal are one person. */
static bool is_same_person(const struct allowed_signer *left, const struct allowed_signer *right)
{
    if (memcmp(left->key, right->key, KEY_BYTES) == 0)
        return true;
    for (unsigned i = 0; i < right->principal_count; i++)
        if (allowed_signer_has_principal(left, right->principals[i]))
            return true;
    return false;
}

size_t roster_others(const struct roster *roster, enum roster_role role,
                     const uint8_t key[KEY_BYTES], const char *principal)
{
    const struct allowed_signers *list = &roster->lists[role];
    size_t others = 0;
    for (size_t i = 0; i < list->count; i++) {
        const struct allowed_signer *signer = &list->signers[i];
        bool counts = memcmp(signer->key, key, KEY_BYTES) != 0
                      && !allowed_signer_has_principal(signer, principal)
                      && allowed_signer_has_namespace(signer, roles[role].name_space);
        for (size_t before = 0; before < i; before++)
            counts = counts && !is_same_person(&list->signers[before], signer);
        others += counts;
    }
    return others;
}

enum error_code roster_with(const struct roster *roster, enum roster_role role, const char *line,
                            json_t **ret_lines, struct error *error)
{
    struct allowed_signer signer;
    enum error_code code = read_line(role, line, &signer, error);
    if (code != ERROR_OK)
        return code;
    if (!allowed_signer_has_namespace(&signer, roles[role].name_space))
        return refuse_line(role, line,
                           role == ROSTER_APPROVER ? "add the namespace " SSHSIG_NAMESPACE_APPROVAL
                                                   : "add the namespace " SSHSIG_NAMESPACE_JOURNAL,
                           "the line's namespaces do not hold the one in which this role signs",
                           error);
    for (unsigned i = 0; i < signer.principal_count; i++)
        if (roster_find(roster, role, signer.key, signer.principals[i]) != NULL)
            return refuse_line(role, line, "titan-fsm roster",
                               "the roster has this key under this principal already", error);
    json_t *lines = json_deep_copy(roster->lines);
    if (lines == NULL
        || json_array_append_new(json_object_get(lines, roles[role].key), json_string(line)) != 0) {
        json_decref(lines);
        return error_set(error, ERROR_USAGE, 0, "roster add", "write it in UTF-8",
                         "the line cannot be written down");
    }
    *ret_lines = lines;
    return ERROR_OK;
}

static bool is_who(const struct allowed_signer *signer, const char *who)
{
    char fingerprint[64];
    ssh_fingerprint(signer->key, fingerprint);
    return strcmp(fingerprint, who) == 0 || allowed_signer_has_principal(signer, who);
}

enum error_code roster_without(const struct roster *roster, enum roster_role role, const char *who,
                               json_t **ret_lines, struct error *error)
{
    const struct allowed_signers *list = &roster->lists[role];
    CLEANUP_JSON json_t *lines = json_deep_copy(roster->lines);
    json_t *kept = json_object_get(lines, roles[role].key);
    if (lines == NULL)
        return no_memory_for_roster(error);
    bool some_can_sign = false;
    for (size_t i = list->count; i-- > 0;) {
        if (is_who(&list->signers[i], who))
            (void)json_array_remove(kept, i);
        else
            some_can_sign = some_can_sign
                            || allowed_signer_has_namespace(&list->signers[i],
                                                            roles[role].name_space);
    }
    if (json_array_size(kept) == list->count)
        return error_set(error, ERROR_REFUSED, 0, who, "titan-fsm roster shows whom it has",
                         "no %s of this principal or fingerprint stands in the roster in force",
                         roles[role].name);
    if (role == ROSTER_ADMINISTRATOR && !some_can_sign)
        return error_set(
            error, ERROR_REFUSED, 0, who,
            "titan-fsm roster add administrator LINE --reason WHY, then remove this one",
            "the last administrator cannot be removed: nobody could change the roster any more");
    *ret_lines = json_incref(lines);
    return ERROR_OK;
}

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
            return no_memory_for_roster(error);
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
