/* Whoever reaches the Docker daemon is root on the host: one declared service may, as root, and
 * nothing else. Looked for in the rendered configuration and in every container that runs. A path
 * is judged by what it leads to on the target: symbolic links followed, directories above a socket,
 * the same socket under another name (device and inode), a socket that passes on to the daemon (it
 * is asked), a volume that is a bind mount in disguise. The usual paths of a socket, and those
 * above them, count by their name: whether a daemon listens there just now is no matter. */
#include "actions/checklist/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actions/compose/compose_render.h"
#include "actions/checklist/listeners.h"
#include "actions/checklist/running.h"

enum { DOORS_MAX = 512, LOOK_MS = 60000 };

/* One path of the host that somebody was given. */
struct door {
    const char *source, *volume;
    char owner[200]; /* "docker-compose.prod.yml:17: titan-brain", "the container titan_brain_1" */
    bool allowed;    /* it is the declared service's */
    bool opens;
};

struct doors {
    struct door list[DOORS_MAX];
    size_t count;
    size_t declared_opens,
        running_opens; /* the declared service has it: by the configuration, in what runs */
    bool service_runs;
    /* the declared service's, by the configuration, at the path of a socket that is not there */
    const struct door *empty;
    size_t shut; /* directories of which only the path was judged */
};

static const char *const USUAL[] = {"/var/run/docker.sock", "/run/docker.sock",
                                    "/run/containerd/containerd.sock", "/run/podman/podman.sock"};

/* `look N PATH VOLUME` prints "N door WHAT", "N usual WHAT" (a socket's usual place, where none is
 * or may be seen), "N closed", "N shut" (a directory that may not be looked into: its path alone
 * was judged) or "N unknown". A socket that is mounted over a file of a directory is not seen by
 * `find`, which believes the directory: hence the table of mounts. */
static const char LOOK[] =
    "known() { i=$(stat -c %d:%i -- \"$1\" 2>/dev/null) || return 1; case \"\n$k\" in *\"\n$i \"*) "
    "return 0;; esac; return 1; }; "
    "leads() { known \"$1\" || timeout 2 $d -H \"unix://$1\" version >/dev/null 2>&1; }; "
    "inside() { printf '%s\\n' \"$k\" | while read -r i s; do case $s in \"${1%/}\"/*) echo "
    "\"$s\"; break;; esac; done; "
    "{ timeout 5 find \"$1\" -maxdepth 3 -type s 2>/dev/null | head -n 8; while read -r x m x; do "
    "case $m in \"${1%/}\"/*) [ ! -S \"$m\" ] || echo \"$m\";; esac; done "
    "< /proc/self/mounts; } | while IFS= read -r s; do if leads \"$s\"; then echo \"$s\"; break; "
    "fi; done; }; "
    "usual() { printf '%s\\n' \"$u\" | while IFS= read -r s; do case $s in \"$1\"|\"${1%/}\"/*) "
    "echo \"$s\"; break;; esac; done; }; "
    "look() { p=$2; if [ -n \"$3\" ]; then v=$($d volume inspect --format '{{if .Options}}{{index "
    ".Options \"device\"}}{{end}}' \"$3\" 2>/dev/null) || v=; "
    "case $v in /*) p=$v;; *) [ -r \"$p\" ] || { echo \"$1 closed\"; return; };; esac; fi; "
    "r=$(real \"$p\"); w=$(usual \"$r\"); w=${w:+usual $w}; "
    "case $(LC_ALL=C stat -L -- \"$p\" 2>&1 >/dev/null) in *'ermission denied'*) echo \"$1 "
    "${w:-unknown}\"; return;; esac; if [ -S \"$r\" ]; then if leads \"$r\"; then echo \"$1 door "
    "$r\"; return; fi; "
    "elif [ -d \"$r\" ]; then f=$(inside \"$r\" | head -n 1); if [ -n \"$f\" ]; then echo \"$1 "
    "door $f\"; return; fi; [ -r \"$r\" ] || { echo \"$1 ${w:-shut}\"; return; }; fi; echo \"$1 "
    "${w:-closed}\"; }; ";

static bool is_root(const char *user)
{
    size_t length = strcspn(user, ":");
    return length == 0 || (length == 4 && strncmp(user, "root", 4) == 0)
           || (length == 1 && user[0] == '0');
}

static struct door *add_door(struct doors *doors, const char *source, const char *volume,
                             bool allowed)
{
    if (doors->count == DOORS_MAX)
        return NULL;
    struct door *door = &doors->list[doors->count++];
    *door = (struct door){.source = source, .volume = volume, .allowed = allowed};
    return door;
}

