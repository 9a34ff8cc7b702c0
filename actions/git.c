#include "actions/git.h"
#include "journal/format/names.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static enum error_code probe(struct target *target, const char *script, const char *name,
                             const char *subject, struct evidence *evidence, int *ret_status,
                             struct error *error)
{
    return target_probe(target, &(struct target_command){.script = script, .output = OUTPUT_NAMES},
                        name, subject, evidence, ret_status, error);
}

/* The one line of the last item of a probe, without its newline. */
static enum error_code read_line_of(const struct evidence *evidence, const char *name,
                                    struct bytes *ret_line, struct error *error)
{
    const struct bytes *output = &evidence_last(evidence, name, NULL)->output;
    size_t length = output->size;
    while (length > 0 && output->data[length - 1] == '\n')
        length--;
    return bytes_append(ret_line, length > 0 ? (const char *)output->data : "", length, error);
}

/* A commit or a branch is never cut: it is what a rollback returns to. An answer without its end
 * was cut on the way. */
static enum error_code copy_name(const struct evidence *evidence, const char *name, char *ret_text,
                                 size_t size, struct error *error)
{
    CLEANUP_BYTES struct bytes line = {0};
    const struct bytes *output = &evidence_last(evidence, name, NULL)->output;
    if (output->size > 0 && output->data[output->size - 1] != '\n')
        return error_set(error, ERROR_PROTOCOL, 0, name, "try again",
                         "the answer of git on the target has no end");
    enum error_code code = read_line_of(evidence, name, &line, error);
    return code == ERROR_OK ? text_exact(ret_text, size, (const char *)line.data, name, error)
                            : code;
}

/* git's own rule (check-ref-format), as far as it matters to a script: a rollback goes back to it
 * by name. */
static bool is_branch(const char *name)
{
    for (const char *at = name; *at != '\0'; at++)
        if ((unsigned char)*at <= ' ' || *at == 0x7F || strchr("~^:?*[\\", *at) != NULL)
            return false;
    return name[0] != '\0' && name[0] != '-' && name[0] != '/' && strstr(name, "..") == NULL;
}

static enum error_code refuse_branch(struct error *error)
{
    return error_set(error, ERROR_PROTOCOL, 0, "git", "rename the branch on the target",
                     "the branch that is checked out has a name that cannot be used");
}

enum error_code git_look(struct target *target, struct evidence *evidence,
                         struct git_state *ret_state, struct error *error)
{
    struct git_state state = {.clean = false};
    int status = 0;
    enum error_code code = probe(target, "git rev-parse HEAD", PROBE_GIT_HEAD, "", evidence,
                                 &status, error);
    if (code != ERROR_OK)
        return code;
    if (status == 0
        && copy_name(evidence, PROBE_GIT_HEAD, state.commit, sizeof state.commit, error)
               == ERROR_MEMORY)
        return ERROR_MEMORY;
    if (status != 0 || !bytes_is_hex(state.commit, COMMIT_HEX))
        return error_set(error, ERROR_REMOTE, status, target_setup(target)->target.directory,
                         "check `target.directory`",
                         "there is no git repository whose HEAD can be read");
    code = probe(target, "git symbolic-ref -q --short HEAD || echo detached", PROBE_GIT_BRANCH, "",
                 evidence, NULL, error);
    if (code == ERROR_OK)
        code = copy_name(evidence, PROBE_GIT_BRANCH, state.branch, sizeof state.branch, error);
    if (code == ERROR_OK && !is_branch(state.branch))
        code = refuse_branch(error);
    if (code == ERROR_OK)
        code = probe(target, "git status --porcelain --untracked-files=no", PROBE_GIT_STATUS, "",
                     evidence, NULL, error);
    if (code != ERROR_OK)
        return code;
    state.clean = evidence_last(evidence, PROBE_GIT_STATUS, NULL)->output.size == 0;
    *ret_state = state;
    return ERROR_OK;
}

