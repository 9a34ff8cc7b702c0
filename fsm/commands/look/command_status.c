/* status: where the last deployment stands, from the journal and from the lock that tells whether
 * somebody drives it. */
#include "fsm/commands/command_line.h"

#include <stdio.h>
#include <string.h>

#include "fsm/roster/approval.h"
#include "fsm/guarded.h"
#include "fsm/execution_now.h"
#include "fsm/roster/authority.h"
#include "fsm/steps/withdrawn.h"
#include "fsm/commands/look/explain.h"
#include "fsm/commands/look/metrics.h"
#include "fsm/past/recorded.h"
#include "fsm/terminal/age.h"
#include "fsm/terminal/print.h"
#include "fsm/watcher.h"
#include "journal/canonical.h"
#include "journal/format/names.h"

/* What status reads beyond the deployment's entries: approvals while they count, whether the holder
 * may still go forward, and whether Execution was left disarmed. */
struct standing {
    bool waits_for_approvals, waits_for_arms;
    char disarmed_by[240]; /* a person's DISARM: then nobody is told to arm */
    struct approval_tally approvals;
    char removed[320];
    struct watcher watcher;
    struct clock_reading now;
};

static bool is_command_of(const struct journal_entry *entry, const char *command,
                          const char *outcome)
{
    return strcmp(entry->type, ENTRY_COMMAND) == 0
           && strcmp(entry_string(entry, "command"), command) == 0
           && strcmp(entry_string(entry, "outcome"), outcome) == 0;
}

/* The last deployment left Execution disarmed, and no `arm` was recorded since. `arm` is recorded
 * after the deployment, outside it. A DISARM that a person gave may be newer, or within it. */
static enum error_code look_for_arms(struct driver *driver, uint64_t size,
                                     struct standing *ret_standing, struct error *error)
{
    const struct deployment *deployment = &driver->deployment;
    bool armed = false, waits = driver->found && withdrawn_left_disarmed(deployment);
    char *by = ret_standing->disarmed_by;
    size_t room = sizeof ret_standing->disarmed_by;
    for (uint64_t seq = size; waits && !armed && by[0] == '\0' && seq > deployment->number + 1;
         seq--) {
        CLEANUP_ENTRY struct journal_entry entry = {0};
        enum error_code code = journal_read(driver->journal, seq - 1, &entry, error);
        if (code != ERROR_OK)
            return code;
        if (entry.deployment == (int64_t)deployment->number)
            break;
        armed = is_command_of(&entry, "arm", "observed");
        if (is_command_of(&entry, "disarm", "observed"))
            (void)snprintf(by, room, "titan-fsm disarm (entry %llu: %.120s)",
                           (unsigned long long)entry.seq, entry_string(&entry, "reason"));
    }
    if (waits && !armed && by[0] == '\0')
        (void)withdrawn_by(deployment, by, room);
    ret_standing->waits_for_arms = waits && !armed;
    return ERROR_OK;
}

static enum error_code look_at_standing(struct driver *driver, uint64_t entries,
                                        struct standing *ret_standing, struct error *error)
{
    uint64_t size;
    watcher_ask(driver, &ret_standing->watcher);
    enum error_code code = driver->clock->read(driver->clock->context, &ret_standing->now, error);
    if (code != ERROR_OK)
        return code;
    if (driver->found)
        watcher_read(&driver->deployment, ret_standing->now.boot, &ret_standing->watcher);
    if (!driver_is_open(driver))
        return look_for_arms(driver, entries, ret_standing, error);
    code = approval_count(driver, &ret_standing->approvals, error);
    if (code == ERROR_OK)
        code = authority_look(driver, ret_standing->removed, sizeof ret_standing->removed, &size,
                              error);
    ret_standing->waits_for_approvals = code == ERROR_OK && driver->deployment.state == STATE_PULLED
                                        && ret_standing->approvals.count
                                               < ret_standing->approvals.required;
    return code;
}

