/* verify/read/schema: whether a body has what its type must have (journal/FORMAT.md, "Bodies").
 * Knows: keys, their forms and their order; not what they mean. Unknown keys are passed over. */
#ifndef VERIFY_SCHEMA_H
#define VERIFY_SCHEMA_H

#include "verify/read/names.h"

bool schema_body_is_right(enum entry_type type, const struct node *body, char *ret_why,
                          size_t room);

#endif
