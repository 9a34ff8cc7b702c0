/* actions/compose/compose: Docker Compose on the target, either program (`docker compose`,
 * `docker-compose`), and the images behind it.
 * Knows:     how services are brought up, how images are held and pinned by identity; not why.
 * Identity:  of what runs is the container's .Image (an image id). A name or a tag is no identity.
 * Secrets:   the rendered configuration holds secrets: it is read into memory, used, wiped, and
 *            never becomes evidence.
 *
 * Exactly these invocations are made, in the target's directory, with LC_ALL=C (D =
 * setup.target.docker, C = the compose command, P = project, F = compose file, E = env file, O =
 * override file):
 *   D compose version                                             to detect the plugin, where
 *   compose.command is "auto"
 *   C -p P -f F [-f O] [--env-file E] config
 *   C -p P -f F [-f O] [--env-file E] version --short
 *   C -p P -f F [-f O] [--env-file E] config --hash=*
 *   C -p P -f F [-f O] [--env-file E] config | C -p P -f - [--env-file E] config --hash=*
 *   C -p P -f F [--env-file E] --profile '*' config --services
 *   C -p P -f F [-f O] [--env-file E] pull [SERVICE...]
 *   C -p P -f F [-f O] [--env-file E] build [SERVICE...]
 *   C -p P -f F [-f O] [--env-file E] up -d [--no-deps] [--force-recreate] [--no-build]
 *   [--remove-orphans] [--scale SERVICE=N...] [SERVICE...]
 *   C -p P -f F [-f O] [--env-file E] exec -T SERVICE WORDS...
 *   D ps -a -q --no-trunc --filter label=com.docker.compose.project=P --filter
 *   label=com.docker.compose.oneoff=False
 *   D ps [-a] -q --no-trunc --filter label=com.docker.compose.project=P [--filter
 *   label=com.docker.compose.oneoff=False|True]
 *   D inspect --format CONTAINER_TEMPLATE ID...                    (compose.c)
 *   D inspect --format '{{index .Config.Labels "com.docker.compose.service"}} {{index
 *   .Config.Labels "com.docker.compose.config-hash"}}' ID...
 *   D inspect --format '{{.Name}}' ID
 *   D inspect --format '{{range .NetworkSettings.Networks}}{{.IPAddress}} {{end}}' ID
 *   D image inspect --format IMAGE_TEMPLATE NAME                   (compose.c)
 *   D image inspect ID | D image inspect --platform OS/ARCHITECTURE --format '{{.Id}}' NAME
 *   D info --format '{{json .DriverStatus}}'                       (compose_hold.c)
 *   D pull -q NAME@DIGEST | D rmi titan-hold.invalid/image:HEX     (compose_hold.c)
 *   D logs --timestamps --since RFC3339 ID          (with --tail N before ID for the error search)
 *   D cp ID:PATH -
 *   D create --name NAME --label com.docker.compose.project=titan-hold ID true
 *   D save -o FILE ID | D load -i FILE | D pull NAME@DIGEST | D tag ID NAME:TAG
 *   D ps -q --no-trunc | D inspect --format RUNNING_TEMPLATE ID... (running.c)
 *   readlink, chown, chmod, stat, sha256sum, mv of the env file's copies (kept.c)
 *   D volume inspect --format TEMPLATE NAME | D image inspect --format TEMPLATE NAME | D -H
 *   unix://PATH version   (check_socket.c)
 *   D rm -f ID...                                                  (containers; also by name)
 *   D ps -a -q --no-trunc --filter label=com.docker.compose.project=P --filter
 *   label=com.docker.compose.service=SERVICE                       (compose_remove_at_once()) */
#ifndef ACTIONS_COMPOSE_H
#define ACTIONS_COMPOSE_H

#include "actions/compose/containers.h"
#include "actions/compose/compose_render.h"
#include "actions/target/target.h"

struct compose_up {
    const char *override; /* absolute path, NULL = none */
    const char *services[SETUP_NAMES_MAX];
    size_t service_count;            /* 0 = all */
    int64_t scales[SETUP_NAMES_MAX]; /* containers of each service; 0 = as the file declares */
    bool no_deps, force_recreate, no_build, remove_orphans;
    int64_t deadline_ms;
};

/* Evidence: compose.containers. */
enum error_code compose_containers(struct target *target, struct evidence *evidence,
                                   struct containers *ret_containers, struct error *error) CHECKED;
