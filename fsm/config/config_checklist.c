#include "fsm/config/config_checklist.h"

#include <stdio.h>
#include <string.h>

/* Used if within_ms is not given: how long to wait, and how recent a sample or a line must be that
 * is scraped or shipped once a minute. */
enum { WAIT_MS = 10000, DOWNLOAD_MS = 30000, WAIT_MS_MAX = 120000, LOGS_RECENT_MS = 150000 };

const struct field checklist_fields[] = {
    FIELD("probe", NAME, struct checklist_words, probe),
    FIELD("advice", TEXT, struct checklist_words, check.advice),
    FIELD("mandatory", FLAG, struct checklist_words, check.mandatory),
    FIELD("key", NAME, struct checklist_words, check.key),
    FIELD_BOUND("minimum", NUMBER, struct checklist_words, check.minimum, 1, 4096),
    FIELD("command", TEXT, struct checklist_words, check.command),
    FIELD("variables", LIST, struct checklist_words, check.variables),
    FIELD("absent", SERVICES, struct checklist_words, check.absent),
    FIELD("service", SERVICE, struct checklist_words, check.service),
    FIELD("sockets", LIST, struct checklist_words, check.sockets),
    FIELD("ports", LIST, struct checklist_words, check.ports),
    FIELD("closed", LIST, struct checklist_words, check.closed),
    FIELD("address", TEXT, struct checklist_words, check.address),
    FIELD("url", TEXT, struct checklist_words, check.url),
    FIELD("ca_file", PATH, struct checklist_words, check.ca_file),
    FIELD("token_file", PATH, struct checklist_words, check.token_file),
    FIELD("text", TEXT, struct checklist_words, check.text),
    FIELD("subjects", LIST, struct checklist_words, check.subjects),
    FIELD("path", PLACE, struct checklist_words, check.path),
    FIELD("schedule", TEXT, struct checklist_words, check.schedule),
    FIELD_BOUND("hours", NUMBER, struct checklist_words, check.hours, 1, 24 * 366),
    FIELD("prometheus", TEXT, struct checklist_words, check.prometheus),
    FIELD("prometheus_query", TEXT, struct checklist_words, check.prometheus_query),
    FIELD("loki", TEXT, struct checklist_words, check.loki),
    FIELD("loki_query", TEXT, struct checklist_words, check.loki_query),
    FIELD_BOUND("within_ms", NUMBER, struct checklist_words, check.within_ms, 100, 24 * 3600000),
    FIELD("owner", NAME, struct checklist_words, check.owner),
    FIELD("examples", LIST, struct checklist_words, check.examples),
    FIELD("keys", LIST, struct checklist_words, check.keys),
    FIELD_END,
};

/* One row a probe: its word, its kind, the keys that it uses, and the advice for items without one.
 */
#define READS(keys) "probe advice mandatory" keys
static const struct {
    const char *word;
    enum check_kind kind;
    const char *reads, *advice;
} probes[] = {
    {"env_key_length", CHECK_ENV_KEY_LENGTH, READS(" key minimum"),
     "set the key in the env file, long enough"},
    {"env_same", CHECK_ENV_SAME, READS(" variables absent"),
     "give the services in `variables` the same value"},
    {"docker_socket", CHECK_DOCKER_SOCKET, READS(" service sockets"),
     "mount the Docker socket into the one service alone, and run that as root"},
    {"ports", CHECK_PORTS, READS(" ports closed address"),
     "close it, or declare it in `ports` of this item"},
    {"https", CHECK_HTTPS, READS(" url ca_file text within_ms"),
     "look at the server behind `url`, its certificate and its container"},
    {"websocket", CHECK_WEBSOCKET, READS(" url ca_file token_file text within_ms"),
     "look at the socket behind `url`, or see by hand that it connects"},
    {"heartbeat", CHECK_HEARTBEAT, READS(" subjects within_ms"),
     "look at the services that beat, and at the bus"},
    {"download", CHECK_DOWNLOAD, READS(" url ca_file token_file within_ms"),
     "look at what `url` gives, or see by hand that it downloads"},
    {"backups", CHECK_BACKUPS, READS(" path schedule hours"),
     "look at the backup's timer and at what it wrote last"},
    {"logs", CHECK_LOGS, READS(" prometheus prometheus_query loki loki_query within_ms"),
     "look at what ships the logs to Loki or Prometheus"},
    {"env_file_mode", CHECK_ENV_FILE_MODE, READS(" owner"),
     "chmod 600 the env file, and chown it to the deploying user"},
    {"env_committed", CHECK_ENV_COMMITTED, READS(" examples"),
     "remove the file from git and its history, and change every secret in it"},
    {"compose_renders", CHECK_COMPOSE_RENDERS, READS(""),
     "set every variable that the compose file needs"},
    {"password_text", CHECK_PASSWORD_TEXT, READS(" keys"),
     "begin the password with a letter that no number has"},
    {"tree_clean", CHECK_TREE_CLEAN, READS(""),
     "commit or remove the changes of the tree on the target"},
    {"command", CHECK_COMMAND, READS(" command"),
     "run the item's command on the target by hand, and fix what it reports"},
    {"attest", CHECK_ATTEST, READS(""), "look at it yourself"},
};

