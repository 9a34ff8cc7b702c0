/* actions/target/setup: what the outside world of one target looks like, as plain data.
 * fsm/config/config fills it from titan.yml; every action reads its part. Knows names, addresses
 * and patterns; no secret (it names where a secret lies) and no state.
 * Ownership: strings belong to fsm/config/config, which filled it, and outlive every action. NULL
 *            never; "" = not configured.
 * Units:     milliseconds (_ms), bytes. */
#ifndef ACTIONS_SETUP_H
#define ACTIONS_SETUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SETUP_NAMES_MAX = 32, SETUP_PATTERNS_MAX = 16, SETUP_CHECKS_MAX = 48 };

struct setup_list {
    const char *items[SETUP_NAMES_MAX];
    size_t count;
};

struct setup_target {
    const char *name; /* titan-prod */
    bool local;       /* run here instead of over ssh */
    const char *host; /* ssh */
    int port;         /* 22 = that of ssh_config, where it names one */
    const char *user;
    const char *identity;    /* key file, private or public; "" = agent or ssh_config's own */
    const char *known_hosts; /* "" = ~/.ssh/known_hosts */
    const char *ssh_config;  /* "" = none is read */
    const char *directory;   /* /opt/titan, absolute, on the target */
    /* absolute, or relative to directory: deploy.lock, deployment.json, drift key, pins */
    const char *state;
    const char *docker;      /* docker program on the target */
    const char *docker_host; /* DOCKER_HOST for it, "" = its own default */
};

struct setup_compose {
    const char
        *command;     /* "auto" (docker compose, else docker-compose), or the words of a command */
    const char *file; /* docker-compose.prod.yml, relative to directory */
    /* where there are several: each over those before it; `file` is the first */
    struct setup_list files;
    const char *env_file; /* .env.prod, "" = none */
    const char *project;  /* compose project name, "" = compose's own default */
    /* services brought up one after the other before the full up (Execution before Brain) */
    struct setup_list order;
};

struct setup_repository {
    const char *remote;             /* origin */
    const char *branch;             /* main */
    struct setup_list policy_files; /* paths whose change belongs to the policy procedure */
};

/* Who one is on the bus. The credential of NKEY is the seed, and `user` its public key; that of
 * CREDENTIALS is a `.creds` text with JWT and seed. */
enum bus_login {
    BUS_LOGIN_NONE = 0,
    BUS_LOGIN_PASSWORD,
    BUS_LOGIN_TOKEN,
    BUS_LOGIN_NKEY,
    BUS_LOGIN_CREDENTIALS,
};
/* Where a credential lies: a file of the driver's machine with mode 0600, or a key of the env file
 * on the target. At most one of both; both "" = none. */
struct setup_credential {
    const char *file, *key;
};

struct setup_bus {
    const char *host; /* as seen from the target; "" = there is no bus */
    int port;
    struct setup_list servers; /* further ones, HOST:PORT, tried in this order behind it */
    const char *user;
    struct setup_credential password, token, nkey, creds; /* as configured, at most one */
    enum bus_login login;                                 /* which of them */
    struct setup_credential credential;                   /* that one */
    bool tls;
    /* on the driver's machine, PEM; "" = the system's authorities; no client certificate. The key
     * has mode 0600. */
    const char *ca_file, *certificate_file, *key_file;
    const char *subject_disarm, *subject_arm, *subject_policy_hash;
    int64_t reply_ms; /* how long further answers are waited for after the first */
};

/* Literal text matched at the start of a message; %H = 64 hex digits, %N = the nonce
 * (journal/FORMAT.md, "Reading it"). */
struct setup_patterns {
    const char *items[SETUP_PATTERNS_MAX];
    size_t count;
};

struct setup_services {
    const char *execution, *brain; /* names in the compose file; both "" = no shared policy hash */
    const char *safe_command;      /* stops Execution where bus and removal do not, "" = none */
    const char *marker; /* path of the armed marker in Execution's container, "" = not probed */
    struct setup_patterns policy_loaded, handshake_ok, handshake_failed, handshake_lost,
        handshake_none, disarm_received, arm_received, disarmed, armed, errors;
    struct setup_list restarts_allowed; /* services that restart by design */
    int64_t settle_ms;                  /* how long start-up and interlock lines are waited for */
};

enum health_kind { HEALTH_INVALID = 0, HEALTH_HTTP, HEALTH_CONTAINER, HEALTH_EXEC };

