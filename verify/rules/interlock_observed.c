/* L-01, L-02: whether an entry shows Execution disarmed by this command, or removed. */
#include "verify/rules/interlock.h"

#include "verify/judge/reading.h"

bool interlock_disarm_is_observed(const struct audit *audit, const struct entry *entry, size_t from,
                                  struct slice key, const char **ret_why)
{
    const struct hearing *hearing = &audit->deployment.hearing;
    const char *why = "nobody looked behind it";
    for (size_t i = 0; i < hearing->look_count; i++) {
        const struct look *look = &hearing->looks[i];
        bool received = false;
        if (look->entry != entry || look->list < from)
            continue;
        for (size_t k = 0; k < look->heard_end; k++) {
            const struct heard *heard = &hearing->heard[k];
            if (heard->run != look->run)
                continue;
            bool ours = (heard->matches & HEARD_BIT(PATTERN_DISARM_RECEIVED)) != 0
                        && slice_is(key, heard->nonce);
            received = ours || (received && (heard->matches & HEARD_BIT(PATTERN_ARMED)) == 0);
        }
        if (look->showing == SHOWING_DISARMED && received)
            return true;
        why = look->showing == SHOWING_DISARMED
                  ? "no line says that Execution received this DISARM; what was sent is no evidence"
              : look->showing == SHOWING_UNKNOWN ? look->why
                                                 : showing_word(look->showing);
    }
    if (ret_why != NULL)
        *ret_why = why;
    return false;
}

bool interlock_is_removed(const struct audit *audit, const struct entry *entry)
{
    for (size_t i = 0; i < entry->item_count; i++) {
        const struct look *look = hearing_look(&audit->deployment.hearing, entry, i,
                                               entry->item_count);
        if (reading_is_removal(&entry->items[i], audit->genesis.execution)
            && entry->items[i].status == 0 && look != NULL && look->showing == SHOWING_GONE)
            return true;
    }
    return false;
}
