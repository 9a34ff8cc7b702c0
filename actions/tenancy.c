#include "actions/tenancy.h"
#include "journal/format/names.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

enum { ATTEMPTS = 5, STATUS_MOVED = 77, LOCK_SECONDS = 10 };
static const int64_t BRIEF_MS = 5000; /* a renewal must not become what the operator waits for */

enum act { ACT_INVALID = 0, ACT_TAKE, ACT_FREE, ACT_RENEW, ACT_FOLLOW, ACT_SUCCEED };

/* One change of the file: who asks for what, and what the answer is. */
struct request {
    enum act act;
    const struct tenancy_terms *terms;
    const struct tenancy_lost *lost; /* SUCCEED */
};

struct answer {
    bool write; /* false: it stands as it must already */
    int64_t deployment, epoch;
};

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
    json_t *object = json_loadb((const char *)text->data, text->size, JSON_REJECT_DUPLICATES, NULL);
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

int64_t tenancy_left_ms(const struct tenancy *tenancy, const struct target_span *now)
{
    bool over = strcmp(tenancy->boot, now->boot) != 0 || tenancy->expires_ms <= now->after_ms;
    return over ? 0 : tenancy->expires_ms - now->after_ms;
}

bool tenancy_is_followed(const struct tenancy *tenancy, const struct tenancy_terms *terms)
{
    return strcmp(tenancy->journal, terms->journal) == 0 && tenancy->deployment == terms->deployment
           && tenancy->epoch > terms->epoch;
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

static enum error_code write_text(const struct request *request, const struct answer *answer,
                                  const struct tenancy *now, const struct target_span *span,
                                  struct bytes *text, struct error *error)
{
    const struct tenancy_terms *terms = request->terms;
    json_t *object = json_pack("{s:s, s:I, s:I, s:I, s:s, s:s, s:s, s:I, s:s}", "journal",
                               terms->journal, "deployment", (json_int_t)answer->deployment,
                               "epoch", (json_int_t)answer->epoch, "head_seq",
                               (json_int_t)terms->head_seq, "head_hash", terms->head_hash, "holder",
                               terms->holder, "boot", span->boot, "expires_ms",
                               (json_int_t)(span->after_ms + terms->tenancy_ms), "guard",
                               now->guard[0] != '\0' ? now->guard : "absent");
    char *line = object != NULL ? json_dumps(object, JSON_COMPACT) : NULL;
    enum error_code code = line == NULL ? error_set(error, ERROR_MEMORY, 0, "", "", "out of memory")
                                        : bytes_append_format(text, error, "%s\n", line);
    free(line);
    json_decref(object);
    return code;
}

static enum error_code held(struct error *error, const char *next, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static enum error_code held(struct error *error, const char *next, const char *format, ...)
{
    char what[400];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    return error_set(error, ERROR_HELD, 0, "deployment.json", next, "%s", what);
}

static enum error_code held_by_another(const struct tenancy *now, const struct target_span *span,
                                       const char *then, struct error *error)
{
    char next[200];
    (void)snprintf(next, sizeof next,
                   "wait until it ends or expires%s; `titan-fsm disarm` is possible at any time",
                   then);
    return held(error, next,
                "deployment %lld is held by %s; its tenancy expires in %lld s unless renewed",
                (long long)now->deployment, now->holder,
                (long long)((tenancy_left_ms(now, span) + 999) / 1000));
}

/* Another copy of this journal went on: the target knows an entry that this one has not. */
static bool knows_more(const struct tenancy *now, const struct tenancy_terms *terms)
{
    return strcmp(now->journal, terms->journal) == 0
           && (now->head_seq > terms->head_seq
               || (terms->has_entry != NULL
                   && !terms->has_entry(terms->context, now->head_seq, now->head_hash)));
}

/* The journal is the one that the target belongs to, in its newest copy. */
static enum error_code check_copy(const struct tenancy *now, const struct tenancy_terms *terms,
                                  struct error *error)
{
    if (now->journal[0] == '\0')
        return ERROR_OK;
    bool same = strcmp(now->journal, terms->journal) == 0;
    if (!same && now->deployment != 0)
        return held(
            error,
            "finish it with the journal that began it; if that journal is lost for good, an "
            "administrator runs `titan-fsm init --succeed`",
            "deployment %lld of another journal (%.32s, held by %s) is open on this target",
            (long long)now->deployment, now->journal, now->holder);
    if (!same)
        return held(error,
                    "use that journal; if it is lost for good, an administrator runs `titan-fsm "
                    "init --succeed`",
                    "this target belongs to another journal (%.32s)", now->journal);
    if (!knows_more(now, terms))
        return ERROR_OK;
    if (now->head_seq > terms->head_seq)
        return held(error, "use the newest copy of the journal",
                    "the target knows entry %lld of this journal, but this copy ends at entry %lld",
                    (long long)now->head_seq, (long long)terms->head_seq);
    return held(error, "use the copy of the journal that was continued",
                "the target knows another entry %lld than this copy has: another copy of this "
                "journal was continued",
                (long long)now->head_seq);
}

/* Nobody else's: missing, or what a backup of ours put back. */
static bool is_outdated(const struct tenancy *now, const struct tenancy_terms *terms)
{
    if (now->journal[0] == '\0')
        return true;
    bool older = now->epoch < terms->epoch
                 || (now->epoch == terms->epoch && now->deployment != 0
                     && now->deployment < terms->deployment);
    return older && strcmp(now->journal, terms->journal) == 0;
}

static enum error_code check_kept(const struct tenancy *now, const struct tenancy_terms *terms,
                                  struct error *error)
{
    if (terms->restore && is_outdated(now, terms))
        return check_copy(now, terms, error);
    if (now->journal[0] == '\0')
        return error_set(error, ERROR_REMOTE, 0, "deployment.json",
                         "titan-fsm takeover --reason TEXT writes it again; on the way back "
                         "titan-fsm resume does",
                         "deployment.json on the target is gone or empty, so nothing there says "
                         "that the target is this deployment's");
    if (tenancy_is_followed(now, terms))
        return held(error, "leave the deployment to them, or use their copy of the journal",
                    "deployment %lld was taken over by %s", (long long)now->deployment,
                    now->holder);
    if (strcmp(now->journal, terms->journal) == 0 && now->epoch < terms->epoch)
        return held(
            error,
            "titan-fsm takeover --reason TEXT again, once its time is over; titan-fsm rollback "
            "or abort writes it again at once",
            "the takeover of this deployment did not reach the target, or an older file was put "
            "back there");
    if (strcmp(now->journal, terms->journal) != 0 || now->deployment != terms->deployment
        || now->epoch != terms->epoch)
        return held(error, "titan-fsm status",
                    "this deployment no longer has the tenancy of the target");
    return check_copy(now, terms, error);
}

/* By this deployment's last step, before it died: only the copy of the journal that has that step
 * is past it. */
static bool is_freed(const struct tenancy *now, const struct tenancy_terms *terms)
{
    return now->deployment == 0 && now->epoch == terms->epoch
           && strcmp(now->journal, terms->journal) == 0;
}

enum error_code tenancy_ask(struct target *target, const struct tenancy_terms *terms,
                            int64_t deadline_ms, struct error *error)
{
    struct evidence evidence = {.count = 0};
    struct tenancy now;
    struct error ignored;
    enum error_code code = read_within(target, deadline_ms, &evidence, &now, &ignored);
    evidence_clear(&evidence);
    bool behind = code == ERROR_OK && (tenancy_is_followed(&now, terms) || knows_more(&now, terms));
    return behind ? check_kept(&now, terms, error) : ERROR_OK;
}

enum error_code tenancy_may_follow(const struct tenancy *now, const struct target_span *span,
                                   const struct tenancy_terms *terms, struct error *error)
{
    enum error_code code = check_copy(now, terms, error);
    if (code != ERROR_OK)
        return code;
    return now->deployment != 0 && tenancy_left_ms(now, span) > 0
               ? held_by_another(now, span, ", then titan-fsm takeover --reason TEXT", error)
               : ERROR_OK;
}

enum error_code tenancy_may_succeed(const struct tenancy *now, const struct target_span *span,
                                    const struct tenancy_terms *terms,
                                    const struct tenancy_lost *lost, struct error *error)
{
    if (now->journal[0] == '\0')
        return error_set(error, ERROR_REFUSED, 0, "deployment.json", "titan-fsm init",
                         "this target belongs to no journal yet, so there is none to succeed");
    if (strcmp(now->journal, terms->journal) == 0)
        return ERROR_OK;
    if (strcmp(now->journal, lost->journal) != 0)
        return error_set(error, ERROR_REFUSED, 0, "deployment.json",
                         "find out which journal is lost, and give its id",
                         "this target belongs to the journal %.32s, not to the one given",
                         now->journal);
    if (now->deployment != 0 && tenancy_left_ms(now, span) > 0)
        return held_by_another(now, span, "", error);
    if (now->head_seq != lost->head_seq || strcmp(now->head_hash, lost->head_hash) != 0)
        return held(
            error,
            "that journal is not lost; else remove the new journal's directory and run this again",
            "the journal to be succeeded went on meanwhile, to entry %lld",
            (long long)now->head_seq);
    return ERROR_OK;
}

/* What must be written, by the rules of tenancy.h. */
static enum error_code decide_change(const struct request *request, const struct tenancy *now,
                                     const struct target_span *span, struct answer *answer,
                                     struct error *error)
{
    const struct tenancy_terms *terms = request->terms;
    bool ours = now->deployment == terms->deployment && strcmp(now->journal, terms->journal) == 0;
    enum error_code code = ERROR_OK;
    *answer = (struct answer){.write = true, .deployment = terms->deployment, .epoch = now->epoch};
    switch (request->act) {
    case ACT_INVALID:
        break;
    case ACT_TAKE:
        code = check_copy(now, terms, error);
        if (code == ERROR_OK && now->deployment != 0 && !ours && tenancy_left_ms(now, span) > 0)
            code = held_by_another(now, span, ", then titan-fsm takeover --reason TEXT", error);
        answer->epoch += !ours;
        answer->epoch = answer->epoch > terms->epoch
                            ? answer->epoch
                            : terms->epoch; /* a takeover before this had not reached the target */
        return code;
    case ACT_FREE:
        answer->write = now->deployment != 0 || now->journal[0] == '\0';
        answer->deployment = 0;
        answer->epoch = now->journal[0] == '\0' ? terms->epoch : now->epoch;
        return check_copy(now, terms, error);
    case ACT_RENEW:
        answer->write = !is_freed(now, terms);
        answer->epoch = terms->restore && is_outdated(now, terms) ? terms->epoch : now->epoch;
        return is_freed(now, terms) ? check_copy(now, terms, error) : check_kept(now, terms, error);
    case ACT_FOLLOW:
        answer->epoch = terms->epoch;
        if (now->epoch >= terms->epoch)
            return held(error, "titan-fsm status",
                        "another driver took the tenancy at the same moment (%s)", now->holder);
        return tenancy_may_follow(now, span, terms, error);
    case ACT_SUCCEED:
        answer->write = strcmp(now->journal, terms->journal) != 0;
        answer->deployment = 0;
        answer->epoch++;
        return tenancy_may_succeed(now, span, terms, request->lost, error);
    }
    return error_set(error, ERROR_REFUSED, 0, "deployment.json", "report this",
                     "nothing is asked of the tenancy");
}

static enum error_code change_deployment_file(struct target *target, const struct request *request,
                                              struct evidence *evidence,
                                              struct tenancy *ret_tenancy, struct error *error)
{
    bool brief = request->act == ACT_RENEW;
    for (unsigned attempt = 0; attempt < ATTEMPTS; attempt++) {
        size_t before = evidence->count;
        struct tenancy now;
        struct answer answer = {.write = false};
        CLEANUP_BYTES struct bytes text = {0};
        int status = STATUS_MOVED;
        enum error_code code = read_within(target, brief ? BRIEF_MS : 0, evidence, &now, error);
        if (code != ERROR_OK)
            return code;
        struct target_span span = evidence->items[before].target;
        code = decide_change(request, &now, &span, &answer, error);
        if (code == ERROR_OK && !answer.write) {
            *ret_tenancy = now;
            return ERROR_OK;
        }
        if (code == ERROR_OK)
            code = write_text(request, &answer, &now, &span, &text, error);
        if (code == ERROR_OK)
            code = swap_deployment_file(target, brief, &evidence->items[before].output, &text,
                                        &status, error);
        evidence_cut(evidence, before);
        if (code != ERROR_OK || (status == 0 && brief))
            return code;
        if (status == 0)
            return tenancy_read(target, evidence, ret_tenancy, error);
    }
    return held(error, "try again", "other drivers keep changing deployment.json");
}

enum error_code tenancy_take(struct target *target, const struct tenancy_terms *terms,
                             struct evidence *evidence, struct tenancy *ret_tenancy,
                             struct error *error)
{
    struct tenancy tenancy;
    enum error_code code = change_deployment_file(
        target, &(struct request){.act = ACT_TAKE, .terms = terms}, evidence, &tenancy, error);
    if (code != ERROR_OK)
        return code;
    if (tenancy.deployment != terms->deployment || strcmp(tenancy.journal, terms->journal) != 0)
        return held(error, "titan-fsm status",
                    "another driver took the tenancy at the same moment");
    *ret_tenancy = tenancy;
    return ERROR_OK;
}

enum error_code tenancy_free(struct target *target, const struct tenancy_terms *terms,
                             struct evidence *evidence, struct error *error)
{
    struct tenancy tenancy;
    return change_deployment_file(target, &(struct request){.act = ACT_FREE, .terms = terms},
                                  evidence, &tenancy, error);
}

/* Nothing of the file becomes evidence. */
static enum error_code change_without_evidence(struct target *target, const struct request *request,
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
    return change_without_evidence(target, &(struct request){.act = ACT_RENEW, .terms = terms},
                                   error);
}

enum error_code tenancy_follow(struct target *target, const struct tenancy_terms *terms,
                               struct error *error)
{
    return change_without_evidence(target, &(struct request){.act = ACT_FOLLOW, .terms = terms},
                                   error);
}

enum error_code tenancy_succeed(struct target *target, const struct tenancy_terms *terms,
                                const struct tenancy_lost *lost, struct evidence *evidence,
                                struct error *error)
{
    struct tenancy tenancy;
    return change_deployment_file(
        target, &(struct request){.act = ACT_SUCCEED, .terms = terms, .lost = lost}, evidence,
        &tenancy, error);
}
