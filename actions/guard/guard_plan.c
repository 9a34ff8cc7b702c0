#include "actions/guard/guard_plan.h"

#include <stdlib.h>
#include <string.h>

#include "actions/compose/compose_project.h"
#include "actions/compose/kept.h"
#include "actions/git.h"
#include "actions/guard_sh.h"
#include "actions/interlock.h"

enum { ACT_SECONDS = 120, UP_SECONDS = 300 };

/* One act of the driver's becomes one line of the plan. */
struct writer {
    struct text *text;
    const char *name; /* of the act, where it is not its subject */
    int seconds;
};

/* `exec 2>&1` and the like belong to a shell of its own, which `act` starts. */
static enum error_code write_act(void *context, const struct target_command *command,
                                 const char *subject, struct error *error)
{
    const struct writer *writer = context;
    CLEANUP_TEXT struct text input = {0};
    text_add(writer->text, "act ");
    text_add_quoted(writer->text, writer->name != NULL ? writer->name : subject);
    text_add_format(writer->text, " %d ", writer->seconds);
    text_add_quoted_text(writer->text, command->built);
    if (command->input != NULL) {
        text_add_format(&input, "%.*s", (int)command->input_bytes, (const char *)command->input);
        text_add(writer->text, " ");
        text_add_quoted_text(writer->text, &input);
    }
    text_add(writer->text, "\n");
    return text_failed(writer->text, error) ? error->code : ERROR_OK;
}

static void assign(struct text *text, const char *name, const char *value)
{
    text_add(text, name);
    text_add(text, "=");
    text_add_quoted(text, value);
    text_add(text, "\n");
}

/* What stands in front of the first placeholder of the first pattern: `grep -F` looks for it. */
static void assign_loaded(struct text *text, const struct setup_services *services)
{
    char literal[128];
    const char *pattern = services->policy_loaded.count > 0 ? services->policy_loaded.items[0] : "";
    text_cut(literal, sizeof literal, pattern);
    literal[strcspn(literal, "%")] = '\0';
    assign(text, "loaded", literal);
}

static void write_plan_head(struct text *text, const struct target *target,
                            const struct guard_plan *plan)
{
    const struct setup *setup = target_setup(target);
    CLEANUP_TEXT struct text state = {0};
    target_add_state_path(&state, target, "");
    text_add(text, "# The way back of one deployment, laid down by titan-fsm.\n");
    text_add_format(text, "deployment=%lld\n", (long long)plan->deployment);
    assign(text, "journal", plan->journal);
    text_add(text, "state=");
    text_add_quoted_text(text, &state);
    text_add(text, "\nstate=${state%/}\n");
    assign(text, "directory", setup->target.directory);
    assign(text, "project", target_project(target));
    assign(text, "docker", setup->target.docker);
    assign(text, "execution", setup->services.execution);
    assign_loaded(text, &setup->services);
    text_add_format(text, "settle=%lld\n", (long long)(setup->services.settle_ms / 1000 + 1));
    assign(text, "before", plan->before);
    assign(text, "after", plan->after);
    if (setup->target.docker_host[0] != '\0') {
        assign(text, "DOCKER_HOST", setup->target.docker_host);
        text_add(text, "export DOCKER_HOST\n");
    }
    for (size_t i = 0; i < sizeof guard_sh / sizeof guard_sh[0]; i++)
        text_add(text, guard_sh[i]);
}

/* Removed, and where that does not succeed the configured command. */
static enum error_code write_make_safe(struct target *target, struct writer *writer,
                                       struct error *error)
{
    const struct setup_services *services = &target_setup(target)->services;
    struct evidence none = {.count = 0};
    int status;
    text_add(writer->text, "make_safe() {\n:\n");
    writer->name = "safe";
    enum error_code code = services->execution[0] == '\0'
                               ? ERROR_OK
                               : compose_remove_at_once(target, services->execution, "", &none,
                                                        &status, error);
    if (code == ERROR_OK && services->safe_command[0] != '\0') {
        text_add(writer->text, "[ \"$failed\" -eq 0 ] || {\n");
        code = interlock_run_safe_command(target, &none, &status, error);
        text_add(writer->text, "}\n");
    }
    text_add(writer->text, "}\n");
    writer->name = NULL;
    return code;
}

static size_t count_running(const struct guard_plan *plan, const char *service)
{
    return containers_running(plan->ran, service);
}

/* "ID ID ", in the order of `sort`: that of the rows of compose.containers. */
static void add_ids(struct text *text, const struct guard_plan *plan, const char *service)
{
    CLEANUP_TEXT struct text ids = {0};
    for (size_t i = 0; i < plan->ran->count; i++)
        if (strcmp(plan->ran->list[i].service, service) == 0
            && container_runs(&plan->ran->list[i])) {
            text_add(&ids, plan->ran->list[i].id);
            text_add(&ids, " ");
        }
    text_add_quoted_text(text, &ids);
}

/* A container that was left alone stays. Execution was removed, and is made again. */
static enum error_code write_up(struct target *target, const struct guard_plan *plan,
                                const char *service, const char *override, struct writer *writer,
                                struct error *error)
{
    const char *execution = target_setup(target)->services.execution;
    struct evidence none = {.count = 0};
    struct compose_up up = {.override = override,
                            .services = {service},
                            .service_count = 1,
                            .no_deps = true,
                            .no_build = true,
                            .force_recreate = true};
    int64_t ran = (int64_t)count_running(plan, service);
    int status;
    char name[80];
    up.scales[0] = declared_find(plan->declared, service)->replicas == ran ? 0 : ran;
    (void)snprintf(name, sizeof name, "up %s", service);
    writer->name = name;
    text_add(writer->text, "is_as_before ");
    text_add_quoted(writer->text, service);
    text_add(writer->text, " ");
    add_ids(writer->text, plan, service);
    text_add(writer->text, " || ");
    enum error_code code = compose_up(target, NULL, &up, &none, &status, error);
    if (strcmp(service, execution) == 0)
        text_add(writer->text, "await_execution\n");
    writer->name = NULL;
    return code;
}

