#include "verify/whole/anchors.h"

#include <stdlib.h>

#include "verify/whole/notes.h"
#include "verify/read/memory.h"

struct anchor {
    struct entry *entry;
    struct bytes note;
    struct sought sought;
    bool is_note; /* over no more than stood before it, in this journal */
};

void anchors_free(struct anchors *anchors)
{
    for (size_t i = 0; i < anchors->count; i++)
        bytes_free(&anchors->list[i].note);
    free(anchors->list);
    *anchors = (struct anchors){0};
}

static void read_anchor(const struct record *record, struct entry *entry, struct anchor *anchor)
{
    struct slice text = node_text(entry_body(entry), "checkpoint");
    struct error error;
    *anchor = (struct anchor){.entry = entry};
    if (bytes_append(&anchor->note, text.at, text.length, &error) != ERROR_OK)
        return; /* that memory ran out is said at the end */
    notes_read(&anchor->note, &anchor->sought);
    anchor->is_note = notes_is_of(&anchor->sought, record->entries[0].journal)
                      && anchor->sought.checkpoint.size <= (uint64_t)entry->seq;
}

static void read_anchors(const struct record *record, struct anchors *anchors)
{
    for (uint64_t seq = 0; seq < record->count; seq++)
        anchors->count += record->entries[seq].type == ENTRY_ANCHOR;
    anchors->list = memory_zeroed(anchors->count, sizeof *anchors->list);
    anchors->count = 0;
    for (uint64_t seq = 0; seq < record->count; seq++)
        if (record->entries[seq].type == ENTRY_ANCHOR)
            read_anchor(record, &record->entries[seq], &anchors->list[anchors->count++]);
    for (size_t i = 0; i < anchors->count; i++) /* it does not move any more */
        anchors->list[i].sought.note = &anchors->list[i].note;
}

static int compare_sizes(const void *left, const void *right)
{
    const struct anchor *const *one = left, *const *other = right;
    uint64_t a = (*one)->sought.checkpoint.size, b = (*other)->sought.checkpoint.size;
    return (a > b) - (a < b);
}

/* Those that are asked for, by their sizes; free(). */
static struct anchor **by_size(const struct anchors *anchors, size_t *ret_count)
{
    struct anchor **sorted = memory_zeroed(anchors->count, sizeof *sorted);
    size_t count = 0;
    for (size_t i = 0; i < anchors->count; i++)
        if (anchors->list[i].is_note)
            sorted[count++] = &anchors->list[i];
    if (count > 0)
        qsort(sorted, count, sizeof(struct anchor *), compare_sizes);
    *ret_count = count;
    return sorted;
}

void anchors_check(const struct audit *audit, struct anchors *ret_anchors)
{
    struct anchors anchors = {0};
    struct walk walk = {.authority.audit = audit, .tree_until = UINT64_MAX};
    struct refusal ignored;
    size_t count, at = 0;
    read_anchors(audit->record, &anchors);
    struct anchor **sorted = by_size(&anchors, &count);
    for (uint64_t size = 0; at < count; size++) {
        for (; at < count && sorted[at]->sought.checkpoint.size == size; at++)
            notes_look(&walk, size, &sorted[at]->sought, 1);
        struct entry *entry = &audit->record->entries[size];
        if (at < count)
            (void)notes_take(&walk, entry, &ignored);
        if (!entry_keeps_body(entry))
            entry_drop_body(entry);
    }
    free(sorted);
    authority_free(&walk.authority);
    anchors_free(ret_anchors);
    *ret_anchors = anchors;
}

void anchors_tell(const struct anchors *anchors, struct finding *finding)
{
    for (size_t i = 0; i < anchors->count; i++) {
        const struct anchor *anchor = &anchors->list[i];
        if (!anchor->is_note)
            finding_violated(
                finding, "I-07", anchor->entry,
                "the anchor is no checkpoint over what stood before it in this journal");
        else if (!anchor->sought.same_root || !anchor->sought.is_signed)
            finding_violated(finding, "I-07", anchor->entry,
                             "the anchor is not one of the entries before it, signed by a key that "
                             "could speak for them");
    }
}
