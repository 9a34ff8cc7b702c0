/* fsm/commands/look/metrics: where a deployment stands, in the text format that node_exporter's
 * textfile collector reads.
 * Knows:     names and types of the metrics; not who scrapes them. Times are those of entries,
 *            in seconds since 1970, so that an age is `time() - metric` on the server and a
 *            stale file is visible.
 * Not here:  a verdict. titan-verify judges; fsm/examples/titan-metrics runs it and writes both.
 * Format:    Prometheus text exposition 0.0.4. Every state has a line in every scrape, so that
 *            an alert needs no absent(). */
#ifndef FSM_METRICS_H
#define FSM_METRICS_H

#include "fsm/past/deployment.h"
#include "journal/format/text.h"

struct metrics {
    const char *target, *journal;
    uint64_t entries, bytes;             /* of the journal; bytes on the disk */
    const struct deployment *deployment; /* the last one, NULL = none yet */
    bool driven, unwatched; /* a driver lives; none does, where one would have to watch */
};

/* Added to the caller's text. */
void metrics_text(const struct metrics *metrics, struct text *text);

#endif
