/* verify/judge/deployed: what a completed deployment put there: the commit, and each service's
 * image by every digest that the record names.
 * Source:    `git.head` of `updated`, `compose.images` and `compose.registry` of `pulled`. That
 *            they are what ran in the end is the claim `procedure`'s to prove.
 * Digests:   the image id (of a configuration, an index or a manifest, as the target's store has
 *            it: what runs is compared by it), and the repo digests for which a registry answered
 *            (by them others know the image). That one leads to an image id is the word of the
 *            target's Docker.
 * Ownership: deployed_free() releases the list and takes an empty one. */
#ifndef VERIFY_DEPLOYED_H
#define VERIFY_DEPLOYED_H

#include <stdbool.h>
#include <stddef.h>

#include "journal/format/bytes.h"

struct deployment;

struct deployed_image {
    char service[64], repository[256]; /* repository "": the digest is the image id */
    char digest[SHA256_HEX + 1];
};

struct deployed {
    /* false: nothing was deployed, or a part of it is not named by a digest; the rest is then empty
     */
    bool known;
    char commit[SHA256_HEX + 1];
    struct deployed_image *images;
    size_t count;
};

void deployed_collect(const struct deployment *deployment, struct deployed *ret_deployed);
void deployed_free(struct deployed *deployed);

#endif
