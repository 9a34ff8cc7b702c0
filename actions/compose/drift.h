/* actions/compose/drift: what runs, compared with its sources. Pure: it is given what was
 * found, and writes one line for each difference.
 * Knows:     services, images, configurations, commit, tree, env file; not the caller
 *            (fsm/commands/look/command_drift.c, and the steps after a switch).
 * Unknown:   what could not be compared is a line of its own with `unknown` set, and is never "no
 *            drift".
 * Bounds:    DRIFT_LINES_MAX lines; further ones are counted and not kept. */
#ifndef ACTIONS_DRIFT_H
#define ACTIONS_DRIFT_H

#include "actions/compose/declared.h"
#include "actions/git.h"

enum drift_kind {
    DRIFT_INVALID = 0,
    DRIFT_MISSING,
    DRIFT_STOPPED,
    DRIFT_EXTRA,
    DRIFT_IMAGE,
    DRIFT_CONFIGURATION,
    DRIFT_COMMIT,
    DRIFT_TREE,
    DRIFT_ENV_FILE,
    DRIFT_RENDERED,
};

enum { DRIFT_LINES_MAX = 96 };

struct drift_line {
    enum drift_kind kind;
    bool unknown; /* could not be compared */
    char where[200], what[400],
        next[240]; /* may carry untrusted text: names of files and containers */
};

struct drift {
    struct drift_line list[DRIFT_LINES_MAX];
    size_t count, more; /* more: found and not kept */
};

/* What the last completed deployment left, as its journal holds it. "" = not recorded. */
struct drift_baseline {
    int64_t deployment; /* 0 = there is none */
    char commit[COMMIT_HEX + 1], hmac_key[SHA256_HEX + 1], config_hmac[SHA256_HEX + 1],
        env_hmac[SHA256_HEX + 1];
};

const char *drift_kind_name(enum drift_kind kind);

/* Each service that has an image here ("" = not on the target), by its row of what is declared, and
 * its configuration (NULL = not asked for). `file`: of compose. */
struct drift_terms {
    const char *file;
    const struct declared *declared;
    const struct containers *containers;
    const struct images *images;
    const struct configurations *configurations;
    bool pulled; /* the images were pulled: before that one that is not here is no drift yet */
};
void drift_services(const struct drift_terms *terms, struct drift *drift);
/* More than one running container of Execution, or of Brain: nobody knows which one obeys. */
void drift_one_each(const struct setup_services *services, const struct containers *containers,
                    struct drift *drift);
/* Containers with the project's label that compose itself does not count, one name a line. */
void drift_strays(const struct bytes *names, struct drift *drift);
/* `changes`: lines of `git status --porcelain`; `loose`: untracked files that a plain `docker
 * compose` would load. */
void drift_tree(const struct bytes *changes, const struct bytes *loose, struct drift *drift);
/* HEAD against the branch on the remote as last fetched. */
void drift_branch(const struct git_state *git, const struct git_upstream *upstream,
                  const struct setup_repository *repository, struct drift *drift);
/* Against the last completed deployment; nothing where there is none. The HMACs are "" where the
 * key on the target is gone, or is another one than then. */
void drift_since(const struct drift_baseline *baseline, const char *commit, const char *config_hmac,
                 const char *env_hmac, const struct setup_compose *compose, struct drift *drift);

/* The file does not render (or another probe failed), so that nothing could be compared:
 * `where` and `what` as that error has them. */
void drift_unrendered(const char *where, const char *what, struct drift *drift);

/* The first line that fails a switch: everything but a configuration that compose cannot tell. NULL
 * = none. */
const struct drift_line *drift_first_failing(const struct drift *drift);
/* What drift_services() found in one sentence, truncated to the capacity. */
void drift_sentence(const struct drift *drift, char *ret_text, size_t capacity);

#endif
