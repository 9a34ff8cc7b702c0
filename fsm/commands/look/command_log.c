/* log: the journal's entries, one line each: all, those of a deployment, or those of a type. */
#include "fsm/commands/command_line.h"
#include "fsm/past/recorded.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fsm/terminal/print.h"
#include "journal/format/names.h"

/* What an entry says, in a few words. */
static void add_entry_summary(struct text *line, const struct journal_entry *entry)
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
            text_add(line, " ");
            text_add(line, entry_string(entry, rows[i].keys[key]));
        }
    }
    if (strcmp(entry->type, ENTRY_SAMPLE) == 0)
        text_add_format(line, " %lld",
                        (long long)json_integer_value(json_object_get(entry->body, "n")));
    if (json_is_true(json_object_get(entry->body, "preceded")))
        text_add(line, " (sent before this record)");
}

/* Zero: any. */
struct log_filter {
    uint64_t deployment;
    const char *type;
};

static bool is_wanted(const struct log_filter *filter, const struct journal_entry *entry)
{
    return (filter->deployment == 0 || entry->deployment == (int64_t)filter->deployment
            || entry->seq == filter->deployment)
           && (filter->type == NULL || strcmp(entry->type, filter->type) == 0);
}

static bool is_entry_type(const char *word)
{
    static const char *const types[] = {ENTRY_GENESIS,    ENTRY_OPEN,        ENTRY_ROSTER,
                                        ENTRY_SETTINGS,   ENTRY_APPROVAL,    ENTRY_INTENT,
                                        ENTRY_TRANSITION, ENTRY_REFUSAL,     ENTRY_RECONCILIATION,
                                        ENTRY_SAMPLE,     ENTRY_ATTESTATION, ENTRY_COMMAND,
                                        ENTRY_NOTE,       ENTRY_ANCHOR,      ENTRY_TAKEOVER};
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (strcmp(types[i], word) == 0)
            return true;
    return false;
}

/* Each word is a deployment's number or a type of entries. */
static enum error_code read_filter(const struct command_line *line, struct log_filter *ret_filter,
                                   struct error *error)
{
    for (int i = 0; i < line->word_count; i++) {
        const char *word = line->words[i];
        char *end = NULL;
        unsigned long long number = strtoull(word, &end, 10);
        if (number > 0 && *end == '\0' && word[0] != '-')
            ret_filter->deployment = number;
        else if (is_entry_type(word))
            ret_filter->type = word;
        else
            return error_set(error, ERROR_USAGE, 0, "log",
                             "titan-fsm log, titan-fsm log 12 or titan-fsm log transition",
                             "this is neither the number of a deployment nor a type of entries: "
                             "%.40s",
                             word);
    }
    return ERROR_OK;
}

static enum error_code print_entry(const struct driver *driver, uint64_t seq,
                                   const struct log_filter *filter, bool json, struct error *error)
{
    CLEANUP_ENTRY struct journal_entry entry = {0};
    CLEANUP_TEXT struct text line = {0};
    struct journal *journal = driver->journal;
    enum error_code code = journal_read(journal, seq, &entry, error);
    if (code != ERROR_OK || !is_wanted(filter, &entry))
        return code;
    if (json) {
        CLEANUP_BYTES struct bytes value = {0};
        code = journal_stored_value(journal, seq, &value, error);
        if (code == ERROR_OK)
            printf("%.*s\n", (int)(value.size - SIGNATURE_BYTES),
                   (const char *)value.data + SIGNATURE_BYTES);
        return code;
    }
    text_add_format(&line, "%6llu  %.19sZ  %-14s", (unsigned long long)entry.seq, entry.utc,
                    entry.type);
    add_entry_summary(&line, &entry);
    print_escaped(text_string(&line));
    puts("");
    return text_failed(&line, error) ? error->code : ERROR_OK;
}

enum error_code command_log(const struct command_line *line, enum exit_status *ret_status,
                            struct error *error)
{
    struct driver *driver = line->driver;
    uint64_t entries;
    struct log_filter filter = {.type = NULL};
    enum error_code code = read_filter(line, &filter, error);
    if (code == ERROR_OK)
        code = driver_open(driver, &line->options, DRIVER_READS, error);
    if (code == ERROR_OK)
        code = journal_size(driver->journal, &entries, error);
    if (code == ERROR_OK && !line->options.json)
        printf("%6s  %-20s  %-14s what it says\n", "entry", "UTC", "type");
    for (uint64_t seq = 0; code == ERROR_OK && seq < entries; seq++)
        code = print_entry(driver, seq, &filter, line->options.json, error);
    *ret_status = EXIT_DONE;
    return code;
}
