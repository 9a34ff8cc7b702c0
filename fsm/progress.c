#include "fsm/progress.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "journal/canonical.h"

/* One JSON object a line, so that a reader can follow a run while it happens. */
static void print_json(json_t *event)
{
    CLEANUP_JSON json_t *owned = event;
    if (owned == NULL)
        return;
    (void)json_dumpf(owned, stdout, JSON_COMPACT | JSON_ENSURE_ASCII);
    (void)fputc('\n', stdout);
    (void)fflush(stdout);
}

static void print_time(const struct driver *driver)
{
    struct clock_reading now;
    struct error ignored;
    if (driver->clock->read(driver->clock->context, &now, &ignored) == ERROR_OK)
        fprintf(stdout, "%.8s  ", now.utc + 11);
}

static void print_escaped(const char *text)
{
    bytes_print_escaped(stdout, text, strlen(text));
}

static void end_line(void)
{
    (void)fputc('\n', stdout);
    (void)fflush(stdout);
}

void progress_step(const struct driver *driver, const struct transition *edge, bool adopted)
{
    if (driver->options.json) {
        print_json(json_pack("{s:s, s:s, s:s, s:b}", "event", "step", "state", machine_state_name(edge->from), "action",
                             machine_action_name(edge->action), "adopted", adopted));
        return;
    }
    if (driver->options.quiet)
        return;
    print_time(driver);
    fprintf(stdout, "%-18s %s%s", machine_state_name(edge->from), machine_action_name(edge->action), adopted ? " (taken up again)" : "");
    end_line();
}

void progress_transition(const struct driver *driver, const struct transition *edge, const char *reason)
{
    if (driver->options.json) {
        print_json(json_pack("{s:s, s:s, s:s, s:s, s:s}", "event", "transition", "from", machine_state_name(edge->from), "by",
                             machine_event_name(edge->event), "to", machine_state_name(edge->to), "reason", reason));
        return;
    }
    if (driver->options.quiet && edge->event == EVENT_DONE)
        return;
    print_time(driver);
    fprintf(stdout, "%-18s -> %s (%s)", machine_state_name(edge->from), machine_state_name(edge->to), machine_event_name(edge->event));
    if (reason[0] != '\0') {
        fputs(": ", stdout);
        print_escaped(reason);
    }
    end_line();
}

void progress_reconciliation(const struct driver *driver, const char *action, const char *found, const char *then, const char *reason)
{
    if (driver->options.json) {
        print_json(json_pack("{s:s, s:s, s:s, s:s, s:s}", "event", "reconciliation", "action", action, "found", found, "then", then, "reason",
                             reason));
        return;
    }
    print_time(driver);
    fprintf(stdout, "interrupted %s: found %s, so %s: ", action, found, then);
    print_escaped(reason);
    end_line();
}

void progress_sample(const struct driver *driver, int64_t number, int64_t elapsed_ms, int64_t window_ms, const char *summary)
{
    if (driver->options.json) {
        print_json(json_pack("{s:s, s:I, s:I, s:I, s:s}", "event", "sample", "n", (json_int_t)number, "elapsed_ms", (json_int_t)elapsed_ms,
                             "window_ms", (json_int_t)window_ms, "summary", summary));
        return;
    }
    if (driver->options.quiet)
        return;
    print_time(driver);
    fprintf(stdout, "  sample %-4lld %6.1f s of %.1f s  ", (long long)number, (double)elapsed_ms / 1000.0, (double)window_ms / 1000.0);
    print_escaped(summary);
    end_line();
}

void progress_word(const struct driver *driver, const char *format, ...)
{
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (driver->options.json) {
        print_json(json_pack("{s:s, s:s}", "event", "word", "text", text));
        return;
    }
    print_time(driver);
    print_escaped(text);
    end_line();
}

void progress_changes(const struct driver *driver, const struct changes *changes)
{
    if (driver->options.json) {
        print_json(changes_json(changes));
        return;
    }
    changes_print(stdout, changes);
    (void)fflush(stdout);
}

void progress_pause(const struct driver *driver)
{
    (void)driver;
}

void progress_resume(const struct driver *driver)
{
    (void)driver;
}
