#include "fsm/config/config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fsm/config/config_checklist.h"
#include "fsm/config/config_field.h"
#include "journal/format/sshsig.h"

enum { CONFIG_BYTES_MAX = 1 << 20 };
static const int64_t HOUR_MS = 3600000;

/* The whole of titan.yml, one row a key: key, kind, place, bounds. */

static const struct field target_fields[] = {
    {"name", FIELD_NAME, offsetof(struct setup_target, name)},
    {"local", FIELD_FLAG, offsetof(struct setup_target, local)},
    {"host", FIELD_TEXT, offsetof(struct setup_target, host)},
    {"port", FIELD_COUNT, offsetof(struct setup_target, port), 1, 65535},
    {"user", FIELD_NAME, offsetof(struct setup_target, user)},
    {"identity", FIELD_PATH, offsetof(struct setup_target, identity)},
    {"known_hosts", FIELD_PATH, offsetof(struct setup_target, known_hosts)},
    {"ssh_config", FIELD_PATH, offsetof(struct setup_target, ssh_config)},
    {"directory", FIELD_PLACE, offsetof(struct setup_target, directory)},
    {"state", FIELD_PLACE, offsetof(struct setup_target, state)},
    {"docker", FIELD_WORDS, offsetof(struct setup_target, docker)},
    {"docker_host", FIELD_WORDS, offsetof(struct setup_target, docker_host)},
    {NULL},
};

static const struct field compose_fields[] = {
    {"command", FIELD_WORDS, offsetof(struct setup_compose, command)},
    {"file", FIELD_PLACE, offsetof(struct setup_compose, file)},
    {"env_file", FIELD_PLACE, offsetof(struct setup_compose, env_file)},
    {"project", FIELD_NAME, offsetof(struct setup_compose, project)},
    {"order", FIELD_NAMES, offsetof(struct setup_compose, order)},
    {NULL},
};

static const struct field repository_fields[] = {
    {"remote", FIELD_NAME, offsetof(struct setup_repository, remote)},
    {"branch", FIELD_PLACE, offsetof(struct setup_repository, branch)},
    {"policy_files", FIELD_LIST, offsetof(struct setup_repository, policy_files)},
    {NULL},
};

static const struct field subject_fields[] = {
    {"disarm", FIELD_NAME, offsetof(struct setup_bus, subject_disarm)},
    {"arm", FIELD_NAME, offsetof(struct setup_bus, subject_arm)},
    {"policy_hash", FIELD_NAME, offsetof(struct setup_bus, subject_policy_hash)},
    {NULL},
};

static const struct field bus_fields[] = {
    {"host", FIELD_TEXT, offsetof(struct setup_bus, host)},
    {"port", FIELD_COUNT, offsetof(struct setup_bus, port), 1, 65535},
    {"user", FIELD_TEXT, offsetof(struct setup_bus, user)},
    {"password_file", FIELD_PATH, offsetof(struct setup_bus, password_file)},
    {"password_key", FIELD_NAME, offsetof(struct setup_bus, password_key)},
    {"subjects", FIELD_SECTION, 0, .fields = subject_fields},
    {"reply_ms", FIELD_NUMBER, offsetof(struct setup_bus, reply_ms), 10, 10000},
    {NULL},
};

static const struct field pattern_fields[] = {
    {"policy_loaded", FIELD_PATTERNS, offsetof(struct setup_services, policy_loaded)},
    {"handshake_ok", FIELD_PATTERNS, offsetof(struct setup_services, handshake_ok)},
    {"handshake_failed", FIELD_PATTERNS, offsetof(struct setup_services, handshake_failed)},
    {"disarm_received", FIELD_PATTERNS, offsetof(struct setup_services, disarm_received)},
    {"disarmed", FIELD_PATTERNS, offsetof(struct setup_services, disarmed)},
    {"armed", FIELD_PATTERNS, offsetof(struct setup_services, armed)},
    {"errors", FIELD_PATTERNS, offsetof(struct setup_services, errors)},
    {NULL},
};

static const struct field service_fields[] = {
    {"execution", FIELD_NAME, offsetof(struct setup_services, execution)},
    {"brain", FIELD_NAME, offsetof(struct setup_services, brain)},
    {"marker", FIELD_PLACE, offsetof(struct setup_services, marker)},
    {"patterns", FIELD_SECTION, 0, .fields = pattern_fields},
    {"settle_ms", FIELD_NUMBER, offsetof(struct setup_services, settle_ms), 100, 55000},
    {NULL},
};

static const struct field endpoint_fields[] = {
    {"url", FIELD_TEXT, offsetof(struct setup_endpoint, url)},
    {"service", FIELD_NAME, offsetof(struct setup_endpoint, service)},
    {"exec", FIELD_WORDS, offsetof(struct setup_endpoint, exec)},
    {NULL},
};

