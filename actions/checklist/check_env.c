/* The env file and the repository: mode and owner, what was committed. Only code words and numbers
 * come back from the target, and the sentence is made here (check.h, Secrets). */
#include "actions/checklist/check.h"

#include <stdio.h>
#include <string.h>

static enum error_code no_env_file(struct check *check, struct error *error)
{
    return check_say(check, PREFLIGHT_UNDECIDED, error,
                     "no probe decides this: compose.env_file is not configured");
}

/* "word 12 7": a code word and up to two figures, 0 where there is none. The word is "" where a
 * line has none of that form. */
struct finding {
    char word[16];
    long long figures[2];
};

static struct finding read_finding(const char *line)
{
    struct finding finding = {.word = ""};
    if (sscanf(line, "%15[a-z] %18lld %18lld", finding.word, &finding.figures[0],
               &finding.figures[1])
        < 1)
        finding.word[0] = '\0';
    return finding;
}

static bool finding_is(const struct finding *finding, const char *word)
{
    return strcmp(finding->word, word) == 0;
}

static enum error_code say_unreadable(struct check *check, const struct finding *finding,
                                      struct error *error)
{
    const char *env_file = target_setup(check->target)->compose.env_file;
    const char *why = check_item_of(check, CHECK_ENV_FILE_MODE);
    if (finding_is(finding, "unreadable"))
        return check_say(check, PREFLIGHT_FAILED, error, "%s cannot be read%s%s", env_file,
                         why[0] != '\0' ? ": see " : "", why);
    return check_say(check, PREFLIGHT_FAILED, error,
                     "%s could not be examined: run awk and stat on the target by hand", env_file);
}

static enum error_code judge_mode(struct check *check, const struct finding *finding,
                                  struct error *error)
{
    const char *env_file = target_setup(check->target)->compose.env_file,
               *owner = check->item->owner;
    if (finding_is(finding, "link"))
        return check_say(check, PREFLIGHT_FAILED, error,
                         "%s is a symbolic link: put the file itself there", env_file);
    if (finding_is(finding, "absent"))
        return check_say(check, PREFLIGHT_FAILED, error, "%s is not there, or no file", env_file);
    if (finding_is(finding, "stranger"))
        return check_say(check, PREFLIGHT_FAILED, error,
                         "the target has no user %s, who must own %s (`owner`)", owner, env_file);
    if (finding_is(finding, "mode"))
        return check_say(check, PREFLIGHT_FAILED, error,
                         "%s has mode %lld and not 600: chmod 600 %s", env_file,
                         finding->figures[0], env_file);
    if (finding_is(finding, "owner") && owner[0] != '\0')
        return check_say(check, PREFLIGHT_FAILED, error,
                         "%s belongs to user id %lld and not to %s: chown %s %s", env_file,
                         finding->figures[0], owner, owner, env_file);
    if (finding_is(finding, "owner"))
        return check_say(check, PREFLIGHT_FAILED, error,
                         "%s belongs to user id %lld and not to the one who deploys: chown %lld %s",
                         env_file, finding->figures[0], finding->figures[1], env_file);
    if (finding_is(finding, "good"))
        return check_say(check, PREFLIGHT_PASSED, error, "%s has mode 600 and belongs to %s",
                         env_file, owner[0] != '\0' ? owner : "the one who deploys");
    return say_unreadable(check, finding, error);
}