static bool is_brought_back(const struct guard_plan *plan, const char *service)
{
    return containers_find(plan->restore, service) != NULL;
}

/* In the declared order, then the others. */
static enum error_code write_ups(struct target *target, const struct guard_plan *plan,
                                 const char *override, struct writer *writer, struct error *error)
{
    const struct setup_list *order = &target_setup(target)->compose.order;
    enum error_code code = ERROR_OK;
    for (size_t i = 0; code == ERROR_OK && i < order->count; i++)
        if (is_brought_back(plan, order->items[i]))
            code = write_up(target, plan, order->items[i], override, writer, error);
    for (size_t i = 0; code == ERROR_OK && i < plan->restore->count; i++) {
        const char *service = plan->restore->list[i].service;
        bool ordered = i > 0 && strcmp(plan->restore->list[i - 1].service, service) == 0;
        for (size_t k = 0; k < order->count && !ordered; k++)
            ordered = strcmp(order->items[k], service) == 0;
        if (!ordered)
            code = write_up(target, plan, service, override, writer, error);
    }
    return code;
}

/* What this deployment may have brought, and was not there before in any state. */
static enum error_code write_removals(struct target *target, const struct guard_plan *plan,
                                      struct error *error)
{
    struct evidence none = {.count = 0};
    enum error_code code = ERROR_OK;
    int status;
    for (size_t i = 0; code == ERROR_OK && i < plan->model->count; i++) {
        const char *service = plan->model->services[i].service;
        if (containers_find(plan->found, service) == NULL
            && !declared_find(&plan->model->declared, service)->off)
            code = compose_remove_at_once(target, service, "", &none, &status, error);
    }
    return code;
}

/* The names as they were, as far as the new file does not say of a service how it is pulled. */
static void name_before(const struct guard_plan *plan, struct compose_model *names)
{
    for (size_t i = 0; i < plan->images->count; i++) {
        const struct image *image = &plan->images->list[i];
        struct declared_service *declared = &names->services[names->count++];
        memcpy(declared->service, image->service, sizeof declared->service);
        memcpy(declared->image, image->name, sizeof declared->image);
        for (size_t k = 0; k < plan->model->count; k++)
            if (strcmp(plan->model->services[k].service, image->service) == 0)
                declared->pulls_always = plan->model->services[k].pulls_always;
    }
}

static enum error_code write_images(struct target *target, const struct guard_plan *plan,
                                    const struct compose_model *names, bool *ret_override,
                                    struct error *error)
{
    struct evidence none = {.count = 0};
    int status;
    const struct compose_pin pin = {.before = plan->restore,
                                    .addresses = plan->images,
                                    .model = names,
                                    .now = plan->images,
                                    .deployment = plan->deployment};
    *ret_override = false;
    for (size_t i = 0; i < plan->restore->count; i++)
        *ret_override = *ret_override || compose_pin_obstacle(&pin, i) != NULL;
    return compose_pin(target, NULL, &pin, &none, &status, error);
}

static enum error_code write_containers(struct target *target, const struct guard_plan *plan,
                                        struct writer *writer, struct error *error)
{
    CLEANUP_BYTES struct bytes path = {0};
    bool override = false;
    struct compose_model *names = calloc(1, sizeof *names); /* too large for the stack */
    if (names == NULL)
        return error_set(error, ERROR_MEMORY, 0, "plan", "", "out of memory");
    name_before(plan, names);
    enum error_code code = write_images(target, plan, names, &override, error);
    free(names);
    if (code == ERROR_OK)
        code = compose_override_path(target, plan->deployment, &path, error);
    writer->seconds = UP_SECONDS;
    if (code == ERROR_OK)
        code = write_ups(target, plan, override ? (const char *)path.data : NULL, writer, error);
    writer->seconds = ACT_SECONDS;
    return code == ERROR_OK ? write_removals(target, plan, error) : code;
}

/* Files first: with those of another commit no service would be as before. */
static enum error_code write_rollback(struct target *target, const struct guard_plan *plan,
                                      struct writer *writer, struct error *error)
{
    struct evidence none = {.count = 0};
    int status;
    text_add(writer->text, "rollback() {\nis_known || return 1\n");
    enum error_code code = git_restore(target, NULL, plan->before, plan->branch, &none, &status,
                                       error);
    text_add(writer->text, "[ \"$status\" -eq 0 ] || return 1\n");
    if (code == ERROR_OK)
        code = kept_restore(target, NULL, plan->env_good, &none, &status, error);
    if (code == ERROR_OK)
        code = write_containers(target, plan, writer, error);
    text_add(writer->text, "}\nmain \"$@\"\n");
    return code;
}

enum error_code guard_plan_write(struct target *target, const struct guard_plan *plan,
                                 struct text *ret_text, struct error *error)
{
    struct writer writer = {.text = ret_text, .seconds = ACT_SECONDS};
    const struct target_collector collector = {.take = write_act, .context = &writer};
    enum error_code code = compose_learn_project(target, error);
    if (code != ERROR_OK)
        return code;
    write_plan_head(ret_text, target, plan);
    target_collect(target, &collector);
    code = write_make_safe(target, &writer, error);
    if (code == ERROR_OK)
        code = write_rollback(target, plan, &writer, error);
    target_collect(target, NULL);
    return code == ERROR_OK && text_failed(ret_text, error) ? error->code : code;
}
