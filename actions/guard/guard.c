#include "actions/guard/guard.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "actions/start_sh.h"
#include "journal/format/names.h"

/* `alive`: the process that looked last is still the same one. `whole`: the plan is the one that
 * was laid. `how` prints how it stands. */
static const char QUESTIONS[] =
    "read -r b < /proc/sys/kernel/random/boot_id; "
    "clock() { read -r u r < /proc/uptime; t=$((${u%.*} * 1000 + 1${u#*.}0 - 1000)); }; "
    "alive() { [ -f \"$g/alive\" ] && read -r i s k l < \"$g/alive\" && [ \"$k\" = \"$b\" ] && "
    "[ \"$(cut -d' ' -f1,22 \"/proc/$i/stat\" 2>/dev/null)\" = \"$i $s\" ]; }; "
    "whole() { [ -f \"$g/plan\" ] && [ \"$(sha256sum < \"$g/plan\" | cut -c1-64)\" = \"$p\" ]; }; "
    "due() { c=$lc; d=$ld; f=; x=$lx; [ -f \"$g/${1:-due}\" ] && "
    "read -r n r f c x d < \"$g/${1:-due}\" && "
    "[ \"$f\" = \"$p\" ] && case $c in 1) c=true ;; *) c=false ;; esac; }; "
    "say() { printf '{\"deployment\":%s,\"epoch\":%s,\"plan\":\"%s\",\"start\":\"%s\",\"state\":"
    "\"%s\",\"begun\":%s,\"boot\":\"%s\",\"deadline_ms\":%s}\\n' \"$n\" \"$e\" \"$p\" \"$w\" "
    "\"$1\" "
    "\"$c\" \"${x:-$b}\" \"$d\"; }; "
    "is_due() { clock; [ \"$c\" = true ] && { [ \"$x\" != \"$b\" ] || [ \"$t\" -ge \"$d\" ]; }; }; "
    "how() { if [ -e \"$g/fired\" ]; then due; if ! grep -qF '\"act\":\"end\"' \"$g/record\" && "
    "alive; then say acting; else say fired; fi; elif ! due || ! whole || ! alive; then "
    "say lost; else say laid; fi; }; ";

/* write_due BEGUN DEADLINE: the deadline is written when it is in force, and not before. */
static const char WRITE_DUE[] =
    "write_due() { printf '%s %s %s %s %s %s\\n' \"$n\" \"$e\" \"$p\" \"$1\" \"$b\" \"$2\" > "
    "\"$g/due.new\" && sync \"$g/due.new\" && mv \"$g/due.new\" \"$g/due\" && sync \"$g\"; }; ";

/* works WAY, and start WAY. The unit of a user counts where that user lingers. */
static const char WAYS[] =
    "unit=titan-guard-$n.service; units=/etc/systemd/system; sys() { systemctl \"$@\"; }; "
    "[ \"$(id -u)\" = 0 ] || { units=${HOME:-/}/.config/systemd/user; sys() { systemctl --user "
    "\"$@\"; }; }; "
    "is_cron_there() { command -v crontab >/dev/null && for f in /proc/[0-9]*/comm; do "
    "read -r q 2>/dev/null < \"$f\" && case $q in cron|crond|fcron|dcron) return 0 ;; esac; done; "
    "return 1; }; "
    "works() { case $1 in systemd) [ -d /run/systemd/system ] && { [ \"$(id -u)\" = 0 ] || "
    "[ -e \"/var/lib/systemd/linger/$(id -un)\" ]; } && sys show-environment >/dev/null 2>&1 ;; "
    "cron) is_cron_there ;; process) command -v setsid >/dev/null ;; esac; }; "
    "detach() { (cd \"$g\" && exec setsid sh ./start </dev/null >/dev/null 2>&1 9>&- &) ; }; "
    "start() { case $1 in systemd) mkdir -p \"$units\" && printf '[Unit]\\nDescription=dead-man "
    "guard of a deployment\\nAfter=docker.service\\n[Service]\\nWorkingDirectory=%s\\nExecStart="
    "/bin/sh ./start\\n[Install]\\nWantedBy=%s\\n' \"$g\" \"$([ \"$(id -u)\" = 0 ] && echo "
    "multi-user.target || echo default.target)\" > \"$units/$unit\" && sys daemon-reload && "
    "sys -q enable \"$unit\" && sys start \"$unit\" ;; "
    "cron) { crontab -l 2>/dev/null | grep -v 'titan-guard'; echo \"@reboot cd $g && sh ./start "
    "# titan-guard $n\"; } | crontab - && detach ;; process) detach ;; esac; }; "
    "stop() { case $1 in systemd) sys -q disable \"$unit\"; rm -f \"$units/$unit\"; "
    "sys daemon-reload ;; cron) crontab -l 2>/dev/null | grep -v \"titan-guard $n\\$\" | "
    "crontab - ;; esac; } 2>/dev/null; ";

