#include "actions/tenancy_rules.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

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

enum error_code tenancy_held(struct error *error, const char *next, const char *format, ...)
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
    return tenancy_held(
        error, next, "deployment %lld is held by %s; its tenancy expires in %lld s unless renewed",
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
        return tenancy_held(
            error,
            "finish it with the journal that began it; if that journal is lost for good, an "
            "administrator runs `titan-fsm init --succeed`",
            "deployment %lld of another journal (%.32s, held by %s) is open on this target",
            (long long)now->deployment, now->journal, now->holder);
    if (!same)
        return tenancy_held(
            error,
            "use that journal; if it is lost for good, an administrator runs `titan-fsm "
            "init --succeed`",
            "this target belongs to another journal (%.32s)", now->journal);
    if (!knows_more(now, terms))
        return ERROR_OK;
    if (now->head_seq > terms->head_seq)
        return tenancy_held(
            error, "use the newest copy of the journal",
            "the target knows entry %lld of this journal, but this copy ends at entry %lld",
            (long long)now->head_seq, (long long)terms->head_seq);
    return tenancy_held(
        error, "use the copy of the journal that was continued",
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
        return tenancy_held(error, "leave the deployment to them, or use their copy of the journal",
                            "deployment %lld was taken over by %s", (long long)now->deployment,
                            now->holder);
    if (strcmp(now->journal, terms->journal) == 0 && now->epoch < terms->epoch)
        return tenancy_held(
            error,
            "titan-fsm takeover --reason TEXT again, once its time is over; titan-fsm rollback "
            "or abort writes it again at once",
            "the takeover of this deployment did not reach the target, or an older file was put "
            "back there");
    if (strcmp(now->journal, terms->journal) != 0 || now->deployment != terms->deployment
        || now->epoch != terms->epoch)
        return tenancy_held(error, "titan-fsm status",
                            "this deployment no longer has the tenancy of the target");
    return check_copy(now, terms, error);
}

enum error_code tenancy_check_behind(const struct tenancy *now, const struct tenancy_terms *terms,
                                     struct error *error)
{
    bool behind = tenancy_is_followed(now, terms) || knows_more(now, terms);
    return behind ? check_kept(now, terms, error) : ERROR_OK;
}

/* By this deployment's last step, before it died: only the copy of the journal that has that step
 * is past it. */
static bool is_freed(const struct tenancy *now, const struct tenancy_terms *terms)
{
    return now->deployment == 0 && now->epoch == terms->epoch
           && strcmp(now->journal, terms->journal) == 0;
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
        return tenancy_held(
            error,
            "that journal is not lost; else remove the new journal's directory and run this again",
            "the journal to be succeeded went on meanwhile, to entry %lld",
            (long long)now->head_seq);
    return ERROR_OK;
}

enum error_code tenancy_decide(const struct tenancy_request *request, const struct tenancy *now,
                               const struct target_span *span, struct tenancy_answer *answer,
                               struct error *error)
{
    const struct tenancy_terms *terms = request->terms;
    bool ours = now->deployment == terms->deployment && strcmp(now->journal, terms->journal) == 0;
    enum error_code code = ERROR_OK;
    *answer = (struct tenancy_answer){.write = true,
                                      .deployment = terms->deployment,
                                      .epoch = now->epoch};
    switch (request->act) {
    case TENANCY_INVALID:
        break;
    case TENANCY_TAKE:
        code = check_copy(now, terms, error);
        if (code == ERROR_OK && now->deployment != 0 && !ours && tenancy_left_ms(now, span) > 0)
            code = held_by_another(now, span, ", then titan-fsm takeover --reason TEXT", error);
        answer->epoch += !ours;
        answer->epoch = answer->epoch > terms->epoch
                            ? answer->epoch
                            : terms->epoch; /* a takeover before this had not reached the target */
        return code;
    case TENANCY_FREE:
        answer->write = now->deployment != 0 || now->journal[0] == '\0';
        answer->deployment = 0;
        answer->epoch = now->journal[0] == '\0' ? terms->epoch : now->epoch;
        return check_copy(now, terms, error);
    case TENANCY_RENEW:
        answer->write = terms->retake || !is_freed(now, terms);
        answer->epoch = terms->restore && is_outdated(now, terms) ? terms->epoch : now->epoch;
        return is_freed(now, terms) ? check_copy(now, terms, error) : check_kept(now, terms, error);
    case TENANCY_FOLLOW:
        answer->epoch = terms->epoch;
        if (now->epoch >= terms->epoch)
            return tenancy_held(error, "titan-fsm status",
                                "another driver took the tenancy at the same moment (%s)",
                                now->holder);
        return tenancy_may_follow(now, span, terms, error);
    case TENANCY_SUCCEED:
        answer->write = strcmp(now->journal, terms->journal) != 0;
        answer->deployment = 0;
        answer->epoch++;
        return tenancy_may_succeed(now, span, terms, request->lost, error);
    }
    return error_set(error, ERROR_REFUSED, 0, "deployment.json", "report this",
                     "nothing is asked of the tenancy");
}
