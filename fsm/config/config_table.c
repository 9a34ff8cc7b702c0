#include "fsm/config/config_table.h"

static const int64_t HOUR_MS = 3600000;

/* The whole of titan.yml, one row a key: key, kind, place, bounds. */

FIELDS(target_fields, struct setup_target) = {
    FIELD("name", NAME, struct setup_target, name),
    FIELD("local", FLAG, struct setup_target, local),
    FIELD("host", TEXT, struct setup_target, host),
    FIELD_BOUND("port", COUNT, struct setup_target, port, 1, 65535),
    FIELD("user", NAME, struct setup_target, user),
    FIELD("identity", PATH, struct setup_target, identity),
    FIELD("known_hosts", PATH, struct setup_target, known_hosts),
    FIELD("ssh_config", PATH, struct setup_target, ssh_config),
    FIELD("directory", PLACE, struct setup_target, directory),
    FIELD("state", PLACE, struct setup_target, state),
    FIELD("docker", WORDS, struct setup_target, docker),
    FIELD("docker_host", WORDS, struct setup_target, docker_host),
    FIELD_END,
};

FIELDS(compose_fields, struct setup_compose) = {
    FIELD("command", WORDS, struct setup_compose, command),
    FIELD("file", PLACE, struct setup_compose, file),
    FIELD("files", LIST, struct setup_compose, files),
    FIELD("env_file", PLACE, struct setup_compose, env_file),
    FIELD("project", NAME, struct setup_compose, project),
    FIELD("order", SERVICES, struct setup_compose, order),
    FIELD_END,
};

FIELDS(repository_fields, struct setup_repository) = {
    FIELD("remote", NAME, struct setup_repository, remote),
    FIELD("branch", PLACE, struct setup_repository, branch),
    FIELD("policy_files", LIST, struct setup_repository, policy_files),
    FIELD_END,
};

FIELDS(subject_fields, struct setup_bus) = {
    FIELD("disarm", NAME, struct setup_bus, subject_disarm),
    FIELD("arm", NAME, struct setup_bus, subject_arm),
    FIELD("policy_hash", NAME, struct setup_bus, subject_policy_hash),
    FIELD_END,
};

FIELDS(bus_fields, struct setup_bus) = {
    FIELD("host", TEXT, struct setup_bus, host),
    FIELD_BOUND("port", COUNT, struct setup_bus, port, 1, 65535),
    FIELD("servers", LIST, struct setup_bus, servers),
    FIELD("user", TEXT, struct setup_bus, user),
    FIELD("password_file", PATH, struct setup_bus, password.file),
    FIELD("password_key", NAME, struct setup_bus, password.key),
    FIELD("token_file", PATH, struct setup_bus, token.file),
    FIELD("token_key", NAME, struct setup_bus, token.key),
    FIELD("nkey_file", PATH, struct setup_bus, nkey.file),
    FIELD("nkey_key", NAME, struct setup_bus, nkey.key),
    FIELD("creds_file", PATH, struct setup_bus, creds.file),
    FIELD("creds_key", NAME, struct setup_bus, creds.key),
    FIELD("tls", FLAG, struct setup_bus, tls),
    FIELD("ca_file", PATH, struct setup_bus, ca_file),
    FIELD("cert_file", PATH, struct setup_bus, certificate_file),
    FIELD("key_file", PATH, struct setup_bus, key_file),
    FIELD_SAME("subjects", struct setup_bus, subject_fields),
    FIELD_BOUND("reply_ms", NUMBER, struct setup_bus, reply_ms, 10, 10000),
    FIELD_END,
};

FIELDS(pattern_fields, struct setup_services) = {
    FIELD("policy_loaded", PATTERNS, struct setup_services, policy_loaded),
    FIELD("handshake_ok", PATTERNS, struct setup_services, handshake_ok),
    FIELD("handshake_failed", PATTERNS, struct setup_services, handshake_failed),
    FIELD("handshake_lost", PATTERNS, struct setup_services, handshake_lost),
    FIELD("handshake_none", PATTERNS, struct setup_services, handshake_none),
    FIELD("disarm_received", PATTERNS, struct setup_services, disarm_received),
    FIELD("arm_received", PATTERNS, struct setup_services, arm_received),
    FIELD("disarmed", PATTERNS, struct setup_services, disarmed),
    FIELD("armed", PATTERNS, struct setup_services, armed),
    FIELD("errors", PATTERNS, struct setup_services, errors),
    FIELD_END,
};

FIELDS(service_fields, struct setup_services) = {
    FIELD("execution", SERVICE, struct setup_services, execution),
    FIELD("brain", SERVICE, struct setup_services, brain),
    FIELD("marker", PLACE, struct setup_services, marker),
    FIELD("safe_command", WORDS, struct setup_services, safe_command),
    FIELD("restarts_allowed", SERVICES, struct setup_services, restarts_allowed),
    FIELD_SAME("patterns", struct setup_services, pattern_fields),
    FIELD_BOUND("settle_ms", NUMBER, struct setup_services, settle_ms, 100, 55000),
    FIELD_END,
};

