/* parity: one policy hash, recomputed from the raw replies and log lines wherever the deployment
 * went on, and in every sample. */
#include "verify/judge/as_before.h"
#include "verify/judge/audit.h"
#include "verify/judge/missing.h"
#include "verify/judge/reading.h"
#include "verify/judge/logs/voices.h"
#include "verify/rules/window.h"

#include <stdio.h>
#include <string.h>

struct parity_check {
    const struct audit *audit;
    struct finding *finding;
    char hash[SHA256_HEX + 1]; /* what all must be; "" until the first is read */
    unsigned looks, without_hash, absent;
    bool none_to_keep; /* H-10: a release before which nobody named one */
};

/* H-10, H-13: what an entry whose voices are known says of the whole. */
static void check_voices(struct parity_check *check, const struct entry *entry,
                         const struct voices *voices, const char *where)
{
    bool policy = check->audit->deployment.policy;
    check->looks++;
    check->without_hash += voices->without_hash;
    check->absent += voices->absent;
    if (voices->parity == PARITY_UNEQUAL || voices->parity == PARITY_MISSING)
        finding_violated(check->finding, voices->rule, entry, "%s: %s", where, voices->why);
    if (voices->parity == PARITY_UNEQUAL && voices->silent)
        finding_violated(check->finding, "H-08", entry, "%s: one contrary voice decides", where);
    if (voices->parity == PARITY_ABSENT && policy)
        finding_undecidable(check->finding, "H-13", entry, "%s: %s", where, voices->why);
    if (voices->hash[0] == '\0' || voices->parity == PARITY_UNEQUAL)
        return;
    if (check->hash[0] != '\0' && strcmp(check->hash, voices->hash) != 0)
        finding_violated(check->finding, "H-10", entry,
                         "%s: the policy hash is %.12s... and must be %.12s...", where,
                         voices->hash, check->hash);
    else
        memcpy(check->hash, voices->hash, sizeof check->hash);
}

static void check_entry_voices(struct parity_check *check, const struct entry *entry, size_t to,
                               unsigned wanted, const char *where)
{
    struct voices voices;
    finding_rests_on(check->finding, entry);
    voices_read(&check->audit->deployment.hearing, &check->audit->genesis, entry, 0, to, wanted,
                &voices);
    check_voices(check, entry, &voices, where);
}

static void check_parity_step(struct parity_check *check, enum action action, unsigned wanted)
{
    const struct entry *entry = deployment_good_entry(&check->audit->deployment, action);
    if (entry == NULL)
        return;
    size_t to = 0;
    while (to < entry->item_count
           && !reading_is_publish(&entry->items[to], check->audit->genesis.subject_arm))
        to++;
    check_entry_voices(check, entry, to, wanted, action_name(action));
}

/* A responder that keeps silent, a log that could not be read, and a leadership that is lost for
 * one sample, are failures that
 * the claim `window` counts; another answer never is. */
static void check_samples(struct parity_check *check)
{
    const struct deployment *deployment = &check->audit->deployment;
    const struct entry *lost = NULL, *confirmed = deployment_good_entry(deployment, ACTION_CONFIRM);
    bool watched = deployment_step(deployment, ACTION_OBSERVE_WINDOW) != NULL;
    for (size_t i = 0; watched && i < deployment->count; i++) {
        struct entry *entry = deployment->entries[i];
        struct voices voices;
        if (!deployment_is_sample(deployment, entry) && entry != confirmed)
            continue;
        finding_rests_on(check->finding, entry);
        voices_read(&deployment->hearing, &check->audit->genesis, entry, 0, entry->item_count,
                    VOICE_ALL, &voices);
        if (lost != NULL && voices.lost)
            finding_violated(check->finding, "H-12", lost,
                             "Brain lost its leadership and did not regain it before the next "
                             "sample");
        lost = voices.lost ? entry : NULL;
        bool silent = voices.parity == PARITY_MISSING
                      && ((voices.asked && voices.replies == 0) || window_has_failed_item(entry));
        if (!silent || entry == confirmed)
            check_voices(check, entry, &voices, entry == confirmed ? "confirm" : "a sample");
    }
    if (lost != NULL)
        finding_violated(check->finding, "H-12", lost, "Brain lost its leadership in the window");
}

/* The one hash of the snapshot; "" where there was none. *ret_none: nobody named one, because
 * somebody was missing. */