static const struct field verify_fields[] = {
    {"script", FIELD_PLACE, offsetof(struct setup_verify, script)},
    {"log_lines", FIELD_NUMBER, offsetof(struct setup_verify, log_lines), 1, 10000},
    {NULL},
};

static const struct field secret_fields[] = {
    {"patterns", FIELD_LIST, offsetof(struct setup_secrets, patterns)},
    {"value_bytes", FIELD_NUMBER, offsetof(struct setup_secrets, value_bytes), 4, 4096},
    {NULL},
};

static const struct field limit_fields[] = {
    {"window_ms", FIELD_NUMBER, offsetof(struct limits, window_ms), 1000, 24 * 3600000},
    {"sample_interval_ms", FIELD_NUMBER, offsetof(struct limits, sample_interval_ms), 100, 3600000},
    {"sample_gap_ms", FIELD_NUMBER, offsetof(struct limits, sample_gap_ms), 200, 3600000},
    {"window_start_ms", FIELD_NUMBER, offsetof(struct limits, window_start_ms), 1000, 3600000},
    {"window_start_armed_ms", FIELD_NUMBER, offsetof(struct limits, window_start_armed_ms), 1000,
     3600000},
    {"failures", FIELD_NUMBER, offsetof(struct limits, failures), 1, 100},
    {"rollback_start_ms", FIELD_NUMBER, offsetof(struct limits, rollback_start_ms), 1000, 3600000},
    {"rollback_ms", FIELD_NUMBER, offsetof(struct limits, rollback_ms), 1000, 24 * 3600000},
    {"disarm_fresh_ms", FIELD_NUMBER, offsetof(struct limits, disarm_fresh_ms), 1000, 3600000},
    {"answer_ms", FIELD_NUMBER, offsetof(struct limits, answer_ms), 1000, 3600000},
    {"tenancy_ms", FIELD_NUMBER, offsetof(struct limits, tenancy_ms), 1000, 24 * 3600000},
    {NULL},
};

static const struct field roster_fields[] = {
    {"operators", FIELD_LIST, offsetof(struct config_roster, operators)},
    {"approvers", FIELD_LIST, offsetof(struct config_roster, approvers)},
    {"administrators", FIELD_LIST, offsetof(struct config_roster, administrators)},
    {NULL},
};

static const struct field approval_fields[] = {
    {"policy", FIELD_COUNT, offsetof(struct config_approvals, policy), 0, 16},
    {"release", FIELD_COUNT, offsetof(struct config_approvals, release), 0, 16},
    {NULL},
};

/* What is read first and then put in its place: kinds that are words in the file. */
struct draft {
    struct config config;
    const char *agent_key;
    int64_t output_bytes_max;
    struct checklist_draft checklist;
};

static const struct field operator_fields[] = {
    {"principal", FIELD_TEXT, offsetof(struct draft, config.operator.principal)},
    {"key", FIELD_PATH, offsetof(struct draft, config.operator.key)},
    {"agent", FIELD_TEXT, offsetof(struct draft, agent_key)},
    {NULL},
};

static void *add_endpoint(void *base, const char *name)
{
    struct setup *setup = base;
    if (setup->endpoint_count == SETUP_NAMES_MAX)
        return NULL;
    struct setup_endpoint *endpoint = &setup->endpoints[setup->endpoint_count++];
    *endpoint = (struct setup_endpoint){.name = name, .url = "", .service = "", .exec = ""};
    return endpoint;
}

static const void *endpoint_at(const void *base, size_t index, const char **ret_name,
                               const char **ret_keys)
{
    const struct setup *setup = base;
    if (index >= setup->endpoint_count)
        return NULL;
    const struct setup_endpoint *endpoint = &setup->endpoints[index];
    *ret_name = endpoint->name;
    *ret_keys = endpoint->kind == HEALTH_HTTP   ? "url"
                : endpoint->kind == HEALTH_EXEC ? "service exec"
                                                : "service";
    return endpoint;
}

