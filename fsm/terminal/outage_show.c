/* The measurement of outage.h, as text and as an event. */
#include "fsm/terminal/outage.h"

#include <string.h>

static void print_rows(FILE *stream, const struct outage *outage, bool endpoints)
{
    const char *label = endpoints ? "endpoints" : "unavailable";
    for (size_t i = 0; i < outage->count; i++) {
        const struct outage_row *row = &outage->rows[i];
        if (row->endpoint != endpoints)
            continue;
        fprintf(stream, "%-12s ", label);
        bytes_print_escaped(stream, row->name, strlen(row->name));
        if (row->total_ns > 0)
            fprintf(stream, " at most %.1f s%s\n", (double)row->total_ns / 1e9,
                    row->since_ns != 0 ? " so far" : "");
        else
            fputs(" 0 s\n", stream);
        label = "";
    }
}

void outage_print(FILE *stream, const struct outage *outage)
{
    if (!outage->changed && outage->disarmed_ns < 0)
        return;
    if (!outage->measured) {
        fputs("unavailable  unknown: this machine was restarted in between\n", stream);
        return;
    }
    print_rows(stream, outage, false);
    print_rows(stream, outage, true);
    if (outage->disarmed_ns >= 0)
        fprintf(stream, "disarmed     Execution for %.1f s%s\n", (double)outage->disarmed_ns / 1e9,
                outage->still_disarmed ? " so far" : "");
    fprintf(stream, "             measured from recorded probes; resolution in the window %.1f s\n",
            (double)outage->resolution_ms / 1e3);
}

json_t *outage_json(const struct outage *outage)
{
    json_t *services = json_array(), *endpoints = json_array();
    for (size_t i = 0; i < outage->count; i++) {
        const struct outage_row *row = &outage->rows[i];
        (void)json_array_append_new(row->endpoint ? endpoints : services,
                                    json_pack("{s:s, s:I, s:b}", "name", row->name, "ms",
                                              (json_int_t)(row->total_ns / 1000000), "still",
                                              row->since_ns != 0));
    }
    json_t *disarmed = outage->disarmed_ns < 0
                           ? json_null()
                           : json_pack("{s:I, s:b}", "ms",
                                       (json_int_t)(outage->disarmed_ns / 1000000), "still",
                                       outage->still_disarmed);
    return json_pack("{s:s, s:b, s:o, s:o, s:o, s:I}", "event", "unavailable", "measured",
                     outage->measured, "services", services, "endpoints", endpoints, "disarmed",
                     disarmed, "resolution_ms", (json_int_t)outage->resolution_ms);
}