/* A way to the daemon that needs no file: tcp, ssh, http. */
static bool is_remote(const char *value)
{
    return strncmp(value, "tcp://", 6) == 0 || strncmp(value, "ssh://", 6) == 0
           || strncmp(value, "http", 4) == 0;
}

static enum error_code read_declared(const struct check *check, const struct compose_view *view,
                                     struct doors *doors, struct complaints *complaints,
                                     struct error *error)
{
    const char *file = target_setup(check->target)->compose.file;
    enum error_code code = ERROR_OK;
    bool capacity = true;
    for (size_t i = 0; code == ERROR_OK && i < view->count; i++) {
        const struct compose_service *service = &view->services[i];
        bool allowed = strcmp(service->name, check->item->service) == 0;
        for (size_t j = 0; capacity && j < service->mount_count; j++) {
            struct door *door = add_door(doors, service->mounts[j].source, "", allowed);
            capacity = door != NULL;
            if (capacity)
                (void)snprintf(door->owner, sizeof door->owner, "%.90s:%d: %.80s", file,
                               service->mounts[j].line, service->name);
        }
        const struct compose_variable *host = compose_service_variable(service, "DOCKER_HOST");
        if (host != NULL && host->value != NULL && is_remote(host->value))
            code = complaints_add(complaints, error,
                                  "%s:%d: %s reaches a Docker daemon by DOCKER_HOST", file,
                                  host->line, service->name);
        for (size_t j = 0; code == ERROR_OK && j < service->variable_count; j++) {
            const struct compose_variable *variable = &service->variables[j];
            if (variable != host && variable->value != NULL
                && strncmp(variable->value, "tcp://", 6) == 0
                && (strstr(variable->value, ":2375") != NULL
                    || strstr(variable->value, ":2376") != NULL))
                code = complaints_add(complaints, error,
                                      "%s:%d: %s is given the port of a Docker daemon by %s", file,
                                      variable->line, service->name, variable->name);
        }
        if (code == ERROR_OK && service->privileged && !allowed)
            code = complaints_add(complaints, error,
                                  "%s:%d: %s is privileged, and so root on the host", file,
                                  service->privileged_line, service->name);
    }
    return code == ERROR_OK && !capacity
               ? complaints_add(complaints, error, "%s: more than %d mounts, too many to examine",
                                file, (int)DOORS_MAX)
               : code;
}

static enum error_code read_running(struct check *check, const struct running *running,
                                    struct doors *doors, struct complaints *complaints,
                                    struct error *error)
{
    enum error_code code = ERROR_OK;
    bool capacity = true;
    for (size_t i = 0; code == ERROR_OK && i < running->count; i++) {
        const struct running_container *container = &running->list[i];
        const char *name = check_foreign(check, container->name);
        bool allowed = strcmp(container->service, check->item->service) == 0;
        for (size_t j = 0; capacity && j < container->mount_count; j++) {
            struct door *door = add_door(doors, container->mounts[j].source,
                                         container->mounts[j].volume, allowed);
            capacity = door != NULL;
            if (capacity)
                (void)snprintf(door->owner, sizeof door->owner, "the running container %.150s",
                               name);
        }
        if (is_remote(container->docker_host))
            code = complaints_add(complaints, error,
                                  "the running container %s reaches a Docker daemon by DOCKER_HOST",
                                  name);
        if (code == ERROR_OK && container->privileged && !allowed)
            code = complaints_add(complaints, error,
                                  "the running container %s is privileged, and so root on the host",
                                  name);
        if (code == ERROR_OK && allowed && !is_root(container->user))
            code = complaints_add(complaints, error,
                                  "the running container %s runs as %s and not as root", name,
                                  check_foreign(check, container->user));
        doors->service_runs = doors->service_runs || allowed;
    }
    return code == ERROR_OK && !capacity ? complaints_add(
               complaints, error,
               "the running containers have more than %d mounts, too many to examine",
               (int)DOORS_MAX)
                                         : code;
}

