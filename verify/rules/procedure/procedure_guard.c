/* The dead-man guard until it is withdrawn: the form of what it says (P-26), that it is the one
 * that was laid (P-39), begun before the first change (P-40), renewed (P-41), withdrawn (P-42). */
#include "verify/rules/procedure/procedure.h"

#include <string.h>

#include "verify/judge/guard.h"
#include "verify/judge/reading.h"
#include "verify/read/greater.h"

enum { GUARD_MARGIN_MS = 15000, GUARD_STEP_MS = 300000 };

/* Where the walk over the items of a deployment stands. */
struct guard_walk {
    const struct audit *audit;
    struct finding *finding;
    bool decided, laid;      /* lay_guard was done; and a guard is laid */
    int64_t epoch;           /* of the last tenancy, or takeover */
    struct guard last;       /* of lay_guard, then of each `guard` behind it */
    struct guard waited;     /* the last that is laid and begun */
    struct guard live;       /* the same until one is withdrawn */
    const struct step *step; /* whose transition is next */
    bool sampled;
};

static bool is_guards(const struct item *item)
{
    return item->probe == PROBE_GUARD || item->probe == PROBE_GUARD_RECORD;
}

enum action procedure_action_of(const struct audit *audit, struct entry *entry)
{
    struct entry *intent = deployment_intent_of(audit->record, entry);
    return intent != NULL && intent->deployment == entry->deployment
               ? action_by_name(node_text(entry_body(intent), "action"))
               : ACTION_INVALID;
}

bool procedure_is_act(const struct genesis *genesis, const struct item *item)
{
    return item->probe == PROBE_ACT || item->probe == PROBE_COMPOSE_UP
           || item->probe == PROBE_COMPOSE_PULL
           || (item->probe == PROBE_BUS_PUBLISH
               && !reading_is_publish(item, genesis->subject_disarm));
}

/* P-26. As P-31: the last item of a step that did not succeed may be why. */
static void guard_check_form(const struct entry *entry, size_t place, bool good, bool fails,
                             struct finding *finding)
{
    const struct item *item = &entry->items[place];
    struct guard guard;
    CLEANUP_GUARD_RECORD struct guard_record record = {.count = 0};
    if (item->status != 0 && good)
        finding_violated(finding, "P-26", entry, "the guard could not be asked");
    if (item->status != 0 || (fails && place + 1 == entry->item_count))
        return;
    if (item->probe == PROBE_GUARD && !guard_read(item, &guard))
        finding_violated(finding, "P-26", entry,
                         "the guard is neither absent nor described by one object of the form");
    if (item->probe == PROBE_GUARD_RECORD && !guard_record_read(item, &record))
        finding_violated(finding, "P-26", entry,
                         "a line of what the guard did does not have its form");
}

/* P-39 of the one that lay_guard shows. */
static void check_laid(struct guard_walk *walk, const struct entry *entry, const struct item *item,
                       const struct guard *guard)
{
    if (guard->state != GUARD_LAID || guard->begun)
        finding_violated(walk->finding, "P-39", entry,
                         "the guard was laid, and is %s%s right behind that",
                         guard_state_name(guard->state), guard->begun ? " and begun" : "");
    else if (guard->deployment != (int64_t)walk->audit->deployment.number)
        finding_violated(walk->finding, "P-39", entry, "the guard was laid for deployment %lld",
                         (long long)guard->deployment);
    else if (!item->has_target || strcmp(guard->boot, item->target_boot) != 0)
        finding_violated(walk->finding, "P-39", entry,
                         "the guard was laid in another boot of the target than it was seen in");
}

