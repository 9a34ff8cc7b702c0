#include "actions/parity.h"

#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "actions/target/bus.h"
#include "actions/logs.h"
#include "journal/format/names.h"

enum { REQUESTS = 3, REQUEST_MS = 3000 };
static const int64_t LOOK_PAUSE_NS = 250000000;

bool parity_reply_hash(const struct bytes *reply, char ret_hash[SHA256_HEX + 1])
{
    json_t *object = json_loadb((const char *)reply->data, reply->size, JSON_REJECT_DUPLICATES,
                                NULL);
    const char *hash = json_string_value(json_object_get(object, "policy_hash"));
    if (hash == NULL)
        hash = json_string_value(json_object_get(object, "hash")); /* as older documents show it */
    bool good = hash != NULL && bytes_is_hex(hash, SHA256_HEX);
    if (good)
        memcpy(ret_hash, hash, SHA256_HEX + 1);
    json_decref(object);
    return good;
}

/* One more voice. The first that differs from those before decides. */
static void hear(struct parity_view *view, const char *who, const char *hash)
{
    if (view->parity == PARITY_UNEQUAL || view->parity == PARITY_MISSING)
        return;
    if (hash[0] == '\0') {
        view->parity = PARITY_MISSING;
        (void)snprintf(view->text, sizeof view->text, "no policy hash from %s", who);
    } else if (view->hash[0] != '\0' && strcmp(view->hash, hash) != 0) {
        view->parity = PARITY_UNEQUAL;
        (void)snprintf(view->text, sizeof view->text,
                       "%s says policy hash %s where %s was said before", who, hash, view->hash);
    } else {
        (void)snprintf(view->hash, sizeof view->hash, "%s", hash);
    }
}

static enum error_code ask_responder(struct target *target, unsigned requests,
                                     struct evidence *evidence, struct parity_view *view,
                                     struct error *error)
{
    size_t first = evidence->count;
    const char *subject = target_setup(target)->bus.subject_policy_hash;
    for (unsigned i = 0; i < requests; i++) {
        unsigned answers = 0;
        enum error_code code = bus_request(target, PROBE_BUS_POLICY_HASH, subject, "{}", REQUEST_MS,
                                           evidence, &answers, error);
        if (code != ERROR_OK)
            return code;
        if (answers == 0)
            break;
    }
    for (size_t i = first; i < evidence->count; i++) {
        char hash[SHA256_HEX + 1] = "";
        bool answered = evidence->items[i].status == 0;
        if (answered && !parity_reply_hash(&evidence->items[i].output, hash)
            && view->parity == PARITY_INVALID) {
            /* a storage receipt, or anything else that is none of Execution's words */
            view->parity = PARITY_UNEQUAL;
            (void)snprintf(view->text, sizeof view->text, "an answer on %s names no policy hash",
                           subject);
        }
        hear(view, "Execution's responder", hash);
    }
    return ERROR_OK;
}

static enum error_code read_execution_log(struct target *target, const struct container *execution,
                                          struct evidence *evidence, struct parity_view *view,
                                          struct error *error)
{
    const struct setup_services *services = &target_setup(target)->services;
    const struct setup_patterns *const sets[] = {&services->policy_loaded,
                                                 &services->disarm_received, &services->disarmed,
                                                 &services->armed};
    enum error_code code = logs_fetch(target, execution, PROBE_LOGS_EXECUTION, sets,
                                      sizeof sets / sizeof sets[0], 0, evidence, error);
    if (code != ERROR_OK)
        return code;
    char hash[SHA256_HEX + 1] = "", last[SHA256_HEX + 1] = "";
    struct log_line line;
    for (size_t at = 0; logs_next(&evidence_last(evidence, PROBE_LOGS_EXECUTION, NULL)->output, &at,
                                  execution->started_at, &line);)
        if (log_matches_any(line.message, &services->policy_loaded, NULL, hash))
            memcpy(last, hash, sizeof last);
    hear(view, "Execution's start-up line", last);
    return ERROR_OK;
}