static void read_before(const struct audit *audit, struct finding *finding,
                        char ret_hash[SHA256_HEX + 1], bool *ret_none)
{
    const struct entry *snapshot = deployment_good_entry(&audit->deployment, ACTION_CONNECT);
    struct voices voices;
    ret_hash[0] = '\0';
    *ret_none = false;
    if (snapshot == NULL)
        return;
    finding_rests_on(finding, snapshot);
    voices_read(&audit->deployment.hearing, &audit->genesis, snapshot, 0, snapshot->item_count,
                VOICE_UNANSWERED, &voices);
    if (voices.parity == PARITY_EQUAL || voices.parity == PARITY_ABSENT)
        memcpy(ret_hash, voices.hash, SHA256_HEX + 1);
    *ret_none = voices.parity != PARITY_UNEQUAL && ret_hash[0] == '\0' && missing_before(audit);
}

/* H-15, where the act was taken for done and its last look is not recorded. */
static void check_line_before(const struct audit *audit, const struct step *step, const char *hash,
                              struct finding *finding)
{
    const struct hearing *hearing = &audit->deployment.hearing;
    const struct heard *last = NULL;
    for (size_t i = 0; i < hearing->heard_count && step->intent != NULL; i++)
        if (hearing->heard[i].entry->seq < step->intent->seq
            && (hearing->heard[i].matches & HEARD_BIT(PATTERN_POLICY_LOADED)) != 0)
            last = &hearing->heard[i];
    if (last != NULL && last->naming.hash[0] != '\0'
        && strncmp(last->naming.hash, hash, strlen(last->naming.hash)) != 0)
        finding_violated(
            finding, "H-15", last->entry,
            "before the first change Execution loaded %.12s..., and %.12s... was found",
            last->naming.hash, hash);
}

/* H-15: nobody named one before, and now it is there, and would have to be kept. */
static void check_still_none(const struct audit *audit, const struct entry *entry,
                             struct finding *finding)
{
    struct voices voices;
    voices_read(&audit->deployment.hearing, &audit->genesis, entry, 0, reading_first_act(entry),
                VOICE_UNANSWERED, &voices);
    finding_rests_on(finding, entry);
    if (voices.hash[0] != '\0')
        finding_violated(finding, "H-15", entry,
                         "right before the first change the policy hash is %.12s..., and nobody "
                         "had named one",
                         voices.hash);
}

/* H-15 */
static void check_voices_as_found(const struct audit *audit, bool none_to_keep,
                                  struct finding *finding)
{
    bool again;
    const struct step *step = deployment_first_change(&audit->deployment, &again);
    const struct entry *snapshot = deployment_good_entry(&audit->deployment, ACTION_CONNECT);
    struct voices was, is;
    if (step == NULL || snapshot == NULL)
        return;
    again = again && (step->adopted || !as_before_untouched(audit, step->transition));
    if (again && !step->adopted)
        return;
    voices_read(&audit->deployment.hearing, &audit->genesis, snapshot, 0, snapshot->item_count,
                VOICE_ALL, &was);
    if (none_to_keep && !again) {
        check_still_none(audit, step->transition, finding);
        return;
    }
    if (was.parity != PARITY_EQUAL && was.parity != PARITY_ABSENT)
        return;
    finding_rests_on(finding, step->transition);
    if (again) {
        check_line_before(audit, step, was.hash, finding);
        return;
    }
    voices_read(&audit->deployment.hearing, &audit->genesis, step->transition, 0,
                reading_first_act(step->transition), VOICE_ALL, &is);
    if (is.parity != PARITY_EQUAL && is.parity != PARITY_ABSENT)
        finding_violated(finding, "H-15", step->transition,
                         "right before the first change the voices are not as they were: %s",
                         is.why);
    else if (strcmp(was.hash, is.hash) != 0)
        finding_violated(finding, "H-15", step->transition,
                         "right before the first change the policy hash is %.12s..., and %.12s... "
                         "was found",
                         is.hash, was.hash);
}

static void check_forward(const struct audit *audit, const char *before, struct parity_check *check)
{
    bool policy = audit->deployment.policy;
    const struct entry *verified = deployment_good_entry(&audit->deployment, ACTION_VERIFY_RELEASE);
    if (!pattern_is_hash(node_text(audit->deployment.open, "expect"), check->hash))
        check->hash[0] = '\0';
    if (!policy && verified != NULL) {
        if (before[0] == '\0' && !check->none_to_keep)
            finding_undecidable(check->finding, "H-10", verified,
                                "the snapshot shows no single policy hash with which this release "
                                "could be compared");
        else if (before[0] != '\0' && check->hash[0] != '\0' && strcmp(before, check->hash) != 0)
            finding_violated(
                check->finding, "H-10", verified,
                "a release must not change the policy hash, and another than before is expected");
        else if (before[0] != '\0')
            memcpy(check->hash, before, sizeof check->hash);
    }
    check_parity_step(check, ACTION_VERIFY_EXECUTION, VOICE_RESPONDER | VOICE_EXECUTION);
    check_parity_step(check, ACTION_VERIFY_PARITY, VOICE_ALL);
    check_parity_step(check, ACTION_VERIFY_RELEASE, VOICE_ALL);
    check_parity_step(check, ACTION_ARM, VOICE_ALL);
    check_samples(check);
}