/* P-39 of every one behind it. */
static void check_same(struct guard_walk *walk, const struct entry *entry,
                       const struct guard *guard)
{
    const struct guard *last = &walk->last;
    if (guard->deployment != last->deployment || strcmp(guard->plan, last->plan) != 0)
        finding_violated(walk->finding, "P-39", entry,
                         "the guard has another plan than the one that was laid");
    else if (last->begun && (!guard->begun || strcmp(guard->boot, last->boot) != 0))
        finding_violated(
            walk->finding, "P-39", entry,
            "the plan of the guard was begun, and is not any more, or in another boot");
    else if ((last->state == GUARD_FIRED && guard->state != GUARD_FIRED
              && guard->state != GUARD_WITHDRAWN)
             || (last->state == GUARD_WITHDRAWN && guard->state != GUARD_WITHDRAWN))
        finding_violated(walk->finding, "P-39", entry, "the guard was %s, and is %s",
                         guard_state_name(last->state), guard_state_name(guard->state));
    else if (last->state == GUARD_FIRED && guard->deadline_ms != last->deadline_ms)
        finding_violated(walk->finding, "P-39", entry,
                         "the guard had fired, and its plan has another deadline");
    else if (guard->epoch < last->epoch)
        finding_violated(walk->finding, "P-39", entry, "the epoch of the guard fell to %lld",
                         (long long)guard->epoch);
}

/* P-41: how far a deadline may lie ahead. */
static int64_t deadline_most_ms(const struct guard_walk *walk, const struct entry *entry,
                                const struct item *item)
{
    const struct limits *limits = walk->audit->limits;
    struct guard ignored;
    if (entry->type == ENTRY_SAMPLE)
        return limits->window_ms + GUARD_MARGIN_MS;
    const struct step *step = walk->step;
    bool pauses = step != NULL && step->transition == entry && step_is_good(step)
                  && walk->audit->deployment.policy && step->to >= STATE_DISARMED
                  && step->to <= STATE_PARITY_VERIFIED
                  && guard_of_entry(entry, entry->item_count, &ignored) == item;
    return pauses ? limits->guard_pause_ms
                  : greater_of(limits->window_ms, GUARD_STEP_MS) + GUARD_MARGIN_MS;
}

/* What the driver renewed before it died may be unrecorded. */
static bool was_interrupted(const struct step *step)
{
    return step != NULL
           && (step->reconciliation != NULL
               || (step->intent != NULL
                   && node_member(entry_body(step->intent), "repeats") != NULL));
}

static void check_deadline(struct guard_walk *walk, const struct entry *entry,
                           const struct item *item, const struct guard *guard)
{
    int64_t ahead_ms = guard->deadline_ms - item->target_after_ms,
            most_ms = deadline_most_ms(walk, entry, item);
    bool late = walk->live.state == GUARD_LAID && strcmp(guard->boot, walk->live.boot) == 0
                && item->target_before_ms > walk->live.deadline_ms && !was_interrupted(walk->step);
    if (late)
        finding_violated(walk->finding, "P-41", entry,
                         "the guard was renewed %lld ms behind its deadline",
                         (long long)(item->target_before_ms - walk->live.deadline_ms));
    if (strcmp(guard->boot, item->target_boot) != 0)
        finding_violated(walk->finding, "P-41", entry,
                         "the guard is said to wait, in a boot of the target that is over");
    else if (ahead_ms <= 0)
        finding_violated(walk->finding, "P-41", entry,
                         "the guard is said to wait, and its deadline was over by %lld ms",
                         (long long)-ahead_ms);
    else if (ahead_ms > most_ms)
        finding_violated(
            walk->finding, "P-41", entry,
            "the deadline of the guard lies %lld ms ahead; at most %lld ms are allowed",
            (long long)ahead_ms, (long long)most_ms);
}

