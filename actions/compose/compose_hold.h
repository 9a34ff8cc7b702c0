/* actions/compose/compose_hold: what a rollback, or an abort, needs of Docker's images is kept.
 * Knows:     how an image is held (by a name of our own, a container made from its id, a file), and
 *            how names are given back; not when.
 * Stores:    in containerd's store the record of an image goes with its last name, although
 *            containers run from it, and `prune -a` takes names that no container uses: a name and
 *            a container hold it together. In the classic store a container does.
 * Evidence:  act. */
#ifndef ACTIONS_COMPOSE_HOLD_H
#define ACTIONS_COMPOSE_HOLD_H

#include "actions/compose/containers.h"
#include "actions/compose/compose_render.h"
#include "actions/target/target.h"

#define STORE_CONTAINERD "containerd"

struct compose_hold {
    const struct containers *containers; /* what a rollback brings back */
    const struct images *images;         /* what an abort gives its names back */
    const struct compose_model *model;   /* services that are built: no registry is asked */
    int64_t deployment;
};

/* Evidence: compose.store: `classic` or `containerd`. */
enum error_code compose_store(struct target *target, struct evidence *evidence, struct error *error)
    CHECKED;
/* Each image, under a name of our own, by a created container, and in a file unless a registry
 * answers for exactly its digest now. One whose record is gone is loaded, or pulled by its digest.
 * *ret_status 3: one cannot be had any more; what was printed says which, and what to do. */
enum error_code compose_hold(struct target *target, const struct target_tenancy *tenancy,
                             const struct compose_hold *hold, struct evidence *evidence,
                             int *ret_status, struct error *error) CHECKED;
/* What this deployment held, but for the names and files of images that containers still use. */
enum error_code compose_release(struct target *target, const struct target_tenancy *tenancy,
                                int64_t deployment, struct evidence *evidence, struct error *error)
    CHECKED;
/* Each name means the image again that it meant before. One that is gone for good is printed, and
 * its name stays. */
enum error_code compose_give_names_back(struct target *target, const struct target_tenancy *tenancy,
                                        const struct images *before, struct evidence *evidence,
                                        int *ret_status, struct error *error) CHECKED;
/* Of each image whose service is not built: the addresses for which a registry gives exactly it
 * now. Evidence: compose.registry. */
enum error_code compose_registry(struct target *target, const struct images *images,
                                 const struct compose_model *model, struct evidence *evidence,
                                 struct error *error) CHECKED;
/* The file in which an image is kept, quoted. */
void hold_add_file(struct text *script, const struct target *target, const char *image);
/* Both are Docker's own words, but they go into command lines, names and a file: an id is sha256
 * and hex, a service what compose allows, or nothing is done. */
enum error_code hold_check_container(const struct container *container, struct error *error);

#endif
