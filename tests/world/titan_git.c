/* tests/world/titan_git: the words of git that actions/ uses, over a history without merges. */
#include "tests/world/titan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct titan_commit *titan_commit(struct titan *titan, const char *subject)
{
    if (titan->commit_count == TITAN_COMMITS_MAX)
        abort();
    struct titan_commit *commit = &titan->commits[titan->commit_count++];
    const struct titan_commit *parent = titan->origin;
    if (parent != NULL)
        *commit = *parent;
    commit->parent = parent;
    commit->subject = arena_copy(&titan->arena, subject, strlen(subject));
    (void)snprintf(commit->hash, sizeof commit->hash, "%.40s", titan_id(titan));
    titan->origin = commit;
    return commit;
}

void titan_track(struct titan *titan, struct titan_commit *commit, const char *name,
                 const char *text)
{
    size_t i = 0;
    while (i < commit->tracked_count && strcmp(commit->tracked[i].name, name) != 0)
        i++;
    if (i == TITAN_TRACKED_MAX)
        abort();
    commit->tracked_count = i == commit->tracked_count ? i + 1 : commit->tracked_count;
    commit->tracked[i].name = name;
    commit->tracked[i].text = arena_copy(&titan->arena, text, strlen(text));
}

static const char *tracked_path(struct titan *titan, const char *name)
{
    return arena_text(&titan->arena, "%s/%s", TITAN_DIRECTORY, name);
}

static const char *tracked_text(const struct titan_commit *commit, const char *name)
{
    for (size_t i = 0; i < commit->tracked_count; i++)
        if (strcmp(commit->tracked[i].name, name) == 0)
            return commit->tracked[i].text;
    return NULL;
}

void titan_check_out(struct titan *titan, const struct titan_commit *commit)
{
    for (size_t i = 0; titan->head != NULL && i < titan->head->tracked_count; i++)
        if (tracked_text(commit, titan->head->tracked[i].name) == NULL)
            files_remove(&titan->files, tracked_path(titan, titan->head->tracked[i].name));
    for (size_t i = 0; i < commit->tracked_count; i++) {
        const char *name = commit->tracked[i].name, *text = commit->tracked[i].text;
        const char *old = titan->head != NULL ? tracked_text(titan->head, name) : NULL;
        const char *slash = strrchr(name, '/');
        if (slash != NULL)
            files_make_directory(&titan->files,
                                 arena_text(&titan->arena, "%s/%.*s", TITAN_DIRECTORY,
                                            (int)(slash - name), name));
        if (old != NULL && strcmp(old, text) == 0)
            continue;
        (void)files_put(&titan->files, tracked_path(titan, name),
                        strstr(name, ".sh") != NULL ? 0755 : 0644, text, strlen(text));
    }
    titan->head = commit;
}

/* HEAD, a hash, refs/remotes/origin/main, each with ^{commit}; NULL = no such. */
static const struct titan_commit *resolve(const struct titan *titan, const char *word)
{
    size_t length = strcspn(word, "^");
    if (length == 4 && strncmp(word, "HEAD", 4) == 0)
        return titan->head;
    if (length == 24 && strncmp(word, "refs/remotes/origin/main", 24) == 0)
        return titan->remote;
    if (length == 4 && strncmp(word, "main", 4) == 0)
        return titan->main;
    for (size_t i = 0; i < titan->commit_count; i++)
        if (length == 40 && strncmp(word, titan->commits[i].hash, 40) == 0)
            return &titan->commits[i];
    return NULL;
}

static int distance(const struct titan_commit *from, const struct titan_commit *ancestor)
{
    int count = 0;
    for (; from != NULL && from != ancestor; from = from->parent)
        count++;
    return from == NULL ? -1 : count;
}

static int fail(struct sh *shell, const char *what, const char *word)
{
    sh_printf(shell, 2, "fatal: %s %s\n", what, word);
    return 128;
}

/* config --name-only --get-regexp WHAT: nothing is configured */
static int run_config(struct sh *shell, struct titan *titan, int count, char **words)
{
    (void)titan;
    if (count != 3 || strcmp(words[1], "--get-regexp") != 0)
        sh_refuse(shell, "git config %s", count > 0 ? words[0] : "");
    return 1;
}

