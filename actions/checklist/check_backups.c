/* Backups are scheduled *and* made: a schedule alone proves nothing, and neither does a file that
 * nobody renews. */
#include "actions/checklist/check.h"
#include "journal/format/text.h"

#include <stdio.h>
#include <string.h>

/* Lines of cron that would run: of the user's own crontab, /etc/crontab, and those files of
 * /etc/cron.d whose names cron reads (cron(8): letters, digits, '_' and '-'). Scripts in cron.daily
 * and its kin, by run-parts' rule. Timers by systemd's own list of active ones. $s is where it
 * stands: "crontab:LINE" (the user's own), "FILE:LINE", or the unit of a timer. */
static const char SCHEDULE[] =
    "hit() { grep -n -- \"$w\" 2>/dev/null | grep -v '^[0-9]*:[[:space:]]*#' | head -n 1 | sed "
    "\"s|^\\([0-9]*\\):.*|$1:\\1|\"; }; "
    "s=$(crontab -l 2>/dev/null | hit crontab); "
    "for f in /etc/crontab /etc/cron.d/*; do [ -n \"$s\" ] && break; case ${f##*/} in "
    "*[!A-Za-z0-9_-]*) continue;; esac; [ -r \"$f\" ] && s=$(hit \"$f\" < \"$f\"); done; "
    "for f in /etc/cron.hourly/* /etc/cron.daily/* /etc/cron.weekly/*; do [ -n \"$s\" ] && break; "
    "case ${f##*/} in *[!A-Za-z0-9_-]*) continue;; esac; "
    "[ -x \"$f\" ] && s=$(hit \"$f\" < \"$f\"); done; "
    "if [ -z \"$s\" ] && command -v systemctl >/dev/null; then for u in $(systemctl list-timers "
    "--no-legend --no-pager 2>/dev/null | grep -o '[^ ]*\\.timer'); do "
    "n=$(systemctl show -p Unit --value \"$u\" 2>/dev/null); { echo \"$u $n\"; systemctl cat "
    "\"$u\" \"$n\" 2>/dev/null; } | grep -v '^[[:space:]]*#' | grep -q -- \"$w\" && { s=$u; break; "
    "}; done; fi; "
    "[ -n \"$s\" ] || { echo unscheduled; exit; }; ";

/* The newest file, by its own time against the clock of the same machine. Three lines: a code word
 * and its age in minutes; where the schedule stands; the file. */
static const char NEWEST[] =
    "n=; [ ! -d \"$d\" ] || n=$(find \"$d\" -type f -printf '%T@ %s %p\\n' 2>/dev/null | sort -n | "
    "tail -n 1); "
    "if [ ! -d \"$d\" ]; then r=nowhere; elif [ -z \"$n\" ]; then r=none; else "
    "at=${n%%.*}; r=${n#* }; size=${r%% *}; file=${r#* }; age=$(( ($(date +%s) - at) / 60 )); "
    "r=good; "
    "[ $age -le $((h * 60)) ] || r=old; [ $age -ge -5 ] || r=future; [ \"$size\" -gt 0 ] || "
    "r=empty; fi; "
    "printf '%s %s\\n%s\\n%s\\n' $r \"${age:-0}\" \"$s\" \"$file\"";

struct backup {
    char word[16];
    long long age_min;
    const char *schedule, *file;
};

static void next_line_word(char **at, const char **ret_line)
{
    char *line = strsep(at, "\n");
    *ret_line = line != NULL ? line : "";
}

static void read_backup(char *lines, struct backup *ret_backup)
{
    const char *first;
    next_line_word(&lines, &first);
    next_line_word(&lines, &ret_backup->schedule);
    next_line_word(&lines, &ret_backup->file);
    if (sscanf(first, "%15s %18lld", ret_backup->word, &ret_backup->age_min) < 1)
        ret_backup->word[0] = '\0';
}

static enum error_code judge_backup(struct check *check, const struct backup *backup,
                                    struct error *error)
{
    static const char own[] = "crontab:"; /* ours, and a number */
    const char *word = backup->word, *directory = check->item->path;
    const char *schedule = strncmp(backup->schedule, own, sizeof own - 1) == 0
                               ? backup->schedule
                               : check_foreign(check, backup->schedule);
    const char *file = check_foreign(check, backup->file);
    if (strcmp(word, "good") == 0)
        return check_say(check, PREFLIGHT_PASSED, error,
                         "scheduled in %s; the newest is %lld minute%s old: %s", schedule,
                         backup->age_min, text_many((uint64_t)backup->age_min), file);
    if (strcmp(word, "unscheduled") == 0)
        return check_say(check, PREFLIGHT_FAILED, error,
                         "no crontab, cron.d file or active systemd timer has a line with %s",
                         check->item->schedule);
    if (strcmp(word, "nowhere") == 0)
        return check_say(check, PREFLIGHT_FAILED, error, "%s is scheduled, and %s is no directory",
                         schedule, directory);
    if (strcmp(word, "none") == 0)
        return check_say(check, PREFLIGHT_FAILED, error, "%s is scheduled, and %s holds no backup",
                         schedule, directory);
    if (strcmp(word, "empty") == 0)
        return check_say(check, PREFLIGHT_FAILED, error, "the newest backup is empty: %s", file);
    if (strcmp(word, "future") == 0)
        return check_say(check, PREFLIGHT_FAILED, error,
                         "the newest backup is dated in the future: %s", file);
    if (strcmp(word, "old") == 0)
        return check_say(check, PREFLIGHT_FAILED, error,
                         "the newest backup is %lld hour%s old and not younger than %lld: %s",
                         backup->age_min / 60, text_many((uint64_t)backup->age_min / 60),
                         (long long)check->item->hours, file);
    return check_say(check, PREFLIGHT_FAILED, error,
                     "%s could not be examined: run find and date on the target by hand",
                     directory);
}

enum error_code check_backups(struct check *check, struct error *error)
{
    CLEANUP_TEXT struct text script = {0};
    CLEANUP_RESULT struct target_result result = {0};
    struct backup backup = {.word = ""};
    char nothing[] = "";
    if (check->item->path[0] == '\0')
        return check_say(
            check, PREFLIGHT_UNDECIDED, error,
            "no probe decides this: `path`, the directory of the backups, is not configured");
    text_add_format(&script, "h=%lld; d=", (long long)check->item->hours);
    text_add_quoted(&script, check->item->path);
    text_add(&script, "; w=");
    text_add_quoted(&script, check->item->schedule);
    text_add_format(&script, "; %s%s", SCHEDULE, NEWEST);
    enum error_code code = check_run(check, &script, &result, error);
    if (code != ERROR_OK)
        return code;
    read_backup(result.output.size > 0 ? (char *)result.output.data : nothing, &backup);
    return judge_backup(check, &backup, error);
}
