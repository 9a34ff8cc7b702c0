/* fsm/past/recorded: what one entry of this driver's journal says: texts, times, evidence.
 * Knows:     how a body and its items are laid out (journal/FORMAT.md, "Bodies" and "Evidence");
 *            not what follows from an entry.
 * Ownership: texts are borrowed from the entry. */
#ifndef FSM_RECORDED_H
#define FSM_RECORDED_H

#include "actions/compose/declared.h"
#include "journal/journal.h"

/* A string of an object, "" where there is none. */
const char *recorded_text(const json_t *object, const char *key);
/* A string of an entry's body, "" where there is none. */
const char *entry_string(const struct journal_entry *entry, const char *key);
/* Boot clock of the driver at one item of evidence; 0 where it says nothing. */
int64_t item_sent_ns(const json_t *item);
int64_t item_received_ns(const json_t *item);
/* Boot clock of the driver: when the entry's first request was sent, and when the last answer of
 * `probe` (NULL = of any) came back; 0 where there is none. */
int64_t entry_sent_ns(const struct journal_entry *entry);
int64_t entry_received_ns(const struct journal_entry *entry, const char *probe);
/* Whether something was still starting in a sample: the window counts from behind it. */
bool entry_settles(const struct journal_entry *sample);
/* The output of the last evidence of `probe` in an entry (transition or sample); empty where
 * there is none. */
enum error_code entry_output(struct journal *journal, const struct journal_entry *entry,
                             const char *probe, struct bytes *ret_output, struct error *error)
    CHECKED;
/* What the file declared of each service, as the entry recorded it. */
enum error_code entry_declared(struct journal *journal, const struct journal_entry *entry,
                               struct declared *ret_declared, struct error *error) CHECKED;
/* The blob of one item. ERROR_DAMAGED where it names none. */
enum error_code item_output(struct journal *journal, const json_t *item, struct bytes *ret_output,
                            struct error *error) CHECKED;

#endif
