#include "fsm/past/baseline.h"

#include <stdio.h>
#include <string.h>

#include "fsm/past/deployment.h"
#include "fsm/past/recorded.h"
#include "journal/format/names.h"

static enum error_code hex_line(struct journal *journal, const struct journal_entry *entry,
                                const char *probe, size_t digits, char *ret_hex,
                                struct error *error)
{
    CLEANUP_BYTES struct bytes output = {0};
    enum error_code code = entry_output(journal, entry, probe, &output, error);
    if (code != ERROR_OK)
        return code;
    (void)snprintf(ret_hex, digits + 1, "%s",
                   output.size > digits ? (const char *)output.data : "");
    if (!bytes_is_hex(ret_hex, digits))
        ret_hex[0] = '\0';
    return ERROR_OK;
}

/* The state whose transition follows the last `up`: of a release, and of a policy change. */
static bool is_switched(const char *to)
{
    return strcmp(to, machine_state_name(STATE_SWITCHED)) == 0
           || strcmp(to, machine_state_name(STATE_BRAIN_DEPLOYED)) == 0;
}

enum error_code baseline_load(struct journal *journal, struct drift_baseline *ret_baseline,
                              struct error *error)
{
    struct drift_baseline baseline = {.deployment = 0};
    uint64_t entries;
    enum error_code code = journal_size(journal, &entries, error);
    for (uint64_t seq = entries; code == ERROR_OK && seq-- > 0;) {
        CLEANUP_ENTRY struct journal_entry entry = {0};
        code = journal_read(journal, seq, &entry, error);
        if (code != ERROR_OK)
            return code;
        const char *to = json_string_value(json_object_get(entry.body, "to"));
        if (strcmp(entry.type, ENTRY_TRANSITION) != 0 || to == NULL)
            continue;
        if (baseline.deployment == 0 && strcmp(to, machine_state_name(STATE_COMPLETED)) == 0)
            baseline.deployment = entry.deployment;
        if (baseline.deployment == 0 || entry.deployment != baseline.deployment || !is_switched(to))
            continue;
        code = hex_line(journal, &entry, PROBE_GIT_HEAD, COMMIT_HEX, baseline.commit, error);
        if (code == ERROR_OK)
            code = hex_line(journal, &entry, PROBE_HMAC_KEY, SHA256_HEX, baseline.hmac_key, error);
        if (code == ERROR_OK)
            code = hex_line(journal, &entry, PROBE_CONFIG_HMAC, SHA256_HEX, baseline.config_hmac,
                            error);
        if (code == ERROR_OK)
            code = hex_line(journal, &entry, PROBE_ENV_HMAC, SHA256_HEX, baseline.env_hmac, error);
        break;
    }
    if (code == ERROR_OK)
        *ret_baseline = baseline;
    return code;
}
