#include "actions/tenancy.h"
#include "journal/format/names.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

enum { ATTEMPTS = 5, STATUS_MOVED = 77, LOCK_SECONDS = 10 };
static const int64_t BRIEF_MS = 5000; /* a renewal must not become what the operator waits for */

enum error_code tenancy_parse(const struct bytes *text, struct tenancy *ret_tenancy,
                              struct error *error)
{
    struct tenancy tenancy = {.deployment = 0};
    if (text->size == 0) {
        *ret_tenancy = tenancy;
        return ERROR_OK;
    }
    const char *journal, *hash, *holder, *boot, *guard;
    json_int_t deployment, epoch, head, expires;
    errno = 0;
    json_t *object = json_loadb((const char *)text->data, text->size, JSON_REJECT_DUPLICATES, NULL);
    if (object == NULL && errno == ENOMEM)
        return error_set(error, ERROR_MEMORY, 0, "deployment.json", "", "out of memory");
    bool good = json_unpack(object, "{s:s, s:I, s:I, s:I, s:s, s:s, s:s, s:I, s:s}", "journal",
                            &journal, "deployment", &deployment, "epoch", &epoch, "head_seq", &head,
                            "head_hash", &hash, "holder", &holder, "boot", &boot, "expires_ms",
                            &expires, "guard", &guard)
                    == 0
                && bytes_is_hex(journal, 32) && bytes_is_hex(hash, SHA256_HEX) && deployment >= 0
                && epoch >= 0 && head >= 0 && strlen(holder) < sizeof tenancy.holder
                && strlen(boot) < sizeof tenancy.boot && strlen(guard) < sizeof tenancy.guard;
    if (good) {
        tenancy = (struct tenancy){.deployment = deployment,
                                   .epoch = epoch,
                                   .head_seq = head,
                                   .expires_ms = expires};
        memcpy(tenancy.journal, journal, sizeof tenancy.journal);
        memcpy(tenancy.head_hash, hash, sizeof tenancy.head_hash);
        memcpy(tenancy.holder, holder, strlen(holder) + 1);
        memcpy(tenancy.boot, boot, strlen(boot) + 1);
        memcpy(tenancy.guard, guard, strlen(guard) + 1);
        *ret_tenancy = tenancy;
    }
    json_decref(object);
    return good
               ? ERROR_OK
               : error_set(error, ERROR_PROTOCOL, 0, "deployment.json",
                           "titan-fsm takeover --reason TEXT, or on the way back titan-fsm resume: "
                           "either sets it aside and writes it again",
                           "deployment.json on the target cannot be read");
}

static enum error_code read_deployment_file(struct target *target, int64_t deadline_ms,
                                            struct evidence *evidence, struct error *error)
{
    CLEANUP_TEXT struct text script = {0}, path = {0};
    target_add_state_path(&path, target, "deployment.json");
    text_add(&script, "p=");
    text_add_quoted_text(&script, &path);
    text_add(&script,
             "; { [ ! -e \"$p\" ] && [ ! -h \"$p\" ]; } || { [ -f \"$p\" ] && cat \"$p\"; }");
    int status;
    enum error_code code = target_probe(target,
                                        &(struct target_command){.built = &script,
                                                                 .deadline_ms = deadline_ms,
                                                                 .output = OUTPUT_RAW},
                                        PROBE_TENANCY, "", evidence, &status, error);
    if (code == ERROR_OK && status != 0)
        return error_set(error, ERROR_REMOTE, status, text_string(&path),
                         "check its permissions on the target", "deployment.json cannot be read");
    return code;
}

static enum error_code read_within(struct target *target, int64_t deadline_ms,
                                   struct evidence *evidence, struct tenancy *ret_tenancy,
                                   struct error *error)
{
    enum error_code code = read_deployment_file(target, deadline_ms, evidence, error);
    return code == ERROR_OK ? tenancy_parse(&evidence_last(evidence, PROBE_TENANCY, NULL)->output,
                                            ret_tenancy, error)
                            : code;
}

