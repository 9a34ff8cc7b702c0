#include "verify/judge/deployed.h"

#include <stdlib.h>
#include <string.h>

#include "verify/read/memory.h"
#include "verify/judge/audit.h"
#include "verify/judge/reading.h"

static const char ALGORITHM[] = "sha256:";

static bool add_deployed(struct deployed *deployed, struct slice service, struct slice repository,
                         struct slice digest)
{
    deployed->images = memory_grown(deployed->images, deployed->count + 1,
                                    sizeof *deployed->images);
    struct deployed_image *image = &deployed->images[deployed->count];
    if (!slice_begins(digest, ALGORITHM)
        || !slice_copy(service, image->service, sizeof image->service)
        || !slice_copy(repository, image->repository, sizeof image->repository)
        || !slice_copy(slice_from(digest, strlen(ALGORITHM)), image->digest, sizeof image->digest)
        || !bytes_is_hex(image->digest, SHA256_HEX))
        return false;
    deployed->count++;
    return true;
}

/* A registry gave it when it was asked. */
static bool was_answered(struct slice answers, struct slice manifest)
{
    struct slice line;
    while (slice_line(&answers, &line))
        if (slice_equal(line, manifest))
            return true;
    return false;
}

/* "repository@sha256:..." */
static bool add_manifest(struct deployed *deployed, struct slice service, struct slice manifest)
{
    const char *at = memchr(manifest.at, '@', manifest.length);
    size_t length = at != NULL ? (size_t)(at - manifest.at) : 0;
    return length > 0
           && add_deployed(deployed, service, (struct slice){manifest.at, length},
                           slice_from(manifest, length + 1));
}

static bool add_line(struct deployed *deployed, struct slice line, struct slice answers)
{
    CLEANUP_TREE struct tree tree = {0};
    const struct node *row = tree_object(line, &tree), *digests = node_member(row, "digests");
    struct slice service = node_text(row, "service");
    if (service.length == 0 || !add_deployed(deployed, service, slice_of(""), node_text(row, "id")))
        return false;
    for (const struct node *node = node_is(digests, NODE_ARRAY) ? digests->first : NULL;
         node != NULL; node = node->next)
        if (!node_is(node, NODE_STRING)
            || (was_answered(answers, node->text) && !add_manifest(deployed, service, node->text)))
            return false;
    return true;
}

static bool deployed_read_images(const struct step *pulled, struct deployed *deployed)
{
    const struct entry *entry = pulled->transition;
    const struct item *item = entry_item(entry, 0, entry->item_count, PROBE_COMPOSE_IMAGES, NULL);
    const struct item *registry = entry_item(entry, 0, entry->item_count, PROBE_COMPOSE_REGISTRY,
                                             NULL);
    struct slice rest = item != NULL && item->status == 0 ? item->output : slice_of(""), line;
    struct slice answers = registry != NULL && registry->status == 0 ? registry->output
                                                                     : slice_of("");
    while (slice_line(&rest, &line))
        if (!add_line(deployed, line, answers))
            return false;
    return deployed->count > 0;
}

void deployed_collect(const struct deployment *deployment, struct deployed *ret_deployed)
{
    struct deployed deployed = {0};
    const struct step *updated = deployment_step(deployment, ACTION_UPDATE_CODE),
                      *pulled = deployment_step(deployment, ACTION_PULL_IMAGES);
    if (deployment->state == STATE_COMPLETED && updated != NULL && pulled != NULL) {
        struct slice commit = reading_line(updated->transition, PROBE_GIT_HEAD);
        deployed.known = slice_copy(commit, deployed.commit, sizeof deployed.commit)
                         && (bytes_is_hex(deployed.commit, 40)
                             || bytes_is_hex(deployed.commit, SHA256_HEX))
                         && deployed_read_images(pulled, &deployed);
    }
    if (!deployed.known)
        deployed_free(&deployed);
    *ret_deployed = deployed;
}

void deployed_free(struct deployed *deployed)
{
    free(deployed->images);
    *deployed = (struct deployed){0};
}
