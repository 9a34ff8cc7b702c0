#include "verify/report/named_open.h"

#include <stdio.h>
#include <string.h>

#include "journal/format/sshsig.h"
#include "verify/judge/machine.h"
#include "verify/judge/reading.h"

/* What differs from the `open` of the deployment before, in words. */
static void name_drivers(const struct audit *audit, struct entry *before, char *words, size_t size)
{
    static const char *const members[] = {"program", "table", "config"};
    static const char *const names[] = {"the program", "its transition table",
                                        "its configuration file"};
    for (unsigned i = 0; before != NULL && i < sizeof members / sizeof members[0]; i++) {
        size_t used = strlen(words);
        if (!slice_equal(node_text(entry_body(before), members[i]),
                         node_text(audit->deployment.open, members[i])))
            (void)snprintf(words + used, size - used, "%s%s", used > 0 ? ", " : "", names[i]);
    }
}

/* The commit to which an `update_code` that succeeded moved the tree; nothing where it stood there
 * already. */
static struct slice commit_gone_to(const struct entry *updated)
{
    struct slice none = {0};
    if (updated == NULL)
        return none;
    const struct item *found = entry_first_item(updated, 0, updated->item_count, PROBE_GIT_HEAD);
    struct slice is = reading_line(updated, PROBE_GIT_HEAD);
    return slice_equal(reading_item_line(found), is) ? none : is;
}

static bool goes_into(struct entry *entry, enum state state)
{
    return entry->type == ENTRY_TRANSITION
           && state_by_name(node_text(entry_body(entry), "to")) == state;
}

/* Whether the deployment that `before` opens went to the commit, and was rolled back. */
static bool was_rolled_back(const struct audit *audit, const struct entry *before,
                            struct slice commit)
{
    struct entry *entries = audit->record->entries;
    bool went = false, back = false;
    for (int64_t seq = before->seq; seq < (int64_t)audit->deployment.number; seq++) {
        if (entries[seq].deployment != before->deployment)
            continue;
        went = went
               || (goes_into(&entries[seq], STATE_UPDATED)
                   && slice_equal(commit_gone_to(&entries[seq]), commit));
        back = back || goes_into(&entries[seq], STATE_ROLLED_BACK);
    }
    return went && back;
}

/* By name, or by key. */
static bool is_by(struct entry *approval, struct entry *takeover)
{
    const struct node *body = entry_body(approval);
    struct slice armor = node_text(body, "signature");
    uint8_t signature[SIGNATURE_BYTES], key[KEY_BYTES];
    struct error ignored;
    return slice_equal(node_text(body, "principal"), node_text(entry_body(takeover), "operator"))
           || (sshsig_dearmor(armor.at, armor.length, SSHSIG_NAMESPACE_APPROVAL, signature, key,
                              &ignored)
                   == ERROR_OK
               && memcmp(key, takeover->signer, KEY_BYTES) == 0);
}

/* N-16: who approved, and took over behind the step that counted the approvals. */
static void name_approving_driver(const struct audit *audit, char *words, size_t size)
{
    const struct deployment *deployment = &audit->deployment;
    const struct entry *counted = deployment_good_entry(deployment, ACTION_LAY_GUARD);
    for (size_t i = 0; counted != NULL && i < deployment->count; i++) {
        struct entry *taken = deployment->entries[i];
        bool by = false;
        for (size_t k = 0; k < i; k++)
            by = by
                 || (deployment->entries[k]->type == ENTRY_APPROVAL
                     && is_by(deployment->entries[k], taken));
        if (taken->type == ENTRY_TAKEOVER && taken->seq > counted->seq && by)
            (void)slice_copy(node_text(entry_body(taken), "operator"), words, size);
    }
}

void named_collect_open(const struct audit *audit, struct deployment_report *report)
{
    struct entry *before = NULL;
    const struct entry *update = deployment_good_entry(&audit->deployment, ACTION_UPDATE_CODE);
    struct slice commit = commit_gone_to(update);
    for (uint64_t seq = audit->deployment.number; before == NULL && seq-- > 0;)
        if (audit->record->entries[seq].type == ENTRY_OPEN)
            before = &audit->record->entries[seq];
    name_drivers(audit, before, report->driver, sizeof report->driver);
    report->again = node_is(node_member(audit->deployment.open, "again"), NODE_TRUE);
    report->known_bad = before != NULL && commit.length > 0
                        && was_rolled_back(audit, before, commit);
    const struct node *target = node_member(entry_body(&audit->record->entries[0]), "target");
    name_approving_driver(audit, report->approver, sizeof report->approver);
    report->unpinned = !slice_is(node_text(target, "address"), "local")
                       && node_text(target, "host_key").length == 0;
}
