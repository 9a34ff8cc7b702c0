/* tests/world/broken: one call of a scripted world's tables that fails in one way: everything that
 * the driver reaches, broken once.
 * Knows:     every function of every table that can fail, and what each can answer instead; not
 *            what the driver should make of it.
 * How:       the tables are wrapped. Each call is counted; `hunt` is asked at each of them and may
 *            fork: what it answers is what is broken from there on in this process.
 * Ownership: one world at a time; the world is borrowed until the next one. */
#ifndef WORLD_BROKEN_H
#define WORLD_BROKEN_H

#include "tests/world/scripted.h"

/* What is called. One row a function of struct world that can fail.
 *    token           name              what shares its fate when it is gone for good */
#define BROKEN_CALLS(CALL)                       \
    CALL(RUN, "command", TARGET)                 \
    CALL(FORWARD, "forward", TARGET)             \
    CALL(OPEN, "connect", TARGET)                \
    CALL(BUS_OPEN, "bus open", BUS)              \
    CALL(PUBLISH, "bus publish", BUS)            \
    CALL(SUBSCRIBE, "bus subscribe", BUS)        \
    CALL(NEXT, "bus next", BUS)                  \
    CALL(EXCHANGE, "http", HTTP)                 \
    CALL(EXAMINE, "disk examine", DISK)          \
    CALL(READ, "disk read", DISK)                \
    CALL(SECRET, "disk read_secret", DISK)       \
    CALL(WRITE, "disk write", DISK)              \
    CALL(WIPE, "disk wipe", DISK)                \
    CALL(DIRECTORY, "disk make_directory", DISK) \
    CALL(LOCK, "disk lock", DISK)                \
    CALL(STORE_ANSWERS, "store answers", STORE)  \
    CALL(STORE_OPEN, "store open", STORE)        \
    CALL(STORE_SIZE, "store size", STORE)        \
    CALL(STORE_ENTRY, "store entry", STORE)      \
    CALL(STORE_BLOB, "store blob", STORE)        \
    CALL(STATE_GET, "store state_get", STORE)    \
    CALL(STATE_PUT, "store state_put", STORE)    \
    CALL(APPEND, "store append", STORE)          \
    CALL(RESERVE, "store reserve", STORE)        \
    CALL(FILE_BYTES, "store file_bytes", STORE)  \
    CALL(AGENT, "agent connect", AGENT)          \
    CALL(AGENT_SEND, "agent send", AGENT)        \
    CALL(AGENT_RECEIVE, "agent receive", AGENT)  \
    CALL(SLEEP, "clock wait", CLOCK)

enum broken_area {
    AREA_INVALID = 0,
    AREA_TARGET,
    AREA_BUS,
    AREA_HTTP,
    AREA_DISK,
    AREA_STORE,
    AREA_AGENT,
    AREA_CLOCK
};

#define BROKEN_ENUM(token, name, area) BROKEN_##token,
enum broken_call { BROKEN_INVALID = 0, BROKEN_CALLS(BROKEN_ENUM) BROKEN_COUNT };
#undef BROKEN_ENUM

/* What it answers instead. */
enum broken_way {
    WAY_INVALID = 0,
    WAY_BEFORE, /* the error, and nothing happened */
    WAY_AFTER,  /* it happened, and the error is what is heard */
    WAY_STATUS, /* a command's exit status, with what it printed gone */
    WAY_EMPTY,  /* it succeeds and says nothing */
    WAY_GARBAGE,
    WAY_TORN, /* the first half */
    WAY_HUGE, /* as much as may be read */
    WAY_DEEP, /* brackets in brackets */
    WAY_CUT,  /* a command's end does not come back */
    WAY_REFUSED,
    WAY_SILENT,        /* a bus or an http server without an answer */
    WAY_ABSENT,        /* no responder; no such file */
    WAY_POISON,        /* the journal answers nothing more until it is opened again */
    WAY_POISON_BEFORE, /* and nothing was written */
    WAY_SIGNAL         /* it works; a signal came meanwhile */
};

struct broken_fault {
    const char *name;
    enum broken_way way;
    enum error_code code;
    int number; /* the library's code; of WAY_STATUS the status */
};

enum broken_span {
    SPAN_INVALID = 0,
    SPAN_ONCE,    /* this call */
    SPAN_SECONDS, /* this call wherever it is made for 5 s */
    SPAN_EVER,    /* and for ever */
    SPAN_AREA     /* everything that shares its fate, for ever */
};

/* The call that is being made. */
struct broken_visit {
    enum broken_call call;
    unsigned at;        /* the how manieth of the run, from 1 */
    const char *detail; /* the line, the subject, the path */
    uint64_t same;      /* equal for calls that differ in ids and numbers only */
};

struct broken {
    struct scripted *world;
    /* Asked at each call while nothing is broken; true = `fault` and `span` were chosen. */
    bool (*hunt)(const struct broken_visit *visit);
    unsigned count;
    const struct broken_fault *fault; /* NULL = nothing is broken */
    enum broken_span span;
    struct broken_visit first;
    int64_t until_ns;
    bool mended;   /* what is broken is only remembered */
    bool poisoned; /* the journal, until it is opened again */
    unsigned met;  /* how often it was met */
    /* commands that changed the target; those, and what Execution had received, at that call */
    size_t changes, changes_before, received_before;
};

extern struct broken broken;

/* Wraps the tables of the world; nothing is broken. */
void broken_wrap(struct scripted *world);
/* What is broken is whole again, and nothing is hunted any more. */
void broken_mend(void);

/* The faults that a call can show, one after the other; NULL = no more. */
const struct broken_fault *broken_fault_of(enum broken_call call, size_t index);
const char *broken_call_name(enum broken_call call);
const char *broken_span_name(enum broken_span span);

/* broken_faults.c, for the wrappers. */
enum broken_area broken_area(enum broken_call call);
enum error_code broken_error(const struct broken_fault *fault, const char *detail,
                             struct error *error);
/* What a way makes of bytes; false = it leaves them. */
bool broken_spoil(const struct broken_fault *fault, struct bytes *data, size_t size_max);
/* The same for what a command printed, within the lines around it. */
bool broken_spoil_output(const struct broken_fault *fault, struct bytes *printed, size_t size_max);
/* broken_journal.c: the tables of the journal and of the clock. */
void broken_wrap_journal(struct scripted *world);
/* broken_calls.c: the one that is met at this call, NULL = none. */
const struct broken_fault *broken_meet(enum broken_call call, const char *detail);
/* broken_excuse.c: the first finding of a report that the fault does not excuse, NULL = none. */
const char *broken_violation(const char *report);

#endif
