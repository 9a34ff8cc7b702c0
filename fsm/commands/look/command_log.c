/* log: the journal's entries, one line each. */
#include "fsm/commands/command_line.h"

#include <stdio.h>
#include <string.h>

#include "fsm/terminal/print.h"
#include "journal/format/names.h"

/* What an entry says, in a few words; everything comes from the journal and is escaped. */
static void print_entry_summary(const struct journal_entry *entry)
{
    static const struct {
        const char *type;
        const char *keys[4];
    } rows[] = {
        {ENTRY_OPEN, {"procedure", "operator", "reason"}},
        {ENTRY_ROSTER, {"reason"}},
        {ENTRY_SETTINGS, {"reason"}},
        {ENTRY_APPROVAL, {"principal", "reason"}},
        {ENTRY_INTENT, {"from", "action"}},
        {ENTRY_TRANSITION, {"from", "event", "to", "reason"}},
        {ENTRY_REFUSAL, {"from", "event", "reason"}},
        {ENTRY_RECONCILIATION, {"found", "then", "reason"}},
        {ENTRY_ATTESTATION, {"item", "answer", "operator", "reason"}},
        {ENTRY_COMMAND, {"command", "phase", "outcome", "reason"}},
        {ENTRY_NOTE, {"text"}},
        {ENTRY_ANCHOR, {"to"}},
        {ENTRY_TAKEOVER, {"operator", "reason"}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (strcmp(entry->type, rows[i].type) != 0)
            continue;
        for (size_t key = 0; key < 4 && rows[i].keys[key] != NULL; key++) {
            fputc(' ', stdout);
            print_escaped(entry_string(entry, rows[i].keys[key]));
        }
    }
    if (strcmp(entry->type, ENTRY_SAMPLE) == 0)
        printf(" %lld", (long long)json_integer_value(json_object_get(entry->body, "n")));
}

static enum error_code print_entry(struct journal *journal, uint64_t seq, bool json,
                                   struct error *error)
{
    if (json) {
        CLEANUP_BYTES struct bytes value = {0};
        enum error_code code = journal_stored_value(journal, seq, &value, error);
        if (code == ERROR_OK)
            printf("%.*s\n", (int)(value.size - SIGNATURE_BYTES),
                   (const char *)value.data + SIGNATURE_BYTES);
        return code;
    }
    CLEANUP_ENTRY struct journal_entry entry = {0};
    enum error_code code = journal_read(journal, seq, &entry, error);
    if (code != ERROR_OK)
        return code;
    printf("%6llu  %.19sZ  %-14s", (unsigned long long)entry.seq, entry.utc, entry.type);
    print_entry_summary(&entry);
    puts("");
    return ERROR_OK;
}

enum error_code command_log(const struct command_line *line, enum exit_status *ret_status,
                            struct error *error)
{
    struct driver *driver = line->driver;
    uint64_t entries;
    enum error_code code = driver_open(driver, &line->options, DRIVER_READS, error);
    if (code == ERROR_OK)
        code = journal_size(driver->journal, &entries, error);
    for (uint64_t seq = 0; code == ERROR_OK && seq < entries; seq++)
        code = print_entry(driver->journal, seq, line->options.json, error);
    *ret_status = EXIT_DONE;
    return code;
}
