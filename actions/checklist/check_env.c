/* The env file and the repository: length, mode and owner, what was committed, passwords that a parser takes for numbers.
 * Values are looked at on the target by awk; only words about them come back. */
#include "actions/checklist/check.h"

#include <string.h>

/* Reads the env file as compose does: comments, `export`, quotes, a comment behind an unquoted value; the last assignment of a key counts. Leaves K (key),
 * V (value), N (line) for the rule behind it. */
static const char AWK_ASSIGNMENT[] =
    "{ line = $0; sub(/\\r$/, \"\", line); sub(/^[ \\t]*(export[ \\t]+)?/, \"\", line); at = index(line, \"=\"); "
    "if (line ~ /^#/ || at < 2) next; K = substr(line, 1, at - 1); sub(/[ \\t]+$/, \"\", K); V = substr(line, at + 1); sub(/^[ \\t]+/, \"\", V); q = substr(V, 1, 1); "
    "if (q == \"\\042\" || q == \"\\047\") { V = substr(V, 2); e = index(V, q); if (e > 0) V = substr(V, 1, e - 1) } "
    "else { sub(/[ \\t]+#.*$/, \"\", V); sub(/[ \\t]+$/, \"\", V) } N = NR } ";

/* "f='.env.prod'; [ -r ... ]; awk PROGRAM" with words[] as awk variables k1, k2, ... */
static enum error_code env_script(const struct check *check, const char *rule, const struct setup_list *words, struct bytes *script, struct error *error)
{
    enum error_code code = bytes_append_format(script, error, "f=");
    if (code == ERROR_OK)
        code = shell_quote(script, target_setup(check->target)->compose.env_file, error);
    if (code == ERROR_OK)
        code = bytes_append_format(script, error, "; [ -r \"$f\" ] || { echo \"$f cannot be read\"; exit 1; }; F=$f awk -v n=%zu", words->count);
    for (size_t i = 0; code == ERROR_OK && i < words->count; i++) {
        code = bytes_append_format(script, error, " -v k%zu=", i + 1);
        if (code == ERROR_OK)
            code = shell_quote(script, words->items[i], error);
    }
    CLEANUP_BYTES struct bytes program = {0};
    if (code == ERROR_OK)
        code = bytes_append_format(&program, error, "%s%s", AWK_ASSIGNMENT, rule);
    if (code == ERROR_OK)
        code = bytes_append(script, " ", 1, error);
    if (code == ERROR_OK)
        code = shell_quote(script, (const char *)program.data, error);
    return code == ERROR_OK ? bytes_append_format(script, error, " \"$f\"") : code;
}

static enum error_code no_env_file(struct check *check, struct error *error)
{
    return check_answer(check, PREFLIGHT_UNDECIDED, error, "no probe decides this: compose.env_file is not configured");
}

/* Characters, not bytes: continuation bytes of UTF-8 do not count. */
enum error_code check_env_key_length(struct check *check, struct error *error)
{
    CLEANUP_BYTES struct bytes script = {0};
    char rule[512];
    struct setup_list words = {{check->item->key}, 1};
    if (target_setup(check->target)->compose.env_file[0] == '\0')
        return no_env_file(check, error);
    (void)snprintf(rule, sizeof rule,
                   "K == k1 { at_line = N; v = V; gsub(/[\\200-\\277]/, \"\", v); long = length(v) } END { f = ENVIRON[\"F\"]; if (!at_line) { print f \": \" k1 \" is not set\"; exit 1 } "
                   "if (long < %lld) { print f \":\" at_line \": \" k1 \" is shorter than %lld characters\"; exit 1 } print f \":\" at_line \": \" k1 \" is long enough\" }",
                   (long long)check->item->minimum, (long long)check->item->minimum);
    enum error_code code = env_script(check, rule, &words, &script, error);
    return code == ERROR_OK ? check_by_script(check, (const char *)script.data, error) : code;
}