enum error_code git_upstream(struct target *target, struct git_upstream *ret_upstream,
                             struct error *error)
{
    const struct setup_repository *repository = &target_setup(target)->repository;
    CLEANUP_TEXT struct text script = {0}, name = {0};
    CLEANUP_RESULT struct target_result result = {0};
    struct git_upstream upstream = {.ahead = 0};
    text_add_format(&name, "refs/remotes/%s/%s", repository->remote, repository->branch);
    text_add(&script, "r=");
    text_add_quoted_text(&script, &name);
    text_add(&script, "; c=$(git rev-parse -q --verify \"$r^{commit}\") || exit 0; echo "
                      "\"$c\" $(git rev-list --left-right --count \"HEAD...$r\")");
    enum error_code code = target_run(
        target, &(struct target_command){.built = &script, .output = OUTPUT_NAMES}, &result, error);
    if (code != ERROR_OK)
        return code;
    if (result.output.size == 0 && result.status == 0) {
        *ret_upstream = upstream;
        return ERROR_OK;
    }
    if (result.status != 0
        || sscanf((const char *)result.output.data, "%40s %18" SCNd64 " %18" SCNd64,
                  upstream.commit, &upstream.ahead, &upstream.behind)
               != 3)
        return error_set(error, ERROR_REMOTE, result.status, "git",
                         "check the repository on the target",
                         "HEAD cannot be compared with the branch on the remote");
    *ret_upstream = upstream;
    return ERROR_OK;
}

/* `.env` is what a plain compose takes its variables from, where the configured env file is
 * another. */
enum error_code git_loose_files(struct target *target, struct bytes *ret_names, struct error *error)
{
    const struct setup_compose *compose = &target_setup(target)->compose;
    CLEANUP_TEXT struct text script = {0};
    CLEANUP_RESULT struct target_result result = {0};
    text_add(&script, "d=$(dirname -- ");
    text_add_quoted(&script, compose->file);
    text_add_format(
        &script,
        "); for f in docker-compose.override.yml docker-compose.override.yaml "
        "compose.override.yml compose.override.yaml%s; do "
        "[ \"$d\" = . ] || f=$d/$f; [ ! -e \"$f\" ] || git ls-files --error-unmatch -- \"$f\" "
        ">/dev/null 2>&1 || printf '%%s\\n' \"$f\"; done",
        strcmp(compose->env_file, ".env") == 0 ? "" : " .env");
    enum error_code code = target_run(
        target, &(struct target_command){.built = &script, .output = OUTPUT_NAMES}, &result, error);
    if (code != ERROR_OK)
        return code;
    *ret_names = result.output;
    result.output = (struct bytes){0};
    return ERROR_OK;
}

enum error_code git_update(struct target *target, const struct target_tenancy *tenancy,
                           const char *commit, struct evidence *evidence, int *ret_status,
                           struct error *error)
{
    const struct setup_repository *repository = &target_setup(target)->repository;
    CLEANUP_TEXT struct text script = {0};
    if (commit[0] != '\0' && !bytes_is_hex(commit, COMMIT_HEX))
        return error_set(error, ERROR_PROTOCOL, 0, "git", "", "a commit is not 40 hex digits");
    text_add(&script, "exec 2>&1; r=");
    text_add_quoted(&script, repository->remote);
    text_add(&script, "; b=");
    text_add_quoted(&script, repository->branch);
    text_add_format(
        &script,
        "; t=%s; git fetch -q \"$r\" \"+refs/heads/$b:refs/remotes/$r/$b\" || exit 3; [ -n "
        "\"$t\" ] || t=$(git rev-parse \"refs/remotes/$r/$b\") || exit 3; "
        "git merge-base --is-ancestor \"$t\" \"refs/remotes/$r/$b\" || { echo \"$t is not on "
        "$r/$b\"; exit 4; }; "
        "git checkout -q \"$b\" && git merge -q --ff-only \"$t\" && [ \"$(git rev-parse "
        "HEAD)\" = \"$t\" ] || { echo \"no fast-forward to $t\"; exit 5; }",
        commit);
    struct target_command command = {.built = &script, .deadline_ms = 100000, .tenancy = tenancy};
    return target_probe(target, &command, PROBE_ACT, "update", evidence, ret_status, error);
}

/* A path is a file, or a folder with all below it, with or without its slash. */
static bool is_at_or_below(const char *path, size_t length, const char *place)
{
    size_t size = strlen(place);
    while (size > 0 && place[size - 1] == '/')
        size--;
    return length >= size && memcmp(path, place, size) == 0
           && (length == size || path[size] == '/');
}

