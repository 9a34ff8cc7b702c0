/* The target's own deployment.json (P-25). */
#include "verify/rules/procedure/procedure.h"

#include <string.h>

#include "verify/judge/reading.h"
#include "verify/read/greater.h"

struct tenancy_check {
    const struct audit *audit;
    struct finding *finding;
    int64_t epoch; /* the last that was seen */
    int64_t head;  /* the same of head_seq */
    int64_t taken; /* that of connect; -1: not yet */
};

/* That of connect, or of the last takeover behind it. */
static int64_t epoch_now(const struct tenancy_check *check, const struct entry *entry)
{
    const struct deployment *deployment = &check->audit->deployment;
    int64_t epoch = check->taken;
    for (size_t i = 0; i < deployment->count && deployment->entries[i]->seq < entry->seq; i++)
        if (deployment->entries[i]->type == ENTRY_TAKEOVER) {
            int64_t named = node_number(entry_body(deployment->entries[i]), "epoch", -1);
            epoch = greater_of(epoch, named);
        }
    return epoch;
}

static void check_epoch(struct tenancy_check *check, const struct step *step, int64_t epoch)
{
    const struct entry *entry = step->transition;
    if (step->action == ACTION_CONNECT) {
        if (epoch < 1 || epoch <= check->epoch)
            finding_violated(check->finding, "P-25", entry,
                             "the target was taken with the epoch %lld, and it had %lld before",
                             (long long)epoch, (long long)check->epoch);
        check->taken = epoch;
    } else if (check->taken >= 0 && epoch != epoch_now(check, entry)) {
        finding_violated(check->finding, "P-25", entry,
                         "the target has the epoch %lld, and this deployment %lld",
                         (long long)epoch, (long long)epoch_now(check, entry));
    }
    check->epoch = greater_of(check->epoch, epoch);
}

/* The target has a head that is older than the one that it had before. */
static void check_head(struct tenancy_check *check, const struct entry *entry, int64_t head)
{
    if (head < check->head)
        finding_violated(check->finding, "P-25", entry,
                         "the target's deployment.json names the head %lld, and named %lld before",
                         (long long)head, (long long)check->head);
    check->head = greater_of(check->head, head);
}

/* Names an entry of this journal before `entry`, by its number and hash. */
static bool head_is_known(const struct audit *audit, const struct entry *entry,
                          const struct node *tenancy)
{
    int64_t seq = node_number(tenancy, "head_seq", -1);
    char hash[SHA256_HEX + 1];
    if (seq < 0 || seq >= entry->seq)
        return false;
    bytes_hex(audit->record->entries[seq].hash, SHA256_BYTES, hash);
    return slice_is(node_text(tenancy, "head_hash"), hash);
}

/* restore_code: what is not held for this deployment is left alone. */
static void check_untouched(const struct tenancy_check *check, const struct entry *entry)
{
    if (entry_item(entry, 0, entry->item_count, PROBE_ACT, NULL) != NULL)
        finding_violated(
            check->finding, "P-25", entry,
            "the target was not held for this deployment, and something was done to it");
}

static void check_tenancy(struct tenancy_check *check, const struct step *step, size_t place,
                          bool first, bool last)
{
    const struct entry *entry = step->transition;
    const struct item *item = &entry->items[place];
    CLEANUP_TREE struct tree tree = {0};
    bool restores = step->action == ACTION_RESTORE_CODE,
         others = restores
                  && ((first && !last)
                      || deployment_step(&check->audit->deployment, ACTION_CONNECT) == NULL),
         frees = restores || step->action == ACTION_COMPLETE
                 || step->action == ACTION_VERIFY_RESTORED;
    if (others && item->output.length == 0) {
        check_untouched(check, entry);
        return; /* a target that nobody ever took has no such file */
    }
    const struct node *held_by = tree_object(item->output, &tree);
    if (held_by == NULL) {
        finding_violated(check->finding, "P-25", entry,
                         "the target's deployment.json cannot be read");
        return;
    }
    struct slice journal = node_text(held_by, "journal"), holder = node_text(held_by, "holder");
    int64_t number = node_number(held_by, "deployment", -1),
            epoch = node_number(held_by, "epoch", -1);
    bool ours = slice_is(journal, check->audit->record->entries[0].journal),
         held = number == (int64_t)check->audit->deployment.number;
    if (restores && first && !(ours && held))
        check_untouched(check, entry);
    if (!ours && !others)
        finding_violated(check->finding, "P-25", entry,
                         "the target's deployment.json names another journal");
    else if (step->action == ACTION_CONNECT && !held)
        finding_violated(check->finding, "P-25", entry,
                         "the target was not taken for this deployment");
    else if (held && holder.length == 0)
        finding_violated(check->finding, "P-25", entry, "nobody holds the target");
    else if (ours && !head_is_known(check->audit, entry, held_by))
        finding_violated(check->finding, "P-25", entry,
                         "the target's deployment.json names a head that is not in this journal");
    if (frees && last && ours && (number != 0 || holder.length > 0))
        finding_violated(check->finding, "P-25", entry, "the target was not freed");
    if (ours && epoch < check->epoch)
        finding_violated(check->finding, "P-25", entry, "the epoch fell from %lld to %lld",
                         (long long)check->epoch, (long long)epoch);
    if (ours)
        check_epoch(check, step, epoch);
    if (ours)
        check_head(check, entry, node_number(held_by, "head_seq", -1));
}

/* The epoch and the head of the deployments before, which never fall. Deployments are judged in
 * their order. */
static void take_before(struct tenancy_check *check)
{
    const struct record *record = check->audit->record;
    struct tenancy_past *past = check->audit->tenancy;
    for (; past->until < check->audit->deployment.number; past->until++) {
        const struct entry *entry = &record->entries[past->until];
        for (size_t i = 0; entry->type == ENTRY_TRANSITION && i < entry->item_count; i++) {
            CLEANUP_TREE struct tree tree = {0};
            if (entry->items[i].probe != PROBE_TENANCY)
                continue;
            const struct node *held_by = tree_object(entry->items[i].output, &tree);
            if (!slice_is(node_text(held_by, "journal"), record->entries[0].journal))
                continue;
            int64_t epoch = node_number(held_by, "epoch", -1),
                    head = node_number(held_by, "head_seq", -1);
            past->epoch = greater_of(past->epoch, epoch);
            past->head = greater_of(past->head, head);
        }
    }
    check->epoch = past->epoch;
    check->head = past->head;
}

void procedure_check_tenancy(const struct audit *audit, struct finding *finding)
{
    const struct deployment *deployment = &audit->deployment;
    struct tenancy_check check = {.audit = audit, .finding = finding, .taken = -1};
    take_before(&check);
    for (size_t i = 0; i < deployment->step_count; i++) {
        const struct step *step = &deployment->steps[i];
        const struct entry *entry = step->transition;
        const struct item *first = entry_first_item(entry, 0, entry->item_count, PROBE_TENANCY),
                          *last = entry_item(entry, 0, entry->item_count, PROBE_TENANCY, NULL);
        if (!step_is_good(step))
            continue;
        for (size_t k = 0; k < entry->item_count; k++) {
            const struct item *item = &entry->items[k];
            if (item->probe == PROBE_TENANCY)
                check_tenancy(&check, step, k, item == first, item == last);
        }
    }
}