#define AT_SETUP(part) offsetof(struct draft, config.setup.part)
static const struct field file_fields[] = {
    {"version", FIELD_VERSION, 0},
    {"journal", FIELD_PATH, offsetof(struct draft, config.journal)},
    {"target", FIELD_SECTION, AT_SETUP(target), .fields = target_fields},
    {"operator", FIELD_SECTION, 0, .fields = operator_fields},
    {"roster", FIELD_SECTION, offsetof(struct draft, config.roster), .fields = roster_fields},
    {"approvals", FIELD_SECTION, offsetof(struct draft, config.approvals),
     .fields = approval_fields},
    {"compose", FIELD_SECTION, AT_SETUP(compose), .fields = compose_fields},
    {"repository", FIELD_SECTION, AT_SETUP(repository), .fields = repository_fields},
    {"bus", FIELD_SECTION, AT_SETUP(bus), .fields = bus_fields},
    {"services", FIELD_SECTION, AT_SETUP(services), .fields = service_fields},
    {"endpoints", FIELD_EACH, offsetof(struct draft, config.setup), .fields = endpoint_fields,
     .each = add_endpoint, .at = endpoint_at},
    {"checklist", FIELD_NAME, offsetof(struct draft, checklist.begins_with)},
    {"preflight", FIELD_EACH, offsetof(struct draft, checklist), .fields = checklist_fields,
     .each = checklist_add, .at = checklist_at},
    {"verify", FIELD_SECTION, AT_SETUP(verify), .fields = verify_fields},
    {"secrets", FIELD_SECTION, AT_SETUP(secrets), .fields = secret_fields},
    {"limits", FIELD_SECTION, offsetof(struct draft, config.limits), .fields = limit_fields},
    {"command_ms", FIELD_NUMBER, AT_SETUP(command_ms), 1000, 600000},
    {"output_bytes_max", FIELD_NUMBER, offsetof(struct draft, output_bytes_max), 4096, 1 << 20},
    {NULL},
};

/* The standard's own values (section numbers of the deployment standard; figures of its window and
 * limits). */
static void set_defaults(struct draft *draft)
{
    struct config *config = &draft->config;
    config->journal = "";
    config->operator=(struct config_operator){.principal = "", .key = ""};
    config->approvals = (struct config_approvals){.policy = 1, .release = 0};
    draft->agent_key = "";
    draft->output_bytes_max = 1 << 20;
    draft->checklist.begins_with = "standard";
    config->limits = (struct limits){.window_ms = 300000,
                                     .sample_interval_ms = 5000,
                                     .sample_gap_ms = 10000,
                                     .window_start_ms = 120000,
                                     .window_start_armed_ms = 10000,
                                     .failures = 3,
                                     .rollback_start_ms = 10000,
                                     .rollback_ms = 300000,
                                     .disarm_fresh_ms = 10000,
                                     .answer_ms = 60000,
                                     .tenancy_ms = HOUR_MS};
    config->setup = (struct setup){
        .target = {.name = "",
                   .host = "",
                   .port = 22,
                   .user = "deploy",
                   .identity = "",
                   .known_hosts = "",
                   .ssh_config = "",
                   .directory = "/opt/titan",
                   .state = "state",
                   .docker = "docker",
                   .docker_host = ""},
        .compose = {.command = "auto",
                    .file = "docker-compose.prod.yml",
                    .env_file = ".env.prod",
                    .project = ""},
        .repository = {.remote = "origin", .branch = "main"},
        .bus = {.host = "",
                .port = 4222,
                .user = "",
                .password_file = "",
                .password_key = "",
                .subject_disarm = "titan.cmd.operator.disarm.v1",
                .subject_arm = "titan.cmd.operator.arm.v1",
                .subject_policy_hash = "titan.req.exec.policy_hash.v1",
                .reply_ms = 250},
        .services =
            {.execution = "",
             .brain = "",
             .marker = "",
             .policy_loaded = {{"Risk Policy Loaded. Hash: %H", "Loaded RiskPolicy (hash: %H"}, 2},
             .handshake_ok = {{"Policy hash handshake OK. Enabling signal processing. Hash: %H",
                               "Policy hash handshake OK"},
                              2},
             .handshake_failed = {{"CRITICAL: Policy hash handshake FAILED",
                                   "Policy hash handshake FAILED"},
                                  2},
             .disarm_received = {{"Received DISARM command: %N"}, 1},
             .disarmed = {{"EXECUTION DISARMED: ", "Execution initialized DISARMED"}, 2},
             .armed = {{"EXECUTION ARMED: ", "Execution initialized in ARMED state"}, 2},
             .settle_ms = 20000},
        .verify = {.script = "", .log_lines = 100},
        .secrets = {.patterns = {{"PASSWORD", "PASSWD", "SECRET", "KEY", "TOKEN", "CREDENTIAL",
                                  "PRIVATE", "DSN"},
                                 8},
                    .value_bytes = 12},
        .command_ms = 30000,
    };
}