enum error_code check_env_file_mode(struct check *check, struct error *error)
{
    CLEANUP_TEXT struct text script = {0};
    CLEANUP_RESULT struct target_result result = {0};
    const char *env_file = target_setup(check->target)->compose.env_file;
    if (env_file[0] == '\0')
        return no_env_file(check, error);
    text_add(&script, "f=");
    text_add_quoted(&script, env_file);
    text_add(&script, "; w=");
    text_add_quoted(&script, check->item->owner);
    text_add_format(
        &script,
        "; if [ -L \"$f\" ]; then echo link; exit; fi; [ -f \"$f\" ] || { echo absent; exit; "
        "}; w=$(id -u ${w:+\"$w\"}) || { echo stranger; exit; }; "
        "m=$(stat -c '%%a' \"$f\") && o=$(stat -c '%%u' \"$f\") || exit; "
        "if [ \"$m\" != 600 ]; then echo \"mode $m\"; elif [ \"$o\" != \"$w\" ]; then echo "
        "\"owner $o $w\"; else echo good; fi");
    enum error_code code = check_run(check, &script, &result, error);
    if (code != ERROR_OK)
        return code;
    struct finding finding = read_finding(result.output.size > 0 ? (const char *)result.output.data
                                                                 : "");
    return judge_mode(check, &finding, error);
}

static enum error_code judge_committed(struct check *check, char *lines, struct error *error)
{
    CLEANUP_COMPLAINTS struct complaints complaints = {0};
    enum error_code code = ERROR_OK;
    char *rest = NULL, *line = strtok_r(lines, "\n", &rest);
    if (line != NULL && strcmp(line, "shallow") == 0)
        return check_say(
            check, PREFLIGHT_FAILED, error,
            "the clone is shallow, so its history cannot be searched: git fetch --unshallow");
    if (line != NULL && strcmp(line, "none") == 0)
        return check_say(check, PREFLIGHT_PASSED, error,
                         "no env file is in the tree or its history");
    for (; code == ERROR_OK && line != NULL; line = strtok_r(NULL, "\n", &rest)) {
        char *path = strchr(line, ' ');
        if (path == NULL)
            break;
        *path++ = '\0';
        bool commit = strspn(line, "0123456789abcdef") == strlen(line) && line[0] != '\0';
        code = complaints_add(&complaints, error,
                              "%s is in git (%s): git rm --cached, purge it from the history",
                              check_foreign(check, path), commit ? line : "index only");
    }
    if (code != ERROR_OK)
        return code;
    return complaints.count > 0
               ? check_say(check, PREFLIGHT_FAILED, error, "%s", (const char *)complaints.text.data)
               : check_say(check, PREFLIGHT_FAILED, error,
                           "git cannot search the history of the target's tree: run `git "
                           "rev-list --objects --all` there");
}

/* Every path of every object that any ref or reflog reaches, and of the index: a file that was once
 * committed is in some clone. "COMMIT PATH", one line each. */
enum error_code check_env_committed(struct check *check, struct error *error)
{
    CLEANUP_TEXT struct text script = {0};
    CLEANUP_RESULT struct target_result result = {0};
    char nothing[] = "";
    text_add_format(
        &script,
        "[ \"$(git rev-parse --is-shallow-repository)\" = false ] || { git rev-parse --git-dir "
        ">/dev/null && echo shallow; exit; }; "
        "a=$(git rev-list --objects --all --reflog) && i=$(git ls-files) || exit; found=$({ printf "
        "'%%s\\n' \"$a\" | cut -s -d' ' -f2-; printf '%%s\\n' \"$i\"; } | sort -u "
        "| grep -Ei '(^|/)(\\.env([._-][^/]*|rc)?|[^/]*\\.env)$'");
    for (size_t i = 0; i < check->item->examples.count; i++) {
        text_add(&script, " | awk -v e=");
        text_add_quoted(&script, check->item->examples.items[i]);
        text_add(&script, " '{ b = $0; sub(/.*\\//, \"\", b); if ($0 != e && b != e) print }'");
    }
    text_add_format(&script, "); [ -n \"$found\" ] || { echo none; exit; }; printf '%%s\\n' "
                             "\"$found\" | head -n 5 | while IFS= read -r p; do "
                             "c=$(git log --all --reflog --format=%%h --diff-filter=A -- "
                             "\"$p\" | tail -n 1); echo \"${c:--} $p\"; done");
    enum error_code code = check_run(check, &script, &result, error);
    return code == ERROR_OK
               ? judge_committed(check,
                                 result.output.size > 0 ? (char *)result.output.data : nothing,
                                 error)
               : code;
}
