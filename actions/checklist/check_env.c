/* The env file and the repository: length, mode and owner, what was committed, passwords that a
 * parser takes for numbers. Values are looked at on the target by awk; only code words and line
 * numbers come back, and the sentence is made here (check.h, Secrets). */
#include "actions/checklist/check.h"

#include <stdio.h>
#include <string.h>

/* Reads the env file as compose does: comments, `export`, quotes, a comment after an unquoted
 * value; the last assignment of a key counts. Leaves K (key), V (value), N (line) for the rule
 * behind it. */
static const char AWK_ASSIGNMENT[] =
    "{ line = $0; sub(/\\r$/, \"\", line); sub(/^[ \\t]*(export[ \\t]+)?/, \"\", line); at = "
    "index(line, \"=\"); "
    "if (line ~ /^#/ || at < 2) next; K = substr(line, 1, at - 1); sub(/[ \\t]+$/, \"\", K); V = "
    "substr(line, at + 1); sub(/^[ \\t]+/, \"\", V); q = substr(V, 1, 1); "
    "if (q == \"\\042\" || q == \"\\047\") { V = substr(V, 2); e = index(V, q); if (e > 0) V = "
    "substr(V, 1, e - 1) } "
    "else { sub(/[ \\t]+#.*$/, \"\", V); sub(/[ \\t]+$/, \"\", V) } N = NR } ";

/* "f='.env.prod'; [ -r ... ]; awk PROGRAM" with words[] as awk variables k1, k2, ... */
static void add_env_script(struct text *script, const struct check *check, const char *rule,
                           const struct setup_list *words)
{
    text_add(script, "f=");
    text_add_quoted(script, target_setup(check->target)->compose.env_file);
    text_add_format(script, "; [ -r \"$f\" ] || { echo unreadable; exit; }; awk -v n=%zu",
                    words->count);
    for (size_t i = 0; i < words->count; i++) {
        text_add_format(script, " -v k%zu=", i + 1);
        text_add_quoted(script, words->items[i]);
    }
    CLEANUP_TEXT struct text program = {0};
    text_add_format(&program, "%s%s", AWK_ASSIGNMENT, rule);
    text_add(script, " ");
    text_add_quoted_text(script, &program);
    text_add(script, " \"$f\"");
}

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

/* Characters, not bytes: continuation bytes of UTF-8 do not count. */
enum error_code check_env_key_length(struct check *check, struct error *error)
{
    CLEANUP_TEXT struct text script = {0};
    CLEANUP_RESULT struct target_result result = {0};
    const struct setup_check *item = check->item;
    const char *env_file = target_setup(check->target)->compose.env_file;
    char rule[320];
    struct setup_list words = {{item->key}, 1};
    if (env_file[0] == '\0')
        return no_env_file(check, error);
    (void)
        snprintf(rule, sizeof rule,
                 "K == k1 { at_line = N; v = V; gsub(/[\\200-\\277]/, \"\", v); long = length(v) } "
                 "END { if (!at_line) print \"unset\"; else print (long < %lld ? \"short\" : "
                 "\"long\"), at_line }",
                 (long long)item->minimum);
    add_env_script(&script, check, rule, &words);
    enum error_code code = check_run(check, &script, &result, error);
    if (code != ERROR_OK)
        return code;
    struct finding finding = read_finding(result.output.size > 0 ? (const char *)result.output.data
                                                                 : "");
    if (finding_is(&finding, "unset"))
        return check_say(check, PREFLIGHT_FAILED, error, "%s: %s is not set", env_file, item->key);
    if (finding_is(&finding, "short"))
        return check_say(check, PREFLIGHT_FAILED, error,
                         "%s:%lld: %s is shorter than %lld characters", env_file,
                         finding.figures[0], item->key, (long long)item->minimum);
    if (finding_is(&finding, "long"))
        return check_say(check, PREFLIGHT_PASSED, error, "%s:%lld: %s is long enough", env_file,
                         finding.figures[0], item->key);
    return say_unreadable(check, &finding, error);
}

