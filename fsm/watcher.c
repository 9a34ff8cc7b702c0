#include "fsm/watcher.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "journal/format/names.h"

/* "<until_ns> <question>" */
static void read_question(const char *note, struct watcher *watcher)
{
    char *end = NULL;
    long long until_ns = strtoll(note, &end, 10);
    if (end == note || *end != ' ' || until_ns <= 0)
        return;
    watcher->asks_until_ns = until_ns;
    (void)snprintf(watcher->asks, sizeof watcher->asks, "%s", end + 1);
}

void watcher_ask(const struct driver *driver, struct watcher *ret_watcher)
{
    const struct world_disk *disk = driver->world->disk;
    CLEANUP_BYTES struct bytes path = {0};
    struct error ignored;
    struct world_lock_holder holder;
    ret_watcher->life = WATCHER_UNKNOWN;
    ret_watcher->process = 0;
    ret_watcher->asks[0] = '\0';
    ret_watcher->asks_until_ns = 0;
    if (driver_lock_path(driver, &path, &ignored) != ERROR_OK
        || disk->lock_holder(disk->context, (const char *)path.data, &holder, &ignored) != ERROR_OK)
        return;
    ret_watcher->process = holder.process;
    ret_watcher->life = holder.process != 0 ? WATCHER_LIVES : WATCHER_GONE;
    read_question(holder.note, ret_watcher);
}

void watcher_tell_question(const struct driver *driver, const char *question, int64_t until_ns)
{
    const struct world_disk *disk = driver->world->disk;
    char note[WORLD_LOCK_NOTE_BYTES] = "";
    if (question != NULL)
        (void)snprintf(note, sizeof note, "%lld %s", (long long)until_ns, question);
    if (driver->lock != NULL)
        disk->lock_note(disk->context, driver->lock, note);
}

void watcher_read(const struct deployment *deployment, const char *boot, struct watcher *watcher)
{
    watcher->since[0] = '\0';
    watcher->since_ns = watcher->sample_ns = 0;
    for (size_t i = 0; i < deployment->count; i++) {
        const struct journal_entry *entry = &deployment->entries[i];
        bool same = strcmp(entry->boot, boot) == 0;
        if (strcmp(entry->type, ENTRY_COMMAND) == 0) /* given beside the driver: no sign of it */
            continue;
        watcher->since_ns = same ? entry->boottime_ns : 0;
        if (strcmp(entry->type, ENTRY_SAMPLE) == 0)
            watcher->sample_ns = watcher->since_ns;
        (void)snprintf(watcher->since, sizeof watcher->since, "%.8s",
                       strlen(entry->utc) > 11 ? entry->utc + 11 : "");
    }
}

bool watcher_is_needed(const struct deployment *deployment)
{
    if (deployment->ended || deployment->state == STATE_INVALID)
        return false;
    if (machine_is_hot(deployment->state))
        return true;
    const struct transition *edge = machine_step(deployment->procedure, deployment->state, false);
    return deployment->intent.seq != 0 && edge != NULL
           && machine_phase(edge->to) != PHASE_PREPARING;
}

bool watcher_is_missing(const struct watcher *watcher, const struct deployment *deployment)
{
    return watcher->life == WATCHER_GONE && watcher_is_needed(deployment);
}