static void add_look_script(struct text *script, const struct check *check,
                            const struct doors *doors)
{
    const struct setup_target *target = &target_setup(check->target)->target;
    const struct setup_list *sockets = &check->item->sockets;
    const char *own = strncmp(target->docker_host, "unix://", 7) == 0 ? target->docker_host + 7
                                                                      : "";
    text_add_format(script, "d='%s'; set --", target->docker);
    for (size_t i = 0; i < sizeof USUAL / sizeof USUAL[0] + sockets->count + 1; i++) {
        size_t declared = i - sizeof USUAL / sizeof USUAL[0];
        const char *path = i < sizeof USUAL / sizeof USUAL[0] ? USUAL[i]
                           : declared < sockets->count        ? sockets->items[declared]
                                                              : own;
        if (path[0] == '\0')
            continue;
        text_add(script, " ");
        text_add_quoted(script, path);
    }
    text_add_format(
        script,
        "; real() { readlink -m -- \"$1\" 2>/dev/null || readlink -f -- \"$1\" || printf "
        "'%%s\\n' \"$1\"; }; "
        "u=$(for s do printf '%%s\\n' \"$s\"; real \"$s\"; done); k=$(for s do p=$(real "
        "\"$s\") && [ -S \"$p\" ] && "
        "printf '%%s %%s\\n' \"$(stat -c %%d:%%i -- \"$p\")\" \"$p\"; done; echo)\n%s",
        LOOK);
    for (size_t i = 0; i < doors->count; i++) {
        text_add_format(script, "look %zu ", i);
        text_add_quoted(script, doors->list[i].source);
        text_add(script, " ");
        text_add_quoted(script, doors->list[i].volume);
        text_add(script, "; ");
    }
    text_add(script, ":");
}

/* One line a door, in their order; anything else is no answer. */
static enum error_code judge_doors(struct check *check, char *lines, struct doors *doors,
                                   struct complaints *complaints, struct complaints *unknown,
                                   struct error *error)
{
    enum error_code code = ERROR_OK;
    size_t at = 0;
    char *rest = NULL;
    for (char *line = strtok_r(lines, "\n", &rest); code == ERROR_OK && line != NULL;
         line = strtok_r(NULL, "\n", &rest)) {
        char *word;
        if (strtoul(line, &word, 10) != at || at >= doors->count || *word != ' ')
            break;
        struct door *door = &doors->list[at++];
        door->opens = strncmp(++word, "door ", 5) == 0;
        doors->shut += strcmp(word, "shut") == 0;
        bool runs = strncmp(door->owner, "the running", 11) == 0;
        if (door->opens && door->allowed)
            *(runs ? &doors->running_opens : &doors->declared_opens) += 1;
        else if (door->opens && strcmp(word + 5, door->source) == 0)
            code = complaints_add(complaints, error, "%s has the Docker socket: %s", door->owner,
                                  check_foreign(check, door->source));
        else if (door->opens)
            code = complaints_add(complaints, error, "%s has the Docker socket: %s leads to %s",
                                  door->owner, check_foreign(check, door->source),
                                  check_foreign(check, word + 5));
        else if (strncmp(word, "usual ", 6) == 0 && !door->allowed)
            code = complaints_add(complaints, error, "%s has %s, the place of a Docker socket: %s",
                                  door->owner, check_foreign(check, door->source),
                                  check_foreign(check, word + 6));
        else if (strncmp(word, "usual ", 6) == 0 && !runs)
            doors->empty = door;
        else if (strcmp(word, "unknown") == 0 && !door->allowed)
            code = complaints_add(unknown, error, "%s has %s, which the driver may not read",
                                  door->owner, check_foreign(check, door->source));
    }
    return code == ERROR_OK && at < doors->count
               ? complaints_add(unknown, error, "%s: %s could not be examined",
                                doors->list[at].owner, check_foreign(check, doors->list[at].source))
               : code;
}

/* Docker's own ports: who listens there passes on everything, without a file. */
static enum error_code look_for_ports(struct check *check, struct complaints *complaints,
                                      struct error *error)
{
    struct listeners listeners = {.count = 0};
    char name[LISTENER_NAME_MAX];
    enum error_code code = listeners_open(check->target, &listeners, error);
    for (size_t i = 0; code == ERROR_OK && i < listeners.count; i++) {
        const struct listener *listener = &listeners.list[i];
        if (listener->udp || (listener->port != 2375 && listener->port != 2376))
            continue;
        listener_name(listener, name, sizeof name);
        code = complaints_add(complaints, error,
                              "something listens on %s, the Docker daemon's own port: take tcp:// "
                              "from its -H or \"hosts\"",
                              name);
    }
    listeners_close(&listeners);
    return code;
}