static const char *next_step(const struct driver *driver, const struct standing *standing)
{
    const struct deployment *deployment = &driver->deployment;
    if (!driver_is_open(driver))
        return standing->disarmed_by[0] != '\0' ? "titan-fsm log"
               : standing->waits_for_arms       ? "titan-fsm arm --reason TEXT"
                                                : explain_begin(&driver->config);
    if (standing->watcher.life == WATCHER_LIVES)
        return "titan-fsm status --watch";
    if (deployment->intent.seq != 0 || watcher_is_missing(&standing->watcher, deployment))
        return "titan-fsm resume";
    if (deployment->state == STATE_ROLLBACK_FAILED)
        return "titan-fsm rollback --reason TEXT";
    if (standing->removed[0] != '\0' && machine_phase(deployment->state) != PHASE_REVERTING)
        return machine_transition(deployment->procedure, deployment->state, EVENT_ABORT) != NULL
                   ? "titan-fsm abort --reason TEXT"
                   : "titan-fsm rollback --reason TEXT";
    if (standing->waits_for_approvals)
        return "titan-fsm request FILE for an approver, then titan-fsm accept FILE";
    return "titan-fsm advance";
}

static int64_t age_ms(const struct standing *standing, int64_t since_ns)
{
    return since_ns > 0 ? (standing->now.boottime_ns - since_ns) / 1000000 : -1;
}

/* An age of -1: of another boot, or there is none. */
static json_t *watcher_json(const struct driver *driver, const struct standing *standing)
{
    static const char *const lives[] = {
        [WATCHER_UNKNOWN] = "unknown", [WATCHER_LIVES] = "lives", [WATCHER_GONE] = "none"};
    const struct watcher *watcher = &standing->watcher;
    return json_pack("{s:s, s:I, s:b, s:I, s:I}", "driver", lives[watcher->life], "process",
                     (json_int_t)watcher->process, "unwatched",
                     watcher_is_missing(watcher, &driver->deployment), "last_entry_age_ms",
                     (json_int_t)age_ms(standing, watcher->since_ns), "last_sample_age_ms",
                     (json_int_t)age_ms(standing, watcher->sample_ns));
}

static json_t *approvals_json(const struct approval_tally *tally)
{
    json_t *given = json_array();
    for (size_t i = 0; i < tally->count; i++)
        (void)json_array_append_new(given,
                                    json_pack("{s:s, s:I}", "principal", tally->given[i].principal,
                                              "entry", (json_int_t)tally->given[i].entry));
    return json_pack("{s:I, s:o}", "required", (json_int_t)tally->required, "given", given);
}

static enum error_code print_status_json(const struct driver *driver,
                                         const struct journal_head *head,
                                         const struct standing *standing, struct error *error)
{
    const struct deployment *deployment = &driver->deployment;
    CLEANUP_JSON json_t *status = json_pack("{s:s, s:s, s:I, s:b, s:s}", "target",
                                            driver->config.setup.target.name, "journal",
                                            journal_id(driver->journal), "entries",
                                            (json_int_t)head->size, "open", driver_is_open(driver),
                                            "next", next_step(driver, standing));
    if (status == NULL)
        return error_set(error, ERROR_MEMORY, 0, "status", "", "out of memory");
    if (json_object_set_new(status, "watcher", watcher_json(driver, standing)) != 0)
        return error_set(error, ERROR_MEMORY, 0, "status", "", "out of memory");
    if (driver->found) {
        json_t *json = json_pack("{s:I, s:s, s:s, s:b, s:s}", "number",
                                 (json_int_t)deployment->number, "procedure",
                                 machine_procedure_name(deployment->procedure), "state",
                                 machine_state_name(deployment->state), "hot",
                                 machine_is_hot(deployment->state), "intent",
                                 deployment->intent.seq != 0
                                     ? machine_action_name(deployment->intent.action)
                                     : "");
        if (driver_is_open(driver)
            && (json_object_set_new(json, "approvals", approvals_json(&standing->approvals)) != 0
                || json_object_set_new(json, "removed", json_string(standing->removed)) != 0))
            return error_set(error, ERROR_MEMORY, 0, "status", "", "out of memory");
        if (json_object_set_new(status, "deployment", json) != 0)
            return error_set(error, ERROR_MEMORY, 0, "status", "", "out of memory");
    }
    (void)json_dumpf(status, stdout, JSON_COMPACT | JSON_ENSURE_ASCII);
    puts("");
    return ERROR_OK;
}

