#include "fsm/fate.h"

#include <assert.h>

enum {
    COLUMN_CONFIG = 0,
    COLUMN_SYSTEM,
    COLUMN_MEMORY,
    COLUMN_DAMAGED,
    COLUMN_HELD,
    COLUMN_UNREACHABLE,
    COLUMN_HOST_REFUSED,
    COLUMN_KEY_REFUSED,
    COLUMN_REFUSED,
    COLUMN_TIMEOUT,
    COLUMN_PROTOCOL,
    COLUMN_REMOTE,
    COLUMN_LIMIT,
    COLUMN_NEEDS_PERSON,
    COLUMN_COUNT,
    COLUMN_NONE = COLUMN_COUNT
};

#define CELL(letter) ERROR_FATE_##letter
#define CELLS(c, s, m, d, h, u, o, k, r, t, p, e, l, n)                                           \
    {                                                                                             \
        CELL(c), CELL(s), CELL(m), CELL(d), CELL(h), CELL(u), CELL(o), CELL(k), CELL(r), CELL(t), \
            CELL(p), CELL(e), CELL(l), CELL(n)                                                    \
    }

/* An action with two rows would name its enumerator twice, which does not compile. */
#define FATE(action, ...) ROW_##action,
enum {
#include "fsm/fates.def"
    ROW_COUNT
};
#undef FATE
_Static_assert(ROW_COUNT == ACTION_COUNT - ACTION_NONE - 1, "each action has a row");

#define FATE(action, ...) [ACTION_##action] = CELLS(__VA_ARGS__),
static const enum error_fate fates[ACTION_COUNT][COLUMN_COUNT] = {
#include "fsm/fates.def"
};
#undef FATE

static int column_of(enum error_code code)
{
    switch (code) {
    case ERROR_USAGE:
    case ERROR_CONFIG:
        return COLUMN_CONFIG;
    case ERROR_SYSTEM:
        return COLUMN_SYSTEM;
    case ERROR_MEMORY:
        return COLUMN_MEMORY;
    case ERROR_DAMAGED:
        return COLUMN_DAMAGED;
    case ERROR_HELD:
        return COLUMN_HELD;
    case ERROR_UNREACHABLE:
        return COLUMN_UNREACHABLE;
    case ERROR_HOST_REFUSED:
        return COLUMN_HOST_REFUSED;
    case ERROR_KEY_REFUSED:
        return COLUMN_KEY_REFUSED;
    case ERROR_REFUSED:
        return COLUMN_REFUSED;
    case ERROR_TIMEOUT:
        return COLUMN_TIMEOUT;
    case ERROR_PROTOCOL:
        return COLUMN_PROTOCOL;
    case ERROR_REMOTE:
        return COLUMN_REMOTE;
    case ERROR_LIMIT:
        return COLUMN_LIMIT;
    case ERROR_NEEDS_PERSON:
        return COLUMN_NEEDS_PERSON;
    case ERROR_OK:
    case ERROR_JOURNAL_WRITE:
        return COLUMN_NONE;
    }
    return COLUMN_NONE;
}

enum error_fate fate_of(enum action action, enum error_code code)
{
    int column = column_of(code);
    assert(action > ACTION_NONE && action < ACTION_COUNT);
    return column == COLUMN_NONE ? ERROR_FATE_P : fates[action][column];
}

enum error_fate fate_when_over(enum action action)
{
    return action == ACTION_RESTORE_CODE ? ERROR_FATE_P : ERROR_FATE_F;
}
