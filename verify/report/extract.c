/* One entry taken out, for OpenSSH's own tools: the payload as it was signed, and its signature in
 * armor. */
#include "verify/verify.h"

#include "journal/format/sshsig.h"
#include "verify/read/reader.h"
#include "verify/report/output.h"

enum error_code verify_extract(const char *path, uint64_t seq, const char *prefix,
                               struct error *error)
{
    CLEANUP_RECORD struct record record = {0};
    CLEANUP_BYTES struct bytes armor = {0};
    CLEANUP_BYTES struct bytes name = {0};
    enum error_code code = reader_read(path, &record, error);
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
        code = output_write(prefix, payload, size, error);
    return code == ERROR_OK ? output_write((const char *)name.data, armor.data, armor.size, error)
                            : code;
}