/* What NATS reads in an unquoted place as a number, a size, a date, a word for true or false, or
 * another variable. Each key that is one of `keys` is a line: what it would be taken for, where,
 * and which of them it is. The key itself is not repeated: a line of a value over several lines may
 * look like one. */
static const char PASSWORD_RULE[] =
    "{ for (i = 1; i <= n; i++) { p = (i == 1 ? k1 : i == 2 ? k2 : i == 3 ? k3 : i == 4 ? k4 : i "
    "== 5 ? k5 : i == 6 ? k6 : i == 7 ? k7 : k8); gsub(/\\*/, \".*\", p); "
    "if (K ~ \"^\" p \"$\") { kind[K] = \"text\"; place[K] = N \" \" i; v = tolower(V); if (V == "
    "\"\") kind[K] = \"empty\"; "
    "else if (v ~ /^[-+]?[0-9][0-9_,.]*(e[-+]?[0-9]+)?([kmgtpe]i?b?)?$/ || v ~ /^0x[0-9a-f]+$/) "
    "kind[K] = \"number\"; "
    "else if (v ~ /^(true|false|yes|no|on|off)$/) kind[K] = \"flag\"; "
    "else if (v ~ /^[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]/) kind[K] = \"date\"; "
    "else if (v ~ /^\\$/) kind[K] = \"variable\" } } } "
    "END { print \"looked\"; for (k in kind) print kind[k], place[k] }";

static const char *taken_for(const struct finding *finding)
{
    static const struct {
        const char *word, *said;
    } rows[] = {
        {"empty", "is empty"},
        {"number", "would be taken for a number"},
        {"flag", "would be taken for true or false"},
        {"date", "would be taken for a date"},
        {"variable", "would be taken for the name of a variable"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (finding_is(finding, rows[i].word))
            return rows[i].said;
    return NULL;
}

static enum error_code judge_passwords(struct check *check, const struct setup_list *keys,
                                       char *lines, struct error *error)
{
    CLEANUP_COMPLAINTS struct complaints complaints = {0};
    const char *env_file = target_setup(check->target)->compose.env_file;
    enum error_code code = ERROR_OK;
    size_t found = 0;
    char *rest = NULL, *line = strtok_r(lines, "\n", &rest);
    struct finding finding = read_finding(line != NULL ? line : "");
    if (!finding_is(&finding, "looked"))
        return say_unreadable(check, &finding, error);
    while (code == ERROR_OK && (line = strtok_r(NULL, "\n", &rest)) != NULL) {
        finding = read_finding(line);
        long long key = finding.figures[1];
        if (key < 1 || key > (long long)keys->count)
            return say_unreadable(check, &finding, error);
        found++;
        if (taken_for(&finding) != NULL)
            code = complaints_add(&complaints, error, "%s:%lld: this password (%s) %s", env_file,
                                  finding.figures[0], keys->items[key - 1], taken_for(&finding));
    }
    if (code != ERROR_OK)
        return code;
    if (complaints.count > 0)
        return check_say(check, PREFLIGHT_FAILED, error, "%s", (const char *)complaints.text.data);
    if (found == 0)
        return check_say(check, PREFLIGHT_UNDECIDED, error, "%s has no key like %s", env_file,
                         keys->count > 0 ? keys->items[0] : "those of `keys`");
    return check_say(check, PREFLIGHT_PASSED, error, "%s: %zu password%s text", env_file, found,
                     found == 1 ? " is" : "s are");
}

enum error_code check_password_text(struct check *check, struct error *error)
{
    CLEANUP_TEXT struct text script = {0};
    CLEANUP_RESULT struct target_result result = {0};
    char nothing[] = "";
    if (target_setup(check->target)->compose.env_file[0] == '\0')
        return no_env_file(check, error);
    struct setup_list keys = check->item->keys;
    keys.count = keys.count < 8 ? keys.count : 8;
    add_env_script(&script, check, PASSWORD_RULE, &keys);
    enum error_code code = check_run(check, &script, &result, error);
    return code == ERROR_OK
               ? judge_passwords(check, &keys,
                                 result.output.size > 0 ? (char *)result.output.data : nothing,
                                 error)
               : code;
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
