/* verify/report/output: a file that is there whole or not at all: written beside its place, on
 * disk, then renamed over it.
 * Knows:     a path and a stream; not what is written. Mode 0600 (less the umask). A path at which
 *            something else than a regular file stands is refused.
 * Ownership: output_close() drops what was not committed; it takes an empty one.
 * Durable:   the file and its name, once output_commit() has returned ERROR_OK.
 * Errors:    ERROR_USAGE with the path; what stood at the path before stands there still. */
#ifndef VERIFY_OUTPUT_H
#define VERIFY_OUTPUT_H

#include <stdio.h>

#include "journal/format/bytes.h"

/* What stands at the path already is replaced, or kept, which is an error then. */
enum output_mode { OUTPUT_INVALID = 0, OUTPUT_REPLACES, OUTPUT_KEEPS };

struct output {
    FILE *stream;
    const char *path; /* borrowed */
    enum output_mode mode;
    struct bytes temporary; /* its name, "" once it is in place */
};

enum error_code output_open(const char *path, enum output_mode mode, struct output *ret_output,
                            struct error *error) CHECKED;
enum error_code output_commit(struct output *output, struct error *error) CHECKED;
void output_close(struct output *output);
#define CLEANUP_OUTPUT __attribute__((cleanup(output_close)))

/* All of it at once; a regular file that stands there is replaced. */
enum error_code output_write(const char *path, const void *data, size_t size, struct error *error)
    CHECKED;

#endif
