/* actions/interlock: is Execution armed? Commanded through the bus; observed only in
 * what Execution itself shows.
 * Rule:      journal/FORMAT.md, "Reading it", Interlock. Everything else is
 *            unknown.
 * Evidence:  compose.containers logs.execution interlock.marker, bus.publish. */
#ifndef ACTIONS_INTERLOCK_H
#define ACTIONS_INTERLOCK_H

#include "actions/compose/containers.h"
#include "actions/target/target.h"

enum interlock { INTERLOCK_INVALID = 0, INTERLOCK_DISARMED, INTERLOCK_ARMED, INTERLOCK_UNKNOWN };

enum { INTERLOCK_HEARD_MAX = 32, INTERLOCK_NONCE_MAX = 40 };

#define INTERLOCK_WORD_ABSENT "absent"
#define INTERLOCK_WORD_STOPPED "stopped"

/* One DISARM line: its stamp as it was printed, and what stands where a nonce does, "?" for
 * nothing. Who sends the same word twice sends two commands. */
struct interlock_heard {
    char time[40], nonce[INTERLOCK_NONCE_MAX];
};

struct interlock_view {
    enum interlock interlock;
    unsigned running; /* containers of Execution that run; more than one is UNKNOWN */
    char names[240];  /* of them: "a, b" */
    bool gone;        /* there is no container of Execution, in whatever state */
    bool failed;      /* its log could not be read */
    /* a disarm_received line with the nonce follows every line that says armed */
    bool received;
    bool contradicted; /* UNKNOWN, because the marker does not agree with the last line */
    /* an arm_received line with the nonce, followed by one that says armed, and by none that says
     * disarmed or that a DISARM was received */
    bool armed_by_nonce;
    bool says_armed;    /* shown armed, or the marker is there */
    bool disarm_behind; /* a DISARM was received behind the last line that says armed */
    bool armed_since;   /* a line says armed since the DISARM that was asked about */
    unsigned armed_lines, disarmed_lines;              /* of this run */
    struct interlock_heard heard[INTERLOCK_HEARD_MAX]; /* DISARM lines of this run, the last ones */
    unsigned heard_count; /* of all; heard[n % INTERLOCK_HEARD_MAX] is the n-th */
    char container[80];   /* id of Execution's container, "" = none runs */
    char started_at[40];
};

/* What a look is asked besides the state; {0} = nothing. */
struct interlock_question {
    const char *nonce;       /* of the command that was just sent */
    const char *disarmed_by; /* nonce of a DISARM that was observed before: `armed_since` */
};

const char *interlock_name(enum interlock interlock);
/* The same of a look, and where none runs "absent" (there is no container) or "stopped". */
const char *interlock_word(const struct interlock_view *view);

/* Every container of Execution counts. None that runs, or more than one, is UNKNOWN. */
enum error_code interlock_look(struct target *target, const struct interlock_question *question,
                               struct evidence *evidence, struct interlock_view *ret_view,
                               struct error *error) CHECKED;
/* The reading alone, of lines that were already fetched. marker: "present", "absent", "" where it
 * is not configured. */
void interlock_read(const struct setup_services *services, const struct bytes *lines,
                    const char *boundary, const struct interlock_question *question,
                    const char *marker, struct interlock_view *view);

/* Publishes "<nonce> <reason>". *ret_sent false: the bus refused it. */
enum error_code interlock_send(struct target *target, bool arm, const char *nonce,
                               const char *reason, struct evidence *evidence, bool *ret_sent,
                               struct error *error) CHECKED;
/* services.safe_command. Evidence: act "safe command". */
enum error_code interlock_run_safe_command(struct target *target, struct evidence *evidence,
                                           int *ret_status, struct error *error) CHECKED;

#endif
