#include "fsm/past/recorded.h"

#include <string.h>

#include "journal/format/names.h"

const char *recorded_text(const json_t *body, const char *key)
{
    const char *text = json_string_value(json_object_get(body, key));
    return text != NULL ? text : "";
}

const char *entry_string(const struct journal_entry *entry, const char *key)
{
    return recorded_text(entry->body, key);
}

bool entry_settles(const struct journal_entry *sample)
{
    return recorded_text(json_object_get(sample->body, "facts"), FACT_SETTLING)[0] != '\0';
}

int64_t item_sent_ns(const json_t *item)
{
    return json_integer_value(json_object_get(item, "sent_ns"));
}

int64_t item_received_ns(const json_t *item)
{
    return json_integer_value(json_object_get(item, "received_ns"));
}

int64_t entry_sent_ns(const struct journal_entry *entry)
{
    return item_sent_ns(json_array_get(json_object_get(entry->body, "evidence"), 0));
}

int64_t entry_received_ns(const struct journal_entry *entry, const char *probe)
{
    int64_t last_ns = 0;
    const json_t *items = json_object_get(entry->body, "evidence");
    for (size_t i = 0; i < json_array_size(items); i++) {
        const json_t *item = json_array_get(items, i);
        if (probe == NULL || strcmp(recorded_text(item, "probe"), probe) == 0)
            last_ns = item_received_ns(item);
    }
    return last_ns;
}

enum error_code item_output(struct journal *journal, const json_t *item, struct bytes *ret_output,
                            struct error *error)
{
    const char *hex = recorded_text(item, "output");
    uint8_t hash[SHA256_BYTES];
    if (!bytes_from_hex(hex, strlen(hex), hash, sizeof hash))
        return error_set(error, ERROR_DAMAGED, 0, journal_directory(journal),
                         "run titan-verify on the journal and keep a copy of it",
                         "an item of evidence names no blob");
    return journal_blob(journal, hash, ret_output, error);
}

enum error_code entry_output(struct journal *journal, const struct journal_entry *entry,
                             const char *probe, struct bytes *ret_output, struct error *error)
{
    const json_t *items = json_object_get(entry->body, "evidence");
    for (size_t i = json_array_size(items); i-- > 0;) {
        const json_t *item = json_array_get(items, i);
        if (strcmp(recorded_text(item, "probe"), probe) != 0)
            continue;
        return item_output(journal, item, ret_output, error);
    }
    return bytes_append(ret_output, "", 0, error);
}

enum error_code entry_declared(struct journal *journal, const struct journal_entry *entry,
                               struct declared *ret_declared, struct error *error)
{
    CLEANUP_BYTES struct bytes lines = {0};
    enum error_code code = entry_output(journal, entry, PROBE_COMPOSE_SERVICES, &lines, error);
    return code == ERROR_OK ? declared_read(&lines, ret_declared, error) : code;
}
