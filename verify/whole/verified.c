#include "verify/whole/verified.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "verify/read/file.h"
#include "verify/read/slice.h"
#include "verify/report/output.h"

enum { VERIFIED_BYTES_MAX = 512 };

#define PROGRAM "titan-verify " TITAN_VERSION " verified"

static bool read_lines(struct slice rest, struct verified *verified, bool *ret_ours)
{
    struct slice program, journal, size, head;
    char number[24], again[24];
    if (!slice_line(&rest, &program) || !slice_begins(program, "titan-verify ")
        || !slice_line(&rest, &journal)
        || !slice_copy(journal, verified->journal, sizeof verified->journal)
        || !bytes_is_hex(verified->journal, FORMAT_JOURNAL_ID_HEX) || !slice_line(&rest, &size)
        || !slice_copy(size, number, sizeof number) || !slice_line(&rest, &head)
        || !slice_copy(head, verified->head, sizeof verified->head)
        || !bytes_is_hex(verified->head, SHA256_HEX) || rest.length != 0)
        return false;
    verified->size = strtoull(number, NULL, 10);
    (void)snprintf(again, sizeof again, "%llu", (unsigned long long)verified->size);
    *ret_ours = slice_is(program, PROGRAM);
    return verified->size > 0 && strcmp(number, again) == 0;
}

enum error_code verified_read(const char *path, struct verified *ret_verified, struct error *error)
{
    CLEANUP_BYTES struct bytes text = {0};
    struct verified verified = {.path = path};
    bool ours = false;
    enum error_code code = file_read(path, VERIFIED_BYTES_MAX, &text, NULL, error);
    bool absent = code == ERROR_SYSTEM && error->library_code == ENOENT;
    if (code != ERROR_OK && code != ERROR_MEMORY && !absent)
        code = error->code = ERROR_USAGE;
    if (code != ERROR_OK && !absent)
        return code;
    if (!absent
        && !read_lines((struct slice){(const char *)text.data, text.size}, &verified, &ours))
        return error_set(error, ERROR_USAGE, 0, path,
                         "name the file that --verified wrote, or a new one",
                         "this is not what titan-verify noted of an earlier run");
    *ret_verified = ours ? verified : (struct verified){.path = path};
    return ERROR_OK;
}

enum error_code verified_write(const struct verified *verified, struct error *error)
{
    CLEANUP_BYTES struct bytes text = {0};
    enum error_code code = bytes_append_format(&text, error, PROGRAM "\n%s\n%llu\n%s\n",
                                               verified->journal,
                                               (unsigned long long)verified->size, verified->head);
    return code == ERROR_OK ? output_write(verified->path, text.data, text.size, error) : code;
}
