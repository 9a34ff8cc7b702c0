/* fsm/terminal/metrics: where a deployment stands, in the text format that node_exporter's textfile
 * collector reads.
 * Knows:     names and types of the metrics; nothing of who scrapes them. Times are those of
 *            entries, in seconds since 1970, so that an age is `time() - metric` on the server and
 *            a file that nobody renews grows old visibly.
 * Not here:  a verdict. What happened is judged by titan-verify; fsm/examples/titan-metrics asks it
 *            and writes both.
 * Format:    Prometheus text exposition 0.0.4. Every state has a line in every scrape, so that an
 *            alert needs no absent(). */
#ifndef FSM_METRICS_H
#define FSM_METRICS_H

#include "fsm/deployment.h"

struct metrics {
    const char *target, *journal;
    uint64_t entries, bytes;             /* of the journal; bytes on the disk */
    const struct deployment *deployment; /* the last one, NULL = none yet */
};

/* Appended to `ret_text`, which belongs to the caller. */
enum error_code metrics_text(const struct metrics *metrics, struct bytes *ret_text,
                             struct error *error) CHECKED;

#endif