static enum error_code read_brain_log(struct target *target, const struct container *brain,
                                      struct evidence *evidence, struct parity_view *view,
                                      struct error *error)
{
    const struct setup_services *services = &target_setup(target)->services;
    const struct setup_patterns *const sets[] = {&services->policy_loaded, &services->handshake_ok,
                                                 &services->handshake_failed};
    enum error_code code = logs_fetch(target, brain, PROBE_LOGS_BRAIN, sets,
                                      sizeof sets / sizeof sets[0], 0, evidence, error);
    if (code != ERROR_OK)
        return code;
    char hash[SHA256_HEX + 1] = "";
    bool shaken = false, failed = false;
    struct log_line line;
    for (size_t at = 0; logs_next(&evidence_last(evidence, PROBE_LOGS_BRAIN, NULL)->output, &at,
                                  brain->started_at, &line);) {
        if (log_matches_any(line.message, &services->handshake_failed, NULL, NULL)) {
            failed = true;
        } else if (log_matches_any(line.message, &services->handshake_ok, NULL, hash)) {
            shaken = true;
            failed = false;
        }
    }
    if (failed && view->parity == PARITY_INVALID) {
        view->parity = PARITY_UNEQUAL;
        (void)snprintf(view->text, sizeof view->text,
                       "Brain says that the policy hash handshake failed");
    } else { /* the standard's own line names no hash: then it is Brain's word that it agreed */
        hear(view, "Brain's handshake line", hash[0] != '\0' || !shaken ? hash : view->hash);
    }
    return ERROR_OK;
}

enum error_code parity_look(struct target *target, const struct containers *containers,
                            enum parity_depth depth, const char *expect, struct evidence *evidence,
                            struct parity_view *ret_view, struct error *error)
{
    const struct setup_services *services = &target_setup(target)->services;
    struct parity_view view = {.parity = PARITY_INVALID};
    const struct container *execution = containers_find(containers, services->execution),
                           *brain = containers_find(containers, services->brain);
    if (expect[0] != '\0')
        hear(&view, "the operator", expect);
    enum error_code code = ask_responder(target, depth == PARITY_RESPONDER ? 1 : REQUESTS, evidence,
                                         &view, error);
    if (code == ERROR_OK && depth >= PARITY_EXECUTION) {
        if (execution == NULL)
            hear(&view, "Execution, which has no container", "");
        else
            code = read_execution_log(target, execution, evidence, &view, error);
    }
    if (code == ERROR_OK && depth >= PARITY_BRAIN) {
        if (brain == NULL)
            hear(&view, "Brain, which has no container", "");
        else
            code = read_brain_log(target, brain, evidence, &view, error);
    }
    if (code != ERROR_OK)
        return code;
    if (view.parity == PARITY_INVALID) {
        view.parity = PARITY_EQUAL;
        (void)snprintf(view.text, sizeof view.text, "policy hash %s", view.hash);
    }
    *ret_view = view;
    return ERROR_OK;
}

enum error_code parity_await(struct target *target, const struct containers *containers,
                             enum parity_depth depth, const char *expect, int64_t deadline_ns,
                             struct evidence *evidence, struct parity_view *ret_view,
                             struct error *error)
{
    const struct clock *clock = target_clock(target);
    size_t before = evidence->count;
    for (;;) {
        struct parity_view view;
        enum error_code code = parity_look(target, containers, depth, expect, evidence, &view,
                                           error);
        if (code != ERROR_OK)
            return code;
        int64_t now = clock_boottime_ns(clock);
        if (view.parity != PARITY_MISSING || now + LOOK_PAUSE_NS >= deadline_ns) {
            *ret_view = view;
            return ERROR_OK;
        }
        evidence_cut(evidence, before);
        code = clock->sleep_until(clock->context, now + LOOK_PAUSE_NS, error);
        if (code != ERROR_OK)
            return code;
    }
}
