#include "verify/read/names.h"

#include <assert.h>

#define NAMES_TEXT_ENTRY(token, name) [ENTRY_##token] = name,
#define NAMES_TEXT_PROBE(token, name) [PROBE_##token] = name,
#define NAMES_TEXT_PATTERN(token, name) [PATTERN_##token] = name,
static const char *const entry_type_names[ENTRY_TYPES] = {NAMES_ENTRY_TYPES(NAMES_TEXT_ENTRY)};
static const char *const probe_names[PROBES] = {NAMES_PROBES(NAMES_TEXT_PROBE)};
static const char *const pattern_names[PATTERNS] = {NAMES_PATTERNS(NAMES_TEXT_PATTERN)};

enum entry_type entry_type_by_name(struct slice name)
{
    for (unsigned i = 1; i < ENTRY_TYPES; i++)
        if (slice_is(name, entry_type_names[i]))
            return (enum entry_type)i;
    return ENTRY_INVALID;
}

enum probe probe_by_name(struct slice name)
{
    for (unsigned i = 1; i < PROBES; i++)
        if (slice_is(name, probe_names[i]))
            return (enum probe)i;
    return PROBE_INVALID;
}

const char *entry_type_name(enum entry_type type)
{
    assert(type > ENTRY_INVALID && type < ENTRY_TYPES);
    return entry_type_names[type];
}

const char *probe_name(enum probe probe)
{
    assert(probe > PROBE_INVALID && probe < PROBES);
    return probe_names[probe];
}

const char *pattern_name(enum pattern pattern)
{
    assert(pattern > PATTERN_INVALID && pattern < PATTERNS);
    return pattern_names[pattern];
}
