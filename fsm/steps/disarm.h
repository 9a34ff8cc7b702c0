/* fsm/steps/disarm: DISARM, by every way there is. Sent with a nonce and believed only when
 * Execution shows it.
 * Ways:      the bus; the removal of the container, by the id that was recorded and by its label,
 * in one command; the configured command. The next one is taken where the one before is not
 *            observed within 5 s. None waits for a list of containers, the journal, genesis, or a
 *            lock on the target.
 * Two facts: what was sent, and what was seen. Neither is concluded from the other.
 * Records:   `command` `disarm`, phase intent before and outcome after it; the outcome alone where
 *            it could not wait for the journal. */
#ifndef FSM_DISARM_H
#define FSM_DISARM_H

#include "fsm/driver.h"

enum disarm_sent { DISARM_NOT_SENT = 0, DISARM_SENT, DISARM_PERHAPS };

struct disarm_seen {
    enum disarm_sent bus;
    bool removal, command; /* these ways were taken, and what they ran said that it went well */
    bool observed;         /* this nonce, and it is disarmed */
    bool gone;             /* the last list has no container of it */
    bool looked;           /* somebody saw its log, or that it is gone */
    enum interlock shown;  /* by the last look */
    unsigned running;      /* how many containers of it run; only one can be observed */
    char names[240];       /* of them: "a, b" */
    char container[80];    /* that was looked at, "" = none */
    char why[300];         /* why a way could not be taken, or was not seen to work; "" = nothing */
};

struct disarm_draft {
    const char *key, *reason;
    bool every_way; /* else the bus only */
    struct evidence *evidence;
};
/* Errors are facts here: in seen->why. */
void disarm_try(struct driver *driver, const struct disarm_draft *draft,
                struct disarm_seen *ret_seen);
/* Seen disarmed by this nonce, or gone. */
bool disarm_is_safe(const struct disarm_seen *seen);
/* "DISARM was sent over the bus", "DISARM could NOT be sent (...)"; static, until the next call. */
const char *disarm_words_sent(const struct disarm_seen *seen);
/* "seen disarmed", "gone", "NOT seen disarmed: ..."; the same. */
const char *disarm_words_seen(const struct disarm_seen *seen);

/* In front of disarm_try(), where nobody has to be waited for, and behind it. */
enum error_code disarm_record_intent(struct driver *driver, const struct disarm_draft *draft,
                                     struct error *error) CHECKED;
enum error_code disarm_record_outcome(struct driver *driver, const struct disarm_draft *draft,
                                      const struct disarm_seen *seen, struct error *error) CHECKED;
/* Where no intent could be recorded before, what was sent is recorded behind it, and the record
 * says so (journal/FORMAT.md, P-36). ERROR_REFUSED where nothing was sent. */
enum error_code disarm_record_late(struct driver *driver, const struct disarm_draft *draft,
                                   const struct disarm_seen *seen, struct error *error) CHECKED;

/* By every way, in front of any record; whether one could be written behind it. */
bool disarm_at_once(struct driver *driver, const char *reason, struct disarm_seen *ret_seen);
/* Out of the journal, while it can be read: the container that a removal names. */
void disarm_remember(struct driver *driver);

/* ERROR_CONFIG where the configuration names no Execution, so that there is nothing to disarm. */
enum error_code disarm_check_possible(const struct driver *driver, struct error *error) CHECKED;

#endif