/* Without a `user` the image decides, and it may not be there yet. */
static enum error_code judge_user(struct check *check, const struct compose_service *service,
                                  const struct doors *doors, struct complaints *complaints,
                                  struct complaints *unknown, struct error *error)
{
    const char *file = target_setup(check->target)->compose.file;
    if (service->user[0] != '\0')
        return is_root(service->user)
                   ? ERROR_OK
                   : complaints_add(complaints, error, "%s:%d: %s runs as %s and not as root", file,
                                    service->user_line, service->name,
                                    check_foreign(check, service->user));
    if (doors->service_runs) /* what runs was asked */
        return ERROR_OK;
    CLEANUP_TEXT struct text script = {0};
    CLEANUP_RESULT struct target_result result = {0};
    text_add_format(&script, "%s image inspect --format 'user={{.Config.User}}' ",
                    target_setup(check->target)->target.docker);
    text_add_quoted(&script, service->image);
    enum error_code code = check_run(check, &script, &result, error);
    if (code != ERROR_OK)
        return code;
    const char *said = result.output.size > 0 ? (const char *)result.output.data : "";
    char user[64] = "";
    if (result.status != 0 || strncmp(said, "user=", 5) != 0)
        return complaints_add(
            unknown, error,
            "%s:%d: whether %s runs as root is decided by its image, which is not "
            "there: write `user: root`",
            file, service->line, service->name);
    (void)snprintf(user, sizeof user, "%.*s", (int)strcspn(said + 5, "\n"), said + 5);
    return is_root(user)
               ? ERROR_OK
               : complaints_add(
                   complaints, error,
                   "%s:%d: %s runs as %s, its image's user, and not as root: write `user: root`",
                   file, service->line, service->name, check_foreign(check, user));
}

static enum error_code judge_service(struct check *check, const struct compose_view *view,
                                     const struct doors *doors, struct complaints *complaints,
                                     struct complaints *unknown, struct error *error)
{
    const char *file = target_setup(check->target)->compose.file;
    const struct compose_service *service = compose_view_service(view, check->item->service);
    if (service == NULL)
        return complaints_add(complaints, error,
                              "%s: there is no service %s, which alone has the Docker socket", file,
                              check->item->service);
    enum error_code code = ERROR_OK;
    if (doors->declared_opens == 0 && doors->empty != NULL)
        code =
            complaints_add(complaints, error,
                           "%s mounts %s, and there is no such socket on this host; see `sockets`",
                           doors->empty->owner, check_foreign(check, doors->empty->source));
    else if (doors->declared_opens == 0)
        code = complaints_add(complaints, error, "%s:%d: %s has no Docker socket of this host",
                              file, service->line, service->name);
    if (code == ERROR_OK && doors->service_runs && doors->running_opens == 0)
        code = complaints_add(complaints, error,
                              "%s runs without the Docker socket: bring it up again",
                              service->name);
    return code == ERROR_OK ? judge_user(check, service, doors, complaints, unknown, error) : code;
}

static enum error_code look_at_doors(struct check *check, struct doors *doors,
                                     struct complaints *complaints, struct complaints *unknown,
                                     struct error *error)
{
    CLEANUP_TEXT struct text script = {0};
    CLEANUP_RESULT struct target_result result = {0};
    add_look_script(&script, check, doors);
    enum error_code code = target_run(check->target,
                                      &(struct target_command){.built = &script,
                                                               .deadline_ms = LOOK_MS,
                                                               .output = OUTPUT_RAW},
                                      &result, error);
    check->span = result.span;
    char nothing[] = "";
    return code == ERROR_OK
               ? judge_doors(check, result.output.size > 0 ? (char *)result.output.data : nothing,
                             doors, complaints, unknown, error)
               : code;
}

enum error_code check_docker_socket(struct check *check, struct error *error)
{
    const struct compose_view *view;
    const struct running *running = NULL;
    CLEANUP_COMPLAINTS struct complaints complaints = {0}, unknown = {0};
    enum error_code code = check_view(check, &view, error);
    if (code == ERROR_OK && view != NULL)
        code = check_running(check, &running, error);
    if (code != ERROR_OK || running == NULL)
        return code;
    struct doors *doors = calloc(1, sizeof *doors);
    if (doors == NULL)
        return error_set(error, ERROR_MEMORY, 0, check->item->id, "", "out of memory");
    code = read_declared(check, view, doors, &complaints, error);
    if (code == ERROR_OK)
        code = read_running(check, running, doors, &complaints, error);
    if (code == ERROR_OK)
        code = look_at_doors(check, doors, &complaints, &unknown, error);
    if (code == ERROR_OK)
        code = look_for_ports(check, &complaints, error);
    if (code == ERROR_OK)
        code = judge_service(check, view, doors, &complaints, &unknown, error);
    size_t looked = doors->count, shut = doors->shut;
    free(doors);
    if (code != ERROR_OK)
        return code;
    if (complaints.count > 0)
        return check_say(check, PREFLIGHT_FAILED, error, "%s", (const char *)complaints.text.data);
    if (unknown.count > 0)
        return check_say(check, PREFLIGHT_UNDECIDED, error, "%s", (const char *)unknown.text.data);
    return check_say(check, PREFLIGHT_PASSED, error,
                     "only %s has the Docker socket, as root (%zu mounts of the configuration and "
                     "of what runs, %zu of them judged by their path alone)",
                     check->item->service, looked, shut);
}
