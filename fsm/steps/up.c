#include "fsm/steps/up.h"

#include "journal/format/names.h"

enum error_code up(struct step *step, const struct compose_up *draft, struct error *error)
{
    struct compose_up whole = *draft;
    int status = 0;
    whole.deadline_ms = step_remaining_ms(step);
    enum error_code code = compose_up(step->target, step_lease(step), &whole, &step->evidence,
                                      &status, error);
    if (code != ERROR_OK || status == 0)
        return code;
    return step_is(
        step, EVENT_FAILED,
        "services cannot be brought up: %.300s; look at the containers and their logs",
        (const char *)evidence_last(&step->evidence, PROBE_COMPOSE_UP, NULL)->output.data);
}
