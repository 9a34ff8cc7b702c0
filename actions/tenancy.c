#include "actions/tenancy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

enum { ATTEMPTS = 5, STATUS_MOVED = 77, LOCK_SECONDS = 10 };

enum error_code tenancy_parse(const struct bytes *text, struct tenancy *ret_tenancy, struct error *error)
{
    struct tenancy tenancy = {.deployment = 0};
    if (text->size == 0) {
        *ret_tenancy = tenancy;
        return ERROR_OK;
    }
    const char *journal, *hash, *holder, *boot, *guard;
    json_int_t deployment, epoch, head, expires;
    json_t *object = json_loadb((const char *)text->data, text->size, JSON_REJECT_DUPLICATES, NULL);
    bool good = json_unpack(object, "{s:s, s:I, s:I, s:I, s:s, s:s, s:s, s:I, s:s}", "journal", &journal, "deployment", &deployment, "epoch", &epoch, "head_seq", &head,
                            "head_hash", &hash, "holder", &holder, "boot", &boot, "expires_ms", &expires, "guard", &guard) == 0
                && bytes_is_hex(journal, 32) && bytes_is_hex(hash, SHA256_HEX) && deployment >= 0 && epoch >= 0 && head >= 0;
    if (good) {
        tenancy = (struct tenancy){.deployment = deployment, .epoch = epoch, .head_seq = head, .expires_ms = expires};
        memcpy(tenancy.journal, journal, sizeof tenancy.journal);
        memcpy(tenancy.head_hash, hash, sizeof tenancy.head_hash);
        (void)snprintf(tenancy.holder, sizeof tenancy.holder, "%s", holder);
        (void)snprintf(tenancy.boot, sizeof tenancy.boot, "%s", boot);
        (void)snprintf(tenancy.guard, sizeof tenancy.guard, "%s", guard);
        *ret_tenancy = tenancy;
    }
    json_decref(object);
    return good ? ERROR_OK : error_set(error, ERROR_PROTOCOL, 0, "deployment.json", "look at the file on the target; an administrator may remove it",
                                       "what the target says of its holder cannot be read");
}

static enum error_code read_file(struct target *target, struct evidence *evidence, struct error *error)
{
    CLEANUP_BYTES struct bytes script = {0}, path = {0};
    enum error_code code = target_state_path(target, "deployment.json", &path, error);
    if (code == ERROR_OK)
        code = bytes_append_format(&script, error, "p=");
    if (code == ERROR_OK)
        code = shell_quote(&script, (const char *)path.data, error);
    if (code == ERROR_OK)
        code = bytes_append_format(&script, error, "; [ ! -e \"$p\" ] || cat \"$p\"");
    int status;
    if (code == ERROR_OK)
        code = target_probe(target, &(struct target_command){.script = (const char *)script.data, .output = OUTPUT_RAW}, "tenancy", "", evidence, &status, error);
    if (code == ERROR_OK && status != 0)
        return error_set(error, ERROR_REMOTE, status, (const char *)path.data, "check its permissions on the target", "deployment.json cannot be read");
    return code;
}

enum error_code tenancy_read(struct target *target, struct evidence *evidence, struct tenancy *ret_tenancy, struct error *error)
{
    enum error_code code = read_file(target, evidence, error);
    return code == ERROR_OK ? tenancy_parse(&evidence_last(evidence, "tenancy", NULL)->output, ret_tenancy, error) : code;
}

/* Writes `text` only where the file is still what was read: compare and swap on its hash, under a short lock, durable before it is renamed. */
static enum error_code swap(struct target *target, const struct bytes *old, const struct bytes *text, int *ret_status, struct error *error)
{
    CLEANUP_BYTES struct bytes script = {0}, state = {0};
    CLEANUP_RESULT struct target_result result = {0};
    char hash[SHA256_HEX + 1];
    bytes_sha256_hex(old->data, old->size, hash);
    enum error_code code = target_state_path(target, "", &state, error);
    if (code == ERROR_OK)
        code = bytes_append_format(&script, error, "umask 027; s=");
    if (code == ERROR_OK)
        code = shell_quote(&script, (const char *)state.data, error);
    if (code == ERROR_OK)
        code = bytes_append_format(&script, error, "; export s; mkdir -p \"$s\" && flock -w %d -E 75 \"$s/tenancy.lock\" sh -c 'f=$s/deployment.json; [ -e \"$f\" ] || : > \"$f\"; "
                                   "[ \"$(sha256sum < \"$f\" | cut -c1-64)\" = %s ] || exit %d; cat > \"$f.new\" && sync \"$f.new\" && mv \"$f.new\" \"$f\" && sync \"$s\"'",
                                   LOCK_SECONDS, hash, STATUS_MOVED);
    struct target_command command = {.script = (const char *)script.data, .input = text->data, .input_bytes = text->size};
    if (code == ERROR_OK)
        code = target_run(target, &command, &result, error);
    if (code != ERROR_OK)
        return code;
    *ret_status = result.status;
    if (result.status == 0 || result.status == STATUS_MOVED)
        return ERROR_OK;
    return error_set(error, ERROR_REMOTE, result.status, (const char *)state.data, "make the state directory writable for the deploy user",
                     "deployment.json cannot be written: %.300s", result.errors.size > 0 ? (const char *)result.errors.data : "locked");
}

