#include "actions/compose/drift.h"
#include "journal/format/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char *drift_kind_name(enum drift_kind kind)
{
    switch (kind) {
    case DRIFT_INVALID:
        break;
    case DRIFT_MISSING:
        return "missing";
    case DRIFT_STOPPED:
        return "stopped";
    case DRIFT_EXTRA:
        return "extra";
    case DRIFT_IMAGE:
        return "image";
    case DRIFT_CONFIGURATION:
        return "configuration";
    case DRIFT_COMMIT:
        return "commit";
    case DRIFT_TREE:
        return "tree";
    case DRIFT_ENV_FILE:
        return "env file";
    case DRIFT_RENDERED:
        return "rendered";
    }
    return "invalid";
}

static void add_drift_line(struct drift *drift, enum drift_kind kind, bool unknown,
                           const char *where, const char *next, const char *format, ...)
    __attribute__((format(printf, 6, 7)));

static void add_drift_line(struct drift *drift, enum drift_kind kind, bool unknown,
                           const char *where, const char *next, const char *format, ...)
{
    if (drift->count == DRIFT_LINES_MAX) {
        drift->more++;
        return;
    }
    struct drift_line *line = &drift->list[drift->count++];
    va_list arguments;
    line->kind = kind;
    line->unknown = unknown;
    (void)snprintf(line->where, sizeof line->where, "%s", where);
    (void)snprintf(line->next, sizeof line->next, "%s", next);
    va_start(arguments, format);
    (void)vsnprintf(line->what, sizeof line->what, format, arguments);
    va_end(arguments);
}

/* Docker puts a slash in front of a container's name. */
static const char *without_slash(const char *name)
{
    return name[0] == '/' ? name + 1 : name;
}

/* Every running container of the service: while one replaces another, or where somebody scaled it,
 * the second one may be the wrong one. */
static void compare_image(const struct drift_terms *terms, const struct image *image,
                          struct drift *drift)
{
    const struct containers *containers = terms->containers;
    bool ends = declared_is_one_shot(declared_find(terms->declared, image->service));
    if (image->id[0] == '\0') {
        if (terms->pulled)
            add_drift_line(drift, DRIFT_IMAGE, true, terms->file, "a release pulls it",
                           "the image that service %s names (%.200s) is not on the target",
                           image->service, image->name);
        return;
    }
    for (size_t i = 0; i < containers->count; i++) {
        const struct container *container = &containers->list[i];
        if (strcmp(container->service, image->service) == 0
            && (container_runs(container) || (ends && container_ended_well(container)))
            && !image_is_of(image, container))
            add_drift_line(drift, DRIFT_IMAGE, false, terms->file,
                           "find out who moved the tag, or deploy by a release",
                           "service %s runs image %.19s instead of %.19s", image->service,
                           container->image, image->id);
    }
}

static void compare_configuration(const char *file, const struct configurations *configurations,
                                  const char *service, struct drift *drift)
{
    const struct configuration *configuration = configurations_find(configurations, service);
    if (configuration == NULL)
        add_drift_line(drift, DRIFT_CONFIGURATION, false, file, "report this",
                       "the configuration of service %s was not compared", service);
    else if (configuration->declared[0] == '\0')
        add_drift_line(drift, DRIFT_CONFIGURATION, true, file,
                       "use docker-compose 1.29, or docker compose from 2.23 on",
                       "compose cannot tell whether service %s runs as configured", service);
    else if (configuration->running[0] == '\0')
        add_drift_line(drift, DRIFT_CONFIGURATION, false, file, "remove it and deploy by a release",
                       "the container of service %s was not created by compose", service);
    else if (strcmp(configuration->declared, configuration->running) != 0)
        add_drift_line(
            drift, DRIFT_CONFIGURATION, false, file,
            "check the service and the env file; a release recreates it",
            "the container of service %s was created from another configuration than is declared "
            "now",
            service);
}