enum error_code tenancy_read(struct target *target, struct evidence *evidence,
                             struct tenancy *ret_tenancy, struct error *error)
{
    return read_within(target, 0, evidence, ret_tenancy, error);
}

/* Writes `text` only where the file is still what was read: compare and swap on its hash, under a
 * short lock, durable before it is renamed. What arrived is compared too: the driver may die while
 * it sends, and half a file, or none, would read as a target without a tenancy. */
static enum error_code swap_deployment_file(struct target *target, bool brief,
                                            const struct bytes *old, const struct bytes *text,
                                            int *ret_status, struct error *error)
{
    CLEANUP_TEXT struct text script = {0}, state = {0};
    CLEANUP_RESULT struct target_result result = {0};
    char hash[SHA256_HEX + 1], sent[SHA256_HEX + 1];
    const char *draft = brief ? "renewed" : "new";
    bytes_sha256_hex(old->data, old->size, hash);
    bytes_sha256_hex(text->data, text->size, sent);
    target_add_state_path(&state, target, "");
    text_add(&script, "umask 027; s=");
    text_add_quoted_text(&script, &state);
    text_add_format(
        &script,
        "; export s; mkdir -p \"$s\" && flock -w %d -E 75 \"$s/tenancy.lock\" sh -c "
        "'f=$s/deployment.json; n=$f.%s; [ -e \"$f\" ] || : > \"$f\"; "
        "h() { sha256sum < \"$1\" | cut -c1-64; }; [ \"$(h \"$f\")\" = %s ] || exit %d; cat > "
        "\"$n\" && [ \"$(h \"$n\")\" = %s ] && sync \"$n\" && mv \"$n\" \"$f\" && sync \"$s\"'",
        brief ? 2 : LOCK_SECONDS, draft, hash, STATUS_MOVED, sent);
    struct target_command command = {.built = &script,
                                     .input = text->data,
                                     .input_bytes = text->size,
                                     .deadline_ms = brief ? BRIEF_MS : 0};
    enum error_code code = target_run(target, &command, &result, error);
    if (code != ERROR_OK)
        return code;
    *ret_status = result.status;
    if (result.status == 0 || result.status == STATUS_MOVED)
        return ERROR_OK;
    return error_set(error, ERROR_REMOTE, result.status, text_string(&state),
                     "make the state directory writable for the deploy user",
                     "deployment.json cannot be written: %.300s",
                     result.errors.size > 0 ? (const char *)result.errors.data : "locked");
}

static enum error_code write_text(const struct tenancy_request *request,
                                  const struct tenancy_answer *answer,
                                  const struct target_span *span, struct bytes *text,
                                  struct error *error)
{
    const struct tenancy_terms *terms = request->terms;
    json_t *object = json_pack("{s:s, s:I, s:I, s:I, s:s, s:s, s:s, s:I, s:s}", "journal",
                               terms->journal, "deployment", (json_int_t)answer->deployment,
                               "epoch", (json_int_t)answer->epoch, "head_seq",
                               (json_int_t)terms->head_seq, "head_hash", terms->head_hash, "holder",
                               terms->holder, "boot", span->boot, "expires_ms",
                               (json_int_t)(span->after_ms + terms->tenancy_ms), "guard",
                               terms->guard != NULL ? terms->guard : "absent");
    char *line = object != NULL ? json_dumps(object, JSON_COMPACT) : NULL;
    enum error_code code = line == NULL ? error_set(error, ERROR_MEMORY, 0, "", "", "out of memory")
                                        : bytes_append_format(text, error, "%s\n", line);
    free(line);
    json_decref(object);
    return code;
}

enum error_code tenancy_ask(struct target *target, const struct tenancy_terms *terms,
                            int64_t deadline_ms, struct error *error)
{
    struct evidence evidence = {.count = 0};
    struct tenancy now;
    struct error ignored;
    enum error_code code = read_within(target, deadline_ms, &evidence, &now, &ignored);
    evidence_clear(&evidence);
    return code == ERROR_OK ? tenancy_check_behind(&now, terms, error) : ERROR_OK;
}

