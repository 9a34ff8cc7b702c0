/* What each step carries (P-12), and that none of it failed (P-13). */
#include "verify/rules/procedure/procedure.h"

#include "verify/judge/reading.h"
#include "verify/judge/services.h"
#include "verify/rules/procedure/procedure_table.h"
#include "verify/rules/window.h"

/* Where the walk over an entry's items stands. */
struct match {
    const struct audit *audit;
    const struct entry *entry;
    enum action action; /* of the step */
    size_t at, end;
    bool front;  /* still in the last look, which stands in front of the first act */
    bool done;   /* the act was taken for done: it may be absent, and so is the last look */
    bool freed;  /* the target was free already */
    bool failed; /* a sample in which a probe failed: what then could not be asked is absent */
};

static const struct listing *list_before(const struct match *match)
{
    return reading_list(entry_item(match->entry, 0, match->at, PROBE_COMPOSE_CONTAINERS, NULL));
}

static bool runs_before(const struct match *match, struct slice service)
{
    const struct listing *containers = list_before(match);
    return containers != NULL && reading_running(containers, service) > 0;
}

static bool pull_was_begun(const struct deployment *deployment)
{
    for (size_t i = 0; i < deployment->count; i++)
        if (deployment->entries[i]->type == ENTRY_INTENT
            && action_by_name(node_text(entry_body(deployment->entries[i]), "action"))
                   == ACTION_PULL_IMAGES)
            return true;
    return false;
}

static bool part_is_asked(const struct match *match, const struct part *part)
{
    const struct genesis *genesis = &match->audit->genesis;
    switch (part->when) {
    case WHEN_ALWAYS:
    case WHEN_ENDPOINTS:
        return true;
    case WHEN_SHARED:
        return genesis->has_policy;
    case WHEN_EXECUTION:
        return genesis->has_policy && runs_before(match, genesis->execution);
    case WHEN_BRAIN:
        return genesis->has_policy && runs_before(match, genesis->brain);
    case WHEN_MARKER:
        return genesis->has_policy && genesis->marker && runs_before(match, genesis->execution);
    case WHEN_ERRORS:
        return genesis->patterns[PATTERN_ERRORS]->count > 0;
    case WHEN_SCRIPT:
        return genesis->script.length > 0;
    case WHEN_PULLED:
        return !match->freed && pull_was_begun(&match->audit->deployment);
    }
    return true;
}

/* The next item that this part names, in front of which nothing is given up. */
static bool advance_to(struct match *match, const struct part *part)
{
    for (size_t i = match->at; i < match->end; i++) {
        const struct item *item = &match->entry->items[i];
        if (item->probe != part->probe
            || (part->probe == PROBE_ACT && !slice_begins(item->subject, part->act)))
            continue;
        match->at = i + 1;
        return true;
    }
    return false;
}

/* One answer of each endpoint, in any order. */
static bool has_endpoints(struct match *match)
{
    size_t end = match->at;
    for (const struct node *endpoint = match->audit->genesis.endpoints->first; endpoint != NULL;
         endpoint = endpoint->next) {
        bool found = false;
        for (size_t i = match->at; i < match->entry->item_count && !found; i++) {
            found = match->entry->items[i].probe == PROBE_HEALTH
                    && slice_equal(match->entry->items[i].subject, endpoint->text);
            end = found && i + 1 > end ? i + 1 : end;
        }
        if (!found)
            return false;
    }
    match->at = end;
    return true;
}

/* The last lines of every service that runs in the list before. */
static bool has_errors(const struct match *match)
{
    const struct listing *containers = list_before(match);
    for (size_t i = 0; containers != NULL && i < containers->count; i++)
        if (reading_is_running(&containers->list[i])
            && !services_row(match->audit, ACTION_PULL_IMAGES, containers->list[i].service).off
            && entry_item(match->entry, match->at, match->entry->item_count, PROBE_LOGS_ERRORS,
                          containers->list[i].service)
                   == NULL)
            return false;
    return containers != NULL;
}

enum { STATUS_UNASKED = 3 };

/* Where the bus could not be asked the others are not asked either. One item was found. */
static bool could_not_be_asked(const struct match *match, const struct part *part)
{
    return part->probe == PROBE_BUS_POLICY_HASH
           && match->entry->items[match->at - 1].probe == PROBE_BUS_POLICY_HASH
           && match->entry->items[match->at - 1].status == STATUS_UNASKED;
}

static bool has_part(struct match *match, const struct part *part)
{
    if (part->when == WHEN_ENDPOINTS)
        return has_endpoints(match);
    if (part->when == WHEN_ERRORS)
        return has_errors(match);
    for (unsigned times = 0; times < (part->times > 0 ? part->times : 1); times++)
        if (!advance_to(match, part))
            return times > 0 && could_not_be_asked(match, part);
    return true;
}

