/* What others do to the interlock between the driver's own looks: an ARM or a DISARM of somebody
 * else, a change in the window, a release that leaves it otherwise than it was. */
#include "verify/rules/interlock.h"

#include <stdio.h>
#include <string.h>

#include "verify/judge/as_before.h"
#include "verify/judge/reading.h"

/* From an observed DISARM to the driver's own ARM, or the end. */
struct span {
    const struct entry *from, *to; /* to: with the ARM; NULL = the end */
    size_t to_item;
    int64_t run;  /* of the line by which DISARM was observed; HEARING_NONE: Execution was gone */
    size_t heard; /* that line */
};

static bool is_disarming(enum action action)
{
    return action == ACTION_DISARM || action == ACTION_MAKE_SAFE
           || action == ACTION_DEPLOY_EXECUTION || action == ACTION_DEPLOY_BRAIN;
}

/* The line of this entry's own DISARM. */
static bool find_disarm(const struct hearing *hearing, const struct step *step, struct span *span)
{
    struct slice key = step->intent != NULL ? node_text(entry_body(step->intent), "key")
                                            : slice_of("");
    const struct look *look = hearing_look(hearing, step->transition, 0,
                                           step->transition->item_count);
    for (size_t i = hearing->heard_count; i-- > 0;)
        if ((hearing->heard[i].matches & HEARD_BIT(PATTERN_DISARM_RECEIVED)) != 0
            && slice_is(key, hearing->heard[i].nonce)) {
            span->run = hearing->heard[i].run;
            span->heard = i;
            return true;
        }
    span->run = HEARING_NONE;
    span->heard = look != NULL ? look->heard_end : 0;
    bool gone = look != NULL && look->showing == SHOWING_GONE,
         still = look != NULL && look->showing == SHOWING_STILL;
    return (gone && step->action == ACTION_MAKE_SAFE)
           || ((gone || still) && step->action == ACTION_DISARM);
}

/* The next span at or behind the step `*from`; it moves on to the step behind it. */
static bool next_span(const struct audit *audit, size_t *from, struct span *ret_span)
{
    const struct deployment *deployment = &audit->deployment;
    for (; *from < deployment->step_count; (*from)++) {
        const struct step *step = &deployment->steps[*from];
        struct span span = {.from = step->transition};
        if (!step_is_good(step) || !is_disarming(step->action)
            || !find_disarm(&deployment->hearing, step, &span))
            continue;
        for (size_t i = *from + 1; i < deployment->step_count && span.to == NULL; i++) {
            const struct entry *entry = deployment->steps[i].transition;
            for (size_t k = 0; k < entry->item_count && span.to == NULL; k++)
                if (reading_is_publish(&entry->items[k], audit->genesis.subject_arm)) {
                    span.to = entry;
                    span.to_item = k;
                    *from = i;
                }
        }
        *from = span.to != NULL ? *from : deployment->step_count;
        *ret_span = span;
        return true;
    }
    return false;
}

static bool span_holds(const struct span *span, const struct entry *entry, size_t item)
{
    return entry->seq >= span->from->seq
           && (span->to == NULL || entry->seq < span->to->seq
               || (entry == span->to && item < span->to_item));
}

/* Whether an armed line follows an ARM of the deployment's own: one that was sent, and interrupted
 * before its outcome was recorded. */
static bool is_own_arming(const struct deployment *deployment, size_t at)
{
    const struct hearing *hearing = &deployment->hearing;
    const unsigned received = HEARD_BIT(PATTERN_ARM_RECEIVED) | HEARD_BIT(PATTERN_DISARM_RECEIVED);
    for (size_t i = at; i-- > 0;) {
        const struct heard *heard = &hearing->heard[i];
        if (heard->run == hearing->heard[at].run && (heard->matches & received) != 0)
            return (heard->matches & HEARD_BIT(PATTERN_ARM_RECEIVED)) != 0
                   && deployment_is_own(deployment, slice_of(heard->nonce));
    }
    return false;
}

