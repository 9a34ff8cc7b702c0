/* verify/judge/logs/hearing: what the log items of some entries say, and the questions that are
 * asked of it. journal/FORMAT.md, "Logs" and "Interlock". hearing_collect.h fills it.
 * Knows:     runs, heard lines, looks at Execution; not what should be true.
 * Ownership: hearing_free() releases the lists and takes an empty one. It borrows entries. */
#ifndef VERIFY_HEARING_H
#define VERIFY_HEARING_H

#include "verify/judge/genesis.h"
#include "verify/judge/logs/pattern.h"
#include "verify/read/record.h"

enum { HEARING_NONE = -1 };

/* By how much a wall clock may move and has not been set (C-08). */
enum { HEARING_WALL_STEP_MS = 2000 };

/* One start of one container. */
struct log_run {
    enum probe probe; /* of its log */
    const char *id, *started_at;
    /* When its log was last asked for, by the target's clock; UTC_NEVER: not yet, or not known. */
    int64_t asked_ns;
    bool began; /* in these entries: no list of the first one that has lists has it */
};

/* A line that counts and matches some pattern; each once. */
struct heard {
    const struct entry *entry;
    size_t item;
    int64_t run;
    unsigned matches; /* HEARD_BIT of each pattern */
    struct naming naming;
    char nonce[SHA256_HEX + 1]; /* of what was received; "" where it is none that fits */
    struct slice line;
    int64_t time_ns;
};
#define HEARD_BIT(pattern) (1U << (pattern))

/* An item logs.execution or logs.brain. */
struct log_item {
    const struct entry *entry;
    size_t item;
    enum probe probe;
    int64_t run;        /* HEARING_NONE: not of exactly one running container, or it failed */
    size_t heard_end;   /* heard lines up to this item, its own included */
    bool grew_in_front; /* H-04 */
};

enum showing {
    SHOWING_INVALID = 0,
    SHOWING_UNKNOWN,
    SHOWING_GONE,
    SHOWING_STILL,
    SHOWING_ARMED,
    SHOWING_DISARMED
};

struct look {
    const struct entry *entry;
    size_t list, log, end; /* items; log: SIZE_MAX where the list is the look. end: behind it */
    enum showing showing;
    bool says_armed, contradicted; /* contradicted: by its marker */
    int64_t run;
    size_t heard_end;
    const char *why; /* of UNKNOWN */
};

struct hearing {
    const struct record *record;
    struct heard *heard;
    size_t heard_count;
    struct log_run *runs;
    size_t run_count;
    struct log_item *logs;
    size_t log_count;
    struct look *looks;
    size_t look_count;
    int64_t step_ms; /* the largest step of the target's wall clock so far (C-08) */
};

void hearing_free(struct hearing *hearing);

/* The last heard line of the run, of the first `end`, that matches one of the patterns; NULL. */
const struct heard *hearing_last(const struct hearing *hearing, int64_t run, size_t end,
                                 unsigned patterns);
/* The look shows it armed, and behind the last line that says so a DISARM was received. */
bool hearing_told_to_disarm(const struct hearing *hearing, const struct look *look);
/* The last look of the entry that lies in [from, to) of its items; NULL. */
const struct look *hearing_look(const struct hearing *hearing, const struct entry *entry,
                                size_t from, size_t to);
const struct log_item *hearing_log(const struct hearing *hearing, const struct entry *entry,
                                   size_t item);
/* How many lines were heard up to the last log of Execution in the entry; 0 where it has none. */
size_t hearing_end(const struct hearing *hearing, const struct entry *entry);
const char *showing_word(enum showing showing);

#endif
