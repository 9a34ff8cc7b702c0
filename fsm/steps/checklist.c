#include "fsm/steps/checklist.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "fsm/past/recorded.h"
#include "actions/checklist/preflight.h"
#include "journal/format/names.h"

/* Of the configuration, or added by `begin --check`. */
static bool is_mandatory(const struct deployment *deployment, const struct setup_check *check)
{
    const json_t *added = json_object_get(deployment->entries[0].body, "checklist");
    bool mandatory = check->mandatory;
    for (size_t i = 0; i < json_array_size(added); i++)
        mandatory = mandatory
                    || strcmp(json_string_value(json_array_get(added, i)), check->id) == 0;
    return mandatory;
}

/* Who attested an item of this deployment, NULL = nobody. */
static const char *attested_by(const struct deployment *deployment, const char *item)
{
    for (size_t i = deployment->count; i-- > 0;) {
        const struct journal_entry *entry = &deployment->entries[i];
        const char *named = json_string_value(json_object_get(entry->body, "item"));
        if (strcmp(entry->type, ENTRY_ATTESTATION) == 0 && named != NULL
            && strcmp(named, item) == 0)
            return json_string_value(json_object_get(entry->body, "operator"));
    }
    return NULL;
}

/* "a; b; c" */
static void list_words(char *text, size_t size, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static void list_words(char *text, size_t size, const char *format, ...)
{
    size_t used = strlen(text);
    va_list arguments;
    if (used > 0 && used + 2 < size)
        (void)memcpy(text + used, "; ", 3);
    used = strlen(text);
    va_start(arguments, format);
    (void)vsnprintf(text + used, size - used, format, arguments);
    va_end(arguments);
}

enum error_code checklist_run(struct step *step, struct checklist_result *ret_result,
                              struct error *error)
{
    const struct setup *setup = &step->driver->config.setup;
    enum preflight_status statuses[SETUP_CHECKS_MAX];
    struct checklist_result *result = ret_result;
    enum error_code code = preflight_run(step->target, &step->evidence, statuses, error);
    result->failing[0] = result->attested[0] = '\0';
    if (code != ERROR_OK)
        return code;
    for (size_t i = 0; i < setup->check_count; i++) {
        const struct setup_check *check = &setup->checks[i];
        const char *by = statuses[i] == PREFLIGHT_UNDECIDED
                             ? attested_by(&step->driver->deployment, check->id)
                             : NULL;
        bool mandatory = is_mandatory(&step->driver->deployment, check);
        if (by != NULL)
            list_words(result->attested, sizeof result->attested, "%s attested by %s", check->id,
                       by);
        else if (mandatory && statuses[i] == PREFLIGHT_UNDECIDED)
            list_words(result->failing, sizeof result->failing,
                       "%s needs `titan-fsm attest %s --reason TEXT` (%s)", check->id, check->id,
                       check->advice);
        else if (mandatory && statuses[i] != PREFLIGHT_PASSED)
            list_words(result->failing, sizeof result->failing, "%s failed: %.200s (%s)", check->id,
                       (const char *)evidence_last(&step->evidence, PROBE_PREFLIGHT, check->id)
                           ->output.data,
                       check->advice);
    }
    return ERROR_OK;
}

bool checklist_is_old(const struct step *step)
{
    const struct driver *driver = step->driver;
    const struct setup *setup = &driver->config.setup;
    struct clock_reading now;
    struct error ignored;
    bool read = driver->clock->read(driver->clock->context, &now, &ignored) == ERROR_OK;
    /* What is asked in between takes its time too. */
    int64_t most_ns = driver->config.limits.preflight_ms * 950000;
    for (size_t i = 0; i < setup->check_count; i++) {
        const struct journal_entry *entry = NULL;
        const json_t *item = deployment_check(&driver->deployment, setup->checks[i].id, &entry);
        if (!is_mandatory(&driver->deployment, &setup->checks[i]) || item == NULL
            || json_integer_value(json_object_get(item, "status")) != 0)
            continue;
        int64_t at_ns = item_received_ns(item);
        if (!read || strcmp(entry->boot, now.boot) != 0 || now.boottime_ns - at_ns > most_ns)
            return true;
    }
    return false;
}
