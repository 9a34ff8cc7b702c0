#include "actions/check.h"

#include "actions/compose.h"

enum error_code check_compose_renders(struct check *check, struct error *error)
{
    struct compose_model model;
    struct evidence scratch = {.count = 0};
    struct error found;
    enum error_code code = compose_render(check->target, &scratch, &model, &found);
    evidence_clear(&scratch);
    if (code == ERROR_UNREACHABLE || code == ERROR_MEMORY || code == ERROR_HOST_REFUSED) {
        *error = found;
        return code;
    }
    return check_answer(check, code == ERROR_OK ? PREFLIGHT_PASSED : PREFLIGHT_FAILED, error, "%s", code == ERROR_OK ? "every variable is set" : found.what);
}

enum error_code check_env_same(struct check *check, struct error *error)
{
    return check_answer(check, PREFLIGHT_UNDECIDED, error, "no probe decides this: %s", check->item->advice);
}

enum error_code check_docker_socket(struct check *check, struct error *error)
{
    return check_answer(check, PREFLIGHT_UNDECIDED, error, "no probe decides this: %s", check->item->advice);
}
