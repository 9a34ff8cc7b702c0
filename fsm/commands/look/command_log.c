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
    uint64_t from, to; /* numbers of entries: `to` is the first that is not wanted */
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

/* Exactly a number. */
static bool read_entry_number(const char *word, size_t length, uint64_t *ret_number)
{
    uint64_t number = 0;
    for (size_t i = 0; i < length; i++) {
        if (word[i] < '0' || word[i] > '9' || number > (UINT64_MAX - 9) / 10)
            return false;
        number = number * 10 + (uint64_t)(word[i] - '0');
    }
    *ret_number = number;
    return length > 0;
}

/* "12..40" */
static bool read_range(const char *word, struct log_filter *filter)
{
    const char *dots = strstr(word, "..");
    uint64_t from, last;
    if (dots == NULL || !read_entry_number(word, (size_t)(dots - word), &from)
        || !read_entry_number(dots + 2, strlen(dots + 2), &last) || from > last)
        return false;
    filter->from = from;
    filter->to = last + 1;
    return true;
}

/* Each word is a deployment's number, a type of entries or a range of their numbers. */
static enum error_code read_filter(const struct command_line *line, struct log_filter *ret_filter,
                                   struct error *error)
{
    for (int i = 0; i < line->word_count; i++) {
        const char *word = line->words[i];
        uint64_t number = 0;
        if (read_entry_number(word, strlen(word), &number) && number > 0)
            ret_filter->deployment = number;
        else if (is_entry_type(word))
            ret_filter->type = word;
        else if (!read_range(word, ret_filter))
            return error_set(error, ERROR_USAGE, 0, "log",
                             "titan-fsm log, titan-fsm log 12, titan-fsm log 12..40 or titan-fsm "
                             "log transition",
                             "this is neither the number of a deployment, nor a type of entries, "
                             "nor a range of them: %.40s",
                             word);
    }
    return ERROR_OK;
}

/* No entry of a deployment stands in front of its `open`. */
static void bound_filter(struct log_filter *filter, uint64_t entries, int last)
{
    if (filter->to > entries)
        filter->to = entries;
    if (last >= 0 && filter->to > filter->from && filter->to - filter->from > (uint64_t)last)
        filter->from = filter->to - (uint64_t)last;
    if (filter->from < filter->deployment)
        filter->from = filter->deployment;
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
    struct log_filter filter = {.to = UINT64_MAX};
    enum error_code code = read_filter(line, &filter, error);
    if (code == ERROR_OK)
        code = driver_open(driver, &line->options, DRIVER_READS, error);
    if (code == ERROR_OK)
        code = journal_size(driver->journal, &entries, error);
    if (code != ERROR_OK)
        return code;
    bound_filter(&filter, entries, line->last);
    if (!line->options.json)
        printf("%6s  %-20s  %-14s what it says\n", "entry", "UTC", "type");
    for (uint64_t seq = filter.from; code == ERROR_OK && seq < filter.to; seq++)
        code = print_entry(driver, seq, &filter, line->options.json, error);
    *ret_status = EXIT_DONE;
    return code;
}
