/* actions/git: the repository on the target.
 * Knows:     commits, the branch, a clean tree; not which commit is wanted.
 * Evidence:  git.head git.branch git.status git.changed git.subject (journal/FORMAT.md). */
#ifndef ACTIONS_GIT_H
#define ACTIONS_GIT_H

#include "actions/target/target.h"

enum { COMMIT_HEX = 40 };

struct git_state {
    char commit[COMMIT_HEX + 1];
    char branch[128]; /* "detached" */
    bool clean;       /* tracked files only */
};

/* The remote branch as last fetched. */
struct git_upstream {
    char commit[COMMIT_HEX + 1]; /* "" = never fetched */
    int64_t ahead, behind;       /* commits that only HEAD has, that only the branch has */
};

enum error_code git_look(struct target *target, struct evidence *evidence,
                         struct git_state *ret_state, struct error *error) CHECKED;

/* Nothing is fetched. No evidence. */
enum error_code git_upstream(struct target *target, struct git_upstream *ret_upstream,
                             struct error *error) CHECKED;
/* Files beside the compose file that no commit holds and that a plain `docker compose` would load,
 * one a line. No evidence. */
enum error_code git_loose_files(struct target *target, struct bytes *ret_names, struct error *error)
    CHECKED;

/* Fetches, returns to the branch where the tree was detached, and fast-forwards to its head or to
 * `commit` ("" = head), which must be on the remote branch. *ret_status: 0 done, else what git said
 * is in the evidence (act "update"). Idempotent. */
enum error_code git_update(struct target *target, const struct target_tenancy *tenancy,
                           const char *commit, struct evidence *evidence, int *ret_status,
                           struct error *error) CHECKED;
/* Each path as git takes it, from the repository's root and without patterns, behind a blank. */
void git_add_paths(struct text *script, const struct setup_list *paths);
/* ERROR_CONFIG where one of them has no file in the tree, tracked or not. */
enum error_code git_check_paths(struct target *target, const struct setup_list *paths,
                                struct error *error) CHECKED;
/* Evidence: git.changed "A..B". *ret_touches: a path of `paths` is among them. */
enum error_code git_changed(struct target *target, const char *from, const char *to,
                            const struct setup_list *paths, struct evidence *evidence,
                            bool *ret_touches, struct error *error) CHECKED;
/* The first line of the commit's message, for people. Evidence: git.subject. */
enum error_code git_subject(struct target *target, const char *commit, struct evidence *evidence,
                            char *ret_text, size_t capacity, struct error *error) CHECKED;
/* "<short commit> <subject>" of at most `most` commits that `to` has and `from` has not, newest
 * first, one a line. For people; no evidence. */
enum error_code git_subjects(struct target *target, const char *from, const char *to, int most,
                             struct bytes *ret_lines, struct error *error) CHECKED;
/* Puts the branch back to `commit` and stays on it, so that the next `git pull` works; detached
 * where it was detached before. No hook is run; a lock that a killed git left behind is removed,
 * and a filter that cannot run is left out, where nothing else helps: the output says so. Evidence:
 * act "restore". Idempotent. */
enum error_code git_restore(struct target *target, const struct target_tenancy *tenancy,
                            const char *commit, const char *branch, struct evidence *evidence,
                            int *ret_status, struct error *error) CHECKED;

#endif
