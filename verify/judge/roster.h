/* verify/judge/roster: the lists of who may sign, as genesis and the roster entries write them.
 * Ownership: authority_roster_free() releases; it takes an empty one. */
#ifndef VERIFY_ROSTER_H
#define VERIFY_ROSTER_H

#include "journal/format/allowed_signers.h"
#include "verify/read/entry.h"

struct roster {
    struct allowed_signers operators, approvers, administrators;
};

void authority_roster_free(struct roster *roster);
/* NULL, or what is wrong with a line; then *ret_roster stays as it is. */
const char *authority_roster_read(const struct node *node, struct roster *ret_roster);
/* The line that holds this key for journal entries; of this principal where one is given. */
const struct allowed_signer *find_roster_line(const struct allowed_signers *list,
                                              const uint8_t key[KEY_BYTES], const char *principal);
/* valid-after and valid-before as ssh-keygen writes them, YYYYMMDD[HHMM[SS]] (UTC here), against
 * the time that the entry names. */
bool is_in_time(const struct allowed_signer *signer, const struct entry *entry);

#endif
