#include "fsm/config/config_load.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fsm/config/config_bus.h"
#include "fsm/config/config_sections.h"
#include "fsm/config/config_table.h"
#include "journal/format/crash.h"
#include "journal/format/sshsig.h"

enum { CONFIG_BYTES_MAX = 1 << 20 };

/* What keeps the endpoint from being asked; NULL = nothing, and its kind is known. */
static const char *settle_endpoint(struct setup_endpoint *endpoint)
{
    bool more = endpoint->ca_file[0] != '\0' || endpoint->socket[0] != '\0';
    if (endpoint->url[0] != '\0' && endpoint->exec[0] == '\0')
        endpoint->kind = HEALTH_HTTP;
    else if (endpoint->url[0] == '\0' && endpoint->service[0] != '\0')
        endpoint->kind = endpoint->exec[0] != '\0' ? HEALTH_EXEC : HEALTH_CONTAINER;
    else
        return "give `url`, or `service` (its container's own check), or `service` and `exec`";
    if (endpoint->kind != HEALTH_HTTP && more)
        return "`ca_file` and `socket` go with a `url`";
    if (endpoint->socket[0] != '\0' && endpoint->socket[0] != '/')
        return "give the whole path of the socket on the target";
    return NULL;
}

static enum error_code settle_endpoints(const struct field_file *file, struct setup *setup,
                                        struct error *error)
{
    for (size_t i = 0; i < setup->endpoint_count; i++) {
        const char *next = settle_endpoint(&setup->endpoints[i]);
        char at[96];
        if (next == NULL)
            continue;
        (void)snprintf(at, sizeof at, "endpoints/%s", setup->endpoints[i].name);
        return field_file_fail(file, at, next, "an endpoint does not say how it is asked",
                               setup->endpoints[i].name, error);
    }
    return ERROR_OK;
}

/* "ssh-ed25519 AAAA... comment" */
static enum error_code settle_operator(const struct field_file *file, struct draft *draft,
                                       struct error *error)
{
    struct config_operator *operator= & draft->config.operator;
    operator->agent = draft->agent_key[0] != '\0';
    if (operator->principal[0] == '\0' || operator->agent ==(operator->key[0] != '\0'))
        return field_file_fail(file,
                               operator->principal[0] == '\0' ? "operator/principal" :
                               operator->agent                ? "operator/agent"
                                                              : "operator/key",
                               "operator: {principal: NAME, key: FILE}, or {principal: NAME, "
                               "agent: \"ssh-ed25519 AAAA...\"}",
                               "`operator` needs a principal and one key", "", error);
    if (!operator->agent)
        return ERROR_OK;
    static const char type[] = "ssh-ed25519 ";
    const char *text = draft->agent_key + strlen(type);
    if (strncmp(draft->agent_key, type, strlen(type)) != 0
        || ssh_public_key_from_base64(text, strcspn(text, " "), operator->public_key, error)
               != ERROR_OK)
        return field_file_fail(file, "operator/agent",
                               "write the line of the .pub file of an Ed25519 key",
                               "operator.agent is not a public key", draft->agent_key, error);
    return ERROR_OK;
}

/* journal/FORMAT.md, "Bodies": one sample in ten, and never less than what fails it in a row. */
static int64_t default_failures_total(const struct limits *limits)
{
    int64_t tenth = limits->window_ms / limits->sample_interval_ms / 10;
    return tenth > limits->failures ? tenth : limits->failures;
}

/* From the repository's root: "./a" is "a". */
static enum error_code settle_policy_files(const struct field_file *file,
                                           struct setup_repository *repository, struct error *error)
{
    for (size_t i = 0; i < repository->policy_files.count; i++) {
        const char *path = repository->policy_files.items[i];
        while (strncmp(path, "./", 2) == 0)
            path += strspn(path + 1, "/") + 1;
        if (path[0] == '\0' || path[0] == '/' || strcmp(path, ".") == 0
            || strncmp(path, "../", 3) == 0 || strstr(path, "/../") != NULL)
            return field_file_fail(file, "repository/policy_files",
                                   "write it from the repository's root: config/policy.json",
                                   "this is no path in the repository",
                                   repository->policy_files.items[i], error);
        repository->policy_files.items[i] = path;
    }
    return ERROR_OK;
}

