/* integrity: sequence, chain, signatures, canonical form, blobs; and it extends every checkpoint
 * that was given. */
#include "verify/judge/audit.h"

#include <stdio.h>
#include <string.h>

#include "journal/format/merkle.h"
#include "journal/format/note.h"
#include "journal/format/sshsig.h"
#include "verify/judge/authority.h"

static const char WRONG_SIGNATURE[] = "its signature is wrong";

static bool signature_is_good(const struct entry *entry, struct sshsig_keys *keys)
{
    struct sshsig_claim claim = {.name_space = SSHSIG_NAMESPACE_JOURNAL,
                                 .signature = entry->value.data,
                                 .public_key = entry->signer};
    claim.message = entry_payload(entry, &claim.message_bytes);
    return sshsig_verify_known(keys, &claim);
}

static const char *chain_fault(const struct audit *audit, const struct entry *entry, uint64_t place,
                               struct sshsig_keys *keys)
{
    const struct entry *entries = audit->record->entries;
    char prev[SHA256_HEX + 1];
    memset(prev, '0', SHA256_HEX);
    prev[SHA256_HEX] = '\0';
    if (place > 0)
        bytes_hex(entries[place - 1].hash, SHA256_BYTES, prev);
    if ((uint64_t)entry->seq != place)
        return "its number is not its place";
    if (strcmp(entry->prev, prev) != 0)
        return "`prev` is not the hash of the entry before it: something was changed, removed or "
               "put in between";
    if (strcmp(entry->journal, entries[0].journal) != 0)
        return "it belongs to another journal than the first entry";
    return signature_is_good(entry, keys) ? NULL : WRONG_SIGNATURE;
}

static bool bind_evidence(const struct audit *audit, struct entry *entry, struct finding *finding)
{
    for (size_t i = 0; i < entry->item_count; i++) {
        struct item *item = &entry->items[i];
        struct blob *blob = record_blob(audit->record, item->hash);
        if (blob == NULL || (int64_t)blob->data.size != item->size) {
            finding_violated(finding, "I-04", entry,
                             "the evidence of `%.*s` is missing or has another size than recorded",
                             SLICE_ARGUMENTS(item->probe_name));
            return false;
        }
        blob->referred = true;
        item->output = (struct slice){blob->data.size > 0 ? (const char *)blob->data.data : "",
                                      blob->data.size};
        bool lists = item->probe == PROBE_COMPOSE_CONTAINERS || item->probe == PROBE_COMPOSE_IMAGES
                     || item->probe == PROBE_COMPOSE_DRIFT;
        if (lists && item->status == 0)
            item->listing = listing_read(item->output);
        if (item->listing != NULL && item->listing->beyond && audit->record->beyond == NULL)
            audit->record->beyond = entry;
    }
    return true;
}

static bool check_entry(const struct audit *audit, uint64_t place, struct sshsig_keys *keys,
                        struct finding *finding)
{
    struct entry *entry = &audit->record->entries[place];
    struct error error;
    bytes_sha256(entry->value.data, entry->value.size, entry->hash);
    if (entry_check(entry, &error) != ERROR_OK) {
        entry->seq = (int64_t)place;
        finding_violated(finding, "I-01", entry, "the entry is not one of journal format 1: %s",
                         error.what);
        return false;
    }
    const char *fault = chain_fault(audit, entry, place, keys);
    if (fault != NULL) {
        entry->seq = (int64_t)place;
        finding_violated(finding, strcmp(fault, WRONG_SIGNATURE) == 0 ? "I-03" : "I-02", entry,
                         "%s", fault);
        return false;
    }
    return bind_evidence(audit, entry, finding);
}

static void check_blobs(const struct record *record, struct finding *finding)
{
    for (size_t i = 0; i < record->blob_count; i++) {
        const struct blob *blob = &record->blobs[i];
        uint8_t hash[SHA256_BYTES];
        char hex[SHA256_HEX + 1];
        bytes_hex(blob->hash, SHA256_BYTES, hex);
        bytes_sha256(blob->data.data, blob->data.size, hash);
        if (memcmp(hash, blob->hash, SHA256_BYTES) != 0)
            finding_violated(
                finding, "I-04", NULL,
                "the evidence stored as %.16s... is not what was recorded: its hash is another",
                hex);
        else if (record->is_bundle && !blob->referred)
            finding_violated(finding, "I-05", NULL,
                             "the bundle carries %.16s..., to which no entry refers", hex);
    }
}

