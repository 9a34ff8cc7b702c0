/* Backups are scheduled *and* made: a schedule alone proves nothing, and neither does a file that nobody renews. */
#include "actions/checklist/check.h"

/* Lines of cron that would run: of the user's own crontab, /etc/crontab, and those files of /etc/cron.d whose names cron reads (cron(8): letters, digits, '_' and '-').
 * Scripts in cron.daily and its kin, by run-parts' rule. Timers by systemd's own list of active ones. Each as "place: text". */
static const char SCHEDULE[] =
    "hit() { grep -n -- \"$w\" 2>/dev/null | grep -v '^[0-9]*:[[:space:]]*#' | head -n 1 | sed \"s|^\\([0-9]*\\):.*|$1:\\1|\"; }; "
    "s=$(crontab -l 2>/dev/null | hit \"crontab of $(id -un)\"); "
    "for f in /etc/crontab /etc/cron.d/*; do [ -n \"$s\" ] && break; case ${f##*/} in *[!A-Za-z0-9_-]*) continue;; esac; [ -r \"$f\" ] && s=$(hit \"$f\" < \"$f\"); done; "
    "for f in /etc/cron.hourly/* /etc/cron.daily/* /etc/cron.weekly/*; do [ -n \"$s\" ] && break; case ${f##*/} in *[!A-Za-z0-9_-]*) continue;; esac; "
    "[ -x \"$f\" ] && s=$(hit \"$f\" < \"$f\"); done; "
    "if [ -z \"$s\" ] && command -v systemctl >/dev/null; then for u in $(systemctl list-timers --no-legend --no-pager 2>/dev/null | grep -o '[^ ]*\\.timer'); do "
    "n=$(systemctl show -p Unit --value \"$u\" 2>/dev/null); { echo \"$u $n\"; systemctl cat \"$u\" \"$n\" 2>/dev/null; } | grep -v '^[[:space:]]*#' | grep -q -- \"$w\" && { s=$u; break; }; done; fi; "
    "[ -n \"$s\" ] || { echo \"no crontab, cron.d file or active systemd timer has a line with $w\"; exit 1; }; ";

/* The newest file, by its own time against the clock of the same machine. */
static const char NEWEST[] =
    "[ -d \"$d\" ] || { echo \"$s is scheduled, and $d is no directory\"; exit 1; }; "
    "n=$(find \"$d\" -type f -printf '%T@ %s %p\\n' 2>/dev/null | sort -n | tail -n 1); [ -n \"$n\" ] || { echo \"$s is scheduled, and $d holds no backup\"; exit 1; }; "
    "at=${n%%.*}; r=${n#* }; size=${r%% *}; file=${r#* }; age=$(( ($(date +%s) - at) / 60 )); "
    "[ \"$size\" -gt 0 ] || { echo \"the newest backup is empty: $file\"; exit 1; }; "
    "[ $age -ge -5 ] || { echo \"the newest backup is dated in the future: $file\"; exit 1; }; "
    "[ $age -le $((h * 60)) ] || { echo \"the newest backup is $((age / 60)) hours old and not younger than $h: $file\"; exit 1; }; "
    "echo \"scheduled in $s; the newest is $age minutes old: $file\"";

enum error_code check_backups(struct check *check, struct error *error)
{
    CLEANUP_BYTES struct bytes script = {0};
    if (check->item->path[0] == '\0')
        return check_answer(check, PREFLIGHT_UNDECIDED, error, "no probe decides this: `path`, the directory of the backups, is not configured");
    enum error_code code = bytes_append_format(&script, error, "h=%lld; d=", (long long)check->item->hours);
    if (code == ERROR_OK)
        code = shell_quote(&script, check->item->path, error);
    if (code == ERROR_OK)
        code = bytes_append_format(&script, error, "; w=");
    if (code == ERROR_OK)
        code = shell_quote(&script, check->item->schedule, error);
    if (code == ERROR_OK)
        code = bytes_append_format(&script, error, "; %s%s", SCHEDULE, NEWEST);
    return code == ERROR_OK ? check_by_script(check, (const char *)script.data, error) : code;
}
