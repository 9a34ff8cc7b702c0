#include "verify/whole/checked.h"

#include <stdlib.h>
#include <string.h>

#include "journal/format/sshsig.h"
#include "verify/whole/crew.h"
#include "verify/read/memory.h"

struct checker {
    struct record *record;
    uint64_t verified; /* so many signatures are known */
    uint64_t first;    /* of the present batch */
    struct sshsig_keys keys[CREW_MAX];
    struct checked checked[CHECKED_BATCH];
};

struct checker *checker_new(struct record *record, uint64_t verified)
{
    struct checker *checker = memory_zeroed(1, sizeof *checker);
    checker->record = record;
    checker->verified = verified;
    return checker;
}

void checker_free(struct checker *checker)
{
    free(checker);
}

static bool signature_is_good(const struct entry *entry, struct sshsig_keys *keys)
{
    struct sshsig_claim claim = {.name_space = SSHSIG_NAMESPACE_JOURNAL,
                                 .signature = entry->value.data,
                                 .public_key = entry->signer};
    claim.message = entry_payload(entry, &claim.message_bytes);
    return sshsig_verify_known(keys, &claim);
}

static bool item_lists(const struct item *item)
{
    return item->status == 0
           && (item->probe == PROBE_COMPOSE_CONTAINERS || item->probe == PROBE_COMPOSE_IMAGES
               || item->probe == PROBE_COMPOSE_DRIFT);
}

static void bind_evidence(const struct record *record, struct entry *entry, struct checked *checked)
{
    for (size_t i = 0; i < entry->item_count; i++) {
        struct item *item = &entry->items[i];
        struct blob *blob = record_blob(record, item->hash);
        if (blob == NULL || (int64_t)blob->data.size != item->size) {
            checked->missing = item;
            return;
        }
        __atomic_store_n(&blob->referred, true, __ATOMIC_RELAXED);
        item->output = (struct slice){blob->data.size > 0 ? (const char *)blob->data.data : "",
                                      blob->data.size};
        if (item_lists(item))
            item->listing = listing_read(item->output);
        checked->is_beyond = checked->is_beyond || (item->listing != NULL && item->listing->beyond);
    }
}

static void check_alone(void *context, unsigned worker, size_t index)
{
    struct checker *checker = context;
    struct entry *entry = &checker->record->entries[checker->first + index];
    struct checked *checked = &checker->checked[index];
    checked->is_signed = checked->is_beyond = false;
    checked->missing = NULL;
    checked->is_read = entry_check(entry, &checked->error) == ERROR_OK;
    bytes_sha256(entry->value.data, entry->value.size, entry->hash);
    if (!checked->is_read)
        return;
    checked->is_signed = checker->first + index < checker->verified
                         || signature_is_good(entry, &checker->keys[worker]);
    bind_evidence(checker->record, entry, checked);
}

const struct checked *checker_check(struct checker *checker, uint64_t first, size_t count)
{
    checker->first = first;
    crew_run(count, check_alone, checker);
    return checker->checked;
}

struct blobs_check {
    const struct record *record;
    bool *good;
};

static void check_blob_alone(void *context, unsigned worker, size_t index)
{
    struct blobs_check *check = context;
    const struct blob *blob = &check->record->blobs[index];
    uint8_t hash[SHA256_BYTES];
    (void)worker;
    bytes_sha256(blob->data.data, blob->data.size, hash);
    check->good[index] = memcmp(hash, blob->hash, SHA256_BYTES) == 0;
}

bool *checked_blobs(const struct record *record)
{
    struct blobs_check check = {record, memory_zeroed(record->blob_count, sizeof *check.good)};
    crew_run(record->blob_count, check_blob_alone, &check);
    return check.good;
}
