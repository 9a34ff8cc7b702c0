/* actions/compose/containers: what `compose.containers`, `compose.images` and `compose.drift` say,
 * read from their raw lines. Pure: no target, no judgement.
 * Format:    journal/FORMAT.md, "Evidence": one JSON object a line.
 * Bounds:    SETUP_NAMES_MAX services, CONTAINERS_MAX containers; more is ERROR_LIMIT.
 * Untrusted: a lying compose may name a service as it likes. A name, an id or an address that
 * Docker or compose could not have given is refused here, before anything is made of it. */
#ifndef ACTIONS_CONTAINERS_H
#define ACTIONS_CONTAINERS_H

#include <stdbool.h>

#include "actions/target/setup.h"
#include "journal/format/bytes.h"

struct container {
    char service[64], id[80], image[80], state[16], health[16], started_at[40], name[128];
    /* "" where the list has none; finished_at is the end of the run before this one */
    char created_at[40], finished_at[40];
    char manifest[80]; /* of its platform, where Docker tells it, else "" */
    int64_t restarts, exit_code;
};

enum { CONTAINERS_MAX = 128 }; /* of all services together, stopped ones among them */

struct containers {
    struct container list[CONTAINERS_MAX];
    size_t count;
};

struct image {
    char service[64], name[256], id[80],
        digest[320];   /* the first address to fetch it again, "" = none */
    char manifest[80]; /* of this platform, where Docker tells it, else "" */
};

struct images {
    struct image list[SETUP_NAMES_MAX];
    size_t count;
};

/* HMACs of a service's configuration: as today's file renders it, and as the running container was
 * created; "" = compose cannot tell, none runs. */
struct configuration {
    char service[64], declared[SHA256_HEX + 1], running[SHA256_HEX + 1];
};

struct configurations {
    struct configuration list[SETUP_NAMES_MAX];
    size_t count;
};

/* compose's own rule for the name of a service, but for a dash in front and for names of dots. */
bool compose_is_service_name(const char *text);
/* An image's name or address: nothing but what one may hold, no option, no path upwards; "" = none.
 */
bool compose_is_reference(const char *text);

enum error_code containers_read(const struct bytes *lines, struct containers *ret_containers,
                                struct error *error) CHECKED;
enum error_code images_read(const struct bytes *lines, struct images *ret_images,
                            struct error *error) CHECKED;
enum error_code configurations_read(const struct bytes *lines,
                                    struct configurations *ret_configurations, struct error *error)
    CHECKED;

/* The container of a service: a running one before any other; NULL where there is none. */
const struct container *containers_find(const struct containers *containers, const char *service);
/* running, restarting or paused: it may act, or will again without anybody's command */
bool container_runs(const struct container *container);
/* How many containers of a service run, and their names: "a, b". */
size_t containers_running(const struct containers *containers, const char *service);
void containers_name_running(const struct containers *containers, const char *service,
                             char *ret_names, size_t size);
/* Of one image: the same id or, where Docker tells both, the same manifest of the platform. */
bool image_is_of(const struct image *image, const struct container *container);
bool containers_share_image(const struct container *one, const struct container *other);
/* Another id, and Docker does not tell both manifests: it may be the same or not. */
bool image_is_untold(const struct image *image, const struct container *container);
const struct image *images_find(const struct images *images, const char *service);
const struct configuration *configurations_find(const struct configurations *configurations,
                                                const char *service);
/* exited with 0 */
bool container_ended_well(const struct container *container);
/* running, and healthy where it has a check of its own */
bool container_is_good(const struct container *container);

#endif
