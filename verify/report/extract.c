/* One entry taken out, for OpenSSH's own tools: the payload as it was signed, and its signature in
 * armor. */
#include "verify/verify.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "journal/format/sshsig.h"

static enum error_code write_file(const char *path, const void *data, size_t size,
                                  struct error *error)
{
    int descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    bool good = descriptor >= 0;
    for (const char *at = data; good && size > 0;) {
        ssize_t written = write(descriptor, at, size);
        good = written > 0;
        at += good ? written : 0;
        size -= good ? (size_t)written : 0;
    }
    int number = errno;
    if (descriptor >= 0)
        good = close(descriptor) == 0 && good;
    return good ? ERROR_OK
                : error_set(error, ERROR_USAGE, number, path,
                            "choose a place that can be written with --out",
                            "it cannot be written: %s", strerror(number));
}

enum error_code verify_extract(const char *path, uint64_t seq, const char *prefix,
                               struct error *error)
{
    CLEANUP_RECORD struct record record = {0};
    CLEANUP_BYTES struct bytes armor = {0};
    CLEANUP_BYTES struct bytes name = {0};
    enum error_code code = record_read(path, &record, error);
    if (code != ERROR_OK)
        return code;
    if (seq >= record.count)
        return error_set(error, ERROR_USAGE, 0, path, "entries are numbered from 0",
                         "it has %zu entries, and none numbered %llu", record.count,
                         (unsigned long long)seq);
    struct entry *entry = &record.entries[seq];
    code = entry_check(entry, error);
    if (code != ERROR_OK)
        return code;
    size_t size;
    const uint8_t *payload = entry_payload(entry, &size);
    code = sshsig_armor(SSHSIG_NAMESPACE_JOURNAL, entry->value.data, entry->signer, &armor, error);
    if (code == ERROR_OK)
        code = bytes_append_format(&name, error, "%s.sig", prefix);
    if (code == ERROR_OK)
        code = write_file(prefix, payload, size, error);
    return code == ERROR_OK ? write_file((const char *)name.data, armor.data, armor.size, error)
                            : code;
}