static int run_rev_parse(struct sh *shell, struct titan *titan, int count, char **words)
{
    if (count == 2 && strcmp(words[0], "--git-path") == 0) {
        sh_printf(shell, 1, ".git/%s\n", words[1]);
        return 0;
    }
    const struct titan_commit *commit = resolve(titan, words[count - 1]);
    if (commit == NULL)
        return fail(shell, "Needed a single revision:", words[count - 1]);
    sh_printf(shell, 1, "%s\n", commit->hash);
    return 0;
}

static int run_symbolic_ref(struct sh *shell, struct titan *titan, int count, char **words)
{
    (void)count;
    (void)words;
    if (titan->detached)
        return 1;
    sh_printf(shell, 1, "main\n");
    return 0;
}

/* status --porcelain --untracked-files=no */
static int run_status(struct sh *shell, struct titan *titan, int count, char **words)
{
    (void)count;
    (void)words;
    for (size_t i = 0; i < titan->head->tracked_count; i++) {
        const struct file *file = files_find(&titan->files,
                                             tracked_path(titan, titan->head->tracked[i].name));
        if (file == NULL || strcmp(file->content.data, titan->head->tracked[i].text) != 0)
            sh_printf(shell, 1, " %c %s\n", file == NULL ? 'D' : 'M', titan->head->tracked[i].name);
    }
    return 0;
}

static int run_fetch(struct sh *shell, struct titan *titan, int count, char **words)
{
    if (titan->git_down)
        return fail(shell, "unable to access", words[count - 2]);
    titan->remote = titan->origin;
    return 0;
}

/* merge-base --is-ancestor A B */
static int run_merge_base(struct sh *shell, struct titan *titan, int count, char **words)
{
    const struct titan_commit *ancestor = count == 3 ? resolve(titan, words[1]) : NULL;
    const struct titan_commit *from = count == 3 ? resolve(titan, words[2]) : NULL;
    if (ancestor == NULL || from == NULL)
        return fail(shell, "Not a valid commit name", words[count - 2]);
    return distance(from, ancestor) >= 0 ? 0 : 1;
}

/* checkout -q main; -q --detach COMMIT; -q -B main COMMIT */
static int run_checkout(struct sh *shell, struct titan *titan, int count, char **words)
{
    const struct titan_commit *commit = resolve(titan, words[count - 1]);
    if (commit == NULL)
        return fail(shell, "pathspec", words[count - 1]);
    bool branch = count == 2, reset = count == 4 && strcmp(words[1], "-B") == 0;
    if (!branch && !reset && strcmp(words[1], "--detach") != 0)
        sh_refuse(shell, "git checkout %s", words[1]);
    titan_check_out(titan, commit);
    titan->seen.restores += !branch;
    titan->detached = !branch && !reset;
    titan->main = reset ? commit : titan->main;
    return 0;
}

/* merge -q --ff-only COMMIT */
static int run_merge(struct sh *shell, struct titan *titan, int count, char **words)
{
    const struct titan_commit *commit = resolve(titan, words[count - 1]);
    if (commit == NULL)
        return fail(shell, "not something we can merge:", words[count - 1]);
    if (distance(titan->head, commit) >= 0)
        return 0;
    if (distance(commit, titan->head) < 0)
        return fail(shell, "Not possible to fast-forward", "");
    titan_check_out(titan, commit);
    titan->main = commit;
    titan->seen.merges++;
    return 0;
}

/* diff --name-only --no-renames A B -- */
static int run_diff(struct sh *shell, struct titan *titan, int count, char **words)
{
    const struct titan_commit *from = count == 5 ? resolve(titan, words[2]) : NULL;
    const struct titan_commit *to = count == 5 ? resolve(titan, words[3]) : NULL;
    if (from == NULL || to == NULL)
        return fail(shell, "bad object", words[count - 2]);
    for (size_t i = 0; i < to->tracked_count; i++) {
        const char *old = tracked_text(from, to->tracked[i].name);
        if (old == NULL || strcmp(old, to->tracked[i].text) != 0)
            sh_printf(shell, 1, "%s\n", to->tracked[i].name);
    }
    for (size_t i = 0; i < from->tracked_count; i++)
        if (tracked_text(to, from->tracked[i].name) == NULL)
            sh_printf(shell, 1, "%s\n", from->tracked[i].name);
    return 0;
}