static void take_guard(struct guard_walk *walk, const struct entry *entry, const struct item *item)
{
    struct guard guard;
    bool first = walk->step != NULL && walk->step->transition == entry
                 && walk->step->action == ACTION_LAY_GUARD && step_is_good(walk->step);
    if (!guard_read(item, &guard) || (!walk->decided && !first))
        return;
    if (first && guard_of_entry(entry, entry->item_count, &guard) != item)
        return; /* the last one of it counts */
    if ((guard.state == GUARD_ABSENT) == walk->laid)
        finding_violated(walk->finding, "P-39", entry, "the guard is %s, and lay_guard showed %s",
                         guard_state_name(guard.state), walk->laid ? "one" : "none");
    if (guard.state == GUARD_ABSENT || !walk->laid)
        return;
    if (!item->has_target)
        finding_violated(walk->finding, "P-39", entry,
                         "nothing says in which boot of the target the guard was seen");
    if (first)
        check_laid(walk, entry, item, &guard);
    else
        check_same(walk, entry, &guard);
    if (guard.epoch != walk->epoch)
        finding_violated(walk->finding, "P-39", entry,
                         "the guard has the epoch %lld, and the target %lld",
                         (long long)guard.epoch, (long long)walk->epoch);
    if (guard.state == GUARD_LAID && guard.begun && item->has_target)
        check_deadline(walk, entry, item, &guard);
    walk->last = guard;
    if (guard.state == GUARD_LAID && guard.begun)
        walk->waited = walk->live = guard;
    if (guard.state == GUARD_WITHDRAWN)
        walk->live = (struct guard){.state = GUARD_INVALID};
}

static void take_tenancy(struct guard_walk *walk, const struct item *item)
{
    CLEANUP_TREE struct tree tree = {0};
    const struct node *held_by = tree_object(item->output, &tree);
    if (slice_is(node_text(held_by, "journal"), walk->audit->record->entries[0].journal))
        walk->epoch = node_number(held_by, "epoch", walk->epoch);
}

/* P-41: nothing was done while the guard was lost; nothing was done, and nothing seen of the
 * window, behind the deadline. An ARM is dated by the item in front of it, because the bus has no
 * uptime. */
static void check_sent(struct guard_walk *walk, const struct entry *entry, enum action action,
                       size_t place)
{
    const struct item *item = &entry->items[place];
    bool act = procedure_is_act(&walk->audit->genesis, item) && action != ACTION_INVALID
               && action <= ACTION_COMPLETE;
    if (act && walk->last.begun && walk->last.state == GUARD_LOST)
        finding_violated(walk->finding, "P-41", entry, "`%.*s` was sent while the guard was lost",
                         SLICE_ARGUMENTS(item->probe_name));
    while (act && !item->has_target && item > entry->items)
        item--;
    int64_t sent_ms = item == &entry->items[place] ? item->target_before_ms : item->target_after_ms;
    if (walk->live.state != GUARD_LAID || (!act && entry->type != ENTRY_SAMPLE) || !item->has_target
        || strcmp(item->target_boot, walk->live.boot) != 0 || sent_ms <= walk->live.deadline_ms)
        return;
    finding_violated(walk->finding, "P-41", entry,
                     "`%.*s` was sent %lld ms behind the deadline of the guard",
                     SLICE_ARGUMENTS(entry->items[place].probe_name),
                     (long long)(sent_ms - walk->live.deadline_ms));
}

/* P-40 */
static void check_begun_first(const struct guard_walk *walk, const struct entry *entry)
{
    size_t act = reading_first_act(entry);
    struct guard guard;
    while (act < entry->item_count && !procedure_is_act(&walk->audit->genesis, &entry->items[act]))
        act++;
    if (act == entry->item_count)
        return;
    (void)guard_of_entry(entry, act, &guard);
    if (guard.state != GUARD_LAID || !guard.begun)
        finding_violated(walk->finding, "P-40", entry,
                         "a service was changed, and no guard is shown to be begun in front of "
                         "that");
}

/* P-41: of which entries the last `guard` must wait. The first change has one in any case. */
static bool is_renewed(const struct guard_walk *walk, const struct entry *entry, bool shown)
{
    const struct step *step = walk->step;
    if (entry->type == ENTRY_SAMPLE)
        return !walk->sampled;
    return step != NULL && step->transition == entry && step_is_good(step)
           && machine_is_changed(walk->audit->deployment.policy, step->from)
           && (shown || (step->from != STATE_GUARDED && step->from != STATE_DISARMED))
           && step->to != STATE_OBSERVED && step->from != STATE_OBSERVED
           && step->from != STATE_CONFIRMED;
}