/* The journal as it stood at that size: whose key may speak for it. *ret_damaged: an entry that
 * makes a roster and does not hold, so that nobody knows; NULL = there is none. */
static bool is_signed(const struct audit *audit, uint64_t size, const char *origin,
                      const struct bytes *note, const struct entry **ret_damaged)
{
    CLEANUP_AUTHORITY struct authority authority = {.audit = audit};
    struct refusal ignored;
    bool bad = false;
    *ret_damaged = NULL;
    for (uint64_t i = 0; i < size; i++) {
        struct entry *entry = &audit->record->entries[i];
        bool makes_roster = entry->type == ENTRY_GENESIS || entry->type == ENTRY_ROSTER;
        if (!authority_take(&authority, entry, &ignored) && makes_roster && *ret_damaged == NULL)
            *ret_damaged = entry;
    }
    return authority_may_sign_checkpoint(&authority, origin, note, &bad) && !bad;
}

static void check_note(const struct audit *audit, const char *name, const struct bytes *note,
                       const uint8_t (*roots)[SHA256_BYTES], size_t index, struct finding *finding)
{
    struct checkpoint checkpoint;
    struct error error;
    const struct entry *damaged;
    char origin[CHECKPOINT_ORIGIN_MAX];
    (void)snprintf(origin, sizeof origin, FORMAT_CHECKPOINT_ORIGIN "%s",
                   audit->record->entries[0].journal);
    if (checkpoint_read(note->data, note->size, &checkpoint, &error) != ERROR_OK)
        finding_violated(finding, "I-06", NULL, "the checkpoint %s cannot be read: %s", name,
                         error.what);
    else if (strcmp(checkpoint.origin, origin) != 0)
        finding_violated(finding, "I-06", NULL, "the checkpoint %s is of another journal", name);
    else if (checkpoint.size > audit->record->count)
        finding_violated(
            finding, "I-06", NULL,
            "the checkpoint %s covers %llu entries and only %zu are here: the end was cut off",
            name, (unsigned long long)checkpoint.size, audit->record->count);
    else if (memcmp(checkpoint.root, roots[index], SHA256_BYTES) != 0)
        finding_violated(finding, "I-06", NULL,
                         "the first %llu entries are not those that the checkpoint %s covers",
                         (unsigned long long)checkpoint.size, name);
    else if (is_signed(audit, checkpoint.size, origin, note, &damaged))
        return;
    else if (damaged != NULL)
        finding_violated(finding, "I-06", damaged,
                         "whose key may sign the checkpoint %s is not known, because this entry, "
                         "which makes the roster, does not hold",
                         name);
    else
        finding_violated(finding, "I-06", NULL,
                         "the checkpoint %s is not signed by a key that could speak for the "
                         "journal at that size",
                         name);
}

/* The bundle's own: one line of signature and nothing else, so that each of its bytes is decided.
 */
static bool note_has_one_signature(const struct bytes *note)
{
    size_t lines = 0;
    for (size_t i = 0; i < note->size; i++)
        lines += note->data[i] == '\n';
    return lines == 5;
}

static void check_notes(const struct audit *audit, struct finding *finding)
{
    const struct record *record = audit->record;
    uint8_t roots[CHECKPOINTS_MAX + 1][SHA256_BYTES] = {{0}};
    struct merkle merkle;
    size_t count = audit->checkpoint_count;
    merkle_init(&merkle);
    for (uint64_t size = 0;; size++) {
        for (size_t i = 0; i < count; i++)
            if (audit->checkpoints[i].size == size)
                merkle_root(&merkle, roots[i]);
        if (size == record->count)
            break;
        merkle_add(&merkle, record->entries[size].value.data, record->entries[size].value.size);
    }
    merkle_root(&merkle, roots[CHECKPOINTS_MAX]);
    for (size_t i = 0; i < count; i++)
        check_note(audit, audit->checkpoints[i].path, &audit->checkpoints[i].note,
                   (const uint8_t(*)[SHA256_BYTES])roots, i, finding);
    if (!record->is_bundle)
        return;
    struct checkpoint own;
    struct error error;
    if (checkpoint_read(record->bundle_note.data, record->bundle_note.size, &own, &error)
            != ERROR_OK
        || own.size != record->count || !note_has_one_signature(&record->bundle_note))
        finding_violated(
            finding, "I-06", NULL,
            "the bundle's own checkpoint is not one over its entries with one signature");
    else
        check_note(audit, "at the end of the bundle", &record->bundle_note,
                   (const uint8_t(*)[SHA256_BYTES])roots, CHECKPOINTS_MAX, finding);
}