static enum error_code write_text(const struct tenancy_claim *claim, int64_t deployment, int64_t epoch, const struct target_span *span, struct bytes *text, struct error *error)
{
    json_t *holder = json_string(claim->holder);
    char *quoted = holder != NULL ? json_dumps(holder, JSON_ENCODE_ANY | JSON_COMPACT) : NULL;
    enum error_code code = quoted == NULL ? error_set(error, ERROR_MEMORY, 0, "", "", "out of memory")
        : bytes_append_format(text, error, "{\"journal\":\"%s\",\"deployment\":%lld,\"epoch\":%lld,\"head_seq\":%lld,\"head_hash\":\"%s\",\"holder\":%s,\"boot\":\"%s\","
                              "\"expires_ms\":%lld,\"guard\":\"absent\"}\n", claim->journal, (long long)deployment, (long long)epoch, (long long)claim->head_seq,
                              claim->head_hash, quoted, span->boot, (long long)(span->after_ms + claim->tenancy_ms));
    free(quoted);
    json_decref(holder);
    return code;
}

static enum error_code check(const struct tenancy *now, const struct tenancy_claim *claim, const struct target_span *span, struct error *error)
{
    bool same_journal = now->journal[0] == '\0' || strcmp(now->journal, claim->journal) == 0;
    if (!same_journal && now->deployment != 0)
        return error_set(error, ERROR_HELD, 0, "deployment.json", "finish it where it was begun", "deployment %lld of another journal (%.32s, held by %s) is open on this target",
                         (long long)now->deployment, now->journal, now->holder);
    if (!same_journal)
        return error_set(error, ERROR_HELD, 0, "deployment.json", "use that journal; an administrator may remove the file when it is lost for good",
                         "this target belongs to another journal (%.32s)", now->journal);
    if (now->head_seq > claim->head_seq)
        return error_set(error, ERROR_HELD, 0, "deployment.json", "use the newest copy of the journal", "the target has seen entry %lld of this journal, and this copy ends at %lld",
                         (long long)now->head_seq, (long long)claim->head_seq);
    bool expired = strcmp(now->boot, span->boot) != 0 || now->expires_ms <= span->after_ms;
    if (now->deployment != 0 && now->deployment != claim->deployment && !expired)
        return error_set(error, ERROR_HELD, 0, "deployment.json", "wait until it ends", "deployment %lld, held by %s, is open on this target", (long long)now->deployment, now->holder);
    return ERROR_OK;
}

static enum error_code change(struct target *target, const struct tenancy_claim *claim, bool take, struct evidence *evidence, struct tenancy *ret_tenancy, struct error *error)
{
    for (unsigned attempt = 0; attempt < ATTEMPTS; attempt++) {
        size_t before = evidence->count;
        struct tenancy now;
        CLEANUP_BYTES struct bytes text = {0};
        int status = STATUS_MOVED;
        enum error_code code = tenancy_read(target, evidence, &now, error);
        if (code != ERROR_OK)
            return code;
        struct target_span span = evidence->items[before].target;
        code = check(&now, claim, &span, error);
        bool ours = now.deployment == claim->deployment && strcmp(now.journal, claim->journal) == 0;
        if (code == ERROR_OK && !take && now.deployment == 0 && now.journal[0] != '\0') {      /* freed already */
            *ret_tenancy = now;
            return ERROR_OK;
        }
        if (code == ERROR_OK)
            code = write_text(claim, take ? claim->deployment : 0, take && !ours ? now.epoch + 1 : now.epoch, &span, &text, error);
        if (code == ERROR_OK)
            code = swap(target, &evidence->items[before].output, &text, &status, error);
        evidence_cut(evidence, before);
        if (code != ERROR_OK)
            return code;
        if (status == 0)
            return tenancy_read(target, evidence, ret_tenancy, error);
    }
    return error_set(error, ERROR_HELD, 0, "deployment.json", "try again", "other drivers change deployment.json all the time");
}

enum error_code tenancy_take(struct target *target, const struct tenancy_claim *claim, struct evidence *evidence, struct tenancy *ret_tenancy, struct error *error)
{
    struct tenancy tenancy;
    enum error_code code = change(target, claim, true, evidence, &tenancy, error);
    if (code != ERROR_OK)
        return code;
    if (tenancy.deployment != claim->deployment || strcmp(tenancy.journal, claim->journal) != 0)
        return error_set(error, ERROR_HELD, 0, "deployment.json", "titan-fsm status", "another driver took the target in this very moment");
    *ret_tenancy = tenancy;
    return ERROR_OK;
}

enum error_code tenancy_free(struct target *target, const struct tenancy_claim *claim, struct evidence *evidence, struct error *error)
{
    struct tenancy tenancy;
    return change(target, claim, false, evidence, &tenancy, error);
}