/* A redeploy that found it armed, and disarmed it before it went on. */
static bool was_disarmed_again(const struct audit *audit, const struct entry *entry)
{
    const struct deployment *deployment = &audit->deployment;
    for (size_t i = 0; i < deployment->step_count; i++) {
        const struct step *step = &deployment->steps[i];
        if (step->transition == entry && step->action == ACTION_REDEPLOY && step->intent != NULL)
            return interlock_disarm_is_observed(audit, entry, 0,
                                                node_text(entry_body(step->intent), "key"), NULL);
    }
    return false;
}

static bool is_answered(const struct audit *audit, const struct entry *entry)
{
    return deployment_is_answered(&audit->deployment, entry) || was_disarmed_again(audit, entry);
}

static void check_span(const struct audit *audit, const struct span *span, struct finding *finding)
{
    const struct hearing *hearing = &audit->deployment.hearing;
    for (size_t i = 0; i < hearing->look_count; i++) {
        const struct look *look = &hearing->looks[i];
        if (look->says_armed && look->entry != span->from
            && span_holds(span, look->entry, look->list) && !is_answered(audit, look->entry))
            finding_violated(finding, "L-05", look->entry,
                             "Execution is armed where it must stay disarmed");
    }
    for (size_t i = 0; i < hearing->heard_count; i++) {
        const struct heard *heard = &hearing->heard[i];
        if ((heard->matches & HEARD_BIT(PATTERN_ARMED)) == 0
            || !span_holds(span, heard->entry, heard->item)
            || (heard->run == span->run ? i <= span->heard
                                        : heard->entry == span->from && i <= span->heard)
            || is_own_arming(&audit->deployment, i) || is_answered(audit, heard->entry))
            continue;
        finding_violated(finding, "L-05", heard->entry,
                         "a line of Execution says that it was armed where it must stay disarmed");
    }
}

/* L-14 */
static void check_dangling_arm(const struct audit *audit, struct entry *entry,
                               struct finding *finding)
{
    const struct genesis *genesis = &audit->genesis;
    struct entry *intent = deployment_intent_of(audit->record, entry);
    struct slice then = node_text(entry_body(entry), "then");
    if (intent == NULL || action_by_name(node_text(entry_body(intent), "action")) != ACTION_ARM
        || slice_is(then, "fail") || slice_is(then, "ask"))
        return;
    bool answered = interlock_is_removed(audit, entry);
    for (size_t i = 0; !answered && i < entry->item_count; i++) {
        const struct item *item = &entry->items[i];
        struct slice key = slice_word(item->output);
        answered = reading_is_publish(item, genesis->subject_disarm)
                   && key.length < item->output.length
                   && interlock_disarm_is_observed(audit, entry, i + 1, key, NULL);
    }
    if (!answered || slice_is(then, "continue"))
        finding_violated(finding, "L-14", entry,
                         "a dangling ARM was not answered with DISARM, observed");
}

void interlock_check_others(const struct audit *audit, struct finding *finding)
{
    const struct deployment *deployment = &audit->deployment;
    struct span span;
    uint64_t last = (uint64_t)deployment->entries[deployment->count - 1]->seq;
    for (size_t from = 0; next_span(audit, &from, &span);)
        check_span(audit, &span, finding);
    interlock_check_foreign(audit, finding);
    for (size_t i = 0; i < deployment->count; i++)
        if (deployment->entries[i]->type == ENTRY_RECONCILIATION)
            check_dangling_arm(audit, deployment->entries[i], finding);
    for (uint64_t seq = deployment->number; seq <= last; seq++) {
        struct entry *entry = &audit->record->entries[seq];
        if (entry->type == ENTRY_COMMAND
            && slice_is(node_text(entry_body(entry), "command"), "arm"))
            finding_violated(finding, "L-13", entry,
                             "Execution was armed by hand while a deployment was open");
    }
}

static const struct look *last_look(const struct audit *audit, enum action action)
{
    const struct entry *entry = deployment_good_entry(&audit->deployment, action);
    return entry != NULL ? hearing_look(&audit->deployment.hearing, entry, 0, entry->item_count)
                         : NULL;
}

static bool run_says_armed(const struct hearing *hearing, const struct entry *entry, int64_t run)
{
    for (size_t i = 0; i < hearing->heard_count; i++)
        if (hearing->heard[i].entry == entry && hearing->heard[i].run == run
            && (hearing->heard[i].matches & HEARD_BIT(PATTERN_ARMED)) != 0)
            return true;
    return false;
}

