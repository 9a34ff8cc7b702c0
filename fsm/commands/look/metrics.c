#include "fsm/commands/look/metrics.h"

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

static void describe_metric(struct text *text, const char *name, const char *help)
{
    text_add_format(text, "# HELP titan_fsm_%s %s\n# TYPE titan_fsm_%s gauge\n", name, help, name);
}

static void add_gauge(struct text *text, const char *target, const char *name, const char *help,
                      uint64_t value)
{
    describe_metric(text, name, help);
    text_add_format(text, "titan_fsm_%s{target=\"%s\"} %llu\n", name, target,
                    (unsigned long long)value);
}

/* In milliseconds: a server that keeps floats has no more digits for a date. */
static void add_time(struct text *text, const char *target, const char *name, const char *help,
                     const struct journal_entry *entry)
{
    int64_t utc_ns;
    if (!clock_utc_parse(entry->utc, &utc_ns))
        return;
    describe_metric(text, name, help);
    text_add_format(text, "titan_fsm_%s{target=\"%s\"} %lld.%03lld\n", name, target,
                    (long long)(utc_ns / 1000000000), (long long)(utc_ns % 1000000000 / 1000000));
}

static void add_states(struct text *text, const char *target, const struct deployment *deployment)
{
    describe_metric(text, "state", "1 for the state of the last deployment, 0 for every other.");
    for (unsigned state = 1; state < STATE_COUNT; state++)
        text_add_format(text, "titan_fsm_state{target=\"%s\",state=\"%s\"} %d\n", target,
                        machine_state_name((enum state)state),
                        deployment != NULL && deployment->state == state);
}

static void add_deployment(struct text *text, const char *target,
                           const struct deployment *deployment)
{
    const struct journal_entry *reached = deployment_transition_to(deployment, deployment->state);
    describe_metric(text, "deployment_info", "The last deployment: its number and procedure.");
    text_add_format(
        text, "titan_fsm_deployment_info{target=\"%s\",deployment=\"%llu\",procedure=\"%s\"} 1\n",
        target, (unsigned long long)deployment->number,
        machine_procedure_name(deployment->procedure));
    add_time(text, target, "state_since_timestamp_seconds",
             "When the state was reached, by the driver's wall clock.",
             reached != NULL ? reached : &deployment->entries[0]);
    add_time(text, target, "last_entry_timestamp_seconds",
             "When the deployment's last entry was written, by the driver's wall clock.",
             &deployment->entries[deployment->count - 1]);
}

void metrics_text(const struct metrics *metrics, struct text *text)
{
    const struct deployment *deployment = metrics->deployment;
    char target[LABEL_BYTES], journal[LABEL_BYTES];
    label_value(metrics->target, target);
    label_value(metrics->journal, journal);
    describe_metric(text, "journal_info", "The journal's id.");
    text_add_format(text, "titan_fsm_journal_info{target=\"%s\",journal=\"%s\"} 1\n", target,
                    journal);
    add_gauge(text, target, "journal_entries", "Entries of the journal.", metrics->entries);
    add_gauge(text, target, "journal_size_bytes", "Size of the journal's file.", metrics->bytes);
    add_gauge(text, target, "deployment_open", "1 while a deployment is open.",
              deployment != NULL && !deployment->ended);
    add_gauge(text, target, "step_open",
              "1 while a step runs or was interrupted: an intent without its transition.",
              deployment != NULL && deployment->intent.seq != 0);
    add_gauge(text, target, "driver_alive", "1 while a titan-fsm on this machine drives.",
              metrics->driven);
    add_gauge(text, target, "unwatched",
              "1 while something must be watched or brought to an end and no driver lives.",
              metrics->unwatched);
    add_states(text, target, deployment);
    if (deployment != NULL)
        add_deployment(text, target, deployment);
}
