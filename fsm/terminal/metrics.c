#include "fsm/terminal/metrics.h"

#include <string.h>

#include "journal/format/clock.h"

enum { LABEL_BYTES = 256 };

/* A label's value: backslash, quote and line feed are escaped, and nothing else may be. */
static void label_value(const char *text, char ret_value[LABEL_BYTES])
{
    size_t used = 0;
    for (; *text != '\0' && used + 2 < LABEL_BYTES; text++) {
        if (*text == '\\' || *text == '"' || *text == '\n')
            ret_value[used++] = '\\';
        ret_value[used++] = *text == '\n' ? 'n' : *text;
    }
    ret_value[used] = '\0';
}

static enum error_code describe_metric(struct bytes *text, const char *name, const char *help,
                                       struct error *error)
{
    return bytes_append_format(text, error, "# HELP titan_fsm_%s %s\n# TYPE titan_fsm_%s gauge\n",
                               name, help, name);
}

static enum error_code gauge(struct bytes *text, const char *target, const char *name,
                             const char *help, uint64_t value, struct error *error)
{
    enum error_code code = describe_metric(text, name, help, error);
    return code == ERROR_OK ? bytes_append_format(text, error, "titan_fsm_%s{target=\"%s\"} %llu\n",
                                                  name, target, (unsigned long long)value)
                            : code;
}

/* Whole milliseconds: a float of the server's keeps no more of a date. */
static enum error_code moment(struct bytes *text, const char *target, const char *name,
                              const char *help, const struct journal_entry *entry,
                              struct error *error)
{
    int64_t utc_ns;
    if (!clock_utc_parse(entry->utc, &utc_ns))
        return ERROR_OK;
    enum error_code code = describe_metric(text, name, help, error);
    return code == ERROR_OK
               ? bytes_append_format(text, error, "titan_fsm_%s{target=\"%s\"} %lld.%03lld\n", name,
                                     target, (long long)(utc_ns / 1000000000),
                                     (long long)(utc_ns % 1000000000 / 1000000))
               : code;
}

static enum error_code states(struct bytes *text, const char *target,
                              const struct deployment *deployment, struct error *error)
{
    enum error_code code = describe_metric(
        text, "state", "1 for the state of the last deployment, 0 for every other.", error);
    for (unsigned state = 1; code == ERROR_OK && state < STATE_COUNT; state++)
        code = bytes_append_format(text, error, "titan_fsm_state{target=\"%s\",state=\"%s\"} %d\n",
                                   target, machine_state_name((enum state)state),
                                   deployment != NULL && deployment->state == state);
    return code;
}

static enum error_code deployment_metrics(struct bytes *text, const char *target,
                                          const struct deployment *deployment, struct error *error)
{
    const struct journal_entry *reached = deployment_transition_to(deployment, deployment->state);
    enum error_code code = describe_metric(text, "deployment_info",
                                           "The last deployment: its number and procedure.", error);
    if (code == ERROR_OK)
        code = bytes_append_format(
            text, error,
            "titan_fsm_deployment_info{target=\"%s\",deployment=\"%llu\",procedure=\"%s\"} 1\n",
            target, (unsigned long long)deployment->number,
            machine_procedure_name(deployment->procedure));
    if (code == ERROR_OK)
        code = moment(text, target, "state_since_timestamp_seconds",
                      "When the state was reached, by the driver's wall clock.",
                      reached != NULL ? reached : &deployment->entries[0], error);
    if (code == ERROR_OK)
        code = moment(text, target, "last_entry_timestamp_seconds",
                      "When the deployment's last entry was written, by the driver's wall clock.",
                      &deployment->entries[deployment->count - 1], error);
    return code;
}

enum error_code metrics_text(const struct metrics *metrics, struct bytes *ret_text,
                             struct error *error)
{
    const struct deployment *deployment = metrics->deployment;
    char target[LABEL_BYTES], journal[LABEL_BYTES];
    label_value(metrics->target, target);
    label_value(metrics->journal, journal);
    enum error_code code = describe_metric(ret_text, "journal_info", "The journal's id.", error);
    if (code == ERROR_OK)
        code = bytes_append_format(ret_text, error,
                                   "titan_fsm_journal_info{target=\"%s\",journal=\"%s\"} 1\n",
                                   target, journal);
    if (code == ERROR_OK)
        code = gauge(ret_text, target, "journal_entries", "Entries of the journal.",
                     metrics->entries, error);
    if (code == ERROR_OK)
        code = gauge(ret_text, target, "journal_size_bytes", "Size of the journal's file.",
                     metrics->bytes, error);
    if (code == ERROR_OK)
        code = gauge(ret_text, target, "deployment_open", "1 while a deployment is open.",
                     deployment != NULL && !deployment->ended, error);
    if (code == ERROR_OK)
        code = gauge(
            ret_text, target, "step_open",
            "1 while a step is being taken, or was interrupted: an intent without its transition.",
            deployment != NULL && deployment->intent.seq != 0, error);
    if (code == ERROR_OK)
        code = states(ret_text, target, deployment, error);
    return code == ERROR_OK && deployment != NULL
               ? deployment_metrics(ret_text, target, deployment, error)
               : code;
}
