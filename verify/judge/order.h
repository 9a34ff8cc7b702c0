/* verify/judge/order: the items of some entries in the order in which they were sent. A command
 * beside the driver is recorded between others whose items are older.
 * Knows:     times of one boot of the driver; across two boots the entries stand in their order.
 * Ownership: order_free() releases the list; it borrows entries. */
#ifndef VERIFY_ORDER_H
#define VERIFY_ORDER_H

#include "verify/read/entry.h"

struct place {
    const struct entry *entry;
    size_t number, item; /* which of the entries, and of its items */
    size_t boot;         /* how many changes of the driver's boot are in front */
    int64_t sent_ns;     /* never before that of an item in front of it in its entry */
};

struct order {
    struct place *places;
    size_t count;
};

void order_make(struct entry *const *entries, size_t count, struct order *ret_order);
void order_free(struct order *order);
#define CLEANUP_ORDER __attribute__((cleanup(order_free)))

#endif
