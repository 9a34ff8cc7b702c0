/* actions/target/world_disk: files that are written, for world_disk.c only.
 * Knows:     names, links and durability; not what is written.
 * Contract:  struct world_disk of journal/format/world.h: begin, add, finish. */
#ifndef ACTIONS_WORLD_DISK_H
#define ACTIONS_WORLD_DISK_H

#include "journal/format/world.h"

enum error_code disk_begin(void *context, const char *path, enum world_write how, unsigned mode,
                           void **ret_file, struct error *error) CHECKED;
enum error_code disk_add(void *file, const void *data, size_t size, struct error *error) CHECKED;
enum error_code disk_finish(void *file, bool keep, struct error *error) CHECKED;

/* Makes a name that was created, replaced or removed durable in its directory. */
enum error_code disk_sync_parent(const char *path, struct error *error) CHECKED;

#endif