/* What NATS reads in an unquoted place as a number, a size, a date, a word for true or false, or another variable. */
enum error_code check_password_text(struct check *check, struct error *error)
{
    static const char rule[] =
        "{ for (i = 1; i <= n; i++) { p = (i == 1 ? k1 : i == 2 ? k2 : i == 3 ? k3 : i == 4 ? k4 : i == 5 ? k5 : i == 6 ? k6 : i == 7 ? k7 : k8); gsub(/\\*/, \".*\", p); "
        "if (K ~ \"^\" p \"$\") { kind[K] = \"\"; place[K] = N; v = tolower(V); if (V == \"\") kind[K] = \"empty\"; "
        "else if (v ~ /^[-+]?[0-9][0-9_,.]*(e[-+]?[0-9]+)?([kmgtpe]i?b?)?$/ || v ~ /^0x[0-9a-f]+$/) kind[K] = \"taken for a number\"; "
        "else if (v ~ /^(true|false|yes|no|on|off)$/) kind[K] = \"taken for true or false\"; "
        "else if (v ~ /^[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]/) kind[K] = \"taken for a date\"; "
        "else if (v ~ /^\\$/) kind[K] = \"taken for the name of a variable\" } } } "
        "END { f = ENVIRON[\"F\"]; for (k in kind) { found++; if (kind[k] != \"\") { bad++; print f \":\" place[k] \": \" k \" would be \" kind[k] } } "
        "if (bad) exit 1; if (!found) exit 3; print f \": \" found \" passwords are text\" }";
    CLEANUP_BYTES struct bytes script = {0};
    CLEANUP_RESULT struct target_result result = {0};
    if (target_setup(check->target)->compose.env_file[0] == '\0')
        return no_env_file(check, error);
    struct setup_list words = check->item->keys;
    words.count = words.count < 8 ? words.count : 8;
    enum error_code code = env_script(check, rule, &words, &script, error);
    if (code == ERROR_OK)
        code = check_run(check, (const char *)script.data, &result, error);
    if (code != ERROR_OK)
        return code;
    if (result.status == 3)
        return check_answer(check, PREFLIGHT_UNDECIDED, error, "%s has no key like %s", target_setup(check->target)->compose.env_file, words.count > 0 ? words.items[0] : "those of `keys`");
    const struct bytes *said = result.output.size > 0 ? &result.output : &result.errors;
    return check_answer(check, result.status == 0 ? PREFLIGHT_PASSED : PREFLIGHT_FAILED, error, "%s", said->size > 0 ? (const char *)said->data : "awk failed");
}

enum error_code check_env_file_mode(struct check *check, struct error *error)
{
    CLEANUP_BYTES struct bytes script = {0};
    const char *env_file = target_setup(check->target)->compose.env_file;
    if (env_file[0] == '\0')
        return no_env_file(check, error);
    enum error_code code = bytes_append_format(&script, error, "f=");
    if (code == ERROR_OK)
        code = shell_quote(&script, env_file, error);
    if (code == ERROR_OK)
        code = bytes_append_format(&script, error, "; w=");
    if (code == ERROR_OK)
        code = shell_quote(&script, check->item->owner, error);
    if (code == ERROR_OK)
        code = bytes_append_format(&script, error,
            "; [ -n \"$w\" ] || w=$(id -un); if [ -L \"$f\" ]; then echo \"$f is a symbolic link: put the file itself there\"; exit 1; fi; "
            "[ -f \"$f\" ] || { echo \"$f is not there, or no file\"; exit 1; }; m=$(stat -c '%%a' \"$f\") && o=$(stat -c '%%U' \"$f\") || exit 1; "
            "if [ \"$m\" != 600 ]; then echo \"$f has mode $m and not 600: chmod 600 $f\"; exit 1; fi; "
            "if [ \"$o\" != \"$w\" ]; then echo \"$f belongs to $o and not to $w: chown $w $f\"; exit 1; fi; echo \"$f has mode 600 and belongs to $o\"");
    return code == ERROR_OK ? check_by_script(check, (const char *)script.data, error) : code;
}

/* Every path of every object that any ref or reflog reaches, and of the index: whatever was once committed is in a clone somewhere. */
enum error_code check_env_committed(struct check *check, struct error *error)
{
    CLEANUP_BYTES struct bytes script = {0};
    enum error_code code = bytes_append_format(&script, error,
        "[ \"$(git rev-parse --is-shallow-repository)\" = false ] || { echo 'the clone is shallow, so its history cannot be looked through: git fetch --unshallow'; exit 1; }; "
        "a=$(git rev-list --objects --all --reflog) && i=$(git ls-files) || exit 1; found=$({ printf '%%s\\n' \"$a\" | cut -s -d' ' -f2-; printf '%%s\\n' \"$i\"; } | sort -u "
        "| grep -Ei '(^|/)(\\.env([._-][^/]*|rc)?|[^/]*\\.env)$'");
    for (size_t i = 0; code == ERROR_OK && i < check->item->examples.count; i++) {
        code = bytes_append_format(&script, error, " | awk -v e=");
        if (code == ERROR_OK)
            code = shell_quote(&script, check->item->examples.items[i], error);
        if (code == ERROR_OK)
            code = bytes_append_format(&script, error, " '{ b = $0; sub(/.*\\//, \"\", b); if ($0 != e && b != e) print }'");
    }
    if (code == ERROR_OK)
        code = bytes_append_format(&script, error,
            "); [ -n \"$found\" ] || { echo 'no env file is in the tree or its history'; exit 0; }; printf '%%s\\n' \"$found\" | head -n 5 | while IFS= read -r p; do "
            "c=$(git log --all --reflog --format=%%h --diff-filter=A -- \"$p\" | tail -n 1); echo \"$p is in git (${c:-index only}): git rm --cached, purge it from the history\"; done; exit 1");
    return code == ERROR_OK ? check_by_script(check, (const char *)script.data, error) : code;
}