static enum error_code settle_endpoints(const struct field_file *file, struct setup *setup,
                                        struct error *error)
{
    for (size_t i = 0; i < setup->endpoint_count; i++) {
        struct setup_endpoint *endpoint = &setup->endpoints[i];
        if (endpoint->url[0] != '\0' && endpoint->service[0] == '\0' && endpoint->exec[0] == '\0')
            endpoint->kind = HEALTH_HTTP;
        else if (endpoint->url[0] == '\0' && endpoint->service[0] != '\0')
            endpoint->kind = endpoint->exec[0] != '\0' ? HEALTH_EXEC : HEALTH_CONTAINER;
        else {
            char at[96];
            (void)snprintf(at, sizeof at, "endpoints/%s", endpoint->name);
            return field_file_fail(
                file, at,
                "give `url`, or `service` (its container's own check), or `service` and `exec`",
                "an endpoint does not say how it is asked", endpoint->name, error);
        }
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
                               "operator.agent is no public key", draft->agent_key, error);
    return ERROR_OK;
}

static enum error_code settle(const struct field_file *file, struct draft *draft,
                              struct error *error)
{
    struct config *config = &draft->config;
    struct setup *setup = &config->setup;
    setup->output_bytes_max = (size_t)draft->output_bytes_max;
    if (config->journal[0] == '\0')
        return field_file_fail(file, "journal", "journal: DIRECTORY", "the file names no journal",
                               "", error);
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
    if (setup->endpoint_count == 0)
        return field_file_fail(file, "endpoints",
                               "endpoints: {execution: {url: http://127.0.0.1:3002/health}}",
                               "there is no endpoint whose health could be watched", "", error);
    if (config->limits.sample_gap_ms <= config->limits.sample_interval_ms)
        return field_file_fail(file,
                               field_file_has(file, "limits/sample_gap_ms")
                                   ? "limits/sample_gap_ms"
                                   : "limits/sample_interval_ms",
                               "make sample_gap_ms larger",
                               "limits.sample_gap_ms must be longer than sample_interval_ms", "",
                               error);
    if (setup->compose.order.count == 0 && setup->services.execution[0] != '\0')
        setup->compose.order = (struct setup_list){{setup->services.execution,
                                                    setup->services.brain},
                                                   2};
    enum error_code code = settle_operator(file, draft, error);
    if (code == ERROR_OK)
        code = settle_endpoints(file, setup, error);
    return code == ERROR_OK ? checklist_settle(file, &draft->checklist, setup, error) : code;
}

/* A draft that is settled, or freed with all that it kept. */
static enum error_code load(const char *path, struct draft **ret_draft, struct error *error)
{
    CLEANUP_BYTES struct bytes text = {0};
    enum error_code code = bytes_read_file(path, CONFIG_BYTES_MAX, &text, error);
    if (code != ERROR_OK)
        return error_set(error, ERROR_CONFIG, error->library_code, path,
                         "name the configuration with --config FILE; one to begin from is "
                         "fsm/config/titan.example.yml, installed below share/doc/titan-fsm",
                         "the configuration cannot be read");
    struct draft *draft = calloc(1, sizeof *draft);
    if (draft == NULL)
        return error_set(error, ERROR_MEMORY, 0, path, "", "out of memory");
    set_defaults(draft);
    bytes_sha256_hex(text.data, text.size, draft->config.sha256);
    struct field_file *file = NULL;
    code = field_file_read(path, &text, file_fields, draft, &draft->config, &file, error);
    if (code == ERROR_OK)
        code = settle(file, draft, error);
    field_file_close(file);
    if (code == ERROR_OK) {
        *ret_draft = draft;
        return ERROR_OK;
    }
    config_free(&draft->config);
    free(draft);
    return code;
}

enum error_code config_load(const char *path, struct config *ret_config, struct error *error)
{
    struct draft *draft = NULL;
    enum error_code code = load(path, &draft, error);
    if (code != ERROR_OK)
        return code;
    *ret_config = draft->config;
    free(draft);
    return ERROR_OK;
}

enum error_code config_show(const char *path, json_t **ret_json, struct error *error)
{
    struct draft *draft = NULL;
    enum error_code code = load(path, &draft, error);
    if (code != ERROR_OK)
        return code;
    json_t *json = field_show(file_fields, draft);
    config_free(&draft->config);
    free(draft);
    if (json == NULL)
        return error_set(error, ERROR_MEMORY, 0, path, "", "out of memory");
    *ret_json = json;
    return ERROR_OK;
}

void config_free(struct config *config)
{
    for (size_t i = 0; i < config->string_count; i++)
        free(config->strings[i]);
    free(config->strings);
    *config = (struct config){0};
}

bool config_has_check(const struct config *config, const char *item)
{
    for (size_t i = 0; i < config->setup.check_count; i++)
        if (strcmp(config->setup.checks[i].id, item) == 0)
            return true;
    return false;
}
