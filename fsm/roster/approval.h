/* fsm/roster/approval: that somebody else approves exactly this deployment, and how many do.
 * Knows:     the statement of journal/FORMAT.md ("approval"), who may make it, whose counts; not
 *            how it travels (approval_file.h).
 * Counts:    a principal and a key count once, and only while neither is of somebody who drives the
 *            deployment. An operator who takes over can no longer approve. */
#ifndef FSM_APPROVAL_H
#define FSM_APPROVAL_H

#include "fsm/driver.h"

enum { APPROVALS_MAX = 16 };

struct approval {
    const char *principal, *statement, *signature; /* borrowed; signature: armored SSHSIG */
};

struct approval_tally {
    uint64_t required;
    size_t count;
    struct {
        const char *principal;
        uint8_t key[KEY_BYTES];
        uint64_t entry;
    } given[APPROVALS_MAX]; /* borrowed from the deployment */
};

/* The statement, byte for byte. ERROR_REFUSED before the images were pulled. */
enum error_code approval_statement(struct driver *driver, struct bytes *ret_text,
                                   struct error *error) CHECKED;
/* *ret_why: one sentence why it does not count after the first `size` entries, "" when it does. */
enum error_code approval_judge(struct driver *driver, const struct approval *approval,
                               uint64_t size, char *ret_why, size_t room, struct error *error)
    CHECKED;
/* Of the open deployment. */
enum error_code approval_count(struct driver *driver, struct approval_tally *ret_tally,
                               struct error *error) CHECKED;
/* "1 of 2 approvals are here: carol (entry 33)", for people. */
void approval_describe(const struct approval_tally *tally, char *ret_text, size_t room);

/* ERROR_REFUSED unless a deployment is open and in the one state in which approvals count; `word`
 * is the command that asks. */
enum error_code approval_check_awaited(const struct driver *driver, const char *word,
                                       struct error *error) CHECKED;

#endif
