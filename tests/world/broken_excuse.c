/* tests/world/broken_excuse: what a verifier may find in the journal of a run with a fault. */
#include "tests/world/broken.h"

#include <string.h>

/* Where a finding against an honest run is the truth. None of them is about an unsafe end. */
enum excuse {
    EXCUSE_INVALID = 0,
    EXCUSE_AWAY,    /* it was away for longer than the time that the rule gives, or hung for it */
    EXCUSE_HANGS,   /* a command that hangs is given up after its time: nobody could see */
    EXCUSE_JOURNAL, /* no journal for ever: the driver ended, and nobody watched */
    EXCUSE_LIE      /* the target lied, and the record has it */
};

static const struct exception {
    const char *rule;
    enum excuse excuse;
} exceptions[] = {
    {" W-13:", EXCUSE_AWAY}, {" W-12:", EXCUSE_HANGS}, {" W-12:", EXCUSE_JOURNAL},
    {" P-12:", EXCUSE_LIE},  {" P-19:", EXCUSE_LIE},   {" P-20:", EXCUSE_LIE},
    {" P-21:", EXCUSE_LIE},  {" P-22:", EXCUSE_LIE},   {" P-23:", EXCUSE_LIE},
    {" P-25:", EXCUSE_LIE},  {" P-29:", EXCUSE_LIE},   {" P-30:", EXCUSE_LIE},
    {" P-31:", EXCUSE_LIE},  {" P-32:", EXCUSE_LIE},   {" P-34:", EXCUSE_LIE},
    {" R-", EXCUSE_LIE},     {" H-", EXCUSE_LIE},      {" L-11:", EXCUSE_LIE},
    {" W-15:", EXCUSE_LIE},
};

static bool applies(enum excuse excuse)
{
    bool lasts = broken.span == SPAN_EVER || broken.span == SPAN_AREA,
         hangs = broken.fault->code == ERROR_TIMEOUT;
    enum broken_way way = broken.fault->way;
    switch (excuse) {
    case EXCUSE_INVALID:
        break;
    case EXCUSE_AWAY:
        return lasts || hangs;
    case EXCUSE_HANGS:
        return hangs;
    case EXCUSE_JOURNAL:
        return lasts && broken_area(broken.first.call) == AREA_STORE;
    case EXCUSE_LIE:
        return way == WAY_EMPTY || way == WAY_GARBAGE || way == WAY_TORN || way == WAY_HUGE
               || way == WAY_DEEP;
    }
    return false;
}

static bool is_excused(const char *line, size_t length)
{
    for (size_t i = 0; i < sizeof exceptions / sizeof exceptions[0]; i++)
        if (applies(exceptions[i].excuse)
            && memmem(line, length, exceptions[i].rule, strlen(exceptions[i].rule)) != NULL)
            return true;
    return false;
}

const char *broken_violation(const char *report)
{
    for (const char *line = report; line != NULL && *line != '\0';) {
        const char *end = strchr(line, '\n');
        size_t length = end != NULL ? (size_t)(end - line) : strlen(line);
        if (strncmp(line, "  VIOLATED", 10) == 0 && !is_excused(line, length))
            return line;
        line = end != NULL ? end + 1 : NULL;
    }
    return NULL;
}