/* H-14 */
static void check_back(const struct audit *audit, struct parity_check *check)
{
    const struct entry *restored = deployment_good_entry(&audit->deployment,
                                                         ACTION_VERIFY_RESTORED);
    bool compared = check->hash[0] != '\0', missing = missing_before(audit);
    struct voices voices;
    if (restored == NULL)
        return;
    finding_rests_on(check->finding, restored);
    voices_read(&audit->deployment.hearing, &audit->genesis, restored, 0, restored->item_count,
                missing    ? VOICE_UNANSWERED | missing_asked_after(audit)
                : compared ? VOICE_ALL
                           : 0,
                &voices);
    check->looks++;
    check->absent += voices.absent;
    check->without_hash += voices.without_hash;
    if (voices.parity == PARITY_UNEQUAL || (voices.parity == PARITY_MISSING && compared))
        finding_violated(check->finding, "H-14", restored, "after the rollback: %s", voices.why);
    else if (compared && voices.hash[0] != '\0' && strcmp(check->hash, voices.hash) != 0)
        finding_violated(check->finding, "H-14", restored,
                         "after the rollback the policy hash is %.12s... and was %.12s... before",
                         voices.hash, check->hash);
    memcpy(check->hash, voices.hash, sizeof check->hash);
}

/* H-04 of Brain's log. */
static void check_growth(const struct audit *audit, struct finding *finding)
{
    const struct hearing *hearing = &audit->deployment.hearing;
    for (size_t i = 0; i < hearing->log_count; i++)
        if (hearing->logs[i].probe == PROBE_LOGS_BRAIN && hearing->logs[i].grew_in_front
            && !deployment_is_answered(&audit->deployment, hearing->logs[i].entry))
            finding_violated(finding, "H-04", hearing->logs[i].entry,
                             "Brain's log lost a line, or got one in front of older ones");
}

static void parity_conclude(const struct parity_check *check, const char *when)
{
    char without[200] = "";
    if (check->without_hash + check->absent > 0)
        (void)snprintf(without, sizeof without,
                       "; a line named no whole hash in %u of them, and was absent in %u",
                       check->without_hash, check->absent);
    if (check->none_to_keep && check->looks > 0)
        (void)snprintf(without + strlen(without), sizeof without - strlen(without),
                       "; before it nobody named one that it had to keep");
    if (check->hash[0] == '\0')
        finding_conclude(check->finding, NULL, "no service names a policy hash%s", when);
    else
        finding_conclude(check->finding, NULL,
                         "%u looks at raw replies and log lines show %.12s...%s%s", check->looks,
                         check->hash, when, without);
}

void claim_parity(const struct audit *audit, struct finding *finding)
{
    const struct deployment *deployment = &audit->deployment;
    bool failed = deployment_failure(deployment) != NULL;
    struct parity_check forward = {.audit = audit, .finding = finding},
                        back = {.audit = audit, .finding = finding};
    if (!audit->genesis.has_policy) {
        finding_not_applicable(finding, "no policy hash is shared here");
        return;
    }
    read_before(audit, finding, back.hash, &forward.none_to_keep);
    forward.none_to_keep = forward.none_to_keep && !deployment->policy;
    bool had_none = back.hash[0] == '\0';
    check_voices_as_found(audit, forward.none_to_keep, finding);
    check_forward(audit, back.hash, &forward);
    check_back(audit, &back);
    check_growth(audit, finding);
    if (!deployment->ended)
        finding_undecidable(finding, "P-09", NULL,
                            "the deployment is still open; up to here nothing speaks against it");
    else if (deployment->accepted)
        finding_undecidable(
            finding, "H-14", NULL,
            "the rollback failed: what the policy hash came to be is not in the record");
    else if (forward.looks + back.looks == 0)
        finding_not_applicable(finding, "the deployment ended before a policy hash could change");
    if (failed)
        parity_conclude(&back, had_none
                                   ? " after the rollback; before the deployment nobody named one"
                               : back.hash[0] == '\0'
                                   ? " after the rollback; before the deployment one was named"
                                   : " after the rollback, as before");
    else
        parity_conclude(&forward, " each time");
}
