/* verify/judge/reading: what single items of evidence say. journal/FORMAT.md, "Evidence", "Words"
 * and "Health".
 * Knows:     lists of containers, answers of endpoints, lines; not what should be true.
 * Untrusted: every blob. What cannot be read clearly is missing, never good. */
#ifndef VERIFY_READING_H
#define VERIFY_READING_H

#include "verify/judge/genesis.h"

/* NULL where the item is NULL or failed, or a line of it cannot be read. */
const struct listing *reading_list(const struct item *item);
/* The last list of the entry that can be read; NULL. */
const struct listing *reading_last_list(const struct entry *entry);

/* Whether a list of the entry has the container of this id. */
bool reading_lists_container(const struct entry *entry, const char *id);

/* Whether one of the words, one space between, is this one. */
bool reading_has_word(struct slice words, const char *word);

/* "running": its state is running, restarting or paused. */
bool reading_is_running(const struct listed *container);
bool reading_is_good(const struct listed *container);
/* Of a row of compose.containers and one of either kind: the same image. */
bool reading_is_same_image(const struct listed *one, const struct listed *other);
/* A container of a service, a running one first; NULL. */
const struct listed *reading_service(const struct listing *containers, struct slice service);
size_t reading_running(const struct listing *containers, struct slice service);
/* The one running container of a service; NULL where there is none, or more than one. */
const struct listed *reading_sole(const struct listing *containers, struct slice service);

/* Whether the last answer of the endpoint in the entry was not healthy; false where the entry is
 * NULL or has none. */
bool reading_was_sick(const struct genesis *genesis, const struct entry *entry,
                      struct slice endpoint);
/* The first endpoint that was not asked at all in the entry; empty when all were. */
struct slice reading_missing_endpoint(const struct genesis *genesis, const struct entry *entry);
/* One line without its newline: git.head, git.branch, the HMACs. Empty when the (last) item is
 * missing or failed. */
struct slice reading_line(const struct entry *entry, enum probe probe);
struct slice reading_item_line(const struct item *item);

/* The acts. */
/* The first item that changes something, in its place; item_count where there is none. */
size_t reading_first_act(const struct entry *entry);
bool reading_is_publish(const struct item *item, struct slice subject);
/* `act` "remove SERVICE" of this service, which is Execution, or "safe command". */
bool reading_is_removal(const struct item *item, struct slice service);

#endif