/* Of a sample: the log of a service of which a list does not show exactly one running container. */
static bool has_no_such_log(const struct match *match, enum probe probe)
{
    const struct genesis *genesis = &match->audit->genesis;
    bool found = false;
    for (size_t i = 0; match->entry->type == ENTRY_SAMPLE && i < match->entry->item_count; i++) {
        const struct item *item = &match->entry->items[i];
        const struct listing *containers = item->probe == PROBE_COMPOSE_CONTAINERS
                                               ? reading_list(item)
                                               : NULL;
        found = found
                || (containers != NULL
                    && reading_running(containers, probe == PROBE_LOGS_BRAIN ? genesis->brain
                                                                             : genesis->execution)
                           != 1);
    }
    return found;
}

static bool part_may_be_absent(const struct match *match, const struct part *part)
{
    enum probe taken = match->action == ACTION_DISARM ? PROBE_BUS_PUBLISH : PROBE_COMPOSE_UP;
    if ((part->probe == PROBE_LOGS_EXECUTION || part->probe == PROBE_LOGS_BRAIN
         || part->probe == PROBE_INTERLOCK_MARKER)
        && has_no_such_log(match, part->probe))
        return true;
    if (match->front)
        return match->done;
    if ((match->failed && part->when != WHEN_ENDPOINTS))
        return true;
    if (match->freed && (part->probe == PROBE_ACT || part->probe == PROBE_TENANCY))
        return true;
    return match->done && part->act != NULL && part->probe == taken;
}

static void check_row(struct match *match, const struct part *row, struct finding *finding)
{
    match->front = procedure_row_has_last_look(row);
    for (const struct part *part = row; part->probe != PROBE_INVALID; part++) {
        match->front = match->front && part->act == NULL;
        match->end = match->front ? reading_first_act(match->entry) : match->entry->item_count;
        struct match kept = *match;
        if (!part_is_asked(match, part) || has_part(match, part))
            continue;
        *match = kept;
        if (part_may_be_absent(match, part))
            continue;
        finding_violated(finding, "P-12", match->entry,
                         "the step says that it succeeded, without the evidence `%s` in its place",
                         probe_name(part->probe));
        return;
    }
}

static bool is_answer(enum probe probe)
{
    return probe == PROBE_HEALTH || probe == PROBE_BUS_POLICY_HASH || probe == PROBE_PREFLIGHT;
}

static bool row_names(const struct part *row, enum probe probe)
{
    bool act = probe == PROBE_ACT || probe == PROBE_BUS_PUBLISH || probe == PROBE_COMPOSE_UP
               || probe == PROBE_COMPOSE_PULL;
    for (const struct part *part = row; part->probe != PROBE_INVALID; part++)
        if (part->probe == probe)
            return true;
    return act;
}

enum { STATUS_LOST = 2 };

/* The removal of Execution behind which a list shows it gone; in front of it other ways to safety
 * were tried in vain. 0 = none. */
static size_t way_that_worked(const struct audit *audit, const struct entry *entry)
{
    const struct look *look = hearing_look(&audit->deployment.hearing, entry, 0, entry->item_count);
    for (size_t i = entry->item_count; i-- > 0;)
        if (reading_is_removal(&entry->items[i], audit->genesis.execution)
            && entry->items[i].status == 0)
            return look != NULL && look->showing == SHOWING_GONE && look->list > i ? i : 0;
    return 0;
}

/* What a step tried in vain before what it then did. What counts is judged by L-01 and L-02. */
static bool may_have_failed(enum action action, const struct item *item, bool in_vain)
{
    /* What could not be brought back is found by verify_restored. */
    bool back = (action == ACTION_REDEPLOY && item->probe == PROBE_COMPOSE_UP)
                || (action == ACTION_REVERT && slice_begins(item->subject, "pin "));
    return (item->probe == PROBE_BUS_PUBLISH && item->status == STATUS_LOST) || in_vain || back;
}

static void check_statuses(const struct audit *audit, const struct entry *entry, enum action action,
                           const struct part *row, struct finding *finding)
{
    size_t safe = action == ACTION_MAKE_SAFE ? way_that_worked(audit, entry) : 0;
    for (size_t i = 0; i < entry->item_count; i++) {
        const struct item *item = &entry->items[i];
        if (item->status != 0 && !may_have_failed(action, item, i < safe) && !is_answer(item->probe)
            && (row_names(row, item->probe) || item->probe == PROBE_SCRIPT
                || item->probe == PROBE_LOGS_ERRORS))
            finding_violated(finding, "P-13", entry,
                             "the step says that it succeeded, and its evidence failed: `%.*s` has "
                             "status %lld",
                             SLICE_ARGUMENTS(item->probe_name), (long long)item->status);
    }
}