/* One file, or several; a dash would be an option, or standard input. */
static enum error_code settle_files(const struct field_file *file, struct setup_compose *compose,
                                    struct error *error)
{
    if (compose->files.count == 0)
        return ERROR_OK;
    if (field_file_has(file, "compose/file"))
        return field_file_fail(file, "compose/file", "keep one of them",
                               "`compose` has both file and files", "", error);
    for (size_t i = 0; i < compose->files.count; i++)
        if (compose->files.items[i][0] == '\0' || compose->files.items[i][0] == '-')
            return field_file_fail(file, "compose/files", "files: [compose.yml, compose.prod.yml]",
                                   "this is no file", compose->files.items[i], error);
    compose->file = compose->files.items[0];
    return ERROR_OK;
}

/* How the target, its bus and its two services are reached. */
static enum error_code settle_reach(const struct field_file *file, struct draft *draft,
                                    struct error *error)
{
    struct setup *setup = &draft->config.setup;
    setup->output_bytes_max = (size_t)draft->output_bytes_max;
    if (setup->target.name[0] == '\0' || setup->target.local == (setup->target.host[0] != '\0'))
        return field_file_fail(file,
                               setup->target.name[0] == '\0' ? "target/name"
                               : setup->target.local         ? "target/local"
                                                             : "target/host",
                               "target: {name: NAME, host: HOST}, or {name: NAME, local: true}",
                               "`target` needs a name and one of host and local", "", error);
    if (setup->target.directory[0] != '/')
        return field_file_fail(file, "target/directory", "write it from the root: /opt/titan",
                               "target.directory is not absolute", setup->target.directory, error);
    if ((setup->services.execution[0] != '\0') != (setup->services.brain[0] != '\0'))
        return field_file_fail(file,
                               setup->services.execution[0] != '\0' ? "services/execution"
                                                                    : "services/brain",
                               "name both, or none where there is no shared policy hash",
                               "services.execution and services.brain belong together", "", error);
    if (setup->services.execution[0] != '\0' && setup->bus.host[0] == '\0')
        return field_file_fail(file,
                               field_file_has(file, "bus") ? "bus/host" : "services/execution",
                               "bus: {host: 127.0.0.1}",
                               "a policy hash is asked for over the bus, and `bus` names no host",
                               "", error);
    enum error_code code = settle_files(file, &setup->compose, error);
    return code == ERROR_OK ? bus_settle(file, &setup->bus, error) : code;
}

static bool is_way_to_start(const char *word)
{
    static const char *const ways[] = {"auto", "systemd", "cron", "process", "none"};
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++)
        if (strcmp(ways[i], word) == 0)
            return true;
    return false;
}

static enum error_code settle_draft(const struct field_file *file, struct draft *draft,
                                    struct error *error)
{
    struct config *config = &draft->config;
    struct setup *setup = &config->setup;
    if (config->journal[0] == '\0')
        return field_file_fail(file, "journal", "journal: DIRECTORY", "the file names no journal",
                               "", error);
    enum error_code code = settle_reach(file, draft, error);
    if (code != ERROR_OK)
        return code;
    if (setup->endpoint_count == 0)
        return field_file_fail(file, "endpoints",
                               "endpoints: {execution: {url: http://127.0.0.1:3002/health}}",
                               "there is no endpoint to watch", "", error);
    if (config->limits.sample_gap_ms <= config->limits.sample_interval_ms)
        return field_file_fail(file,
                               field_file_has(file, "limits/sample_gap_ms")
                                   ? "limits/sample_gap_ms"
                                   : "limits/sample_interval_ms",
                               "make sample_gap_ms larger",
                               "limits.sample_gap_ms must be longer than sample_interval_ms", "",
                               error);
    if (!is_way_to_start(setup->guard_start))
        return field_file_fail(file, "guard/start", "guard: {start: auto}",
                               "guard.start is one of auto, systemd, cron, process, none", "",
                               error);
    if (config->limits.failures_total == 0)
        config->limits.failures_total = default_failures_total(&config->limits);
    if (setup->compose.order.count == 0 && setup->services.execution[0] != '\0')
        setup->compose.order = (struct setup_list){{setup->services.execution,
                                                    setup->services.brain},
                                                   2};
    code = settle_operator(file, draft, error);
    if (code == ERROR_OK)
        code = settle_endpoints(file, setup, error);
    if (code == ERROR_OK)
        code = settle_policy_files(file, &setup->repository, error);
    return code == ERROR_OK ? checklist_settle(file, &draft->checklist, setup, error) : code;
}