/* L-18 */
static void check_as_found(const struct audit *audit, const struct look *before,
                           struct finding *finding)
{
    bool again;
    const struct step *step = deployment_first_change(&audit->deployment, &again);
    if (step == NULL || (again && !as_before_untouched(audit, step->transition)))
        return;
    const struct hearing *hearing = &audit->deployment.hearing;
    enum showing was = before != NULL ? before->showing : SHOWING_INVALID, is = SHOWING_INVALID;
    size_t to = reading_first_act(step->transition);
    bool told = false;
    for (size_t i = 0; i < hearing->look_count; i++) {
        const struct look *look = &hearing->looks[i];
        if (look->entry != step->transition || look->end > to)
            continue;
        is = is == SHOWING_INVALID || is == was ? look->showing : is;
        told = told || hearing_told_to_disarm(hearing, look);
    }
    if (told)
        finding_violated(
            finding, "L-18", step->transition,
            "right before the first change Execution is armed, and was told to disarm");
    if (is != was || was == SHOWING_INVALID)
        finding_violated(finding, "L-18", step->transition,
                         "right before the first change Execution is %s, and it was found %s",
                         showing_word(is), showing_word(was));
}

/* The first intent of verify_release: no question is older. */
static const struct entry *asked_in(const struct audit *audit)
{
    const struct step *step = deployment_step(&audit->deployment, ACTION_VERIFY_RELEASE);
    if (step == NULL || step->intent == NULL)
        return NULL;
    int64_t first = node_number(entry_body(step->intent), "repeats", step->intent->seq);
    return first >= 0 && first < step->intent->seq ? &audit->record->entries[first] : step->intent;
}

enum showing interlock_check_release(const struct audit *audit, struct finding *finding)
{
    const struct deployment *deployment = &audit->deployment;
    const struct look *before = last_look(audit, ACTION_CONNECT),
                      *after = last_look(audit, ACTION_VERIFY_RELEASE);
    const struct step *rearmed = deployment_step(deployment, ACTION_ARM),
                      *observed = deployment_step(deployment, ACTION_OBSERVE_WINDOW);
    const struct entry *verified = deployment_good_entry(deployment, ACTION_VERIFY_RELEASE);
    enum showing was = before != NULL ? before->showing : SHOWING_UNKNOWN,
                 is = after != NULL ? after->showing : SHOWING_UNKNOWN;
    bool down = was == SHOWING_GONE || was == SHOWING_STILL;
    check_as_found(audit, before, finding);
    if (verified == NULL)
        return SHOWING_UNKNOWN;
    if (is != SHOWING_ARMED && is != SHOWING_DISARMED)
        finding_violated(finding, "L-10", verified,
                         "after the switch it is not known whether Execution is armed: %s",
                         after != NULL ? after->why : "nobody looked");
    else if (is != was && !((was == SHOWING_ARMED || down) && is == SHOWING_DISARMED))
        finding_violated(finding, "L-10", verified, "Execution came up %s, and before it was %s",
                         showing_word(is), showing_word(was));
    else if (is != was && !down && before->run == after->run)
        finding_violated(finding, "L-10", verified,
                         "Execution was disarmed by somebody while its container ran on");
    else if ((before == NULL || before->run != after->run)
             && run_says_armed(&deployment->hearing, verified, after->run))
        finding_violated(finding, "L-10", verified,
                         "Execution was armed by somebody else after it was re-created");
    else if (rearmed != NULL && was != SHOWING_ARMED)
        finding_violated(finding, "L-10", rearmed->transition,
                         "Execution was armed by a release, and before it was %s",
                         showing_word(was));
    else if (rearmed != NULL
             && !interlock_was_answered(audit, asked_in(audit),
                                        rearmed->intent != NULL ? rearmed->intent
                                                                : rearmed->transition,
                                        true))
        finding_violated(finding, "L-10", rearmed->transition,
                         "Execution was armed again, and nobody is recorded to have said yes");
    else if (rearmed == NULL && observed != NULL && is != was && !down
             && !interlock_was_answered(audit, asked_in(audit), observed->transition, false))
        finding_violated(finding, "L-10", verified,
                         "Execution had been armed and stays disarmed, and nobody was asked");
    return rearmed != NULL ? SHOWING_ARMED : is;
}