/* What happens on the target where nobody goes on. */
static void print_guard(struct driver *driver, const struct standing *standing)
{
    int64_t left_ms;
    if (!guarded_left(driver, &standing->now, &left_ms))
        return;
    if (left_ms > 0)
        printf("guard       rolls back in %lld s, unless somebody goes on\n",
               (long long)(left_ms / 1000));
    else
        puts("guard       is due, and rolls back or has done so");
}

static void print_standing(const struct standing *standing)
{
    char text[400];
    if (standing->approvals.required > 0) {
        approval_describe(&standing->approvals, text, sizeof text);
        fputs("approvals   ", stdout);
        print_escaped(text);
        puts("");
    }
    if (standing->removed[0] != '\0') {
        fputs("removed     ", stdout);
        print_escaped(standing->removed);
        puts("");
    }
}

/* Whether the step that is open runs now or was interrupted is what the lock says, not the journal.
 */
static void print_watcher(const struct driver *driver, const struct standing *standing)
{
    const struct deployment *deployment = &driver->deployment;
    const struct watcher *watcher = &standing->watcher;
    int64_t now_ns = standing->now.boottime_ns;
    char age[40];
    if (deployment->intent.seq != 0)
        printf("%s %s, entry %llu\n",
               watcher->life == WATCHER_LIVES  ? "runs       "
               : watcher->life == WATCHER_GONE ? "interrupted"
                                               : "open       ",
               machine_action_name(deployment->intent.action),
               (unsigned long long)deployment->intent.seq);
    age_write(watcher->since_ns, now_ns, age, sizeof age);
    if (watcher_is_missing(watcher, deployment))
        printf("driver      NOBODY IS WATCHING since %s (%s)\n", watcher->since, age);
    else if (watcher->life == WATCHER_LIVES && watcher->process > 0)
        printf("driver      process %lld lives; its last entry: %s ago\n",
               (long long)watcher->process, age);
    else
        printf("driver      %s\n", watcher->life == WATCHER_LIVES  ? "lives"
                                   : watcher->life == WATCHER_GONE ? "none now"
                                                                   : "unknown: its lock cannot "
                                                                     "be read");
    if (watcher->asks[0] != '\0') {
        printf("asks        for %lld s more, on its own terminal: ",
               (long long)((watcher->asks_until_ns - now_ns) / 1000000000));
        print_escaped(watcher->asks);
        puts("");
    }
    if (deployment->intent.action == ACTION_OBSERVE_WINDOW && watcher->sample_ns > 0) {
        age_write(watcher->sample_ns, now_ns, age, sizeof age);
        printf("last sample %s ago\n", age);
    }
}

/* The transition that aborted the deployment or began its rollback; its reason is what people ask
 * for afterwards. Borrowed; NULL for none. */
static const struct journal_entry *turning_transition(const struct deployment *deployment)
{
    const struct journal_entry *entry = deployment_transition_to(deployment, STATE_ABORTING);
    return entry != NULL ? entry : deployment_transition_to(deployment, STATE_ROLLING_BACK);
}

/* From the journal alone: what was seen last, not what is now. */
static void print_interlock(const struct driver *driver, const struct standing *standing)
{
    char last[120] = "";
    if (driver->found && driver->config.setup.services.execution[0] != '\0')
        execution_last(&driver->deployment, last, sizeof last);
    if (last[0] != '\0')
        printf("Execution   %s\n", last);
    if (standing->disarmed_by[0] != '\0') {
        fputs("disarmed    by ", stdout);
        print_escaped(standing->disarmed_by);
        puts("");
    }
}