static bool touches(const struct bytes *lines, const struct setup_list *paths)
{
    const char *at = (const char *)lines->data, *end = at + lines->size;
    while (at < end) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        size_t length = (size_t)((newline != NULL ? newline : end) - at);
        for (size_t i = 0; i < paths->count; i++)
            if (is_at_or_below(at, length, paths->items[i]))
                return true;
        at += length + 1;
    }
    return false;
}

void git_add_paths(struct text *script, const struct setup_list *paths)
{
    for (size_t i = 0; i < paths->count; i++) {
        CLEANUP_TEXT struct text place = {0};
        text_add(&place, ":(top,literal)");
        text_add(&place, paths->items[i]);
        text_add(script, " ");
        text_add_quoted_text(script, &place);
    }
}

enum error_code git_check_paths(struct target *target, const struct setup_list *paths,
                                struct error *error)
{
    for (size_t i = 0; i < paths->count; i++) {
        const struct setup_list one = {.items = {paths->items[i]}, .count = 1};
        CLEANUP_TEXT struct text script = {0};
        CLEANUP_RESULT struct target_result result = {0};
        text_add(&script, "git ls-files -co --");
        git_add_paths(&script, &one);
        enum error_code code = target_run(target,
                                          &(struct target_command){.built = &script,
                                                                   .output = OUTPUT_NAMES},
                                          &result, error);
        if (code != ERROR_OK)
            return code;
        if (result.status != 0 || result.output.size == 0)
            return error_set(error, ERROR_CONFIG, result.status, paths->items[i],
                             "write its path from the repository's root, or take it out of "
                             "repository.policy_files",
                             "no file of the tree on the target is called so, and a change of the "
                             "policy would pass as a release");
    }
    return ERROR_OK;
}

enum error_code git_changed(struct target *target, const char *from, const char *to,
                            const struct setup_list *paths, struct evidence *evidence,
                            bool *ret_touches, struct error *error)
{
    char script[200], subject[100];
    int status;
    if (!bytes_is_hex(from, COMMIT_HEX) || !bytes_is_hex(to, COMMIT_HEX))
        return error_set(error, ERROR_PROTOCOL, 0, "git", "", "a commit is not 40 hex digits");
    (void)snprintf(script, sizeof script,
                   "git -c core.quotePath=false diff --name-only --no-renames %s %s --", from, to);
    (void)snprintf(subject, sizeof subject, "%s..%s", from, to);
    enum error_code code = probe(target, script, PROBE_GIT_CHANGED, subject, evidence, &status,
                                 error);
    if (code != ERROR_OK)
        return code;
    if (status != 0)
        return error_set(error, ERROR_REMOTE, status, "git", "check the repository on the target",
                         "the changes between two commits cannot be listed");
    *ret_touches = touches(&evidence_last(evidence, PROBE_GIT_CHANGED, NULL)->output, paths);
    return ERROR_OK;
}

enum error_code git_subject(struct target *target, const char *commit, struct evidence *evidence,
                            char *ret_text, size_t capacity, struct error *error)
{
    char script[120];
    if (!bytes_is_hex(commit, COMMIT_HEX))
        return error_set(error, ERROR_PROTOCOL, 0, "git", "", "a commit is not 40 hex digits");
    (void)snprintf(script, sizeof script, "git log -1 --no-show-signature --format=%%s %s --",
                   commit);
    CLEANUP_BYTES struct bytes line = {0};
    enum error_code code = probe(target, script, PROBE_GIT_SUBJECT, commit, evidence, NULL, error);
    if (code == ERROR_OK)
        code = read_line_of(evidence, PROBE_GIT_SUBJECT, &line, error);
    if (code == ERROR_OK)
        text_cut(ret_text, capacity, (const char *)line.data);
    return code;
}

enum error_code git_subjects(struct target *target, const char *from, const char *to, int most,
                             struct bytes *ret_lines, struct error *error)
{
    CLEANUP_RESULT struct target_result result = {0};
    char script[200];
    if (!bytes_is_hex(from, COMMIT_HEX) || !bytes_is_hex(to, COMMIT_HEX))
        return error_set(error, ERROR_PROTOCOL, 0, "git", "", "a commit is not 40 hex digits");
    (void)snprintf(script, sizeof script,
                   "git log -n %d --no-show-signature --format='%%h %%s' %s..%s --", most, from,
                   to);
    enum error_code code = target_run(target, &(struct target_command){.script = script}, &result,
                                      error);
    if (code != ERROR_OK)
        return code;
    if (result.status != 0)
        return error_set(error, ERROR_REMOTE, result.status, "git",
                         "check the repository on the target",
                         "the commits between two cannot be listed");
    *ret_lines = result.output;
    result.output = (struct bytes){0};
    return ERROR_OK;
}

