#include "fsm/back/env_back.h"

#include <stdio.h>
#include <string.h>

#include "actions/compose/kept.h"
#include "journal/format/names.h"

/* The first running service that does not run as file and env file declare it now; NULL = none. */
static const char *first_other_configuration(const struct configurations *configurations)
{
    for (size_t i = 0; i < configurations->count; i++) {
        const struct configuration *one = &configurations->list[i];
        if (one->running[0] != '\0' && one->declared[0] != '\0'
            && strcmp(one->running, one->declared) != 0)
            return one->service;
    }
    return NULL;
}

static bool is_as_kept(const struct step *step, const struct kept_good *good)
{
    const struct bytes *hmac = &evidence_last(&step->evidence, PROBE_ENV_HMAC, NULL)->output;
    return hmac->size >= SHA256_HEX && memcmp(hmac->data, good->hmac, SHA256_HEX) == 0;
}

enum error_code env_back_note(struct step *step, struct error *error)
{
    struct kept_good good;
    char text[400] = "";
    enum error_code code = kept_look(step->target, &step->evidence, error);
    if (code == ERROR_OK)
        code = kept_read(&evidence_last(&step->evidence, PROBE_ENV_GOOD, NULL)->output, &good,
                         error);
    if (code != ERROR_OK || step->driver->config.setup.compose.env_file[0] == '\0')
        return code;
    bool covered = kept_covers(&good, &step->seen.containers);
    const char *other = first_other_configuration(&step->seen.configurations);
    if (covered && !is_as_kept(step, &good))
        (void)snprintf(text, sizeof text,
                       "the env file was edited since the last good deployment; a rollback puts "
                       "back the one that the containers run with");
    else if (!covered && other != NULL)
        (void)snprintf(text, sizeof text,
                       "%.60s does not run as it is declared, and no copy of the env file that it "
                       "was created with is kept; a rollback leaves the env file as it is now",
                       other);
    size_t used = strlen(step->remark);
    if (text[0] != '\0')
        (void)snprintf(step->remark + used, sizeof step->remark - used, "%s%s",
                       used > 0 ? "; " : "", text);
    return step_fact(step, FACT_ENV, text, error);
}

enum error_code env_back_keep(struct step *step, const struct target_tenancy *tenancy,
                              struct error *error)
{
    int status = 0;
    enum error_code code = kept_take(step->target, tenancy, &step->evidence, &status, error);
    if (code != ERROR_OK || status == 0)
        return code;
    return step_is(step, EVENT_FAILED, "the env file cannot be kept for a rollback: %.200s",
                   (const char *)evidence_last(&step->evidence, PROBE_ACT, NULL)->output.data);
}

enum error_code env_back_restore(struct step *step, int *ret_status, struct error *error)
{
    return kept_restore(step->target, step_lease(step), step->seen.before.env_good, &step->evidence,
                        ret_status, error);
}