/* What a probe uses by default: the standard's own names and figures. */
static const struct setup_check plain = {
    .advice = "",
    .mandatory = true,
    .key = "",
    .minimum = 32,
    .command = "",
    .service = "titan-opsd",
    .address = "",
    .url = "",
    .ca_file = "",
    .token_file = "",
    .text = "",
    .path = "",
    .schedule = "titan_brain",
    .hours = 26,
    .prometheus = "",
    .prometheus_query = "up",
    .loki = "",
    .loki_query = "{job=~\".+\"}",
    .within_ms = 0,
    .owner = "",
    .variables = {{"titan-opsd=HMAC_SECRET", "titan-brain=HMAC_SECRET",
                   "titan-console-api=HMAC_SECRET"},
                  3},
    .ports = {{"22", "80", "443"}, 3},
    .closed = {{"3100"}, 1},
    .subjects = {{"titan.sys.heartbeat.v1.>"}, 1},
    .examples = {{".env.example"}, 1},
    .keys = {{"NATS*PASS*", "NATS*TOKEN*"}, 2},
};

/* Sections 2 and 5 of the deployment standard. */
static const struct {
    const char *id;
    enum check_kind kind;
    bool optional;
    const char *key, *url, *advice;
} standard_items[] = {
    {"master_password", CHECK_ENV_KEY_LENGTH, false, "TITAN_MASTER_PASSWORD", "",
     "set TITAN_MASTER_PASSWORD in the env file, at least 32 characters"},
    {"hmac_secret", CHECK_ENV_SAME, false, "", "",
     "give opsd, brain and console-api the same HMAC_SECRET"},
    {"docker_socket", CHECK_DOCKER_SOCKET, false, "", "",
     "mount the Docker socket into OpsD alone, and run that as root"},
    {"firewall", CHECK_PORTS, false, "", "", "open only 80 and 443; 3100 is internal"},
    {"console_loads", CHECK_HTTPS, false, "", "https://titan.peycheff.com",
     "look at Traefik, its certificate and the console's container"},
    {"dashboard_connected", CHECK_WEBSOCKET, false, "", "",
     "see that the dashboard shows 'Connected'"},
    {"live_ops", CHECK_HEARTBEAT, false, "", "", "see that heartbeats are visible in Live Ops"},
    {"export_evidence", CHECK_DOWNLOAD, false, "", "",
     "see that 'Export Evidence' triggers a download"},
    {"backups", CHECK_BACKUPS, false, "", "",
     "look at the backup's timer and at what it wrote last"},
    {"logs_drain", CHECK_LOGS, true, "", "", "look at what ships the logs to Loki or Prometheus"},
    {"env_file_mode", CHECK_ENV_FILE_MODE, false, "", "",
     "chmod 600 the env file, and chown it to the deploying user"},
    {"env_committed", CHECK_ENV_COMMITTED, false, "", "",
     "remove the file from git and its history, and change every secret in it"},
    {"compose_renders", CHECK_COMPOSE_RENDERS, false, "", "",
     "set every variable that the compose file needs"},
    {"nats_passwords", CHECK_PASSWORD_TEXT, false, "", "",
     "begin the password with a letter that no number has"},
    {"tree_clean", CHECK_TREE_CLEAN, false, "", "",
     "commit or remove the changes of the tree on the target"},
};

static void begin_with_standard(struct checklist_draft *draft)
{
    draft->begun = true;
    for (size_t i = 0; i < sizeof standard_items / sizeof standard_items[0]; i++) {
        struct setup_check check = plain;
        check.id = standard_items[i].id;
        check.kind = standard_items[i].kind;
        check.mandatory = !standard_items[i].optional;
        check.key = standard_items[i].key;
        check.url = standard_items[i].url;
        check.advice = standard_items[i].advice;
        draft->items[draft->count++] = (struct checklist_words){.check = check, .probe = ""};
    }
}

