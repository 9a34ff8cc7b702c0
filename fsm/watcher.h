/* fsm/watcher: whether a titan-fsm drives a journal now, and since when nothing came from one.
 * Knows:     driver.lock, which whoever drives holds and the kernel frees with the process; the
 *            times of the deployment's entries. It takes nothing and changes nothing.
 * Not known: what a process that lives does: the age of its last sample tells that. */
#ifndef FSM_WATCHER_H
#define FSM_WATCHER_H

#include "fsm/driver.h"

enum watcher_life {
    WATCHER_UNKNOWN = 0, /* the lock cannot be read */
    WATCHER_LIVES,
    WATCHER_GONE
};

struct watcher {
    enum watcher_life life;
    int64_t process; /* that lives; -1 = its number is not known */
    char since[9];   /* time of the day of the deployment's last entry, UTC; "" = there is none */
    int64_t since_ns, sample_ns; /* of that entry, and of the last sample, on the boot clock; 0 =
                                    another boot, or none */
    char asks[WORLD_LOCK_NOTE_BYTES]; /* what the driver asks a person now, "" = nothing */
    int64_t asks_until_ns;
};

/* The process that drives this journal; this one counts too. */
void watcher_ask(const struct driver *driver, struct watcher *ret_watcher);
/* What the driver asks, for whoever looks from elsewhere; NULL = nothing any more. */
void watcher_tell_question(const struct driver *driver, const char *question, int64_t until_ns);
/* As the deployment's entries tell it, for times against `boot`. */
void watcher_read(const struct deployment *deployment, const char *boot, struct watcher *watcher);
/* Something runs, or may, that somebody must watch or bring to an end. */
bool watcher_is_needed(const struct deployment *deployment);
bool watcher_is_missing(const struct watcher *watcher, const struct deployment *deployment);

#endif