/* I-07: what was handed outside is a checkpoint over no more than stood before it. */
static void check_anchor_entry(const struct audit *audit, struct entry *entry,
                               struct finding *finding)
{
    CLEANUP_BYTES struct bytes note = {0};
    struct slice text = node_text(entry_body(entry), "checkpoint");
    struct checkpoint checkpoint;
    struct merkle merkle;
    struct error error;
    const struct entry *damaged;
    uint8_t root[SHA256_BYTES];
    char origin[CHECKPOINT_ORIGIN_MAX];
    (void)snprintf(origin, sizeof origin, FORMAT_CHECKPOINT_ORIGIN "%s",
                   audit->record->entries[0].journal);
    if (bytes_append(&note, text.at, text.length, &error) != ERROR_OK
        || checkpoint_read(note.data, note.size, &checkpoint, &error) != ERROR_OK
        || strcmp(checkpoint.origin, origin) != 0 || checkpoint.size > (uint64_t)entry->seq) {
        finding_violated(finding, "I-07", entry,
                         "the anchor is no checkpoint over what stood before it in this journal");
        return;
    }
    merkle_init(&merkle);
    for (uint64_t i = 0; i < checkpoint.size; i++)
        merkle_add(&merkle, audit->record->entries[i].value.data,
                   audit->record->entries[i].value.size);
    merkle_root(&merkle, root);
    if (memcmp(root, checkpoint.root, sizeof root) != 0
        || !is_signed(audit, checkpoint.size, origin, &note, &damaged))
        finding_violated(finding, "I-07", entry,
                         "the anchor is not one of the entries before it, signed by a key that "
                         "could speak for them");
}

static void check_anchors(const struct audit *audit, struct finding *finding)
{
    for (uint64_t at = 0; at < audit->record->count; at++)
        if (audit->record->entries[at].type == ENTRY_ANCHOR)
            check_anchor_entry(audit, &audit->record->entries[at], finding);
}

static void check_anchor(const struct audit *audit, struct finding *finding)
{
    uint64_t covered = 0, needed = audit->record->count;
    for (size_t i = 0; i < audit->checkpoint_count; i++)
        if (audit->checkpoints[i].size > covered)
            covered = audit->checkpoints[i].size;
    /* An anchor entry stands behind the checkpoint that it names, so the judged deployment's end is
     * what has to be covered. */
    if (audit->deployment.count > 0)
        needed = (uint64_t)audit->deployment.entries[audit->deployment.count - 1]->seq + 1;
    if (covered < needed)
        finding_undecidable(finding, "I-08", NULL,
                            "no checkpoint from outside covers entry %llu: the end is unanchored, "
                            "and what stood behind it may be missing",
                            (unsigned long long)(needed - 1));
}

void integrity_check(const struct audit *audit, struct finding *finding)
{
    const struct record *record = audit->record;
    struct sshsig_keys keys = {.count = 0};
    for (uint64_t place = 0; place < record->count; place++)
        if (!check_entry(audit, place, &keys, finding))
            return;
    if (audit->journal != NULL && strcmp(audit->journal, record->entries[0].journal) != 0)
        finding_violated(finding, "I-02", &record->entries[0],
                         "this is journal %s, not the one that was asked for",
                         record->entries[0].journal);
    if (record->is_bundle && strcmp(record->bundle_journal, record->entries[0].journal) != 0)
        finding_violated(finding, "I-02", &record->entries[0],
                         "the bundle names another journal than its entries");
    check_blobs(record, finding);
    check_notes(audit, finding);
}

void claim_integrity(const struct audit *audit, struct finding *finding)
{
    *finding = audit->whole;
    finding_rests_on_range(finding, 0, audit->record->count - 1);
    if (finding->verdict != VERDICT_VIOLATED)
        check_anchors(audit, finding);
    if (audit->require_anchor)
        check_anchor(audit, finding);
    finding_conclude(finding, NULL,
                     "%zu entries in one chain, each in canonical form, signed, and with its "
                     "evidence; %zu checkpoint%s from outside extended",
                     audit->record->count, audit->checkpoint_count,
                     audit->checkpoint_count == 1 ? "" : "s");
}
