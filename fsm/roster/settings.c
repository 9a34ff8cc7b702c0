#include "fsm/roster/settings.h"

#include <stdio.h>
#include <string.h>

#include "fsm/roster/roster.h"
#include "journal/canonical.h"
#include "journal/format/names.h"

#define SETTINGS_CACHE "settings"

/* The last settings entry below `scanned`. */
struct settings_place {
    unsigned long long scanned, entry;
};

static enum error_code load_place(struct journal *journal, uint64_t size,
                                  struct settings_place *ret_place, struct error *error)
{
    CLEANUP_BYTES struct bytes kept = {0};
    struct settings_place place = {.scanned = 1};
    enum error_code code = journal_state_get(journal, SETTINGS_CACHE, &kept, error);
    if (code != ERROR_OK)
        return code;
    bool good = kept.size > 0
                && sscanf((const char *)kept.data, "%20llu %20llu", &place.scanned, &place.entry)
                       == 2
                && place.scanned >= 1 && place.scanned <= size && place.entry < place.scanned;
    *ret_place = good ? place : (struct settings_place){.scanned = 1};
    return ERROR_OK;
}

static enum error_code keep_place(struct journal *journal, const struct settings_place *place,
                                  struct error *error)
{
    char text[48];
    int length = snprintf(text, sizeof text, "%llu %llu", place->scanned, place->entry);
    return journal_is_read_only(journal)
               ? ERROR_OK
               : journal_state_put(journal, SETTINGS_CACHE, text, (size_t)length, error);
}

/* The signature is good and by an administrator of the roster in force then; no other entry counts.
 */
static enum error_code check_signer(struct journal *journal, const struct journal_entry *entry,
                                    struct error *error)
{
    CLEANUP_ROSTER struct roster roster = {0};
    uint8_t signer[KEY_BYTES];
    bool good = false;
    enum error_code code = roster_load(journal, entry->seq, &roster, error);
    if (code == ERROR_OK)
        code = journal_is_signed(journal, entry, &good, error);
    if (code != ERROR_OK)
        return code;
    if (good && bytes_from_hex(entry->signer, SHA256_HEX, signer, KEY_BYTES)
        && roster_find(&roster, ROSTER_ADMINISTRATOR, signer, NULL) != NULL)
        return ERROR_OK;
    return error_set(error, ERROR_DAMAGED, 0, journal_directory(journal),
                     "run titan-verify on the journal and keep a copy of it",
                     "entry %llu changes the settings and is not signed by an administrator",
                     (unsigned long long)entry->seq);
}

enum error_code settings_load(struct journal *journal, json_t **ret_body, uint64_t *ret_entry,
                              struct error *error)
{
    uint64_t entries;
    struct settings_place place;
    enum error_code code = journal_size(journal, &entries, error);
    if (code == ERROR_OK)
        code = load_place(journal, entries, &place, error);
    if (code != ERROR_OK)
        return code;
    for (; place.scanned < entries; place.scanned++) {
        CLEANUP_ENTRY struct journal_entry entry = {0};
        code = journal_read(journal, place.scanned, &entry, error);
        if (code != ERROR_OK)
            return code;
        if (strcmp(entry.type, ENTRY_SETTINGS) == 0)
            place.entry = place.scanned;
    }
    CLEANUP_ENTRY struct journal_entry entry = {0};
    code = journal_read(journal, place.entry, &entry, error);
    if (code == ERROR_OK && place.entry != 0)
        code = check_signer(journal, &entry, error);
    if (code == ERROR_OK)
        code = keep_place(journal, &place, error);
    if (code != ERROR_OK)
        return code;
    *ret_body = json_incref(entry.body);
    *ret_entry = place.entry;
    return ERROR_OK;
}

const char *settings_difference(const json_t *body, const json_t *now)
{
    static const char *const keys[] = {"services", "subjects", "script",    "endpoints", "marker",
                                       "patterns", "limits",   "checklist", "approvals"};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        if (!json_equal(json_object_get(body, keys[i]), json_object_get(now, keys[i])))
            return keys[i];
    return NULL;
}