static enum error_code change_deployment_file(struct target *target,
                                              const struct tenancy_request *request,
                                              struct evidence *evidence,
                                              struct tenancy *ret_tenancy, struct error *error)
{
    bool brief = request->act == TENANCY_RENEW;
    for (unsigned attempt = 0; attempt < ATTEMPTS; attempt++) {
        size_t before = evidence->count;
        struct tenancy now;
        struct tenancy_answer answer = {.write = false};
        CLEANUP_BYTES struct bytes text = {0};
        int status = STATUS_MOVED;
        enum error_code code = read_within(target, brief ? BRIEF_MS : 0, evidence, &now, error);
        if (code != ERROR_OK)
            return code;
        struct target_span span = evidence->items[before].target;
        code = tenancy_decide(request, &now, &span, &answer, error);
        if (code == ERROR_OK && !answer.write) {
            *ret_tenancy = now;
            return ERROR_OK;
        }
        if (code == ERROR_OK)
            code = write_text(request, &answer, &span, &text, error);
        if (code == ERROR_OK)
            code = swap_deployment_file(target, brief, &evidence->items[before].output, &text,
                                        &status, error);
        evidence_cut(evidence, before);
        if (code != ERROR_OK || (status == 0 && brief))
            return code;
        if (status == 0)
            return tenancy_read(target, evidence, ret_tenancy, error);
    }
    return tenancy_held(error, "try again", "other drivers keep changing deployment.json");
}

enum error_code tenancy_take(struct target *target, const struct tenancy_terms *terms,
                             struct evidence *evidence, struct tenancy *ret_tenancy,
                             struct error *error)
{
    struct tenancy tenancy;
    enum error_code code = change_deployment_file(target,
                                                  &(struct tenancy_request){.act = TENANCY_TAKE,
                                                                            .terms = terms},
                                                  evidence, &tenancy, error);
    if (code != ERROR_OK)
        return code;
    if (tenancy.deployment != terms->deployment || strcmp(tenancy.journal, terms->journal) != 0)
        return tenancy_held(error, "titan-fsm status",
                            "another driver took the tenancy at the same moment");
    *ret_tenancy = tenancy;
    return ERROR_OK;
}

enum error_code tenancy_free(struct target *target, const struct tenancy_terms *terms,
                             struct evidence *evidence, struct error *error)
{
    struct tenancy tenancy;
    return change_deployment_file(target,
                                  &(struct tenancy_request){.act = TENANCY_FREE, .terms = terms},
                                  evidence, &tenancy, error);
}

/* Nothing of the file becomes evidence. */
static enum error_code change_without_evidence(struct target *target,
                                               const struct tenancy_request *request,
                                               struct error *error)
{
    struct evidence evidence = {.count = 0};
    struct tenancy tenancy;
    enum error_code code = change_deployment_file(target, request, &evidence, &tenancy, error);
    evidence_clear(&evidence);
    return code;
}

enum error_code tenancy_renew(struct target *target, const struct tenancy_terms *terms,
                              struct error *error)
{
    return change_without_evidence(target,
                                   &(struct tenancy_request){.act = TENANCY_RENEW, .terms = terms},
                                   error);
}

enum error_code tenancy_follow(struct target *target, const struct tenancy_terms *terms,
                               struct error *error)
{
    return change_without_evidence(target,
                                   &(struct tenancy_request){.act = TENANCY_FOLLOW, .terms = terms},
                                   error);
}

enum error_code tenancy_succeed(struct target *target, const struct tenancy_terms *terms,
                                const struct tenancy_lost *lost, struct evidence *evidence,
                                struct error *error)
{
    struct tenancy tenancy;
    return change_deployment_file(
        target, &(struct tenancy_request){.act = TENANCY_SUCCEED, .terms = terms, .lost = lost},
        evidence, &tenancy, error);
}