/* A service is all of its containers. */
static void compare_service(const struct drift_terms *terms, const struct image *image,
                            struct drift *drift)
{
    const char *service = image->service;
    const struct declared_row *row = declared_find(terms->declared, service);
    const struct container *container = containers_find(terms->containers, service);
    size_t present = declared_present(terms->declared, terms->containers, service);
    bool stopped = container != NULL && present == 0 && row->replicas > 0;
    if (container == NULL && row->replicas == 0)
        return;
    if (container == NULL)
        add_drift_line(drift, DRIFT_MISSING, false, terms->file,
                       "find out who removed it; a release brings it back",
                       "service %s is declared and does not run: it has no container", service);
    else if (stopped && declared_is_one_shot(row))
        add_drift_line(drift, DRIFT_STOPPED, false, terms->file, "read its log",
                       "service %s is to end with 0, and its container is %s with %lld", service,
                       container->state, (long long)container->exit_code);
    else if (stopped
             || (present == 1 && row->replicas == 1 && container_runs(container)
                 && strcmp(container->state, "running") != 0))
        add_drift_line(drift, DRIFT_STOPPED, false, terms->file,
                       "read its log; a release brings it back",
                       "service %s is declared and does not run: its container is %s", service,
                       container->state);
    else if ((int64_t)present < row->replicas)
        add_drift_line(drift, DRIFT_MISSING, false, terms->file,
                       "find out who removed the others; a release brings them back",
                       "of %lld container%s of service %s %zu run", (long long)row->replicas,
                       text_many((uint64_t)row->replicas), service, present);
    else if ((int64_t)present > row->replicas)
        add_drift_line(drift, DRIFT_EXTRA, false, terms->file,
                       "declare as many (deploy.replicas): a release removes the others",
                       "service %s runs in %zu container%s, and is declared to run in %lld",
                       service, present, text_many(present), (long long)row->replicas);
    if (container == NULL || stopped)
        return;
    compare_image(terms, image, drift);
    if (terms->configurations != NULL)
        compare_configuration(terms->file, terms->configurations, service, drift);
}

void drift_services(const struct drift_terms *terms, struct drift *drift)
{
    const struct containers *containers = terms->containers;
    for (size_t i = 0; i < terms->images->count; i++)
        compare_service(terms, &terms->images->list[i], drift);
    for (size_t i = 0; i < containers->count; i++)
        if (images_find(terms->images, containers->list[i].service) == NULL
            && !declared_find(terms->declared, containers->list[i].service)->off)
            add_drift_line(
                drift, DRIFT_EXTRA, false, without_slash(containers->list[i].name),
                "declare it in the compose file, or remove the container; a release removes it",
                "service %s runs and is not declared", containers->list[i].service);
}

/* Calls add_drift_line() for each line of text that is not empty; `skip` bytes in front are left
 * out. */
void drift_one_each(const struct setup_services *services, const struct containers *containers,
                    struct drift *drift)
{
    const char *const both[] = {services->execution, services->brain};
    for (size_t i = 0; i < sizeof both / sizeof both[0]; i++) {
        char names[240];
        size_t running = containers_running(containers, both[i]);
        containers_name_running(containers, both[i], names, sizeof names);
        if (both[i][0] != '\0' && running > 1)
            add_drift_line(drift, DRIFT_EXTRA, false, names, "stop all but one of them",
                           "%zu containers of service %s run, and only one may", running, both[i]);
    }
}

static void add_each_stray(const struct bytes *lines, size_t skip, enum drift_kind kind,
                           const char *next, const char *what, struct drift *drift)
{
    const char *at = (const char *)lines->data, *end = at + lines->size;
    while (at < end) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        size_t length = (size_t)((newline != NULL ? newline : end) - at);
        char name[200];
        (void)snprintf(name, sizeof name, "%.*s", (int)(length > skip ? length - skip : 0),
                       at + (length > skip ? skip : 0));
        if (name[0] != '\0')
            add_drift_line(drift, kind, false, kind == DRIFT_EXTRA ? without_slash(name) : name,
                           next, "%s", what);
        at += length + 1;
    }
}

void drift_strays(const struct bytes *names, struct drift *drift)
{
    add_each_stray(names, 0, DRIFT_EXTRA,
                   "remove it by hand: `up --remove-orphans` leaves it alone",
                   "the container carries the project's label and was not created by compose",
                   drift);
}

void drift_tree(const struct bytes *changes, const struct bytes *loose, struct drift *drift)
{
    add_each_stray(changes, 3, DRIFT_TREE, "commit it, or put it back with `git checkout`",
                   "a tracked file differs from the commit", drift);
    add_each_stray(loose, 0, DRIFT_TREE, "commit it or remove it",
                   "a file that no commit holds would be loaded by a plain `docker compose`",
                   drift);
}

