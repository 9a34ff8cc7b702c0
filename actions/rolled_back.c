#include "actions/rolled_back.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { ROW_COMMIT_HEX = 40 };

enum error_code rolled_back_add(struct target *target, const struct target_tenancy *tenancy,
                                const char *commit, int64_t deployment, struct error *error)
{
    CLEANUP_TEXT struct text script = {0};
    CLEANUP_RESULT struct target_result result = {0};
    if (!bytes_is_hex(commit, ROW_COMMIT_HEX))
        return error_set(error, ERROR_PROTOCOL, 0, "git", "", "a commit is not 40 hex digits");
    text_add_format(&script, "umask 077; echo '%s %" PRId64 "' >> ", commit, deployment);
    target_add_quoted_state_path(&script, target, "rolled-back");
    text_add(&script, " && sync");
    struct target_command command = {.built = &script, .tenancy = tenancy};
    enum error_code code = target_run(target, &command, &result, error);
    if (code == ERROR_OK && result.status != 0)
        return error_set(error, ERROR_REMOTE, result.status, "rolled-back",
                         "look at the state directory of the target",
                         "the commit that was rolled back cannot be noted there");
    return code;
}

enum error_code rolled_back_find(struct target *target, const char *commit, int64_t *ret_deployment,
                                 struct error *error)
{
    CLEANUP_TEXT struct text script = {0};
    CLEANUP_RESULT struct target_result result = {0};
    text_add(&script, "cat ");
    target_add_quoted_state_path(&script, target, "rolled-back");
    text_add(&script, " 2>/dev/null || :");
    enum error_code code = target_run(
        target, &(struct target_command){.built = &script, .output = OUTPUT_NAMES}, &result, error);
    *ret_deployment = 0;
    const char *at = code == ERROR_OK && result.output.size > 0 ? (const char *)result.output.data
                                                                : "";
    for (; *at != '\0'; at += strcspn(at, "\n"), at += *at == '\n')
        if (strncmp(at, commit, ROW_COMMIT_HEX) == 0 && at[ROW_COMMIT_HEX] == ' ')
            (void)sscanf(at + ROW_COMMIT_HEX, " %18" SCNd64, ret_deployment);
    return code;
}