struct setup_endpoint {
    const char *name;
    enum health_kind kind;
    const char *url; /* http(s)://host:port/path as seen from the target; host "service:NAME" = that
                        service's container address */
    const char *ca_file; /* HTTP: on this machine, the one authority that counts; "" = the
                            system's */
    const char *socket;  /* HTTP: path of a unix socket on the target, absolute; "" = host and port
                            of the url */
    const char *service; /* CONTAINER, EXEC */
    const char *exec;    /* EXEC: words run in the container, status 0 is good */
    /* HTTP: words of the body's `status`; both empty = those of the common frameworks */
    struct setup_list healthy, degraded;
};

/* One item of the checklist. A probe reads the fields that are its own;
 * fsm/config/titan.example.yml lists them by probe. */
enum check_kind {
    CHECK_INVALID = 0,
    CHECK_ENV_KEY_LENGTH,
    CHECK_ENV_SAME,
    CHECK_DOCKER_SOCKET,
    CHECK_PORTS,
    CHECK_HTTPS,
    CHECK_WEBSOCKET,
    CHECK_HEARTBEAT,
    CHECK_DOWNLOAD,
    CHECK_BACKUPS,
    CHECK_LOGS,
    CHECK_ENV_FILE_MODE,
    CHECK_ENV_COMMITTED,
    CHECK_COMPOSE_RENDERS,
    CHECK_PASSWORD_TEXT,
    CHECK_TREE_CLEAN,
    CHECK_COMMAND,
    CHECK_ATTEST,
    CHECK_COUNT,
};

struct setup_check {
    const char *id;
    enum check_kind kind;
    const char *advice; /* what the operator should do when it fails */
    bool mandatory;
    const char *key;             /* env_key_length: key of the env file */
    int64_t minimum;             /* env_key_length: characters */
    const char *command;         /* command: run on the target, status 0 passes */
    struct setup_list variables; /* env_same: "SERVICE=VARIABLE" */
    struct setup_list
        absent;          /* env_same: services of `variables` that are declared not to be there */
    const char *service; /* docker_socket: the one that may have it */
    /* docker_socket: paths on the host that lead to the daemon, besides the usual ones */
    struct setup_list sockets;
    struct setup_list ports; /* ports: those that may be open, "443" or "443/udp", ssh among them */
    struct setup_list
        closed;          /* ports: those that must refuse a connection from the operator's side */
    const char *address; /* ports: where the operator's side tries, "" = the target's own host */
    /* https, websocket, download: as the operator's browser would ask; websocket is wss:// or ws://
     */
    const char *url;
    const char
        *ca_file; /* the one authority that counts, on the driver's machine; "" = the system's */
    /* websocket, download: a bearer token, on the driver's machine, mode 0600; "" = none */
    const char *token_file;
    const char *text; /* https, websocket: what the page, or the first message, must contain, "" =
                         anything */
    struct setup_list subjects; /* heartbeat: a message must arrive on each */
    const char *path;           /* backups: directory on the target */
    const char *schedule;       /* backups: what a line of the schedule must contain */
    int64_t hours;              /* backups: the newest is younger */
    const char *prometheus, *prometheus_query; /* logs: base address as seen from the target, "" =
                                                  not configured; the query is a selector */
    const char *loki, *loki_query;             /* the query selects lines */
    int64_t
        within_ms; /* https, websocket, download, heartbeat: how long is waited; logs: how recent */
    const char *owner; /* env_file_mode: user name, "" = the user as whom the driver logs in */
    struct setup_list examples; /* env_committed: names that are declared examples */
    struct setup_list
        keys; /* password_text: keys of the env file, '*' stands for anything; at most 8 */
};

/* What must never be recorded or printed: values of the env file by the form of their key, or by
 * their length, and the tool's own credentials. */
struct setup_secrets {
    struct setup_list patterns; /* a key that contains one of them, without regard to case */
    int64_t value_bytes;        /* any value of so many bytes is taken for a secret too */
};

struct setup_verify {
    const char *script; /* run on the target in directory, "" = none */
    int64_t log_lines;
};

struct setup {
    struct setup_target target;
    struct setup_compose compose;
    struct setup_repository repository;
    struct setup_bus bus;
    struct setup_services services;
    struct setup_endpoint endpoints[SETUP_NAMES_MAX];
    size_t endpoint_count;
    struct setup_check checks[SETUP_CHECKS_MAX];
    size_t check_count;
    struct setup_verify verify;
    struct setup_secrets secrets;
    /* who starts the dead-man guard: auto, systemd, cron, process, or none (no guard is laid) */
    const char *guard_start;
    int64_t command_ms;      /* deadline of an ordinary remote command */
    size_t output_bytes_max; /* cap of what one command may print */
};

#endif
