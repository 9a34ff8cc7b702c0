/* preflight: each mandatory item passed, by a probe or by an operator's attestation, before anything was changed. */
#include "verify/audit.h"

static bool is_attested(const struct deployment *deployment, const struct entry *before, struct text item)
{
    for (size_t i = 0; i < deployment->count && deployment->entries[i]->seq < before->seq; i++) {
        struct entry *entry = deployment->entries[i];
        if (entry->type == ENTRY_ATTESTATION && text_equal(node_text(entry_body(entry), "item"), item)
            && text_is(node_text(entry_body(entry), "answer"), "passed"))
            return true;
    }
    return false;
}

static void check_item(const struct audit *audit, const struct entry *entry, struct text id, struct finding *finding)
{
    bool found = false;
    for (size_t i = 0; i < entry->item_count; i++) {
        const struct item *item = &entry->items[i];
        if (!text_is(item->probe, "preflight") || !text_equal(item->subject, id))
            continue;
        found = true;
        if (item->status == 2 && !is_attested(&audit->deployment, entry, id))
            finding_violated(finding, entry, "the item '%.*s' could not be decided by a probe, and nobody attested it before", TEXT_ARGUMENTS(id));
        else if (item->status != 0 && item->status != 2)
            finding_violated(finding, entry, "the mandatory item '%.*s' failed", TEXT_ARGUMENTS(id));
    }
    if (!found)
        finding_violated(finding, entry, "the mandatory item '%.*s' was not looked at", TEXT_ARGUMENTS(id));
}

static unsigned check_list(const struct audit *audit, const struct entry *entry, const struct node *list, struct finding *finding)
{
    unsigned count = 0;
    for (const struct node *id = list != NULL ? list->first : NULL; id != NULL; id = id->next, count++)
        check_item(audit, entry, id->text, finding);
    return count;
}

void claim_preflight(const struct audit *audit, struct finding *finding)
{
    const struct deployment *deployment = &audit->deployment;
    const struct step *step = deployment_step(deployment, ACT_RUN_PREFLIGHT);
    if (step == NULL) {
        if (deployment->ended && !deployment_changed(deployment))
            finding_not_applicable(finding, "the deployment ended before its checklist had passed, and changed nothing");
        else if (deployment->step_count > 0 && deployment->stage != STAGE_OPENED && deployment->stage != STAGE_ABORTING)
            finding_violated(finding, NULL, "the deployment went on without its checklist");
        else
            finding_undecidable(finding, NULL, "the checklist has not passed yet");
        return;
    }
    const struct entry *entry = step->transition;
    unsigned count = check_list(audit, entry, audit->genesis.checklist, finding);
    count += check_list(audit, entry, node_member(deployment->open, "checklist"), finding);
    for (unsigned i = 0; i < audit->limits->checklist_count; i++, count++)
        check_item(audit, entry, text_of(audit->limits->checklist[i]), finding);
    for (size_t i = 0; i < deployment->count && deployment->entries[i]->seq < entry->seq; i++)
        if (deployment->entries[i]->type == ENTRY_INTENT && act_by_name(node_text(entry_body(deployment->entries[i]), "action")) != ACT_RUN_PREFLIGHT)
            finding_violated(finding, deployment->entries[i], "a step was begun before the checklist had passed");
    if (count == 0)
        finding_not_applicable(finding, "no checklist item is mandatory here");
    finding_conclude(finding, entry, "all %u mandatory items passed before anything was changed", count);
}
