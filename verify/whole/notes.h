/* verify/whole/notes: whether signed checkpoints are of this journal, found in one walk along it.
 * Use:       notes_read() each; notes_look() in front of each entry, and once behind the last;
 *            then notes_fault().
 * Ownership: a note is borrowed. */
#ifndef VERIFY_NOTES_H
#define VERIFY_NOTES_H

#include "journal/format/merkle.h"
#include "journal/format/note.h"
#include "verify/judge/authority.h"

/* One checkpoint, and what the journal was when it had so many entries. */
struct sought {
    const struct bytes *note;
    struct checkpoint checkpoint;
    bool readable, same_root, is_signed;
    const struct entry *damaged; /* makes a roster and does not hold, so that no key is known */
    struct error error;          /* where it is not readable */
};

/* What a walk has come to. The tree grows only as far as a checkpoint asks for. */
struct walk {
    struct authority authority;
    struct merkle merkle;
    uint64_t tree_until; /* the largest size that is sought */
    const struct entry *damaged;
};

void notes_read(const struct bytes *note, struct sought *ret_sought);
/* Answers those of this size. */
void notes_look(const struct walk *walk, uint64_t size, struct sought *sought, size_t count);
/* Takes the next entry; what authority_take() says of it. */
bool notes_take(struct walk *walk, struct entry *entry, struct refusal *ret_refusal);
/* Whether it is one of `journal` at all. */
bool notes_is_of(const struct sought *sought, const char *journal);

#endif
