#include "verify/whole/notes.h"

#include <stdio.h>
#include <string.h>

void notes_read(const struct bytes *note, struct sought *ret_sought)
{
    *ret_sought = (struct sought){.note = note};
    ret_sought->readable = checkpoint_read(note->data, note->size, &ret_sought->checkpoint,
                                           &ret_sought->error)
                           == ERROR_OK;
}

static void journal_origin(const char *journal, char ret_origin[CHECKPOINT_ORIGIN_MAX])
{
    (void)snprintf(ret_origin, CHECKPOINT_ORIGIN_MAX, FORMAT_CHECKPOINT_ORIGIN "%s", journal);
}

bool notes_is_of(const struct sought *sought, const char *journal)
{
    char origin[CHECKPOINT_ORIGIN_MAX];
    journal_origin(journal, origin);
    return sought->readable && strcmp(sought->checkpoint.origin, origin) == 0;
}

/* The journal as it stands at this size: whose key may speak for it. */
static void look_at_note(const struct walk *walk, struct sought *sought)
{
    const struct checkpoint *checkpoint = &sought->checkpoint;
    uint8_t root[SHA256_BYTES];
    bool bad = false;
    merkle_root(&walk->merkle, root);
    sought->same_root = memcmp(root, checkpoint->root, sizeof root) == 0;
    sought->damaged = walk->damaged;
    sought->is_signed = sought->same_root
                        && authority_may_sign_checkpoint(&walk->authority, checkpoint->origin,
                                                         sought->note, &bad)
                        && !bad;
}

void notes_look(const struct walk *walk, uint64_t size, struct sought *sought, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (sought[i].readable && sought[i].checkpoint.size == size)
            look_at_note(walk, &sought[i]);
}

bool notes_take(struct walk *walk, struct entry *entry, struct refusal *ret_refusal)
{
    bool makes_roster = entry->type == ENTRY_GENESIS || entry->type == ENTRY_ROSTER;
    bool entitled = authority_take(&walk->authority, entry, ret_refusal);
    if (!entitled && makes_roster && walk->damaged == NULL)
        walk->damaged = entry;
    if (walk->merkle.size < walk->tree_until)
        merkle_add(&walk->merkle, entry->value.data, entry->value.size);
    return entitled;
}
