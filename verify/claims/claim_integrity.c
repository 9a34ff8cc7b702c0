/* integrity: sequence, chain, signatures, canonical form, blobs; and it extends every checkpoint
 * that was given. */
#include "verify/judge/audit.h"

#include <stdlib.h>
#include <string.h>

#include "verify/whole/anchors.h"
#include "verify/whole/checked.h"
#include "verify/whole/notes.h"
#include "verify/read/kept.h"

/* The one walk over all entries: in their order, what does not depend on it being found ahead. */
struct integrity {
    struct audit *audit;
    struct finding *finding;
    struct walk walk;
    struct sought sought[CHECKPOINTS_MAX + 1]; /* from outside, then the bundle's own */
    bool refused;
};

static const char *chain_fault(const struct audit *audit, const struct entry *entry, uint64_t place)
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
    return NULL;
}

/* False, and said, where the entry is not whole. */
static bool check_place(const struct integrity *integrity, uint64_t place,
                        const struct checked *checked)
{
    struct entry *entry = &integrity->audit->record->entries[place];
    const char *fault = checked->is_read ? chain_fault(integrity->audit, entry, place) : NULL;
    bool whole = checked->is_read && fault == NULL && checked->is_signed;
    if (!whole)
        entry->seq = (int64_t)place;
    if (!checked->is_read)
        finding_violated(integrity->finding, "I-01", entry,
                         "the entry is not one of journal format 1: %s", checked->error.what);
    else if (fault != NULL)
        finding_violated(integrity->finding, "I-02", entry, "%s", fault);
    else if (!checked->is_signed)
        finding_violated(integrity->finding, "I-03", entry, "its signature is wrong");
    else if (checked->missing != NULL)
        finding_violated(integrity->finding, "I-04", entry,
                         "the evidence of `%.*s` is missing or has another size than recorded",
                         SLICE_ARGUMENTS(checked->missing->probe_name));
    if (whole && checked->is_beyond && integrity->audit->record->beyond == NULL)
        integrity->audit->record->beyond = entry;
    return whole && checked->missing == NULL;
}

/* The first that was not entitled decides; the walk goes on, because a checkpoint may ask whose key
 * is in force further on. */
static void follow_authority(struct integrity *integrity, struct entry *entry)
{
    struct finding *finding = &integrity->audit->entitled;
    struct refusal refusal;
    if (!integrity->refused)
        finding_rests_on(finding, entry);
    if (notes_take(&integrity->walk, entry, &refusal) || integrity->refused)
        return;
    integrity->refused = true;
    finding_violated(finding, refusal.rule, entry, "%s", refusal.why);
}

/* False where the walk ended. */
static bool take_batch(struct integrity *integrity, uint64_t first, size_t count,
                       const struct checked *checked)
{
    struct record *record = integrity->audit->record;
    for (uint64_t place = first; place < first + count; place++) {
        struct entry *entry = &record->entries[place];
        if (!check_place(integrity, place, &checked[place - first])) {
            while (++place < first + count) /* what stands behind it was not asked for */
                entry_unread(&record->entries[place]);
            return false;
        }
        record_link(record, entry);
        notes_look(&integrity->walk, place, integrity->sought, CHECKPOINTS_MAX + 1);
        follow_authority(integrity, entry);
        if (!entry_keeps_body(entry))
            entry_drop_body(entry);
    }
    return true;
}

/* How many entries an earlier run has verified: if the last of them is the same, and the chain
 * holds, all of them are. */
static uint64_t verified_entries(const struct audit *audit)
{
    const struct verified *verified = &audit->verified;
    char head[SHA256_HEX + 1];
    if (verified->size == 0 || verified->size > audit->record->count)
        return 0;
    const struct bytes *last = &audit->record->entries[verified->size - 1].value;
    bytes_sha256_hex(last->data, last->size, head);
    return strcmp(head, verified->head) == 0 ? verified->size : 0;
}

static void check_entries(struct integrity *integrity)
{
    struct record *record = integrity->audit->record;
    struct checker *checker = checker_new(record, verified_entries(integrity->audit));
    bool whole = true;
    for (uint64_t first = 0; whole && first < record->count; first += CHECKED_BATCH) {
        size_t left = record->count - first, count = left < CHECKED_BATCH ? left : CHECKED_BATCH;
        whole = take_batch(integrity, first, count, checker_check(checker, first, count));
        kept_rest();
    }
    checker_free(checker);
    if (!whole)
        return;
    notes_look(&integrity->walk, record->count, integrity->sought, CHECKPOINTS_MAX + 1);
    if (integrity->walk.authority.undecided != NULL)
        finding_undecidable(&integrity->audit->entitled, "A-01",
                            integrity->walk.authority.undecided, "%s",
                            integrity->walk.authority.undecided_why);
}

