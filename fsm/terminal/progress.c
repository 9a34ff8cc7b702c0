#include "fsm/terminal/progress.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "fsm/terminal/display_read.h"
#include "fsm/terminal/outage.h"
#include "fsm/terminal/print.h"
#include "fsm/terminal/screen.h"
#include "journal/canonical.h"

/* One JSON object a line, so that a reader can follow a run while it happens. */
static void print_event(json_t *event)
{
    CLEANUP_JSON json_t *owned = event;
    if (owned == NULL)
        return;
    (void)json_dumpf(owned, stdout, JSON_COMPACT | JSON_ENSURE_ASCII);
    (void)fputc('\n', stdout);
    (void)fflush(stdout);
}

/* Behind the time of it; above the frame if there is one. */
static void say_line(const struct driver *driver, const struct text *said)
{
    CLEANUP_TEXT struct text line = {0};
    struct clock_reading now;
    struct error ignored;
    if (driver->told_utc != NULL)
        text_add_format(&line, "%.8s  ", driver->told_utc + 11);
    else if (driver->clock->read(driver->clock->context, &now, &ignored) == ERROR_OK)
        text_add_format(&line, "%.8s  ", now.utc + 11);
    text_add(&line, text_string(said));
    if (driver->screen != NULL)
        screen_begin(driver->screen);
    print_line(driver->world, &line);
    (void)fflush(stdout);
    if (driver->screen != NULL)
        screen_end(driver->screen);
}

void progress_open(struct driver *driver)
{
    struct error ignored;
    if (driver->options.json || driver->options.quiet || !screen_is_possible(driver->world))
        return;
    driver->shown = calloc(1, sizeof *driver->shown);
    if (driver->shown != NULL && screen_open(driver->world, &driver->screen, &ignored) == ERROR_OK)
        progress_look(driver);
}

void progress_close(struct driver *driver)
{
    screen_close(driver->screen);
    driver->screen = NULL;
    if (driver->shown != NULL)
        deployment_clear(driver->shown);
    free(driver->shown);
    driver->shown = NULL;
}

/* Reads what is new in the journal: an event is printed after its entry is written and before the
 * driver has reloaded. */
void progress_look(const struct driver *driver)
{
    struct deployment *shown = driver->shown;
    struct display_model model;
    struct watcher watcher;
    struct clock_reading now;
    struct error ignored;
    bool found = true;
    if (driver->screen == NULL)
        return;
    if (driver->clock->read(driver->clock->context, &now, &ignored) == ERROR_OK
        && deployment_follow(driver->journal, shown, &found, &ignored) == ERROR_OK && found) {
        watcher_ask(driver, &watcher);
        display_read(shown, &driver->config, &watcher, &now, &model);
        screen_show(driver->screen, &model);
    }
}

void progress_step(const struct driver *driver, const struct transition *edge, bool adopted)
{
    CLEANUP_TEXT struct text line = {0};
    if (driver->options.json) {
        print_event(json_pack("{s:s, s:s, s:s, s:b}", "event", "step", "state",
                              machine_state_name(edge->from), "action",
                              machine_action_name(edge->action), "adopted", adopted));
        return;
    }
    if (driver->screen != NULL) {
        progress_look(driver);
        return;
    }
    if (driver->options.quiet)
        return;
    text_add_format(&line, "%-18s %s%s", machine_state_name(edge->from),
                    machine_action_name(edge->action), adopted ? " (continued)" : "");
    say_line(driver, &line);
}

void progress_transition(const struct driver *driver, const struct transition *edge,
                         const char *reason)
{
    CLEANUP_TEXT struct text line = {0};
    bool good = edge->event == EVENT_DONE || edge->event == EVENT_REARMED;
    if (driver->options.json) {
        print_event(json_pack("{s:s, s:s, s:s, s:s, s:s}", "event", "transition", "from",
                              machine_state_name(edge->from), "by", machine_event_name(edge->event),
                              "to", machine_state_name(edge->to), "reason", reason));
        return;
    }
    progress_look(driver);
    if ((driver->options.quiet && edge->event == EVENT_DONE)
        || (driver->screen != NULL && good)) /* the frame's list shows it */
        return;
    text_add_format(&line, "%-18s -> %s (%s)%s%s", machine_state_name(edge->from),
                    machine_state_name(edge->to), machine_event_name(edge->event),
                    reason[0] != '\0' ? ": " : "", reason);
    say_line(driver, &line);
}

void progress_reconciliation(const struct driver *driver, const char *action, const char *found,
                             const char *then, const char *reason)
{
    CLEANUP_TEXT struct text line = {0};
    if (driver->options.json) {
        print_event(json_pack("{s:s, s:s, s:s, s:s, s:s}", "event", "reconciliation", "action",
                              action, "found", found, "then", then, "reason", reason));
        return;
    }
    text_add_format(&line, "interrupted %s: found %s, therefore %s: %s", action, found, then,
                    reason);
    say_line(driver, &line);
}

void progress_sample(const struct driver *driver, int64_t number, int64_t elapsed_ms,
                     int64_t window_ms, const char *summary)
{
    CLEANUP_TEXT struct text line = {0};
    if (driver->options.json) {
        print_event(json_pack("{s:s, s:I, s:I, s:I, s:s}", "event", "sample", "n",
                              (json_int_t)number, "elapsed_ms", (json_int_t)elapsed_ms, "window_ms",
                              (json_int_t)window_ms, "summary", summary));
        return;
    }
    if (driver->screen != NULL) {
        progress_look(driver);
        return;
    }
    if (driver->options.quiet)
        return;
    text_add_format(&line, "  sample %-4lld %6.1f s of %.1f s  %s", (long long)number,
                    (double)elapsed_ms / 1000.0, (double)window_ms / 1000.0, summary);
    say_line(driver, &line);
}

void progress_word(const struct driver *driver, const char *format, ...)
{
    CLEANUP_TEXT struct text line = {0};
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (driver->options.json) {
        print_event(json_pack("{s:s, s:s}", "event", "word", "text", text));
        return;
    }
    text_add(&line, text);
    say_line(driver, &line);
}

void progress_changes(const struct driver *driver, const struct changes *changes)
{
    if (driver->options.json) {
        print_event(changes_json(changes));
        return;
    }
    if (driver->screen != NULL)
        screen_begin(driver->screen);
    changes_print(stdout, changes);
    (void)fflush(stdout);
    if (driver->screen != NULL)
        screen_end(driver->screen);
}

void progress_outage(struct driver *driver)
{
    struct outage outage;
    struct error error;
    if (outage_measure(driver, &outage, &error) != ERROR_OK) {
        progress_word(driver, "how long services were unavailable is unknown: %s", error.what);
        return;
    }
    if (driver->options.json && (outage.changed || outage.disarmed_ns >= 0))
        print_event(outage_json(&outage));
    else if (!driver->options.json && !driver->options.quiet)
        outage_print(stdout, &outage);
}

void progress_pull(const struct driver *driver, const char *line)
{
    if (driver->screen != NULL)
        screen_pull(driver->screen, line);
}

void progress_pause(const struct driver *driver)
{
    if (driver->screen != NULL)
        screen_pause(driver->screen);
}

void progress_resume(const struct driver *driver)
{
    if (driver->screen != NULL)
        screen_resume(driver->screen);
}