void drift_branch(const struct git_state *git, const struct git_upstream *upstream,
                  const struct setup_repository *repository, struct drift *drift)
{
    char remote[200];
    (void)snprintf(remote, sizeof remote, "%.90s/%.90s", repository->remote, repository->branch);
    if (strcmp(git->branch, repository->branch) != 0)
        add_drift_line(drift, DRIFT_COMMIT, false, git->branch, "a release returns to the branch",
                       "the tree is not on branch %s", repository->branch);
    if (upstream->commit[0] == '\0')
        add_drift_line(drift, DRIFT_COMMIT, true, remote, "git fetch",
                       "the branch was never fetched, so HEAD (%.12s) cannot be compared with it",
                       git->commit);
    else if (upstream->ahead > 0)
        add_drift_line(drift, DRIFT_COMMIT, false, remote,
                       "push what was committed on the target, or go back",
                       "HEAD (%.12s) has %lld commit%s that the branch (%.12s) does not have",
                       git->commit, (long long)upstream->ahead,
                       text_many((uint64_t)upstream->ahead), upstream->commit);
    else if (upstream->behind > 0)
        add_drift_line(drift, DRIFT_COMMIT, false, remote, "deploy by a release",
                       "HEAD (%.12s) is %lld commit%s behind the branch as last fetched (%.12s)",
                       git->commit, (long long)upstream->behind,
                       text_many((uint64_t)upstream->behind), upstream->commit);
}

static bool is_other(const char *recorded, const char *now)
{
    return recorded[0] != '\0' && now[0] != '\0' && strcmp(recorded, now) != 0;
}

void drift_since(const struct drift_baseline *baseline, const char *commit, const char *config_hmac,
                 const char *env_hmac, const struct setup_compose *compose, struct drift *drift)
{
    const char *env_file = compose->env_file[0] != '\0' ? compose->env_file : "no env file";
    long long number = (long long)baseline->deployment;
    if (baseline->deployment == 0)
        return;
    if (is_other(baseline->commit, commit))
        add_drift_line(drift, DRIFT_COMMIT, false, "HEAD",
                       "find out who moved it; `titan-fsm log` names the deployments",
                       "HEAD is %.12s, and deployment %lld left %.12s", commit, number,
                       baseline->commit);
    if (baseline->env_hmac[0] != '\0' && env_hmac[0] == '\0')
        add_drift_line(
            drift, DRIFT_ENV_FILE, true, env_file, "the next deployment makes a new key",
            "it cannot be compared with the one of deployment %lld: the key in the state directory "
            "is gone, or another one",
            number);
    else if (is_other(baseline->env_hmac, env_hmac))
        add_drift_line(drift, DRIFT_ENV_FILE, false, env_file,
                       "find out who changed it; a release puts it into force",
                       "it was changed since deployment %lld", number);
    else if (is_other(baseline->config_hmac, config_hmac) && !is_other(baseline->commit, commit))
        add_drift_line(
            drift, DRIFT_RENDERED, false, compose->file,
            "look for variables of the shell, changed files and another version of compose",
            "the rendered configuration is not that of deployment %lld, though commit and env file "
            "are",
            number);
}

void drift_unrendered(const char *where, const char *what, struct drift *drift)
{
    add_drift_line(drift, DRIFT_RENDERED, true, where, "correct the file, then run drift again",
                   "%s", what);
}

const struct drift_line *drift_first_failing(const struct drift *drift)
{
    for (size_t i = 0; i < drift->count; i++)
        if (!drift->list[i].unknown || drift->list[i].kind != DRIFT_CONFIGURATION)
            return &drift->list[i];
    return NULL;
}

void drift_sentence(const struct drift *drift, char *ret_text, size_t capacity)
{
    size_t used = 0;
    ret_text[0] = '\0';
    for (size_t i = 0; i < drift->count && used + 1 < capacity; i++) {
        int length = snprintf(ret_text + used, capacity - used, "%s%s", i > 0 ? "; " : "",
                              drift->list[i].what);
        used += length > 0 ? (size_t)length : 0;
    }
}
