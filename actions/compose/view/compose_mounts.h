/* actions/compose/view/compose_mounts: which paths of the host a service has, whatever they are
 * called: a volume, a secret or config that is a file, what another service mounts. */
#ifndef ACTIONS_COMPOSE_MOUNTS_H
#define ACTIONS_COMPOSE_MOUNTS_H

#include "actions/compose/view/compose_reader.h"

/* `node` is the service as it is rendered. */
void compose_mounts_read(struct compose_reader *reader, struct compose_service *service,
                         struct fy_node *node);
/* The mounts of the services in `from`, which must have been read. */
void compose_mounts_read_from(struct compose_reader *reader, struct compose_service *service,
                              struct fy_node *from);

#endif