/* P-42 of `confirm`. */
static void check_confirmed(const struct guard_walk *walk, const struct entry *entry)
{
    struct guard guard;
    const struct item *item = guard_of_entry(entry, entry->item_count, &guard);
    if (item == NULL || guard.state != GUARD_WITHDRAWN) {
        finding_violated(walk->finding, "P-42", entry,
                         "the deployment is confirmed, and the guard is %s",
                         guard_state_name(guard.state));
        return;
    }
    if (walk->waited.state != GUARD_LAID)
        finding_violated(walk->finding, "P-42", entry,
                         "the guard was withdrawn, and it is not known until when it waited");
    else if (!item->has_target || strcmp(item->target_boot, walk->waited.boot) != 0
             || item->target_before_ms >= walk->waited.deadline_ms
             || item->target_before_ms >= guard.deadline_ms
             || guard.deadline_ms - item->target_after_ms > deadline_most_ms(walk, entry, item))
        finding_violated(walk->finding, "P-42", entry,
                         "the guard was withdrawn behind its deadline, or in another boot");
}

/* What an entry as a whole must show of the guard. */
static void check_entry(const struct guard_walk *walk, const struct entry *entry,
                        enum action action)
{
    struct guard guard;
    const struct step *step = walk->step;
    bool good = step != NULL && step->transition == entry && step_is_good(step);
    bool shown = guard_of_entry(entry, entry->item_count, &guard) != NULL;
    if (walk->laid && entry->type != ENTRY_SAMPLE
        && (action == ACTION_SWITCH_SERVICES || action == ACTION_DEPLOY_EXECUTION))
        check_begun_first(walk, entry);
    if (walk->laid && is_renewed(walk, entry, shown) && !(guard.state == GUARD_LAID && guard.begun))
        finding_violated(walk->finding, "P-41", entry,
                         "%s does not show that the guard waits: it is %s",
                         entry->type == ENTRY_SAMPLE ? "the first sample" : action_name(action),
                         guard_state_name(guard.state));
    if (good && action == ACTION_CONFIRM && walk->laid)
        check_confirmed(walk, entry);
    if (good && (action == ACTION_VERIFY_RESTORED || action == ACTION_RESTORE_CODE)
        && guard_is_shown(&walk->audit->deployment) && guard.state != GUARD_WITHDRAWN)
        finding_violated(walk->finding, "P-42", entry,
                         "the target is left, and the guard is not shown to be withdrawn");
}

static void walk_guard_entry(struct guard_walk *walk, struct entry *entry)
{
    enum action action = procedure_action_of(walk->audit, entry);
    bool answers = entry->type == ENTRY_TRANSITION && walk->step != NULL,
         good = answers && step_is_good(walk->step), fails = answers && !good;
    if (entry->type == ENTRY_TAKEOVER)
        walk->epoch = node_number(entry_body(entry), "epoch", walk->epoch);
    for (size_t i = 0; i < entry->item_count; i++) {
        const struct item *item = &entry->items[i];
        if (is_guards(item))
            guard_check_form(entry, i, good, fails, walk->finding);
        if (item->probe == PROBE_TENANCY && item->status == 0)
            take_tenancy(walk, item);
        else if (item->probe == PROBE_GUARD)
            take_guard(walk, entry, item);
        else
            check_sent(walk, entry, action, i);
    }
    check_entry(walk, entry, action);
    if (walk->step != NULL && walk->step->transition == entry)
        walk->decided = walk->decided || (action == ACTION_LAY_GUARD && good);
    walk->sampled = walk->sampled || entry->type == ENTRY_SAMPLE;
}

void procedure_check_guard(const struct audit *audit, struct finding *finding)
{
    const struct deployment *deployment = &audit->deployment;
    struct guard_walk walk = {.audit = audit,
                              .finding = finding,
                              .laid = guard_is_laid(deployment),
                              .epoch = -1};
    size_t next = 0;
    for (size_t i = 0; i < deployment->count; i++) {
        walk.step = next < deployment->step_count ? &deployment->steps[next] : NULL;
        walk_guard_entry(&walk, deployment->entries[i]);
        next += deployment->entries[i]->type == ENTRY_TRANSITION;
    }
}
