/* which services are to run again as before. */
#include "verify/rules/restoration.h"

#include "verify/judge/reading.h"
#include "verify/judge/services.h"

static bool restoration_is_declared(const struct restored *restored, const char *service)
{
    const struct item *declared = restored->revert != NULL
                                      ? entry_item(restored->revert, 0,
                                                   restored->revert->item_count,
                                                   PROBE_COMPOSE_SERVICES, NULL)
                                      : NULL;
    if (declared == NULL || declared->status != 0)
        return true;
    struct slice rest = declared->output, line;
    while (slice_line(&rest, &line))
        if (slice_is(services_name(line), service))
            return !services_is_off(line);
    return false;
}

bool restoration_is_expected(const struct restored *restored, const char *service)
{
    return reading_running(restored->was, slice_of(service)) > 0
           && !services_row(restored->audit, ACTION_REVERT, service).once
           && restoration_is_declared(restored, service);
}
