/* actions/secrets/secret_kind: what is known of a value before its key is looked at. */
#ifndef ACTIONS_SECRET_KIND_H
#define ACTIONS_SECRET_KIND_H

enum secret_kind {
    SECRET_VARIABLE = 0, /* secret where its key looks so; may be one where it is long */
    SECRET_LITERAL,      /* secret where its key looks so */
    SECRET_CONTENT,      /* secret */
};

#endif
