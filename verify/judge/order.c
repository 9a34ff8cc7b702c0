#include "verify/judge/order.h"

#include <stdlib.h>
#include <string.h>

#include "verify/read/memory.h"
#include "verify/read/greater.h"

void order_free(struct order *order)
{
    free(order->places);
    *order = (struct order){0};
}

static int compare_numbers(int64_t left, int64_t right)
{
    return (left > right) - (left < right);
}

static int compare_places(const void *left, const void *right)
{
    const struct place *one = left, *other = right;
    int order = compare_numbers((int64_t)one->boot, (int64_t)other->boot);
    if (order == 0)
        order = compare_numbers(one->sent_ns, other->sent_ns);
    if (order == 0)
        order = compare_numbers((int64_t)one->number, (int64_t)other->number);
    return order != 0 ? order : compare_numbers((int64_t)one->item, (int64_t)other->item);
}

void order_make(struct entry *const *entries, size_t count, struct order *ret_order)
{
    struct order order = {0};
    size_t boot = 0;
    for (size_t i = 0; i < count; i++) {
        const struct entry *entry = entries[i];
        boot += i > 0 && strcmp(entry->boot, entries[i - 1]->boot) != 0;
        if (entry->item_count == 0)
            continue;
        order.places = memory_grown(order.places, order.count + entry->item_count,
                                    sizeof *order.places);
        int64_t sent_ns = INT64_MIN;
        for (size_t k = 0; k < entry->item_count; k++) {
            sent_ns = greater_of(sent_ns, entry->items[k].sent_ns);
            order.places[order.count++] = (struct place){entry, i, k, boot, sent_ns};
        }
    }
    if (order.count > 0)
        qsort(order.places, order.count, sizeof *order.places, compare_places);
    *ret_order = order;
}
