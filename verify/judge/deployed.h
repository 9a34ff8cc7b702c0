/* verify/judge/deployed: what a completed deployment put there: the commit, and each service's
 * image by every digest that the record names.
 * Source:    `git.head` of `updated`, `compose.images` of `pulled`. That they are what ran in the
 *            end is the claim `procedure`'s to prove.
 * Digests:   the image id (the hash of the image's configuration: what runs is compared by it), and
 *            the repo digests (the hashes of the manifests under which registries hold that image:
 *            by them others know it). That a manifest leads to an image id is the word of the
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