void *checklist_add(void *base, const char *name)
{
    struct checklist_draft *draft = base;
    if (!draft->begun && strcmp(draft->begins_with, "standard") == 0)
        begin_with_standard(draft);
    for (size_t i = 0; i < draft->count; i++)
        if (strcmp(draft->items[i].check.id, name) == 0)
            return &draft->items[i];
    if (draft->count == SETUP_CHECKS_MAX)
        return NULL;
    struct checklist_words *words = &draft->items[draft->count++];
    *words = (struct checklist_words){.check = plain, .probe = ""};
    words->check.id = name;
    return words;
}

const void *checklist_at(const void *base, size_t index, const char **ret_name,
                         const char **ret_keys)
{
    const struct checklist_draft *draft = base;
    if (index >= draft->count)
        return NULL;
    *ret_name = draft->items[index].check.id;
    for (size_t i = 0; i < sizeof probes / sizeof probes[0]; i++)
        if (probes[i].kind == draft->items[index].check.kind)
            *ret_keys = probes[i].reads;
    return &draft->items[index];
}

static enum error_code fail_item(const struct field_file *file, const char *key, const char *next,
                                 const char *what, const char *id, struct error *error)
{
    char at[160];
    (void)snprintf(at, sizeof at, "preflight/%s/%s", id, key);
    return field_file_fail(file, at, next, what, id, error);
}

/* The values in force are kept in the draft too, for config_show(). */
static enum error_code settle_item(const struct field_file *file, struct checklist_words *words,
                                   struct error *error)
{
    struct setup_check *check = &words->check;
    bool known = words->probe[0] == '\0';
    for (size_t i = 0; i < sizeof probes / sizeof probes[0]; i++)
        if (strcmp(probes[i].word, words->probe) == 0) {
            check->kind = probes[i].kind;
            known = true;
        }
    for (size_t i = 0; i < sizeof probes / sizeof probes[0]; i++)
        if (probes[i].kind == check->kind && check->advice[0] == '\0')
            check->advice = probes[i].advice;
    if (check->within_ms == 0)
        check->within_ms = check->kind == CHECK_LOGS       ? LOGS_RECENT_MS
                           : check->kind == CHECK_DOWNLOAD ? DOWNLOAD_MS
                                                           : WAIT_MS;
    if (check->kind == CHECK_INVALID || !known)
        return fail_item(file, "probe",
                         "fsm/config/titan.example.yml (installed below share/doc/titan-fsm) lists "
                         "the probes; `command` runs one of your own, `attest` asks a person",
                         "a checklist item names an unknown probe", check->id, error);
    if ((check->kind == CHECK_ENV_KEY_LENGTH && check->key[0] == '\0')
        || (check->kind == CHECK_COMMAND && check->command[0] == '\0'))
        return fail_item(file, check->kind == CHECK_COMMAND ? "command" : "key",
                         "give its `key`, or its `command`",
                         "a checklist item lacks what its probe needs", check->id, error);
    if (check->kind != CHECK_LOGS && check->within_ms > WAIT_MS_MAX)
        return fail_item(file, "within_ms", "write a within_ms of at most 120000",
                         "a checklist item would wait too long", check->id, error);
    for (size_t i = 0; i < sizeof probes / sizeof probes[0]; i++)
        if (probes[i].kind == check->kind)
            words->probe = probes[i].word;
    return ERROR_OK;
}

enum error_code checklist_settle(const struct field_file *file, struct checklist_draft *draft,
                                 struct setup *setup, struct error *error)
{
    bool standard = strcmp(draft->begins_with, "standard") == 0;
    if (!standard && strcmp(draft->begins_with, "own") != 0)
        return field_file_fail(
            file, "checklist",
            "write `checklist: standard` or `checklist: own`, before `preflight`",
            "the checklist is neither standard nor own", draft->begins_with, error);
    if (standard != draft->begun && draft->count > 0)
        return field_file_fail(file, "checklist", "move `checklist` before `preflight`",
                               "`checklist` comes after `preflight`", draft->begins_with, error);
    if (standard && !draft->begun)
        begin_with_standard(draft);
    for (size_t i = 0; i < draft->count; i++) {
        enum error_code code = settle_item(file, &draft->items[i], error);
        if (code != ERROR_OK)
            return code;
        setup->checks[setup->check_count++] = draft->items[i].check;
    }
    return ERROR_OK;
}
