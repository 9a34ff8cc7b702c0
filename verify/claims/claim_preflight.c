/* preflight: each mandatory item passed, by a probe or by an operator's attestation, before
 * anything was changed. */
#include <stdio.h>
#include <string.h>

#include "verify/judge/audit.h"
#include "verify/judge/reading.h"

/* The attestation that answers an item: the last one in front of the checklist's transition, or
 * NULL. */
static struct entry *attestation_of(const struct deployment *deployment, const struct entry *before,
                                    struct slice item)
{
    struct entry *found = NULL;
    for (size_t i = 0; i < deployment->count && deployment->entries[i]->seq < before->seq; i++) {
        struct entry *entry = deployment->entries[i];
        if (entry->type == ENTRY_ATTESTATION
            && slice_equal(node_text(entry_body(entry), "item"), item)
            && slice_is(node_text(entry_body(entry), "answer"), "passed"))
            found = entry;
    }
    return found;
}

/* Which items rest on a person's word, and whose: the report says so in the sentence of the claim.
 */
struct attested {
    char text[320];
    unsigned count;
};

static void note_attested(struct attested *attested, struct slice id, struct entry *by)
{
    size_t used = strlen(attested->text);
    attested->count++;
    (void)snprintf(attested->text + used, sizeof attested->text - used, "%s%.*s by %.*s",
                   used > 0 ? ", " : "", SLICE_ARGUMENTS(id),
                   SLICE_ARGUMENTS(node_text(entry_body(by), "operator")));
}

/* F-03: what a probe decided is no older than it may be when the first service is changed. */
static void check_fresh(const struct audit *audit, const struct entry *passed, struct slice id,
                        struct finding *finding)
{
    bool again;
    const struct step *step = deployment_first_change(&audit->deployment, &again);
    char name[64];
    if (step == NULL || again || !slice_copy(id, name, sizeof name))
        return;
    const struct entry *entry = step->transition;
    size_t to = reading_first_act(entry);
    const struct item *item = entry_item(entry, 0, to, PROBE_PREFLIGHT, name);
    bool anew = item != NULL;
    if (!anew)
        item = entry_item(passed, 0, passed->item_count, PROBE_PREFLIGHT, name);
    if (item == NULL || to == entry->item_count)
        return;
    if (item->status == 2 && attestation_of(&audit->deployment, entry, id) != NULL)
        return;
    if (item->status != 0)
        finding_violated(finding, "F-03", entry,
                         "the mandatory item '%.*s' did not pass right before the first change",
                         SLICE_ARGUMENTS(id));
    else if ((!anew && strcmp(passed->boot, entry->boot) != 0)
             || entry->items[to].sent_ns - item->received_ns
                    > audit->limits->preflight_ms * 1000000)
        finding_violated(finding, "F-03", entry,
                         "the mandatory item '%.*s' was looked at too long before the first change",
                         SLICE_ARGUMENTS(id));
}

static void preflight_check_item(const struct audit *audit, const struct entry *entry,
                                 struct slice id, struct attested *attested,
                                 struct finding *finding)
{
    bool found = false;
    for (size_t i = 0; i < entry->item_count; i++) {
        const struct item *item = &entry->items[i];
        if (item->probe != PROBE_PREFLIGHT || !slice_equal(item->subject, id))
            continue;
        found = true;
        struct entry *by = item->status == 2 ? attestation_of(&audit->deployment, entry, id) : NULL;
        finding_rests_on(finding, by);
        if (by != NULL)
            note_attested(attested, id, by);
        else if (item->status == 2)
            finding_violated(
                finding, "F-01", entry,
                "the item '%.*s' could not be decided by a probe, and nobody attested it before",
                SLICE_ARGUMENTS(id));
        else if (item->status != 0)
            finding_violated(finding, "F-01", entry, "the mandatory item '%.*s' failed",
                             SLICE_ARGUMENTS(id));
    }
    if (!found)
        finding_violated(finding, "F-01", entry, "the mandatory item '%.*s' was not looked at",
                         SLICE_ARGUMENTS(id));
    check_fresh(audit, entry, id, finding);
}

static unsigned claim_preflight_check_list(const struct audit *audit, const struct entry *entry,
                                           const struct node *list, struct attested *attested,
                                           struct finding *finding)
{
    unsigned count = 0;
    for (const struct node *id = list != NULL ? list->first : NULL; id != NULL;
         id = id->next, count++)
        preflight_check_item(audit, entry, id->text, attested, finding);
    return count;
}

void claim_preflight(const struct audit *audit, struct finding *finding)
{
    const struct deployment *deployment = &audit->deployment;
    const struct step *step = deployment_step(deployment, ACTION_RUN_PREFLIGHT);
    if (step == NULL) {
        if (deployment->ended && !deployment_changed(deployment))
            finding_not_applicable(
                finding,
                "the deployment ended before its checklist had passed, and changed nothing");
        else if (deployment->step_count > 0 && deployment->state != STATE_OPENED
                 && deployment->state != STATE_ABORTING)
            finding_violated(finding, "F-02", NULL, "the deployment went on without its checklist");
        else
            finding_undecidable(finding, "F-01", NULL, "the checklist has not passed yet");
        return;
    }
    const struct entry *entry = step->transition;
    struct attested attested = {.count = 0};
    finding_rests_on(finding, entry);
    unsigned count = claim_preflight_check_list(audit, entry, audit->genesis.checklist, &attested,
                                                finding);
    count += claim_preflight_check_list(audit, entry, node_member(deployment->open, "checklist"),
                                        &attested, finding);
    for (unsigned i = 0; i < audit->limits->checklist_count; i++, count++)
        preflight_check_item(audit, entry, slice_of(audit->limits->checklist[i]), &attested,
                             finding);
    for (size_t i = 0; i < deployment->count && deployment->entries[i]->seq < entry->seq; i++)
        if (deployment->entries[i]->type == ENTRY_INTENT
            && action_by_name(node_text(entry_body(deployment->entries[i]), "action"))
                   != ACTION_RUN_PREFLIGHT)
            finding_violated(finding, "F-02", deployment->entries[i],
                             "a step was begun before the checklist had passed");
    if (count == 0)
        finding_not_applicable(finding, "no checklist item is mandatory here");
    if (attested.count > 0)
        finding_conclude(finding, entry,
                         "all %u mandatory items passed before anything was changed, %u of them by "
                         "a person's word: %s",
                         count, attested.count, attested.text);
    else
        finding_conclude(finding, entry,
                         "all %u mandatory items passed before anything was changed", count);
}
