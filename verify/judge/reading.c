#include "verify/judge/reading.h"

#include "verify/judge/healthy.h"

#include <string.h>

const struct listing *reading_list(const struct item *item)
{
    return item != NULL && item->status == 0 && item->listing != NULL && item->listing->readable
               ? item->listing
               : NULL;
}

const struct listing *reading_last_list(const struct entry *entry)
{
    return reading_list(entry_item(entry, 0, entry->item_count, PROBE_COMPOSE_CONTAINERS, NULL));
}

bool reading_lists_container(const struct entry *entry, const char *id)
{
    for (size_t i = 0; i < entry->item_count; i++) {
        const struct listing *containers = entry->items[i].probe == PROBE_COMPOSE_CONTAINERS
                                               ? reading_list(&entry->items[i])
                                               : NULL;
        for (size_t k = 0; containers != NULL && k < containers->count; k++)
            if (strcmp(containers->list[k].id, id) == 0)
                return true;
    }
    return false;
}

bool reading_has_word(struct slice words, const char *word)
{
    size_t length = strlen(word);
    while (words.length > 0) {
        const char *space = memchr(words.at, ' ', words.length);
        size_t end = space != NULL ? (size_t)(space - words.at) : words.length;
        if (end == length && memcmp(words.at, word, length) == 0)
            return true;
        words = slice_from(words, end + (space != NULL ? 1 : 0));
    }
    return false;
}

bool reading_is_running(const struct listed *container)
{
    return strcmp(container->state, "running") == 0 || strcmp(container->state, "restarting") == 0
           || strcmp(container->state, "paused") == 0;
}

static const char *image_of(const struct listed *row)
{
    return row->image[0] != '\0' ? row->image : row->id;
}

bool reading_is_same_image(const struct listed *one, const struct listed *other)
{
    return strcmp(image_of(one), image_of(other)) == 0
           || (one->manifest[0] != '\0' && strcmp(one->manifest, other->manifest) == 0);
}

bool reading_is_good(const struct listed *container)
{
    return strcmp(container->state, "running") == 0
           && (container->health[0] == '\0' || strcmp(container->health, "healthy") == 0);
}

const struct listed *reading_service(const struct listing *containers, struct slice service)
{
    const struct listed *found = NULL;
    for (size_t i = 0; i < containers->count; i++)
        if (slice_is(service, containers->list[i].service)
            && (found == NULL
                || (!reading_is_running(found) && reading_is_running(&containers->list[i]))))
            found = &containers->list[i];
    return found;
}

size_t reading_running(const struct listing *containers, struct slice service)
{
    size_t running = 0;
    for (size_t i = 0; i < containers->count; i++)
        running += slice_is(service, containers->list[i].service)
                   && reading_is_running(&containers->list[i]);
    return running;
}

/* Two at a time are none: nobody could say whose lines and answers those are. */
const struct listed *reading_sole(const struct listing *containers, struct slice service)
{
    return reading_running(containers, service) == 1 ? reading_service(containers, service) : NULL;
}

bool reading_was_sick(const struct genesis *genesis, const struct entry *entry,
                      struct slice endpoint)
{
    bool sick = false;
    for (size_t i = 0; entry != NULL && i < entry->item_count; i++)
        if (entry->items[i].probe == PROBE_HEALTH && slice_equal(entry->items[i].subject, endpoint))
            sick = healthy_answer(genesis, &entry->items[i]) == HEALTHY_BAD;
    return sick;
}

struct slice reading_missing_endpoint(const struct genesis *genesis, const struct entry *entry)
{
    for (const struct node *endpoint = genesis->endpoints->first; endpoint != NULL;
         endpoint = endpoint->next) {
        bool asked = false;
        for (size_t i = 0; i < entry->item_count; i++)
            asked = asked
                    || (entry->items[i].probe == PROBE_HEALTH
                        && slice_equal(entry->items[i].subject, endpoint->text));
        if (!asked)
            return endpoint->text;
    }
    return (struct slice){"", 0};
}

struct slice reading_item_line(const struct item *item)
{
    if (item == NULL || item->status != 0)
        return (struct slice){"", 0};
    struct slice rest = item->output, line;
    return slice_line(&rest, &line) && rest.length == 0 ? line : (struct slice){"", 0};
}

struct slice reading_line(const struct entry *entry, enum probe probe)
{
    return reading_item_line(entry_item(entry, 0, entry->item_count, probe, NULL));
}

bool reading_is_publish(const struct item *item, struct slice subject)
{
    return item->probe == PROBE_BUS_PUBLISH && slice_equal(item->subject, subject);
}

bool reading_is_removal(const struct item *item, struct slice service)
{
    static const char remove[] = "remove ";
    return item->probe == PROBE_ACT
           && (slice_is(item->subject, "safe command")
               || (slice_begins(item->subject, remove)
                   && slice_equal(slice_from(item->subject, sizeof remove - 1), service)));
}

size_t reading_first_act(const struct entry *entry)
{
    size_t at = 0;
    while (at < entry->item_count && entry->items[at].probe != PROBE_ACT
           && entry->items[at].probe != PROBE_BUS_PUBLISH
           && entry->items[at].probe != PROBE_COMPOSE_UP
           && entry->items[at].probe != PROBE_COMPOSE_PULL)
        at++;
    return at;
}