/* Of make_safe: DISARM waits for nothing. */
static void check_sent_first(const struct entry *entry, struct finding *finding)
{
    const struct item *list = entry_first_item(entry, 0, entry->item_count,
                                               PROBE_COMPOSE_CONTAINERS),
                      *sent = entry_first_item(entry, 0, entry->item_count, PROBE_BUS_PUBLISH);
    if (sent != NULL && list != NULL && list < sent)
        finding_violated(finding, "P-12", entry, "somebody looked before DISARM was sent");
}

static void check_step_row(const struct audit *audit, const struct step *step,
                           struct finding *finding)
{
    const struct entry *entry = step->transition;
    const struct part *row = procedure_row_of_step(audit, step);
    struct match match = {.audit = audit, .entry = entry, .action = step->action};
    if (step->action == ACTION_RESTORE_CODE
        && deployment_step(&audit->deployment, ACTION_CONNECT) == NULL)
        return;
    match.done = step->adopted;
    const struct item *tenancy = entry_item(entry, 0, entry->item_count, PROBE_TENANCY, NULL);
    bool released = false;
    for (size_t i = 0; i < entry->item_count; i++)
        released = released || slice_is(entry->items[i].subject, "release images");
    match.freed = !released && step->action != ACTION_CONNECT && tenancy != NULL
                  && tenancy == entry_first_item(entry, 0, entry->item_count, PROBE_TENANCY);
    check_row(&match, row, finding);
    check_statuses(audit, entry, step->action, row, finding);
    if (step->action == ACTION_MAKE_SAFE)
        check_sent_first(entry, finding);
}

/* Of a reconciliation, by the action that was interrupted. */
static void check_reconciliation_row(const struct audit *audit, struct entry *entry,
                                     struct finding *finding)
{
    struct match match = {.audit = audit, .entry = entry};
    struct entry *intent = deployment_intent_of(audit->record, entry);
    enum action action = intent != NULL ? action_by_name(node_text(entry_body(intent), "action"))
                                        : ACTION_INVALID;
    struct slice then = node_text(entry_body(entry), "then");
    if (action == ACTION_OBSERVE_WINDOW || action == ACTION_RESTORE_CODE
        || action == ACTION_MAKE_SAFE || action == ACTION_INVALID || slice_is(then, "fail")
        || slice_is(then, "ask"))
        return;
    check_row(&match, procedure_row_of_finding(action), finding);
    for (size_t i = 0; i < entry->item_count; i++)
        if (entry->items[i].status != 0 && !is_answer(entry->items[i].probe)
            && (slice_is(then, "continue") || slice_is(then, "repeat")))
            finding_violated(finding, "P-13", entry,
                             "the reconciliation rests on `%.*s`, which failed",
                             SLICE_ARGUMENTS(entry->items[i].probe_name));
}

void procedure_check_command_row(const struct audit *audit, struct entry *entry,
                                 struct finding *finding)
{
    struct match match = {.audit = audit, .entry = entry};
    bool arm = slice_is(node_text(entry_body(entry), "command"), "arm"),
         disarm = slice_is(node_text(entry_body(entry), "command"), "disarm");
    if (!slice_is(node_text(entry_body(entry), "outcome"), "observed") || (!arm && !disarm))
        return;
    enum action action = arm ? ACTION_ARM : ACTION_DISARM;
    const struct part *row = procedure_row_of_action(action);
    check_row(&match, row, finding);
    check_statuses(audit, entry, action, row, finding);
}

void procedure_check_rows(const struct audit *audit, struct finding *finding)
{
    const struct deployment *deployment = &audit->deployment;
    for (size_t i = 0; i < deployment->step_count; i++)
        if (step_is_good(&deployment->steps[i]))
            check_step_row(audit, &deployment->steps[i], finding);
    for (size_t i = 0; i < deployment->count; i++) {
        struct match match = {.audit = audit, .entry = deployment->entries[i]};
        match.failed = window_has_failed_item(deployment->entries[i]);
        if (deployment->entries[i]->type == ENTRY_SAMPLE)
            check_row(&match, procedure_row_of_sample(), finding);
        else if (deployment->entries[i]->type == ENTRY_RECONCILIATION)
            check_reconciliation_row(audit, deployment->entries[i], finding);
        else if (deployment->entries[i]->type == ENTRY_COMMAND)
            procedure_check_command_row(audit, deployment->entries[i], finding);
    }
}
