#include "journal/journal_entry.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "journal/canonical.h"

void journal_entry_clear(struct journal_entry *entry)
{
    json_decref(entry->body);
    *entry = (struct journal_entry){0};
}

enum error_code journal_entry_damaged(uint64_t seq, const char *what, struct error *error)
{
    if (errno == ENOMEM) /* jansson tells it by nothing else */
        return error_set(error, ERROR_MEMORY, 0, "journal", "", "out of memory");
    char where[64];
    (void)snprintf(where, sizeof where, "journal entry %llu", (unsigned long long)seq);
    return error_set(error, ERROR_DAMAGED, 0, where,
                     "keep a copy of the directory, then run titan-verify on it", "%s", what);
}

enum error_code journal_entry_decode(uint64_t seq, const struct bytes *value,
                                     const uint8_t hash[SHA256_BYTES], struct decoded *ret_decoded,
                                     struct error *error)
{
    errno = 0;
    if (value->size <= SIGNATURE_BYTES || value->size > SIGNATURE_BYTES + FORMAT_PAYLOAD_BYTES_MAX)
        return journal_entry_damaged(seq, "the size of a stored value is impossible", error);
    CLEANUP_JSON json_t *payload = NULL;
    enum error_code code = canonical_read(value->data + SIGNATURE_BYTES,
                                          value->size - SIGNATURE_BYTES, &payload, error);
    if (code == ERROR_MEMORY)
        return code;
    if (code != ERROR_OK)
        return journal_entry_damaged(seq, "the payload is not canonical JSON", error);
    errno = 0;
    const char *journal, *prev, *utc, *boot, *signer, *type;
    json_int_t version, number, boottime_ns;
    json_t *body;
    if (json_unpack(payload, "{s:I, s:s, s:I, s:s, s:s, s:s, s:I, s:s, s:s, s:o}", "v", &version,
                    "journal", &journal, "seq", &number, "prev", &prev, "utc", &utc, "boot", &boot,
                    "boottime_ns", &boottime_ns, "signer", &signer, "type", &type, "body", &body)
            != 0
        || version != FORMAT_VERSION || number != (json_int_t)seq
        || !bytes_is_hex(journal, FORMAT_JOURNAL_ID_HEX) || !bytes_is_hex(prev, SHA256_HEX)
        || !bytes_is_hex(signer, SHA256_HEX) || strlen(utc) != UTC_LENGTH
        || strlen(boot) != BOOT_ID_LENGTH || strlen(type) >= ENTRY_TYPE_BYTES
        || !json_is_object(body))
        return journal_entry_damaged(seq, "the payload is not an entry of format 1", error);
    const json_t *deployment = json_object_get(payload, "deployment");
    struct decoded decoded = {.entry = {.seq = seq,
                                        .boottime_ns = boottime_ns,
                                        .body = json_incref(body),
                                        .deployment = deployment != NULL
                                                          ? json_integer_value(deployment)
                                                          : JOURNAL_NO_DEPLOYMENT}};
    struct journal_entry *entry = &decoded.entry;
    (void)snprintf(entry->type, sizeof entry->type, "%s", type);
    memcpy(entry->signer, signer, sizeof entry->signer);
    memcpy(entry->utc, utc, sizeof entry->utc);
    memcpy(entry->boot, boot, sizeof entry->boot);
    memcpy(entry->hash, hash, sizeof entry->hash);
    memcpy(decoded.journal, journal, sizeof decoded.journal);
    memcpy(decoded.prev, prev, sizeof decoded.prev);
    *ret_decoded = decoded;
    return ERROR_OK;
}