/* Whoever looks may be somebody else, whom the command would refuse. */
static void print_whose_turn(const struct driver *driver)
{
    struct holder holder;
    struct error error;
    if (!driver_is_open(driver) || authority_check_holder(driver, &error) != ERROR_KEY_REFUSED
        || authority_holder(&driver->deployment, &holder, &error) != ERROR_OK
        || strcmp(holder.principal, driver->config.operator.principal) == 0)
        return;
    fputs(", by ", stdout);
    print_escaped(holder.principal);
    fputs(", who holds it", stdout);
}

static void print_status(struct driver *driver, const struct journal_head *head,
                         const struct standing *standing)
{
    const struct deployment *deployment = &driver->deployment;
    printf("target      %s\njournal     %s, %llu %s\n", driver->config.setup.target.name,
           journal_id(driver->journal), (unsigned long long)head->size,
           head->size == 1 ? "entry" : "entries");
    if (driver->found) {
        printf("deployment  %llu, %s, %s%s\n", (unsigned long long)deployment->number,
               machine_procedure_name(deployment->procedure), machine_state_name(deployment->state),
               deployment->ended ? " (ended)" : "");
        const struct journal_entry *turned = turning_transition(deployment);
        if (turned != NULL && entry_string(turned, "reason")[0] != '\0') {
            fputs("reason      ", stdout);
            print_escaped(entry_string(turned, "reason"));
            puts("");
        }
        const struct journal_entry *last = deployment_last_of_type(deployment, ENTRY_TRANSITION);
        if (last == turned)
            last = NULL;
        const char *reason = last != NULL ? json_string_value(json_object_get(last->body, "reason"))
                                          : NULL;
        bool answered = driver_is_open(driver) && deployment->state == STATE_PULLED
                        && standing->approvals.required > 0; /* by the line about approvals below */
        if (reason != NULL && reason[0] != '\0' && !answered) {
            fputs("last        ", stdout);
            print_escaped(reason);
            puts("");
        }
        if (driver_is_open(driver))
            print_watcher(driver, standing);
    } else {
        puts("deployment  none yet");
    }
    if (driver_is_open(driver)) {
        print_guard(driver, standing);
        print_standing(standing);
    }
    print_interlock(driver, standing);
    printf("next        %s", next_step(driver, standing));
    if (standing->watcher.life != WATCHER_LIVES)
        print_whose_turn(driver);
    puts("");
}

static enum error_code print_metrics(const struct driver *driver, const struct journal_head *head,
                                     const struct standing *standing, struct error *error)
{
    CLEANUP_TEXT struct text text = {0};
    struct metrics metrics = {.target = driver->config.setup.target.name,
                              .journal = journal_id(driver->journal),
                              .entries = head->size,
                              .driven = standing->watcher.life == WATCHER_LIVES,
                              .unwatched = watcher_is_missing(&standing->watcher,
                                                              &driver->deployment),
                              .deployment = driver->found ? &driver->deployment : NULL};
    enum error_code code = journal_file_bytes(driver->journal, &metrics.bytes, error);
    if (code != ERROR_OK)
        return code;
    metrics_text(&metrics, &text);
    if (text_failed(&text, error))
        return error->code;
    (void)fwrite(text.bytes.data, 1, text.bytes.size, stdout);
    return ERROR_OK;
}

enum error_code command_status(const struct command_line *line, enum exit_status *ret_status,
                               struct error *error)
{
    struct driver *driver = line->driver;
    struct journal_head head;
    struct standing standing = {.waits_for_approvals = false};
    if (line->watch)
        return command_watch(line, ret_status, error);
    enum error_code code = driver_open(driver, &line->options, DRIVER_READS, error);
    if (code == ERROR_OK)
        code = journal_head(driver->journal, &head, error);
    if (code == ERROR_OK)
        code = look_at_standing(driver, head.size, &standing, error);
    if (code != ERROR_OK)
        return code;
    *ret_status = EXIT_DONE;
    if (line->prometheus)
        return print_metrics(driver, &head, &standing, error);
    if (line->options.json)
        return print_status_json(driver, &head, &standing, error);
    print_status(driver, &head, &standing);
    return ERROR_OK;
}
