/* actions/state: this tool's own files on the target: whether each can be used, and what is done
 * with one that cannot. Knows:     their names and kinds; of their content only what no reader but
 * a shell looks at (the key of the HMACs). deployment.json is read by tenancy.h. Mending:   nothing
 * is deleted. What cannot be used is renamed to NAME.damaged-UPTIME beside it, and what is needed
 * is made again by whoever needs it; the journal is the truth. No hang:   a pipe is never opened, a
 * link never followed. */
#ifndef ACTIONS_STATE_H
#define ACTIONS_STATE_H

#include "actions/target/target.h"

struct state_care {
    bool mend;           /* else only looked at */
    bool expected;       /* a directory that is missing is damage, too */
    int64_t deployment;  /* whose pin file is looked at */
    const char *garbage; /* a file whose content cannot be read, by its name; NULL = none */
};

/* *ret_said: what was found, and done, in words, "a; b"; empty = all is well. ERROR_REMOTE where it
 * cannot be mended. No evidence. */
enum error_code state_look_after(struct target *target, const struct state_care *care,
                                 struct bytes *ret_said, struct error *error) CHECKED;

#endif