static void check_blobs(const struct record *record, struct finding *finding)
{
    bool *good = checked_blobs(record);
    for (size_t i = 0; i < record->blob_count; i++) {
        const struct blob *blob = &record->blobs[i];
        char hex[SHA256_HEX + 1];
        bytes_hex(blob->hash, SHA256_BYTES, hex);
        if (!good[i])
            finding_violated(
                finding, "I-04", NULL,
                "the evidence stored as %.16s... is not what was recorded: its hash is another",
                hex);
        else if (record->is_bundle && !blob->referred)
            finding_violated(finding, "I-05", NULL,
                             "the bundle carries %.16s..., to which no entry refers", hex);
    }
    free(good);
}

static void check_note(const struct audit *audit, const char *name, const struct sought *sought,
                       struct finding *finding)
{
    if (!sought->readable)
        finding_violated(finding, "I-06", NULL, "the checkpoint %s cannot be read: %s", name,
                         sought->error.what);
    else if (!notes_is_of(sought, audit->record->entries[0].journal))
        finding_violated(finding, "I-06", NULL, "the checkpoint %s is of another journal", name);
    else if (sought->checkpoint.size > audit->record->count)
        finding_violated(
            finding, "I-06", NULL,
            "the checkpoint %s covers %llu entries and only %zu are here: the end was cut off",
            name, (unsigned long long)sought->checkpoint.size, audit->record->count);
    else if (!sought->same_root)
        finding_violated(finding, "I-06", NULL,
                         "the first %llu entries are not those that the checkpoint %s covers",
                         (unsigned long long)sought->checkpoint.size, name);
    else if (!sought->is_signed && sought->damaged != NULL)
        finding_violated(finding, "I-06", sought->damaged,
                         "whose key may sign the checkpoint %s is not known, because this entry, "
                         "which makes the roster, does not hold",
                         name);
    else if (!sought->is_signed)
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

static void check_notes(const struct integrity *integrity)
{
    const struct audit *audit = integrity->audit;
    const struct record *record = audit->record;
    const struct sought *own = &integrity->sought[CHECKPOINTS_MAX];
    for (size_t i = 0; i < audit->checkpoint_count; i++)
        check_note(audit, audit->checkpoints[i].path, &integrity->sought[i], integrity->finding);
    if (!record->is_bundle)
        return;
    if (!own->readable || own->checkpoint.size != record->count
        || !note_has_one_signature(&record->bundle_note))
        finding_violated(
            integrity->finding, "I-06", NULL,
            "the bundle's own checkpoint is not one over its entries with one signature");
    else
        check_note(audit, "at the end of the bundle", own, integrity->finding);
}

static void seek_notes(struct integrity *integrity)
{
    const struct audit *audit = integrity->audit;
    for (size_t i = 0; i < audit->checkpoint_count; i++)
        notes_read(&audit->checkpoints[i].note, &integrity->sought[i]);
    if (audit->record->is_bundle)
        notes_read(&audit->record->bundle_note, &integrity->sought[CHECKPOINTS_MAX]);
    for (size_t i = 0; i < CHECKPOINTS_MAX + 1; i++)
        if (integrity->sought[i].readable
            && integrity->sought[i].checkpoint.size > integrity->walk.tree_until)
            integrity->walk.tree_until = integrity->sought[i].checkpoint.size;
}

static void integrity_free(struct integrity *integrity)
{
    authority_free(&integrity->walk.authority);
}

void integrity_check(struct audit *audit)
{
    const struct record *record = audit->record;
    struct integrity integrity
        __attribute__((cleanup(integrity_free))) = {.audit = audit,
                                                    .finding = &audit->whole,
                                                    .walk.authority.audit = audit};
    finding_init(&audit->whole);
    finding_init(&audit->entitled);
    seek_notes(&integrity);
    check_entries(&integrity);
    if (audit->whole.verdict == VERDICT_VIOLATED)
        return;
    if (audit->journal != NULL && strcmp(audit->journal, record->entries[0].journal) != 0)
        finding_violated(&audit->whole, "I-02", &record->entries[0],
                         "this is journal %s, not the one that was asked for",
                         record->entries[0].journal);
    if (record->is_bundle && strcmp(record->bundle_journal, record->entries[0].journal) != 0)
        finding_violated(&audit->whole, "I-02", &record->entries[0],
                         "the bundle names another journal than its entries");
    if (audit->verified.size > 0 && verified_entries(audit) == 0)
        finding_violated(&audit->whole, "I-06", NULL,
                         "its first %llu entries are not those that were verified before: %s",
                         (unsigned long long)audit->verified.size, audit->verified.path);
    check_blobs(record, &audit->whole);
    check_notes(&integrity);
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

void claim_integrity(const struct audit *audit, struct finding *finding)
{
    *finding = audit->whole;
    finding_rests_on_range(finding, 0, audit->record->count - 1);
    anchors_tell(&audit->anchors, finding);
    if (audit->require_anchor)
        check_anchor(audit, finding);
    finding_conclude(finding, NULL,
                     "%zu entries in one chain, each in canonical form, signed, and with its "
                     "evidence; %zu checkpoint%s from outside extended",
                     audit->record->count, audit->checkpoint_count,
                     audit->checkpoint_count == 1 ? "" : "s");
}