static void begin_script(struct text *script, const struct target *target,
                         const struct guard_terms *terms)
{
    static const struct guard_view never = {.boot = ""};
    const struct guard_view *last = terms->last != NULL ? terms->last : &never;
    text_add(script, "g=");
    target_add_quoted_state_path(script, target, "guard");
    text_add_format(script, "; n=%lld; e=%lld; p=", (long long)terms->tenancy->deployment,
                    (long long)terms->tenancy->epoch);
    text_add_quoted(script, terms->plan);
    text_add(script, "; w=");
    text_add_quoted(script, terms->start);
    text_add_format(script, "; lc=%s; ld=%lld; lx=", last->begun ? "true" : "false",
                    (long long)last->deadline_ms);
    text_add_quoted(script, last->boot);
    text_add(script, "; ");
    text_add(script, QUESTIONS);
}

static void add_starter(struct text *script)
{
    CLEANUP_TEXT struct text starter = {0};
    for (size_t i = 0; i < sizeof start_sh / sizeof start_sh[0]; i++)
        text_add(&starter, start_sh[i]);
    text_add_quoted_text(script, &starter);
}

static enum guard_state state_of(const char *word)
{
    static const struct {
        const char *word;
        enum guard_state state;
    } states[] = {{"laid", GUARD_LAID}, {"withdrawn", GUARD_WITHDRAWN}, {"fired", GUARD_FIRED},
                  {"lost", GUARD_LOST}, {"late", GUARD_LATE},           {"acting", GUARD_ACTING}};
    for (size_t i = 0; word != NULL && i < sizeof states / sizeof states[0]; i++)
        if (strcmp(states[i].word, word) == 0)
            return states[i].state;
    return GUARD_INVALID;
}

enum error_code guard_view_read(const struct bytes *line, struct guard_view *ret_view,
                                struct error *error)
{
    struct guard_view view = {.state = GUARD_INVALID};
    const char *plan, *start, *state, *boot;
    int begun;
    json_int_t deadline_ms;
    json_t *object = line->size > 0 ? json_loadb((const char *)line->data, line->size, 0, NULL)
                                    : NULL;
    if (object != NULL
        && json_unpack(object, "{s:s, s:s, s:s, s:b, s:s, s:I}", "plan", &plan, "start", &start,
                       "state", &state, "begun", &begun, "boot", &boot, "deadline_ms", &deadline_ms)
               == 0) {
        text_cut(view.plan, sizeof view.plan, plan);
        text_cut(view.start, sizeof view.start, start);
        text_cut(view.boot, sizeof view.boot, boot);
        view.state = state_of(state);
        view.begun = begun != 0;
        view.deadline_ms = deadline_ms;
    }
    json_decref(object);
    if (view.state == GUARD_INVALID)
        return error_set(error, ERROR_PROTOCOL, 0, "guard",
                         "look at the directory `guard` in the target's state directory",
                         "the guard on the target does not say how it stands");
    *ret_view = view;
    return ERROR_OK;
}

/* Runs it, and reads what it says of the guard. */
static enum error_code ask_guard_there(struct target *target, const struct target_command *command,
                                       struct evidence *evidence, struct guard_view *ret_view,
                                       struct error *error)
{
    enum error_code code = target_probe(target, command, PROBE_GUARD, "", evidence, NULL, error);
    return code == ERROR_OK ? guard_view_read(&evidence_last(evidence, PROBE_GUARD, NULL)->output,
                                              ret_view, error)
                            : code;
}

