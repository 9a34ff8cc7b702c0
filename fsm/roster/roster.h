/* fsm/roster/roster: who may do what: the operators, approvers and administrators in force at a
 * place of the journal.
 * Knows:     genesis and the `roster` entries after it, each signed by an administrator of the one
 *            before; not what a right is needed for (authority.h).
 * No date:   a line with valid-after or valid-before is refused. A right ends by an entry, since no
 *            right is judged by a clock that its owner sets.
 * Cost:      a derived cache in the journal says up to where it was scanned and which entries
 *            changed the roster, so that a long journal is not walked each time. It says where to
 *            look, never what it holds: it is discarded and rebuilt where it does not fit.
 * Ownership: roster_free() releases; it takes an empty one. */
#ifndef FSM_ROSTER_H
#define FSM_ROSTER_H

#include "journal/format/allowed_signers.h"
#include "journal/journal.h"

enum roster_role {
    ROSTER_INVALID = 0,
    ROSTER_OPERATOR,
    ROSTER_APPROVER,
    ROSTER_ADMINISTRATOR,
    ROSTER_ROLES
};

struct roster {
    uint64_t entry; /* that made it; 0 = genesis */
    json_t *lines;  /* {"operators":[],"approvers":[],"administrators":[]}, as journal/FORMAT.md has
                       it */
    struct allowed_signers lists[ROSTER_ROLES]; /* the same, read; in the order of the lines */
};

void roster_free(struct roster *roster);
#define CLEANUP_ROSTER __attribute__((cleanup(roster_free)))

/* ERROR_REFUSED, with the role and the line, for one that cannot be read or has a date. `lines` is
 * borrowed. */
enum error_code roster_read(const json_t *lines, struct roster *ret_roster, struct error *error)
    CHECKED;
/* In force after the first `size` entries. ERROR_DAMAGED where one that changed it is not signed
 * by an administrator of the one before. */
enum error_code roster_load(struct journal *journal, uint64_t size, struct roster *ret_roster,
                            struct error *error) CHECKED;

/* The line that gives this key the role, under this principal (NULL = any) and for what the role
 * signs; NULL where there is none. */
const struct allowed_signer *roster_find(const struct roster *roster, enum roster_role role,
                                         const uint8_t key[KEY_BYTES], const char *principal);
/* How many other persons hold the role: lines with another key and other principals. */
size_t roster_others(const struct roster *roster, enum roster_role role,
                     const uint8_t key[KEY_BYTES], const char *principal);

/* The lines with one more, or without those of a principal or a fingerprint ("SHA256:...").
 * ERROR_REFUSED: a line that roster_read() would refuse, that does not hold the namespace of the
 * role, or that is there already; nobody of that name; the last administrator. */
enum error_code roster_with(const struct roster *roster, enum roster_role role, const char *line,
                            json_t **ret_lines, struct error *error) CHECKED;
enum error_code roster_without(const struct roster *roster, enum roster_role role, const char *who,
                               json_t **ret_lines, struct error *error) CHECKED;

const char *roster_role_name(enum roster_role role);    /* "operator" */
const char *roster_role_key(enum roster_role role);     /* "operators" */
enum roster_role roster_role_by_name(const char *name); /* ROSTER_INVALID for none */

#endif