/* Evidence: compose.images, for the model's services. */
enum error_code compose_images(struct target *target, const struct compose_model *model,
                               struct evidence *evidence, struct images *ret_images,
                               struct error *error) CHECKED;
struct compose_pull {
    const struct compose_model *model;
    int64_t deadline_ms;
    const struct target_watch *watch; /* receives what is printed; NULL = no observer */
};
/* Pulls the images that have a name and builds the others. Evidence: compose.pull; *ret_status is
 * its exit status. */
enum error_code compose_pull(struct target *target, const struct target_tenancy *tenancy,
                             const struct compose_pull *pull, struct evidence *evidence,
                             int *ret_status, struct error *error) CHECKED;
/* Evidence: compose.up. */
enum error_code compose_up(struct target *target, const struct target_tenancy *tenancy,
                           const struct compose_up *up, struct evidence *evidence, int *ret_status,
                           struct error *error) CHECKED;

/* compose_fingerprint.c. HMACs under a key that lies in the state directory of the target and never
 * leaves it. MAKE: it is made there when first needed. LEAVE: nothing is written; without a key,
 * fingerprints for later are refused (status 3), and what is compared now is under a temporary key.
 */
enum compose_key { COMPOSE_KEY_INVALID = 0, COMPOSE_KEY_MAKE, COMPOSE_KEY_LEAVE };
/* Evidence: hmac.key, config.hmac, env.hmac, env.mode. */
enum error_code compose_fingerprints(struct target *target, enum compose_key key,
                                     struct evidence *evidence, struct error *error) CHECKED;
/* The shell function `hmac`, of standard input under the key of the target, which must be there. */
void compose_add_hmac(struct text *script, const struct target *target);
/* Evidence: policy.hmac. */
enum error_code compose_policy_fingerprint(struct target *target, struct evidence *evidence,
                                           struct error *error) CHECKED;
/* Each service of the model as it is declared now (with `override`, NULL = without) and as it runs.
 * Evidence: compose.drift, subject "override" with one. */
enum error_code compose_configurations(struct target *target, const struct compose_model *model,
                                       const char *override, enum compose_key key,
                                       struct evidence *evidence,
                                       struct configurations *ret_configurations,
                                       struct error *error) CHECKED;
/* Names of containers that carry the project's label and are neither compose's own nor one-off
 * ones, one a line: `up --remove-orphans` leaves those alone. */
enum error_code compose_strays(struct target *target, struct bytes *ret_names, struct error *error)
    CHECKED;

/* compose_pin.c */
struct compose_pin {
    const struct containers *before;
    const struct images *addresses;    /* where an image can be fetched again */
    const struct compose_model *model; /* of the restored file */
    const struct images *now;          /* what its names mean now */
    int64_t deployment;
};
/* Why the service of before->list[index] cannot run under its declared image name; NULL = it can.
 */
const char *compose_pin_obstacle(const struct compose_pin *pin, size_t index);
/* Tags the images of `before` under a name that nothing can pull, and under the one that the file
 * declares, so that a plain `up` changes nothing. Where that cannot be, an override file uses the
 * first. Evidence: act, one an image. *ret_status is not 0 when an identity is gone for good: the
 * others are pinned all the same. */
enum error_code compose_pin(struct target *target, const struct target_tenancy *tenancy,
                            const struct compose_pin *pin, struct evidence *evidence,
                            int *ret_status, struct error *error) CHECKED;
enum error_code compose_override_path(const struct target *target, int64_t deployment,
                                      struct bytes *ret_path, struct error *error) CHECKED;
/* Removes the containers of one service. Evidence: act "remove <service>". */
enum error_code compose_remove(struct target *target, const struct target_tenancy *tenancy,
                               const struct containers *containers, const char *service,
                               struct evidence *evidence, int *ret_status, struct error *error)
    CHECKED;
/* The containers of one service, by their label and by `id` ("" = none is known), in one command
 * that waits for no list, no lock and no tenancy. *ret_status is 0 where nothing of it is left that
 * Docker knows of. Evidence: act "remove <service>". */
enum error_code compose_remove_at_once(struct target *target, const char *service, const char *id,
                                       struct evidence *evidence, int *ret_status,
                                       struct error *error) CHECKED;

#endif