enum error_code guard_find_start(struct target *target, const char *start, char ret_found[16],
                                 struct error *error)
{
    CLEANUP_TEXT struct text script = {0};
    CLEANUP_RESULT struct target_result result = {0};
    bool any = strcmp(start, "auto") == 0;
    text_add(&script, "n=0; ");
    text_add(&script, WAYS);
    text_add(&script, "for w in ");
    text_add(&script, any ? "systemd cron process" : "");
    if (!any)
        text_add_quoted(&script, start);
    text_add(&script, "; do works $w && { echo $w; break; }; done; :");
    enum error_code code = target_run(
        target, &(struct target_command){.built = &script, .output = OUTPUT_NAMES}, &result, error);
    if (code != ERROR_OK)
        return code;
    const char *word = result.output.size > 0 ? (const char *)result.output.data : "";
    (void)snprintf(ret_found, 16, "%.*s", (int)strcspn(word, "\n"), word);
    return ERROR_OK;
}

enum error_code guard_lay(struct target *target, const struct guard_terms *terms,
                          const struct text *plan, struct evidence *evidence,
                          struct guard_view *ret_view, struct error *error)
{
    CLEANUP_TEXT struct text script = {0};
    begin_script(&script, target, terms);
    text_add(&script, WRITE_DUE);
    text_add(&script, WAYS);
    text_add(&script,
             "umask 077; mkdir -p \"$g\" && rm -f \"$g\"/fired \"$g\"/turn \"$g\"/record "
             "\"$g\"/alive \"$g\"/due \"$g\"/gone && cat > \"$g/plan\" && printf '%s' \"$PATH\" > "
             "\"$g/path\" && printf '%s' \"${HOME:-/}\" > \"$g/home\" && printf '%s' ");
    add_starter(&script);
    text_add(&script, " > \"$g/start\" && sync \"$g/plan\" \"$g/start\" && c=false && x=$b && d=0 "
                      "&& write_due 0 0 && start \"$w\" && for k in 1 2 3 4 5 6 7 8 9 10 11 12 13 "
                      "14 15 16 17 18 19 20; do ! alive || break; sleep 0.2; done; how");
    struct target_command command = {.built = &script,
                                     .input = plan->bytes.data,
                                     .input_bytes = plan->bytes.size,
                                     .output = OUTPUT_NAMES,
                                     .tenancy = terms->tenancy};
    enum error_code code = ask_guard_there(target, &command, evidence, ret_view, error);
    if (code != ERROR_OK || ret_view->state == GUARD_LAID)
        return code;
    return error_set(error, ERROR_REMOTE, 0, target_setup(target)->target.name,
                     "set guard.start to another of systemd, cron, process, or to none",
                     "the guard was laid and does not run (%s)", terms->start);
}

enum error_code guard_renew(struct target *target, const struct guard_terms *terms, int64_t ms,
                            struct evidence *evidence, struct guard_view *ret_view,
                            struct error *error)
{
    CLEANUP_TEXT struct text script = {0};
    begin_script(&script, target, terms);
    text_add(&script, WRITE_DUE);
    text_add_format(&script,
                    "if [ -e \"$g/fired\" ] || ! due || ! whole || ! alive; then how; "
                    "elif is_due; then say late; else clock; c=true; x=$b; "
                    "d=$((t + %lld)); write_due 1 \"$d\" && say laid; fi",
                    (long long)ms);
    struct target_command command = {.built = &script,
                                     .output = OUTPUT_NAMES,
                                     .tenancy = terms->tenancy};
    return ask_guard_there(target, &command, evidence, ret_view, error);
}