/* On the way back nothing of the repository's own may stand in the way: no hook is run (git-lfs has
 * one for post-checkout), and no program that watches the files. $c, with the branch's words in
 * front, is what is checked out. */
static const char BACK[] =
    "back() { git -c core.hooksPath=/dev/null -c core.fsmonitor=false -c gc.auto=0 \"$@\"; }; ";

/* A git that was killed leaves its lock behind. It is removed where no process has it open and no
 * git works in this tree, once it is ten seconds old or was watched for as long. */
static const char UNLOCK[] =
    "holder() { for d in /proc/[0-9]*/fd/*; do [ ! \"$d\" -ef \"$1\" ] || echo \"$d\"; done; "
    "for d in /proc/[0-9]*; do [ \"$(cat \"$d/comm\" 2>/dev/null)\" != git ] || "
    "[ ! \"$d/cwd\" -ef . ] || echo \"$d\"; done; }; "
    "unlock() { f=$(git rev-parse --git-path \"$1\" 2>/dev/null) || f=; n=0; "
    "while [ -n \"$f\" ] && [ -f \"$f\" ]; do p=$(holder \"$f\" 2>/dev/null | head -n 1); "
    "a=$(($(date +%s) - $(stat -c %Y -- \"$f\" || date +%s))); "
    "if [ -n \"$p\" ] && [ $n -ge 10 ]; then p=${p#/proc/}; p=${p%%/*}; "
    "echo \"$f is held by pid $p ($(tr '\\000' ' ' < /proc/$p/cmdline))\"; break; fi; "
    "if [ -z \"$p\" ] && { [ $n -ge 10 ] || [ $a -ge 10 ]; }; then rm -f -- \"$f\" && "
    "echo \"removed the stale $f: nobody has it open, and it is $a s old\"; break; fi; "
    "n=$((n + 1)); sleep 1; done; }; ";

/* A filter that is required and cannot run (git-lfs without its program or its server) keeps git
 * from checking out anything: without it the files are there as the repository has them. */
static const char WITHOUT_FILTERS[] =
    "set -f; set --; for k in $(git config --name-only --get-regexp "
    "'^filter\\..*\\.(required|smudge|process)$'); do case $k in *.required) "
    "set -- \"$@\" -c \"$k=false\" ;; *) set -- \"$@\" -c \"$k=\" ;; esac; done; [ $# -gt 0 ] && ";

enum error_code git_restore(struct target *target, const struct target_tenancy *tenancy,
                            const char *commit, const char *branch, struct evidence *evidence,
                            int *ret_status, struct error *error)
{
    CLEANUP_TEXT struct text script = {0};
    if (!bytes_is_hex(commit, COMMIT_HEX))
        return error_set(error, ERROR_PROTOCOL, 0, "git", "",
                         "the before snapshot names no commit");
    if (!is_branch(branch))
        return refuse_branch(error);
    bool detached = strcmp(branch, "detached") == 0;
    text_add(&script, "exec 2>&1; ");
    text_add(&script, BACK);
    text_add(&script, UNLOCK);
    text_add(&script, "out() { back \"$@\" checkout -q ");
    text_add(&script, detached ? "--detach" : "-B ");
    if (!detached)
        text_add_quoted(&script, branch);
    text_add_format(&script, " %s; }; out || { unlock index.lock; unlock HEAD.lock; ", commit);
    text_add(&script, "unlock refs/heads/");
    text_add_quoted(&script, branch);
    text_add(&script, ".lock; out; } || { ");
    text_add(&script, WITHOUT_FILTERS);
    text_add(&script, "out \"$@\" && echo 'a filter of git does not work: what it keeps elsewhere "
                      "is checked out as the repository has it'; }");
    struct target_command command = {.built = &script, .deadline_ms = 100000, .tenancy = tenancy};
    return target_probe(target, &command, PROBE_ACT, "restore", evidence, ret_status, error);
}