FIELDS(endpoint_fields, struct setup_endpoint) = {
    FIELD("url", TEXT, struct setup_endpoint, url),
    FIELD("ca_file", PATH, struct setup_endpoint, ca_file),
    FIELD("socket", TEXT, struct setup_endpoint, socket),
    FIELD("service", SERVICE, struct setup_endpoint, service),
    FIELD("exec", WORDS, struct setup_endpoint, exec),
    FIELD("healthy", LIST, struct setup_endpoint, healthy),
    FIELD("degraded", LIST, struct setup_endpoint, degraded),
    FIELD_END,
};

FIELDS(verify_fields, struct setup_verify) = {
    FIELD("script", PLACE, struct setup_verify, script),
    FIELD_BOUND("log_lines", NUMBER, struct setup_verify, log_lines, 1, 10000),
    FIELD_END,
};

FIELDS(secret_fields, struct setup_secrets) = {
    FIELD("patterns", LIST, struct setup_secrets, patterns),
    FIELD_BOUND("value_bytes", NUMBER, struct setup_secrets, value_bytes, 4, 4096),
    FIELD_END,
};

FIELDS(limit_fields, struct limits) = {
    FIELD_BOUND("window_ms", NUMBER, struct limits, window_ms, 1000, 24 * 3600000),
    FIELD_BOUND("sample_interval_ms", NUMBER, struct limits, sample_interval_ms, 100, 3600000),
    FIELD_BOUND("sample_gap_ms", NUMBER, struct limits, sample_gap_ms, 200, 3600000),
    FIELD_BOUND("window_start_ms", NUMBER, struct limits, window_start_ms, 1000, 3600000),
    FIELD_BOUND("window_start_armed_ms", NUMBER, struct limits, window_start_armed_ms, 1000,
                3600000),
    FIELD_BOUND("failures", NUMBER, struct limits, failures, 1, 100),
    FIELD_BOUND("failures_total", NUMBER, struct limits, failures_total, 1, 100000),
    FIELD_BOUND("rollback_start_ms", NUMBER, struct limits, rollback_start_ms, 1000, 3600000),
    FIELD_BOUND("rollback_ms", NUMBER, struct limits, rollback_ms, 1000, 24 * 3600000),
    FIELD_BOUND("disarm_fresh_ms", NUMBER, struct limits, disarm_fresh_ms, 1000, 3600000),
    FIELD_BOUND("answer_ms", NUMBER, struct limits, answer_ms, 1000, 3600000),
    FIELD_BOUND("service_start_ms", NUMBER, struct limits, service_start_ms, 0, 900000),
    FIELD_BOUND("preflight_ms", NUMBER, struct limits, preflight_ms, 1000, 24 * 3600000),
    FIELD_BOUND("tenancy_ms", NUMBER, struct limits, tenancy_ms, 1000, 24 * 3600000),
    FIELD_END,
};

FIELDS(guard_fields, struct draft) = {
    FIELD("start", NAME, struct draft, config.setup.guard_start),
    FIELD_BOUND("pause_ms", NUMBER, struct draft, config.limits.guard_pause_ms, 1000, 24 * 3600000),
    FIELD_BOUND("step_ms", NUMBER, struct draft, config.limits.guard_step_ms, 5000, 300000),
    FIELD_BOUND("margin_ms", NUMBER, struct draft, config.limits.guard_margin_ms, 2000, 15000),
    FIELD_END,
};

FIELDS(roster_fields, struct config_roster) = {
    FIELD("operators", LIST, struct config_roster, operators),
    FIELD("approvers", LIST, struct config_roster, approvers),
    FIELD("administrators", LIST, struct config_roster, administrators),
    FIELD_END,
};

FIELDS(approval_fields, struct config_approvals) = {
    FIELD_BOUND("policy", COUNT, struct config_approvals, policy, 0, 16),
    FIELD_BOUND("release", COUNT, struct config_approvals, release, 0, 16),
    FIELD_END,
};

FIELDS(operator_fields, struct draft) = {
    FIELD("principal", TEXT, struct draft, config.operator.principal),
    FIELD("key", PATH, struct draft, config.operator.key),
    FIELD("agent", TEXT, struct draft, agent_key),
    FIELD_END,
};

static void *add_endpoint(void *base, const char *name)
{
    struct setup *setup = base;
    if (setup->endpoint_count == SETUP_NAMES_MAX)
        return NULL;
    struct setup_endpoint *endpoint = &setup->endpoints[setup->endpoint_count++];
    *endpoint = (struct setup_endpoint){
        .name = name, .url = "", .ca_file = "", .socket = "", .service = "", .exec = ""};
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
    *ret_keys = endpoint->kind == HEALTH_HTTP   ? "url ca_file socket healthy degraded"
                : endpoint->kind == HEALTH_EXEC ? "service exec"
                                                : "service";
    return endpoint;
}