enum error_code guard_withdraw(struct target *target, const struct guard_terms *terms,
                               bool past_due, struct evidence *evidence,
                               struct guard_view *ret_view, struct error *error)
{
    CLEANUP_TEXT struct text script = {0};
    begin_script(&script, target, terms);
    text_add(&script, WAYS);
    text_add(&script, "gone() { [ ! -f \"$g/due\" ] || mv -f \"$g/due\" \"$g/gone\"; sync \"$g\"; "
                      "stop \"$w\"; for k in 1 2 3 4 5 6 7 8 "
                      "9 10 11 12 13 14 15; do alive || break; sleep 0.2; done; if alive; then "
                      "kill -s KILL \"$i\"; sleep 0.2; fi; rm -f \"$g\"/plan \"$g\"/start "
                      "\"$g\"/turn \"$g\"/fired \"$g\"/alive \"$g\"/path \"$g\"/home; "
                      "if alive; then say lost; else say withdrawn; fi; }; "
                      "due || due gone || :; ");
    text_add(&script, past_due ? "gone"
                               : "if [ -e \"$g/fired\" ]; then say fired; elif is_due; then say "
                                 "late; else gone; fi");
    struct target_command command = {.built = &script,
                                     .output = OUTPUT_NAMES,
                                     .tenancy = terms->tenancy};
    return ask_guard_there(target, &command, evidence, ret_view, error);
}

enum error_code guard_look_for_gone(struct target *target, const struct guard_terms *terms,
                                    struct evidence *evidence, struct guard_view *ret_view,
                                    struct error *error)
{
    CLEANUP_TEXT struct text script = {0};
    begin_script(&script, target, terms);
    text_add(&script, "if due; then say lost; else due gone || :; say withdrawn; fi");
    struct target_command command = {.built = &script, .output = OUTPUT_NAMES};
    return ask_guard_there(target, &command, evidence, ret_view, error);
}

enum error_code guard_take_turn(struct target *target, struct error *error)
{
    CLEANUP_TEXT struct text script = {0};
    CLEANUP_RESULT struct target_result result = {0};
    text_add(&script, "g=");
    target_add_quoted_state_path(&script, target, "guard");
    text_add(&script, "; [ -f \"$g/due\" ] || exit 0; read -r b < /proc/sys/kernel/random/boot_id; "
                      "read -r u r < /proc/uptime; rm -f \"$g/turn.new\"; "
                      "echo \"$b $((${u%.*} * 1000))\" > \"$g/turn.new\" && "
                      "mv -f \"$g/turn.new\" \"$g/turn\"");
    struct target_command command = {.built = &script, .anywhere = true};
    return target_run(target, &command, &result, error);
}

static enum error_code read_record(struct target *target, struct evidence *evidence,
                                   struct error *error)
{
    CLEANUP_TEXT struct text script = {0};
    text_add(&script, "cat ");
    target_add_quoted_state_path(&script, target, "guard/record");
    return target_probe(target, &(struct target_command){.built = &script, .output = OUTPUT_NAMES},
                        PROBE_GUARD_RECORD, "", evidence, NULL, error);
}

enum error_code guard_look(struct target *target, const struct guard_terms *terms,
                           struct evidence *evidence, struct guard_view *ret_view,
                           struct error *error)
{
    CLEANUP_TEXT struct text script = {0};
    begin_script(&script, target, terms);
    text_add(&script, "how");
    struct target_command command = {.built = &script, .output = OUTPUT_NAMES};
    enum error_code code = ask_guard_there(target, &command, evidence, ret_view, error);
    return code == ERROR_OK && ret_view->state == GUARD_FIRED ? read_record(target, evidence, error)
                                                              : code;
}

enum error_code guard_check_none(struct target *target, int64_t deployment, struct error *error)
{
    CLEANUP_TEXT struct text script = {0}, path = {0};
    CLEANUP_RESULT struct target_result result = {0};
    target_add_state_path(&path, target, "guard");
    text_add(&script, "f=");
    target_add_quoted_state_path(&script, target, "guard/due");
    text_add(&script, "; [ ! -f \"$f\" ] || cut -d' ' -f1 \"$f\"");
    enum error_code code = target_run(
        target, &(struct target_command){.built = &script, .output = OUTPUT_NAMES}, &result, error);
    if (code != ERROR_OK || result.output.size == 0
        || strtoll((const char *)result.output.data, NULL, 10) == deployment)
        return code;
    return error_set(error, ERROR_HELD, 0, text_string(&path),
                     "look at its record there; remove that directory once nobody needs what it "
                     "would put back, and begin again",
                     "the guard of deployment %.20s still lies on the target",
                     (const char *)result.output.data);
}
