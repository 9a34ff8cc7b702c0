#include "actions/checklist/preflight.h"

#include "actions/checklist/check.h"
#include "actions/checklist/running.h"
#include "actions/compose/view/compose_view.h"

static enum error_code run_probe(struct check *check, struct error *error)
{
    switch (check->item->kind) {
    case CHECK_INVALID:
    case CHECK_COUNT:
        break;
    case CHECK_ENV_KEY_LENGTH:
        return check_env_key_length(check, error);
    case CHECK_ENV_SAME:
        return check_env_same(check, error);
    case CHECK_DOCKER_SOCKET:
        return check_docker_socket(check, error);
    case CHECK_PORTS:
        return check_ports(check, error);
    case CHECK_HTTPS:
        return check_https(check, error);
    case CHECK_WEBSOCKET:
        return check_websocket(check, error);
    case CHECK_HEARTBEAT:
        return check_heartbeat(check, error);
    case CHECK_DOWNLOAD:
        return check_download(check, error);
    case CHECK_BACKUPS:
        return check_backups(check, error);
    case CHECK_LOGS:
        return check_logs(check, error);
    case CHECK_ENV_FILE_MODE:
        return check_env_file_mode(check, error);
    case CHECK_ENV_COMMITTED:
        return check_env_committed(check, error);
    case CHECK_COMPOSE_RENDERS:
        return check_compose_renders(check, error);
    case CHECK_PASSWORD_TEXT:
        return check_password_text(check, error);
    case CHECK_TREE_CLEAN:
        return check_by_script(check,
                               "s=$(git status --porcelain --untracked-files=no) || exit 1; [ -z "
                               "\"$s\" ] || { echo \"$s\"; exit 1; }",
                               error);
    case CHECK_COMMAND:
        return check_by_script(check, check->item->command, error);
    case CHECK_ATTEST:
        return check_say(check, PREFLIGHT_UNDECIDED, error, "no probe decides this: %s",
                         check->item->advice);
    }
    return error_set(error, ERROR_CONFIG, 0, check->item->id, "give the item a probe, or `attest`",
                     "a checklist item has no probe");
}

enum error_code preflight_run(struct target *target, struct evidence *evidence,
                              enum preflight_status *ret_statuses, struct error *error)
{
    const struct setup *setup = target_setup(target);
    struct checklist list = {.target = target, .evidence = evidence};
    enum error_code code = ERROR_OK;
    for (size_t i = 0; code == ERROR_OK && i < setup->check_count; i++) {
        struct check check = {.list = &list,
                              .target = target,
                              .item = &setup->checks[i],
                              .began_ns = clock_boottime_ns(target_clock(target)),
                              .status = PREFLIGHT_INVALID};
        code = run_probe(&check, error);
        check_forget(&check);
        ret_statuses[i] = check.status;
    }
    compose_view_close(list.view);
    running_close(list.running);
    return code;
}