/* One reading of the file, by a library that crashes where memory is short. */
struct reading {
    struct field_source source;
    struct draft *draft;
    bool reach_only;
    struct error *error;
    enum error_code code;
};

static void read_and_settle(void *context)
{
    struct reading *reading = context;
    struct draft *draft = reading->draft;
    struct error *error = reading->error;
    struct field_file *file = NULL;
    enum error_code code = field_file_read(&reading->source, draft_fields, draft,
                                           &draft->config.strings, &file, error);
    if (code == ERROR_OK)
        code = reading->reach_only ? settle_reach(file, draft, error)
                                   : settle_draft(file, draft, error);
    field_file_close(file);
    reading->code = errno == ENOMEM ? ERROR_MEMORY : code;
}

/* A draft that is settled, or freed with all that it kept. */
static enum error_code load_draft(const struct world *world, const char *path, bool reach_only,
                                  struct draft **ret_draft, struct error *error)
{
    static const char *const reach[] = {"target",           "compose", "bus",
                                        "services",         "secrets", "command_ms",
                                        "output_bytes_max", NULL};
    CLEANUP_BYTES struct bytes text = {0};
    enum error_code code = world->disk->read(world->disk->context, path, CONFIG_BYTES_MAX, &text,
                                             error);
    if (code != ERROR_OK)
        return error_set(error, ERROR_CONFIG, error->library_code, path,
                         "name the configuration with --config FILE; one to begin from is "
                         "fsm/config/titan.example.yml, installed below share/doc/titan-fsm",
                         "the configuration cannot be read");
    struct draft *draft = calloc(1, sizeof *draft);
    if (draft == NULL)
        return error_set(error, ERROR_MEMORY, 0, path, "", "out of memory");
    draft_set_defaults(draft);
    bytes_sha256_hex(text.data, text.size, draft->config.sha256);
    if (reach_only)
        sections_keep(&text, reach);
    const char *home = world->host->environment(world->host->context, "HOME");
    struct reading reading = {.source = {.path = path, .home = home, .text = &text},
                              .draft = draft,
                              .reach_only = reach_only,
                              .error = error,
                              .code = ERROR_MEMORY};
    bool whole = crash_contain(read_and_settle, &reading);
    code = reading.code;
    if (!whole || code == ERROR_MEMORY)
        code = error_set(error, ERROR_MEMORY, 0, path, "", "out of memory");
    if (code == ERROR_OK) {
        *ret_draft = draft;
        return ERROR_OK;
    }
    config_free(&draft->config);
    free(draft);
    return code;
}

static enum error_code load_config(const struct world *world, const char *path, bool reach_only,
                                   struct config *ret_config, struct error *error)
{
    struct draft *draft = NULL;
    enum error_code code = load_draft(world, path, reach_only, &draft, error);
    if (code != ERROR_OK)
        return code;
    *ret_config = draft->config;
    free(draft);
    return ERROR_OK;
}

enum error_code config_load(const struct world *world, const char *path, struct config *ret_config,
                            struct error *error)
{
    return load_config(world, path, false, ret_config, error);
}

enum error_code config_load_reach(const struct world *world, const char *path,
                                  struct config *ret_config, struct error *error)
{
    return load_config(world, path, true, ret_config, error);
}

enum error_code config_show(const struct world *world, const char *path, json_t **ret_json,
                            struct error *error)
{
    struct draft *draft = NULL;
    enum error_code code = load_draft(world, path, false, &draft, error);
    if (code != ERROR_OK)
        return code;
    json_t *json = field_show(draft_fields, draft);
    config_free(&draft->config);
    free(draft);
    if (json == NULL)
        return error_set(error, ERROR_MEMORY, 0, path, "", "out of memory");
    *ret_json = json;
    return ERROR_OK;
}
