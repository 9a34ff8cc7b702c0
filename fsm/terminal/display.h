/* fsm/terminal/display: a deployment on a terminal, drawn from a plain value: the procedure with
 * done, now and to come, the window with its last samples, what is being pulled.
 * Knows:     words, columns and colours; no terminal (screen.h), no journal (display_read.h), no
 *            clock: all times are in the model.
 * Text:      lines with LF. Foreign text is escaped here; a line has at most `columns` cells and
 *            there are at most `rows` lines. Only with `colour` are there escape sequences, and
 *            then only SGR, balanced on each line; no word depends on them.
 * Cells:     a code point from U+1100 on counts as two, any other as one: that is never too few. */
#ifndef FSM_DISPLAY_H
#define FSM_DISPLAY_H

#include "actions/target/setup.h"
#include "fsm/machine.h"

enum { DISPLAY_ROWS_MAX = 48, DISPLAY_WATCHED_MAX = 2 * SETUP_NAMES_MAX + 1, DISPLAY_SAMPLES = 24 };

enum display_mark {
    DISPLAY_INVALID = 0,
    DISPLAY_DONE,
    DISPLAY_NOW,
    DISPLAY_TO_COME,
    DISPLAY_FAILED,
    DISPLAY_WITHOUT /* passed, and what it is for is not there */
};

/* One edge of the procedure: the state it leads to and the action. */
struct display_row {
    enum display_mark mark;
    enum state state;
    enum action action; /* ACTION_NONE for an edge without one */
    /* began: for the row that is NOW, 0 = waits for its command; took: -1 = unknown (another boot)
     */
    int64_t began_ns, took_ns;
};

/* One thing that every sample checks. '+' good, '~' still starting, 'X' failing, '!' a mismatch;
 * oldest first. */
struct display_watched {
    char name[64];
    char marks[DISPLAY_SAMPLES + 1];
    char last[40]; /* the last answer in words */
};

struct display_window {
    bool shown, open,
        broken;    /* open: it runs now; broken: it was given up and no longer counts down */
    bool settling; /* in the last sample something was still starting, and nothing counts yet */
    int64_t first_ns, last_ns, length_ms; /* boot clock; first 0 = no sample yet */
    int64_t count, gap_ms;                /* gap_ms: a sample that is older than this is late */
    struct display_watched watched[DISPLAY_WATCHED_MAX];
    size_t watched_count;
};

/* The rollback and its time limit, counted from its first begin. */
struct display_rollback {
    bool shown;
    int64_t since_ns, limit_ms; /* boot clock; since 0 = unknown (another boot) */
};

/* Who drives, by the lock (watcher.h). */
struct display_watcher {
    bool gone, missing; /* gone: no driver lives; missing: and somebody would have to watch */
    char since[9];      /* time of the day of the last entry, UTC */
    int64_t since_ns;   /* boot clock; 0 = another boot */
    int64_t process;    /* of a driver that lives; below 1 = not known */
    char asks[320];     /* what it asks a person now, until asks_until_ns; "" = nothing */
    int64_t asks_until_ns;
};

struct display_model {
    char target[128], title[400]; /* title: "release 12, opened by alice@example: web 4.2" */
    struct display_row rows[DISPLAY_ROWS_MAX];
    size_t row_count, rows_before; /* rows_before: done, and left out because the list is full */
    int64_t began_ns, now_ns;      /* boot clock; began 0 = unknown (another boot) */
    bool ended;                    /* times end at its last entry */
    struct display_watcher watcher;
    struct display_window window;
    struct display_rollback rollback;
    char pull[200]; /* last line that compose printed, "" = none */
    char last[400]; /* why the last step failed, "" = none did */
    char next[300]; /* what to do now, "" = nothing */
};

struct display_size {
    unsigned columns, rows;
    bool colour;
};

enum error_code display_render(const struct display_model *model, const struct display_size *size,
                               struct bytes *ret_text, struct error *error) CHECKED;

#endif