/* log -1 ... --format=%s COMMIT -- , and log -n N ... --format='%h %s' A..B -- */
static int run_log(struct sh *shell, struct titan *titan, int count, char **words)
{
    const char *range = words[count - 2], *dots = strstr(range, "..");
    const struct titan_commit *from = dots != NULL ? resolve(titan, dots + 2)
                                                   : resolve(titan, range);
    if (from == NULL || strcmp(words[count - 1], "--") != 0)
        return fail(shell, "bad revision", range);
    if (dots == NULL) {
        sh_printf(shell, 1, "%s\n", from->subject);
        return 0;
    }
    const struct titan_commit *end = resolve(titan, arena_copy(shell->arena, range, 40));
    for (; from != NULL && from != end; from = from->parent)
        sh_printf(shell, 1, "%.7s %s\n", from->hash, from->subject);
    return 0;
}

/* rev-list --left-right --count HEAD...REF */
static int run_rev_list(struct sh *shell, struct titan *titan, int count, char **words)
{
    const char *dots = strstr(words[count - 1], "...");
    const struct titan_commit *other = dots != NULL ? resolve(titan, dots + 3) : NULL;
    if (other == NULL)
        return fail(shell, "bad revision", words[count - 1]);
    int behind = distance(other, titan->head), ahead = distance(titan->head, other);
    sh_printf(shell, 1, "%d\t%d\n", ahead > 0 ? ahead : 0, behind > 0 ? behind : 0);
    return 0;
}

static bool is_in(const char *name, const char *place)
{
    size_t length = strlen(place);
    while (length > 0 && place[length - 1] == '/')
        length--;
    return strncmp(name, place, length) == 0 && (name[length] == '\0' || name[length] == '/');
}

/* Of one place: what is tracked, then what only lies there. */
static void list_files(struct sh *shell, const struct titan *titan, const char *place)
{
    static const char root[] = TITAN_DIRECTORY "/";
    for (size_t i = 0; i < titan->head->tracked_count; i++)
        if (is_in(titan->head->tracked[i].name, place))
            sh_printf(shell, 1, "%s\n", titan->head->tracked[i].name);
    for (const struct file *file = titan->files.first; file != NULL; file = file->next)
        if (file->path != NULL && !file->directory && strncmp(file->path, root, strlen(root)) == 0
            && is_in(file->path + strlen(root), place)
            && tracked_text(titan->head, file->path + strlen(root)) == NULL)
            sh_printf(shell, 1, "%s\n", file->path + strlen(root));
}

/* ls-files --error-unmatch -- FILE, and -co -- PLACES */
static int run_ls_files(struct sh *shell, struct titan *titan, int count, char **words)
{
    static const char top[] = ":(top,literal)";
    const size_t size = sizeof top - 1;
    if (strcmp(words[0], "-co") == 0) {
        for (int i = 2; i < count; i++)
            list_files(shell, titan, words[i] + (strncmp(words[i], top, size) == 0 ? size : 0));
        return 0;
    }
    return tracked_text(titan->head, words[count - 1]) != NULL
               ? 0
               : fail(shell, "did not match any file:", words[count - 1]);
}

bool titan_git(struct sh *shell, int count, char **words, int *ret_status)
{
    static const struct {
        const char *word;
        int (*run)(struct sh *shell, struct titan *titan, int count, char **words);
    } commands[] = {{"rev-parse", run_rev_parse},
                    {"config", run_config},
                    {"symbolic-ref", run_symbolic_ref},
                    {"status", run_status},
                    {"fetch", run_fetch},
                    {"merge-base", run_merge_base},
                    {"checkout", run_checkout},
                    {"merge", run_merge},
                    {"diff", run_diff},
                    {"log", run_log},
                    {"rev-list", run_rev_list},
                    {"ls-files", run_ls_files}};
    if (strcmp(words[0], "git") != 0)
        return false;
    int skip = 0;
    while (count > skip + 2 && strcmp(words[skip + 1], "-c") == 0)
        skip += 2;
    if (count > skip + 1 && titan_is_broken(shell->context, "git", words[skip + 1])) {
        *ret_status = fail(shell, "this is broken:", words[skip + 1]);
        return true;
    }
    for (size_t i = 0; count > skip + 1 && i < sizeof commands / sizeof commands[0]; i++)
        if (strcmp(words[skip + 1], commands[i].word) == 0) {
            *ret_status = commands[i].run(shell, shell->context, count - skip - 2,
                                          words + skip + 2);
            return true;
        }
    sh_refuse(shell, "git %s", count > skip + 1 ? words[skip + 1] : "");
}
