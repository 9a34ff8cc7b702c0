/* actions/tenancy: who holds the target. One file there, deployment.json, replaced atomically under a short lock of its own.
 * Knows:     its fields and the rules of taking it; not the procedure.
 * Form:      one line of JSON, keys in this order: journal, deployment (0 = free), epoch, head_seq, head_hash, holder, boot, expires_ms, guard.
 * Expiry:    expires_ms is the target's uptime on the boot that `boot` names; on another boot it is over. Only the holder's tenancy expires, the open deployment does not.
 * Evidence:  tenancy, with the file as it stands after the step. */
#ifndef ACTIONS_TENANCY_H
#define ACTIONS_TENANCY_H

#include "actions/target.h"

struct tenancy {
    char journal[33];               /* "" = the target has never been held */
    int64_t deployment, epoch, head_seq, expires_ms;
    char head_hash[SHA256_HEX + 1];
    char holder[128];
    char boot[BOOT_ID_LENGTH + 1];
    char guard[16];
};

struct tenancy_claim {
    const char *journal;
    int64_t deployment, head_seq;
    const char *head_hash, *holder;
    int64_t tenancy_ms;
};

enum error_code tenancy_parse(const struct bytes *text, struct tenancy *ret_tenancy, struct error *error) CHECKED;

/* ERROR_HELD: another journal's open deployment, another unexpired holder, or a head newer than ours. Taking it again for the same deployment renews it and keeps the epoch. */
enum error_code tenancy_take(struct target *target, const struct tenancy_claim *claim, struct evidence *evidence, struct tenancy *ret_tenancy, struct error *error) CHECKED;
/* Frees the target; it keeps the journal's id and the epoch. Idempotent. */
enum error_code tenancy_free(struct target *target, const struct tenancy_claim *claim, struct evidence *evidence, struct error *error) CHECKED;
enum error_code tenancy_read(struct target *target, struct evidence *evidence, struct tenancy *ret_tenancy, struct error *error) CHECKED;

#endif
