/* verify/whole/anchors: the `anchor` entries of a journal (I-07): what was handed outside is a
 * checkpoint over no more than stood before it. One walk for all of them.
 * Ownership: anchors_free() releases; it takes an empty one. */
#ifndef VERIFY_ANCHORS_H
#define VERIFY_ANCHORS_H

#include "verify/judge/audit.h"

void anchors_check(const struct audit *audit, struct anchors *ret_anchors);
void anchors_free(struct anchors *anchors);
void anchors_tell(const struct anchors *anchors, struct finding *finding);

#endif