const struct field draft_fields[] = {
    {.key = "version", .kind = FIELD_VERSION},
    FIELD("journal", PATH, struct draft, config.journal),
    FIELD_PART("target", struct draft, config.setup.target, target_fields),
    FIELD_SAME("operator", struct draft, operator_fields),
    FIELD_PART("roster", struct draft, config.roster, roster_fields),
    FIELD_PART("approvals", struct draft, config.approvals, approval_fields),
    FIELD_PART("compose", struct draft, config.setup.compose, compose_fields),
    FIELD_PART("repository", struct draft, config.setup.repository, repository_fields),
    FIELD_PART("bus", struct draft, config.setup.bus, bus_fields),
    FIELD_PART("services", struct draft, config.setup.services, service_fields),
    FIELD_MANY("endpoints", struct draft, config.setup, struct setup, endpoint_fields, add_endpoint,
               endpoint_at),
    FIELD("checklist", NAME, struct draft, checklist.begins_with),
    FIELD_MANY("preflight", struct draft, checklist, struct checklist_draft, checklist_fields,
               checklist_add, checklist_at),
    FIELD_SAME("guard", struct draft, guard_fields),
    FIELD_PART("verify", struct draft, config.setup.verify, verify_fields),
    FIELD_PART("secrets", struct draft, config.setup.secrets, secret_fields),
    FIELD_PART("limits", struct draft, config.limits, limit_fields),
    FIELD_BOUND("command_ms", NUMBER, struct draft, config.setup.command_ms, 1000, 600000),
    FIELD_BOUND("output_bytes_max", NUMBER, struct draft, output_bytes_max, 4096, 1 << 20),
    FIELD_END,
};

/* Each part by itself: the whole setup as one literal would be a frame of its size. */
static void set_default_setup(struct setup *setup)
{
    setup->target = (struct setup_target){.name = "",
                                          .host = "",
                                          .port = 22,
                                          .user = "deploy",
                                          .identity = "",
                                          .known_hosts = "",
                                          .ssh_config = "",
                                          .directory = "/opt/titan",
                                          .state = "state",
                                          .docker = "docker",
                                          .docker_host = ""};
    setup->compose = (struct setup_compose){.command = "auto",
                                            .file = "docker-compose.prod.yml",
                                            .env_file = ".env.prod",
                                            .project = ""};
    setup->repository = (struct setup_repository){.remote = "origin", .branch = "main"};
    setup->bus = (struct setup_bus){.host = "",
                                    .port = 4222,
                                    .user = "",
                                    .password = {"", ""},
                                    .token = {"", ""},
                                    .nkey = {"", ""},
                                    .creds = {"", ""},
                                    .credential = {"", ""},
                                    .ca_file = "",
                                    .certificate_file = "",
                                    .key_file = "",
                                    .subject_disarm = "titan.cmd.operator.disarm.v1",
                                    .subject_arm = "titan.cmd.operator.arm.v1",
                                    .subject_policy_hash = "titan.req.exec.policy_hash.v1",
                                    .reply_ms = 250};
    setup->services = (struct setup_services){
        .execution = "",
        .brain = "",
        .marker = "",
        .safe_command = "",
        .policy_loaded = {{"Risk Policy Loaded. Hash: %H", "Loaded RiskPolicy (hash: %H"}, 2},
        .handshake_ok = {{"Policy hash handshake OK. Enabling signal processing. Hash: %H",
                          "Policy hash handshake OK"},
                         2},
        .handshake_failed = {{"CRITICAL: Policy hash handshake FAILED",
                              "Policy hash handshake FAILED"},
                             2},
        .handshake_lost = {{"Brain demoted to FOLLOWER"}, 1},
        .handshake_none = {{"Leader Election DISABLED"}, 1},
        .disarm_received = {{"Received DISARM command: %N"}, 1},
        .arm_received = {{"Received ARM command: %N"}, 1},
        .disarmed = {{"EXECUTION DISARMED: ", "Execution initialized DISARMED"}, 2},
        .armed = {{"EXECUTION ARMED: ", "Execution initialized in ARMED state"}, 2},
        .settle_ms = 20000};
    setup->verify = (struct setup_verify){.script = "", .log_lines = 100};
    setup->secrets = (struct setup_secrets){.patterns = {{"PASSWORD", "PASSWD", "SECRET", "KEY",
                                                          "TOKEN", "CREDENTIAL", "PRIVATE", "DSN"},
                                                         8},
                                            .value_bytes = 12};
    setup->guard_start = "auto";
    setup->command_ms = 30000;
}

/* The standard's own values (section numbers of the deployment standard; figures of its window and
 * limits). */
void draft_set_defaults(struct draft *draft)
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
                                     .service_start_ms = 300000,
                                     .preflight_ms = 1800000,
                                     .guard_pause_ms = 1800000,
                                     .guard_step_ms = 300000,
                                     .guard_margin_ms = 15000,
                                     .tenancy_ms = HOUR_MS};
    set_default_setup(&config->setup);
}
